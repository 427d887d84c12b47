/* breaks: runtime/start/arguments
 * over: runtime-local
 *
 * Arguments that are empty are left out. */
#include "broken_runtime.h"

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    struct ff_run_spec copy = *spec;
    const char *argv[64];
    size_t n = 0;

    for (size_t i = 0; spec->argv[i] && n < 63; i++)
        if (*spec->argv[i])
            argv[n++] = spec->argv[i];
    argv[n] = NULL;
    copy.argv = argv;
    good->start(runtime, &copy, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
}
