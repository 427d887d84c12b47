/* breaks: store/scan/count
 * over: store-memory
 *
 * A count knows no limit. */
#include "broken_store.h"

static int count(void *store, const struct ff_query *theirs, uint64_t *n,
                 struct ff_err *err)
{
    struct ff_query q = *theirs;

    q.limit = 0;
    return good->count(store, &q, n, err);
}

BREAK(count, count)
