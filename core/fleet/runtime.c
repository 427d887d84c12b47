/* runtime.c - what the core asks of a runtime (flowforge/runtime.h), answered from what
 * is known here; what executors are to do becomes commands. */
#include "fleet/fleet_priv.h"

#include <string.h>

/* As runtime-local has them. */
#define ARGS_MAX  ((size_t)8 << 20)
#define INPUT_MAX ((size_t)64 << 20)

static struct fleet *current; /* a driver's open is told of no object of ours */

static void complete(const struct fleet *f, struct ff_op *op, const struct ff_err *err)
{
    f->host->complete(f->host->self, op, err);
}

static int remote_open(const struct ff_host *host, const void *config,
                       ff_run_event_fn *fn, void *arg, void **runtime,
                       struct ff_err *err)
{
    struct fleet *f = current;

    (void)config;
    if (!f || f->host)
        return ff_fail(err, FF_BUSY, 0, "this fleet is in use");
    f->host = host;
    f->fn = fn;
    f->fn_arg = arg;
    f->all_named = f->all_back = f->spared = false;
    f->opened_at = loop_mono_us(f->setup.loop);
    *runtime = f;
    return FF_OK;
}

static void remote_close(void *runtime)
{
    struct fleet *f = runtime;

    if (f)
        f->host = NULL;
}

/* --- start, cancel --- */

/* A copy of what stands in the spec, which a runtime must not keep. */
static void keep_spec(struct fleet_attempt *a, const struct ff_run_spec *spec)
{
    struct buf text = {0};

    fleet_spec_write(&text, spec);
    a->spec_len = text.len;
    a->spec = buf_take(&text);
    a->masked = FF_HAS(spec, masks) && spec->masks && spec->masks[0];
    a->has_files = FF_HAS(spec, files_dir) && spec->files_dir;
    mem_free(a->selector);
    a->selector = FF_HAS(spec, node_selector) && spec->node_selector
                      ? mem_text(spec->node_selector)
                      : NULL;
    if (a->has_files) {
        mem_free(a->files_dir);
        a->files_dir = mem_text(spec->files_dir);
    }
}

static size_t bytes_of(const char *const *items)
{
    size_t n = 0;

    for (size_t i = 0; items && items[i]; i++)
        n += strlen(items[i]) + 1;
    return n;
}

/* Whoever was handed more could not take it, and would ask for it again for ever. */
static bool is_too_large(const struct ff_run_spec *spec)
{
    return bytes_of(spec->argv) + bytes_of(spec->env) > ARGS_MAX ||
           (FF_HAS(spec, masks) && bytes_of(spec->masks) > ARGS_MAX) ||
           (spec->input && spec->input_len > INPUT_MAX);
}

static void remote_start(void *runtime, const struct ff_run_spec *spec,
                         struct ff_op *op)
{
    struct fleet *f = runtime;
    struct fleet_attempt *a = map_get_text(&f->attempts, spec->attempt_id);
    struct ff_err err;

    if (!f->lane) {
        ff_fail(&err, FF_CANCELLED, 0, "the server leaves");
        complete(f, op, &err);
        return;
    }
    if (is_too_large(spec)) {
        ff_fail(
            &err, FF_INVALID, 0,
            "its arguments and environment are larger than %zu MiB, or its standard "
            "input than %zu",
            ARGS_MAX >> 20, INPUT_MAX >> 20);
        complete(f, op, &err);
        return;
    }
    if (a && (a->op || a->state == FLEET_IS_WAITING || a->state == FLEET_IS_SENT)) {
        complete(f, op, NULL);
        return;
    }
    if (a && a->state != FLEET_IS_EXPECTED) { /* it is said again */
        a->named = true;
        complete(f, op, NULL);
        fleet_attempt_tell(a);
        return;
    }
    if (!a)
        a = fleet_attempt_new(f, spec->attempt_id, FLEET_IS_WAITING);
    a->state = FLEET_IS_WAITING;
    a->named = true;
    a->op = op;
    a->tenant_hash = f->setup.tenant_hash(f->setup.arg, a->id);
    keep_spec(a, spec);
    mem_free(a->log_dir);
    a->log_dir = mem_text(spec->log_dir);
    list_add_tail(&f->waiting, &a->waiting);
    fleet_later(f);
}

static void stop(struct fleet_attempt *a, int64_t grace_us)
{
    a->stop = true;
    a->grace_us = grace_us;
    if (a->state == FLEET_IS_WAITING)
        fleet_attempt_cancelled(a);
    else if (a->member && a->state != FLEET_IS_ENDED) /* it may be fetching its files */
        fleet_member_command(a->member, COMMAND_CANCEL, a->id, grace_us);
}

