/* test_debounce.c - events of which only the last one in a row begins a run. */
#include "support.h"

#include <string.h>

#define SECOND UNITS_SECOND

static const char held[] = "event: {name: push, debounce: 10s, debounce_max: 25s}";

static const char *reason_at(const struct rows *r, int64_t nominal_us)
{
    const struct time_seen *t = rows_find(r, nominal_us);

    assert_non_null(t);
    return t->reason;
}

static void the_last_of_several_begins_when_it_is_quiet(void **state)
{
    struct rows *r = rows_new(held, 0);
    struct leader l;

    (void)state;
    leader_start(&l, r, 0);
    assert_int_equal(l.schedule->due_us, INT64_MAX);
    leader_event(&l, "{\"n\":1}", 1 * SECOND);
    assert_int_equal(l.schedule->due_us, 11 * SECOND);
    assert_int_equal(r->schedule.next_at, 11 * SECOND);
    leader_event(&l, "{\"n\":2}", 5 * SECOND);
    assert_int_equal(l.schedule->due_us, 15 * SECOND);
    leader_turn(&l, 14 * SECOND, false);
    assert_int_equal(r->runs.n, 0);
    leader_turn(&l, 15 * SECOND, false);
    assert_int_equal(r->runs.n, 1);
    assert_int_equal(r->runs.items[0].nominal_at, 5 * SECOND);
    assert_true(strncmp(r->runs.items[0].event.s, "{\"n\":2}", 7) == 0);
    assert_string_equal(reason_at(r, 1 * SECOND), "debounced");
    assert_int_equal(rows_count(r, SCHEDULE_RUN_WAITING), 0);
    assert_int_equal(l.schedule->due_us, INT64_MAX);
    leader_turn(&l, 99 * SECOND, false);
    assert_int_equal(r->runs.n, 1);
    leader_stop(&l);
    rows_free(r);
}

static void it_does_not_wait_for_ever(void **state)
{
    struct rows *r = rows_new(held, 0);
    struct leader l;

    (void)state;
    leader_start(&l, r, 0);
    for (int i = 1; i <= 3; i++)
        leader_event(&l, "{}", i * 9 * SECOND);
    assert_int_equal(l.schedule->due_us, (9 + 25) * SECOND);
    leader_turn(&l, 34 * SECOND, false);
    assert_int_equal(r->runs.n, 1);
    leader_event(&l, "{}", 35 * SECOND); /* the next row of them has time of its own */
    assert_int_equal(l.schedule->due_us, 45 * SECOND);
    leader_stop(&l);
    rows_free(r);
}

static void what_is_held_outlives_its_leader(void **state)
{
    struct rows *r = rows_new(held, 0);
    struct leader l;

    (void)state;
    leader_start(&l, r, 0);
    leader_event(&l, "{\"n\":1}", 1 * SECOND);
    leader_stop(&l);
    leader_start(&l, r, 3 * SECOND);
    assert_int_equal(l.schedule->due_us, 11 * SECOND);
    leader_turn(&l, 11 * SECOND, true); /* it dies before that is durable */
    assert_int_equal(r->runs.n, 0);
    leader_start(&l, r, 60 * SECOND); /* and nobody was there for a while */
    leader_turn(&l, 60 * SECOND, false);
    assert_int_equal(r->runs.n, 1);
    assert_true(strncmp(r->runs.items[0].event.s, "{\"n\":1}", 7) == 0);
    leader_stop(&l);
    leader_start(&l, r, 61 * SECOND);
    leader_turn(&l, 99 * SECOND, false);
    assert_int_equal(r->runs.n, 1);
    leader_stop(&l);
    rows_free(r);
}

/* Both came while nobody led, and the first had its quiet. */
static void it_is_as_if_somebody_had_been_there(void **state)
{
    struct rows *r = rows_new(held, 0);
    struct leader l;

    (void)state;
    leader_start(&l, r, 0);
    leader_event(&l, "{\"n\":1}", 1 * SECOND);
    leader_event(&l, "{\"n\":2}", 11 * SECOND);
    assert_int_equal(r->runs.n, 1);
    assert_true(strncmp(r->runs.items[0].event.s, "{\"n\":1}", 7) == 0);
    assert_int_equal(l.schedule->due_us, 21 * SECOND);
    leader_stop(&l);
    rows_free(r);
}

static void it_may_hold_an_event_without_data(void **state)
{
    struct rows *r = rows_new(held, 0);
    struct leader l;

    (void)state;
    leader_start(&l, r, 0);
    leader_event(&l, "{\"n\":1}", 1 * SECOND);
    leader_event(&l, NULL, 2 * SECOND);
    leader_turn(&l, 12 * SECOND, false);
    assert_int_equal(r->runs.n, 1);
    assert_null(r->runs.items[0].event.s);
    leader_stop(&l);
    rows_free(r);
}

static void it_waits_for_the_run_before_as_any(void **state)
{
    struct rows *r = rows_new("event: {name: push, debounce: 10s, overlap: queue}", 0);
    struct leader l;

    (void)state;
    leader_start(&l, r, 0);
    leader_event(&l, "{\"n\":1}", 2);
    leader_turn(&l, 10 * SECOND + 2, false);
    leader_event(&l, "{\"n\":2}", 20 * SECOND);
    leader_turn(&l, 30 * SECOND, false);
    assert_int_equal(r->runs.n, 1);
    assert_int_equal(rows_count(r, SCHEDULE_RUN_WAITING), 1);
    leader_ended(&l, 1, 40 * SECOND);
    assert_int_equal(r->runs.n, 2);
    assert_true(strncmp(r->runs.items[1].event.s, "{\"n\":2}", 7) == 0);
    leader_stop(&l);
    rows_free(r);
}

