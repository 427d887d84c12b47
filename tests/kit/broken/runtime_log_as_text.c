/* breaks: runtime/logs/any-bytes
 * over: runtime-local
 *
 * NUL is left out of the log. */
#include "broken_runtime.h"

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    start_by(runtime, spec, "\"$@\" | tr -d '\\000'", op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
}
