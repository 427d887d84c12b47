/* Group commit over a scripted driver: what goes together, who is at fault, what is
 * tried again. */
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

static void set_fence(struct fake *f, int64_t version)
{
    const struct shard_row row = {
        .shard = 1, .version = version, .low = MODEL_NULL, .high = MODEL_NULL};

    f->shard_version = version;
    store_set_fence(f->store, &row);
}

/* --- grouping --- */

static void batches_of_one_turn_are_one_commit(void **state)
{
    struct fake *f = *state;
    struct result r[3];

    for (int64_t i = 0; i < 3; i++)
        commit_run(f, i + 1, &r[i]);
    assert_true(store_backlog_bytes(f->store) > 0);
    run_until(f, 3);
    assert_int_equal(f->n_asked, 1);
    assert_int_equal(f->asked[0].n_runs, 3);
    assert_int_equal(f->asked[0].runs[2], 3);
    assert_int_equal(store_backlog_bytes(f->store), 0);
}

static void a_group_is_capped_in_bytes_but_takes_one_batch(void **state)
{
    struct fake *f = *state;
    const size_t len = (size_t)300 << 10;
    char *text = mem_alloc(len + 1);
    struct result r[3] = {{.fake = f}, {.fake = f}, {.fake = f}};

    memset(text, 'x', len);
    for (int64_t i = 0; i < 3; i++) {
        const struct event_row row = {
            .tenant = 1, .run = i, .seq = 1, .body = {.s = text, .len = len}};
        struct batch b = {0};

        batch_put(&b, &record_event, &row, FF_ANY_VERSION);
        store_commit(f->store, &b, on_done, &r[i]);
    }
    run_until(f, 3);
    assert_int_equal(f->n_asked, 3);
    mem_free(text);
}

/* What a watch was told. */
struct counted {
    size_t n_commits, n_changes, n_batches, n_refused, n_conflicts;
    int64_t waited_us;
};

static void on_commit(void *arg, int code, size_t n_changes, size_t bytes,
                      int64_t took_us)
{
    struct counted *t = arg;

    t->n_commits++;
    t->n_refused += code != FF_OK;
    t->n_changes += code == FF_OK ? n_changes : 0;
    assert_true(bytes > 0 && took_us >= 0);
}

static void on_batch(void *arg, int code, const struct batch *b, int64_t waited_us)
{
    struct counted *t = arg;

    t->n_batches++;
    t->n_conflicts += code == FF_CONFLICT;
    t->waited_us = waited_us;
    assert_int_equal(b->n, 1);
    assert_ptr_equal(b->items[0].record, &record_run);
}

static void who_measures_hears_of_each_commit_and_batch(void **state)
{
    struct fake *f = *state;
    struct counted told = {0};
    const struct store_watch watch = {
        .arg = &told, .commit = on_commit, .batch = on_batch};
    struct result r[4];

    store_set_watch(f->store, &watch);
    fake_answer(f, (struct answer){.code = FF_BUSY});
    fake_answer(f, (struct answer){.code = FF_CONFLICT, .failed = 1});
    for (int64_t i = 0; i < 3; i++)
        commit_run(f, i + 1, &r[i]);
    run_until(f, 3);
    assert_int_equal(told.n_commits, 2); /* the conflict is settled within the second */
    assert_int_equal(told.n_refused, 1);
    assert_int_equal(told.n_changes, 3);
    assert_int_equal(told.n_batches, 3);
    assert_int_equal(told.n_conflicts, 1);
    assert_true(told.waited_us > 0);
    store_set_watch(f->store, NULL);
    commit_run(f, 9, &r[3]);
    run_until(f, 4);
    assert_int_equal(told.n_commits, 2);
    assert_int_equal(told.n_batches, 3);
}

/* The first group is on the lane while the callbacks' own batches gather. */
struct chain {
    struct fake *f;
    struct result r[100];
    int64_t next;
};

