/* rows.c - reading the first row of a query, and counting rows. */
#include "access/access_priv.h"

int access_first(struct store *s, struct store_reader *r, const struct store_query *q,
                 struct arena *arena, void *row, struct ff_err *err)
{
    struct store_query one = *q;

    one.limit = 1;
    return store_read_one(s, r, &one, arena, row, err);
}

struct counting {
    store_row_fn *counts;
    int64_t n;
};

static int count_one(void *arg, const void *row)
{
    struct counting *c = arg;

    c->n += !c->counts || c->counts(NULL, row);
    return 0;
}

int access_count(struct store *s, struct store_reader *r, const struct store_query *q,
                 store_row_fn *counts, int64_t *n, struct ff_err *err)
{
    struct counting c = {.counts = counts};
    const int code = store_scan(s, r, q, count_one, &c, err);

    if (code == FF_OK)
        *n = c.n;
    return code;
}
