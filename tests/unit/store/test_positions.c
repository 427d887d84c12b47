/* Which position each step gets: in the order of commits, and of the tenants alone that
 * this process leads. */
#include "support.h"

static int set_up(void **state)
{
    struct fake *f = mem_alloc(sizeof(*f));

    fake_open(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fake *f = *state;

    if (f->store)
        fake_close(f);
    mem_free(f);
    return 0;
}

static void commit_step(struct fake *f, int64_t run, struct result *r)
{
    const struct event_row row = {.tenant = 1,
                                  .run = run,
                                  .seq = 1,
                                  .body = span_of("[]"),
                                  .position = MODEL_NULL};
    struct batch b = {0};

    *r = (struct result){.fake = f};
    batch_put(&b, &record_event, &row, FF_ABSENT);
    store_commit(f->store, &b, on_done, r);
}

struct told {
    int64_t runs[8];
    size_t n;
};

static void on_step(void *arg, struct tenant t, int64_t run)
{
    struct told *told = arg;

    assert_int_equal(t.no, 1);
    told->runs[told->n++] = run;
}

static void own(struct fake *f, int64_t epoch)
{
    const struct shard_row row = {.shard = 1,
                                  .version = 5,
                                  .epoch = epoch,
                                  .low = MODEL_NULL,
                                  .high = MODEL_NULL};

    f->shard_version = 5;
    store_set_fence(f->store, &row);
}

static void steps_have_positions_in_the_order_of_commits(void **state)
{
    struct fake *f = *state;
    struct told told = {0};
    struct result r[5];

    store_on_step(f->store, on_step, &told);
    commit_step(f, 9, &r[0]); /* nobody leads: none */
    run_until(f, 1);
    own(f, 2);
    for (int64_t i = 0; i < 3; i++)
        commit_step(f, 3 - i, &r[i + 1]);
    run_until(f, 4);
    own(f, 3);
    commit_step(f, 7, &r[4]);
    run_until(f, 5);
    assert_int_equal(f->n_positions, 5);
    assert_int_equal(f->positions[0], 0);
    assert_true(f->positions[1] > INT64_C(2) << 40);
    for (size_t i = 2; i < 5; i++)
        assert_true(f->positions[i] > f->positions[i - 1]);
    assert_true(f->positions[4] > INT64_C(3) << 40);
    assert_int_equal(told.n, 5);
    assert_int_equal(told.runs[1], 3);
    assert_int_equal(told.runs[4], 7);
}

/* Who leads them gives theirs in an epoch of his own: one of this epoch would stand
 * before, or behind, all that he writes. */
static void steps_of_tenants_that_another_one_leads_have_no_position(void **state)
{
    struct fake *f = *state;
    const int64_t hash = range_hash(TENANT_DEFAULT);
    struct shard_row row = {.shard = 1, .version = 5, .epoch = 7, .low = hash + 1};
    struct told told = {0};
    struct result r[2];

    f->shard_version = 5;
    row.high = RANGE_END;
    store_on_step(f->store, on_step, &told);
    store_set_fence(f->store, &row);
    commit_step(f, 1, &r[0]);
    run_until(f, 1);
    row.low = hash;
    store_set_fence(f->store, &row);
    commit_step(f, 2, &r[1]);
    run_until(f, 2);
    assert_int_equal(f->n_positions, 2);
    assert_int_equal(f->positions[0], 0);
    assert_true(f->positions[1] > INT64_C(7) << 40);
    assert_int_equal(told.n, 2);
}

/* Whoever gives it something changes its row. */
static void who_leads_nobody_commits_whoever_has_the_row(void **state)
{
    struct fake *f = *state;
    const struct shard_row row = {.shard = 1, .version = 5, .epoch = 7};
    struct result r[2];

    f->shard_version = 6;
    store_set_fence(f->store, &row);
    commit_step(f, 1, &r[0]);
    run_until(f, 1);
    assert_int_equal(r[0].code, FF_OK);
    assert_int_equal(f->positions[0], 0);
    own(f, 7);
    f->shard_version = 6;
    commit_step(f, 2, &r[1]);
    run_until(f, 2);
    assert_int_equal(r[1].code, FF_DENIED);
}

/* A retry of what was refused keeps its positions: nobody was told of them. */
static void positions_stay_when_a_commit_is_tried_again(void **state)
{
    struct fake *f = *state;
    struct told told = {0};
    struct result r[2];

    own(f, 1);
    store_on_step(f->store, on_step, &told);
    fake_answer(f, (struct answer){.code = FF_BUSY});
    commit_step(f, 1, &r[0]);
    commit_step(f, 2, &r[1]);
    run_until(f, 2);
    assert_int_equal(f->n_positions, 4);
    assert_int_equal(f->positions[0], f->positions[2]);
    assert_int_equal(f->positions[1], f->positions[3]);
    assert_int_equal(told.n, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(steps_have_positions_in_the_order_of_commits),
        TEST(steps_of_tenants_that_another_one_leads_have_no_position),
        TEST(who_leads_nobody_commits_whoever_has_the_row),
        TEST(positions_stay_when_a_commit_is_tried_again),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
