/* test_backfill.c - which times a backfill runs, beside others and after reads that
 * fail, over store-memory. */
#include "support.h"

static void put_backfill(struct process *p, int64_t no, int64_t from, int64_t below)
{
    const struct backfill_row row = {.tenant = 1,
                                     .schedule = span_of(NAME),
                                     .no = no,
                                     .state = BACKFILL_RUNNING,
                                     .from_at = from,
                                     .below_at = below,
                                     .last_at = from - 1,
                                     .max_parallel = 2,
                                     .created_at = 1,
                                     .finished_at = MODEL_NULL};

    support_put(p, &record_backfill, &row);
}

static void expect_each_once(const struct seen *seen, int64_t from, size_t n)
{
    assert_int_equal(seen->n_runs, n);
    for (size_t at = 0; at < n; at++) {
        size_t found = 0;
        for (size_t i = 0; i < n; i++)
            found += seen->runs[i].nominal_at == from + (int64_t)at * MINUTE;
        if (found != 1)
            fail_msg("minute %zu has %zu runs", at, found);
    }
}

/* Until no backfill is left. */
static struct seen fill_in(struct process *p)
{
    struct seen seen = support_look(p);

    for (int i = 0; i < 40 && seen.n_backfills > 0; i++) {
        support_turn(p);
        support_end_runs(p);
        seen = support_look(p);
    }
    assert_int_equal(seen.n_backfills, 0);
    return seen;
}

static void backfills_that_overlap_run_no_time_twice(void **state)
{
    const int64_t hour = INT64_C(1767225600) * UNITS_SECOND; /* 2026-01-01 */
    struct arena arena = {0};
    struct process p;

    (void)state;
    support_open_process(&p);
    struct schedule_row schedule =
        support_schedule_of("interval: {every: 1m, id: t}", hour + 60 * MINUTE, &arena);
    schedule.paused_at = 1;
    support_put(&p, &record_schedule, &schedule);
    put_backfill(&p, 1, hour, hour + 5 * MINUTE);
    put_backfill(&p, 2, hour + 3 * MINUTE, hour + 8 * MINUTE);
    put_backfill(&p, 3, hour, hour + 9 * MINUTE);
    support_begin(&p);
    const struct seen seen = fill_in(&p);
    expect_each_once(&seen, hour, 9);
    support_close_process(&p);
    arena_done(&arena);
}

static void a_time_that_waits_is_not_filled_in(void **state)
{
    const int64_t hour = INT64_C(1767225600) * UNITS_SECOND;
    const struct open_run_row open = {.run = OUTSIDE, .tenant = 1};
    struct schedule_run_row waits = {.tenant = 1,
                                     .schedule = span_of(NAME),
                                     .nominal_at = hour + MINUTE,
                                     .state = SCHEDULE_RUN_WAITING,
                                     .run = MODEL_NULL,
                                     .cause = span_of("time"),
                                     .decided_at = 1};
    struct arena arena = {0};
    struct buf waiting = {0};
    struct process p;

    (void)state;
    support_open_process(&p);
    struct schedule_row schedule = support_schedule_of(
        "interval: {every: 1m, id: t, overlap: queue}", INT64_MAX / 2, &arena);
    buf_printf(&waiting, "[%lld]", (long long)waits.nominal_at);
    schedule.waiting = span_of(buf_text(&waiting));
    schedule.active_run = OUTSIDE;
    support_put(&p, &record_schedule, &schedule);
    support_put(&p, &record_schedule_run, &waits);
    support_put(&p, &record_open_run, &open);
    put_backfill(&p, 1, hour, hour + 3 * MINUTE);
    support_begin(&p);
    fill_in(&p);
    support_turn(&p);
    support_turn(&p);
    const struct seen seen = support_look(&p);
    expect_each_once(&seen, hour, 3);
    buf_done(&waiting);
    support_close_process(&p);
    arena_done(&arena);
}

