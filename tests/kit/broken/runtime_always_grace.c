/* breaks: runtime/cancel/no-grace
 * over: runtime-local
 *
 * A grace of 0 means a default of 5 s. */
#include "broken_runtime.h"

static void cancel(void *runtime, const char *attempt_id, int64_t grace_us,
                   struct ff_op *op)
{
    good->cancel(runtime, attempt_id, grace_us ? grace_us : 5000000, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->cancel = cancel;
}
