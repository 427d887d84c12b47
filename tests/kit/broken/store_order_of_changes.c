/* breaks: store/atomic/order
 * over: store-memory
 *
 * Changes apply from the last to the first. */
#include "broken_store.h"

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    struct ff_change *turned = calloc(n + 1, sizeof(*turned));
    size_t at = 0;
    int code;

    for (size_t i = 0; i < n; i++)
        turned[i] = changes[n - 1 - i];
    code = good->commit(store, turned, n, &at, err);
    if (code != FF_OK)
        *failed = n - 1 - at;
    free(turned);
    return code;
}

BREAK(commit, commit)
