# The drivers are loaded as the core loads them: from FLOWFORGE_LIB.
add_dependencies(tsan-tests store-sqlite store-memory)
cmake_language(DEFER CALL add_dependencies unit.store store-sqlite store-memory)