static void on_link(void *arg, int code, size_t failed, const struct ff_err *err)
{
    struct chain *c = arg;

    on_done(&c->r[c->next - 1], code, failed, err);
    if (c->next < 100) {
        struct batch b = {0};

        c->r[c->next] = (struct result){.fake = c->f};
        batch_of_run(&b, ++c->next);
        store_commit(c->f->store, &b, on_link, c);
    }
}

static void callbacks_may_commit(void **state)
{
    struct chain c = {.f = *state, .next = 1};
    struct batch b = {0};

    c.r[0] = (struct result){.fake = c.f};
    batch_of_run(&b, 1);
    store_commit(c.f->store, &b, on_link, &c);
    run_until(c.f, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(c.r[i].code, FF_OK);
    assert_int_equal(c.f->n_asked, 100);
}

static void a_fast_store_is_committed_to_without_a_hand_off(void **state)
{
    /* Not before half of the last 32 were seen to be fast. */
    assert_true(warm_up(*state) > 16);
}

static void a_stall_sends_commits_back_to_the_lane(void **state)
{
    struct fake *f = *state;
    const size_t n = warm_up(f);
    struct result r;

    f->delay_us = 25000;
    commit_run(f, 1, &r);
    run_until(f, n + 1);
    f->delay_us = 0;
    commit_run(f, 2, &r);
    run_until(f, n + 2);
    assert_false(f->asked[1].on_loop);
}

static void large_groups_always_go_to_the_lane(void **state)
{
    struct fake *f = *state;
    const size_t n = warm_up(f);
    struct result r[200];

    for (int64_t i = 0; i < 200; i++)
        commit_run(f, i + 1, &r[i]);
    run_until(f, n + 200);
    assert_false(f->asked[0].on_loop);
}

/* --- faults --- */

static void a_conflict_ejects_its_batch_and_the_rest_go_on(void **state)
{
    struct fake *f = *state;
    struct result r[4];

    f->rows[2] = 7; /* run 2 is there already */
    for (int64_t i = 0; i < 4; i++)
        commit_run(f, i + 1, &r[i]);
    run_until(f, 4);
    assert_int_equal(r[0].code, FF_OK);
    assert_int_equal(r[1].code, FF_CONFLICT);
    assert_int_equal(r[1].failed, 0);
    assert_int_equal(r[2].code, FF_OK);
    assert_int_equal(r[3].code, FF_OK);
    assert_int_equal(f->n_asked, 2);
    assert_int_equal(f->rows[1], 1);
    assert_int_equal(f->rows[2], 7);
}

static void the_failed_change_is_counted_within_its_batch(void **state)
{
    struct fake *f = *state;
    struct result r[2];
    struct batch b = {0};

    set_fence(f, 3);
    f->rows[12] = 1;
    commit_run(f, 1, &r[0]);
    r[1] = (struct result){.fake = f};
    batch_of_run(&b, 10);
    batch_of_run(&b, 11);
    batch_of_run(&b, 12);
    store_commit(f->store, &b, on_done, &r[1]);
    run_until(f, 2);
    assert_int_equal(r[0].code, FF_OK);
    assert_int_equal(r[1].code, FF_CONFLICT);
    assert_int_equal(r[1].failed, 2);
    assert_int_equal(f->rows[10], 0);
}

static void an_invalid_batch_is_found_and_the_others_are_written(void **state)
{
    struct fake *f = *state;
    struct result r[3];

    for (int i = 0; i < 3; i++)
        fake_answer(f,
                    (struct answer){.code = FF_INVALID, .on_conflict = true, .run = 2});
    for (int64_t i = 0; i < 3; i++)
        commit_run(f, i + 1, &r[i]);
    run_until(f, 3);
    assert_int_equal(r[0].code, FF_OK);
    assert_int_equal(r[1].code, FF_INVALID);
    assert_int_equal(r[2].code, FF_OK);
    assert_int_equal(f->rows[1], 1);
    assert_int_equal(f->rows[3], 1);
}

static void a_conflict_that_names_no_change_is_searched_for(void **state)
{
    struct fake *f = *state;
    struct result r[3];

    for (int i = 0; i < 3; i++)
        fake_answer(
            f, (struct answer){
                   .code = FF_CONFLICT, .failed = 999, .on_conflict = true, .run = 3});
    for (int64_t i = 0; i < 3; i++)
        commit_run(f, i + 1, &r[i]);
    run_until(f, 3);
    assert_int_equal(r[0].code, FF_OK);
    assert_int_equal(r[1].code, FF_OK);
    assert_int_equal(r[2].code, FF_CONFLICT);
}

/* --- trying again --- */

static void refused_groups_are_tried_again(void **state)
{
    static const int codes[] = {FF_BUSY, FF_UNAVAILABLE, FF_FULL};
    struct fake *f = *state;
    struct result r;

    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        fake_answer(f, (struct answer){.code = codes[i]});
        fake_answer(f, (struct answer){.code = codes[i]});
    }
    commit_run(f, 1, &r);
    run_until(f, 1);
    assert_int_equal(r.code, FF_OK);
    assert_int_equal(f->n_asked, 7);
    assert_int_equal(f->rows[1], 1);
}

