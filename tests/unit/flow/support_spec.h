/* support_spec.h - reading workflow files in tests. */
#ifndef SUPPORT_SPEC_H
#define SUPPORT_SPEC_H

#include "flow/problem.h"

/* The first two lines of most files here. */
#define TOP "flowforge: 1\nname: w\n"

/* The plan, or a failed test that shows the problems. */
struct flow *read_good(const char *text);

/* A file that must be refused: with one problem, this one. */
struct refusal {
    const char *text;
    int code, line, column;
    const char *at;   /* the text at fault */
    const char *msg;  /* part of the sentence, or NULL */
    const char *hint; /* part of the remedy, or NULL */
};
void check_refusal(const struct refusal *r);

/* The problems of a file that must have some. Done by the caller. */
struct flow_problems read_bad(const char *text);

void show_problems(const struct flow_problems *p);

/* Main tasks a and b, ready for more keys of b with four spaces in front. */
#define TASKS TOP "tasks:\n  a:\n    run: x\n    outputs: {o: file}\n  b:\n"

#endif
