/* test_trigger.c - who fires, over store-memory: in which order, how often, and what
 * becomes of rows that two parts of it look at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trigger/trigger.h"

#define MINUTE  (60 * UNITS_SECOND)
#define NAME    "w.t"
#define OUTSIDE 900 /* number of a run that the test itself made */

struct process {
    struct loop *loop;
    struct config *config;
    struct driver_instance *store_driver;
    struct store *store;
    struct trigger *trigger;
    bool wakes;         /* each load is told that something has changed */
    size_t n_loads;     /* that asked for the zone */
    bool stop_on_start; /* else when the rows are there */
};

static void check(int code, const struct ff_err *err)
{
    if (code != FF_OK)
        fail_msg("%s", err->msg);
}

/* --- rows --- */

static void put(struct process *p, const struct ff_record *record, const void *row)
{
    struct ff_err err = {0};
    struct batch b = {0};

    batch_put(&b, record, row, FF_ANY_VERSION);
    check(store_commit_now(p->store, &b, NULL, &err), &err);
    batch_done(&b);
}

/* As after an apply at this time. */
static struct schedule_row schedule_of(const char *trigger, int64_t last_at,
                                       struct arena *arena)
{
    struct flow_problems problems = {0};
    struct buf text = {0};

    buf_printf(&text, "flowforge: 1\nname: w\ntriggers: {%s}\ntasks: {a: {run: x}}\n",
               trigger);
    struct flow *f = flow_parse(buf_text(&text), text.len, &problems);
    assert_non_null(f);
    json_t *inputs = json_object();
    MEM_AUTO char *spec = schedule_spec_text(&f->triggers[0], inputs, NULL, f->labels);
    const struct schedule_row row = {
        .tenant = 1,
        .name = span_of(NAME),
        .workflow = span_of("w"),
        .kind = span_of(flow_trigger_names[f->triggers[0].kind]),
        .spec = span_of(arena_text(arena, spec, strlen(spec))),
        .hash = span_of("hash"),
        .dir = span_of("/"),
        .created_at = last_at,
        .changed_at = last_at,
        .last_at = last_at,
        .paused_at = MODEL_NULL,
        .next_at = MODEL_NULL,
        .active_run = MODEL_NULL,
    };
    json_decref(inputs);
    flow_unref(f);
    buf_done(&text);
    return row;
}

struct seen {
    struct {
        int64_t nominal_at;
        char event[160];
    } runs[32];
    size_t n_runs; /* in the order of their numbers */
    size_t n_backfills, n_occurrences;
};

static int see_run(void *arg, const void *row)
{
    struct seen *seen = arg;
    const struct run_row *r = row;

    assert_true(seen->n_runs < COUNT_OF(seen->runs));
    seen->runs[seen->n_runs].nominal_at = r->nominal_at;
    snprintf(seen->runs[seen->n_runs++].event, sizeof(seen->runs[0].event), "%.*s",
             (int)r->event.len, r->event.s ? r->event.s : "");
    return 0;
}

static int see_backfill(void *arg, const void *row)
{
    ((struct seen *)arg)->n_backfills +=
        ((const struct backfill_row *)row)->state == BACKFILL_RUNNING;
    return 0;
}

static int see_occurrence(void *arg, const void *row)
{
    (void)row;
    ((struct seen *)arg)->n_occurrences++;
    return 0;
}

static struct seen look(struct process *p)
{
    const struct run_row run = {.tenant = 1};
    const struct backfill_row backfill = {0};
    const struct occurrence_row occurrence = {0};
    const struct {
        struct store_query q;
        store_row_fn *fn;
    } reads[] = {
        {{.record = &record_run, .like = &run, .n_equal = 1}, see_run},
        {{.record = &record_backfill, .like = &backfill}, see_backfill},
        {{.record = &record_occurrence, .like = &occurrence}, see_occurrence},
    };
    struct seen seen = {0};
    struct ff_err err = {0};

    for (size_t i = 0; i < COUNT_OF(reads); i++)
        check(store_scan(p->store, STORE_READER_CALLER, &reads[i].q, reads[i].fn, &seen,
                         &err),
              &err);
    return seen;
}

static int close_run(void *arg, const void *row)
{
    batch_delete(arg, &record_open_run, row, FF_ANY_VERSION);
    return 0;
}

