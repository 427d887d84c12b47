/* tests/unit/api/support_task.c - see the header. */
#include "support_task.h"
#include <string.h>

struct fake_exec fake_exec;

static int authorize(void *arg, const char *token, struct task_api_who *who,
                     struct ff_err *err)
{
    struct fake_exec *x = arg;

    x->n_authorized++;
    if (strcmp(token, x->token) != 0)
        return ff_fail(err, FF_DENIED, 0, "the token is unknown or has expired");
    if (x->fenced)
        return ff_fail(err, FF_CONFLICT, 0, "attempt 1 is no longer the current one");
    *who = (struct task_api_who){.attempt_id = "a-1",
                                 .task_id = "t",
                                 .run_id = "r",
                                 .tenant = "default",
                                 .project = "p",
                                 .attempt = 1,
                                 .handle = 42};
    return FF_OK;
}

static int begin(struct fake_exec *x, const struct task_api_who *who,
                 struct ff_err *err)
{
    assert_int_equal(who->handle, 42);
    return x->fail ? ff_fail(err, x->fail, 0, "told to fail") : FF_OK;
}

static int take_log(void *arg, const struct task_api_who *who, int64_t seq,
                    const struct task_api_line *lines, size_t n, struct ff_err *err)
{
    struct fake_exec *x = arg;

    x->n_logs++;
    if (begin(x, who, err) != FF_OK)
        return x->fail;
    x->last_seq = seq;
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(strlen(lines[i].text), lines[i].len);
        buf_printf(&x->log, "%s %s\n", lines[i].level, lines[i].text);
        x->last_time_us = lines[i].time_us;
    }
    return FF_OK;
}

static int take_status(void *arg, const struct task_api_who *who, const char *status,
                       int progress, const char *message, bool *cancel,
                       struct ff_err *err)
{
    struct fake_exec *x = arg;

    buf_printf(&x->status, "%s %d %s;", status, progress, message ? message : "-");
    *cancel = x->cancel;
    return begin(x, who, err);
}

static int take_output(void *arg, const struct task_api_who *who, const char *name,
                       const json_t *value, struct ff_err *err)
{
    struct fake_exec *x = arg;

    buf_printf(&x->outputs, "%s=", name);
    json_add_to(&x->outputs, value);
    buf_add_char(&x->outputs, ';');
    return begin(x, who, err);
}

static int beat(void *arg, const struct task_api_who *who, struct task_api_beat *beat,
                struct ff_err *err)
{
    struct fake_exec *x = arg;

    beat->cancel = x->cancel;
    snprintf(beat->token, sizeof(beat->token), "%s", x->next_token);
    if (x->interval_us > 0)
        beat->interval_us = x->interval_us;
    beat->expires_us = 1000000 * INT64_C(1795288837);
    return begin(x, who, err);
}

static void answer_start(void *arg)
{
    struct fake_exec *x = arg;
    const struct task_api_token token = {"fresh", 1000000 * INT64_C(1795288837)};
    struct ff_err err = {.code = x->fail};

    snprintf(err.msg, sizeof(err.msg), "told to fail");
    x->started(x->started_arg, &token, x->fail ? &err : NULL);
}

static int take_start(void *arg, const struct task_api_start *start,
                      task_api_started_fn *fn, void *fn_arg, struct ff_err *err)
{
    struct fake_exec *x = arg;

    if (strcmp(start->ticket, "ticket") != 0)
        return ff_fail(err, FF_DENIED, 0, "this is no ticket");
    if (strcmp(start->attempt_id, "a-1") != 0)
        return ff_fail(err, FF_CONFLICT, 0, "it is of another attempt");
    buf_printf(&x->status, "%s;", start->nonce ? start->nonce : "-");
    x->started = fn;
    x->started_arg = fn_arg;
    loop_post(x->loop, answer_start, x);
    return FF_OK;
}

static const struct task_api_ops ops = {.authorize = authorize,
                                        .log = take_log,
                                        .status = take_status,
                                        .output = take_output,
                                        .heartbeat = beat,
                                        .start = take_start};

static void free_extra(void *extra)
{
    task_api_free(extra);
}

void mount_fake_exec(struct site *s)
{
    fake_exec = (struct fake_exec){.token = "good", .next_token = "", .loop = s->loop};
    s->extra = task_api_new(s->loop, s->server, &ops, &fake_exec, 2500000);
    s->free_extra = free_extra;
}

void fake_exec_done(void)
{
    buf_done(&fake_exec.log);
    buf_done(&fake_exec.outputs);
    buf_done(&fake_exec.status);
}
