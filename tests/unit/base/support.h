/* What the tests of base share. */
#ifndef TESTS_BASE_SUPPORT_H
#define TESTS_BASE_SUPPORT_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"

/* A generator whose seed is printed, and taken from FF_SEED where that is set. */
struct rand support_rand(void);

/* A new empty directory under $TMPDIR or /tmp; mem_free it. */
char *support_dir(void);

/* Runs fn in a child; its exit code, or 128 and the number of the signal. */
int support_exit_code(void (*fn)(void));

#endif
