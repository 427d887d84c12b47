/* spec.c - from work to what the runtime is told: the variables of the task contract,
 * the same in every runtime; and asking the runtime until it has room. */
#include "exec/exec_priv.h"

#include <string.h>
#include <unistd.h>

extern char **environ;

/* --- variables --- */

struct env {
    struct arena *arena;
    const char **items;
    size_t n, cap;
};

static void env_add(struct env *e, const char *pair)
{
    if (e->n + 1 < e->cap)
        e->items[e->n++] = pair;
}

static void FF_PRINTF(2, 3) env_printf(struct env *e, const char *fmt, ...)
{
    va_list ap, again;

    va_start(ap, fmt);
    va_copy(again, ap);
    const size_t size = (size_t)vsnprintf(NULL, 0, fmt, ap) + 1;
    va_end(ap);
    char *pair = arena_alloc(e->arena, size);
    vsnprintf(pair, size, fmt, again);
    va_end(again);
    env_add(e, pair);
}

static bool same_name(const char *a, const char *b)
{
    const char *eq = strchr(a, '=');
    const size_t n = eq ? (size_t)(eq - a) : strlen(a);

    return strncmp(a, b, n) == 0 && b[n] == '=';
}

static const char *find_var(const char *const *env, const char *name)
{
    for (size_t i = 0; env && env[i]; i++)
        if (same_name(name, env[i]))
            return env[i] + strlen(name) + 1;
    return NULL;
}

/* Names of the own environment that tasks get too; a trailing * takes a prefix. */
static bool passes(const struct exec_setup *s, const char *pair)
{
    for (size_t i = 0; s->pass_env && s->pass_env[i]; i++) {
        const char *name = s->pass_env[i];
        const size_t n = strlen(name);
        if (n > 0 && name[n - 1] == '*' ? strncmp(pair, name, n - 1) == 0
                                        : same_name(name, pair))
            return true;
    }
    return false;
}

static bool set_by_work(const struct work *w, const char *pair)
{
    for (size_t i = 0; w->env && w->env[i]; i++)
        if (same_name(pair, w->env[i]))
            return true;
    for (size_t i = 0; i < w->n_secrets; i++)
        if (w->secrets[i].variable && same_name(w->secrets[i].variable, pair))
            return true;
    return false;
}

static size_t count_env(const char *const *env)
{
    size_t n = 0;

    while (env && env[n])
        n++;
    return n;
}

static void add_python_path(struct env *e, const struct attempt *a)
{
    const char *sdk = a->exec->setup.sdk_path;
    const char *old = find_var(e->items, "PYTHONPATH");

    if (!sdk)
        return;
    if (!old) {
        env_printf(e, "PYTHONPATH=%s", sdk);
        return;
    }
    for (size_t i = 0; i < e->n; i++)
        if (same_name("PYTHONPATH", e->items[i]))
            e->items[i--] = e->items[--e->n];
    env_printf(e, "PYTHONPATH=%s:%s", sdk, old);
}

static void add_of_host(struct env *e, const struct attempt *a)
{
    const struct exec_setup *s = &a->exec->setup;

    if (!find_var(e->items, "PATH"))
        env_add(e, "PATH=/usr/local/bin:/usr/bin:/bin");
    e->items[e->n] = NULL;
    add_python_path(e, a);
    env_printf(e, "FLOWFORGE_API_ENDPOINT=%s", s->api_endpoint);
    env_printf(e, "FLOWFORGE_LOG_ENDPOINT=%s", s->api_endpoint);
}

