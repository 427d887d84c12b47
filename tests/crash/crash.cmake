# The crash harness: see docs/reliability.md. crash_point.c goes into programs of any flavour
# by LD_PRELOAD, so it has no sanitizers of its own.
add_library(crash-point MODULE ${CMAKE_CURRENT_LIST_DIR}/crash_point.c)
target_compile_definitions(crash-point PRIVATE _GNU_SOURCE)
target_compile_options(crash-point PRIVATE -O1 -Wall -Wextra -Wpedantic -Wshadow
  -Wconversion -Wstrict-prototypes -Werror)
set_target_properties(crash-point PROPERTIES PREFIX "" C_VISIBILITY_PRESET default
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
ff_script_folder(crash crash)
