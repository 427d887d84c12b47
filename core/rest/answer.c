/* answer.c - what a call has come to, as status, headers and body: once for each. */
#include "rest/rest_priv.h"

#include "secret/secret.h"
#include "traces/traces.h"
#include <string.h>

static int64_t seconds(int64_t us)
{
    return (us + UNITS_SECOND - 1) / UNITS_SECOND;
}

bool rest_is_traceparent(const char *header)
{
    return header && trace_is_parent(header, strlen(header));
}

void rest_add_headers(struct rest_call *c)
{
    const char *trace = http_header(c->request, "traceparent");

    http_reply_header(c->reply, "X-Request-Id", c->request_id);
    if (rest_is_traceparent(trace))
        http_reply_header(c->reply, "traceparent", trace);
    if (c->limit.limit > 0) {
        http_reply_header_int(c->reply, "RateLimit-Limit", c->limit.limit);
        http_reply_header_int(c->reply, "RateLimit-Remaining", c->limit.left);
        http_reply_header_int(c->reply, "RateLimit-Reset", seconds(c->limit.reset_us));
    }
    if (c->replayed)
        http_reply_header(c->reply, "Idempotency-Replayed", "true");
}

/* What failed within may name hosts, files and tables: that is for the log. Who is to
 * be told more of it says so by rest_fail. */
static const char *detail_of(const struct rest_call *c, int status)
{
    char object[REST_OBJECT_TEXT];

    if (status < 500 || c->problem != PROBLEM_BY_CODE || c->code == FF_UNSUPPORTED)
        return c->err.msg;
    rest_object(c, object);
    log_error("%s %s (request %s): %s", c->request->method, object, c->request_id,
              c->err.msg);
    return status == 503 ? "this cannot be done at present: try again soon"
                         : "something failed: the log of the server tells what, by "
                           "the id of this request";
}

/* What is full is the disk, unless it says that it is a quota. */
static bool is_quota(const struct ff_err *err)
{
    return err->sys == ACCESS_SYS_QUOTA || err->sys == SECRET_SYS_NAMES;
}

static enum rest_problem problem_of_call(const struct rest_call *c)
{
    if (c->problem != PROBLEM_BY_CODE)
        return c->problem;
    if (c->code == FF_FULL && c->err.sys == ACCESS_SYS_OPEN_RUNS)
        return PROBLEM_OPEN_RUNS;
    return c->code == FF_FULL && is_quota(&c->err) ? PROBLEM_QUOTA
                                                   : problem_of(c->code);
}

static void answer_problem(struct rest_call *c)
{
    const enum rest_problem problem = problem_of_call(c);
    const int status = rest_problems[problem].status;
    struct buf body = {0};

    problem_add(&body, &(struct problem_text){.problem = problem,
                                              .detail = detail_of(c, status),
                                              .instance = c->request->path,
                                              .request = c->request_id,
                                              .errors = buf_text(&c->errors)});
    if (problem == PROBLEM_OPEN_RUNS)
        http_reply_why(c->reply, REST_OPEN_RUNS);
    if (status == 401)
        http_reply_header(c->reply, "WWW-Authenticate", "Bearer");
    if (status == 429 || status == 503)
        http_reply_header_int(c->reply, "Retry-After",
                              c->limit.retry_us > 0 ? seconds(c->limit.retry_us) : 1);
    http_reply_take(c->reply, status, "application/problem+json", &body);
}

bool rest_is_unchanged(const struct rest_call *c)
{
    const char *known = http_header(c->request, "if-none-match");

    return known && c->etag[0] && strcmp(c->route->method, "GET") == 0 &&
           (strcmp(known, c->etag) == 0 || strcmp(known, "*") == 0);
}

void rest_answer(struct rest_call *c)
{
    rest_add_headers(c);
    if (c->code != FF_OK) {
        answer_problem(c);
        return;
    }
    if (c->etag[0])
        http_reply_header(c->reply, "ETag", c->etag);
    if (c->location)
        http_reply_header(c->reply, "Location", c->location);

    const int usual = c->route->status ? c->route->status : 200;
    const int status = rest_is_unchanged(c) ? 304 : c->status ? c->status : usual;

    if (status == 200 && c->file_name[0])
        rest_file_send(c);
    else if (status == 204 || status == 304)
        http_reply_send(c->reply, status, NULL, "", 0);
    else
        http_reply_take(c->reply, status, c->type ? c->type : "application/json",
                        &c->out);
}

void rest_answer_busy(struct rest_call *c)
{
    c->code = rest_fail(c, PROBLEM_UNAVAILABLE, &c->err,
                        "there is more to do than this server can: try again soon");
    rest_answer(c);
}
