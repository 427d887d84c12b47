/* store/doubt.c - was it committed? For drivers whose link can break inside a commit.
 *
 * A group writes nothing extra for this: its last guarded change is the witness.
 * Nothing in the group comes after it, and while the shard is ours nobody else writes
 * the rows of its runs; so the row's version alone tells. The shard's row is read after
 * the witness: if it is no longer ours, neither answer counts, because whoever has it
 * now reads everything from the store.
 *
 * Should a commit that looked lost still arrive later, the guards of the second one
 * conflict, and the runs concerned are loaded again. */
#include "store/store_priv.h"

static const struct ff_change *find_witness(const struct group *g)
{
    for (size_t i = g->changes.n; i > 0; i--) {
        const struct ff_change *c = &g->changes.items[i - 1];

        if (c->kind != FF_CHECK && c->expect != FF_ANY_VERSION)
            return c;
    }
    return NULL;
}

struct version_of {
    const struct ff_record *record;
    int64_t version; /* 0: no such row */
};

static int take_version(void *arg, const struct ff_value *values)
{
    struct version_of *v = arg;

    v->version = values[v->record->n_key].i;
    return 1;
}

static int read_version(struct group *g, const struct ff_record *record,
                        const struct ff_value *key, int64_t *version,
                        struct ff_err *err)
{
    struct version_of v = {.record = record};
    const struct ff_query q = {.struct_size = sizeof(q),
                               .record = record,
                               .index = -1,
                               .n_equal = record->n_key,
                               .equal = key,
                               .want = COLUMN_BIT(record->n_key),
                               .limit = 1};
    const int code = g->ops->scan(g->session, &q, take_version, &v, err);

    *version = v.version;
    return code;
}

static int64_t count_renewals(const struct group *g)
{
    int64_t n = 0;

    for (size_t i = 0; i < g->batches.n; i++)
        n += g->batches.items[i]->taken && g->batches.items[i]->renewal;
    return n;
}

/* FF_DENIED when the shard is not ours any more. */
static int check_fence(struct group *g, bool was, struct ff_err *err)
{
    int64_t version = 0;

    if (g->fence.state != FENCE_HELD)
        return FF_OK;

    const int code = read_version(g, &record_shard, g->shard, &version, err);
    const int64_t expected = g->fence.version + (was ? count_renewals(g) : 0);

    if (code != FF_OK || version == expected)
        return code;
    return ff_fail(err, FF_DENIED, 0, "shard %lld was taken meanwhile",
                   (long long)g->fence.shard);
}

int group_was_committed(struct group *g, bool *was, struct ff_err *err)
{
    const struct ff_change *witness = find_witness(g);
    int64_t version = 0;

    /* Without a guard, doing it twice leaves what doing it once does. */
    if (!witness)
        return FF_OK;

    const int code = read_version(g, witness->record, witness->values, &version, err);

    if (code != FF_OK)
        return code;
    *was = witness->kind == FF_DELETE ? version == 0 : version == witness->expect + 1;
    return check_fence(g, *was, err);
}
