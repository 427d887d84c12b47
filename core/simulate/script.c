/* script.c - a runtime whose attempts are no processes: each lasts and ends as its mock
 * says, on the timers of the loop. It forgets all when its session is closed. */
#include "simulate/simulate_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CODE_TERM 143 /* 128 + SIGTERM */
#define TERM      15
#define KILLED    137 /* 128 + SIGKILL */

struct session {
    const struct ff_host *host;
    const struct mocks *mocks;
    ff_run_event_fn *fn;
    void *arg;
    struct map attempts; /* by id */
};

struct attempt {
    struct session *session;
    char *id;
    struct mock mock;
    struct ff_timer *timer; /* of its end; NULL: it has ended, or hangs */
    struct ff_run_event end;
};

/* One simulation at a time; see script_driver. */
static const struct mocks *current;
static struct node *current_node;
static const struct session *current_session;

/* --- ends --- */

static void on_end(void *arg)
{
    struct attempt *a = arg;

    a->timer = NULL;
    a->end.struct_size = sizeof(a->end);
    a->end.attempt_id = a->id;
    a->end.ended_us = a->session->host->now_us(a->session->host->self);
    a->session->fn(a->session->arg, &a->end);
}

static void end_later(struct attempt *a, int64_t delay_us)
{
    const struct ff_host *host = a->session->host;

    if (a->timer)
        host->timer_del(host->self, a->timer);
    a->timer = host->timer_add(host->self, delay_us, on_end, a);
}

static void end_by(struct attempt *a, uint32_t reason, int32_t code)
{
    a->end.state = FF_RUN_EXITED;
    a->end.reason = reason;
    a->end.exit_code = code;
    a->end.signal = code > 128 ? code - 128 : 0;
}

static void plan_end(struct attempt *a)
{
    switch (a->mock.outcome) {
    case MOCK_LOST:
        a->end.state = FF_RUN_LOST;
        break;
    case MOCK_OOM:
        end_by(a, FF_REASON_OOM, KILLED);
        break;
    case MOCK_EVICTED:
        end_by(a, FF_REASON_EVICTED, KILLED);
        break;
    case MOCK_REFUSED:
        a->end.state = FF_RUN_REFUSED;
        a->end.message = "the mock says that it cannot be started";
        break;
    default:
        a->end.state = FF_RUN_EXITED;
        a->end.exit_code = a->mock.exit_code;
    }
}

static bool never_ends(const struct mock *mock)
{
    return mock->outcome == MOCK_HANGS || mock->outcome == MOCK_SILENT;
}

static void plan(struct attempt *a, int64_t timeout_us)
{
    const bool hangs = never_ends(&a->mock);

    plan_end(a);
    if (timeout_us > 0 && (hangs || a->mock.duration_us > timeout_us)) {
        end_by(a, FF_REASON_TIMEOUT, CODE_TERM);
        end_later(a, timeout_us);
    } else if (!hangs) {
        end_later(a, a->mock.duration_us);
    }
}

/* --- what it writes --- */

/* Records of docs/logs.md. */
static void add_records(struct buf *out, const char *time, const char *stream,
                        const char *text)
{
    for (const char *p = text; p && *p;) {
        const size_t len = strcspn(p, "\n");
        const bool whole = p[len] == '\n';
        buf_printf(out, "%s %s %c ", time, stream, whole ? 'F' : 'P');
        buf_add(out, p, len);
        buf_add_char(out, '\n');
        p += len + whole;
    }
}

static char *text_from_stdout(const struct mock *mock)
{
    const struct flow_work *work = mock->task ? mock->task->work : NULL;
    struct buf text = {0};

    if (mock->out)
        return mem_text(mock->out);
    for (uint32_t i = 0; work && i < work->n_outputs; i++)
        if (work->outputs[i].from == FLOW_FROM_STDOUT)
            mock_file(mock, work->outputs[i].name, &text);
    return buf_take(&text);
}

