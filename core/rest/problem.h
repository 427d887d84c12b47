/* rest/problem.h - what goes wrong, as problem documents (RFC 9457). The table is what
 * clients may rely on: types and codes stay. */
#ifndef REST_PROBLEM_H
#define REST_PROBLEM_H

#include "base/base.h"

enum rest_problem {
    PROBLEM_BY_CODE, /* of an enum ff_code */
    PROBLEM_INVALID,
    PROBLEM_UNAUTHENTICATED,
    PROBLEM_DENIED,
    PROBLEM_NOT_FOUND,
    PROBLEM_CONFLICT,
    PROBLEM_CANCELLED,
    PROBLEM_QUOTA,
    PROBLEM_PRECONDITION,
    PROBLEM_MEDIA_TYPE,
    PROBLEM_KEY_REUSED,
    PROBLEM_OPEN_RUNS,
    PROBLEM_RATE_LIMITED,
    PROBLEM_INTERNAL,
    PROBLEM_UNSUPPORTED,
    PROBLEM_UNAVAILABLE,
    N_PROBLEMS
};

struct rest_problem_kind {
    int status;
    const char *code; /* type is "urn:flowforge:problem:" and this in small letters */
    const char *title;
};
extern const struct rest_problem_kind rest_problems[N_PROBLEMS];

enum rest_problem problem_of(int ff_code);

struct problem_text {
    enum rest_problem problem;
    const char *detail;
    const char *instance; /* path of the request */
    const char *request;  /* its id */
    const char *errors;   /* items of a JSON list, or "" */
};
void problem_add(struct buf *out, const struct problem_text *p);

#endif
