# The tests that ff-sim runs as.
include(${CMAKE_CURRENT_LIST_DIR}/program.cmake)
set_target_properties(ff-sim PROPERTIES EXCLUDE_FROM_ALL OFF)

set(sim_dir ${CMAKE_CURRENT_SOURCE_DIR}/sim)
# Not fresh ones: of these about one in 1,400 fails still; docs/reliability.md says more.
ff_add_test(sim.seeds sim ff-sim --corpus ${sim_dir}/seeds.txt --seconds 45 --cover
  --from 110000000)
set_tests_properties(sim.seeds PROPERTIES TIMEOUT 360)
ff_add_test(sim.same sim sh ${sim_dir}/same.sh $<TARGET_FILE:ff-sim>)
ff_add_test(sim.stores sim sh ${sim_dir}/stores.sh $<TARGET_FILE:ff-sim>)
