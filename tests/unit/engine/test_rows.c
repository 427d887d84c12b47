/* test_rows.c - loading: rows that are damaged, and what goes on from rows alone. */
#include "support.h"

#include <string.h>

#define HEAD  "flowforge: 1\nname: test\n"
#define TWO   HEAD "tasks: {a: {run: x}, b: {run: x, needs: [a]}}\n"
#define ITEMS HEAD "tasks: {f: {foreach: [1, 2], run: x}}\n"

static struct stored_task *row_of(struct world *w, const char *path)
{
    for (size_t i = 0; i < w->tasks.n; i++)
        if (w->tasks.items[i].row.node == world_node(w, path))
            return &w->tasks.items[i];
    fail_msg("no row of %s", path);
    return NULL;
}

/* A row that no step wrote. */
static void add_row(struct world *w, const char *path, enum task_state state)
{
    const struct stored_task t = {.row = {.tenant = 1,
                                          .run = 7,
                                          .node = world_node(w, path),
                                          .version = 1,
                                          .state = state,
                                          .attempt = 1,
                                          .items = MODEL_NULL,
                                          .exit_code = MODEL_NULL,
                                          .due_at = MODEL_NULL,
                                          .queued_at = w->now,
                                          .started_at = w->now,
                                          .finished_at = w->now}};

    ARRAY_ADD(&w->tasks, t);
}

static void rows_that_fit_no_task_are_corrupt(void **state)
{
    (void)state;
    static const struct {
        int64_t node, items;
        const char *says;
    } cases[] = {
        {-1, MODEL_NULL, "a task that the workflow has not"},
        {NODE_OF(2, -1), MODEL_NULL, "a task that the workflow has not"},
        {NODE_OF(0, -1), -1, "impossible number of items"},
        {NODE_OF(0, -1), FLOW_MAX_ITEMS + 1, "impossible number of items"},
        {NODE_OF(0, 3), MODEL_NULL, "an item that was never expanded"},
    };
    struct world *w = world_new(TWO, NULL);

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct task_row row = {
            .node = cases[i].node, .items = cases[i].items, .state = TASK_RUNNING};
        struct ff_err err = {0};
        assert_int_equal(w->run->kind->load_task(w->run, &row, NULL, &err), FF_CORRUPT);
        assert_non_null(strstr(err.msg, cases[i].says));
    }
    world_free(w);
}

/* What loaded() says of the rows as they are. */
static struct ff_err load_badly(struct world *w)
{
    struct ff_err err = {0};

    engine_run_free(w->run);
    w->run = engine_run_new(w->plan, &w->row, 0, &err);
    for (size_t i = 0; i < w->tasks.n; i++)
        assert_int_equal(
            w->run->kind->load_task(w->run, &w->tasks.items[i].row, NULL, &err), FF_OK);
    assert_int_not_equal(w->run->kind->loaded(w->run, &err), FF_OK);
    return err;
}

static void a_foreach_that_gives_another_number_of_items_is_corrupt(void **state)
{
    (void)state;
    struct world *w = world_new(ITEMS, NULL);

    row_of(w, "f")->row.items = 3;
    const struct ff_err err = load_badly(w);
    assert_int_equal(err.code, FF_CORRUPT);
    assert_non_null(strstr(err.msg, "foreach of f gives 2 items, had 3"));
    world_free(w);
}

static void a_foreach_over_outputs_that_are_gone_cannot_be_loaded(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  a: {run: x, outputs: {l: json}}\n"
                                     "  f:\n"
                                     "    needs: [a]\n"
                                     "    foreach: ${{ tasks.a.outputs.l }}\n"
                                     "    run: x\n",
                                NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, "{\"l\": [1]}");
    assert_string_equal(world_state(w, "f"), "running");
    assert_int_equal(load_badly(w).code, FF_INVALID);
    world_free(w);
}

static void outputs_of_items_that_still_run_are_not_there_yet(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  a: {foreach: [1], run: x, outputs: {l: json}}\n"
                                     "  f:\n"
                                     "    needs: [a]\n"
                                     "    foreach: ${{ tasks.a.outputs.l }}\n"
                                     "    run: x\n",
                                NULL);

    add_row(w, "f", TASK_RUNNING); /* before what it needs has ended */
    row_of(w, "f")->row.items = 1;
    assert_int_equal(load_badly(w).code, FF_INVALID);
    world_free(w);
}

