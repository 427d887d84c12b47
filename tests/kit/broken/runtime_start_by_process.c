/* breaks: runtime/start/twice-by-two
 * breaks: runtime/adopt/running
 * breaks: runtime/adopt/ended
 * over: runtime-local
 *
 * The object of an attempt is named after the process that asked for it, too. */
#include "broken_runtime.h"

#include <unistd.h>

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
    struct ff_run_spec copy = *spec;
    char id[300];

    snprintf(id, sizeof(id), "%s~%d", spec->attempt_id, (int)getpid());
    copy.attempt_id = id;
    good->start(runtime, &copy, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    change_event = change;
    ops->start = start;
}
