/* What store-sqlite is tested for, of this driver (see SUPPORT_DRIVER). */
#include "../store-sqlite/test_crash.c"
