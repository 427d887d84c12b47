/* breaks: runtime/event/once
 * over: runtime-local
 *
 * Each final event is told twice. */
#include "broken_runtime.h"

static bool change(struct ff_run_event *event)
{
    core_fn(core_arg, event);
    return true;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    (void)ops;
    change_event = change;
}
