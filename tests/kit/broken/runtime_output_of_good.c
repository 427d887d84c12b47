/* breaks: runtime/output/of-the-failed
 * over: runtime-local
 *
 * Who fails has no outputs. */
#include "broken_runtime.h"

static struct ids failed;

static bool change(struct ff_run_event *event)
{
    if (event->exit_code != 0)
        add_id(&failed, event->attempt_id);
    return true;
}

static int output(void *runtime, const char *attempt_id, const char *name,
                  ff_bytes_fn *fn, void *arg, struct ff_err *err)
{
    if (has_id(&failed, attempt_id))
        return ff_fail(err, FF_NOT_FOUND, 0, "attempt %s failed", attempt_id);
    return good->output(runtime, attempt_id, name, fn, arg, err);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    change_event = change;
    ops->output = output;
}
