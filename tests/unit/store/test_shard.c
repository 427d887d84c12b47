/* Shards, fences and counters on real drivers. */
#include "support_real.h"

#include <pthread.h>

#define LEASE_US (60 * UNITS_SECOND)

static int acquire(struct store *s, const char *owner, int64_t lease_us,
                   struct shard_row *row)
{
    struct ff_err err = {0};

    const struct store_claim claim = {
        .owner = owner, .endpoint = "/run/x.sock", .lease_us = lease_us};

    return store_acquire_shard(s, 1, &claim, row, &err);
}

static void a_shard_has_one_owner_at_a_time(void **state)
{
    struct real *r = *state;
    struct store *other = real_open_again(r);
    struct shard_row row;
    struct shard_row theirs;

    assert_int_equal(acquire(r->store, "one", LEASE_US, &row), FF_OK);
    assert_int_equal(row.epoch, 1);
    assert_int_equal(row.version, 1);
    assert_int_equal(acquire(other, "two", LEASE_US, &theirs), FF_BUSY);
    assert_int_equal(theirs.owner.len, 3);
    assert_memory_equal(theirs.owner.s, "one", 3);
    assert_int_equal(theirs.endpoint.len, 11);
    store_close(other);
}

static void a_released_shard_is_free(void **state)
{
    struct real *r = *state;
    struct store *other = real_open_again(r);
    struct ff_err err = {0};
    struct shard_row row;

    assert_int_equal(store_release_shard(r->store, &err), FF_DENIED);
    assert_int_equal(acquire(r->store, "one", LEASE_US, &row), FF_OK);
    store_set_fence(r->store, &row);
    assert_int_equal(store_release_shard(r->store, &err), FF_OK);
    assert_false(store_get_fence(r->store).held);
    assert_int_equal(acquire(other, "two", LEASE_US, &row), FF_OK);
    assert_int_equal(row.epoch, 2);
    store_close(other);
}

static void without_a_lease_no_clock_keeps_the_next_one_out(void **state)
{
    struct real *r = *state;
    struct shard_row row;

    assert_int_equal(acquire(r->store, "one", 0, &row), FF_OK);
    assert_int_equal(row.lease_until, 0);
    assert_int_equal(acquire(r->store, "two", LEASE_US, &row), FF_OK);
}

static int acquire_from(struct store *s, const char *place, struct shard_row *row)
{
    const struct store_claim claim = {
        .owner = "one", .place = place, .lease_us = LEASE_US};
    struct ff_err err = {0};

    return store_acquire_shard(s, 1, &claim, row, &err);
}

static void a_lease_of_the_same_place_is_over(void **state)
{
    struct real *r = *state;
    struct store *other = real_open_again(r);
    struct shard_row row;

    assert_int_equal(acquire_from(r->store, "here", &row), FF_OK);
    assert_int_equal(row.lease_until - row.since, LEASE_US);
    assert_int_equal(acquire_from(other, "elsewhere", &row), FF_BUSY);
    assert_int_equal(acquire_from(other, NULL, &row), FF_BUSY);
    assert_int_equal(acquire_from(other, "here", &row), FF_OK);
    assert_int_equal(row.epoch, 2);
    assert_int_equal(row.mixed, 0);
    store_close(other);
}

static void a_lease_that_was_seen_to_end_is_over(void **state)
{
    struct real *r = *state;
    struct store_claim claim = {.owner = "two", .lease_us = LEASE_US};
    struct shard_row row, seen;
    struct ff_err err = {0};

    assert_int_equal(acquire(r->store, "one", LEASE_US, &seen), FF_OK);
    claim.over = seen.version + 1;
    assert_int_equal(store_acquire_shard(r->store, 1, &claim, &row, &err), FF_BUSY);
    claim.over = seen.version;
    assert_int_equal(store_acquire_shard(r->store, 1, &claim, &row, &err), FF_OK);
    assert_int_equal(row.epoch, 2);
}

/* Not only the next one has to know it: he may end before he has done anything. */
static void that_another_place_had_it_is_not_forgotten(void **state)
{
    struct real *r = *state;
    struct ff_err err = {0};
    struct shard_row row;

    assert_int_equal(acquire_from(r->store, "here", &row), FF_OK);
    store_set_fence(r->store, &row);
    assert_int_equal(store_release_shard(r->store, &err), FF_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(acquire_from(r->store, "elsewhere", &row), FF_OK);
        assert_int_equal(row.mixed, 1);
    }
}

static int commit_and_wait(struct real *r, struct store *s, int64_t no)
{
    struct fake loop_of = {.loop = r->loop};
    struct result result = {.fake = &loop_of};
    struct batch b = {0};
    char id[ID_TEXT];
    const struct run_row row = a_run(1, no, id);

    batch_put(&b, &record_run, &row, FF_ABSENT);
    store_commit(s, &b, on_done, &result);
    run_for_one(&loop_of);
    return result.code;
}

