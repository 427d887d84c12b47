/* api/task_api.c - what tasks ask and report: checks the form, keeps the order of log
 * batches, and calls the executor's table. */
#include "api/task_priv.h"
#include <string.h>

enum {
    INLINE_MAX = 32 * 1024, /* about 2 ms of parsing; more goes to the lane */
    BODY_MAX = 1024 * 1024,
    OUTPUT_BODY_MAX = BODY_MAX + 1024, /* a value of BODY_MAX and its name */
    STATUS_BODY_MAX = 64 * 1024,
    MESSAGE_MAX = 4096,
    NONCE_MIN = 22, /* 128 bits in base 64 */
    NONCE_MAX = 128
};

/* A token that stopped being good is not the same as one whose attempt has been
 * replaced: the second tells the task that its work is no longer wanted. */
static void answer_err(struct http_reply *reply, const struct ff_err *err)
{
    if (err->code == FF_CONFLICT)
        http_reply_problem(reply, 403, "%s", err->msg);
    else
        http_reply_err(reply, err);
}

/* Of what a token or ticket is worth. */
static void answer_who(struct http_reply *reply, const struct ff_err *err)
{
    if (err->code == FF_DENIED)
        http_reply_problem(reply, 401, "%s", err->msg);
    else
        answer_err(reply, err);
}

static bool identify(struct task_api *api, const struct http_request *r,
                     struct task_api_who *who, struct http_reply *reply)
{
    struct ff_err err = {.code = FF_INTERNAL};
    const char *token = http_bearer(r);

    if (!token) {
        http_reply_problem(reply, 401, "the request carries no bearer token");
        return false;
    }
    *who = (struct task_api_who){0};
    int code = api->ops->authorize(api->arg, token, who, &err);
    if (code != FF_OK)
        answer_who(reply, &err);
    return code == FF_OK;
}

/* Before the body is read: who has no token cannot make the server read a megabyte. */
static bool admit(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct task_api_who who;

    return identify(arg, r, &who, reply);
}

/* --- calls with a JSON body --- */

static void parse(void *arg)
{
    struct task_call *call = arg;

    call->body = http_json(call->request, &call->err);
    if (call->body && !json_is_object(call->body)) {
        json_decref(call->body);
        call->body = NULL;
        ff_fail(&call->err, FF_INVALID, 0, "the body is not a JSON object");
    }
}

static void answer(struct task_call *call)
{
    json_t *result = NULL;

    int code = call->err.code;
    if (call->body)
        code = call->act(call->api, call, &result);
    if (code == FF_OK)
        http_reply_json(call->reply, 200, result);
    else
        answer_err(call->reply, &call->err);
    json_decref(result);
}

/* The fence may have moved while the body was on its way, so the token is looked at
 * again. */
static void run(void *arg)
{
    struct task_call *call = arg;

    list_del(&call->link);
    if (!call->api)
        http_reply_problem(call->reply, 503, "the server is stopping");
    else if (identify(call->api, call->request, &call->who, call->reply))
        answer(call);
    json_decref(call->body);
    mem_free(call);
}

static bool have_lane(struct task_api *api)
{
    struct ff_err err;

    if (!api->lane)
        api->lane = lane_new(api->loop, "task-json", &err);
    return api->lane;
}

static void begin(struct task_api *api, const struct http_request *r,
                  struct http_reply *reply, task_act_fn *act)
{
    struct task_call *call = mem_alloc(sizeof(*call));

    *call = (struct task_call){.api = api, .reply = reply, .request = r, .act = act};
    list_add_tail(&api->calls, &call->link);
    if (r->body_len > INLINE_MAX && have_lane(api)) {
        lane_do(api->lane, parse, run, call);
    } else {
        parse(call);
        run(call);
    }
}

/* --- GET /api/v1/task --- */

static void describe(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct task_api_who who;

    if (!identify(arg, r, &who, reply))
        return;
    json_t *answer = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "workflow_id",
                               who.run_id, "task_id", who.task_id, "attempt_id",
                               who.attempt_id, "tenant_id", who.tenant, "project_id",
                               who.project, "attempt", (json_int_t)who.attempt);
    http_reply_json(reply, 200, answer);
    json_decref(answer);
}

static void take_logs(void *arg, const struct http_request *r, struct http_reply *reply)
{
    begin(arg, r, reply, task_put_logs);
}

/* --- POST /api/v1/task/status --- */

struct report {
    const char *status;
    const char *message;
    int progress;
};

static bool is_status(const char *text)
{
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

    return len > 0 && len <= 32 && text[len] == '\0';
}

static bool is_given(const json_t *value)
{
    return value && !json_is_null(value);
}

static int read_report(const json_t *body, struct report *out, struct ff_err *err)
{
    const json_t *status = json_object_get(body, "status");
    const json_t *progress = json_object_get(body, "progress");
    const json_t *message = json_object_get(body, "message");

    *out = (struct report){.progress = -1};
    if (!json_is_string(status) || !is_status(json_string_value(status)))
        return ff_fail(err, FF_INVALID, 0, "status is not a word like RUNNING");
    out->status = json_string_value(status);
    if (is_given(progress)) {
        double number = json_number_value(progress);
        if (!json_is_number(progress) || number < 0 || number > 100)
            return ff_fail(err, FF_INVALID, 0,
                           "progress is not a number from 0 to 100");
        out->progress = (int)number;
    }
    if (is_given(message)) {
        if (!json_is_string(message) || json_string_length(message) > MESSAGE_MAX)
            return ff_fail(err, FF_INVALID, 0,
                           "message is not a text of up to %d bytes", MESSAGE_MAX);
        out->message = json_string_value(message);
    }
    return FF_OK;
}

