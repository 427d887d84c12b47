# The tests that ff-sim runs as.
include(${CMAKE_CURRENT_LIST_DIR}/program.cmake)
set_target_properties(ff-sim PROPERTIES EXCLUDE_FROM_ALL OFF)

set(sim_dir ${CMAKE_CURRENT_SOURCE_DIR}/sim)
# How many seeds 45 s are depends on the machine, so that each edge has been met is
# judged by the 3,000 fresh ones of `make test`.
ff_add_test(sim.seeds sim ff-sim --corpus ${sim_dir}/seeds.txt --seconds 45
  --from 110000000)
ff_add_test(sim.same sim sh ${sim_dir}/same.sh $<TARGET_FILE:ff-sim>)
set_tests_properties(sim.seeds sim.same PROPERTIES TIMEOUT 360)
ff_add_test(sim.stores sim sh ${sim_dir}/stores.sh $<TARGET_FILE:ff-sim>)
# Processes of several hosts: seeds that are known, since fresh ones are for campaigns.
ff_add_test(sim.hosts sim ff-sim --hosts --seeds 60 --from 1 --quiet)
set_tests_properties(sim.hosts PROPERTIES TIMEOUT 360)
