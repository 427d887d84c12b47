/* breaks: runtime/start/twice
 * over: runtime-local
 *
 * Each call of start begins another process. */
#include "broken_runtime.h"

static bool change(struct ff_run_event *event)
{
    static char id[300];

    snprintf(id, sizeof(id), "%.*s", (int)strcspn(event->attempt_id, "~"),
             event->attempt_id);
    event->attempt_id = id;
    return true;
}

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    static int count;
    struct ff_run_spec copy = *spec;
    char id[300];

    snprintf(id, sizeof(id), "%s~%d", spec->attempt_id, count++);
    copy.attempt_id = id;
    good->start(runtime, &copy, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    change_event = change;
    ops->start = start;
}
