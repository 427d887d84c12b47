/* breaks: runtime/adopt/unknown
 * over: runtime-local
 *
 * One that is not known has ended well, it is believed. */
#include "broken_runtime.h"

static bool change(struct ff_run_event *event)
{
    if (event->state == FF_RUN_LOST || event->state == FF_RUN_UNKNOWN) {
        event->state = FF_RUN_EXITED;
        event->started_us = event->ended_us = host->now_us(host->self);
    }
    return true;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    (void)ops;
    change_event = change;
}
