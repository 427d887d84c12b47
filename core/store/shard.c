/* store/shard.c - blocking writes: shards taken and given back, numbers from counters,
 * and the one-off commits of the command line. All through the caller's session. */
#include "store/store_priv.h"

#include <string.h>
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

int store_read_shard(struct store *s, struct store_reader *r, int64_t shard,
                     struct shard_row *row, struct arena *arena, struct ff_err *err)
{
    const struct shard_row like = {.shard = shard};
    const struct store_query q = {
        .record = &record_shard, .like = &like, .n_equal = 1, .limit = 1};

    return store_read_one(s, r, &q, arena, row, err);
}

/* The row as it will be with a new owner; its version is the one it has now. */
static int read_or_make(struct store *s, int64_t shard, struct shard_row *row,
                        struct ff_err *err)
{
    int code;

    arena_reset(&s->shard_text);
    code = store_read_shard(s, STORE_READER_CALLER, shard, row, &s->shard_text, err);
    if (code != FF_NOT_FOUND)
        return code;
    *row = (struct shard_row){.shard = shard,
                              .version = FF_ABSENT,
                              .since = MODEL_NULL,
                              .low = MODEL_NULL,
                              .high = MODEL_NULL};
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

bool store_shard_is_of(const struct shard_row *row, const char *place)
{
    return place && row->place.s && span_is(row->place, place);
}

bool store_shard_is_free(const struct shard_row *row, const char *place, int64_t now_us)
{
    if (!row->owner.s || row->lease_until <= now_us)
        return true;
    return store_shard_is_of(row, place);
}

static struct span span_or_none(const char *text)
{
    return text ? span_of(text) : (struct span){0};
}

/* Once another place has had it this stays so: whoever takes what that one has left may
 * end before it has said a word about it, and so may the next one of his place. */
static int64_t is_mixed(const struct shard_row *row, const char *place)
{
    if (!place)
        return MODEL_NULL;
    return row->mixed == 1 || (row->place.s && !store_shard_is_of(row, place));
}

/* Without a lease the row must not look taken when the clock is set back. */
static void claim_row(struct shard_row *row, const struct store_claim *claim,
                      int64_t now_us)
{
    row->mixed = is_mixed(row, claim->place);
    row->epoch++;
    row->owner = span_or_none(claim->owner);
    row->endpoint = span_or_none(claim->endpoint);
    row->lease_until = claim->lease_us > 0 ? now_us + claim->lease_us : 0;
    row->place = span_or_none(claim->place);
    row->address = span_or_none(claim->address);
    row->since = claim->lease_us > 0 ? now_us : MODEL_NULL;
}

int store_acquire_shard(struct store *s, int64_t shard, const struct store_claim *claim,
                        struct shard_row *row, struct ff_err *err)
{
    int code = FF_CONFLICT;

    for (int i = 0; i < RACES && code == FF_CONFLICT; i++) {
        int64_t now_us;

        code = read_or_make(s, shard, row, err);
        if (code == FF_OK)
            code = store_clock(s, STORE_READER_CALLER, &now_us, err);
        if (code != FF_OK)
            return code;
        if (!store_shard_is_free(row, claim->place, now_us) &&
            (row->version != claim->over || claim->over == FF_ABSENT))
            return ff_fail(err, FF_BUSY, 0, "shard %lld belongs to %.*s",
                           (long long)shard, (int)row->owner.len, row->owner.s);
        claim_row(row, claim, now_us);
        code = take_shard(s, row, err);
    }
    store_own_row(&record_shard, row, &s->shard_text);
    return code;
}

/* If somebody has it he finds that it is not the row any more that he holds, and takes
 * it again. A row is never deleted: of one that is made again the version may be one
 * that somebody still knows. */
static void add_other(struct batch *b, const struct store_reshape *how,
                      struct shard_row *other, int64_t epoch)
{
    *other = *how->other;
    other->epoch = epoch;
    other->mixed = 1;
    range_write(other, how->other_range);
    if (range_is_empty(how->other_range)) {
        other->owner = other->endpoint = other->address = (struct span){0};
        other->lease_until = 0;
        other->since = MODEL_NULL;
    }
    batch_put(b, &record_shard, other, other->version);
}

int store_reshape_shard(struct store *s, const struct store_reshape *how,
                        const struct store_claim *claim, struct shard_row *row,
                        struct ff_err *err)
{
    struct shard_row other;
    struct batch b = {0};
    int64_t now_us;
    int code = store_clock(s, STORE_READER_CALLER, &now_us, err);

    if (code != FF_OK)
        return code;
    *row = *how->row;
    if (row->epoch < how->epoch)
        row->epoch = how->epoch;
    claim_row(row, claim, now_us);
    if (how->mixed && claim->place)
        row->mixed = 1;
    range_write(row, how->range);
    batch_put(&b, &record_shard, row, row->version);
    if (how->other)
        add_other(&b, how, &other, row->epoch + 1);
    code = store_commit_now(s, &b, NULL, err);
    batch_done(&b);
    if (code != FF_OK)
        return code;
    row->version++;
    arena_reset(&s->shard_text);
    store_own_row(&record_shard, row, &s->shard_text);
    return FF_OK;
}

struct reading {
    struct store_shards *shards;
    struct arena *arena;
};

static int add_shard(void *arg, const void *stored)
{
    const struct reading *reading = arg;
    struct shard_row row = *(const struct shard_row *)stored;

    store_own_row(&record_shard, &row, reading->arena);
    ARRAY_ADD(reading->shards, row);
    return 0;
}

int store_read_shards(struct store *s, struct store_reader *r,
                      struct store_shards *shards, struct arena *arena,
                      struct ff_err *err)
{
    const struct store_query q = {.record = &record_shard};
    struct reading reading = {shards, arena};

    shards->n = 0;
    return store_scan(s, r, &q, add_shard, &reading, err);
}

int store_release_shard(struct store *s, struct ff_err *err)
{
    struct store_fence fence = store_get_fence(s);
    const struct shard_row row = {.shard = fence.shard, .since = MODEL_NULL};
    struct batch b = {0};
    int code;

    if (!fence.held)
        return ff_fail(err, FF_DENIED, 0, "no shard is held");
    if (!committer_is_idle(s->committer))
        return ff_fail(err, FF_BUSY, 0, "shard %lld still has commits under way",
                       (long long)fence.shard);
    batch_patch(&b, &record_shard, &row,
                COLUMN_BIT(COL_SHARD_OWNER) | COLUMN_BIT(COL_SHARD_ENDPOINT) |
                    COLUMN_BIT(COL_SHARD_LEASE_UNTIL) | COLUMN_BIT(COL_SHARD_ADDRESS) |
                    COLUMN_BIT(COL_SHARD_SINCE),
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