static void look_at_health(void *arg)
{
    struct fake *f = arg;
    struct ff_err err = {0};

    assert_int_equal(store_health(f->store, &err), FF_FULL);
    assert_string_equal(err.msg, "as the script says");
    loop_stop(f->loop, 0);
}

static void a_full_disk_shows_in_the_health_until_it_is_over(void **state)
{
    struct fake *f = *state;
    struct ff_err err = {0};
    struct result r;

    assert_int_equal(store_health(f->store, &err), FF_OK);
    for (int i = 0; i < 3; i++)
        fake_answer(f, (struct answer){.code = FF_FULL});
    commit_run(f, 1, &r);
    loop_timer_add(f->loop, 20000, look_at_health, f, NULL);
    loop_run(f->loop);
    run_until(f, 1);
    assert_int_equal(r.code, FF_OK);
    assert_int_equal(store_health(f->store, &err), FF_OK);
}

static void after_a_failed_flush_everything_is_refused(void **state)
{
    struct fake *f = *state;
    struct result r[3];
    struct ff_err err = {0};

    fake_answer(f, (struct answer){.code = FF_FATAL});
    commit_run(f, 1, &r[0]);
    commit_run(f, 2, &r[1]);
    run_until(f, 2);
    assert_int_equal(r[0].code, FF_FATAL);
    assert_int_equal(r[1].code, FF_FATAL);
    commit_run(f, 3, &r[2]);
    run_until(f, 3);
    assert_int_equal(r[2].code, FF_FATAL);
    assert_int_equal(f->n_asked, 1); /* never tried again */
    assert_int_equal(store_health(f->store, &err), FF_FATAL);
}

/* --- the fence --- */

static void every_group_checks_the_fence(void **state)
{
    struct fake *f = *state;
    struct result r;

    set_fence(f, 5);
    commit_run(f, 1, &r);
    run_until(f, 1);
    assert_int_equal(r.code, FF_OK);
    assert_true(f->asked[0].fenced);
    assert_int_equal(f->asked[0].fence_version, 5);
    store_set_fence(f->store, NULL);
    commit_run(f, 2, &r);
    run_until(f, 2);
    assert_false(f->asked[1].fenced);
}

static void a_lost_shard_denies_all_until_a_new_fence(void **state)
{
    struct fake *f = *state;
    struct result r[4];

    set_fence(f, 5);
    f->shard_version = 6; /* somebody took it */
    commit_run(f, 1, &r[0]);
    commit_run(f, 2, &r[1]);
    run_until(f, 2);
    assert_int_equal(r[0].code, FF_DENIED);
    assert_int_equal(r[1].code, FF_DENIED);
    assert_false(store_get_fence(f->store).held);
    commit_run(f, 3, &r[2]);
    run_until(f, 3);
    assert_int_equal(r[2].code, FF_DENIED);
    assert_int_equal(f->n_asked, 1);
    assert_int_equal(f->rows[1], 0);
    set_fence(f, 6);
    commit_run(f, 4, &r[3]);
    run_until(f, 4);
    assert_int_equal(r[3].code, FF_OK);
}

