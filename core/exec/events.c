/* events.c - what the runtime reports, and what it means. */
#include "exec/exec_priv.h"

#include <string.h>

void exec_on_event(void *arg, const struct ff_run_event *event)
{
    struct exec *x = arg;
    struct attempt *a = attempt_by_id(x, event->attempt_id);

    if (event->state == FF_RUN_STARTED)
        return; /* the grant says so already */
    if (!a) {
        /* Of a run that is over, or not loaded yet: in the second case the load asks
         * for it by adopt() and hears it again. */
        log_debug("an event of %s, which nobody waits for", event->attempt_id);
        return;
    }
    if (a->state == ATTEMPT_STARTING || a->state == ATTEMPT_RUNNING)
        attempt_collect(a, event);
}
