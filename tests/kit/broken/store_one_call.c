/* breaks: store/race/one-session
 * over: store-memory
 *
 * It says FF_PARALLEL, and a second call of a session fails. */
#include "broken_store.h"

#include <stdatomic.h>

static atomic_int n_inside;

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    int code;

    if (atomic_fetch_add(&n_inside, 1) > 0)
        code = ff_fail(err, FF_INTERNAL, 0, "called while it was called");
    else
        code = good->commit(store, changes, n, failed, err);
    usleep(100);
    atomic_fetch_sub(&n_inside, 1);
    return code;
}

BREAK(commit, commit)
