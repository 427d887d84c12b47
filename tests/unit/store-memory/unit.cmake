# With the schema and the helpers of store-sqlite's tests.
set(store_memory_helpers ${CMAKE_CURRENT_SOURCE_DIR}/unit/store-sqlite)
add_library(store_memory_test INTERFACE)
target_include_directories(store_memory_test INTERFACE ${store_memory_helpers})
set(UNIT_LIBS store_memory_test ff_model Threads::Threads ${CMAKE_DL_LIBS})
set(UNIT_SOURCES ${store_memory_helpers}/support.c)
cmake_language(DEFER CALL add_dependencies unit.store-memory store-memory)
