/* breaks: runtime/timeout/reason
 * breaks: runtime/timeout/grace
 * over: runtime-local
 *
 * timeout_us means nothing. */
#include "broken_runtime.h"

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    struct ff_run_spec copy = *spec;

    copy.timeout_us = 0;
    good->start(runtime, &copy, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
}
