/* breaks: runtime/output/odd-names
 * over: runtime-local
 *
 * A name that begins with a dot is refused. */
#include "broken_runtime.h"

static int output(void *runtime, const char *attempt_id, const char *name,
                  ff_bytes_fn *fn, void *arg, struct ff_err *err)
{
    if (name[0] == '.')
        return ff_fail(err, FF_INVALID, 0, "%s is a hidden file", name);
    return good->output(runtime, attempt_id, name, fn, arg, err);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->output = output;
}
