/* breaks: runtime/adopt/cancel
 * over: runtime-local
 *
 * Only those that this process started can be cancelled by it. */
#include "broken_runtime.h"

static struct ids started;

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    add_id(&started, spec->attempt_id);
    good->start(runtime, spec, op);
}

static void cancel(void *runtime, const char *attempt_id, int64_t grace_us,
                   struct ff_op *op)
{
    if (has_id(&started, attempt_id))
        good->cancel(runtime, attempt_id, grace_us, op);
    else
        fail(op, FF_NOT_FOUND, "this process did not start it");
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
    ops->cancel = cancel;
}
