/* breaks: runtime/adopt/lost-stays
 * over: runtime-local
 *
 * One that was called lost never ran, it says the next time. */
#include "broken_runtime.h"

static bool change(struct ff_run_event *event)
{
    static struct ids lost;

    if (event->state == FF_RUN_LOST && has_id(&lost, event->attempt_id))
        event->state = FF_RUN_UNKNOWN;
    if (event->state == FF_RUN_LOST)
        add_id(&lost, event->attempt_id);
    return true;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    (void)ops;
    change_event = change;
}
