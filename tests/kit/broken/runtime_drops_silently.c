/* breaks: runtime/logs/limit
 * over: runtime-local
 *
 * What was dropped is not counted. */
#include "broken_runtime.h"

static bool change(struct ff_run_event *event)
{
    event->log_dropped = 0;
    return true;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    (void)ops;
    change_event = change;
}