/* All runs that are open end. */
static void end_runs(struct process *p)
{
    const struct open_run_row like = {0};
    const struct store_query q = {
        .record = &record_open_run, .like = &like, .n_equal = 1};
    struct batch b = {0};
    struct ff_err err = {0};

    check(store_scan(p->store, STORE_READER_CALLER, &q, close_run, &b, &err), &err);
    if (b.n > 0)
        check(store_commit_now(p->store, &b, NULL, &err), &err);
    batch_done(&b);
}

/* --- a process --- */

static void wake(void *arg)
{
    struct process *p = arg;

    trigger_wake(p->trigger);
}

/* On the lane, while rows are read. */
static const struct zone *find_zone(void *arg, const char *name, struct ff_err *err)
{
    struct process *p = arg;

    (void)name;
    (void)err;
    p->n_loads++;
    if (p->wakes && p->n_loads < 50)
        loop_post(p->loop, wake, p);
    return zone_utc;
}

static void started(void *arg)
{
    struct process *p = arg;

    if (p->stop_on_start)
        loop_stop(p->loop, 0);
}

static void loaded(void *arg)
{
    struct process *p = arg;

    if (!p->stop_on_start)
        loop_stop(p->loop, 0);
}

static bool cancel(void *arg, struct tenant t, int64_t run)
{
    (void)arg;
    (void)t;
    (void)run;
    return true;
}

static void fatal(void *arg, const struct ff_err *err)
{
    (void)arg;
    fail_msg("%s", err->msg);
}

static void open_process(struct process *p)
{
    struct ff_err err = {0};
    struct shard_row row = {0};
    char *none[] = {NULL};

    *p = (struct process){.config = config_load("/dev/null", none, &err)};
    check(p->config ? FF_OK : err.code, &err);
    p->loop = loop_new(&err);
    struct driver *d =
        driver_load(getenv("FLOWFORGE_LIB"), "store-memory", FF_STORE, &err);
    check(d ? FF_OK : err.code, &err);
    p->store_driver = driver_instance_new(d, p->loop, p->config, "store-memory", &err);
    check(p->store_driver ? FF_OK : err.code, &err);
    p->store = store_open(p->loop, p->store_driver, &err);
    check(p->store ? FF_OK : err.code, &err);
    check(store_acquire_shard(p->store, 0, "test", "", 0, &row, &err), &err);
}

static void begin(struct process *p)
{
    const struct trigger_setup setup = {
        .loop = p->loop,
        .store = p->store,
        .zone = find_zone,
        .zone_arg = p,
        .arg = p,
        .started = started,
        .cancel = cancel,
        .loaded = loaded,
        .fatal = fatal,
    };
    struct ff_err err = {0};

    p->trigger = trigger_new(&setup, &err);
    check(p->trigger ? FF_OK : err.code, &err);
}

/* What is under way is durable, all is read again, and that is acted upon. */
static void turn(struct process *p)
{
    trigger_wake(p->trigger);
    loop_run(p->loop);
}

static void drained(void *arg)
{
    loop_stop(((struct process *)arg)->loop, 0);
}

static void close_process(struct process *p)
{
    p->wakes = false;
    p->stop_on_start = true;
    trigger_drain(p->trigger, drained, p);
    loop_run(p->loop);
    trigger_free(p->trigger);
    store_close(p->store);
    driver_instance_free(p->store_driver);
    loop_free(p->loop);
    config_free(p->config);
}

/* --- tests --- */

static void what_happened_first_is_told_first(void **state)
{
    static const char *const ids[] = {"c", "a", "b"};
    static const char *const bodies[] = {"1", "2", "3"};
    struct arena arena = {0};
    struct process p;

    (void)state;
    open_process(&p);
    const struct schedule_row schedule =
        schedule_of("event: {name: e, id: t, overlap: allow}", 1, &arena);
    put(&p, &record_schedule, &schedule);
    for (int i = 0; i < 3; i++) {
        const struct occurrence_row row = {.tenant = 1,
                                           .id = span_of(ids[i]),
                                           .kind = span_of("event"),
                                           .name = span_of("e"),
                                           .run = MODEL_NULL,
                                           .body = span_of(bodies[i]),
                                           .at = 10 + i};
        put(&p, &record_occurrence, &row);
    }
    begin(&p);
    struct seen seen = look(&p);
    for (int i = 0; i < 20 && seen.n_occurrences > 0; i++) {
        turn(&p);
        seen = look(&p);
    }
    assert_int_equal(seen.n_runs, 3);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(seen.runs[i].event, bodies[i]);
        assert_int_equal(seen.runs[i].nominal_at, 10 + i);
    }
    close_process(&p);
    arena_done(&arena);
}

