set(PLUGIN_LIBS ff::lmdb ff::md Threads::Threads)
set(PLUGIN_SOURCES ${CMAKE_SOURCE_DIR}/plugins/shared/place.c)
