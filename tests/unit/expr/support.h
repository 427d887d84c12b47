/* For the tests of expressions: evaluates in a scope written as JSON and compares. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "expr/expr.h"

/* The names of every scope here: v, tasks, item. */
extern const char support_vars[];

struct support_case {
    const char *text;
    const char *wanted; /* JSON */
};

struct support_failure {
    const char *text;
    int code;
    const char *msg; /* a part of the message */
};

/* An evaluation with limits of its own; 0 for the defaults. */
json_t *support_eval(const char *text, uint64_t max_steps, size_t max_bytes,
                     struct expr_err *err);
/* As support_eval, with v taken from the caller, who keeps it. */
json_t *support_eval_with(const char *text, json_t *v, struct expr_err *err);

void support_check(const struct support_case *cases, size_t n);
void support_check_failures(const struct support_failure *cases, size_t n);

#define CHECK(cases) support_check(cases, sizeof(cases) / sizeof((cases)[0]))
#define CHECK_FAILURES(cases)                                                          \
    support_check_failures(cases, sizeof(cases) / sizeof((cases)[0]))

#endif
