/* breaks: runtime/cancel/nobody
 * over: runtime-local
 *
 * A cancel of what is not there is well done. */
#include "broken_runtime.h"

static const struct ff_err *forgive(const struct ff_err *err)
{
    return err && err->code == FF_NOT_FOUND ? NULL : err;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    (void)ops;
    change_result = forgive;
}
