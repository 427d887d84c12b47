set(PLUGIN_LIBS ff::curl ff::expat ff::md Threads::Threads)
set(PLUGIN_SOURCES ${CMAKE_SOURCE_DIR}/core/base/failpoint.c)
