/* breaks: store/scan/after
 * breaks: store/random/oracle
 * over: store-memory
 *
 * A cursor stands behind all rows of its value, not behind its row. */
#include "broken_store.h"

struct call {
    const struct ff_query *q;
    ff_row_fn *fn;
    void *arg;
};

static bool is_same(const struct ff_value *a, const struct ff_value *b)
{
    return a->type == b->type && a->i == b->i && a->len == b->len &&
           (a->len == 0 || memcmp(a->s, b->s, a->len) == 0);
}

static int skip_equals(void *arg, const struct ff_value *row)
{
    const struct call *c = arg;
    const struct ff_index *index = &c->q->record->indexes[c->q->index];

    for (uint16_t i = 0; i < index->n_columns; i++)
        if (!is_same(&row[index->columns[i]], &c->q->after[i]))
            return c->fn(c->arg, row);
    return 0;
}

static int scan(void *store, const struct ff_query *q, ff_row_fn *fn, void *arg,
                struct ff_err *err)
{
    struct call c = {q, fn, arg};

    if (q->index < 0 || !q->after)
        return good->scan(store, q, fn, arg, err);
    return good->scan(store, q, skip_equals, &c, err);
}

BREAK(scan, scan)