static void remote_cancel(void *runtime, const char *id, int64_t grace_us,
                          struct ff_op *op)
{
    struct fleet *f = runtime;
    struct fleet_attempt *a = map_get_text(&f->attempts, id);
    struct ff_err err;

    if (!a) {
        ff_fail(&err, FF_NOT_FOUND, 0, "there is no attempt %.200s", id);
        complete(f, op, &err);
        return;
    }
    stop(a, grace_us);
    complete(f, op, NULL);
}

/* --- adopt, release --- */

void fleet_give_up(struct fleet *f)
{
    void *value;

    for (size_t i = 0;
         f->all_named && f->all_back && map_next(&f->attempts, &i, &value);) {
        struct fleet_attempt *a = value;
        if (a->state == FLEET_IS_EXPECTED)
            fleet_attempt_lost(a, "no executor that came back holds it");
    }
}

static void await_no_more(struct fleet *f)
{
    const struct fleet_setup *s = &f->setup;
    void *name;

    for (size_t i = 0; map_next(&f->awaited, &i, &name);) {
        log_warn("executor %s has not come back within its lease", (char *)name);
        s->forget(s->arg, map_key_text(&f->awaited, i));
        mem_free(name);
    }
    map_done(&f->awaited);
}

/* Who holds what the core names has had a lease's time to say so. */
static void on_expected(void *arg)
{
    struct fleet *f = arg;
    const int64_t due = f->opened_at + f->setup.lease_us;

    if (!f->spared && fleet_stood_still(f, due)) {
        f->spared = true;
        loop_timer_add(f->setup.loop, f->setup.lease_us / FLEET_SPARE_SHARE,
                       on_expected, f, &f->expecting);
        return;
    }
    await_no_more(f);
    f->all_back = true;
    f->setup.all_back(f->setup.arg);
    fleet_give_up(f);
}

void fleet_expect(struct fleet *f)
{
    const int64_t left = f->opened_at + f->setup.lease_us - loop_mono_us(f->setup.loop);

    if (!f->expecting)
        loop_timer_add(f->setup.loop, left > 0 ? left : 0, on_expected, f,
                       &f->expecting);
}

static void adopt_one(struct fleet *f, const char *id)
{
    struct fleet_attempt *a = map_get_text(&f->attempts, id);

    if (!a) {
        a = fleet_attempt_new(f, id, FLEET_IS_EXPECTED);
        fleet_expect(f);
    }
    a->named = true;
    fleet_attempt_tell(a);
}

/* What the core does not name by now it has given up: so has to do who holds it. */
static void end_unnamed(struct fleet *f)
{
    void *value;

    f->all_named = true;
    for (size_t i = 0; map_next(&f->attempts, &i, &value);) {
        struct fleet_attempt *a = value;
        if (a->named)
            continue;
        if (a->member)
            fleet_member_command(a->member, COMMAND_DROP, a->id, 0);
        fleet_attempt_free(a);
    }
    fleet_sweep_files(f);
    fleet_give_up(f);
}

static void remote_adopt(void *runtime, const char *const *ids, size_t n,
                         struct ff_op *op)
{
    struct fleet *f = runtime;

    for (size_t i = 0; i < n; i++)
        adopt_one(f, ids[i]);
    if (n == 0)
        end_unnamed(f);
    fleet_later(f);
    complete(f, op, NULL);
}

static void release_one(struct fleet *f, const char *id)
{
    struct fleet_attempt *a = map_get_text(&f->attempts, id);

    if (!a)
        return;
    if (a->member)
        fleet_member_command(a->member, COMMAND_DROP, id, 0);
    fleet_forget_files(f, id);
    fleet_attempt_free(a);
}

static void remote_release(void *runtime, const char *const *ids, size_t n,
                           struct ff_op *op)
{
    struct fleet *f = runtime;

    for (size_t i = 0; i < n; i++)
        release_one(f, ids[i]);
    complete(f, op, NULL);
}

const struct ff_runtime_ops fleet_ops = {
    .open = remote_open,
    .close = remote_close,
    .start = remote_start,
    .cancel = remote_cancel,
    .adopt = remote_adopt,
    .release = remote_release,
    .output = fleet_output,
    .take = fleet_output_take,
    .outputs = fleet_outputs,
};

static const struct ff_driver description = {
    FF_DRIVER_HEAD(FF_RUNTIME, FF_ON_LOOP, struct ff_runtime_ops),
    .caps = FF_RUNTIME_LIMITS | FF_RUNTIME_MASKS | FF_RUNTIME_FILES | FF_RUNTIME_LABELS,
    .name = FLEET_RUNTIME,
    .version = FLOWFORGE_VERSION,
    .summary = "hands tasks to executors, which come and go",
    .ops.runtime = &fleet_ops,
};

struct driver *fleet_driver(struct fleet *f, struct ff_err *err)
{
    current = f;
    return driver_from(&description, err);
}
