/* test_trigger.c - who fires, over store-memory: in which order, how often, and what
 * becomes of rows that two parts of it look at. */
#include "support.h"

static void what_happened_first_is_told_first(void **state)
{
    static const char *const ids[] = {"c", "a", "b"};
    static const char *const bodies[] = {"1", "2", "3"};
    struct arena arena = {0};
    struct process p;

    (void)state;
    support_open_process(&p);
    const struct schedule_row schedule =
        support_schedule_of("event: {name: e, id: t, overlap: allow}", 1, &arena);
    support_put(&p, &record_schedule, &schedule);
    for (int i = 0; i < 3; i++) {
        const struct occurrence_row row = {.tenant = 1,
                                           .id = span_of(ids[i]),
                                           .kind = span_of("event"),
                                           .name = span_of("e"),
                                           .run = MODEL_NULL,
                                           .body = span_of(bodies[i]),
                                           .at = 10 + 2 * i};
        support_put(&p, &record_occurrence, &row);
    }
    support_begin(&p);
    struct seen seen = support_look(&p);
    for (int i = 0; i < 20 && seen.n_occurrences > 0; i++) {
        support_turn(&p);
        seen = support_look(&p);
    }
    assert_int_equal(seen.n_runs, 3);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(seen.runs[i].event, bodies[i]);
        assert_int_equal(seen.runs[i].nominal_at, 10 + 2 * i);
    }
    support_close_process(&p);
    arena_done(&arena);
}

/* Somebody knocks during each load, so that each has to be done again. */
static void it_acts_however_often_it_is_woken(void **state)
{
    struct arena arena = {0};
    struct process p;

    (void)state;
    support_open_process(&p);
    const int64_t now = loop_wall_us(p.loop);
    const struct schedule_row schedule = support_schedule_of(
        "cron: {expr: '* * * * *', id: t, catchup: 1h}", now - 5 * MINUTE, &arena);
    support_put(&p, &record_schedule, &schedule);
    p.wakes = p.stop_on_start = true;
    support_begin(&p);
    loop_run(p.loop);
    assert_int_equal(support_look(&p).n_runs, 1);
    assert_true(p.n_loads < 50);
    support_close_process(&p);
    arena_done(&arena);
}

/* What is put in the place of a run that never came about may be left there: see
 * core/node/given.c. */
static void a_number_that_is_taken_is_passed_over(void **state)
{
    struct counter_row counter;
    struct arena arena = {0};
    struct ff_err err = {0};
    struct process p;

    (void)state;
    support_open_process(&p);
    const int64_t now = loop_wall_us(p.loop);
    const struct schedule_row schedule = support_schedule_of(
        "cron: {expr: '* * * * *', id: t, catchup: 1h}", now - 5 * MINUTE, &arena);
    support_put(&p, &record_schedule, &schedule);
    support_check(
        store_read_counter(p.store, STORE_READER_CALLER, "run", &counter, &err), &err);
    for (int64_t i = 0; i < 2; i++) {
        const struct run_row taken = {.tenant = 1,
                                      .run = counter.next + i,
                                      .id = span_of(i == 0 ? "left" : "left too"),
                                      .workflow = span_of("never_submitted"),
                                      .hash = span_of("none"),
                                      .kind = span_of("dag"),
                                      .state = RUN_FAILED,
                                      .inputs = span_of("{}"),
                                      .parent_run = MODEL_NULL};
        support_put(&p, &record_run, &taken);
    }
    p.stop_on_start = true;
    p.max_loaded = 4;
    support_begin(&p);
    loop_run(p.loop);
    assert_int_equal(support_look(&p).n_runs, 3);
    support_close_process(&p);
    arena_done(&arena);
}

/* --- one that is made anew --- */

static int see_schedule(void *arg, const void *row)
{
    const struct schedule_row *seen = row;

    ((int64_t *)arg)[0] = seen->version;
    ((int64_t *)arg)[1] = seen->last_at;
    return 1;
}

/* Deleted and made again, as two applies do. */
static void make_again(struct process *p, const struct schedule_row *row)
{
    struct counter_row made;
    struct ff_err err = {0};
    struct batch b = {0};

    support_check(store_read_counter(p->store, STORE_READER_CALLER, SCHEDULE_COUNTER,
                                     &made, &err),
                  &err);
    made.next++;
    batch_delete(&b, &record_schedule, row, FF_ANY_VERSION);
    batch_put(&b, &record_schedule, row, FF_ABSENT);
    batch_put(&b, &record_counter, &made, made.version);
    support_check(store_commit_now(p->store, &b, NULL, &err), &err);
    batch_done(&b);
}

/* Its row has the version of the old one then, and all that is its own stays. */
static void a_schedule_that_is_made_again_is_not_taken_for_the_old_one(void **state)
{
    const struct open_run_row open = {.run = OUTSIDE, .tenant = 1};
    const struct run_row run = {.tenant = 1, .run = OUTSIDE, .parent_run = MODEL_NULL};
    const struct schedule_row like = {.tenant = 1};
    const struct store_query q = {
        .record = &record_schedule, .like = &like, .n_equal = 1};
    int64_t seen[2] = {0};
    struct arena arena = {0};
    struct ff_err err = {0};
    struct process p;

    (void)state;
    support_open_process(&p);
    struct schedule_row schedule = support_schedule_of(
        "interval: {every: 1m, id: t}", loop_wall_us(p.loop) + MINUTE, &arena);
    schedule.active_run = OUTSIDE;
    support_put(&p, &record_schedule, &schedule);
    support_put(&p, &record_open_run, &open);
    support_begin(&p);
    loop_run(p.loop);
    schedule.active_run = MODEL_NULL;
    schedule.last_at += MINUTE;
    make_again(&p, &schedule);
    trigger_run_ended(p.trigger, &run);
    loop_post(p.loop, support_wake, &p); /* behind the turn in which that is told */
    loop_run(p.loop);
    support_check(
        store_scan(p.store, STORE_READER_CALLER, &q, see_schedule, seen, &err), &err);
    assert_int_equal(seen[0], 1);
    assert_int_equal(seen[1], schedule.last_at);
    support_close_process(&p);
    arena_done(&arena);
}