static void an_owner_whose_lease_is_over_writes_nothing_more(void **state)
{
    struct real *r = *state;
    struct store *other = real_open_again(r);
    struct shard_row row;
    struct shard_row theirs;

    assert_int_equal(acquire(r->store, "one", 0, &row), FF_OK);
    store_set_fence(r->store, &row);
    assert_int_equal(commit_and_wait(r, r->store, 1), FF_OK);
    assert_int_equal(acquire(other, "two", LEASE_US, &theirs), FF_OK);
    assert_int_equal(theirs.epoch, 2);
    store_set_fence(other, &theirs);
    assert_int_equal(commit_and_wait(r, r->store, 2), FF_DENIED);
    assert_int_equal(commit_and_wait(r, other, 2), FF_OK);
    store_close(other);
}

static void a_renewal_extends_the_lease(void **state)
{
    struct real *r = *state;
    struct fake loop_of = {.loop = r->loop};
    struct result result = {.fake = &loop_of};
    struct arena arena = {0};
    struct ff_err err = {0};
    struct shard_row row;

    assert_int_equal(acquire(r->store, "one", LEASE_US, &row), FF_OK);
    store_set_fence(r->store, &row);
    store_renew(r->store, row.lease_until + 5, on_done, &result);
    run_for_one(&loop_of);
    assert_int_equal(result.code, FF_OK);
    assert_int_equal(commit_and_wait(r, r->store, 1), FF_OK);
    assert_int_equal(
        store_read_shard(r->store, STORE_READER_CALLER, 1, &row, &arena, &err), FF_OK);
    assert_int_equal(row.version, 2);
    assert_int_equal(store_get_fence(r->store).version, 2);
    assert_int_equal(
        store_read_shard(r->store, STORE_READER_CALLER, 9, &row, &arena, &err),
        FF_NOT_FOUND);
    arena_done(&arena);
}

/* --- counters --- */

static void numbers_come_in_blocks_without_gaps(void **state)
{
    struct real *r = *state;
    struct ff_err err = {0};
    int64_t first;

    assert_int_equal(store_take_numbers(r->store, "run", 10, &first, &err), FF_OK);
    assert_int_equal(first, 1);
    assert_int_equal(store_take_numbers(r->store, "run", 1, &first, &err), FF_OK);
    assert_int_equal(first, 11);
    assert_int_equal(store_take_numbers(r->store, "inbox", 1, &first, &err), FF_OK);
    assert_int_equal(first, 1);
}

static void a_counter_is_read_also_before_it_is_there(void **state)
{
    struct real *r = *state;
    struct counter_row row;
    struct ff_err err = {0};
    int64_t first;

    for (int64_t i = 0; i < 2; i++) {
        assert_int_equal(
            store_read_counter(r->store, STORE_READER_CALLER, "run", &row, &err),
            FF_OK);
        assert_true(span_is(row.name, "run"));
        assert_int_equal(row.version, i == 0 ? FF_ABSENT : 1);
        assert_int_equal(row.next, 1 + 10 * i);
        assert_int_equal(store_take_numbers(r->store, "run", 10, &first, &err), FF_OK);
    }
}

struct taker {
    pthread_t thread;
    struct store *store;
    int64_t taken[50];
};

static void *take_many(void *arg)
{
    struct taker *t = arg;
    struct ff_err err;

    for (size_t i = 0; i < COUNT_OF(t->taken); i++)
        if (store_take_numbers(t->store, "run", 1, &t->taken[i], &err) != FF_OK)
            t->taken[i] = -1;
    return NULL;
}

static void two_takers_never_get_the_same_number(void **state)
{
    struct real *r = *state;
    struct taker t[2] = {{.store = r->store}, {.store = real_open_again(r)}};
    bool seen[101] = {false};

    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i].thread, NULL, take_many, &t[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i].thread, NULL);
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < COUNT_OF(t[i].taken); k++) {
            assert_in_range(t[i].taken[k], 1, 100);
            assert_false(seen[t[i].taken[k]]);
            seen[t[i].taken[k]] = true;
        }
    store_close(t[1].store);
}

static int64_t next_of(struct real *r, const char *name)
{
    struct counter_row row;
    struct ff_err err = {0};

    assert_int_equal(
        store_read_counter(r->store, STORE_READER_CALLER, name, &row, &err), FF_OK);
    return row.next;
}

