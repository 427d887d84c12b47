#include "support.h"

#define DAILY "cron: {expr: '0 6 * * *'"

static int64_t only_open(const struct rows *r)
{
    return r->schedule.active_run;
}

/* --- time --- */

static void a_time_starts_a_run_that_knows_it(void **state)
{
    struct rows *r =
        rows_new(DAILY ", jitter: 30s}", support_time("2026-01-01T00:00:00Z"));
    struct leader l;

    (void)state;
    leader_start(&l, r, support_time("2026-01-01T00:00:00Z"));
    leader_turn(&l, support_time("2026-01-01T05:59:59Z"), false);
    assert_int_equal(r->runs.n, 0);
    assert_in_range(l.schedule->due_us - support_time("2026-01-01T06:00:00Z"), 0,
                    30 * SECOND);
    leader_turn(&l, l.schedule->due_us, false);
    assert_int_equal(r->runs.n, 1);
    assert_true(r->runs.items[0].nominal_at == support_time("2026-01-01T06:00:00Z"));
    assert_int_equal(rows_time(r, "2026-01-01T06:00:00Z")->state, SCHEDULE_RUN_STARTED);
    assert_string_equal(rows_time(r, "2026-01-01T06:00:00Z")->cause, "time");
    assert_true(r->schedule.next_at == support_time("2026-01-02T06:00:00Z"));
    leader_stop(&l);
    rows_free(r);
}

static void of_several_missed_times_the_latest_is_run_if_it_is_in_time(void **state)
{
    static const struct {
        const char *catchup, *now;
        size_t n_runs, n_missed;
    } cases[] = {
        {"1h", "2026-01-04T06:30:00Z", 1, 1}, /* three before it are one row */
        {"1h", "2026-01-04T07:00:01Z", 0, 1}, /* all too late */
        {"1h", "2026-01-01T06:59:00Z", 1, 0}, /* late, but alone and in time */
        {"1h", "2026-01-01T07:01:00Z", 0, 1},  {"3d", "2026-01-04T05:00:00Z", 1, 1},
        {"31d", "2036-01-04T06:30:00Z", 1, 1}, /* ten years */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char trigger[80];
        snprintf(trigger, sizeof(trigger), DAILY ", catchup: %s}", cases[i].catchup);
        struct rows *r = rows_new(trigger, support_time("2026-01-01T00:00:00Z"));
        struct leader l;
        leader_start(&l, r, support_time(cases[i].now));
        leader_turn(&l, support_time(cases[i].now), false);
        leader_turn(&l, support_time(cases[i].now), false);
        assert_int_equal(r->runs.n, cases[i].n_runs);
        assert_int_equal(rows_count(r, SCHEDULE_RUN_MISSED), cases[i].n_missed);
        assert_true(l.schedule->due_us > support_time(cases[i].now));
        leader_stop(&l);
        rows_free(r);
    }
}

/* The row of the first of those that are missed speaks for all of them, and of no
 * other. */
