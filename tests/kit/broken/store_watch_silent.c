/* breaks: store/watch/other-process
 * over: store-sqlite
 *
 * What is watched is never told. */
#include "broken_store.h"

static int watch(void *store, const struct ff_record *record, ff_call_fn *fn, void *arg,
                 struct ff_err *err)
{
    (void)store;
    (void)record;
    (void)fn;
    (void)arg;
    (void)err;
    return FF_OK;
}

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    d->caps |= FF_STORE_WATCH;
    ops->watch = watch;
}
