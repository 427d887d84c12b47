/* breaks: store/scan/cursor-gone
 * over: store-memory
 *
 * A cursor whose row is gone begins anew. */
#include "broken_store.h"

static int scan(void *store, const struct ff_query *theirs, ff_row_fn *fn, void *arg,
                struct ff_err *err)
{
    struct ff_query q = *theirs;
    const struct ff_record *r = q.record;
    const uint16_t n = q.index < 0 ? 0 : r->indexes[q.index].n_columns;
    struct ff_change row = {.record = r, .values = q.after ? q.after + n : NULL};

    if (q.after && !version_of(store, &row))
        q.after = NULL;
    return good->scan(store, &q, fn, arg, err);
}

BREAK(scan, scan)
