/* What the tests of loop share. */
#ifndef TESTS_LOOP_SUPPORT_H
#define TESTS_LOOP_SUPPORT_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "loop/loop.h"

/* A new loop in *state for each test, freed after it. */
int support_loop_new(void **state);
int support_loop_free(void **state);

#define WITH_LOOP(test)                                                                \
    cmocka_unit_test_setup_teardown(test, support_loop_new, support_loop_free)

/* Notes of what happened, in order. */
struct trace {
    struct loop *loop;
    char text[512];
};

void support_note(struct trace *t, const char *what);

#endif
