/* store/committer.c - group commit: who waits, what is in flight, when to try again.
 *
 * While a group is in flight on the lane, batches wait and go together as the next; the
 * next one starts before the callbacks of the last one run, so that the disk and the
 * engine work at the same time. When nothing is in flight, what came in this turn of
 * the loop goes at its end: inline, without a hand-off, if it is little and the store
 * was fast lately. */
#include "store/store_priv.h"

#define GROUP_MAX_BYTES  ((size_t)256 << 10)
#define INLINE_MAX_BYTES ((size_t)8 << 10)
#define FAST_US          1000
#define STALL_US         20000 /* one inline commit like that ends all inline commits */
#define HISTORY          32    /* commits that are remembered */
#define KEEP_PENDING     256   /* for re-use */

/* How long to wait before the next try, by what was refused. */
static const struct {
    int code;
    int64_t first_us, max_us;
} pauses[] = {
    {FF_BUSY, 1000, 100000},
    {FF_FULL, 50000, UNITS_SECOND},
    {FF_UNAVAILABLE, 50000, 2 * UNITS_SECOND},
};

struct committer {
    struct store *store;
    struct lane *lane; /* made when it is first needed */
    struct list waiting;
    struct list unused;
    size_t n_unused;
    size_t backlog; /* bytes waiting or in flight */
    struct fence fence;

    struct group groups[2]; /* one in flight, one whose callbacks run */
    struct group *flying;   /* NULL: none */
    size_t next_group;
    bool posted;  /* flush() will be called */
    bool on_lane; /* landed() will be called */
    bool closing;
    uint32_t fast; /* bit for each of the last small commits: took less than FAST_US */

    struct loop_timer *pause;
    unsigned n_refused;    /* in a row */
    struct ff_err refusal; /* why commits wait; code 0: they do not */
    struct ff_err death;   /* code 0: alive */

    struct committer *next_dead;
};

/* Closed while the loop still had to call them. */
static struct committer *dead;

/* --- batches --- */

static struct pending *pending_new(struct committer *c)
{
    struct list *link = list_first(&c->unused);
    struct pending *p;

    if (!link) {
        p = mem_alloc(sizeof(*p));
        list_init(&p->link);
        return p;
    }
    list_del(link);
    c->n_unused--;
    return LIST_OF(link, struct pending, link);
}

/* The batch's memory is not kept: it came from whoever gave the batch, and there may
 * be as many of them as live runs. */
static void pending_put(struct committer *c, struct pending *p)
{
    batch_done(&p->batch);
    if (c->n_unused >= KEEP_PENDING) {
        mem_free(p);
        return;
    }
    list_add_tail(&c->unused, &p->link);
    c->n_unused++;
}

static void tell_batch(const struct committer *c, const struct pending *p)
{
    const struct store_watch *w = &c->store->watch;

    if (w->batch && p->given_us > 0)
        w->batch(w->arg, p->code, &p->batch,
                 loop_mono_us(c->store->loop) - p->given_us);
}

static void call_back(struct committer *c, struct pending *p)
{
    const bool failed = p->code != FF_OK;

    c->backlog -= p->batch.bytes;
    tell_batch(c, p);
    if (c->store->on_step && (!failed || p->code == FF_IN_DOUBT))
        position_tell(c->store, &p->batch);
    if (p->fn)
        p->fn(p->arg, p->code, p->failed, failed ? &p->err : NULL);
    pending_put(c, p);
}

/* --- groups --- */

/* Whole batches up to the cap, at least one. */
static void form_group(struct committer *c)
{
    struct group *g = &c->groups[c->next_group];
    struct list *link;

    group_reset(g);
    while ((link = list_first(&c->waiting))) {
        struct pending *p = LIST_OF(link, struct pending, link);

        if (g->batches.n > 0 && g->bytes + p->batch.bytes > GROUP_MAX_BYTES)
            break;
        list_del(link);
        p->code = PENDING_UNDECIDED;
        position_batch(&c->fence, &p->batch);
        g->bytes += p->batch.bytes;
        ARRAY_ADD(&g->batches, p);
    }
    g->fence = c->fence;
    c->next_group ^= 1;
    c->flying = g;
}

static void run_group(void *arg)
{
    struct committer *c = arg;
    struct group *g = c->flying;
    const int64_t began_us = loop_mono_us(c->store->loop);

    group_run(g);
    g->took_us = loop_mono_us(c->store->loop) - began_us;
}

