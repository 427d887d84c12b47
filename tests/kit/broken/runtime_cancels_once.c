/* breaks: runtime/cancel/second
 * over: runtime-local
 *
 * A second cancel of the same attempt changes nothing. */
#include "broken_runtime.h"

static struct ids cancelled;

static void cancel(void *runtime, const char *attempt_id, int64_t grace_us,
                   struct ff_op *op)
{
    if (has_id(&cancelled, attempt_id)) {
        succeed(op);
        return;
    }
    add_id(&cancelled, attempt_id);
    good->cancel(runtime, attempt_id, grace_us, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->cancel = cancel;
}
