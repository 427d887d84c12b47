/* breaks: store/guards/many-rows
 * over: store-memory
 *
 * Many changes are done together, and which of them was at fault is not looked for. */
#include "broken_store.h"

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    const int code = good->commit(store, changes, n, failed, err);

    if (code == FF_CONFLICT && n > 8)
        *failed = n - 1;
    return code;
}

BREAK(commit, commit)
