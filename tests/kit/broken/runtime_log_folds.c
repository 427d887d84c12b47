/* breaks: runtime/logs/long-lines
 * over: runtime-local
 *
 * Long lines are broken. */
#include "broken_runtime.h"

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    start_by(runtime, spec, "\"$@\" 2>&1 | fold -w 1000 >&2", op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
}
