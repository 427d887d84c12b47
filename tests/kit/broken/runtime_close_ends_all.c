/* breaks: runtime/close/leaves-running
 * over: runtime-local
 *
 * Attempts end with their session. */
#include "broken_runtime.h"

static struct ids started;

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    add_id(&started, spec->attempt_id);
    good->start(runtime, spec, op);
}

static bool is_closed;

static bool change(struct ff_run_event *event)
{
    (void)event;
    return !is_closed;
}

static int open_session(const struct ff_host *h, const void *config,
                        ff_run_event_fn *fn, void *arg, void **runtime,
                        struct ff_err *err)
{
    is_closed = false;
    return open_changed(h, config, fn, arg, runtime, err);
}

static void close_later(void *runtime)
{
    good->close(runtime);
}

static void close_session(void *runtime)
{
    for (size_t i = 0; i < started.n; i++)
        good->cancel(runtime, started.items[i], 0, SPARE_OP);
    started.n = 0;
    is_closed = true;
    host->timer_add(host->self, 500, close_later, runtime);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    change_event = change;
    ops->open = open_session;
    ops->start = start;
    ops->close = close_session;
}
