# ff-alloc: the whole program with a gate in front of malloc; see alloc/main.c. The gate
# takes malloc's place, which gcc's sanitizer allows and clang's, linked in, does not.
if(FLOWFORGE_FLAVOUR STREQUAL "tsan" OR
   (FF_SANITIZE AND NOT CMAKE_C_COMPILER_ID STREQUAL "GNU"))
  return()
endif()
file(GLOB alloc_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.c)
add_executable(ff-alloc ${alloc_files} ${CMAKE_SOURCE_DIR}/plugins/runtime-local/calls.c
  ${CMAKE_SOURCE_DIR}/plugins/runtime-local/wire.c)
target_include_directories(ff-alloc PRIVATE ${CMAKE_SOURCE_DIR}/plugins/runtime-local)
target_link_libraries(ff-alloc PRIVATE ff_flags ff_relaxed ff_cli ff::sqlite)
set_target_properties(ff-alloc PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
# The supervisor is a program of its own, started by the driver: one with the same gate.
add_executable(supervisor-gate ${CMAKE_CURRENT_LIST_DIR}/supervisor/attach.c
  ${CMAKE_CURRENT_LIST_DIR}/gate.c $<TARGET_PROPERTY:flowforge-supervisor,SOURCES>)
target_include_directories(supervisor-gate PRIVATE
  $<TARGET_PROPERTY:flowforge-supervisor,INCLUDE_DIRECTORIES>)
target_link_libraries(supervisor-gate PRIVATE ff_flags ff_relaxed Threads::Threads)
set_target_properties(supervisor-gate PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_compile_definitions(ff-alloc PRIVATE
  FF_SUPERVISOR="$<TARGET_FILE:supervisor-gate>")

get_property(programs GLOBAL PROPERTY FF_PROGRAMS)
add_dependencies(ff-alloc ${programs} supervisor-gate)
ff_add_test(alloc.points alloc ff-alloc --points 8)
if(FF_SANITIZE) # who else would see a leak
  ff_add_test(alloc.control alloc ff-alloc --control)
endif()
set_tests_properties(alloc.points PROPERTIES TIMEOUT 600)
