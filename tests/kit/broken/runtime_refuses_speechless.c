/* breaks: runtime/start/refused
 * over: runtime-local
 *
 * A refusal does not say why. */
#include "broken_runtime.h"

static bool change(struct ff_run_event *event)
{
    if (event->state == FF_RUN_REFUSED)
        event->message = NULL;
    return true;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    (void)ops;
    change_event = change;
}