static void numbers_that_are_used_up_fast_come_in_blocks(void **state)
{
    struct real *r = *state;
    struct store_numbers n;
    struct ff_err err = {0};
    int64_t no;

    store_numbers_init(&n, "run");
    for (int64_t i = 1; i <= 300; i++) {
        n.taken_us = loop_mono_us(r->loop) + UNITS_SECOND; /* however slow it is */
        assert_int_equal(store_number(r->store, &n, 1, &no, &err), FF_OK);
        assert_int_equal(no, i);
    }
    /* 1 + 2 + 4 + 8 + 16 + 32 + 64 + ... */
    assert_int_equal(next_of(r, "run"), 1 + 63 + 4 * 64);
    store_numbers_done(&n);
}

static void numbers_that_wait_too_long_are_dropped(void **state)
{
    struct real *r = *state;
    struct store_numbers n;
    struct ff_err err = {0};
    int64_t no, theirs;

    store_numbers_init(&n, "run");
    for (int64_t i = 1; i <= 3; i++) {
        n.taken_us = loop_mono_us(r->loop) + UNITS_SECOND;
        assert_int_equal(store_number(r->store, &n, 1, &no, &err), FF_OK);
    }
    n.taken_us = loop_mono_us(r->loop) + UNITS_SECOND;
    assert_int_equal(store_number(r->store, &n, 1, &no, &err), FF_OK);
    assert_int_equal(n.left, 3);
    assert_int_equal(store_take_numbers(r->store, "run", 1, &theirs, &err), FF_OK);
    n.taken_us -= 3 * UNITS_SECOND;
    assert_int_equal(store_number(r->store, &n, 1, &no, &err), FF_OK);
    assert_int_equal(no, theirs + 1);
    assert_int_equal(n.left, 0);
    /* More than a block at once. */
    assert_int_equal(store_number(r->store, &n, 500, &no, &err), FF_OK);
    assert_int_equal(no, theirs + 2);
    assert_int_equal(next_of(r, "run"), theirs + 502);
    assert_int_equal(store_number(r->store, &n, 1, &no, &err), FF_OK);
    assert_int_equal(no, theirs + 502);
    store_numbers_done(&n);
}

struct asker {
    pthread_t thread;
    struct store *store;
    struct store_numbers *numbers;
    int64_t got[200];
};

static void *ask_many(void *arg)
{
    struct asker *a = arg;
    struct ff_err err;

    for (size_t i = 0; i < COUNT_OF(a->got); i++)
        if (store_number(a->store, a->numbers, 1, &a->got[i], &err) != FF_OK)
            a->got[i] = -1;
    return NULL;
}

static void threads_share_a_block_of_numbers(void **state)
{
    struct real *r = *state;
    struct store_numbers n;
    struct asker askers[3];
    struct map seen = {0};

    store_numbers_init(&n, "run");
    for (int i = 0; i < 3; i++) {
        askers[i] = (struct asker){.store = r->store, .numbers = &n};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_many, &askers[i]),
                         0);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(askers[i].thread, NULL);
    for (int i = 0; i < 3; i++)
        for (size_t k = 0; k < COUNT_OF(askers[i].got); k++) {
            assert_true(askers[i].got[k] > 0);
            assert_null(map_get(&seen, askers[i].got[k]));
            map_set(&seen, askers[i].got[k], &n);
        }
    map_done(&seen);
    store_numbers_done(&n);
}

static void a_commit_now_names_the_change_that_conflicts(void **state)
{
    struct real *r = *state;
    struct batch b = {0};
    struct ff_err err = {0};
    char id[2][ID_TEXT];
    const struct run_row rows[] = {a_run(1, 2, id[0]), a_run(1, 1, id[1])};
    size_t failed = 99;

    put_run(r, 1, 1);
    batch_put(&b, &record_run, &rows[0], FF_ABSENT);
    batch_put(&b, &record_run, &rows[1], FF_ABSENT);
    assert_int_equal(store_commit_now(r->store, &b, &failed, &err), FF_CONFLICT);
    assert_int_equal(failed, 1);
    batch_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_shard_has_one_owner_at_a_time),
        ON_EACH(a_released_shard_is_free),
        ON_EACH(without_a_lease_no_clock_keeps_the_next_one_out),
        ON_EACH(a_lease_of_the_same_place_is_over),
        ON_EACH(a_lease_that_was_seen_to_end_is_over),
        ON_EACH(that_another_place_had_it_is_not_forgotten),
        ON_EACH(an_owner_whose_lease_is_over_writes_nothing_more),
        ON_EACH(a_renewal_extends_the_lease),
        ON_EACH(numbers_come_in_blocks_without_gaps),
        ON_EACH(a_counter_is_read_also_before_it_is_there),
        ON_EACH(two_takers_never_get_the_same_number),
        ON_EACH(numbers_that_are_used_up_fast_come_in_blocks),
        ON_EACH(numbers_that_wait_too_long_are_dropped),
        ON_EACH(threads_share_a_block_of_numbers),
        ON_EACH(a_commit_now_names_the_change_that_conflicts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
