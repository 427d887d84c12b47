/* breaks: runtime/logs/masks
 * over: runtime-local
 *
 * Of what must not stand in the log only the first is heeded. */
#include "broken_runtime.h"

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    struct ff_run_spec copy = *spec;
    const char *masks[2] = {spec->masks ? spec->masks[0] : NULL, NULL};

    copy.masks = masks;
    good->start(runtime, &copy, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
}
