set(PLUGIN_LIBS ff::sqlite Threads::Threads)
set(PLUGIN_SOURCES ${CMAKE_SOURCE_DIR}/plugins/shared/place.c
  ${CMAKE_SOURCE_DIR}/core/base/failpoint.c)
