/* rows.c - reading the first row of a query, and counting rows. */
#include "access/access_priv.h"

#include <string.h>

struct first {
    const struct ff_record *record;
    struct arena *arena;
    void *row;
    bool is;
};

static int take_first(void *arg, const void *row)
{
    struct first *f = arg;

    memcpy(f->row, row, model_row_size(f->record));
    store_own_row(f->record, f->row, f->arena);
    f->is = true;
    return 1;
}

int access_first(struct store *s, struct store_reader *r, const struct store_query *q,
                 struct arena *arena, void *row, struct ff_err *err)
{
    struct first f = {.record = q->record, .arena = arena, .row = row};
    struct store_query one = *q;

    one.limit = 1;
    const int code = store_scan(s, r, &one, take_first, &f, err);

    if (code == FF_OK && !f.is)
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no such %s", q->record->name);
    return code;
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