static int write_log(struct attempt *a, const char *log_dir, struct ff_err *err)
{
    MEM_AUTO char *out = text_from_stdout(&a->mock);
    MEM_AUTO char *path = file_join(log_dir, "000001.log");
    struct buf text = {0};
    char time[UNITS_TEXT];

    if (!out[0] && !a->mock.err)
        return FF_OK;
    units_time_text(a->end.started_us, time);
    add_records(&text, time, "stdout", out);
    add_records(&text, time, "stderr", a->mock.err);
    int sys = file_make_dirs(log_dir, 0700);
    if (sys == 0)
        sys = file_write_durable(path, buf_text(&text), text.len, 0600);
    a->end.log_chunks = 1;
    a->end.log_bytes = text.len;
    buf_done(&text);
    return sys == 0
               ? FF_OK
               : ff_fail(err, FF_UNAVAILABLE, -sys, "%.160s: %s", path, strerror(-sys));
}

static const char *artifacts_dir(const char *const *env)
{
    static const char name[] = "FF_ARTIFACTS=";

    for (size_t i = 0; env && env[i]; i++)
        if (strncmp(env[i], name, sizeof(name) - 1) == 0)
            return env[i] + sizeof(name) - 1;
    return NULL;
}

/* Each is a file with the text of its mock. */
static int write_artifact(const char *dir, const char *path, const struct buf *text)
{
    MEM_AUTO char *whole = file_join(dir, path);
    MEM_AUTO char *folder = mem_text_len(whole, (size_t)(strrchr(whole, '/') - whole));
    const int sys = file_make_dirs(folder, 0700);

    return sys == 0 ? file_write_durable(whole, buf_text(text), text->len, 0600) : sys;
}

static int write_artifacts(const struct attempt *a, const char *dir, struct ff_err *err)
{
    const struct flow_work *work = a->mock.task ? a->mock.task->work : NULL;
    int sys = 0;

    for (uint32_t i = 0; dir && work && i < work->n_outputs && sys == 0; i++) {
        const struct flow_output *o = &work->outputs[i];
        struct buf text = {0};

        if (o->as == FLOW_AS_ARTIFACT && mock_file(&a->mock, o->name, &text))
            sys = write_artifact(dir, o->file, &text);
        buf_done(&text);
    }
    return sys == 0
               ? FF_OK
               : ff_fail(err, FF_UNAVAILABLE, -sys, "%.160s: %s", dir, strerror(-sys));
}

/* --- the contract --- */

static int script_open(const struct ff_host *host, const void *config,
                       ff_run_event_fn *fn, void *arg, void **runtime,
                       struct ff_err *err)
{
    struct session *s = mem_alloc(sizeof(*s));

    (void)config;
    (void)err;
    *s = (struct session){.host = host, .mocks = current, .fn = fn, .arg = arg};
    *runtime = s;
    current_session = s;
    return FF_OK;
}

static void attempt_free(struct attempt *a)
{
    const struct ff_host *host = a->session->host;

    if (a->timer)
        host->timer_del(host->self, a->timer);
    mock_done(&a->mock);
    mem_free(a->id);
    mem_free(a);
}

static void script_close(void *runtime)
{
    struct session *s = runtime;
    void *value;

    if (!s)
        return;
    for (size_t i = 0; map_next(&s->attempts, &i, &value);)
        attempt_free(value);
    map_done(&s->attempts);
    current_session = NULL;
    mem_free(s);
}

static void complete(const struct session *s, struct ff_op *op, int code)
{
    struct ff_err err;

    if (code != FF_OK)
        ff_fail(&err, code, 0, "there is no such attempt");
    s->host->complete(s->host->self, op, code == FF_OK ? NULL : &err);
}

/* "RUN/fetch.3/2"; the run may be a group within another. */
static struct attempt *attempt_new(struct session *s, const char *id)
{
    struct attempt *a = mem_alloc(sizeof(*a));
    const char *path = strchr(id, '/');
    const char *last = strrchr(id, '/');

    *a = (struct attempt){.session = s, .id = mem_text(id)};
    if (path && last > path) {
        MEM_AUTO char *run = mem_text_len(id, (size_t)(path - id));
        struct buf name = {0};
        result_prefix(current_node, run, &name);
        buf_add(&name, path + 1, (size_t)(last - path - 1));
        mock_of(s->mocks, buf_text(&name), strtoll(last + 1, NULL, 10), &a->mock);
        buf_done(&name);
    }
    a->end.started_us = s->host->now_us(s->host->self);
    map_set_text(&s->attempts, a->id, a);
    return a;
}

static void script_start(void *runtime, const struct ff_run_spec *spec,
                         struct ff_op *op)
{
    struct session *s = runtime;
    struct ff_err err;

