/* breaks: runtime/start/large-input
 * over: runtime-local
 *
 * Input is cut after 1 MiB. */
#include "broken_runtime.h"

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    struct ff_run_spec copy = *spec;

    if (copy.input_len > 1u << 20)
        copy.input_len = 1u << 20;
    good->start(runtime, &copy, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
}