/* Somebody knocks during each load, so that each has to be done again. */
static void it_acts_however_often_it_is_woken(void **state)
{
    struct arena arena = {0};
    struct process p;

    (void)state;
    open_process(&p);
    const int64_t now = loop_wall_us(p.loop);
    const struct schedule_row schedule = schedule_of(
        "cron: {expr: '* * * * *', id: t, catchup: 1h}", now - 5 * MINUTE, &arena);
    put(&p, &record_schedule, &schedule);
    p.wakes = p.stop_on_start = true;
    begin(&p);
    loop_run(p.loop);
    assert_int_equal(look(&p).n_runs, 1);
    assert_true(p.n_loads < 50);
    close_process(&p);
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

    check(store_read_counter(p->store, STORE_READER_CALLER, SCHEDULE_COUNTER, &made,
                             &err),
          &err);
    made.next++;
    batch_delete(&b, &record_schedule, row, FF_ANY_VERSION);
    batch_put(&b, &record_schedule, row, FF_ABSENT);
    batch_put(&b, &record_counter, &made, made.version);
    check(store_commit_now(p->store, &b, NULL, &err), &err);
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
    open_process(&p);
    struct schedule_row schedule = schedule_of("interval: {every: 1m, id: t}",
                                               loop_wall_us(p.loop) + MINUTE, &arena);
    schedule.active_run = OUTSIDE;
    put(&p, &record_schedule, &schedule);
    put(&p, &record_open_run, &open);
    begin(&p);
    loop_run(p.loop);
    schedule.active_run = MODEL_NULL;
    schedule.last_at += MINUTE;
    make_again(&p, &schedule);
    trigger_run_ended(p.trigger, &run);
    loop_post(p.loop, wake, &p); /* behind the turn in which that is told */
    loop_run(p.loop);
    check(store_scan(p.store, STORE_READER_CALLER, &q, see_schedule, seen, &err), &err);
    assert_int_equal(seen[0], 1);
    assert_int_equal(seen[1], schedule.last_at);
    close_process(&p);
    arena_done(&arena);
}

/* --- backfills --- */

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

    put(p, &record_backfill, &row);
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
    struct seen seen = look(p);

    for (int i = 0; i < 40 && seen.n_backfills > 0; i++) {
        turn(p);
        end_runs(p);
        seen = look(p);
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
    open_process(&p);
    struct schedule_row schedule =
        schedule_of("interval: {every: 1m, id: t}", hour + 60 * MINUTE, &arena);
    schedule.paused_at = 1;
    put(&p, &record_schedule, &schedule);
    put_backfill(&p, 1, hour, hour + 5 * MINUTE);
    put_backfill(&p, 2, hour + 3 * MINUTE, hour + 8 * MINUTE);
    put_backfill(&p, 3, hour, hour + 9 * MINUTE);
    begin(&p);
    const struct seen seen = fill_in(&p);
    expect_each_once(&seen, hour, 9);
    close_process(&p);
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
    open_process(&p);
    struct schedule_row schedule = schedule_of(
        "interval: {every: 1m, id: t, overlap: queue}", INT64_MAX / 2, &arena);
    buf_printf(&waiting, "[%lld]", (long long)waits.nominal_at);
    schedule.waiting = span_of(buf_text(&waiting));
    schedule.active_run = OUTSIDE;
    put(&p, &record_schedule, &schedule);
    put(&p, &record_schedule_run, &waits);
    put(&p, &record_open_run, &open);
    put_backfill(&p, 1, hour, hour + 3 * MINUTE);
    begin(&p);
    fill_in(&p);
    turn(&p);
    turn(&p);
    const struct seen seen = look(&p);
    expect_each_once(&seen, hour, 3);
    buf_done(&waiting);
    close_process(&p);
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
    open_process(&p);
    struct schedule_row schedule =
        schedule_of("interval: {every: 1m, id: t}", hour + 60 * MINUTE, &arena);
    schedule.paused_at = 1;
    put(&p, &record_schedule, &schedule);
    put_backfill(&p, 1, hour, hour + MINUTE);
    put_backfill(&p, 2, hour, hour + 2 * MINUTE);
    p.stop_on_start = true;
    begin(&p);
    loop_run(p.loop);
    end_runs(&p);
    trigger_run_ended(p.trigger, &first);
    loop_run(p.loop);
    p.stop_on_start = false;
    const struct seen seen = fill_in(&p);
    expect_each_once(&seen, hour, 2);
    close_process(&p);
    arena_done(&arena);
}

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

