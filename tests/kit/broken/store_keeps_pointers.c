/* breaks: store/values/borrowed
 * over: store-memory
 *
 * A commit is written when the store is called next, from the caller's memory. */
#include "broken_store.h"

static struct ff_change pending[64];
static struct ff_value values[64][64];
static size_t n_pending;

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    (void)store;
    (void)failed;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        pending[i] = changes[i];
        memcpy(values[i], changes[i].values,
               changes[i].record->n_columns * sizeof(struct ff_value));
        pending[i].values = values[i];
    }
    n_pending = n;
    return FF_OK;
}

static int scan(void *store, const struct ff_query *q, ff_row_fn *fn, void *arg,
                struct ff_err *err)
{
    size_t failed;

    good->commit(store, pending, n_pending, &failed, err);
    n_pending = 0;
    return good->scan(store, q, fn, arg, err);
}

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    (void)d;
    ops->commit = commit;
    ops->scan = scan;
}
