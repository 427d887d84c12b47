# The drivers are loaded as the core loads them: from FLOWFORGE_LIB.
set(UNIT_LIBS ff_model ff::sqlite ${CMAKE_DL_LIBS})