/* It ends, in a commit of its own. */
static void end_run(struct process *p, const struct run_row *run)
{
    struct ff_err err = {0};
    struct batch b = {0};

    batch_patch(&b, &record_run, run, COLUMN_BIT(COL_RUN_STATE), FF_ANY_VERSION);
    batch_patch(&b, &record_run, run, COLUMN_BIT(COL_RUN_OUTPUTS), FF_ANY_VERSION);
    trigger_run_ending(p->trigger, run, &b);
    assert_int_equal(b.n, 3);
    check(store_commit_now(p->store, &b, NULL, &err), &err);
    batch_done(&b);
}

static void each_end_of_a_run_is_told_as_it_was(void **state)
{
    const struct run_row failed = run_of("other", RUN_FAILED);
    const struct run_row succeeded = run_of("other", RUN_SUCCEEDED);
    struct arena arena = {0};
    struct process p;

    (void)state;
    open_process(&p);
    const struct schedule_row schedule = schedule_of(
        "workflow: {name: other, id: t, on: [succeeded, failed]}", 1, &arena);
    put(&p, &record_schedule, &schedule);
    put(&p, &record_run, &failed);
    begin(&p);
    loop_run(p.loop);
    /* Opened again in between, and once more before anybody was told. */
    end_run(&p, &failed);
    end_run(&p, &succeeded);
    struct seen seen = look(&p);
    for (int i = 0; i < 20 && seen.n_occurrences > 0; i++) {
        turn(&p);
        seen = look(&p);
    }
    assert_int_equal(seen.n_runs, 3); /* with the one that ended */
    size_t n_failed = 0;
    for (size_t i = 0; i < 3; i++) {
        n_failed += strstr(seen.runs[i].event, "failed") != NULL;
        if (seen.runs[i].event[0])
            assert_non_null(strstr(seen.runs[i].event, "\"outputs\":{\"n\":7}"));
    }
    assert_int_equal(n_failed, 1);
    close_process(&p);
    arena_done(&arena);
}

static void an_end_without_a_state_is_told_to_nobody(void **state)
{
    static const char *const bodies[] = {NULL, "{", "{}", "{\"state\":\"odd\"}"};
    struct arena arena = {0};
    struct process p;

    (void)state;
    open_process(&p);
    const struct schedule_row schedule =
        schedule_of("workflow: {name: other, id: t}", 1, &arena);
    put(&p, &record_schedule, &schedule);
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        const char id[] = {(char)('a' + i), 0};
        const struct occurrence_row row = {.tenant = 1,
                                           .id = span_of(id),
                                           .kind = span_of("workflow"),
                                           .name = span_of("other"),
                                           .run = OUTSIDE,
                                           .body = span_of(bodies[i])};
        put(&p, &record_occurrence, &row);
    }
    begin(&p);
    struct seen seen = look(&p);
    for (int i = 0; i < 20 && seen.n_occurrences > 0; i++) {
        turn(&p);
        seen = look(&p);
    }
    assert_int_equal(seen.n_occurrences, 0);
    assert_int_equal(seen.n_runs, 0);
    close_process(&p);
    arena_done(&arena);
}

static void an_end_is_noted_until_it_is_known_who_waits(void **state)
{
    const struct run_row run = run_of("other", RUN_SUCCEEDED);
    struct arena arena = {0};
    struct batch b = {0};
    struct process p;

    (void)state;
    open_process(&p);
    begin(&p);
    loop_run(p.loop);
    trigger_run_ending(p.trigger, &run, &b);
    assert_int_equal(b.n, 0);
    const struct schedule_row schedule =
        schedule_of("workflow: {name: other, id: t}", 1, &arena);
    put(&p, &record_schedule, &schedule);
    trigger_wake(p.trigger);
    trigger_run_ending(p.trigger, &run, &b);
    assert_int_equal(b.n, 1);
    batch_done(&b);
    close_process(&p);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_happened_first_is_told_first),
        cmocka_unit_test(it_acts_however_often_it_is_woken),
        cmocka_unit_test(a_schedule_that_is_made_again_is_not_taken_for_the_old_one),
        cmocka_unit_test(backfills_that_overlap_run_no_time_twice),
        cmocka_unit_test(a_time_that_waits_is_not_filled_in),
        cmocka_unit_test(a_backfill_reads_what_the_one_before_has_done),
        cmocka_unit_test(each_end_of_a_run_is_told_as_it_was),
        cmocka_unit_test(an_end_without_a_state_is_told_to_nobody),
        cmocka_unit_test(an_end_is_noted_until_it_is_known_who_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