/* Only small groups tell whether the store is fast: a large one takes its time
 * anywhere. */
static void remember_speed(struct committer *c, const struct group *g)
{
    if (g->took_us > STALL_US)
        c->fast = 0;
    else if (g->bytes <= INLINE_MAX_BYTES)
        c->fast = c->fast << 1 | (g->took_us < FAST_US);
}

static bool may_run_inline(const struct committer *c, const struct group *g)
{
    return g->bytes <= INLINE_MAX_BYTES && list_empty(&c->waiting) &&
           c->n_refused == 0 && __builtin_popcount(c->fast) > HISTORY / 2;
}

/* --- refusals --- */

static int64_t pause_us(struct committer *c, int code)
{
    int64_t us = 0;

    for (size_t i = 0; i < COUNT_OF(pauses); i++) {
        if (pauses[i].code != code)
            continue;
        us = pauses[i].first_us << (c->n_refused < 12 ? c->n_refused : 12);
        if (us > pauses[i].max_us)
            us = pauses[i].max_us;
    }
    /* Between half of it and all of it, so that two who collide part. */
    return us / 2 + (int64_t)(loop_random(c->store->loop) % (uint64_t)(us / 2 + 1));
}

static void on_pause_over(void *arg);

/* Said once, however often it is refused. BUSY is every day's. */
static void wait_and_retry(struct committer *c, const struct group *g)
{
    if (c->refusal.code != g->code) {
        if (g->code != FF_BUSY)
            log_warn("store: commits wait: %s", g->err.msg);
        c->refusal = g->err;
        c->refusal.code = g->code;
    }
    loop_timer_add(c->store->loop, pause_us(c, g->code), on_pause_over, c, &c->pause);
    c->n_refused++;
}

static void end_refusals(struct committer *c)
{
    if (c->n_refused == 0)
        return;
    if (c->refusal.code != FF_BUSY)
        log_info("store: commits go on after %u refusals", c->n_refused);
    c->n_refused = 0;
    c->refusal = (struct ff_err){0};
}

/* --- flying and landing --- */

static void call_back_all(struct committer *c, struct group *g)
{
    /* The group may be formed anew while callbacks commit: its list is read first. */
    for (size_t i = 0; i < g->batches.n; i++)
        call_back(c, g->batches.items[i]);
    g->batches.n = 0;
}

/* Every batch that waits gets this answer. Callbacks may add to them. */
static void answer_waiting(struct committer *c, int code, const struct ff_err *err)
{
    struct list *link;

    while ((link = list_first(&c->waiting))) {
        struct pending *p = LIST_OF(link, struct pending, link);

        list_del(link);
        p->code = code;
        p->failed = 0;
        p->err = *err;
        call_back(c, p);
    }
}

static void die(struct committer *c, struct group *g)
{
    c->death = g->err;
    c->death.code = g->code;
    log_error("store: %s", g->err.msg);
    for (size_t i = 0; i < g->batches.n; i++) {
        struct pending *p = g->batches.items[i];

        if (p->code != PENDING_UNDECIDED)
            continue;
        p->code = g->code;
        p->failed = 0;
        p->err = c->death;
    }
}

static void keep_fence(struct committer *c, const struct group *g)
{
    if (g->fence.generation == c->fence.generation)
        c->fence = g->fence;
}

static void tell_watch(const struct committer *c, const struct group *g)
{
    const struct store_watch *w = &c->store->watch;
    size_t n = 0;

    for (size_t i = 0; i < g->batches.n; i++)
        n += g->batches.items[i]->batch.n;
    probe_commit(g->code, (int64_t)n, (int64_t)g->bytes, g->took_us);
    if (w->commit)
        w->commit(w->arg, g->code, n, g->bytes, g->took_us);
}

/* The store is dead or the shard was lost: nothing can be committed. */
static bool is_refusing(const struct committer *c)
{
    return c->death.code != FF_OK || c->fence.state == FENCE_LOST;
}

/* Its refusal was for now; but for this shard there is no later. Whoever leads again
 * does it again: only here is it known what was in the way. */