static const char *const *task_env(struct attempt *a)
{
    const struct exec_setup *s = &a->exec->setup;
    const char *const *own = (const char *const *)environ;
    const int64_t ends_us = loop_wall_us(s->loop) + s->token_life_us;
    char token[TOKEN_MAX];
    struct env e = {.arena = &a->arena};

    e.cap = count_env(own) + count_env(a->work.env) + a->work.n_secrets + 32;
    e.items = arena_alloc(&a->arena, e.cap * sizeof(char *));
    for (size_t i = 0; own[i] && !s->elsewhere; i++)
        if (passes(s, own[i]) && !set_by_work(&a->work, own[i]))
            env_add(&e, own[i]);
    for (size_t i = 0; a->work.env && a->work.env[i]; i++)
        env_add(&e, a->work.env[i]);
    for (size_t i = 0; a->secrets && i < a->secrets->pairs.n; i++)
        env_add(&e, a->secrets->pairs.items[i]);
    e.items[e.n] = NULL;
    if (!s->elsewhere)
        add_of_host(&e, a);
    if (attempt_wants_ticket(a))
        ticket_make(a->exec, a, ends_us, token);
    else
        token_make(a->exec, a, ends_us, token);
    env_printf(&e, "FLOWFORGE_TASK_ID=%s", a->task_id);
    env_printf(&e, "FLOWFORGE_ATTEMPT_ID=%s", a->id);
    env_printf(&e, "FLOWFORGE_WORKFLOW_ID=%s", a->run_id);
    env_printf(&e, "FLOWFORGE_TENANT_ID=%s", a->tenant);
    env_printf(&e, "FLOWFORGE_PROJECT_ID=%s", a->project);
    env_add(&e, "FLOWFORGE_REDIS_ENDPOINT=mem://");
    env_printf(&e, "FLOWFORGE_AUTH_TOKEN=%s", token);
    env_printf(&e, "FF_RUN_ID=%s", a->run_id);
    env_printf(&e, "FF_TASK=%s", a->work.task);
    env_printf(&e, "FF_TASK_ID=%s", a->task_id);
    env_printf(&e, "FF_ATTEMPT=%lld", (long long)a->key.attempt);
    if (a->artifact_dir && !s->elsewhere)
        env_printf(&e, "FF_ARTIFACTS=%s", a->artifact_dir);
    if (a->work.http && s->http_allow)
        env_printf(&e, "FF_HTTP_ALLOW=%s", s->http_allow);
    e.items[e.n] = NULL;
    if (a->traceparent[0] && !find_var(e.items, "TRACEPARENT"))
        env_printf(&e, "TRACEPARENT=%s", a->traceparent);
    if (NODE_ITEM(a->key.node) >= 0)
        env_printf(&e, "FF_INDEX=%lld", (long long)NODE_ITEM(a->key.node));
    e.items[e.n] = NULL;
    return e.items;
}

/* --- asking the runtime --- */

static const char start_failed[] = "start_failed"; /* by the runtime itself */

static void refuse_start(struct attempt *a, const char *reason,
                         const struct ff_err *err)
{
    const struct result result = {
        .outcome = OUTCOME_FAILED,
        .exit_code = MODEL_NULL,
        .reason = reason,
        .message = err->msg,
    };
    attempt_report(a->exec, a, &a->key, &result);
}

static void start_again(void *arg)
{
    attempt_start(arg);
}

/* No room for a process is not the task's fault: it waits and counts nothing. */
static void start_later(struct attempt *a, const struct ff_err *err)
{
    int64_t delay = START_DELAY_US << (a->tries < 5 ? a->tries : 5);

    if (delay > START_DELAY_MAX_US)
        delay = START_DELAY_MAX_US;
    if (a->tries++ == 0)
        log_warn("%s cannot start yet: %s", a->id, err->msg);
    if (a->tries > START_TRIES)
        refuse_start(a, start_failed, err);
    else
        loop_timer_add(a->exec->setup.loop, delay, start_again, a, &a->retry);
}

void attempt_go_on(struct attempt *a, bool ready, const char *reason,
                   const struct ff_err *err)
{
    const struct result cancelled = {.outcome = OUTCOME_CANCELLED,
                                     .exit_code = MODEL_NULL};

    if (a->stop_asked)
        attempt_report(a->exec, a, &a->key, &cancelled);
    else if (ready)
        attempt_start(a);
    else if (err->code == FF_BUSY || err->code == FF_UNAVAILABLE)
        start_later(a, err);
    else
        refuse_start(a, reason, err);
}

struct starting {
    struct exec *exec;
    int64_t handle;
};

