/* runtime_fault.c - a filter that refuses attempts, loses their ends and is late with
 * them. Which attempts it hits follows from the seed and their names, so that an
 * attempt asked for twice, or adopted, meets the same fate. */
#include "../common/filter/dice.h"
#include "late.h"

#include <flowforge/filter.h>

#include <stdlib.h>
#include <string.h>

struct config {
    int64_t unavailable;
    int64_t refuse;
    int64_t lose;
    int64_t late;
    int64_t delay_us;
    int64_t seed;
};

#define AT(field) offsetof(struct config, field)

static const struct ff_opt options[] = {
    {.name = "unavailable",
     .help = "how many of a thousand starts are answered: not now, try later",
     .fallback = "0",
     .type = FF_OPT_INT,
     .max = 1000,
     .offset = AT(unavailable)},
    {.name = "refuse",
     .help = "how many of a thousand attempts are refused for good",
     .fallback = "0",
     .type = FF_OPT_INT,
     .max = 1000,
     .offset = AT(refuse)},
    {.name = "lose",
     .help = "how many of a thousand attempts are reported lost when they have ended",
     .fallback = "0",
     .type = FF_OPT_INT,
     .max = 1000,
     .offset = AT(lose)},
    {.name = "late",
     .help = "the ends of how many of a thousand attempts are told late",
     .fallback = "0",
     .type = FF_OPT_INT,
     .max = 1000,
     .offset = AT(late)},
    {.name = "delay",
     .help = "how late at most",
     .fallback = "1s",
     .type = FF_OPT_SECONDS,
     .offset = AT(delay_us),
     .max = INT64_C(3600) * 1000000},
    {.name = "seed",
     .help = "the same seed hits the same attempts; 0: another one each time, logged",
     .fallback = "0",
     .type = FF_OPT_INT,
     .max = INT64_MAX,
     .offset = AT(seed)},
    {0},
};

/* On the loop thread, but for what reads outputs. */
struct session {
    const struct ff_host *host;
    const struct config *config;
    const struct ff_runtime_ops *ops; /* of the next layer */
    void *below;
    uint64_t seed;
    struct dice dice; /* for what may come out differently the next time */
    struct lates lates;
};

/* --- fate --- */

enum fate { FATE_REFUSE = 1, FATE_LOSE = 2, FATE_LATE = 3 };

/* FNV-1a, so that neighbouring names throw nothing alike. */
static struct dice dice_of(const struct session *s, const char *attempt_id,
                           enum fate fate)
{
    struct dice d = {UINT64_C(0xcbf29ce484222325) ^ s->seed};

    for (const char *p = attempt_id; *p; p++)
        d.state = (d.state ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
    d.state += (uint64_t)fate << 32;
    return d;
}

static int is_hit(const struct session *s, const char *attempt_id, enum fate fate,
                  int64_t per_thousand)
{
    struct dice d = dice_of(s, attempt_id, fate);

    return dice_hits(&d, per_thousand);
}

static int64_t delay_of(const struct session *s, const char *attempt_id)
{
    struct dice d = dice_of(s, attempt_id, FATE_LATE);

    dice_throw(&d);
    return dice_upto(&d, s->config->delay_us);
}

static int is_refused(const struct session *s, const char *attempt_id)
{
    return is_hit(s, attempt_id, FATE_REFUSE, s->config->refuse);
}

/* --- events --- */

static int is_final(const struct ff_run_event *e)
{
    return e->state != FF_RUN_STARTED && e->state != FF_RUN_UNKNOWN;
}

/* The process has ended by then, so what is started in its place is alone. */
static void lose(struct ff_run_event *e)
{
    e->state = FF_RUN_LOST;
    e->exit_code = 0;
    e->signal = 0;
    e->reason = FF_REASON_NONE;
    e->message = "its end was lost, as runtime-fault was asked for";
}

/* The next layer may be older than we are, and its event shorter. */
static struct ff_run_event copy_of(const struct ff_run_event *event)
{
    struct ff_run_event e = {0};
    const size_t size = event->struct_size < sizeof(e) ? event->struct_size : sizeof(e);

    memcpy(&e, event, size);
    e.struct_size = (uint32_t)size;
    return e;
}

static void on_event(void *arg, const struct ff_run_event *event)
{
    struct session *s = arg;
    struct ff_run_event e = copy_of(event);

    if (e.state == FF_RUN_EXITED && is_hit(s, e.attempt_id, FATE_LOSE, s->config->lose))
        lose(&e);
    if (is_final(&e) && is_hit(s, e.attempt_id, FATE_LATE, s->config->late) &&
        late_add(&s->lates, &e, delay_of(s, e.attempt_id)) == FF_OK)
        return;
    s->lates.fn(s->lates.arg, &e);
}

/* Never from inside the call that brought it about. */
static int say_refused(struct session *s, const char *attempt_id)
{
    const struct ff_run_event e = {
        .struct_size = sizeof(e),
        .state = FF_RUN_REFUSED,
        .attempt_id = attempt_id,
        .message = "it was refused, as runtime-fault was asked for",
    };

    return late_add(&s->lates, &e, 0);
}

/* --- the contract --- */

static int fault_open(const struct ff_host *host, const void *config,
                      ff_run_event_fn *fn, void *arg, void **runtime,
                      struct ff_err *err)
{
    const struct ff_next *next = ff_next_of(host, err);
    struct session *s;
    int code;

