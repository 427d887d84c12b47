/* breaks: runtime/release/forgets
 * over: runtime-local
 *
 * release releases nothing. */
#include "broken_runtime.h"

static void release(void *runtime, const char *const *attempt_ids, size_t n,
                    struct ff_op *op)
{
    (void)attempt_ids;
    (void)n;
    good->release(runtime, NULL, 0, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->release = release;
}