static void deny_group(struct committer *c, struct group *g)
{
    log_warn("store: the lease of shard %lld is over before a commit was possible: %s",
             (long long)c->fence.shard, g->err.msg);
    for (size_t i = 0; i < g->batches.n; i++) {
        struct pending *p = g->batches.items[i];

        if (p->code != PENDING_UNDECIDED)
            continue;
        p->failed = 0;
        p->code = ff_fail(&p->err, g->in_doubt ? FF_IN_DOUBT : FF_DENIED, 0,
                          "the lease of shard %lld is over", (long long)c->fence.shard);
    }
    c->n_refused = 0;
    c->refusal = (struct ff_err){0};
    c->flying = NULL;
}

/* The group is back. False: it goes up again later. */
static bool land(struct committer *c, struct group *g)
{
    keep_fence(c, g);
    remember_speed(c, g);
    tell_watch(c, g);
    if (g->code == FF_FATAL || g->code == FF_CORRUPT) {
        die(c, g);
    } else if (g->code != FF_OK && c->fence.state == FENCE_LOST) {
        deny_group(c, g);
    } else if (g->code != FF_OK) {
        if (!c->closing)
            wait_and_retry(c, g);
        return false;
    } else {
        end_refusals(c);
    }
    c->flying = NULL;
    return true;
}

static void flush(void *arg);

/* At the end of this turn of the loop, so that all it brings goes together. */
static void kick(struct committer *c)
{
    if (c->flying || c->posted || c->closing || list_empty(&c->waiting))
        return;
    c->posted = true;
    loop_post(c->store->loop, flush, c);
}

static bool free_if_dead(struct committer *c)
{
    struct committer **at = &dead;

    if (c->store)
        return false;
    if (c->posted || c->on_lane)
        return true;
    while (*at != c)
        at = &(*at)->next_dead;
    *at = c->next_dead;
    mem_free(c);
    return true;
}

/* A thread that cannot be had is no reason not to commit. */
static bool has_lane(struct committer *c)
{
    struct ff_err err;

    if (!c->lane)
        c->lane = lane_new(c->store->loop, "store", &err);
    return c->lane != NULL;
}

static void refuse_waiting(struct committer *c)
{
    struct ff_err err = c->death;

    if (err.code == FF_OK)
        ff_fail(&err, FF_DENIED, 0, "shard %lld belongs to another process now",
                (long long)c->fence.shard);
    answer_waiting(c, err.code, &err);
}

static void run_inline(struct committer *c)
{
    struct group *g = c->flying;

    run_group(c);
    if (!land(c, g))
        return;
    call_back_all(c, g);
    kick(c);
}

static void on_lane_done(void *arg);

static void fly(struct committer *c)
{
    if (may_run_inline(c, c->flying) || !has_lane(c)) {
        run_inline(c);
        return;
    }
    c->on_lane = true;
    lane_do(c->lane, run_group, on_lane_done, c);
}

static void on_pause_over(void *arg)
{
    fly(arg);
}

/* The next group goes before the callbacks of this one run. */
static void on_lane_done(void *arg)
{
    struct committer *c = arg;
    struct group *g = c->flying;

    c->on_lane = false;
    if (free_if_dead(c) || !land(c, g))
        return;
    if (!list_empty(&c->waiting) && !is_refusing(c)) {
        form_group(c);
        c->on_lane = true;
        lane_do(c->lane, run_group, on_lane_done, c);
    }
    call_back_all(c, g);
    kick(c);
}

static void flush(void *arg)
{
    struct committer *c = arg;

    c->posted = false;
    if (free_if_dead(c) || c->flying || list_empty(&c->waiting))
        return;
    if (is_refusing(c)) {
        refuse_waiting(c);
        return;
    }
    form_group(c);
    fly(c);
}

/* --- for the rest of the room --- */

struct committer *committer_new(struct store *s)
{
    struct committer *c = mem_alloc(sizeof(*c));

    c->store = s;
    list_init(&c->waiting);
    list_init(&c->unused);
    for (size_t i = 0; i < COUNT_OF(c->groups); i++) {
        c->groups[i].ops = s->ops;
        c->groups[i].session = s->writer.handle;
    }
    return c;
}

bool committer_is_idle(const struct committer *c)
{
    return !c->flying && list_empty(&c->waiting);
}

