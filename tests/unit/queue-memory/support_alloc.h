#ifndef TESTS_QUEUE_MEMORY_SUPPORT_ALLOC_H
#define TESTS_QUEUE_MEMORY_SUPPORT_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* The which-th allocation from now on fails, and only that; 0: none. */
void fail_allocation(size_t which);
bool allocation_failed(void); /* since it was asked for */

#endif
