/* model/range.c - see range.h. */
#include "model/model.h"

const struct tenant_range range_all = {0, RANGE_END};

int64_t range_hash(struct tenant t)
{
    return (int64_t)(rand_mix((uint64_t)t.no) >> 32);
}

bool range_has(struct tenant_range r, struct tenant t)
{
    const int64_t hash = range_hash(t);

    return r.low <= hash && hash < r.high;
}

bool range_is_empty(struct tenant_range r)
{
    return r.low >= r.high;
}

bool range_is_all(struct tenant_range r)
{
    return r.low == 0 && r.high == RANGE_END;
}

struct tenant_range range_of(const struct shard_row *row)
{
    if (row->low == MODEL_NULL || row->high == MODEL_NULL)
        return range_all;
    return (struct tenant_range){row->low, row->high};
}

/* As it was before there were ranges, where there is one. */
void range_write(struct shard_row *row, struct tenant_range r)
{
    row->low = range_is_all(r) ? MODEL_NULL : r.low;
    row->high = range_is_all(r) ? MODEL_NULL : r.high;
}

bool range_touches(struct tenant_range a, struct tenant_range b)
{
    return range_is_empty(a) || range_is_empty(b) || a.high == b.low || b.high == a.low;
}

struct tenant_range range_union(struct tenant_range a, struct tenant_range b)
{
    if (range_is_empty(a))
        return b;
    if (range_is_empty(b))
        return a;
    return (struct tenant_range){a.low < b.low ? a.low : b.low,
                                 a.high > b.high ? a.high : b.high};
}
