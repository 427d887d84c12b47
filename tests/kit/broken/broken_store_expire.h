/* An expire for stores that have none: by a scan, and a commit of deletes. What is
 * older each file says. */
#include "broken_store.h"

static bool is_older(const struct ff_value *at, int64_t before_us);

struct old_rows {
    const struct ff_record *record;
    uint16_t column;
    int64_t before_us;
    struct ff_change changes[64];
    struct ff_value keys[64][64];
    size_t n;
};

static int take_old(void *arg, const struct ff_value *row)
{
    struct old_rows *old = arg;

    if (!is_older(&row[old->column], old->before_us))
        return 0;
    memcpy(old->keys[old->n], row, sizeof(*row)); /* its key is one number */
    old->changes[old->n] = (struct ff_change){.kind = FF_DELETE,
                                              .record = old->record,
                                              .expect = FF_ANY_VERSION,
                                              .values = old->keys[old->n]};
    return ++old->n == 64;
}

/* Of the first index that begins with a time. */
static uint16_t time_column(const struct ff_record *r)
{
    for (uint16_t i = 0; i < r->n_indexes; i++)
        if (r->columns[r->indexes[i].columns[0]].type == FF_TIME)
            return r->indexes[i].columns[0];
    return 0;
}

static int expire(void *store, const struct ff_record *record, int64_t before_us,
                  uint64_t *n, struct ff_err *err)
{
    const struct ff_query q = {.struct_size = sizeof(q), .record = record, .index = -1};
    struct old_rows *old = calloc(1, sizeof(*old));
    size_t failed;
    int code;

    old->record = record;
    old->column = time_column(record);
    old->before_us = before_us;
    code = good->scan(store, &q, take_old, old, err);
    if (code == FF_OK)
        code = good->commit(store, old->changes, old->n, &failed, err);
    *n = old->n;
    free(old);
    return code;
}

BREAK(expire, expire)
