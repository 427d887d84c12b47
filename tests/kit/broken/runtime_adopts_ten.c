/* breaks: runtime/adopt/many
 * over: runtime-local
 *
 * Of many attempts in one call ten are adopted. */
#include "broken_runtime.h"

static void adopt(void *runtime, const char *const *attempt_ids, size_t n,
                  struct ff_op *op)
{
    good->adopt(runtime, attempt_ids, n > 10 ? 10 : n, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->adopt = adopt;
}
