/* breaks: runtime/output/missing
 * over: runtime-local
 *
 * An output that is not there is an empty one. */
#include "broken_runtime.h"

static int output(void *runtime, const char *attempt_id, const char *name,
                  ff_bytes_fn *fn, void *arg, struct ff_err *err)
{
    const int code = good->output(runtime, attempt_id, name, fn, arg, err);

    return code == FF_NOT_FOUND ? FF_OK : code;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->output = output;
}
