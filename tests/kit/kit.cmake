# The conformance kit judged: tests/kit/broken/KIND_RULE.c are drivers that break one rule
# each. A comment in the file says which, and what it is made of:
#
#   /* breaks: store/guards/put-absent
#    * over: store-memory */
#
# `keeps` in the place of `breaks` names a check that the driver passes: for functions that
# no driver of ours has. `over` names a driver of plugins/, linked in with its entry renamed to `correct`, or is
# left out by a driver that stands alone. broken_KIND.h has what those of a kind share.
#
# tests/kit/correct/NAME*.c are drivers too: correct ones, for capabilities that none of
# plugins/ has.
set(kit_broken_dir ${CMAKE_CURRENT_SOURCE_DIR}/kit/broken)
set(kit_broken_output ${CMAKE_BINARY_DIR}/tests/kit)
add_custom_target(kit-drivers)

function(kit_own_sources out name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kit/correct/${name}*.c)
  set(${out} ${sources} PARENT_SCOPE)
endfunction()

# kit_correct(NAME): the driver NAME as a library with the function `correct`.
function(kit_correct name)
  if(TARGET kit-correct-${name})
    return()
  endif()
  kit_own_sources(sources ${name})
  if(sources)
    add_library(kit-correct-${name} STATIC ${sources})
    target_compile_definitions(kit-correct-${name} PRIVATE ff_driver_entry=correct)
    target_include_directories(kit-correct-${name} PRIVATE
      ${CMAKE_SOURCE_DIR}/sdk/driver/include)
    target_link_libraries(kit-correct-${name} PRIVATE ff_flags ff_relaxed)
    return()
  endif()
  get_target_property(sources plugin_${name} SOURCES)
  add_library(kit-correct-${name} STATIC ${sources})
  target_compile_definitions(kit-correct-${name} PRIVATE ff_driver_entry=correct)
  get_target_property(includes plugin_${name} INTERFACE_INCLUDE_DIRECTORIES)
  get_target_property(libs plugin_${name} INTERFACE_LINK_LIBRARIES)
  # Public: a file may take the place of one of the driver's own, and include it.
  target_include_directories(kit-correct-${name} PUBLIC ${includes})
  target_link_libraries(kit-correct-${name} PRIVATE ff_flags)
  if(libs)
    target_link_libraries(kit-correct-${name} PUBLIC ${libs})
  endif()
endfunction()

# kit_module(NAME FILE...): a driver in the folder of the broken ones.
function(kit_module name)
  add_library(kit-${name} MODULE ${ARGN})
  target_include_directories(kit-${name} PRIVATE ${CMAKE_SOURCE_DIR}/sdk/driver/include)
  target_link_libraries(kit-${name} PRIVATE ff_flags ff_relaxed Threads::Threads)
  set_target_properties(kit-${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
    LIBRARY_OUTPUT_DIRECTORY ${kit_broken_output})
  target_link_options(kit-${name} PRIVATE -Wl,--version-script=${FF_DRIVER_MAP})
  add_dependencies(kit-drivers kit-${name})
endfunction()

function(kit_broken file)
  cmake_path(GET file STEM name)
  kit_module(${name} ${file})
  file(STRINGS ${file} over REGEX "^ \\* over: ")
  if(over MATCHES "over: ([a-z0-9-]+)")
    kit_correct(${CMAKE_MATCH_1})
    target_link_libraries(kit-${name} PRIVATE kit-correct-${CMAKE_MATCH_1})
  endif()
endfunction()

kit_own_sources(kit_shared queue-shared)
kit_module(queue-shared ${kit_shared})
file(GLOB kit_broken_files CONFIGURE_DEPENDS ${kit_broken_dir}/*.c)
foreach(file ${kit_broken_files})
  kit_broken(${file})
endforeach()
# The driver that others begin with, as they would build it.
add_library(kit-template MODULE ${CMAKE_SOURCE_DIR}/sdk/driver/templates/auth/auth_sample.c)
target_compile_definitions(kit-template PRIVATE DRIVER_VERSION="1.0")
target_include_directories(kit-template PRIVATE ${CMAKE_SOURCE_DIR}/sdk/driver/include)
target_link_libraries(kit-template PRIVATE ff_flags)
target_link_options(kit-template PRIVATE -Wl,--version-script=${FF_DRIVER_MAP})
set_target_properties(kit-template PROPERTIES PREFIX "" OUTPUT_NAME template-auth-sample
  LIBRARY_OUTPUT_DIRECTORY ${kit_broken_output})
add_dependencies(kit-drivers kit-template ${ff_plugins})
ff_script_folder(kit kit)
