/* breaks: store/remote/one-clock
 * over: store-sqlite
 *
 * Each session has a clock of its own. */
#include "broken_store.h"

#define APART_US INT64_C(5000000)

static int now(void *store, int64_t *now_us, struct ff_err *err)
{
    static void *first;
    const int code = good->now(store, now_us, err);

    if (!first)
        first = store;
    if (store != first)
        *now_us -= APART_US;
    return code;
}

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    d->caps |= FF_STORE_REMOTE;
    ops->now = now;
}
