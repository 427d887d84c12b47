/* bucket.c - see bucket.h. A bucket is one number: when it will be full again. */
#include "rest/bucket.h"

struct bucket {
    int64_t full_us;
};

static void forget(struct buckets *b, int64_t now_us, bool all)
{
    void *value;

    for (size_t i = 0; map_next(&b->by_name, &i, &value);) {
        const struct bucket *bucket = value;

        if (!all && bucket->full_us > now_us)
            continue;
        map_del_text(&b->by_name, map_key_text(&b->by_name, i));
        mem_free(value);
    }
}

static struct bucket *find(struct buckets *b, const char *name, int64_t now_us)
{
    struct bucket *bucket = map_get_text(&b->by_name, name);

    if (bucket)
        return bucket;
    if (b->by_name.n >= BUCKETS_MAX)
        forget(b, now_us, false);
    if (b->by_name.n >= BUCKETS_MAX)
        forget(b, now_us, true);
    bucket = mem_alloc(sizeof(*bucket));
    bucket->full_us = now_us;
    map_set_text(&b->by_name, name, bucket);
    return bucket;
}

static int64_t one_us(int64_t per_s)
{
    return per_s < UNITS_SECOND ? UNITS_SECOND / per_s : 1;
}

/* What is owed is the time until it is full. */
static struct bucket_state state_of(int64_t owed_us, int64_t per_s)
{
    const int64_t one = one_us(per_s);
    const int64_t wait_us = owed_us + one - per_s * one;

    return (struct bucket_state){
        .limit = per_s,
        .left = per_s - (owed_us + one - 1) / one,
        .reset_us = owed_us,
        .retry_us = wait_us > 0 ? wait_us : 0,
    };
}

bool bucket_has(struct buckets *b, const char *name, int64_t per_s, int64_t now_us,
                struct bucket_state *state)
{
    const struct bucket *bucket = find(b, name, now_us);

    *state = state_of(bucket->full_us > now_us ? bucket->full_us - now_us : 0, per_s);
    return state->retry_us == 0;
}

bool bucket_take(struct buckets *b, const char *name, int64_t per_s, int64_t now_us,
                 struct bucket_state *state)
{
    struct bucket *bucket = find(b, name, now_us);

    if (!bucket_has(b, name, per_s, now_us, state))
        return false;
    if (bucket->full_us < now_us)
        bucket->full_us = now_us;
    bucket->full_us += one_us(per_s);
    *state = state_of(bucket->full_us - now_us, per_s);
    state->retry_us = 0;
    return true;
}

void buckets_done(struct buckets *b)
{
    forget(b, INT64_MAX, true);
    map_done(&b->by_name);
}