static void renewals_keep_the_fence_in_step(void **state)
{
    struct fake *f = *state;
    struct result r[4] = {{.fake = f}, {.fake = f}, {.fake = f}, {.fake = f}};

    set_fence(f, 5);
    commit_run(f, 1, &r[0]);
    store_renew(f->store, 1000, on_done, &r[1]);
    store_renew(f->store, 2000, on_done, &r[2]);
    run_until(f, 3);
    assert_int_equal(r[1].code, FF_OK);
    assert_int_equal(r[2].code, FF_OK);
    assert_int_equal(f->asked[0].n_renewals, 2);
    assert_int_equal(store_get_fence(f->store).version, 7);
    commit_run(f, 2, &r[3]);
    run_until(f, 4);
    assert_int_equal(r[3].code, FF_OK);
    assert_int_equal(f->asked[f->n_asked - 1].fence_version, 7);
}

static void a_renewal_without_a_shard_is_denied(void **state)
{
    struct fake *f = *state;
    struct result r = {.fake = f};

    store_renew(f->store, 1000, on_done, &r);
    run_until(f, 1);
    assert_int_equal(r.code, FF_DENIED);
    assert_int_equal(f->n_asked, 0);
}

static void lose(void *arg)
{
    struct fake *f = arg;

    if (f->n_asked < 3)
        loop_timer_add(f->loop, 1000, lose, f, NULL);
    else
        store_lose_shard(f->store);
}

static void who_has_lost_a_lease_tries_nothing_again(void **state)
{
    struct fake *f = *state;
    struct result r[3] = {{.fake = f}, {.fake = f}, {.fake = f}};
    struct ff_err err = {0};

    for (int i = 0; i < 50; i++)
        fake_answer(f, (struct answer){.code = FF_UNAVAILABLE});
    set_fence(f, 5);
    commit_run(f, 1, &r[0]);
    loop_timer_add(f->loop, 1000, lose, f, NULL);
    run_until(f, 1);
    assert_int_equal(r[0].code, FF_DENIED);
    assert_int_equal(store_health(f->store, &err), FF_OK);
    const size_t n_asked = f->n_asked;
    commit_run(f, 2, &r[1]);
    run_until(f, 2);
    assert_int_equal(r[1].code, FF_DENIED);
    assert_int_equal(f->n_asked, n_asked);
    f->at = f->n_script; /* the store is back */
    store_set_fence(f->store, NULL);
    commit_run(f, 3, &r[2]);
    run_until(f, 3);
    assert_int_equal(r[2].code, FF_OK);
    assert_int_equal(f->rows[1] + f->rows[2], 0);
}

static void an_ejected_batch_does_not_disturb_a_renewal(void **state)
{
    struct fake *f = *state;
    struct result r[2] = {{.fake = f}, {.fake = f}};

    set_fence(f, 5);
    f->rows[1] = 3;
    commit_run(f, 1, &r[0]);
    store_renew(f->store, 1000, on_done, &r[1]);
    run_until(f, 2);
    assert_int_equal(r[0].code, FF_CONFLICT);
    assert_int_equal(r[1].code, FF_OK);
    assert_int_equal(store_get_fence(f->store).version, 6);
    assert_int_equal(f->shard_version, 6);
}

/* --- doubt --- */

static void a_commit_in_doubt_that_was_written_is_not_repeated(void **state)
{
    struct fake *f = *state;
    struct result r[2];

    set_fence(f, 5);
    fake_answer(f, (struct answer){.code = FF_IN_DOUBT, .written = true});
    commit_run(f, 1, &r[0]);
    commit_run(f, 2, &r[1]);
    run_until(f, 2);
    assert_int_equal(r[0].code, FF_OK);
    assert_int_equal(r[1].code, FF_OK);
    assert_int_equal(f->n_asked, 1);
    assert_int_equal(f->rows[1], 1);
}

