# Filters as the core has them: from files, in front of drivers in memory.
set(UNIT_LIBS ff_driver Threads::Threads)
cmake_language(DEFER CALL add_dependencies unit.filters store-memory queue-memory
  store-fault store-delay store-trace store-metrics queue-fault)
