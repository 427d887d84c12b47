# Blobs are kept by blob-file, loaded as the core loads it: from FLOWFORGE_LIB.
cmake_language(DEFER CALL add_dependencies unit.blob blob-file)
