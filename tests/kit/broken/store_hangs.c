/* breaks: store/guards/put-absent
 * over: store-memory
 *
 * A commit never returns. */
#include "broken_store.h"

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    (void)store;
    (void)changes;
    (void)n;
    (void)failed;
    (void)err;
    while (pause() != 0)
        ;
    return FF_OK;
}

BREAK(commit, commit)
