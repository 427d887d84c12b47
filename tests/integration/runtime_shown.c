/* runtime_shown.c - a filter for tests: the runtime behind it, of which others can read
 * the environment of attempts. One session at a time. With ALONE it says that it is no
 * filter, which is enough for who asks what it can do. */
#include <flowforge/filter.h>
#include <flowforge/runtime.h>

static const struct ff_runtime_ops *below;

static int shown_open(const struct ff_host *host, const void *config,
                      ff_run_event_fn *fn, void *arg, void **runtime,
                      struct ff_err *err)
{
    const struct ff_next *next = ff_next_of(host, err);

    (void)config;
    if (!next)
        return FF_UNSUPPORTED;
    below = next->ops.runtime;
    return below->open(next->host, next->config, fn, arg, runtime, err);
}

static void shown_close(void *runtime)
{
    if (runtime)
        below->close(runtime);
}

static void shown_start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    below->start(runtime, spec, op);
}

static void shown_cancel(void *runtime, const char *id, int64_t grace_us,
                         struct ff_op *op)
{
    below->cancel(runtime, id, grace_us, op);
}

static void shown_adopt(void *runtime, const char *const *ids, size_t n,
                        struct ff_op *op)
{
    below->adopt(runtime, ids, n, op);
}

static void shown_release(void *runtime, const char *const *ids, size_t n,
                          struct ff_op *op)
{
    below->release(runtime, ids, n, op);
}

static int shown_output(void *runtime, const char *id, const char *name,
                        ff_bytes_fn *fn, void *arg, struct ff_err *err)
{
    return below->output(runtime, id, name, fn, arg, err);
}

static int shown_take(void *runtime, const char *id, const char *name, const char *to,
                      struct ff_err *err)
{
    return below->take(runtime, id, name, to, err);
}

static int shown_outputs(void *runtime, const char *id, ff_bytes_fn *fn, void *arg,
                         struct ff_err *err)
{
    return below->outputs(runtime, id, fn, arg, err);
}

static const struct ff_runtime_ops ops = {
    .open = shown_open,
    .close = shown_close,
    .start = shown_start,
    .cancel = shown_cancel,
    .adopt = shown_adopt,
    .release = shown_release,
    .output = shown_output,
    .take = shown_take,
    .outputs = shown_outputs,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_RUNTIME, FF_ON_LOOP, ops),
    .caps = FF_RUNTIME_LOCAL_FILES | FF_RUNTIME_LIMITS | FF_RUNTIME_MASKS |
            FF_RUNTIME_SHOWS_ENV,
    .name = "shown",
    .version = "1.0",
    .summary = "shows the environment of attempts to others, for tests",
    .ops.runtime = &ops,
#ifndef ALONE
    .flags = FF_FILTER,
#endif
};

FF_REGISTER_DRIVER(driver)