/* Nothing more is tried. What is undecided was not written, or nobody can say. */
static void cancel_group(struct committer *c, struct group *g)
{
    for (size_t i = 0; i < g->batches.n; i++) {
        struct pending *p = g->batches.items[i];

        if (p->code != PENDING_UNDECIDED)
            continue;
        p->failed = 0;
        p->code = ff_fail(&p->err, g->in_doubt ? FF_IN_DOUBT : FF_CANCELLED, 0,
                          "the store is closing");
    }
    c->flying = NULL;
}

static void answer_all(struct committer *c)
{
    struct group *g = c->flying;
    struct ff_err err;

    if (g && !land(c, g))
        cancel_group(c, g);
    if (g)
        call_back_all(c, g);
    ff_fail(&err, FF_CANCELLED, 0, "the store is closing");
    answer_waiting(c, FF_CANCELLED, &err);
}

void committer_close(struct committer *c)
{
    struct list *link;

    if (!c)
        return;
    c->closing = true;
    lane_free(c->lane); /* what is in flight comes to its end */
    loop_timer_del(c->pause);
    answer_all(c);
    while ((link = list_first(&c->unused))) {
        list_del(link);
        mem_free(LIST_OF(link, struct pending, link));
    }
    group_done(&c->groups[0]);
    group_done(&c->groups[1]);
    c->store = NULL;
    c->next_dead = dead;
    dead = c;
    free_if_dead(c);
}

/* --- commits --- */

static void enqueue(struct committer *c, struct pending *p, bool first)
{
    c->backlog += p->batch.bytes;
    p->given_us = c->store->watch.batch ? loop_mono_us(c->store->loop) : 0;
    if (first)
        list_add_tail(c->waiting.next, &p->link); /* before the first one */
    else
        list_add_tail(&c->waiting, &p->link);
    kick(c);
}

void store_commit(struct store *s, struct batch *b, store_done_fn *fn, void *arg)
{
    struct committer *c = s->committer;
    struct pending *p = pending_new(c);

    p->batch = *b;
    *b = (struct batch){0};
    p->fn = fn;
    p->arg = arg;
    p->renewal = false;
    enqueue(c, p, false);
}

void store_renew(struct store *s, int64_t lease_until, store_done_fn *fn, void *arg)
{
    struct committer *c = s->committer;
    struct pending *p = pending_new(c);
    const struct shard_row row = {.shard = c->fence.shard, .lease_until = lease_until};

    /* The version comes in when the group is built. Ahead of all others: a lease must
     * not wait behind a backlog. */
    batch_patch(&p->batch, &record_shard, &row, COLUMN_BIT(COL_SHARD_LEASE_UNTIL),
                FF_ANY_VERSION);
    p->fn = fn;
    p->arg = arg;
    p->renewal = true;
    enqueue(c, p, true);
}

void store_lose_shard(struct store *s)
{
    struct committer *c = s->committer;
    struct group *g = c->flying;

    if (c->fence.state != FENCE_HELD)
        return;
    c->fence.state = FENCE_LOST;
    c->fence.generation++; /* what is in flight still knows it as it was */
    if (g && c->pause) {
        loop_timer_del(c->pause);
        deny_group(c, g);
        call_back_all(c, g);
    }
    kick(c);
}

void store_set_watch(struct store *s, const struct store_watch *w)
{
    s->watch = w ? *w : (struct store_watch){0};
}

size_t store_backlog_bytes(const struct store *s)
{
    return s->committer->backlog;
}

int store_health(const struct store *s, struct ff_err *err)
{
    const struct committer *c = s->committer;
    const struct ff_err *why = c->death.code ? &c->death : &c->refusal;

    if (why->code != FF_OK && why->code != FF_BUSY)
        *err = *why;
    return why->code == FF_BUSY ? FF_OK : why->code;
}

void store_set_fence(struct store *s, const struct shard_row *row)
{
    struct fence *fence = &s->committer->fence;

    *fence = (struct fence){.generation = fence->generation + 1};
    if (!row)
        return;
    fence->state = FENCE_HELD;
    fence->shard = row->shard;
    fence->version = row->version;
    fence->epoch = row->epoch;
    fence->next_position = position_first(row->epoch);
    fence->range = range_of(row);
}

struct store_fence store_get_fence(const struct store *s)
{
    const struct fence *fence = &s->committer->fence;

    return (struct store_fence){.shard = fence->shard,
                                .version = fence->version,
                                .epoch = fence->epoch,
                                .held = fence->state == FENCE_HELD};
}
