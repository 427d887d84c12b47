set(PLUGIN_LIBS ff::md)
set(PLUGIN_SOURCES ${CMAKE_SOURCE_DIR}/core/base/failpoint.c)
