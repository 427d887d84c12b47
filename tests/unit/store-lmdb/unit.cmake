# The driver is loaded as the core loads it, from FLOWFORGE_LIB, with the schema and the
# helpers of store-sqlite's tests. Linked with the library itself, a test can stand in
# front of the system's calls that the library makes.
set(store_lmdb_helpers ${CMAKE_CURRENT_SOURCE_DIR}/unit/store-sqlite)
add_library(store_lmdb_test INTERFACE)
target_include_directories(store_lmdb_test INTERFACE ${store_lmdb_helpers})
target_compile_definitions(store_lmdb_test INTERFACE SUPPORT_DRIVER="store-lmdb")
set(UNIT_LIBS store_lmdb_test ff_model ff::lmdb Threads::Threads ${CMAKE_DL_LIBS})
set(UNIT_SOURCES ${store_lmdb_helpers}/support.c ${store_lmdb_helpers}/support_process.c
  ${store_lmdb_helpers}/support_same.c)
cmake_language(DEFER CALL add_dependencies unit.store-lmdb store-lmdb store-memory)
