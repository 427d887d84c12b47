/* What broken runtimes share: they are a correct driver with some functions replaced.
 */
#ifndef BROKEN_RUNTIME_H
#define BROKEN_RUNTIME_H

#include <flowforge/runtime.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The driver that the file is made over, see kit.cmake. */
const struct ff_driver *correct(void);

#define good (correct()->ops.runtime)

/* Each file has one: replaces what it breaks. */
static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops);

static const struct ff_host *host;
static ff_run_event_fn *core_fn;
static void *core_arg;
/* What becomes of events and completions, where it is set: NULL or false, nothing. */
static bool (*change_event)(struct ff_run_event *event);
static const struct ff_err *(*change_result)(const struct ff_err *err);

static char spare; /* where the correct one wants an operation that is nobody's */

#define SPARE_OP ((struct ff_op *)(void *)&spare)

static void complete_changed(struct ff_core *self, struct ff_op *op,
                             const struct ff_err *err)
{
    if (op != SPARE_OP)
        host->complete(self, op, change_result ? change_result(err) : err);
}

static void tell_changed(void *arg, const struct ff_run_event *event)
{
    struct ff_run_event copy = *event;

    (void)arg;
    if (!change_event || change_event(&copy))
        core_fn(core_arg, &copy);
}

static int open_changed(const struct ff_host *h, const void *config,
                        ff_run_event_fn *fn, void *arg, void **runtime,
                        struct ff_err *err)
{
    static struct ff_host inner;

    host = h;
    inner = *h;
    inner.complete = complete_changed;
    core_fn = fn;
    core_arg = arg;
    return good->open(&inner, config, tell_changed, NULL, runtime, err);
}

FF_EXPORT const struct ff_driver *ff_driver_entry(void);
FF_EXPORT const struct ff_driver *ff_driver_entry(void)
{
    static struct ff_runtime_ops ops;
    static struct ff_driver d;

    d = *correct();
    ops = *good;
    ops.open = open_changed;
    break_it(&d, &ops);
    d.ops.runtime = &ops;
    return &d;
}

__attribute__((unused)) static void succeed(struct ff_op *op)
{
    host->complete(host->self, op, NULL);
}

__attribute__((unused)) static void fail(struct ff_op *op, int code, const char *why)
{
    struct ff_err err;

    ff_fail(&err, code, 0, "%s", why);
    host->complete(host->self, op, &err);
}

/* A set of ids. */
struct ids {
    char *items[1000];
    size_t n;
};

__attribute__((unused)) static bool has_id(const struct ids *ids, const char *id)
{
    for (size_t i = 0; i < ids->n; i++)
        if (strcmp(ids->items[i], id) == 0)
            return true;
    return false;
}

__attribute__((unused)) static void add_id(struct ids *ids, const char *id)
{
    if (!has_id(ids, id) && ids->n < 1000)
        ids->items[ids->n++] = strdup(id);
}

/* Starts the program of the spec by a shell with this script, as "$@". */
__attribute__((unused)) static void start_by(void *runtime,
                                             const struct ff_run_spec *spec,
                                             const char *script, struct ff_op *op)
{
    const char *argv[64] = {"/bin/sh", "-c", script, "sh"};
    struct ff_run_spec copy = *spec;

    for (size_t i = 0; i < 59 && spec->argv[i]; i++)
        argv[i + 4] = spec->argv[i];
    copy.argv = argv;
    good->start(runtime, &copy, op);
}

#endif
