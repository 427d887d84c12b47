/* breaks: runtime/start/memory-limit
 * over: runtime-local
 *
 * Limits mean nothing, though it says that it obeys them. */
#include "broken_runtime.h"

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    struct ff_run_spec copy = *spec;

    copy.memory_bytes = 0;
    copy.cpu_milli = 0;
    good->start(runtime, &copy, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
}
