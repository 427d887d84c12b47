# The drivers are loaded as the core loads them: from FLOWFORGE_LIB.
set(UNIT_LIBS ff_model ff::sqlite ${CMAKE_DL_LIBS})
cmake_language(DEFER CALL add_dependencies unit.store-sqlite store-sqlite store-memory)
