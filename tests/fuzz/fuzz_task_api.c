/* fuzz_task_api.c - what tasks say to the owner, through the whole server: a byte that
 * chooses the route (0: the rest is the request as it is), then a body. The answers are
 * HTTP, none of them is an internal error, and what reaches the executor is within what
 * the table of task_api.h promises it. */
#include "api/task_api.h"
#include "fuzz.h"
#include "http/conn.h"

#include <event2/event.h>

#define SIZE_LIMIT ((size_t)24 * 1024) /* below what a lane would parse */
#define TURNS      200

static struct loop *loop;

static int authorize(void *arg, const char *token, struct task_api_who *who,
                     struct ff_err *err)
{
    (void)arg;
    if (strcmp(token, "good") != 0)
        return ff_fail(err, FF_DENIED, 0, "no");
    *who = (struct task_api_who){.attempt = 1,
                                 .attempt_id = "a",
                                 .task_id = "t",
                                 .run_id = "r",
                                 .tenant = "default",
                                 .project = "default"};
    return FF_OK;
}

static int log_lines(void *arg, const struct task_api_who *who, int64_t seq,
                     const struct task_api_line *lines, size_t n, struct ff_err *err)
{
    (void)arg;
    (void)err;
    FUZZ_CHECK(who->attempt == 1 && seq >= 0);
    for (size_t i = 0; i < n; i++) {
        FUZZ_CHECK(strlen(lines[i].text) == lines[i].len);
        FUZZ_CHECK(!strpbrk(lines[i].text, "\r\n"));
        FUZZ_CHECK(text_utf8_error(lines[i].text, lines[i].len) == lines[i].len);
        FUZZ_CHECK(strspn(lines[i].level, "abcdefghijklmnopqrstuvwxyz") ==
                   strlen(lines[i].level));
    }
    return FF_OK;
}

static int status(void *arg, const struct task_api_who *who, const char *word,
                  int progress, const char *message, bool *cancel, struct ff_err *err)
{
    (void)arg;
    (void)who;
    (void)err;
    FUZZ_CHECK(word[0] && strlen(word) <= 32);
    FUZZ_CHECK(progress >= -1 && progress <= 100);
    FUZZ_CHECK(!message ||
               text_utf8_error(message, strlen(message)) == strlen(message));
    *cancel = progress == 7;
    return FF_OK;
}

static int output(void *arg, const struct task_api_who *who, const char *name,
                  const json_t *value, struct ff_err *err)
{
    (void)arg;
    (void)who;
    (void)err;
    FUZZ_CHECK(text_is_name(name, false) && value);
    return FF_OK;
}

static int heartbeat(void *arg, const struct task_api_who *who,
                     struct task_api_beat *beat, struct ff_err *err)
{
    (void)arg;
    (void)who;
    (void)err;
    beat->expires_us = 1;
    snprintf(beat->token, sizeof(beat->token), "good");
    return FF_OK;
}

static int start(void *arg, const struct task_api_start *given, task_api_started_fn *fn,
                 void *fn_arg, struct ff_err *err)
{
    const struct task_api_token token = {"good", 1};

    (void)arg;
    FUZZ_CHECK(given->ticket && given->attempt_id);
    FUZZ_CHECK(!given->nonce ||
               (strlen(given->nonce) >= 22 && strlen(given->nonce) <= 128));
    if (strcmp(given->attempt_id, "a") != 0)
        return ff_fail(err, FF_CONFLICT, 0, "no");
    fn(fn_arg, &token, NULL);
    return FF_OK;
}

static const struct task_api_ops ops = {authorize, log_lines, status,
                                        output,    heartbeat, start};

static void write_request(struct evbuffer *out, const uint8_t *data, size_t size)
{
    static const char *const routes[] = {
        "POST /api/v1/task/logs",    "POST /api/v1/task/status",
        "POST /api/v1/task/outputs", "POST /api/v1/task/heartbeat",
        "GET /api/v1/task",          "POST /api/v1/task/start"};
    const size_t route = size ? data[0] : 0;

    if (size && route > 0)
        evbuffer_add_printf(out,
                            "%s HTTP/1.1\r\nHost: localhost\r\n"
                            "Authorization: Bearer good\r\n"
                            "Content-Type: application/json\r\n"
                            "Content-Length: %zu\r\n\r\n",
                            routes[(route - 1) % COUNT_OF(routes)], size - 1);
    if (size)
        evbuffer_add(out, data + 1, size - 1);
}

static void check_answers(struct evbuffer *in)
{
    const size_t len = evbuffer_get_length(in);
    const char *text = len ? (const char *)evbuffer_pullup(in, -1) : "";

    if (len == 0)
        return;
    FUZZ_CHECK(len >= 12 && memcmp(text, "HTTP/1.1 ", 9) == 0);
    FUZZ_CHECK(memcmp(text + 9, "500", 3) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct http_accepted how = {.peer = {.local = true, .address = "unix"}};
    const struct http_options opts = {0};
    struct bufferevent *pair[2];
    struct ff_err err;

    if (size > SIZE_LIMIT)
        return 0;
    if (!loop)
        loop = loop_new(&err);
    struct event_base *base = loop_event_base(loop);
    struct http_server *server = http_server_new(loop, &opts);
    struct task_api *api = task_api_new(loop, server, &ops, NULL, 1000000);

    FUZZ_CHECK(bufferevent_pair_new(base, 0, pair) == 0);
    bufferevent_enable(pair[0], EV_READ | EV_WRITE);
    http_conn_new(server, pair[1], &how);
    write_request(bufferevent_get_output(pair[0]), data, size);
    for (int i = 0; i < 4; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    bufferevent_flush(pair[0], EV_WRITE, BEV_FINISHED);
    for (int i = 0; i < TURNS && http_server_connections(server) > 0; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    FUZZ_CHECK(http_server_connections(server) == 0);
    check_answers(bufferevent_get_input(pair[0]));
    bufferevent_free(pair[0]);
    http_server_free(server);
    task_api_free(api);
    event_base_loop(base, EVLOOP_NONBLOCK);
    return 0;
}