static void a_missed_time_says_up_to_when_others_are_missed_too(void **state)
{
    static const struct {
        const char *catchup, *now, *message;
    } cases[] = {
        {"1h", "2026-01-01T07:01:00Z", "nobody started it in time"},
        {"3d", "2026-01-02T07:00:00Z", "nobody started it in time"},
        {"3d", "2026-01-03T07:00:00Z",
         "nobody started it in time, nor what followed before 2026-01-03T06:00:00Z"},
        {"1h", "2026-01-04T06:30:00Z",
         "nobody started it in time, nor what followed before 2026-01-04T06:00:00Z"},
        {"1h", "2026-01-04T07:00:01Z",
         "nobody started it in time, nor what followed until 2026-01-04T06:00:00Z"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char trigger[80];
        snprintf(trigger, sizeof(trigger), DAILY ", catchup: %s}", cases[i].catchup);
        struct rows *r = rows_new(trigger, support_time("2026-01-01T00:00:00Z"));
        struct leader l;
        leader_start(&l, r, support_time(cases[i].now));
        leader_turn(&l, support_time(cases[i].now), false);
        assert_string_equal(rows_time(r, "2026-01-01T06:00:00Z")->message,
                            cases[i].message);
        leader_stop(&l);
        rows_free(r);
    }
}

static void jitter_is_no_lateness(void **state)
{
    struct rows *r = rows_new(DAILY ", catchup: 1h, jitter: 10h}",
                              support_time("2026-01-01T00:00:00Z"));
    struct leader l;

    (void)state;
    for (int late = 0; late < 2; late++) {
        leader_start(&l, r, support_time("2026-01-01T00:00:00Z"));
        leader_turn(&l, l.schedule->due_us + HOUR + late, false);
        leader_stop(&l);
    }
    assert_int_equal(r->runs.n, 1);
    assert_int_equal(rows_count(r, SCHEDULE_RUN_MISSED), 1);
    rows_free(r);
}

static void a_clock_that_is_set_back_starts_nothing_twice(void **state)
{
    struct rows *r = rows_new(DAILY "}", support_time("2026-01-01T00:00:00Z"));
    struct leader l;

    (void)state;
    leader_start(&l, r, support_time("2026-01-01T00:00:00Z"));
    leader_turn(&l, support_time("2026-01-03T06:00:10Z"), false);
    leader_turn(&l, support_time("2026-01-01T06:00:10Z"), false);
    leader_stop(&l);
    leader_start(&l, r, support_time("2026-01-02T06:00:10Z"));
    leader_turn(&l, support_time("2026-01-03T06:00:10Z"), false);
    assert_int_equal(r->runs.n, 1);
    leader_stop(&l);
    rows_free(r);
}

static void one_that_is_paused_is_never_due(void **state)
{
    struct rows *r = rows_new(DAILY "}", support_time("2026-01-01T00:00:00Z"));
    struct leader l;

    (void)state;
    r->schedule.paused_at = support_time("2026-01-01T00:00:00Z");
    leader_start(&l, r, support_time("2026-01-01T00:00:00Z"));
    assert_true(l.schedule->due_us == INT64_MAX);
    leader_turn(&l, support_time("2026-06-01T00:00:00Z"), false);
    assert_int_equal(r->runs.n + r->times.n, 0);
    leader_stop(&l);
    rows_free(r);
}

static void jitter_keeps_the_order_of_times(void **state)
{
    struct rows *r = rows_new("interval: {every: 10s, jitter: 1h, overlap: allow}", 0);
    struct leader l;
    int64_t now = 0;

    (void)state;
    leader_start(&l, r, 0);
    for (int i = 0; i < 100; i++) {
        assert_true(l.schedule->due_us >= now);
        now = l.schedule->due_us;
        leader_turn(&l, now, false);
    }
    assert_int_equal(r->runs.n, 100);
    for (size_t i = 0; i < 100; i++) {
        const struct run_row *run = &r->runs.items[i];
        assert_true(run->nominal_at == (int64_t)(i + 1) * 10 * SECOND);
        assert_in_range(run->created_at - run->nominal_at, 0, 10 * SECOND - 1);
    }
    leader_stop(&l);
    rows_free(r);
}

/* --- overlap --- */

static void days(struct leader *l, int from, int to)
{
    for (int day = from; day <= to; day++)
        leader_turn(l, support_time("2026-01-01T06:00:00Z") + (day - 1) * DAY, false);
}

static struct rows *overlapping(const char *policy, struct leader *l)
{
    char trigger[80];

    snprintf(trigger, sizeof(trigger), DAILY ", overlap: %s}", policy);
    struct rows *r = rows_new(trigger, support_time("2026-01-01T00:00:00Z"));
    leader_start(l, r, support_time("2026-01-01T00:00:00Z"));
    days(l, 1, 3);
    return r;
}

static void skip_starts_nothing_beside_an_open_run(void **state)
{
    struct leader l;
    struct rows *r = overlapping("skip", &l);

    (void)state;
    assert_int_equal(r->runs.n, 1);
    assert_int_equal(rows_count(r, SCHEDULE_RUN_SKIPPED), 2);
    assert_string_equal(rows_time(r, "2026-01-02T06:00:00Z")->reason, "overlap");
    leader_ended(&l, only_open(r), support_time("2026-01-03T07:00:00Z"));
    days(&l, 4, 4);
    assert_int_equal(r->runs.n, 2);
    assert_false(schedule_wants_cancel(l.schedule));
    leader_stop(&l);
    rows_free(r);
}

static void queue_lets_times_wait_in_their_order(void **state)
{
    struct leader l;
    struct rows *r = overlapping("queue", &l);

    (void)state;
    assert_int_equal(rows_count(r, SCHEDULE_RUN_WAITING), 2);
    for (int i = 0; i < 2; i++) {
        leader_stop(&l); /* a restart in between changes nothing */
        rows_end_run(r, only_open(r));
        leader_start(&l, r, support_time("2026-01-03T07:00:00Z"));
    }
    assert_int_equal(r->runs.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(r->runs.items[i].nominal_at ==
                    support_time("2026-01-01T06:00:00Z") + (int64_t)i * DAY);
    assert_int_equal(rows_count(r, SCHEDULE_RUN_STARTED), 3);
    leader_stop(&l);
    rows_free(r);
}

static void a_queue_has_an_end(void **state)
{
    struct leader l;
    struct rows *r = overlapping("queue", &l);

    (void)state;
    days(&l, 4, SCHEDULE_WAITING_MAX + 3);
    assert_int_equal(rows_count(r, SCHEDULE_RUN_WAITING), SCHEDULE_WAITING_MAX);
    assert_int_equal(rows_count(r, SCHEDULE_RUN_SKIPPED), 2);
    leader_stop(&l);
    leader_start(&l, r, support_time("2026-01-03T07:00:00Z"));
    assert_int_equal(l.schedule->waiting.n, SCHEDULE_WAITING_MAX);
    leader_stop(&l);
    rows_free(r);
}

static void cancel_lets_only_the_latest_wait(void **state)
{
    struct leader l;
    struct rows *r = overlapping("cancel", &l);

    (void)state;
    assert_true(schedule_wants_cancel(l.schedule));
    assert_int_equal(rows_count(r, SCHEDULE_RUN_WAITING), 1);
    assert_string_equal(rows_time(r, "2026-01-02T06:00:00Z")->reason, "replaced");
    leader_stop(&l);
    leader_start(&l, r, support_time("2026-01-03T07:00:00Z"));
    assert_true(schedule_wants_cancel(l.schedule));
    leader_ended(&l, only_open(r), support_time("2026-01-03T07:00:00Z"));
    assert_int_equal(r->runs.n, 2);
    assert_true(r->runs.items[1].nominal_at == support_time("2026-01-03T06:00:00Z"));
    assert_false(schedule_wants_cancel(l.schedule));
    leader_stop(&l);
    rows_free(r);
}

static void allow_starts_each_time(void **state)
{
    struct leader l;
    struct rows *r = overlapping("allow", &l);

    (void)state;
    assert_int_equal(r->runs.n, 3);
    assert_true(only_open(r) == MODEL_NULL);
    leader_stop(&l);
    rows_free(r);
}

static void what_waits_stays_while_it_is_paused(void **state)
{
    struct leader l;
    struct rows *r = overlapping("queue", &l);

    (void)state;
    leader_stop(&l);
    r->schedule.paused_at = 1;
    rows_end_run(r, only_open(r));
    leader_start(&l, r, support_time("2026-01-03T07:00:00Z"));
    assert_int_equal(r->runs.n, 1);
    leader_stop(&l);
    r->schedule.paused_at = MODEL_NULL;
    leader_start(&l, r, support_time("2026-01-03T08:00:00Z"));
    leader_turn(&l, support_time("2026-01-03T08:00:00Z"), false);
    assert_int_equal(r->runs.n, 2);
    leader_stop(&l);
    rows_free(r);
}

/* The run that it waits for ended during the pause, and what looks first after that is
 * another event. */
static void what_waits_begins_before_an_event_after_the_pause(void **state)
{
    struct rows *r = rows_new("event: {name: paid, overlap: queue}", 0);
    struct leader l;

    (void)state;
    leader_start(&l, r, 0);
    leader_event(&l, "{}", 1 * SECOND);
    leader_event(&l, "{}", 2 * SECOND);
    leader_stop(&l);
    r->schedule.paused_at = 3 * SECOND;
    rows_end_run(r, only_open(r));
    leader_start(&l, r, 4 * SECOND);
    l.schedule->row.paused_at = r->schedule.paused_at = MODEL_NULL;
    leader_event(&l, "{}", 5 * SECOND);
    assert_int_equal(rows_find(r, 2 * SECOND)->state, SCHEDULE_RUN_STARTED);
    assert_int_equal(rows_find(r, 5 * SECOND)->state, SCHEDULE_RUN_WAITING);
    leader_stop(&l);
    rows_free(r);
}

/* --- events --- */

static void an_event_starts_a_run_that_sees_it(void **state)
{
    struct rows *r =
        rows_new("event: {name: paid, if: event.sum > 5, overlap: queue}", 0);
    struct leader l;

    (void)state;
    leader_start(&l, r, 0);
    assert_true(schedule_wants(l.schedule, FLOW_TRIGGER_EVENT, span_of("paid"), 0));
    assert_false(schedule_wants(l.schedule, FLOW_TRIGGER_EVENT, span_of("lost"), 0));
    assert_false(schedule_wants(l.schedule, FLOW_TRIGGER_WORKFLOW, span_of("paid"), 0));
    leader_event(&l, "{\"sum\":5}", 10);
    assert_int_equal(r->times.n, 0);
    leader_event(&l, "{\"sum\":6}", 10);
    leader_event(&l, "{\"sum\":7}", 10); /* at the same moment */
    leader_event(&l, "{\"sum\":\"x\"}", 10);
    assert_int_equal(rows_count(r, SCHEDULE_RUN_STARTED), 1);
    assert_int_equal(rows_count(r, SCHEDULE_RUN_WAITING), 1);
    assert_int_equal(rows_count(r, SCHEDULE_RUN_FAILED), 1);
    leader_stop(&l);
    rows_end_run(r, only_open(r));
    leader_start(&l, r, 20);
    assert_int_equal(r->runs.n, 2);
    assert_true(strncmp(r->runs.items[1].event.s, "{\"sum\":7}", 9) == 0);
    leader_stop(&l);
    rows_free(r);
}

static void an_event_may_hold_nothing(void **state)
{
    struct rows *r = rows_new("event: {name: paid, if: event == null}", 0);
    struct leader l;

    (void)state;
    leader_start(&l, r, 0);
    leader_event(&l, NULL, 10);
    assert_int_equal(r->runs.n, 1);
    leader_stop(&l);
    rows_free(r);
}

static void ends_of_runs_are_chosen_by_their_state(void **state)
{
    struct rows *r = rows_new("workflow: {name: etl, on: [failed, cancelled]}", 0);
    struct leader l;

    (void)state;
    leader_start(&l, r, 0);
    assert_false(schedule_wants(l.schedule, FLOW_TRIGGER_WORKFLOW, span_of("etl"),
                                RUN_SUCCEEDED));
    assert_true(
        schedule_wants(l.schedule, FLOW_TRIGGER_WORKFLOW, span_of("etl"), RUN_FAILED));
    assert_true(schedule_wants(l.schedule, FLOW_TRIGGER_WORKFLOW, span_of("etl"),
                               RUN_CANCELLED));
    assert_false(
        schedule_wants(l.schedule, FLOW_TRIGGER_WORKFLOW, span_of("etl"), RUN_RUNNING));
    assert_false(schedule_wants(l.schedule, FLOW_TRIGGER_WORKFLOW, (struct span){0},
                                RUN_FAILED));
    l.schedule->row.paused_at = 1;
    assert_false(
        schedule_wants(l.schedule, FLOW_TRIGGER_WORKFLOW, span_of("etl"), RUN_FAILED));
    leader_stop(&l);
    rows_free(r);
}

static void by_hand_it_starts_whatever_is_open(void **state)
{
    struct leader l;
    struct rows *r = overlapping("skip", &l);
    static const char id[] = "01890000-0000-7000-8000-000000000001";

    (void)state;
    l.step.now_us = support_time("2026-01-03T08:00:00Z");
    batch_reset(&l.step.batch);
    schedule_start_now(l.schedule, &l.step, id);
    assert_true(rows_commit(r, &l.step));
    assert_int_equal(r->runs.n, 2);
    /* not one of the schedule's own times, should it have one at this second */
    assert_true(r->runs.items[1].nominal_at == l.step.now_us + 1);
    assert_int_equal(only_open(r), 1);
    leader_stop(&l);
    rows_free(r);
}

/* The rows of both have the time as their key. */
static void by_hand_and_for_an_event_runs_have_times_of_their_own(void **state)
{
    struct rows *r = rows_new("event: {name: paid, overlap: allow}", 0);
    struct leader l;
    char id[ID_TEXT];

    (void)state;
    leader_start(&l, r, 0);
    for (int64_t now_us = 10; now_us < 30; now_us += 2) {
        l.step.now_us = now_us;
        batch_reset(&l.step.batch);
        id_make(now_us, 1, 2, id);
        schedule_start_now(l.schedule, &l.step, id);
        assert_true(rows_commit(r, &l.step));
        leader_event(&l, "{}", now_us);
        leader_event(&l, "{}", now_us + 1); /* and at odd ones */
    }
    assert_int_equal(r->runs.n, 30);
    leader_stop(&l);
    rows_free(r);
}

/* --- rows that make no sense --- */

static void a_row_that_makes_no_sense_is_refused(void **state)
{
    static const char *const specs[] = {
        "nonsense",
        "{}",
        "{\"kind\":\"cron\",\"overlap\":\"never\"}",
        "{\"kind\":\"comet\",\"overlap\":\"skip\",\"inputs\":{}}",
        "{\"kind\":\"cron\",\"overlap\":\"skip\"}",
        "{\"kind\":\"cron\",\"overlap\":\"skip\",\"inputs\":{}}",
        "{\"kind\":\"cron\",\"overlap\":\"skip\",\"inputs\":{},\"expr\":\"@daily\"}",
        "{\"kind\":\"cron\",\"overlap\":\"skip\",\"inputs\":{},\"expr\":\"x\","
        "\"timezone\":\"UTC\"}",
        "{\"kind\":\"cron\",\"overlap\":\"skip\",\"inputs\":{},\"expr\":\"@daily\","
        "\"timezone\":\"Europe/Atlantis\"}",
        "{\"kind\":\"interval\",\"overlap\":\"skip\",\"inputs\":{}}",
        "{\"kind\":\"event\",\"overlap\":\"skip\",\"inputs\":{}}",
        "{\"kind\":\"event\",\"overlap\":\"skip\",\"inputs\":{},\"name\":\"x\","
        "\"if\":\"1 +\"}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(specs); i++) {
        const struct schedule_row row = {
            .name = span_of("w.x"), .spec = span_of(specs[i]), .paused_at = MODEL_NULL};
        struct ff_err err = {0};
        if (schedule_new(&row, support_zone, NULL, &err))
            fail_msg("taken: %s", specs[i]);
        assert_true(err.msg[0]);
    }
    const struct schedule_row row = {
        .name = span_of("w.x"),
        .spec = span_of("{\"kind\":\"event\",\"overlap\":\"skip\",\"inputs\":{},"
                        "\"name\":\"x\"}"),
        .waiting = span_of("no list"),
        .paused_at = MODEL_NULL,
    };
    struct ff_err err = {0};
    assert_null(schedule_new(&row, support_zone, NULL, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_starts_a_run_that_knows_it),
        cmocka_unit_test(of_several_missed_times_the_latest_is_run_if_it_is_in_time),
        cmocka_unit_test(a_missed_time_says_up_to_when_others_are_missed_too),
        cmocka_unit_test(jitter_is_no_lateness),
        cmocka_unit_test(a_clock_that_is_set_back_starts_nothing_twice),
        cmocka_unit_test(one_that_is_paused_is_never_due),
        cmocka_unit_test(jitter_keeps_the_order_of_times),
        cmocka_unit_test(skip_starts_nothing_beside_an_open_run),
        cmocka_unit_test(queue_lets_times_wait_in_their_order),
        cmocka_unit_test(a_queue_has_an_end),
        cmocka_unit_test(cancel_lets_only_the_latest_wait),
        cmocka_unit_test(allow_starts_each_time),
        cmocka_unit_test(what_waits_stays_while_it_is_paused),
        cmocka_unit_test(what_waits_begins_before_an_event_after_the_pause),
        cmocka_unit_test(an_event_starts_a_run_that_sees_it),
        cmocka_unit_test(an_event_may_hold_nothing),
        cmocka_unit_test(ends_of_runs_are_chosen_by_their_state),
        cmocka_unit_test(by_hand_it_starts_whatever_is_open),
        cmocka_unit_test(by_hand_and_for_an_event_runs_have_times_of_their_own),
        cmocka_unit_test(a_row_that_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
