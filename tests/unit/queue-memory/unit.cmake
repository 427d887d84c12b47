# The driver is tested as the core sees it: as a file, through the loader, on the loop.
set(UNIT_LIBS ff_driver)
cmake_language(DEFER CALL add_dependencies unit.queue-memory queue-memory)
