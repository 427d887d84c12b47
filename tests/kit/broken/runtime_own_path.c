/* breaks: runtime/start/path
 * over: runtime-local
 *
 * Programs are looked for where the runtime finds its own. */
#include "broken_runtime.h"

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    struct ff_run_spec copy = *spec;
    char path[4000];

    snprintf(path, sizeof(path), "/usr/bin/%s", spec->argv[0]);
    if (!strchr(spec->argv[0], '/')) {
        const char *argv[64] = {path};

        for (size_t i = 1; i < 63 && spec->argv[i]; i++)
            argv[i] = spec->argv[i];
        copy.argv = argv;
        good->start(runtime, &copy, op);
        return;
    }
    good->start(runtime, &copy, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
}