    if (!next)
        return FF_UNSUPPORTED;
    s = calloc(1, sizeof(*s));
    if (!s)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a session");
    s->host = host;
    s->config = config;
    s->ops = next->ops.runtime;
    s->seed =
        s->config->seed ? (uint64_t)s->config->seed : host->random(host->self) >> 1;
    s->dice.state = s->seed;
    s->lates = (struct lates){.host = host, .fn = fn, .arg = arg};
    code = s->ops->open(next->host, next->config, on_event, s, &s->below, err);
    if (code != FF_OK) {
        free(s);
        return code;
    }
    ff_log(host, FF_INFO, "faults by seed %llu", (unsigned long long)s->seed);
    *runtime = s;
    return FF_OK;
}

static void fault_close(void *runtime)
{
    struct session *s = runtime;

    if (!s)
        return;
    s->ops->close(s->below);
    late_drop_all(&s->lates);
    free(s);
}

static void done(const struct session *s, struct ff_op *op, int code)
{
    struct ff_err err;

    if (code != FF_OK)
        ff_fail(&err, code, 0,
                code == FF_NO_MEMORY ? "out of memory for an event"
                                     : "not now, as runtime-fault was asked for");
    s->host->complete(s->host->self, op, code == FF_OK ? NULL : &err);
}

static void fault_start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    struct session *s = runtime;

    if (dice_hits(&s->dice, s->config->unavailable))
        done(s, op, FF_UNAVAILABLE);
    else if (is_refused(s, spec->attempt_id))
        done(s, op, say_refused(s, spec->attempt_id));
    else
        s->ops->start(s->below, spec, op);
}

static void fault_cancel(void *runtime, const char *attempt_id, int64_t grace_us,
                         struct ff_op *op)
{
    const struct session *s = runtime;

    s->ops->cancel(s->below, attempt_id, grace_us, op);
}

/* The next layer has never heard of those that were refused. A call that names none has
 * a meaning of its own and is passed on, but is never made up. */
static void fault_adopt(void *runtime, const char *const *attempt_ids, size_t n,
                        struct ff_op *op)
{
    struct session *s = runtime;
    const char **known = calloc(n > 0 ? n : 1, sizeof(*known));
    size_t n_known = 0;
    int code = known ? FF_OK : FF_NO_MEMORY;

    for (size_t i = 0; i < n && code == FF_OK; i++) {
        if (is_refused(s, attempt_ids[i]))
            code = say_refused(s, attempt_ids[i]);
        else
            known[n_known++] = attempt_ids[i];
    }
    if (code == FF_OK && (n_known > 0 || n == 0))
        s->ops->adopt(s->below, known, n_known, op);
    else
        done(s, op, code);
    free(known);
}

static void fault_release(void *runtime, const char *const *attempt_ids, size_t n,
                          struct ff_op *op)
{
    struct session *s = runtime;

    for (size_t i = 0; i < n; i++)
        late_drop(&s->lates, attempt_ids[i]);
    s->ops->release(s->below, attempt_ids, n, op);
}

static int fault_output(void *runtime, const char *attempt_id, const char *name,
                        ff_bytes_fn *fn, void *arg, struct ff_err *err)
{
    const struct session *s = runtime;

    return s->ops->output(s->below, attempt_id, name, fn, arg, err);
}

static int fault_take(void *runtime, const char *attempt_id, const char *name,
                      const char *to, struct ff_err *err)
{
    const struct session *s = runtime;

    return s->ops->take(s->below, attempt_id, name, to, err);
}

static int fault_outputs(void *runtime, const char *attempt_id, ff_bytes_fn *fn,
                         void *arg, struct ff_err *err)
{
    const struct session *s = runtime;

    return s->ops->outputs(s->below, attempt_id, fn, arg, err);
}

static const struct ff_runtime_ops ops = {
    .open = fault_open,
    .close = fault_close,
    .start = fault_start,
    .cancel = fault_cancel,
    .adopt = fault_adopt,
    .release = fault_release,
    .output = fault_output,
    .take = fault_take,
    .outputs = fault_outputs,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_RUNTIME, FF_ON_LOOP, ops),
    .caps = FF_RUNTIME_LOCAL_FILES | FF_RUNTIME_IMAGES | FF_RUNTIME_LIMITS |
            FF_RUNTIME_MASKS,
    .name = "fault",
    .version = FLOWFORGE_VERSION,
    .summary = "refuses attempts, loses their ends and tells them late, for tests",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.runtime = &ops,
    .flags = FF_FILTER,
};

FF_REGISTER_DRIVER(driver)
