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
get_property(programs GLOBAL PROPERTY FF_PROGRAMS)
add_dependencies(ff-alloc ${programs})
ff_add_test(alloc.points alloc ff-alloc --points 8)
set_tests_properties(alloc.points PROPERTIES TIMEOUT 600)
