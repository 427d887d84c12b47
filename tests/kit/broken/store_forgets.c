/* breaks: store/crash/reopen
 * breaks: store/crash/kill
 * over: store-memory
 *
 * It says that it is durable, and is gone with its process. */
#include "broken_store.h"

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    (void)ops;
    d->caps |= FF_STORE_DURABLE;
}
