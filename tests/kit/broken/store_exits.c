/* breaks: store/guards/put-absent
 * over: store-memory
 *
 * A commit ends the process as if all were well. */
#include "broken_store.h"

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    (void)store;
    (void)changes;
    (void)n;
    (void)failed;
    (void)err;
    _exit(0);
}

BREAK(commit, commit)
