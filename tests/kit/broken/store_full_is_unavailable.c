/* breaks: store/errors/full
 * over: store-sqlite
 *
 * A full disk is told as a link that is down. */
#include "broken_store.h"

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    const int code = good->commit(store, changes, n, failed, err);

    return code == FF_FULL ? ff_fail(err, FF_UNAVAILABLE, 0, "try again later") : code;
}

BREAK(commit, commit)
