/* breaks: runtime/cancel/tidies-up
 * breaks: runtime/cancel/grace
 * over: runtime-local
 *
 * cancel kills at once. */
#include "broken_runtime.h"

static void cancel(void *runtime, const char *attempt_id, int64_t grace_us,
                   struct ff_op *op)
{
    (void)grace_us;
    good->cancel(runtime, attempt_id, 0, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->cancel = cancel;
}
