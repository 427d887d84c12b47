/* breaks: store/invalid/sentence
 * over: store-memory
 *
 * Failures are not told. */
#include "broken_store.h"

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    struct ff_err ours;

    (void)err;
    return good->commit(store, changes, n, failed, &ours);
}

BREAK(commit, commit)
