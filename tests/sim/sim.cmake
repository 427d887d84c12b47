# The tests that ff-sim runs as.
include(${CMAKE_CURRENT_LIST_DIR}/program.cmake)
set_target_properties(ff-sim PROPERTIES EXCLUDE_FROM_ALL OFF)

set(sim_dir ${CMAKE_CURRENT_SOURCE_DIR}/sim)
# Not fresh ones: of these about one in 5,000 failed still; docs/reliability.md says more.
# How many seeds 45 s are depends on the machine, so that each edge has been met is
# judged by the 2,000 of `make test`.
ff_add_test(sim.seeds sim ff-sim --corpus ${sim_dir}/seeds.txt --seconds 45
  --from 110000000)
set_tests_properties(sim.seeds PROPERTIES TIMEOUT 360)
ff_add_test(sim.same sim sh ${sim_dir}/same.sh $<TARGET_FILE:ff-sim>)
ff_add_test(sim.stores sim sh ${sim_dir}/stores.sh $<TARGET_FILE:ff-sim>)
