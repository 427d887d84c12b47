# ff-sim: the rooms with loop_sim.c in the place of core/loop, and two stores within.
# The archive's loop is never pulled in: every function of loop.h is defined here.
#
# Each driver calls its entry ff_driver_entry; of the second one it has another name.
get_target_property(lite_sources plugin_store-sqlite SOURCES)
add_library(sim_store-sqlite OBJECT EXCLUDE_FROM_ALL ${lite_sources})
target_include_directories(sim_store-sqlite PUBLIC ${CMAKE_SOURCE_DIR}/plugins/store-sqlite
  ${CMAKE_SOURCE_DIR}/sdk/driver/include)
target_compile_definitions(sim_store-sqlite PRIVATE ff_driver_entry=lite_driver_entry)
target_link_libraries(sim_store-sqlite PRIVATE ff_flags PUBLIC ff::sqlite Threads::Threads)

file(GLOB sim_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.c)
add_executable(ff-sim EXCLUDE_FROM_ALL ${sim_files})
target_link_libraries(ff-sim PRIVATE ff_flags ff_relaxed plugin_store-memory
  sim_store-sqlite ff_node)
set(sim_wrapped nanosleep usleep store_commit flow_parse
  # What core/node asks of other rooms: host_sim.c.
  control_result control_cancel_loaded exec_settled exec_abandon trigger_wake
  trigger_run_ending driver_chain_new zones_find node_clock_open)
list(TRANSFORM sim_wrapped PREPEND -Wl,--wrap=)
target_link_options(ff-sim PRIVATE ${sim_wrapped})
set_target_properties(ff-sim PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
