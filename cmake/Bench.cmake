# Benchmarks: bench/NAME.c becomes bench/NAME of the build directory, in the release
# flavour only. bench/bench.cmake, where there is one, adds what needs more than that.
if(FLOWFORGE_FLAVOUR STREQUAL "release")
  file(GLOB ff_bench_files CONFIGURE_DEPENDS bench/*.c)
  foreach(file ${ff_bench_files})
    cmake_path(GET file STEM name)
    add_executable(bench.${name} ${file})
    target_link_libraries(bench.${name} PRIVATE ff_flags ff_relaxed ff_cli)
    set_target_properties(bench.${name} PROPERTIES OUTPUT_NAME ${name}
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  endforeach()
  include(bench/bench.cmake OPTIONAL)
endif()
