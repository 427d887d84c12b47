/* breaks: store/atomic/conflict
 * breaks: store/atomic/invalid
 * breaks: store/atomic/records
 * breaks: store/random/oracle
 * over: store-memory
 *
 * Each change is a commit of its own. */
#include "broken_store.h"

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    size_t ignored;
    int code = FF_OK;

    for (size_t i = 0; i < n && code == FF_OK; i++) {
        code = good->commit(store, &changes[i], 1, &ignored, err);
        if (code != FF_OK)
            *failed = i;
    }
    return code;
}

BREAK(commit, commit)
