/* kit/kit_auth.c - the tables of checks for auth drivers. */
#include "kit/kit.h"

const struct kit_check *const kit_auth_checks[] = {NULL};