/* The first one ends by the step in which the second one might begin. */
static void a_backfill_reads_what_the_one_before_has_done(void **state)
{
    const int64_t hour = INT64_C(1767225600) * UNITS_SECOND;
    const struct run_row first = {.tenant = 1, .run = 1, .parent_run = MODEL_NULL};
    struct arena arena = {0};
    struct process p;

    (void)state;
    support_open_process(&p);
    struct schedule_row schedule =
        support_schedule_of("interval: {every: 1m, id: t}", hour + 60 * MINUTE, &arena);
    schedule.paused_at = 1;
    support_put(&p, &record_schedule, &schedule);
    put_backfill(&p, 1, hour, hour + MINUTE);
    put_backfill(&p, 2, hour, hour + 2 * MINUTE);
    p.stop_on_start = true;
    support_begin(&p);
    loop_run(p.loop);
    support_end_runs(&p);
    trigger_run_ended(p.trigger, &first);
    loop_run(p.loop);
    p.stop_on_start = false;
    const struct seen seen = fill_in(&p);
    expect_each_once(&seen, hour, 2);
    support_close_process(&p);
    arena_done(&arena);
}

#define TICK_US   (UNITS_SECOND / 1000)
#define TICKS_MAX 5000

static int tell_ended(void *arg, const void *row)
{
    struct process *p = arg;
    const struct run_row run = {.tenant = 1,
                                .run = ((const struct open_run_row *)row)->run,
                                .parent_run = MODEL_NULL};

    trigger_run_ended(p->trigger, &run);
    return 0;
}

/* All runs that are open end, and it hears of that without reading anything. */
static void end_and_tell(struct process *p)
{
    const struct open_run_row like = {0};
    const struct store_query q = {
        .record = &record_open_run, .like = &like, .n_equal = 1};

    support_scan(p, &q, tell_ended, p);
    support_end_runs(p);
}

/* Something is to be decided all the time; now and then runs end, and more rarely
 * somebody knocks, so that nobody waits for the second after a read that failed. */
static void on_tick(void *arg)
{
    struct process *p = arg;

    p->tick = NULL;
    trigger_clock_changed(p->trigger);
    if (p->n_ticks++ % 5 == 4) {
        if (support_look(p).n_backfills == 0) {
            loop_stop(p->loop, 0);
            return;
        }
        end_and_tell(p);
    }
    if (p->n_ticks % 20 == 0)
        trigger_wake(p->trigger);
    if (p->n_ticks == TICKS_MAX)
        fail_msg("backfills are not over after %d ticks", TICKS_MAX);
    loop_timer_add(p->loop, TICK_US, on_tick, p, &p->tick);
}

static void fill_in_while_a_read_fails(int nth)
{
    const int64_t hour = INT64_C(1767225600) * UNITS_SECOND;
    struct arena arena = {0};
    struct process p;

    support_open_failing(&p, nth);
    struct schedule_row schedule =
        support_schedule_of("interval: {every: 1m, id: t}", hour + 60 * MINUTE, &arena);
    schedule.paused_at = 1;
    support_put(&p, &record_schedule, &schedule);
    put_backfill(&p, 1, hour, hour + MINUTE);
    put_backfill(&p, 2, hour, hour + 2 * MINUTE);
    p.is_ticking = true;
    support_begin(&p);
    loop_timer_add(p.loop, TICK_US, on_tick, &p, &p.tick);
    loop_run(p.loop);
    p.is_ticking = false;
    const struct seen seen = support_look(&p);
    expect_each_once(&seen, hour, 2);
    support_close_process(&p);
    arena_done(&arena);
}

/* Whichever read it is: that after which the second one might begin, too. */
static void a_backfill_does_nothing_before_it_has_read(void **state)
{
    (void)state;
    for (int nth = 1; nth <= 40; nth++)
        fill_in_while_a_read_fails(nth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backfills_that_overlap_run_no_time_twice),
        cmocka_unit_test(a_time_that_waits_is_not_filled_in),
        cmocka_unit_test(a_backfill_reads_what_the_one_before_has_done),
        cmocka_unit_test(a_backfill_does_nothing_before_it_has_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
