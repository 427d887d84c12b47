/* breaks: runtime/event/repeated
 * over: runtime-local
 *
 * Who was told of an end is not told again. */
#include "broken_runtime.h"

static bool change(struct ff_run_event *event)
{
    static struct ids told;

    if (has_id(&told, event->attempt_id))
        return false;
    add_id(&told, event->attempt_id);
    return true;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    (void)ops;
    change_event = change;
}
