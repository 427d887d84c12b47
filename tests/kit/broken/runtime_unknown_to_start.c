/* breaks: runtime/start/refused
 * over: runtime-local
 *
 * What cannot be run is called unknown, which is for adopt. */
#include "broken_runtime.h"

static bool change(struct ff_run_event *event)
{
    if (event->state == FF_RUN_REFUSED)
        event->state = FF_RUN_UNKNOWN;
    return true;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    (void)ops;
    change_event = change;
}
