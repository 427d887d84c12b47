/* breaks: runtime/start/ids-apart
 * over: runtime-local
 *
 * Attempts whose ids differ in a slash are one. */
#include "broken_runtime.h"

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    struct ff_run_spec copy = *spec;
    char id[300];

    snprintf(id, sizeof(id), "%s", spec->attempt_id);
    for (char *at = id; (at = strchr(at, '/'));)
        *at = '+';
    copy.attempt_id = id;
    good->start(runtime, &copy, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
}
