# ff-sim: the rooms with loop_sim.c in the place of core/loop, and store-memory within.
# The archive's loop is never pulled in: every function of loop.h is defined here.
add_executable(ff-sim ${sim_files})
target_link_libraries(ff-sim PRIVATE ff_flags ff_relaxed plugin_store-memory ff_node)
target_link_options(ff-sim PRIVATE -Wl,--wrap=nanosleep,--wrap=store_commit)
set_target_properties(ff-sim PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

set(sim_dir ${CMAKE_CURRENT_SOURCE_DIR}/sim)
ff_add_test(sim.seeds sim ff-sim --corpus ${sim_dir}/seeds.txt --seconds 45 --cover)
ff_add_test(sim.same sim sh ${sim_dir}/same.sh $<TARGET_FILE:ff-sim>)
