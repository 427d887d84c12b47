/* problem.c - see problem.h. */
#include "rest/problem.h"

#include <ctype.h>
#include <string.h>

#define TYPE "urn:flowforge:problem:"

const struct rest_problem_kind rest_problems[N_PROBLEMS] = {
    [PROBLEM_INVALID] = {400, "INVALID", "The request is not valid"},
    [PROBLEM_UNAUTHENTICATED] = {401, "UNAUTHENTICATED", "It is not known who asks"},
    [PROBLEM_DENIED] = {403, "DENIED", "The caller may not do this"},
    [PROBLEM_NOT_FOUND] = {404, "NOT_FOUND", "There is no such thing"},
    [PROBLEM_CONFLICT] = {409, "CONFLICT", "The state does not allow it"},
    [PROBLEM_CANCELLED] = {409, "CANCELLED", "It was given up"},
    [PROBLEM_QUOTA] = {409, "QUOTA_EXCEEDED", "A quota is used up"},
    [PROBLEM_PRECONDITION] = {412, "PRECONDITION_FAILED", "It has changed meanwhile"},
    [PROBLEM_MEDIA_TYPE] = {415, "UNSUPPORTED_MEDIA_TYPE",
                            "The body is of another type"},
    [PROBLEM_KEY_REUSED] = {422, "IDEMPOTENCY_KEY_REUSED",
                            "The Idempotency-Key is another request's"},
    [PROBLEM_OPEN_RUNS] = {429, "TOO_MANY_OPEN_RUNS", "Too many runs are open"},
    [PROBLEM_RATE_LIMITED] = {429, "RATE_LIMITED", "Too many requests"},
    [PROBLEM_INTERNAL] = {500, "INTERNAL", "Something is wrong with the server"},
    [PROBLEM_UNSUPPORTED] = {501, "UNSUPPORTED", "This server cannot do it"},
    [PROBLEM_UNAVAILABLE] = {503, "UNAVAILABLE", "Not now"},
};

static const enum rest_problem by_code[] = {
    [FF_INVALID] = PROBLEM_INVALID,         [FF_NOT_FOUND] = PROBLEM_NOT_FOUND,
    [FF_CONFLICT] = PROBLEM_CONFLICT,       [FF_BUSY] = PROBLEM_UNAVAILABLE,
    [FF_UNAVAILABLE] = PROBLEM_UNAVAILABLE, [FF_IN_DOUBT] = PROBLEM_UNAVAILABLE,
    [FF_CANCELLED] = PROBLEM_CANCELLED,     [FF_DENIED] = PROBLEM_DENIED,
    [FF_UNSUPPORTED] = PROBLEM_UNSUPPORTED, [FF_NO_MEMORY] = PROBLEM_UNAVAILABLE,
    [FF_FULL] = PROBLEM_UNAVAILABLE,
};

enum rest_problem problem_of(int ff_code)
{
    if (ff_code < 0 || ff_code >= (int)COUNT_OF(by_code) ||
        by_code[ff_code] == PROBLEM_BY_CODE)
        return PROBLEM_INTERNAL;
    return by_code[ff_code];
}

static void add_type(struct jsonw *w, const char *code)
{
    struct buf type = {0};

    buf_add_text(&type, TYPE);
    for (; *code; code++)
        buf_add_char(&type, (char)tolower((unsigned char)*code));
    jsonw_key(w, "type");
    jsonw_text(w, buf_text(&type));
    buf_done(&type);
}

void problem_add(struct buf *out, const struct problem_text *p)
{
    const struct rest_problem_kind *kind = &rest_problems[p->problem];
    struct jsonw w = {.out = out};

    jsonw_open(&w, '{');
    add_type(&w, kind->code);
    jsonw_key(&w, "title");
    jsonw_text(&w, kind->title);
    jsonw_key(&w, "status");
    jsonw_int(&w, kind->status);
    jsonw_key(&w, "detail");
    jsonw_text(&w, p->detail);
    jsonw_key(&w, "instance");
    jsonw_text(&w, p->instance);
    jsonw_key(&w, "code");
    jsonw_text(&w, kind->code);
    jsonw_key(&w, "request_id");
    jsonw_text(&w, p->request);
    if (*p->errors) {
        jsonw_key(&w, "errors");
        jsonw_open(&w, '[');
        jsonw_raw(&w, p->errors, strlen(p->errors));
        jsonw_close(&w, ']');
    }
    jsonw_close(&w, '}');
}
