/* breaks: runtime/close/null
 * over: runtime-local
 *
 * close looks into what it is given. */
#include "broken_runtime.h"

static void close_session(void *runtime)
{
    void *first;

    memcpy(&first, runtime, sizeof(first));
    if (first)
        good->close(runtime);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->close = close_session;
}
