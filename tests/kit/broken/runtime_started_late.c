/* breaks: runtime/event/in-order
 * over: runtime-local
 *
 * That it started is told when it has ended. */
#include "broken_runtime.h"

static bool change(struct ff_run_event *event)
{
    struct ff_run_event started = *event;

    started.state = FF_RUN_STARTED;
    core_fn(core_arg, event);
    core_fn(core_arg, &started);
    return false;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    (void)ops;
    change_event = change;
}
