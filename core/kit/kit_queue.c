/* kit/kit_queue.c - the tables of checks for queue drivers. */
#include "kit/kit.h"

const struct kit_check *const kit_queue_checks[] = {NULL};
