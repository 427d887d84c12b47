/* events.c - what the runtime reports, and what it means. */
#include "exec/exec_priv.h"

#include <string.h>

/* The owner before us died between grant and start. It is the same attempt that starts
 * now: a start by name can be said again, and so can one that is still on its way. */
void attempt_never_began(struct attempt *a)
{
    const struct result cancelled = {
        .outcome = OUTCOME_CANCELLED,
        .exit_code = MODEL_NULL,
        .message = "it was cancelled before it began",
    };

    /* The answer to its start may come after this. Where this was about an earlier
     * start, saying it once more changes nothing. */
    a->never_began = a->state == ATTEMPT_STARTING;
    if (a->state != ATTEMPT_RUNNING || a->exec->draining)
        return; /* the next owner asks again */
    if (a->stop_asked)
        attempt_report(a->exec, a, &a->key, &cancelled);
    else
        attempt_start(a);
}

/* Another host may have started it, and it may run there still. */
static void runs_elsewhere(struct attempt *a, const struct ff_run_event *event)
{
    struct ff_run_event lost = *event;

    lost.state = FF_RUN_LOST;
    lost.message = "another host led when it was started";
    if (a->state == ATTEMPT_RUNNING && !a->exec->draining)
        attempt_collect(a, &lost);
}

void exec_on_event(void *arg, const struct ff_run_event *event)
{
    struct exec *x = arg;
    struct attempt *a = attempt_by_id(x, event->attempt_id);

    if (event->state == FF_RUN_STARTED)
        return; /* the grant says so already */
    if (x->is_drained)
        return; /* until it is freed; the next owner asks, and hears it again */
    if (!a && map_get_text(&x->abandoned, event->attempt_id)) {
        mem_free(map_del_text(&x->abandoned, event->attempt_id));
        exec_later_release(x, event->attempt_id);
        return;
    }
    if (!a) {
        /* Of a run that is over, or not loaded yet: in the second case the load asks
         * for it by adopt() and hears it again. */
        log_debug("an event of %s, which nobody waits for", event->attempt_id);
        return;
    }
    if (event->state == FF_RUN_UNKNOWN) {
        if (x->setup.another_place)
            runs_elsewhere(a, event);
        else
            attempt_never_began(a);
        return;
    }
    if (a->state == ATTEMPT_STARTING || a->state == ATTEMPT_RUNNING)
        attempt_collect(a, event);
}
