/* breaks: store/invalid/sentence
 * over: store-memory
 *
 * Failures are told in two lines. */
#include "broken_store.h"

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    const int code = good->commit(store, changes, n, failed, err);

    if (code != FF_OK)
        ff_fail(err, code, 0, "ERROR\nHINT: try again.\n");
    return code;
}

BREAK(commit, commit)