static void a_reason_of_the_same_length_is_another_reason(void **state)
{
    (void)state;
    struct world *w = world_new(TWO, NULL);

    world_grant(w);
    row_of(w, "a")->row.reason = span_of("exit_code");
    strcpy(row_of(w, "a")->reason, "exit_code"); /* as long as "cancelled" */
    world_restart(w);
    world_result(w, "a", OUTCOME_CANCELLED, -1, NULL);
    assert_string_equal(world_state(w, "a"), "retrying"); /* nobody here stopped it */
    world_free(w);
}

static void what_a_skipped_task_blocked_stays_blocked_after_a_restart(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks:\n  a: {run: x}\n  b: {run: x, needs: [a]}\n"
                       "  other: {run: x}\n  c: {run: x, needs: [b, other]}\n",
                  NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_reason(w, "b"), "upstream_failed");
    world_restart(w);
    world_succeed(w, "other");
    assert_string_equal(world_state(w, "c"), "skipped");
    assert_string_equal(world_reason(w, "c"), "upstream_failed");
    world_free(w);
}

static void a_cancelled_need_blocks_even_where_the_run_was_not_cancelled(void **state)
{
    (void)state;
    struct world *w = world_new(TWO, NULL);

    add_row(w, "a", TASK_CANCELLED);
    w->row.state = RUN_RUNNING;
    world_restart(w);
    assert_string_equal(world_state(w, "b"), "skipped");
    assert_string_equal(world_reason(w, "b"), "upstream_failed");
    world_free(w);
}

