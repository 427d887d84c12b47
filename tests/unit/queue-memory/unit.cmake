# The driver is tested as the core sees it: as a file, through the loader, on the loop.
# Only where memory runs out it is called directly, with an allocator that says no.
add_library(queue_memory_test_link INTERFACE)
target_link_options(queue_memory_test_link INTERFACE
  -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc)
set(UNIT_LIBS ff_driver queue_memory_test_link)
cmake_language(DEFER CALL add_dependencies unit.queue-memory queue-memory)
