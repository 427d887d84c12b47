/* breaks: runtime/start/times
 * over: runtime-local
 *
 * Times are counted from the start of the machine. */
#include "broken_runtime.h"

static bool change(struct ff_run_event *event)
{
    if (event->state == FF_RUN_EXITED) {
        event->ended_us -= event->started_us - 1;
        event->started_us = 1;
    }
    return true;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    (void)ops;
    change_event = change;
}
