/* open_runs.c - how many runs of a tenant may be open (max_open_runs): asked in the
 * plan of each run that somebody starts or opens again, before its rows are added.
 *
 * The rows of open runs are the truth. Counting them costs as much as there are, so the
 * last count is kept: since then no more were opened than numbers were taken from the
 * counter of runs (a run that is opened again takes one, too, which nobody has), and
 * than this process has under way. While that is far from the
 * limit nothing is counted, and nobody waits for anybody.
 *
 * Near it each plan counts, and guards its count: it moves a row that all such plans
 * move, so of two that have counted the same only one becomes durable. The plans of one
 * process take turns (change.c), or all but one would be made for nothing. */
#include "node/node_priv.h"

#include <string.h>

/* Of other processes, that no count has seen: runs under way, numbers that they have
 * taken and not used yet. */
#define OTHERS 256

struct open_count {
    int64_t n;        /* rows there were, and what this process was about to add */
    int64_t next_run; /* of the counter, before they were counted */
};

void node_open_runs_init(struct node *n)
{
    pthread_mutex_init(&n->open_runs.mutex, NULL);
}

void node_open_runs_done(struct node *n)
{
    void *count;

    for (size_t i = 0; map_next(&n->open_runs.by_tenant, &i, &count);)
        mem_free(count);
    map_done(&n->open_runs.by_tenant);
    pthread_mutex_destroy(&n->open_runs.mutex);
}

/* --- the last count --- */

/* At most so many are open now; -1: nobody has counted. */
static int64_t open_at_most(struct node *n, struct tenant t, int64_t next_run)
{
    int64_t most = -1;

    pthread_mutex_lock(&n->open_runs.mutex);
    struct open_count *last = map_get(&n->open_runs.by_tenant, t.no);
    if (last) {
        last->n++; /* that of who asks, whose number was taken before */
        most = last->n + next_run - last->next_run;
    }
    pthread_mutex_unlock(&n->open_runs.mutex);
    return most;
}

static void keep_count(struct node *n, struct tenant t, const struct open_count *count)
{
    pthread_mutex_lock(&n->open_runs.mutex);
    struct open_count *last = map_get(&n->open_runs.by_tenant, t.no);
    if (!last) {
        last = mem_alloc(sizeof(*last));
        map_set(&n->open_runs.by_tenant, t.no, last);
    }
    *last = *count;
    pthread_mutex_unlock(&n->open_runs.mutex);
}

/* --- the limit --- */

int64_t node_max_open_runs(const struct tenant_row *row)
{
    return row ? access_quota_of(row, QUOTA_OPEN_RUNS)
               : access_quotas[QUOTA_OPEN_RUNS].usual;
}

static int read_limit(const struct node_plan *p, struct tenant t, int64_t *most,
                      struct ff_err *err)
{
    struct arena arena = {0};
    struct tenant_row row;
    const int code =
        access_tenant_by_no(p->node->store, p->reader, t, &arena, &row, err);

    if (code == FF_OK || code == FF_NOT_FOUND)
        *most = node_max_open_runs(code == FF_OK ? &row : NULL);
    arena_done(&arena);
    return code == FF_NOT_FOUND ? FF_OK : code;
}

static int fail_full(int64_t n, int64_t most, struct ff_err *err)
{
    return ff_fail(err, FF_FULL, ACCESS_SYS_OPEN_RUNS,
                   "the tenant has %lld open runs and may have %lld (max_open_runs): "
                   "wait until some have ended, or `flowforge tenant limit` raises it",
                   (long long)n, (long long)most);
}

/* --- counting --- */

static int count_one(void *arg, const void *row)
{
    (void)row;
    ++*(int64_t *)arg;
    return 0;
}

static int count(const struct node_plan *p, struct tenant t, int64_t *n,
                 struct ff_err *err)
{
    const struct open_run_row like = {.shard = NODE_SHARD, .tenant = t.no};
    const struct store_query q = {
        .record = &record_open_run, .like = &like, .n_equal = 2};

    return store_scan(p->node->store, p->reader, &q, count_one, n, err);
}

/* The guard is read before anything is counted. */
static int count_and_guard(const struct node_plan *p, struct tenant t, int64_t next_run,
                           int64_t most, struct ff_err *err)
{
    const int64_t under_way = atomic_load(&p->node->n_changes);
    struct open_count kept = {.next_run = next_run};
    struct counter_row guard;
    int64_t n = 0;
    char name[40];

    snprintf(name, sizeof(name), "open_runs %lld", (long long)t.no);
    int code = store_read_counter(p->node->store, p->reader, name, &guard, err);
    if (code == FF_OK)
        code = count(p, t, &n, err);
    if (code != FF_OK)
        return code;
    /* Those under way took their numbers before, and may become rows after it; and so
     * does who asks. */
    kept.n = n + under_way + 1;
    keep_count(p->node, t, &kept);
    if (n >= most)
        return fail_full(n, most, err);
    if (n + under_way + OTHERS < most)
        return FF_OK;
    guard.next = (int64_t)(loop_random(p->node->loop) >> 1); /* nobody else's */
    batch_put(p->batch, &record_counter, &guard, guard.version);
    *p->alone = true;
    return FF_OK;
}

static int read_bounds(const struct node_plan *p, struct open_bounds *b,
                       struct ff_err *err)
{
    struct counter_row runs;

    if (read_limit(p, (struct tenant){b->tenant}, &b->most, err) != FF_OK ||
        store_read_counter(p->node->store, p->reader, "run", &runs, err) != FF_OK)
        return err->code;
    b->next_run = runs.next;
    return FF_OK;
}

static bool still_hold(struct node *n, struct open_bounds *b)
{
    pthread_mutex_lock(&n->open_runs.mutex);
    const struct open_bounds *last = &n->open_runs.bounds;
    const bool same = b->told && last->told && last->tenant == b->tenant &&
                      memcmp(&last->moment, &b->moment, sizeof(b->moment)) == 0;

    if (same)
        *b = *last;
    pthread_mutex_unlock(&n->open_runs.mutex);
    return same;
}

static void keep_bounds(struct node *n, const struct open_bounds *b)
{
    pthread_mutex_lock(&n->open_runs.mutex);
    n->open_runs.bounds = *b;
    pthread_mutex_unlock(&n->open_runs.mutex);
}

/* Many plans are made between two commits, and all of them would read the same. The
 * moment is from before the read. */
static int find_bounds(const struct node_plan *p, struct open_bounds *b,
                       struct ff_err *err)
{
    b->told = store_moment(p->node->store, p->reader, &b->moment);
    if (still_hold(p->node, b))
        return FF_OK;
    if (read_bounds(p, b, err) != FF_OK)
        return err->code;
    keep_bounds(p->node, b);
    return FF_OK;
}

int node_check_open_runs(const struct node_plan *p, struct tenant t, struct ff_err *err)
{
    struct open_bounds b = {.tenant = t.no};

    if (find_bounds(p, &b, err) != FF_OK)
        return err->code;

    const int64_t at_most = open_at_most(p->node, t, b.next_run);

    if (at_most >= 0 && at_most + atomic_load(&p->node->n_changes) + OTHERS < b.most)
        return FF_OK;
    return count_and_guard(p, t, b.next_run, b.most, err);
}
