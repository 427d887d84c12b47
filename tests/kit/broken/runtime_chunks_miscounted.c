/* breaks: runtime/logs/nothing
 * breaks: runtime/logs/chunks
 * over: runtime-local
 *
 * The next chunk is counted, too. */
#include "broken_runtime.h"

static bool change(struct ff_run_event *event)
{
    event->log_chunks++;
    return true;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    (void)ops;
    change_event = change;
}
