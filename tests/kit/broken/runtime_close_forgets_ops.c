/* breaks: runtime/close/while-open
 * over: runtime-local
 *
 * Operations that are open at close are forgotten. */
#include "broken_runtime.h"

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    static bool first = true;

    good->start(runtime, spec, first ? op : SPARE_OP);
    first = false;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
}
