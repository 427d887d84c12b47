/* breaks: store/atomic/large
 * over: store-memory
 *
 * A large commit goes in parts. */
#include "broken_store.h"

#define PART 1000

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    int code = FF_OK;
    size_t i;

    if (n <= PART)
        return good->commit(store, changes, n, failed, err);
    for (i = 0; i < n && code == FF_OK; i += PART) {
        code =
            good->commit(store, changes + i, n - i < PART ? n - i : PART, failed, err);
        if (code != FF_OK)
            *failed += i;
    }
    return code;
}

BREAK(commit, commit)
