/* task_exec.c - the table behind the routes for tasks, over the executor. */
#include "api/task_exec.h"

#include "node/node.h"

static int authorize(void *arg, const char *token, struct task_api_who *who,
                     struct ff_err *err)
{
    struct exec_caller caller;
    const int code = exec_authorize(arg, token, &caller, err);

    if (code != FF_OK)
        return code;
    *who = (struct task_api_who){.attempt = caller.attempt, .handle = caller.handle};
    snprintf(who->attempt_id, sizeof(who->attempt_id), "%s", caller.attempt_id);
    snprintf(who->task_id, sizeof(who->task_id), "%s", caller.task_id);
    snprintf(who->run_id, sizeof(who->run_id), "%s", caller.run_id);
    snprintf(who->tenant, sizeof(who->tenant), "%s", caller.tenant);
    snprintf(who->project, sizeof(who->project), "%s", caller.project);
    return FF_OK;
}

#define LINES_AT_ONCE 64

/* seq is the routes' business: what comes here is new and in order. */
static int log_lines(void *arg, const struct task_api_who *who, int64_t seq,
                     const struct task_api_line *lines, size_t n, struct ff_err *err)
{
    struct exec_log_line some[LINES_AT_ONCE];
    int code = FF_OK;

    (void)seq;
    for (size_t i = 0; code == FF_OK && i < n; i += LINES_AT_ONCE) {
        const size_t left = n - i < LINES_AT_ONCE ? n - i : LINES_AT_ONCE;
        for (size_t k = 0; k < left; k++)
            some[k] = (struct exec_log_line){.time_us = lines[i + k].time_us,
                                             .level = lines[i + k].level,
                                             .text = lines[i + k].text,
                                             .len = lines[i + k].len};
        code = exec_task_log(arg, who->handle, some, left, err);
    }
    return code;
}

static int status(void *arg, const struct task_api_who *who, const char *word,
                  int progress, const char *message, bool *cancel, struct ff_err *err)
{
    return exec_task_status(arg, who->handle, word, progress, message, cancel, err);
}

static int output(void *arg, const struct task_api_who *who, const char *name,
                  const json_t *value, struct ff_err *err)
{
    return exec_task_output(arg, who->handle, name, value, err);
}

static int heartbeat(void *arg, const struct task_api_who *who,
                     struct task_api_beat *beat, struct ff_err *err)
{
    struct exec_beat said;
    const int code = exec_task_heartbeat(arg, who->handle, &said, err);

    if (code != FF_OK)
        return code;
    beat->cancel = said.cancel;
    beat->expires_us = said.expires_us;
    if (said.within_us > 0 && said.within_us < beat->interval_us)
        beat->interval_us = said.within_us;
    snprintf(beat->token, sizeof(beat->token), "%s", said.token);
    return FF_OK;
}

struct starting {
    task_api_started_fn *fn;
    void *arg;
};

static void on_started(void *arg, const struct exec_beat *beat,
                       const struct ff_err *err)
{
    struct starting *s = arg;
    const struct task_api_token token = {beat->token, beat->expires_us};

    s->fn(s->arg, &token, err);
    mem_free(s);
}

static int start(void *arg, const struct task_api_start *given, task_api_started_fn *fn,
                 void *fn_arg, struct ff_err *err)
{
    const struct exec_start what = {.ticket = given->ticket,
                                    .attempt_id = given->attempt_id,
                                    .nonce = given->nonce};
    struct starting *s = mem_alloc(sizeof(*s));

    *s = (struct starting){fn, fn_arg};
    const int code = exec_task_start(arg, &what, on_started, s, err);
    if (code != FF_OK)
        mem_free(s);
    return code;
}

const struct task_api_ops task_exec_ops = {
    .authorize = authorize,
    .log = log_lines,
    .status = status,
    .output = output,
    .heartbeat = heartbeat,
    .start = start,
};
