/* store/doubt.c - was it committed? For drivers whose link can break inside a commit.
 *
 * Nothing extra is written for this: of each batch the guarded changes are witnesses,
 * and the rows that they leave are compared whole. The versions alone would not do: a
 * commit that looked lost may still arrive, and its rows have the versions that those
 * of the next one would have. From the last one on they are asked, until one is a row
 * that is new: of a history, or with the time at which something was decided, which no
 * other step would write the same. One that is changed, or gone, may be just as the
 * commit that came late has left it, so where none is new all of them are asked.
 *
 * The shard's row is read after the witnesses: if it is no longer ours, no answer
 * counts, because whoever has it now reads everything from the store. Where a witness
 * is missing, or changed by somebody since, the batch is tried again; if that was wrong
 * its guards do not hold, and whoever gave it reads again. */
#include "store/store_priv.h"

#include <string.h>

static bool is_witness(const struct ff_change *c)
{
    return c->kind != FF_CHECK && c->expect != FF_ANY_VERSION;
}

/* The first row of a counter is the same for everybody who takes as many numbers. */
static bool is_new(const struct ff_change *c)
{
    return c->kind == FF_PUT && c->expect == FF_ABSENT && c->record != &record_counter;
}

struct reading {
    const struct ff_change *change; /* NULL: only the version is asked for */
    const struct ff_record *record;
    int64_t version; /* 0: no such row */
    bool same;       /* it is as the change leaves it */
};

static bool equal(const struct ff_value *a, const struct ff_value *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == FF_TEXT || a->type == FF_JSON || a->type == FF_BYTES)
        return a->len == b->len && (a->len == 0 || memcmp(a->s, b->s, a->len) == 0);
    return a->type == 0 || a->i == b->i;
}

static bool is_as_left(const struct ff_change *c, const struct ff_value *values)
{
    for (uint16_t i = 0; i < c->record->n_columns; i++) {
        const bool written = c->kind == FF_PUT || (c->set >> i & 1);

        if (i != c->record->n_key && written && !equal(&c->values[i], &values[i]))
            return false;
    }
    return true;
}

static int take_row(void *arg, const struct ff_value *values)
{
    struct reading *r = arg;

    r->version = values[r->record->n_key].i;
    r->same = r->change && is_as_left(r->change, values);
    return 1;
}

static int read_row(struct group *g, struct reading *r, const struct ff_value *key,
                    struct ff_err *err)
{
    const struct ff_query q = {.struct_size = sizeof(q),
                               .record = r->record,
                               .index = -1,
                               .n_equal = r->record->n_key,
                               .equal = key,
                               .limit = 1};

    return g->ops->scan(g->session, &q, take_row, r, err);
}

static int ask(struct group *g, const struct ff_change *witness, bool *yes,
               struct ff_err *err)
{
    struct reading r = {.change = witness, .record = witness->record};
    const int code = read_row(g, &r, witness->values, err);

    if (witness->kind == FF_DELETE)
        *yes = r.version == 0;
    else
        *yes = r.same && r.version == witness->expect + 1;
    return code;
}

/* Without a guard, doing it twice leaves what doing it once does. */
static int find_out(struct group *g, struct pending *p, struct ff_err *err)
{
    int code = FF_OK;

    p->written = false;
    for (size_t i = p->begin + p->batch.n; i > p->begin; i--) {
        const struct ff_change *c = &g->changes.items[i - 1];

        if (!is_witness(c))
            continue;
        code = ask(g, c, &p->written, err);
        if (code != FF_OK || !p->written || is_new(c))
            break;
    }
    return code;
}

/* FF_DENIED when the shard is not ours any more. */
static int check_fence(struct group *g, int64_t n_renewals, struct ff_err *err)
{
    struct reading r = {.record = &record_shard};

    if (!group_is_fenced(g))
        return FF_OK;

    const int code = read_row(g, &r, g->shard, err);

    if (code != FF_OK || r.version == g->fence.version + n_renewals)
        return code;
    return ff_fail(err, FF_DENIED, 0, "shard %lld was taken meanwhile",
                   (long long)g->fence.shard);
}

int group_find_written(struct group *g, struct ff_err *err)
{
    int64_t n_renewals = 0;

    for (size_t i = 0; i < g->batches.n; i++) {
        struct pending *p = g->batches.items[i];

        if (!p->taken)
            continue;

        const int code = find_out(g, p, err);

        if (code != FF_OK)
            return code;
        n_renewals += p->renewal && p->written;
    }
    return check_fence(g, n_renewals, err);
}
