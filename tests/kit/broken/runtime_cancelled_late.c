/* breaks: runtime/cancel/ended
 * over: runtime-local
 *
 * One that had ended is told to have been cancelled. */
#include "broken_runtime.h"

static bool cancelled;

static bool change(struct ff_run_event *event)
{
    if (cancelled && event->state == FF_RUN_EXITED)
        event->reason = FF_REASON_CANCELLED;
    return true;
}

static void cancel(void *runtime, const char *attempt_id, int64_t grace_us,
                   struct ff_op *op)
{
    cancelled = true;
    good->cancel(runtime, attempt_id, grace_us, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    change_event = change;
    ops->cancel = cancel;
}