static void a_commit_in_doubt_that_was_not_written_is_repeated(void **state)
{
    struct fake *f = *state;
    struct result r;

    set_fence(f, 5);
    fake_answer(f, (struct answer){.code = FF_IN_DOUBT});
    commit_run(f, 1, &r);
    run_until(f, 1);
    assert_int_equal(r.code, FF_OK);
    assert_int_equal(f->n_asked, 2);
    assert_int_equal(f->rows[1], 1);
}

/* A commit that looked lost came late: its row has the version that ours would have. */
static void a_row_that_an_earlier_commit_left_is_not_taken_for_ours(void **state)
{
    struct fake *f = *state;
    struct result r[2];

    set_fence(f, 5);
    f->rows[1] = 1;
    f->foreign = 1;
    fake_answer(f, (struct answer){.code = FF_IN_DOUBT});
    commit_run(f, 1, &r[0]);
    commit_run(f, 2, &r[1]);
    run_until(f, 2);
    assert_int_equal(r[0].code, FF_IN_DOUBT);
    assert_int_equal(r[1].code, FF_OK);
    assert_int_equal(f->rows[2], 1);
}

/* An earlier one that came late may have changed a row to the same. */
static void a_new_row_tells_more_than_one_that_is_changed(void **state)
{
    struct fake *f = *state;
    struct result r = {.fake = f};
    struct batch b = {0};
    const struct run_row changed = {.tenant = 1, .run = 1, .workflow = span_of("w")};

    set_fence(f, 5);
    f->rows[1] = 2;
    fake_answer(f, (struct answer){.code = FF_IN_DOUBT});
    batch_of_run(&b, 7);
    batch_patch(&b, &record_run, &changed, COLUMN_BIT(COL_RUN_WORKFLOW), 1);
    store_commit(f->store, &b, on_done, &r);
    run_until(f, 1);
    assert_int_equal(r.code, FF_IN_DOUBT);
    assert_int_equal(f->rows[7], 0);
}

/* And it may have done a part of what ours does. */
static void a_part_that_an_earlier_commit_left_is_not_taken_for_ours(void **state)
{
    struct fake *f = *state;
    struct result r = {.fake = f};
    struct batch b = {0};

    set_fence(f, 5);
    f->rows[1] = f->rows[2] = 1;
    f->rows[2]++;
    fake_answer(f, (struct answer){.code = FF_IN_DOUBT});
    for (int64_t i = 1; i <= 2; i++)
        batch_patch(&b, &record_run, &(struct run_row){.tenant = 1, .run = i},
                    COLUMN_BIT(COL_RUN_STATE), 1);
    store_commit(f->store, &b, on_done, &r);
    run_until(f, 1);
    assert_int_equal(r.code, FF_IN_DOUBT);
    assert_int_equal(f->rows[1], 1);
    batch_done(&b);
}

/* "Unavailable" would say that nothing was written. */
static void a_commit_at_once_whose_doubt_stays_says_so(void **state)
{
    struct fake *f = *state;
    struct ff_err err = {0};
    struct batch b = {0};

    fake_answer(f, (struct answer){.code = FF_IN_DOUBT, .written = true});
    f->n_unread = 1;
    batch_of_run(&b, 1);
    assert_int_equal(store_commit_now(f->store, &b, NULL, &err), FF_IN_DOUBT);
    assert_int_equal(err.code, FF_IN_DOUBT);
    assert_int_equal(f->rows[1], 1);
    batch_done(&b);
}

static void a_commit_at_once_that_may_come_late_says_so(void **state)
{
    struct fake *f = *state;
    struct ff_err err = {0};
    struct batch b = {0};

    fake_answer(f, (struct answer){.code = FF_IN_DOUBT});
    fake_answer(f, (struct answer){.code = FF_UNAVAILABLE});
    batch_of_run(&b, 1);
    assert_int_equal(store_commit_now(f->store, &b, NULL, &err), FF_IN_DOUBT);
    assert_int_equal(f->n_asked, 2);
    batch_done(&b);
}

