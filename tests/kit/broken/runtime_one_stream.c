/* breaks: runtime/logs/both-streams
 * over: runtime-local
 *
 * What goes to standard error is taken for standard output. */
#include "broken_runtime.h"

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    start_by(runtime, spec, "exec \"$@\" 2>&1", op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
}