static int put_status(struct task_api *api, struct task_call *call, json_t **answer)
{
    struct report report;
    bool cancel = false;

    int code = read_report(call->body, &report, &call->err);
    if (code == FF_OK)
        code = api->ops->status(api->arg, &call->who, report.status, report.progress,
                                report.message, &cancel, &call->err);
    if (code == FF_OK)
        *answer = json_pack("{s:b}", "cancel", cancel);
    return code;
}

static void take_status(void *arg, const struct http_request *r,
                        struct http_reply *reply)
{
    begin(arg, r, reply, put_status);
}

/* --- POST /api/v1/task/outputs --- */

static int put_output(struct task_api *api, struct task_call *call, json_t **answer)
{
    const char *name = json_string_value(json_object_get(call->body, "name"));
    const json_t *value = json_object_get(call->body, "value");

    if (!name || !text_is_name(name, false))
        return ff_fail(&call->err, FF_INVALID, 0,
                       "name is not of the form [a-z_][a-z0-9_]*");
    if (!value)
        return ff_fail(&call->err, FF_INVALID, 0, "value is missing");
    int code = api->ops->output(api->arg, &call->who, name, value, &call->err);
    if (code == FF_OK)
        *answer = json_object();
    return code;
}

static void take_output(void *arg, const struct http_request *r,
                        struct http_reply *reply)
{
    begin(arg, r, reply, put_output);
}

/* --- POST /api/v1/task/heartbeat --- */

static int take_beat(struct task_api *api, struct task_call *call, json_t **answer)
{
    struct task_api_beat beat = {.interval_us = api->heartbeat_us};
    char expires[UNITS_TEXT];

    int code = api->ops->heartbeat(api->arg, &call->who, &beat, &call->err);
    if (code != FF_OK)
        return code;
    units_time_text(beat.expires_us, expires);
    *answer = json_pack("{s:b, s:s, s:s, s:f}", "cancel", beat.cancel, "token",
                        beat.token, "expires_at", expires, "interval",
                        (double)beat.interval_us / (double)UNITS_SECOND);
    return FF_OK;
}

static void take_heartbeat(void *arg, const struct http_request *r,
                           struct http_reply *reply)
{
    begin(arg, r, reply, take_beat);
}

/* --- POST /api/v1/task/start --- */

/* A ticket says who asks, and is no token: nobody is identified here. */
static bool has_bearer(void *arg, const struct http_request *r,
                       struct http_reply *reply)
{
    (void)arg;
    if (http_bearer(r))
        return true;
    http_reply_problem(reply, 401, "the request carries no bearer token");
    return false;
}

/* The API may be gone by then: the reply is not. */
static void on_started(void *arg, const struct task_api_token *token,
                       const struct ff_err *err)
{
    char expires[UNITS_TEXT];

    if (err) {
        answer_who(arg, err);
        return;
    }
    units_time_text(token->expires_us, expires);
    json_t *answer =
        json_pack("{s:s, s:s}", "token", token->text, "expires_at", expires);

    http_reply_json(arg, 200, answer);
    json_decref(answer);
}

static int read_start(const json_t *body, struct task_api_start *out,
                      struct ff_err *err)
{
    const json_t *nonce = json_object_get(body, "nonce");

    out->attempt_id = json_string_value(json_object_get(body, "attempt_id"));
    out->nonce = json_string_value(nonce);
    if (!out->attempt_id)
        return ff_fail(err, FF_INVALID, 0, "attempt_id is missing");
    if (is_given(nonce) && (!out->nonce || strlen(out->nonce) < NONCE_MIN ||
                            strlen(out->nonce) > NONCE_MAX))
        return ff_fail(err, FF_INVALID, 0, "nonce is not a text of %d to %d bytes",
                       NONCE_MIN, NONCE_MAX);
    return FF_OK;
}

static void take_start(void *arg, const struct http_request *r,
                       struct http_reply *reply)
{
    struct task_api *api = arg;
    struct ff_err err = {0};
    struct task_api_start start = {.ticket = http_bearer(r)};
    json_t *body = http_json(r, &err);
    int code = body ? read_start(body, &start, &err) : err.code;

    if (code == FF_OK)
        code = api->ops->start(api->arg, &start, on_started, reply, &err);
    if (code != FF_OK)
        answer_who(reply, &err);
    json_decref(body);
}

/* --- the table --- */

static const struct http_route routes[] = {
    {"GET", "/api/v1/task", describe, 0, NULL},
    {"POST", "/api/v1/task/logs", take_logs, BODY_MAX, admit},
    {"POST", "/api/v1/task/status", take_status, STATUS_BODY_MAX, admit},
    {"POST", "/api/v1/task/outputs", take_output, OUTPUT_BODY_MAX, admit},
    {"POST", "/api/v1/task/heartbeat", take_heartbeat, 1024, admit},
    {"POST", "/api/v1/task/start", take_start, 1024, has_bearer},
};

struct task_api *task_api_new(struct loop *l, struct http_server *server,
                              const struct task_api_ops *ops, void *arg,
                              int64_t heartbeat_us)
{
    struct task_api *api = mem_alloc(sizeof(*api));

    *api = (struct task_api){
        .ops = ops, .arg = arg, .heartbeat_us = heartbeat_us, .loop = l};
    list_init(&api->calls);
    task_seq_init(&api->seq, TASK_SEQ_MAX);
    http_server_mount(server, routes, COUNT_OF(routes), api);
    return api;
}

void task_api_free(struct task_api *api)
{
    if (!api)
        return;
    for (struct list *link = api->calls.next, *next; link != &api->calls; link = next) {
        next = link->next;
        LIST_OF(link, struct task_call, link)->api = NULL;
        list_del(link);
    }
    lane_free(api->lane);
    task_seq_done(&api->seq);
    mem_free(api);
}
