/* breaks: runtime/start/exit-codes
 * over: runtime-local
 *
 * An exit code above 127 is taken for a signal. */
#include "broken_runtime.h"

static bool change(struct ff_run_event *event)
{
    if (event->state == FF_RUN_EXITED && !event->signal && event->exit_code > 128) {
        event->signal = event->exit_code - 128;
    }
    return true;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    (void)ops;
    change_event = change;
}
