/* breaks: runtime/event/the-same
 * over: runtime-local
 *
 * The end is when it is told. */
#include "broken_runtime.h"

static bool change(struct ff_run_event *event)
{
    if (event->ended_us)
        event->ended_us = host->now_us(host->self);
    return true;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    (void)ops;
    change_event = change;
}