/* It ends, in a commit of its own. */
/* --- ends of runs --- */

static struct run_row run_of(const char *workflow, enum run_state state)
{
    return (struct run_row){.tenant = 1,
                            .run = OUTSIDE,
                            .id = span_of("0193a000-0000-7000-8000-00000000000a"),
                            .workflow = span_of(workflow),
                            .hash = span_of("hash"),
                            .kind = span_of("dag"),
                            .state = state,
                            .inputs = span_of("{}"),
                            .outputs = span_of("{\"n\":7}"),
                            .dir = span_of("/"),
                            .finished_at = 10,
                            .parent_run = MODEL_NULL};
}

static void end_run(struct process *p, const struct run_row *run)
{
    struct ff_err err = {0};
    struct batch b = {0};

    batch_patch(&b, &record_run, run, COLUMN_BIT(COL_RUN_STATE), FF_ANY_VERSION);
    batch_patch(&b, &record_run, run, COLUMN_BIT(COL_RUN_OUTPUTS), FF_ANY_VERSION);
    trigger_run_ending(p->trigger, run, &b);
    assert_int_equal(b.n, 3);
    support_check(store_commit_now(p->store, &b, NULL, &err), &err);
    batch_done(&b);
}

static void each_end_of_a_run_is_told_as_it_was(void **state)
{
    const struct run_row failed = run_of("other", RUN_FAILED);
    const struct run_row succeeded = run_of("other", RUN_SUCCEEDED);
    struct arena arena = {0};
    struct process p;

    (void)state;
    support_open_process(&p);
    const struct schedule_row schedule = support_schedule_of(
        "workflow: {name: other, id: t, on: [succeeded, failed]}", 1, &arena);
    support_put(&p, &record_schedule, &schedule);
    support_put(&p, &record_run, &failed);
    support_begin(&p);
    loop_run(p.loop);
    /* Opened again in between, and once more before anybody was told. */
    end_run(&p, &failed);
    end_run(&p, &succeeded);
    struct seen seen = support_look(&p);
    for (int i = 0; i < 20 && seen.n_occurrences > 0; i++) {
        support_turn(&p);
        seen = support_look(&p);
    }
    assert_int_equal(seen.n_runs, 3); /* with the one that ended */
    size_t n_failed = 0;
    for (size_t i = 0; i < 3; i++) {
        n_failed += strstr(seen.runs[i].event, "failed") != NULL;
        if (seen.runs[i].event[0])
            assert_non_null(strstr(seen.runs[i].event, "\"outputs\":{\"n\":7}"));
    }
    assert_int_equal(n_failed, 1);
    support_close_process(&p);
    arena_done(&arena);
}

static void an_end_without_a_state_is_told_to_nobody(void **state)
{
    static const char *const bodies[] = {NULL, "{", "{}", "{\"state\":\"odd\"}"};
    struct arena arena = {0};
    struct process p;

    (void)state;
    support_open_process(&p);
    const struct schedule_row schedule =
        support_schedule_of("workflow: {name: other, id: t}", 1, &arena);
    support_put(&p, &record_schedule, &schedule);
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        const char id[] = {(char)('a' + i), 0};
        const struct occurrence_row row = {.tenant = 1,
                                           .id = span_of(id),
                                           .kind = span_of("workflow"),
                                           .name = span_of("other"),
                                           .run = OUTSIDE,
                                           .body = span_of(bodies[i])};
        support_put(&p, &record_occurrence, &row);
    }
    support_begin(&p);
    struct seen seen = support_look(&p);
    for (int i = 0; i < 20 && seen.n_occurrences > 0; i++) {
        support_turn(&p);
        seen = support_look(&p);
    }
    assert_int_equal(seen.n_occurrences, 0);
    assert_int_equal(seen.n_runs, 0);
    support_close_process(&p);
    arena_done(&arena);
}

static void an_end_is_noted_until_it_is_known_who_waits(void **state)
{
    const struct run_row run = run_of("other", RUN_SUCCEEDED);
    struct arena arena = {0};
    struct batch b = {0};
    struct process p;

    (void)state;
    support_open_process(&p);
    support_begin(&p);
    loop_run(p.loop);
    trigger_run_ending(p.trigger, &run, &b);
    assert_int_equal(b.n, 0);
    const struct schedule_row schedule =
        support_schedule_of("workflow: {name: other, id: t}", 1, &arena);
    support_put(&p, &record_schedule, &schedule);
    trigger_wake(p.trigger);
    trigger_run_ending(p.trigger, &run, &b);
    assert_int_equal(b.n, 1);
    batch_done(&b);
    support_close_process(&p);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_happened_first_is_told_first),
        cmocka_unit_test(it_acts_however_often_it_is_woken),
        cmocka_unit_test(a_number_that_is_taken_is_passed_over),
        cmocka_unit_test(a_schedule_that_is_made_again_is_not_taken_for_the_old_one),
        cmocka_unit_test(each_end_of_a_run_is_told_as_it_was),
        cmocka_unit_test(an_end_without_a_state_is_told_to_nobody),
        cmocka_unit_test(an_end_is_noted_until_it_is_known_who_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
