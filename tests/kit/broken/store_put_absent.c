/* breaks: store/guards/put-absent
 * over: store-memory
 *
 * An insert over a row replaces it. */
#include "broken_store.h"

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    struct ff_change *copy = malloc((n + 1) * sizeof(*copy));

    for (size_t i = 0; i < n; i++) {
        copy[i] = changes[i];
        if (copy[i].kind == FF_PUT && copy[i].expect == FF_ABSENT)
            copy[i].expect = FF_ANY_VERSION;
    }

    const int code = good->commit(store, copy, n, failed, err);

    free(copy);
    return code;
}

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    (void)d;
    ops->commit = commit;
}
