/* breaks: runtime/start/signals
 * over: runtime-local
 *
 * A signal is told as an exit code alone. */
#include "broken_runtime.h"

static bool change(struct ff_run_event *event)
{
    event->signal = 0;
    return true;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    (void)ops;
    change_event = change;
}
