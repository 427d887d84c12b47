# The ceilings: bench/limits/NAME.c becomes bench/limits/NAME of the build directory.
file(GLOB ff_limits CONFIGURE_DEPENDS bench/limits/*.c)
foreach(file ${ff_limits})
  cmake_path(GET file STEM name)
  if(name STREQUAL "slowsync")
    add_library(limit.${name} MODULE ${file})
    target_compile_definitions(limit.${name} PRIVATE _GNU_SOURCE)
    set_target_properties(limit.${name} PROPERTIES PREFIX "" C_VISIBILITY_PRESET default
      OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench/limits)
    target_link_libraries(limit.${name} PRIVATE ${CMAKE_DL_LIBS})
    continue()
  endif()
  add_executable(limit.${name} ${file})
  set_target_properties(limit.${name} PROPERTIES OUTPUT_NAME ${name}
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench/limits)
  if(name STREQUAL "nothing")
    target_compile_options(limit.${name} PRIVATE -O2 -fno-stack-protector -fno-pie)
    target_link_options(limit.${name} PRIVATE -static -nostdlib -no-pie)
    set_target_properties(limit.${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    continue()
  endif()
  target_link_libraries(limit.${name} PRIVATE
    ff_flags ff_relaxed ff::sqlite ff::pq Threads::Threads ${CMAKE_DL_LIBS})
endforeach()
