/* store/group.c - one group: the changes of many batches in one commit of the driver,
 * and who is at fault when it refuses. Runs on the committer's lane or, for small
 * groups on a fast store, on the loop thread. */
#include "store/store_priv.h"

/* --- one attempt --- */

/* Who leads nobody commits for others alone, and is given tenants by one who changes
 * his row: that is no reason to refuse what he commits. His renewals have guards of
 * their own. */
bool group_is_fenced(const struct group *g)
{
    return g->fence.state == FENCE_HELD && !range_is_empty(g->fence.range);
}

static void add_fence(struct group *g)
{
    if (!group_is_fenced(g))
        return;
    g->shard[COL_SHARD_SHARD] = (struct ff_value){.type = FF_INT, .i = g->fence.shard};

    const struct ff_change check = {.kind = FF_CHECK,
                                    .record = &record_shard,
                                    .expect = g->fence.version,
                                    .values = g->shard};

    ARRAY_ADD(&g->changes, check);
}

/* Renewals come in between: each is guarded by what the one before it leaves. */
static void add_batch(struct group *g, struct pending *p, int64_t *fence_version)
{
    p->begin = g->changes.n;
    p->taken = true;
    for (size_t i = 0; i < p->batch.n; i++) {
        ARRAY_ADD(&g->changes, p->batch.items[i]);
        if (p->renewal)
            g->changes.items[g->changes.n - 1].expect = (*fence_version)++;
    }
}

static size_t build_attempt(struct group *g)
{
    int64_t fence_version = g->fence.version;
    size_t n = 0;

    g->changes.n = 0;
    add_fence(g);
    for (size_t i = 0; i < g->batches.n; i++) {
        struct pending *p = g->batches.items[i];

        p->taken = false;
        if (p->code != PENDING_UNDECIDED || (n > 0 && g->one_by_one))
            continue;
        add_batch(g, p, &fence_version);
        n++;
    }
    return n;
}

/* --- its outcome --- */

static void decide(struct pending *p, int code, size_t failed, const struct ff_err *err)
{
    p->code = code;
    p->failed = failed;
    if (code == FF_OK)
        return;
    p->err = *err;
    p->err.code = code;
}

static void succeed(struct group *g, struct pending *p)
{
    decide(p, FF_OK, 0, NULL);
    if (p->renewal && g->fence.state == FENCE_HELD)
        g->fence.version++;
}

static void succeed_all(struct group *g)
{
    for (size_t i = 0; i < g->batches.n; i++)
        if (g->batches.items[i]->taken)
            succeed(g, g->batches.items[i]);
}

static void succeed_written(struct group *g)
{
    for (size_t i = 0; i < g->batches.n; i++)
        if (g->batches.items[i]->taken && g->batches.items[i]->written)
            succeed(g, g->batches.items[i]);
}

static void lose_shard(struct group *g)
{
    struct ff_err err;

    g->fence.state = FENCE_LOST;
    ff_fail(&err, FF_DENIED, 0, "shard %lld belongs to another process now",
            (long long)g->fence.shard);
    for (size_t i = 0; i < g->batches.n; i++)
        if (g->batches.items[i]->code == PENDING_UNDECIDED)
            decide(g->batches.items[i], FF_DENIED, 0, &err);
}

/* After a doubt the guard may be broken by the batch itself: an earlier try that was
 * not found written came late. */
static int conflict_code(const struct group *g)
{
    return g->doubted ? FF_IN_DOUBT : FF_CONFLICT;
}

/* A driver that names no change of ours gets to find it one by one. */
static void eject(struct group *g, size_t failed, const struct ff_err *err)
{
    for (size_t i = 0; i < g->batches.n; i++) {
        struct pending *p = g->batches.items[i];

        if (!p->taken || failed < p->begin || failed - p->begin >= p->batch.n)
            continue;
        decide(p, conflict_code(g), failed - p->begin, err);
        return;
    }
    g->one_by_one = true;
}

/* Not of the kind that says who: alone in its attempt it is the batch itself. */
static void blame(struct group *g, size_t n_taken, int code, const struct ff_err *err)
{
    if (n_taken > 1) {
        g->one_by_one = true;
        return;
    }
    for (size_t i = 0; i < g->batches.n; i++)
        if (g->batches.items[i]->taken)
            decide(g->batches.items[i], code, 0, err);
}

static bool is_fence(const struct group *g, size_t failed)
{
    return group_is_fenced(g) && failed == 0;
}

/* FF_OK: go on with what is left. */
static int conclude(struct group *g, int code, size_t n_taken, size_t failed)
{
    switch (code) {
    case FF_OK:
        succeed_all(g);
        return FF_OK;
    case FF_CONFLICT:
        if (is_fence(g, failed))
            lose_shard(g);
        else if (failed >= g->changes.n && g->one_by_one)
            blame(g, n_taken, conflict_code(g), &g->err);
        else
            eject(g, failed, &g->err);
        return FF_OK;
    case FF_BUSY:
    case FF_UNAVAILABLE:
    case FF_FULL:
    case FF_FATAL:
    case FF_CORRUPT:
        return code;
    case FF_IN_DOUBT:
        g->in_doubt = g->doubted = true;
        return FF_OK;
    default:
        blame(g, n_taken, code, &g->err);
        return FF_OK;
    }
}

static int attempt(struct group *g)
{
    const size_t n_taken = build_attempt(g);
    size_t failed = SIZE_MAX;
    int code;

    g->err = (struct ff_err){0};
    if (FAILPOINT_FAILS("store.commit.before"))
        return ff_fail(&g->err, FF_UNAVAILABLE, 0, "a failpoint");
    code = g->ops->commit(g->session, g->changes.items, g->changes.n, &failed, &g->err);
    FAILPOINT("store.commit.after");
    return conclude(g, code, n_taken, failed);
}

static int settle_doubt(struct group *g)
{
    const int code = group_find_written(g, &g->err);

    if (code == FF_DENIED)
        lose_shard(g);
    else if (code != FF_OK)
        return code;
    else
        succeed_written(g);
    g->in_doubt = false;
    return FF_OK;
}

static bool is_undecided(const struct group *g)
{
    for (size_t i = 0; i < g->batches.n; i++)
        if (g->batches.items[i]->code == PENDING_UNDECIDED)
            return true;
    return false;
}

/* Without the shard there is no lease to renew. */
static void deny_renewals(struct group *g)
{
    for (size_t i = 0; i < g->batches.n; i++) {
        struct pending *p = g->batches.items[i];

        if (!p->renewal || p->code != PENDING_UNDECIDED)
            continue;
        p->failed = 0;
        p->code = ff_fail(&p->err, FF_DENIED, 0, "no shard is held");
    }
}

int group_run(struct group *g)
{
    int code = FF_OK;

    if (g->fence.state != FENCE_HELD)
        deny_renewals(g);
    while (code == FF_OK && is_undecided(g))
        code = g->in_doubt ? settle_doubt(g) : attempt(g);
    g->code = code;
    return code;
}

void group_reset(struct group *g)
{
    g->batches.n = 0;
    g->changes.n = 0;
    g->bytes = 0;
    g->one_by_one = false;
    g->in_doubt = g->doubted = false;
}

void group_done(struct group *g)
{
    ARRAY_DONE(&g->batches);
    ARRAY_DONE(&g->changes);
}
