/* kit/kit_runtime.c - the tables of checks for runtime drivers. */
#include "kit/kit.h"

const struct kit_check *const kit_runtime_checks[] = {NULL};
