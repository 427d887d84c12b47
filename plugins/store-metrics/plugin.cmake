set(PLUGIN_LIBS Threads::Threads)
set(PLUGIN_SOURCES ${CMAKE_SOURCE_DIR}/plugins/common/filter/store_around.c
  ${CMAKE_SOURCE_DIR}/plugins/common/filter/calls.c
  ${CMAKE_SOURCE_DIR}/plugins/common/filter/codes.c)
