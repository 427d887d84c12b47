# The drivers are loaded as the core loads it: from FLOWFORGE_LIB.
cmake_language(DEFER CALL add_dependencies unit.node store-memory store-sqlite
  store-fault queue-memory runtime-local
  flowforge-supervisor blob-file)
