/* breaks: store/guards/failed-position
 * over: store-memory
 *
 * The position of a conflict is always the first. */
#include "broken_store.h"

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    const int code = good->commit(store, changes, n, failed, err);

    if (code != FF_OK)
        *failed = 0;
    return code;
}

BREAK(commit, commit)
