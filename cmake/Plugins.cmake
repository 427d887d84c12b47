# Drivers: plugins/NAME/*.c becomes lib/flowforge/NAME.so, which exports ff_driver_entry
# alone and is linked to nothing of ours. plugins/NAME/supervisor/*.c becomes the program
# flowforge-supervisor beside it.
#
# plugins/NAME/plugin.cmake, where there is one, may set
#   PLUGIN_LIBS      libraries of the system
#   PLUGIN_SOURCES   further sources, such as helpers that two drivers share
#   PLUGIN_SKIP      why this driver cannot be built here; it is left out with a message
#   SUPERVISOR_LIBS, SUPERVISOR_SOURCES   the same for the supervisor

set(FF_DRIVER_MAP ${CMAKE_SOURCE_DIR}/sdk/driver/driver.map)

function(ff_plugin_module name)
  # The objects are a target of their own so that the unit tests can reach what the
  # module hides.
  add_library(plugin_${name} OBJECT ${ARGN})
  target_include_directories(plugin_${name} PUBLIC ${CMAKE_SOURCE_DIR}/plugins/${name}
    ${CMAKE_SOURCE_DIR}/sdk/driver/include)
  target_link_libraries(plugin_${name} PRIVATE ff_flags PUBLIC ${PLUGIN_LIBS})

  add_library(${name} MODULE)
  target_link_libraries(${name} PRIVATE plugin_${name} ff_flags)
  set_target_properties(${name} PROPERTIES PREFIX "" LINKER_LANGUAGE C
    LIBRARY_OUTPUT_DIRECTORY ${FF_DRIVER_OUTPUT_DIR})
  if(EXISTS ${FF_DRIVER_MAP})
    target_link_options(${name} PRIVATE -Wl,--version-script=${FF_DRIVER_MAP})
    set_property(TARGET ${name} PROPERTY LINK_DEPENDS ${FF_DRIVER_MAP})
  endif()
  # clang leaves the sanitizers' symbols of a module to the program that loads it.
  if(NOT (FF_SANITIZE AND CMAKE_C_COMPILER_ID MATCHES Clang))
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  install(TARGETS ${name} LIBRARY DESTINATION ${FF_DRIVER_DIR})
  set_property(GLOBAL APPEND PROPERTY FF_PROGRAMS ${name})
endfunction()

function(ff_plugin_supervisor name)
  add_executable(flowforge-supervisor ${ARGN})
  target_include_directories(flowforge-supervisor PRIVATE
    ${CMAKE_SOURCE_DIR}/plugins/${name} ${CMAKE_SOURCE_DIR}/sdk/driver/include)
  target_link_libraries(flowforge-supervisor PRIVATE ff_flags ${SUPERVISOR_LIBS})
  set_target_properties(flowforge-supervisor PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${FF_DRIVER_OUTPUT_DIR})
  install(TARGETS flowforge-supervisor RUNTIME DESTINATION ${FF_DRIVER_DIR})
  set_property(GLOBAL APPEND PROPERTY FF_PROGRAMS flowforge-supervisor)
endfunction()

function(ff_plugin name)
  set(dir ${CMAKE_SOURCE_DIR}/plugins/${name})
  include(${dir}/plugin.cmake OPTIONAL)
  if(PLUGIN_SKIP)
    message(STATUS "${name} is left out: ${PLUGIN_SKIP}")
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.c)
  if(sources)
    ff_plugin_module(${name} ${sources} ${PLUGIN_SOURCES})
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${dir}/supervisor/*.c)
  if(sources)
    ff_plugin_supervisor(${name} ${sources} ${SUPERVISOR_SOURCES})
  endif()
endfunction()

file(GLOB ff_plugin_files CONFIGURE_DEPENDS plugins/*/*.c plugins/*/supervisor/*.c
  plugins/*/plugin.cmake)
set(ff_plugins)
foreach(file ${ff_plugin_files})
  string(REGEX REPLACE "^.*/plugins/([^/]+)/.*$" "\\1" name ${file})
  list(APPEND ff_plugins ${name})
endforeach()
list(REMOVE_DUPLICATES ff_plugins)
# plugins/shared is no driver: what two of them have in common, see PLUGIN_SOURCES.
list(REMOVE_ITEM ff_plugins shared)
foreach(name ${ff_plugins})
  ff_plugin(${name})
endforeach()
