/* A year of a schedule in virtual time: turns at odd moments, runs that take long,
 * processes that die before or after their commit, hours in which nobody leads, clocks
 * that are set forwards and back. Whatever happens, no time is started twice (support.c
 * insists), each time has a row or lies in a gap that a row tells of, and a time at
 * which a leader was there in time is never missed. FF_SEED repeats a run. */
#include "support.h"

#include <stdlib.h>

#define START "2026-01-01T00:00:00Z"
#define END   "2027-01-01T00:00:00Z"

struct year {
    struct rand rand;
    struct rows *rows;
    struct leader leader;
    bool led;
    int64_t now;       /* what the clock shows */
    int64_t highest;   /* the most that it has shown */
    int64_t down_from; /* while nobody leads */
    struct {
        struct gap {
            int64_t from, to;
        } * items;
        size_t n, cap;
    } gaps; /* of the clock's time, in which nobody looked */
};

static void gap(struct year *y, int64_t from, int64_t to)
{
    const struct gap g = {from, to};

    ARRAY_ADD(&y->gaps, g);
}

static void start(struct year *y)
{
    leader_start(&y->leader, y->rows, y->now);
    y->led = true;
    gap(y, y->down_from, y->now);
}

static void die(struct year *y)
{
    leader_stop(&y->leader);
    y->led = false;
    y->down_from = y->now;
}

static void end_some_runs(struct year *y)
{
    int64_t open[64];
    size_t n = 0;
    void *value;

    for (size_t i = 0; n < COUNT_OF(open) && map_next(&y->rows->open, &i, &value);)
        open[n++] = map_key_int(&y->rows->open, i);
    for (size_t i = 0; i < n; i++) {
        if (rand_below(&y->rand, 3) > 0)
            continue;
        if (y->led)
            leader_ended(&y->leader, open[i], y->now);
        else
            rows_end_run(y->rows, open[i]);
    }
}

/* To the next moment at which something happens: as a rule when the schedule is due. */
static void pass(struct year *y)
{
    const int64_t due = y->led ? y->leader.schedule->due_us : INT64_MAX;
    int64_t step = (int64_t)rand_below(&y->rand, 3 * HOUR) + 1;

    switch (rand_below(&y->rand, 60)) {
    case 0: /* the clock is set ahead, or the machine slept */
        step = (int64_t)rand_below(&y->rand, 3 * DAY);
        gap(y, y->now, y->now + step);
        break;
    case 1:
        step = -(int64_t)rand_below(&y->rand, 2 * DAY);
        break;
    default:
        if (due > y->now && due - y->now < step)
            step = due - y->now;
        break;
    }
    y->now += step;
    y->highest = y->now > y->highest ? y->now : y->highest;
}

static void happen(struct year *y)
{
    const uint64_t what = rand_below(&y->rand, 40);

    if (!y->led && what < 30)
        start(y);
    if (!y->led)
        return;
    leader_turn(&y->leader, y->now, what == 0);
    if (what == 0) {
        y->led = false; /* died before its commit: nothing of it is there */
        y->down_from = y->now;
    } else if (what == 1) {
        die(y);
    }
}

static bool in_gap(const struct year *y, int64_t at)
{
    for (size_t i = 0; i < y->gaps.n; i++)
        if (at >= y->gaps.items[i].from - HOUR && at <= y->gaps.items[i].to + HOUR)
            return true;
    return false;
}

/* Every time of the year, by the calendar alone. */
static void check(const struct year *y, const char *trigger, bool allows)
{
    struct ff_err err = {0};
    struct schedule *s = schedule_new(&y->rows->schedule, support_zone, NULL, &err);
    int64_t at = support_time(START);
    size_t n = 0;

    while (schedule_next(s, at, &at) && at <= y->rows->schedule.last_at) {
        const struct time_seen *seen = rows_find(y->rows, at);
        char text[UNITS_TEXT];
        n++;
        units_time_text(at, text);
        if (!seen && !in_gap(y, at))
            fail_msg("%s: %s is lost", trigger, text);
        if (seen && seen->state == SCHEDULE_RUN_MISSED && !in_gap(y, at))
            fail_msg("%s: %s was missed, though somebody was there", trigger, text);
        if (seen && allows && seen->state == SCHEDULE_RUN_SKIPPED)
            fail_msg("%s: %s was skipped", trigger, text);
    }
    /* And nothing that the calendar does not know. */
    for (size_t i = 0; i < y->rows->times.n; i++) {
        const int64_t nominal = y->rows->times.items[i].nominal_us;
        assert_true(schedule_next(s, nominal - 1, &at) && at == nominal);
    }
    assert_true(n > 50);
    assert_true(y->rows->runs.n > n / 20);
    schedule_free(s);
}

