# The drivers are loaded as the core loads it: from FLOWFORGE_LIB.
cmake_language(DEFER CALL add_dependencies unit.access store-memory store-fault)