static void a_run_that_was_never_begun_begins_when_it_is_resumed(void **state)
{
    (void)state;
    struct world *w = world_new(TWO, NULL);

    w->row.state = RUN_PENDING;
    w->row.started_at = MODEL_NULL;
    w->tasks.n = 0;
    world_restart(w);
    assert_string_equal(world_run_state(w), "running");
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_run_whose_tasks_have_all_ended_ends_when_it_is_resumed(void **state)
{
    (void)state;
    struct world *w = world_new(TWO, NULL);

    world_finish(w);
    w->row.state = RUN_RUNNING;
    w->ended = false;
    world_restart(w);
    assert_true(w->ended);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_foreach_whose_items_have_all_ended_ends_when_it_is_resumed(void **state)
{
    (void)state;
    struct world *w = world_new(ITEMS, NULL);

    add_row(w, "f.0", TASK_SUCCEEDED);
    add_row(w, "f.1", TASK_SUCCEEDED);
    world_restart(w);
    assert_string_equal(world_state(w, "f"), "succeeded");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_foreach_that_failed_fast_ends_without_its_other_items(void **state)
{
    (void)state;
    struct world *w = world_new(ITEMS, NULL);

    add_row(w, "f.0", TASK_FAILED);
    world_restart(w);
    assert_int_equal(w->offered.n, 0);
    assert_string_equal(world_state(w, "f"), "failed");
    world_free(w);
}

static void a_failed_item_stops_nothing_after_a_restart_without_fail_fast(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {f: {foreach: [1, 2], fail_fast: false, run: x}}\n", NULL);

    assert_true(world_grant_one(w));
    world_result(w, "f.0", OUTCOME_FAILED, 1, NULL);
    world_restart(w);
    assert_int_equal(w->offered.n, 1);
    world_finish(w);
    assert_string_equal(world_state(w, "f.1"), "succeeded");
    assert_string_equal(world_state(w, "f"), "failed");
    world_free(w);
}

static void a_restart_stops_the_running_items_of_a_cancelled_run(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {f: {foreach: [1, 2], run: x}, a: {run: x},\n"
                       "        z: {run: x}}\n",
                  NULL);

    world_grant(w);
    world_succeed(w, "z");
    world_cancel(w, CANCEL_GRACEFUL);
    assert_int_equal(w->stopped.n, 3);
    world_restart(w);
    assert_int_equal(w->stopped.n, 3);
    world_result(w, "f.0", OUTCOME_CANCELLED, -1, NULL);
    world_result(w, "f.1", OUTCOME_CANCELLED, -1, NULL);
    world_result(w, "a", OUTCOME_CANCELLED, -1, NULL);
    assert_string_equal(world_state(w, "f"), "cancelled");
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
}

static size_t run_timers(const struct world *w)
{
    size_t n = 0;

    for (size_t i = 0; i < w->timers.n; i++)
        n += w->timers.items[i].kind == TIMER_RUN;
    return n;
}

static void the_runs_timeout_goes_on_after_a_restart_while_tasks_run(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "timeout: 60s\ntasks: {a: {run: x}}\n"
                                     "finally: {h: {run: x}}\n",
                                NULL);
    const int64_t due = w->now + 60 * UNITS_SECOND;

    world_grant(w);
    w->now += UNITS_SECOND;
    world_restart(w);
    assert_int_equal(run_timers(w), 1);
    assert_int_equal(w->timers.items[0].at, due);
    world_succeed(w, "a");
    world_restart(w); /* handlers take the time that they need */
    assert_int_equal(run_timers(w), 0);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_cancelled_run_has_no_timeout_after_a_restart(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "timeout: 60s\ntasks: {a: {run: x}}\n", NULL);

    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    world_restart(w);
    assert_int_equal(run_timers(w), 0);
    world_free(w);
}

static void what_waits_after_a_restart_waits_since_the_last_need_ended(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks:\n  a: {run: x}\n  b: {run: x}\n"
                       "  c: {run: x, needs: [a, b], queue_timeout: 60s}\n",
                  NULL);

    world_grant(w);
    w->now += 5 * UNITS_SECOND;
    world_succeed(w, "a");
    const int64_t since = w->now;
    row_of(w, "b")->row.finished_at = w->now;
    world_succeed(w, "b");
    row_of(w, "b")->row.finished_at = since - UNITS_SECOND;
    w->now += 5 * UNITS_SECOND;
    world_restart(w);
    assert_int_equal(w->timers.n, 1);
    assert_int_equal(w->timers.items[0].at, since + 60 * UNITS_SECOND);
    world_free(w);
}

static void attempts_have_an_end_whatever_a_row_says_was_lost(void **state)
{
    (void)state;
    struct world *w = world_new(TWO, NULL);

    world_grant(w);
    row_of(w, "a")->row.attempt = FLOW_MAX_ATTEMPTS;
    world_restart(w);
    world_result(w, "a", OUTCOME_LOST, -1, NULL);
    assert_string_equal(world_state(w, "a"), "failed");
    assert_string_equal(world_reason(w, "a"), "lost");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_fit_no_task_are_corrupt),
        cmocka_unit_test(a_foreach_that_gives_another_number_of_items_is_corrupt),
        cmocka_unit_test(a_foreach_over_outputs_that_are_gone_cannot_be_loaded),
        cmocka_unit_test(outputs_of_items_that_still_run_are_not_there_yet),
        cmocka_unit_test(a_reason_of_the_same_length_is_another_reason),
        cmocka_unit_test(what_a_skipped_task_blocked_stays_blocked_after_a_restart),
        cmocka_unit_test(a_cancelled_need_blocks_even_where_the_run_was_not_cancelled),
        cmocka_unit_test(a_run_that_was_never_begun_begins_when_it_is_resumed),
        cmocka_unit_test(a_run_whose_tasks_have_all_ended_ends_when_it_is_resumed),
        cmocka_unit_test(a_foreach_whose_items_have_all_ended_ends_when_it_is_resumed),
        cmocka_unit_test(a_foreach_that_failed_fast_ends_without_its_other_items),
        cmocka_unit_test(a_failed_item_stops_nothing_after_a_restart_without_fail_fast),
        cmocka_unit_test(a_restart_stops_the_running_items_of_a_cancelled_run),
        cmocka_unit_test(the_runs_timeout_goes_on_after_a_restart_while_tasks_run),
        cmocka_unit_test(a_cancelled_run_has_no_timeout_after_a_restart),
        cmocka_unit_test(what_waits_after_a_restart_waits_since_the_last_need_ended),
        cmocka_unit_test(attempts_have_an_end_whatever_a_row_says_was_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
