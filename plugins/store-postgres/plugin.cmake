set(PLUGIN_LIBS ff::pq Threads::Threads)
set(PLUGIN_SOURCES ${CMAKE_SOURCE_DIR}/core/base/failpoint.c)