static void live_a_year(const char *trigger, uint64_t seed)
{
    struct year y = {.rows = rows_new(trigger, support_time(START)),
                     .now = support_time(START),
                     .down_from = support_time(START)};

    rand_seed(&y.rand, seed);
    while (y.highest < support_time(END)) {
        happen(&y);
        end_some_runs(&y);
        pass(&y);
    }
    if (y.led)
        die(&y);
    check(&y, trigger, strstr(trigger, "allow") != NULL);
    rows_free(y.rows);
    ARRAY_DONE(&y.gaps);
}

static void no_time_of_a_year_is_lost_or_started_twice(void **state)
{
    static const char *const triggers[] = {
        "cron: {expr: '30 2 * * *', timezone: Europe/Berlin, overlap: allow}",
        "cron: {expr: '30 2 * * *', timezone: Europe/Berlin}",
        "cron: {expr: '0 */6 * * *', overlap: queue, jitter: 10m}",
        "cron: {expr: '15 * * * *', timezone: Europe/Berlin, overlap: cancel}",
        "interval: {every: 1h, catchup: 2h, overlap: allow}",
        "interval: {every: 37m, offset: 5m, catchup: 1d, jitter: 1h}",
    };
    const char *given = getenv("FF_SEED");
    uint64_t seed = 0;

    (void)state;
    rand_system(&seed, sizeof(seed));
    if (given)
        seed = strtoull(given, NULL, 0);
    print_message("FF_SEED=%llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < COUNT_OF(triggers); i++)
        for (uint64_t k = 0; k < 3; k++)
            live_a_year(triggers[i], seed + i * 100 + k);
}

/* --- backfills, with deaths between any two steps --- */

static void a_backfill_runs_each_time_of_its_range_once(void **state)
{
    struct rows *r = rows_new("cron: {expr: '0 6 * * *', overlap: allow}",
                              support_time("2026-06-01T00:00:00Z"));
    const int64_t now = support_time("2026-06-01T00:00:00Z");
    struct leader l;
    struct rand rand;

    (void)state;
    rand_seed(&rand, 7);
    r->has_backfill = true;
    r->backfill =
        (struct backfill_row){.tenant = 1,
                              .version = 1,
                              .from_at = support_time(START),
                              .below_at = support_time("2026-04-11T06:00:00Z"),
                              .last_at = support_time(START) - 1,
                              .max_parallel = 4,
                              .finished_at = MODEL_NULL};
    /* Two of its times have a row already: one was run, one was missed. */
    struct leader before;
    leader_start(&before, r, now);
    before.step.now_us = support_time("2026-01-05T06:00:00Z") - 1;
    leader_stop(&before);
    const struct time_seen rows[] = {
        {.nominal_us = support_time("2026-01-05T06:00:00Z"),
         .state = SCHEDULE_RUN_STARTED,
         .run = 900},
        {.nominal_us = support_time("2026-01-07T06:00:00Z"),
         .state = SCHEDULE_RUN_MISSED,
         .run = MODEL_NULL},
    };
    rows_add_time(r, &rows[0]);
    rows_add_time(r, &rows[1]);
    leader_start(&l, r, now);
    for (int i = 0; i < 10000 && r->backfill.state == BACKFILL_RUNNING; i++) {
        const bool dies = rand_below(&rand, 5) == 0;
        leader_turn(&l, now, dies);
        assert_true(r->open.n <= 4);
        if (dies)
            leader_start(&l, r, now);
        for (int64_t run = 1; run < r->next_run; run++)
            if (map_get(&r->open, run) && rand_below(&rand, 2))
                leader_ended(&l, run, now);
    }
    assert_int_equal(r->backfill.state, BACKFILL_DONE);
    assert_true(r->backfill.finished_at == now);
    /* A hundred days, the last of them below the end, and one had its run. */
    assert_int_equal(r->runs.n, 99);
    assert_int_equal(r->backfill.n_started, 99);
    assert_int_equal(rows_count(r, SCHEDULE_RUN_MISSED), 0);
    leader_stop(&l);
    rows_free(r);
}

static void a_backfill_that_makes_no_sense_is_refused(void **state)
{
    struct rows *r = rows_new("cron: '@daily'", 0);
    const struct backfill_row row = {.active = span_of("no list")};
    struct leader l;
    struct ff_err err = {0};

    (void)state;
    leader_start(&l, r, 0);
    assert_null(backfill_new(&row, l.schedule, &err));
    leader_stop(&l);
    rows_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_time_of_a_year_is_lost_or_started_twice),
        cmocka_unit_test(a_backfill_runs_each_time_of_its_range_once),
        cmocka_unit_test(a_backfill_that_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
