# The commit that the program was built from, asked at each build: `flowforge version`.
# Run with -P it writes the header, and touches it only when the commit is another one.
if(CMAKE_SCRIPT_MODE_FILE)
  execute_process(COMMAND git -C ${SOURCE} rev-parse --short=12 HEAD
    OUTPUT_VARIABLE id OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(failed)
    set(id unknown)
  endif()
  file(CONFIGURE OUTPUT ${HEADER} CONTENT "#define FLOWFORGE_GIT \"${id}\"\n")
  return()
endif()

set(ff_git_header ${CMAKE_BINARY_DIR}/generated/ff_git_id.h)
add_custom_target(ff_git_id
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${CMAKE_SOURCE_DIR} -DHEADER=${ff_git_header}
    -P ${CMAKE_CURRENT_LIST_FILE}
  BYPRODUCTS ${ff_git_header})
add_dependencies(ff_cli ff_git_id)
target_include_directories(ff_cli PRIVATE ${CMAKE_BINARY_DIR}/generated)
target_compile_definitions(ff_cli PRIVATE FF_HAS_GIT_ID)
