/* breaks: runtime/start/no-input
 * over: runtime-local
 *
 * Without input there is a newline. */
#include "broken_runtime.h"

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    struct ff_run_spec copy = *spec;

    if (!copy.input) {
        copy.input = "\n";
        copy.input_len = 1;
    }
    good->start(runtime, &copy, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
}
