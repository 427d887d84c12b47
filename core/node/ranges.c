/* node/ranges.c - see ranges.h. */
#include "node/ranges.h"

/* What is nobody's is left to those who have nothing, and to one that has left it and
 * may only be started again; then to whoever has what is below it, then above it, so
 * that two do not reach for it at once. */
#define BELOW_US UNITS_SECOND
#define ABOVE_US (2 * UNITS_SECOND)
/* Of one that died, whose lease was waited for: a bit less than from look to look. */
#define TURN_US (NODE_LOOK_US - UNITS_SECOND / 10)

static bool is_empty(const struct ranges_row *r)
{
    return range_is_empty(range_of(r->row));
}

static bool is_wanted(const struct ranges_view *v, const struct ranges_row *r)
{
    return v->whom.no == 0 || range_has(range_of(r->row), v->whom);
}

const struct ranges_row *ranges_mine(const struct ranges_view *v)
{
    const struct ranges_row *mine = NULL;

    for (size_t i = 0; i < v->n; i++)
        if (store_shard_is_of(v->rows[i].row, v->place) && (!mine || is_empty(mine)))
            mine = &v->rows[i];
    return mine;
}

const struct ranges_row *ranges_empty_one(const struct ranges_view *v)
{
    for (size_t i = 0; i < v->n; i++)
        if (!v->rows[i].is_free && is_empty(&v->rows[i]))
            return &v->rows[i];
    return NULL;
}

static struct ranges_plan take(const struct ranges_row *r)
{
    return (struct ranges_plan){
        .act = RANGES_TAKE, .shard = r->row->shard, .row = r->row};
}

static struct ranges_plan make(const struct shard_row *row, struct tenant_range range)
{
    return (struct ranges_plan){.act = RANGES_MAKE,
                                .shard = row->shard,
                                .row = row,
                                .range = range,
                                .epoch = row->epoch};
}

/* --- who has no row --- */

static const struct ranges_row *find_free(const struct ranges_view *v, bool empty)
{
    for (size_t i = 0; i < v->n; i++)
        if (v->rows[i].is_free && is_empty(&v->rows[i]) == empty &&
            (empty || is_wanted(v, &v->rows[i])))
            return &v->rows[i];
    return NULL;
}

static int64_t next_number(const struct ranges_view *v)
{
    int64_t no = 0;

    for (size_t i = 0; i < v->n; i++)
        if (v->rows[i].row->shard >= no)
            no = v->rows[i].row->shard + 1;
    return no;
}

/* The first of all has everybody. */
static struct ranges_plan begin(const struct ranges_view *v)
{
    const struct ranges_row *r = find_free(v, false);

    if (v->n == 0)
        return (struct ranges_plan){.act = RANGES_TAKE};
    if (r)
        return take(r);
    if (!v->joins)
        return (struct ranges_plan){.act = RANGES_WAIT};
    r = find_free(v, true);
    if (r)
        return take(r);
    return (struct ranges_plan){.act = RANGES_MAKE, .shard = next_number(v)};
}

/* --- who has one --- */

static bool is_led_below(const struct ranges_view *v, struct tenant_range range)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct tenant_range other = range_of(v->rows[i].row);

        if (!v->rows[i].is_free && !range_is_empty(other) && other.high == range.low)
            return true;
    }
    return false;
}

static int64_t patience_for(const struct ranges_view *v, const struct ranges_row *r,
                            struct tenant_range mine)
{
    const struct tenant_range theirs = range_of(r->row);
    const bool below = mine.high == theirs.low;

    if (!r->row->owner.s || ranges_empty_one(v))
        return below ? BELOW_US : ABOVE_US;
    return below || !is_led_below(v, theirs) ? 0 : TURN_US;
}

static bool is_to_be_had(const struct ranges_view *v, const struct ranges_row *r,
                         struct tenant_range mine)
{
    const struct tenant_range theirs = range_of(r->row);

    if (!r->is_free || range_is_empty(theirs) || !range_touches(mine, theirs))
        return false;
    if (range_is_empty(mine))
        return true;
    return r->free_us >= patience_for(v, r, mine);
}

static const struct ranges_row *find_next(const struct ranges_view *v,
                                          const struct ranges_row *mine)
{
    for (size_t i = 0; i < v->n; i++)
        if (&v->rows[i] != mine && is_to_be_had(v, &v->rows[i], range_of(mine->row)))
            return &v->rows[i];
    return NULL;
}

static struct ranges_plan join(const struct ranges_row *mine,
                               const struct ranges_row *next)
{
    struct ranges_plan p =
        make(mine->row, range_union(range_of(mine->row), range_of(next->row)));

    p.other = next->row;
    if (next->row->epoch > p.epoch)
        p.epoch = next->row->epoch;
    p.mixed = true;
    return p;
}

static const struct ranges_row *find_receiver(const struct ranges_view *v)
{
    for (size_t i = 0; i < v->n; i++)
        if (v->rows[i].row->shard == v->gift.shard && !v->rows[i].is_free &&
            is_empty(&v->rows[i]))
            return &v->rows[i];
    return NULL;
}

static struct ranges_plan give(const struct ranges_row *mine,
                               const struct ranges_row *to, int64_t at)
{
    const struct tenant_range all = range_of(mine->row);
    struct ranges_plan p = make(mine->row, (struct tenant_range){all.low, at});

    p.other = to->row;
    p.other_range = (struct tenant_range){at, all.high};
    if (to->row->epoch > p.epoch)
        p.epoch = to->row->epoch;
    return p;
}

static bool can_give(const struct ranges_view *v, const struct ranges_row *mine)
{
    const struct tenant_range all = range_of(mine->row);

    return v->gift.shard >= 0 && all.low < v->gift.at && v->gift.at < all.high;
}

struct ranges_plan ranges_plan(const struct ranges_view *v)
{
    const struct ranges_row *mine = ranges_mine(v);

    if (!mine || (is_empty(mine) && !v->joins) || !is_wanted(v, mine))
        return begin(v);
    const struct ranges_row *next = find_next(v, mine);
    if (next)
        return join(mine, next);
    const struct ranges_row *to = can_give(v, mine) ? find_receiver(v) : NULL;
    return to ? give(mine, to, v->gift.at) : take(mine);
}