    if (map_get_text(&s->attempts, spec->attempt_id)) {
        complete(s, op, FF_OK);
        return;
    }
    struct attempt *a = attempt_new(s, spec->attempt_id);
    if (write_log(a, spec->log_dir, &err) != FF_OK ||
        write_artifacts(a, artifacts_dir(spec->env), &err) != FF_OK) {
        map_del_text(&s->attempts, a->id);
        attempt_free(a);
        s->host->complete(s->host->self, op, &err);
        return;
    }
    complete(s, op, FF_OK);
    plan(a, spec->timeout_us);
}

static void script_cancel(void *runtime, const char *id, int64_t grace_us,
                          struct ff_op *op)
{
    struct session *s = runtime;
    struct attempt *a = map_get_text(&s->attempts, id);

    complete(s, op, a ? FF_OK : FF_NOT_FOUND);
    if (!a || a->end.ended_us)
        return;
    /* A mock that hangs listens to nothing but SIGKILL. */
    const bool listens = a->mock.outcome != MOCK_HANGS && grace_us > 0;
    end_by(a, FF_REASON_CANCELLED, listens ? CODE_TERM : KILLED);
    end_later(a, listens ? 0 : grace_us);
}

static void tell_lost(void *arg)
{
    struct attempt *a = arg;

    a->end.state = FF_RUN_LOST;
    on_end(a);
}

/* Nothing was before this session. */
static void script_adopt(void *runtime, const char *const *ids, size_t n,
                         struct ff_op *op)
{
    struct session *s = runtime;

    for (size_t i = 0; i < n; i++)
        if (!map_get_text(&s->attempts, ids[i])) {
            struct attempt *a = attempt_new(s, ids[i]);
            a->timer = s->host->timer_add(s->host->self, 0, tell_lost, a);
        }
    complete(s, op, FF_OK);
}

static void script_release(void *runtime, const char *const *ids, size_t n,
                           struct ff_op *op)
{
    struct session *s = runtime;

    for (size_t i = 0; i < n; i++) {
        struct attempt *a = map_del_text(&s->attempts, ids[i]);
        if (a)
            attempt_free(a);
    }
    complete(s, op, FF_OK);
}

static int script_output(void *runtime, const char *id, const char *name,
                         ff_bytes_fn *fn, void *arg, struct ff_err *err)
{
    const struct session *s = runtime;
    const struct attempt *a = map_get_text(&s->attempts, id);
    struct buf text = {0};

    if (!a || !mock_file(&a->mock, name, &text))
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no file %.100s", name);
    fn(arg, buf_text(&text), text.len);
    buf_done(&text);
    return FF_OK;
}

static int script_take(void *runtime, const char *id, const char *name, const char *to,
                       struct ff_err *err)
{
    const struct session *s = runtime;
    const struct attempt *a = map_get_text(&s->attempts, id);
    struct buf text = {0};

    if (!a || !mock_file(&a->mock, name, &text))
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no file %.100s", name);
    const int sys = file_write_durable(to, buf_text(&text), text.len, 0600);
    buf_done(&text);
    return sys == 0
               ? FF_OK
               : ff_fail(err, FF_UNAVAILABLE, -sys, "%.160s: %s", to, strerror(-sys));
}

static const struct ff_runtime_ops ops = {
    .open = script_open,
    .close = script_close,
    .start = script_start,
    .cancel = script_cancel,
    .adopt = script_adopt,
    .release = script_release,
    .output = script_output,
    .take = script_take,
};

/* It has nothing to mask: what attempts write is said by mocks, which know no secret.
 */
static const struct ff_driver description = {
    FF_DRIVER_HEAD(FF_RUNTIME, FF_ON_LOOP, ops),
    .caps = FF_RUNTIME_LOCAL_FILES | FF_RUNTIME_MASKS,
    .name = "script",
    .version = "1.0",
    .summary = "attempts that go as mocks say",
    .ops.runtime = &ops,
};

void script_node(struct node *n)
{
    current_node = n;
}

bool script_is_mute(const char *attempt_id)
{
    const struct attempt *a = map_get_text(&current_session->attempts, attempt_id);

    return a && !never_ends(&a->mock);
}

struct driver *script_driver(const struct mocks *m, struct ff_err *err)
{
    current = m;
    return driver_from(&description, err);
}
