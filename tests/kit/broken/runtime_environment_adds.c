/* breaks: runtime/start/environment
 * over: runtime-local
 *
 * Processes have the environment of the runtime as well. */
#include "broken_runtime.h"

#include <unistd.h>

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    struct ff_run_spec copy = *spec;
    const char *env[1000];
    size_t n = 0;

    for (size_t i = 0; spec->env[i] && n < 400; i++)
        env[n++] = spec->env[i];
    for (size_t i = 0; environ[i] && n < 999; i++)
        if (strncmp(environ[i], "PATH=", 5) != 0)
            env[n++] = environ[i];
    env[n] = NULL;
    copy.env = env;
    good->start(runtime, &copy, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
}
