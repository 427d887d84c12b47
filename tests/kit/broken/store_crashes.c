/* breaks: store/guards/put-absent
 * over: store-memory
 *
 * A commit is a crash. */
#include "broken_store.h"

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    (void)store;
    (void)changes;
    (void)n;
    (void)failed;
    (void)err;
    fprintf(stderr, "about to abort\n");
    abort();
}

BREAK(commit, commit)
