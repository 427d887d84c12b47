/* breaks: runtime/start/directory
 * over: runtime-local
 *
 * All work in the root directory. */
#include "broken_runtime.h"

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    struct ff_run_spec copy = *spec;

    copy.dir = "/";
    good->start(runtime, &copy, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
}
