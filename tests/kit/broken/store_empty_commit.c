/* breaks: store/atomic/empty
 * over: store-memory
 *
 * A commit of nothing is refused. */
#include "broken_store.h"

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    if (n == 0)
        return ff_fail(err, FF_INVALID, 0, "nothing to commit");
    return good->commit(store, changes, n, failed, err);
}

BREAK(commit, commit)