static void a_renewal_in_doubt_is_settled_too(void **state)
{
    struct fake *f = *state;
    struct result r[2] = {{.fake = f}, {.fake = f}};

    set_fence(f, 5);
    fake_answer(f, (struct answer){.code = FF_IN_DOUBT, .written = true});
    fake_answer(f, (struct answer){.code = FF_IN_DOUBT});
    store_renew(f->store, 1000, on_done, &r[0]);
    run_until(f, 1);
    assert_int_equal(store_get_fence(f->store).version, 6);
    store_renew(f->store, 1000, on_done, &r[1]);
    run_until(f, 2);
    assert_int_equal(r[1].code, FF_OK);
    assert_int_equal(store_get_fence(f->store).version, 7);
    assert_int_equal(f->shard_version, 7);
}

static void doubt_with_a_lost_shard_is_a_lost_shard(void **state)
{
    struct fake *f = *state;
    struct result r;

    set_fence(f, 5);
    f->shard_version = 9;
    fake_answer(f, (struct answer){.code = FF_IN_DOUBT});
    commit_run(f, 1, &r);
    run_until(f, 1);
    assert_int_equal(r.code, FF_DENIED);
    assert_false(store_get_fence(f->store).held);
}

/* --- closing --- */

static void closing_cancels_what_waits(void **state)
{
    struct fake *f = *state;
    struct result r;

    commit_run(f, 1, &r);
    fake_close(f);
    f->store = NULL;
    assert_true(r.done);
    assert_int_equal(r.code, FF_CANCELLED);
    assert_int_equal(f->rows[1], 0);
}

static void stop(void *arg)
{
    struct fake *f = arg;

    if (f->n_asked > 0)
        loop_stop(f->loop, 0);
    else
        loop_timer_add(f->loop, 1000, stop, f, NULL);
}

static void closing_cancels_what_is_refused(void **state)
{
    struct fake *f = *state;
    struct result r;

    for (int i = 0; i < 60; i++)
        fake_answer(f, (struct answer){.code = FF_UNAVAILABLE});
    commit_run(f, 1, &r);
    loop_timer_add(f->loop, 1000, stop, f, NULL);
    loop_run(f->loop);
    fake_close(f);
    f->store = NULL;
    assert_int_equal(r.code, FF_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(batches_of_one_turn_are_one_commit),
        TEST(a_group_is_capped_in_bytes_but_takes_one_batch),
        TEST(who_measures_hears_of_each_commit_and_batch),
        TEST(callbacks_may_commit),
        TEST(a_fast_store_is_committed_to_without_a_hand_off),
        TEST(a_stall_sends_commits_back_to_the_lane),
        TEST(large_groups_always_go_to_the_lane),
        TEST(a_conflict_ejects_its_batch_and_the_rest_go_on),
        TEST(the_failed_change_is_counted_within_its_batch),
        TEST(an_invalid_batch_is_found_and_the_others_are_written),
        TEST(a_conflict_that_names_no_change_is_searched_for),
        TEST(refused_groups_are_tried_again),
        TEST(a_full_disk_shows_in_the_health_until_it_is_over),
        TEST(after_a_failed_flush_everything_is_refused),
        TEST(every_group_checks_the_fence),
        TEST(a_lost_shard_denies_all_until_a_new_fence),
        TEST(renewals_keep_the_fence_in_step),
        TEST(a_renewal_without_a_shard_is_denied),
        TEST(who_has_lost_a_lease_tries_nothing_again),
        TEST(an_ejected_batch_does_not_disturb_a_renewal),
        TEST(a_commit_in_doubt_that_was_written_is_not_repeated),
        TEST(a_commit_in_doubt_that_was_not_written_is_repeated),
        TEST(a_row_that_an_earlier_commit_left_is_not_taken_for_ours),
        TEST(a_new_row_tells_more_than_one_that_is_changed),
        TEST(a_part_that_an_earlier_commit_left_is_not_taken_for_ours),
        TEST(a_commit_at_once_whose_doubt_stays_says_so),
        TEST(a_commit_at_once_that_may_come_late_says_so),
        TEST(a_renewal_in_doubt_is_settled_too),
        TEST(doubt_with_a_lost_shard_is_a_lost_shard),
        TEST(closing_cancels_what_waits),
        TEST(closing_cancels_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
