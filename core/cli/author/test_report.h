/* cli/author/test_report.h - cases of `flowforge test` as people, TAP readers and JUnit
 * readers want them. */
#ifndef CLI_AUTHOR_TEST_REPORT_H
#define CLI_AUTHOR_TEST_REPORT_H

#include "cli/frame/frame.h"

enum test_outcome { TEST_PASSED, TEST_FAILED, TEST_BROKEN };
enum test_format { TEST_TEXT, TEST_TAP, TEST_JUNIT, TEST_JSON };

struct test_case {
    const char *file, *name;
    enum test_outcome outcome;
    const char *text; /* what differs, lines; NULL when it passed */
    double seconds;   /* virtual */
};

struct test_report {
    enum test_format format;
    bool colour, quiet;
    size_t n_cases, n_failed, n_broken;
    struct buf out;
    json_t *cases;
};

enum test_format test_format(const char *word); /* NULL: text */
void test_report_add(struct test_report *r, const struct test_case *done);
/* Prints it; CLI_OK, CLI_RUN_FAILED or, when a case makes no sense, CLI_INVALID. */
int test_report_end(struct test_report *r);
void test_report_done(struct test_report *r);

#endif
