/* breaks: runtime/cancel/at-once
 * over: runtime-local
 *
 * A cancel while the start is still on its way is done with. */
#include "broken_runtime.h"

static bool on_its_way;

static const struct ff_err *note(const struct ff_err *err)
{
    on_its_way = false;
    return err;
}

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    on_its_way = true;
    good->start(runtime, spec, op);
}

static void cancel(void *runtime, const char *attempt_id, int64_t grace_us,
                   struct ff_op *op)
{
    if (on_its_way)
        succeed(op);
    else
        good->cancel(runtime, attempt_id, grace_us, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    change_result = note;
    ops->start = start;
    ops->cancel = cancel;
}
