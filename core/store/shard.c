/* store/shard.c - blocking writes: shards taken and given back, numbers from counters,
 * and the one-off commits of the command line. All through the caller's session. */
#include "store/store_priv.h"

#include <time.h>

#define BUSY_MAX_US                                                                    \
    (10 * UNITS_SECOND) /* another process writes for so long: give up */
#define BUSY_FIRST_US 500
#define BUSY_PAUSE_US 50000
#define RACES         100 /* lost to others in a row */

static void sleep_us(int64_t us)
{
    const struct timespec t = {.tv_sec = us / UNITS_SECOND,
                               .tv_nsec = us % UNITS_SECOND * 1000};

    nanosleep(&t, NULL);
}

/* A group of one batch, so that doubt is settled here as there. */
static int commit_once(struct store *s, struct group *g, struct pending *p,
                       size_t *failed, struct ff_err *err)
{
    int code;

    pthread_mutex_lock(&s->caller.mutex);
    code = group_run(g);
    pthread_mutex_unlock(&s->caller.mutex);
    if (code != FF_OK) {
        *err = g->err;
        return code;
    }
    if (p->code != FF_OK)
        *err = p->err;
    if (failed)
        *failed = p->failed;
    return p->code;
}

/* Whoever is told so may take it that nothing was written. */
static bool is_refusal(int code)
{
    return code == FF_BUSY || code == FF_UNAVAILABLE || code == FF_FULL;
}

int store_commit_now(struct store *s, struct batch *b, size_t *failed,
                     struct ff_err *err)
{
    struct pending p = {.batch = *b, .code = PENDING_UNDECIDED};
    struct group g = {.ops = s->ops, .session = s->caller.handle};
    int64_t pause_us = BUSY_FIRST_US;
    int64_t waited_us = 0;
    int code;

    ARRAY_ADD(&g.batches, &p);
    while ((code = commit_once(s, &g, &p, failed, err)) == FF_BUSY &&
           waited_us < BUSY_MAX_US) {
        const uint64_t jitter = loop_random(s->loop) % (uint64_t)pause_us;

        sleep_us(pause_us / 2 + (int64_t)jitter / 2);
        waited_us += pause_us;
        pause_us = pause_us * 2 < BUSY_PAUSE_US ? pause_us * 2 : BUSY_PAUSE_US;
    }
    if (g.doubted && is_refusal(code)) /* of a later try, or of reading what is there */
        err->code = code = FF_IN_DOUBT;
    group_done(&g);
    return code;
}

/* --- shards --- */

int store_read_shard(struct store *s, int64_t shard, struct shard_row *row,
                     struct arena *arena, struct ff_err *err)
{
    const struct shard_row like = {.shard = shard};
    const struct store_query q = {
        .record = &record_shard, .like = &like, .n_equal = 1, .limit = 1};

    return store_read_one(s, STORE_READER_CALLER, &q, arena, row, err);
}

/* The row as it will be with a new owner; its version is the one it has now. */
static int read_or_make(struct store *s, int64_t shard, struct shard_row *row,
                        struct ff_err *err)
{
    int code;

    arena_reset(&s->shard_text);
    code = store_read_shard(s, shard, row, &s->shard_text, err);
    if (code != FF_NOT_FOUND)
        return code;
    *row = (struct shard_row){.shard = shard, .version = FF_ABSENT};
    return FF_OK;
}

static int take_shard(struct store *s, struct shard_row *row, struct ff_err *err)
{
    struct batch b = {0};
    int code;

    batch_put(&b, &record_shard, row, row->version);
    code = store_commit_now(s, &b, NULL, err);
    batch_done(&b);
    if (code == FF_OK)
        row->version++;
    return code;
}

int store_acquire_shard(struct store *s, int64_t shard, const char *owner,
                        const char *endpoint, int64_t lease_us, struct shard_row *row,
                        struct ff_err *err)
{
    int code = FF_CONFLICT;

    for (int i = 0; i < RACES && code == FF_CONFLICT; i++) {
        code = read_or_make(s, shard, row, err);
        if (code != FF_OK)
            return code;

        const int64_t now_us = store_now_us(s);

        if (row->owner.s && row->lease_until > now_us)
            return ff_fail(err, FF_BUSY, 0, "shard %lld belongs to %.*s",
                           (long long)shard, (int)row->owner.len, row->owner.s);
        row->epoch++;
        row->owner = span_of(owner);
        row->endpoint = span_of(endpoint);
        /* Without a lease the row must not look taken when the clock is set back. */
        row->lease_until = lease_us > 0 ? now_us + lease_us : 0;
        code = take_shard(s, row, err);
    }
    store_own_row(&record_shard, row, &s->shard_text);
    return code;
}

int store_release_shard(struct store *s, struct ff_err *err)
{
    struct store_fence fence = store_get_fence(s);
    const struct shard_row row = {.shard = fence.shard};
    struct batch b = {0};
    int code;

    if (!fence.held)
        return ff_fail(err, FF_DENIED, 0, "no shard is held");
    if (!committer_is_idle(s->committer))
        return ff_fail(err, FF_BUSY, 0, "shard %lld still has commits under way",
                       (long long)fence.shard);
    batch_patch(&b, &record_shard, &row,
                COLUMN_BIT(COL_SHARD_OWNER) | COLUMN_BIT(COL_SHARD_ENDPOINT) |
                    COLUMN_BIT(COL_SHARD_LEASE_UNTIL),
                fence.version);
    code = store_commit_now(s, &b, NULL, err);
    batch_done(&b);
    if (code == FF_OK || code == FF_CONFLICT)
        store_set_fence(s, NULL);
    return code;
}

/* --- counters --- */

int store_read_counter(struct store *s, struct store_reader *reader, const char *name,
                       struct counter_row *row, struct ff_err *err)
{
    const struct counter_row like = {
        .name = span_of(name), .version = FF_ABSENT, .next = 1};
    const struct store_query q = {
        .record = &record_counter, .like = &like, .n_equal = 1, .limit = 1};
    struct arena arena = {0};
    const int code = store_read_one(s, reader, &q, &arena, row, err);

    arena_done(&arena);
    if (code == FF_NOT_FOUND)
        *row = like;
    else if (code != FF_OK)
        return code;
    row->name = like.name;
    return FF_OK;
}

/* Those of a commit in doubt are left out: a gap means nothing. */
int store_take_numbers(struct store *s, const char *name, int64_t n, int64_t *first,
                       struct ff_err *err)
{
    struct batch b = {0};
    int code = FF_CONFLICT;

    for (int i = 0; i < RACES && (code == FF_CONFLICT || code == FF_IN_DOUBT); i++) {
        struct counter_row row;

        batch_reset(&b);
        code = store_read_counter(s, STORE_READER_CALLER, name, &row, err);
        if (code != FF_OK)
            break;
        row.next += n;
        batch_put(&b, &record_counter, &row, row.version);
        code = store_commit_now(s, &b, NULL, err);
        if (code == FF_OK)
            *first = row.next - n;
    }
    batch_done(&b);
    return code;
}