/* The clock was wrong by days as the first came; a minute it may be off. */
static void a_clock_that_is_set_back_does_not_hold_it(void **state)
{
    const int64_t wrong = INT64_C(20) * 86400 * SECOND;
    struct rows *r = rows_new(held, 0);
    struct leader l;

    (void)state;
    leader_start(&l, r, wrong);
    leader_event(&l, "{\"n\":1}", wrong);
    leader_turn(&l, wrong - 60 * SECOND, false);
    assert_int_equal(r->runs.n, 0);
    leader_turn(&l, wrong - 61 * SECOND, false);
    assert_int_equal(r->runs.n, 1);
    leader_event(&l, "{\"n\":2}", 100 * SECOND);
    leader_event(&l, "{\"n\":3}", 101 * SECOND);
    leader_stop(&l);
    r->schedule.paused_at = 102 * SECOND;
    leader_start(&l, r, 102 * SECOND);
    leader_turn(&l, 102 * SECOND, false);
    assert_int_equal(r->runs.n, 1);
    leader_stop(&l);
    r->schedule.paused_at = MODEL_NULL;
    leader_start(&l, r, 103 * SECOND);
    leader_turn(&l, 103 * SECOND, false);
    assert_int_equal(r->runs.n, 2);
    assert_true(strncmp(r->runs.items[1].event.s, "{\"n\":3}", 7) == 0);
    assert_int_equal(rows_count(r, SCHEDULE_RUN_WAITING), 0);
    assert_int_equal(l.schedule->due_us, INT64_MAX);
    leader_stop(&l);
    rows_free(r);
}

/* Skipped, or in the place of who waits, as any event that comes then. */
static void what_was_held_is_skipped_or_replaces_as_any(void **state)
{
    static const char *const reasons[] = {"overlap", ""};
    static const char *const triggers[] = {
        "event: {name: push, debounce: 10s, overlap: skip}",
        "event: {name: push, debounce: 10s, overlap: cancel}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(triggers); i++) {
        struct rows *r = rows_new(triggers[i], 0);
        struct leader l;

        leader_start(&l, r, 0);
        for (int n = 1; n <= 3; n++) {
            char event[32];
            snprintf(event, sizeof(event), "{\"n\":%d}", n);
            leader_event(&l, event, n * 20 * SECOND);
            assert_false(schedule_wants_cancel(l.schedule) && n == 2);
            leader_turn(&l, (n * 20 + 10) * SECOND, false);
        }
        assert_int_equal(r->runs.n, 1);
        assert_true(schedule_wants_cancel(l.schedule) == (i == 1));
        assert_string_equal(reason_at(r, 40 * SECOND), i == 1 ? "replaced" : "overlap");
        assert_string_equal(reason_at(r, 60 * SECOND), reasons[i]);
        leader_ended(&l, 1, 80 * SECOND);
        assert_int_equal(r->runs.n, 1 + i);
        assert_true(i == 0 || strncmp(r->runs.items[1].event.s, "{\"n\":3}", 7) == 0);
        leader_stop(&l);
        rows_free(r);
    }
}

static void a_pause_holds_it_longer(void **state)
{
    struct rows *r = rows_new(held, 0);
    struct leader l;

    (void)state;
    leader_start(&l, r, 0);
    leader_event(&l, "{}", 1 * SECOND);
    leader_stop(&l);
    r->schedule.paused_at = 2 * SECOND;
    leader_start(&l, r, 3 * SECOND);
    assert_int_equal(l.schedule->due_us, INT64_MAX);
    leader_turn(&l, 60 * SECOND, false);
    assert_int_equal(r->runs.n, 0);
    leader_stop(&l);
    r->schedule.paused_at = MODEL_NULL;
    leader_start(&l, r, 61 * SECOND);
    leader_turn(&l, 61 * SECOND, false);
    assert_int_equal(r->runs.n, 1);
    leader_stop(&l);
    rows_free(r);
}

/* Of a new version of its workflow, which has no debounce or is of another kind. */
static void what_is_held_begins_at_once_when_it_need_not_wait(void **state)
{
    static const char *const others[] = {"event: {name: push}",
                                         "interval: {every: 7d}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct rows *r = rows_new(held, 0);
        struct rows *other = rows_new(others[i], 0);
        struct leader l;

        leader_start(&l, r, 0);
        leader_event(&l, "{}", 1 * SECOND);
        leader_stop(&l);
        r->schedule.spec = other->schedule.spec;
        leader_start(&l, r, 2 * SECOND);
        leader_turn(&l, 2 * SECOND, false);
        assert_int_equal(r->runs.n, 1);
        assert_true(i == 0 || l.schedule->due_us < INT64_MAX);
        leader_stop(&l);
        rows_free(other);
        rows_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_of_several_begins_when_it_is_quiet),
        cmocka_unit_test(it_does_not_wait_for_ever),
        cmocka_unit_test(what_is_held_outlives_its_leader),
        cmocka_unit_test(it_is_as_if_somebody_had_been_there),
        cmocka_unit_test(it_may_hold_an_event_without_data),
        cmocka_unit_test(it_waits_for_the_run_before_as_any),
        cmocka_unit_test(a_clock_that_is_set_back_does_not_hold_it),
        cmocka_unit_test(what_was_held_is_skipped_or_replaces_as_any),
        cmocka_unit_test(a_pause_holds_it_longer),
        cmocka_unit_test(what_is_held_begins_at_once_when_it_need_not_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
