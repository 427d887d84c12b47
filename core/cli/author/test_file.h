/* cli/author/test_file.h - files NAME.test.yaml: cases beside a workflow, read and
 * checked. */
#ifndef CLI_AUTHOR_TEST_FILE_H
#define CLI_AUTHOR_TEST_FILE_H

#include "cli/author/rehearse.h"

#define TEST_SUFFIX ".test.yaml"

struct test_file {
    const char *path;
    json_t *tests;
    char *workflow; /* its path */
    struct flow_file flow;
    size_t n_cases;
};

struct test_case_spec {
    const char *name;
    char number[32]; /* "case 3", where it has no name */
    struct rehearsal rehearsal;
    const json_t *expect;
};

bool test_file_is(const char *path); /* by its name */
/* False: *why says what is wrong. To be done in either case. */
bool test_file_read(struct test_file *t, const char *path, struct buf *why);
void test_file_done(struct test_file *t);
/* Case i of n_cases; the name is set in either case. */
int test_file_case(const struct test_file *t, size_t i, struct test_case_spec *spec,
                   struct ff_err *err);
void test_case_done(struct test_case_spec *spec);

/* All of it, without carrying out anything. */
bool test_file_check(const char *path, size_t *n_cases, struct buf *why);

#endif