static void on_started(void *arg, int code, const struct ff_err *err)
{
    struct starting *st = arg;
    struct exec *x = st->exec;
    struct attempt *a = attempt_by_handle(x, st->handle);

    mem_free(st);
    if (a && a->state == ATTEMPT_STARTING && code == FF_OK) {
        a->state = ATTEMPT_RUNNING;
        attempt_listen(a);
        if (a->stop_asked && !a->stop_sent)
            attempt_send_stop(a);
        if (a->never_began)
            attempt_never_began(a);
    } else if (a && a->state == ATTEMPT_STARTING && code != FF_CANCELLED) {
        if ((code == FF_BUSY || code == FF_UNAVAILABLE) && !a->stop_asked)
            start_later(a, err);
        else
            refuse_start(a, start_failed, err);
    }
    exec_came_back(x);
}

/* A runtime that cannot keep them out of its logs gets no secrets. */
static bool can_mask(const struct exec *x, struct ff_err *err)
{
    if (driver_instance_info(x->setup.runtime)->d.caps & FF_RUNTIME_MASKS)
        return true;
    ff_fail(err, FF_UNSUPPORTED, 0,
            "its runtime cannot mask secrets in logs, so it gets none");
    return false;
}

static void ask_runtime(struct attempt *a);

void attempt_start(struct attempt *a)
{
    struct ff_err err;

    if (a->exec->draining)
        return; /* the next owner asks the runtime, and begins it */
    a->state = ATTEMPT_STARTING;
    if (attempt_is_masked(a) && a->artifact_dir && !a->prepared)
        attempt_prepare(a);
    else if (attempt_is_masked(a))
        ask_runtime(a);
    else if (can_mask(a->exec, &err))
        attempt_ask_secrets(a);
    else
        refuse_start(a, start_failed, &err);
}

static void ask_runtime(struct attempt *a)
{
    struct exec *x = a->exec;
    const struct work *w = &a->work;
    const struct attempt_secrets *secrets = a->secrets;
    const bool hidden = secrets && secrets->input.text;
    const char *const http[] = {
        x->setup.elsewhere ? WORK_HTTP_PROGRAM : x->setup.http_program, NULL};
    struct starting *st = mem_alloc(sizeof(*st));
    const struct ff_run_spec spec = {
        .struct_size = sizeof(spec),
        .attempt_id = a->id,
        .argv = w->http ? http : w->argv,
        .env = task_env(a),
        .dir = a->dir,
        .input = hidden ? secrets->input.text : w->input,
        .input_len = hidden ? secrets->input.len : w->input_len,
        .log_dir = a->log_dir,
        .log_max_bytes = x->setup.log_max_bytes,
        .timeout_us = w->timeout_us,
        .grace_us = w->grace_us,
        .cpu_milli = w->cpu_milli,
        .memory_bytes = w->memory_bytes,
        .masks = secrets ? masks_list(&secrets->masks) : NULL,
        .files_dir = x->setup.elsewhere ? a->artifact_dir : NULL,
        .node_selector = w->node_selector,
    };

    st->exec = x;
    st->handle = a->handle;
    exec_pending(x);
    FAILPOINT("exec.start.before");
    probe_attempt_start(a->key.run, a->key.node, a->key.attempt);
    x->runtime_ops->start(x->runtime, &spec,
                          driver_op(x->setup.runtime, on_started, st));
    FAILPOINT("exec.start.after");
}

static void on_stop_told(void *arg, int code, const struct ff_err *err)
{
    if (code != FF_OK && code != FF_NOT_FOUND && code != FF_CANCELLED)
        log_warn("runtime: %s", err->msg);
    exec_came_back(arg);
}

void attempt_send_stop(struct attempt *a)
{
    struct exec *x = a->exec;

    if (a->state == ATTEMPT_STARTING && a->retry) {
        const struct result result = {.outcome = OUTCOME_CANCELLED,
                                      .exit_code = MODEL_NULL};
        loop_timer_del(a->retry);
        attempt_report(x, a, &a->key, &result);
        return;
    }
    const bool waits = a->state == ATTEMPT_STARTING && x->setup.elsewhere;
    if (a->state != ATTEMPT_RUNNING && !waits)
        return;            /* sent when it is known to run, or too late */
    a->stop_sent = !waits; /* that one may not have been there yet */
    exec_pending(x);
    x->runtime_ops->cancel(x->runtime, a->id, a->grace_us,
                           driver_op(x->setup.runtime, on_stop_told, x));
}
