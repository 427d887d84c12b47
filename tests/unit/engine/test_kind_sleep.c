/* test_kind_sleep.c - tasks that wait for time, and tasks that are values: what they
 * come to, and that a restart between any two steps changes nothing. */
#include "support.h"

#include <string.h>

#define HEAD   "flowforge: 1\nname: test\n"
#define INPUTS HEAD "inputs: {v: list}\n"
#define SECOND UNITS_SECOND

static struct stored_task *row_of(struct world *w, const char *path)
{
    const int64_t node = world_node(w, path);

    for (size_t i = 0; i < w->tasks.n; i++)
        if (w->tasks.items[i].row.node == node)
            return &w->tasks.items[i];
    fail_msg("no row of %s", path);
    return NULL;
}

static void a_sleep_is_suspended_until_it_is_due(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {a: {sleep: 30s}, b: {needs: [a], noop: true}}\n", NULL);
    const int64_t due = w->now + 30 * SECOND;

    assert_string_equal(world_state(w, "a"), "suspended");
    assert_string_equal(world_reason(w, "a"), "sleep");
    assert_int_equal(row_of(w, "a")->row.due_at, due);
    assert_int_equal(row_of(w, "a")->row.started_at, w->now);
    assert_int_equal(w->offered.n, 0);
    assert_true(world_next_timer(w));
    assert_int_equal(w->now, due);
    assert_string_equal(world_state(w, "a"), "succeeded");
    assert_string_equal(world_reason(w, "a"), "");
    assert_string_equal(world_run_state(w), "succeeded");
    assert_false(world_next_timer(w));
    world_free(w);
}

static void a_restart_waits_for_the_same_time(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {sleep: 30s}}\n", NULL);
    const int64_t due = w->now + 30 * SECOND;

    w->now += 10 * SECOND;
    world_restart(w);
    assert_string_equal(world_state(w, "a"), "suspended");
    assert_int_equal(w->adopted.n, 0);
    assert_true(world_next_timer(w));
    assert_int_equal(w->now, due);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void what_became_due_meanwhile_ends_with_the_restart(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {a: {foreach: [1, 2, 3], max_parallel: 2, sleep: 30s}}\n", NULL);

    w->now += 40 * SECOND;
    world_restart(w);
    assert_string_equal(world_state(w, "a.0"), "succeeded");
    assert_string_equal(world_state(w, "a.1"), "succeeded");
    assert_string_equal(world_state(w, "a.2"), "suspended");
    world_restart(w);
    assert_true(world_next_timer(w));
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void no_time_at_all_does_not_suspend(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {a: {sleep: 0}, b: {wait_until: '1970-01-01T00:00:00Z'}}\n", NULL);

    assert_string_equal(world_run_state(w), "succeeded");
    assert_null(strstr(buf_text(&w->history), "suspended"));
    world_free(w);
}

static void until_is_a_time_of_an_expression(void **state)
{
    (void)state;
    struct world *w =
        world_new(INPUTS "tasks: {a: {wait_until: '${{ inputs.v[0] }}'}}\n",
                  "{\"v\": [\"1970-01-01T01:00:00+00:30\"]}");

    assert_string_equal(world_state(w, "a"), "suspended");
    assert_true(world_next_timer(w));
    assert_int_equal(w->now, 1800 * SECOND);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void values_that_are_no_time_fail_the_task(void **state)
{
    static const struct {
        const char *key, *value, *message;
    } bad[] = {
        {"sleep", "true", "sleep: gives no time"},
        {"sleep", "\"soon\"", "sleep: gives no time"},
        {"sleep", "-1", "are no time to wait for"},
        {"sleep", "1e300", "at most ten years"},
        {"sleep", "\"4000d\"", "at most ten years"},
        {"wait_until", "17", "wait_until: gives no time"},
        {"wait_until", "\"tomorrow\"", "wait_until: gives no time"},
        {"wait_until", "\"2126-01-01T00:00:00Z\"", "at most ten years"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char yaml[256], inputs[64];
        snprintf(yaml, sizeof(yaml), INPUTS "tasks: {a: {%s: '${{ inputs.v[0] }}'}}\n",
                 bad[i].key);
        snprintf(inputs, sizeof(inputs), "{\"v\": [%s]}", bad[i].value);
        struct world *w = world_new(yaml, inputs);
        assert_string_equal(world_state(w, "a"), "failed");
        assert_string_equal(world_reason(w, "a"), "expression");
        if (!strstr(row_of(w, "a")->message, bad[i].message))
            fail_msg("%s: %s", bad[i].value, row_of(w, "a")->message);
        world_free(w);
    }
}

static void an_expression_that_fails_fails_the_task(void **state)
{
    (void)state;
    struct world *w =
        world_new(INPUTS "tasks: {a: {sleep: '${{ inputs.v[3] }}'},"
                         " b: {wait_until: '${{ inputs.v[3] }}'},"
                         " c: {transform: {x: 1, y: '${{ inputs.v[3] }}'}}}\n",
                  "{\"v\": []}");

    assert_string_equal(world_reason(w, "a"), "expression");
    assert_string_equal(world_reason(w, "b"), "expression");
    assert_string_equal(world_reason(w, "c"), "expression");
    assert_non_null(strstr(row_of(w, "c")->message, "transform.y: "));
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void a_cancel_ends_what_waits(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {a: {sleep: 30s}, b: {foreach: [1, 2], sleep: 1h}}\n", NULL);

    world_cancel(w, CANCEL_GRACEFUL);
    assert_string_equal(world_state(w, "a"), "cancelled");
    assert_string_equal(world_state(w, "b.1"), "cancelled");
    assert_string_equal(world_run_state(w), "cancelled");
    assert_int_equal(w->timers.n, 0);
    world_free(w);
}

static void an_item_that_fails_ends_those_that_wait(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {a: {foreach: ['1h', '2h', x], sleep: '${{ item }}'}}\n", NULL);

    assert_string_equal(world_state(w, "a.0"), "cancelled");
    assert_string_equal(world_state(w, "a.1"), "cancelled");
    assert_string_equal(world_state(w, "a.2"), "failed");
    assert_string_equal(world_state(w, "a"), "failed");
    assert_int_equal(w->timers.n, 0);
    world_free(w);
}

static void items_behind_one_that_failed_do_not_begin(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {a: {foreach: [x, '1h'], sleep: '${{ item }}'}}\n", NULL);

    assert_string_equal(world_state(w, "a.0"), "failed");
    assert_string_equal(world_state(w, "a.1"), "");
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void a_timer_that_comes_late_changes_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {a: {sleep: 30s}, b: {foreach: [1], sleep: 30s}}\n", NULL);
    const int64_t nodes[] = {world_node(w, "a"), NODE_OF(1, 7), NODE_OF(99, -1)};

    world_next_timer(w);
    for (size_t i = 0; i < COUNT_OF(nodes); i++)
        world_input(w, (struct input){
                           .type = INPUT_TIMER, .timer = TIMER_WAIT, .node = nodes[i]});
    assert_int_equal(w->tasks.n, 3);
    world_free(w);
}

static void a_transform_has_its_values_as_outputs(void **state)
{
    (void)state;
    struct world *w = world_new(
        INPUTS "tasks:\n"
               "  a: {transform: {n: '${{ inputs.v.size() }}', k: [1, {x: y}]}}\n"
               "  b: {needs: [a], transform: {m: '${{ tasks.a.outputs.n + 1 }}'}}\n"
               "  c: {needs: [b], foreach: [5, 6], transform: {i: '${{ item }}'}}\n"
               "outputs: {all: '${{ tasks.c.outputs.i }}', m: "
               "'${{ tasks.b.outputs.m }}'}\n",
        "{\"v\": [7, 8]}");

    assert_string_equal(row_of(w, "a")->outputs, "{\"n\":2,\"k\":[1,{\"x\":\"y\"}]}");
    assert_string_equal(w->outputs, "{\"all\":[5,6],\"m\":3}");
    assert_int_equal(w->offered.n, 0);
    world_free(w);
}

static void outputs_of_a_transform_are_there_after_a_restart(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {a: {transform: {n: 4}}, b: {needs: [a], run: x}}\n"
                       "outputs: {n: '${{ tasks.a.outputs.n }}'}\n",
                  NULL);

    world_restart(w);
    world_finish(w);
    assert_string_equal(w->outputs, "{\"n\":4}");
    world_free(w);
}

static void a_transform_is_bounded(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks:\n"
                       "  a: {transform: {l: '${{ range(1000000, 1010000) }}'}}\n"
                       "  b: {needs: [a], transform: {l: ['${{ tasks.a.outputs.l }}',"
                       " '${{ tasks.a.outputs.l }}', '${{ tasks.a.outputs.l }}',"
                       " '${{ tasks.a.outputs.l }}', '${{ tasks.a.outputs.l }}']}}\n"
                       "  c: {needs: [b], transform: {l: ['${{ tasks.b.outputs.l }}',"
                       " '${{ tasks.b.outputs.l }}', '${{ tasks.b.outputs.l }}']}}\n",
                  NULL);

    assert_string_equal(world_state(w, "b"), "succeeded");
    assert_string_equal(world_state(w, "c"), "failed");
    assert_non_null(strstr(row_of(w, "c")->message, "at most 1048576 are allowed"));
    world_free(w);
}

/* A row that no version writes makes no run wait for ever. */
static void rows_in_a_state_that_their_kind_never_has_are_refused(void **state)
{
    static const struct task_row rows[] = {
        {.node = NODE_OF(0, -1), .state = TASK_RUNNING, .items = MODEL_NULL},
        {.node = NODE_OF(1, -1), .state = TASK_SUSPENDED, .items = MODEL_NULL},
        {.node = NODE_OF(2, -1), .state = TASK_SUSPENDED, .items = MODEL_NULL},
    };

    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {a: {sleep: 30s}, b: {run: x}, c: {noop: true}}\n", NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_err err = {0};
        assert_int_equal(engine_dag.load_task(w->run, &rows[i], NULL, &err),
                         FF_CORRUPT);
        assert_non_null(strstr(err.msg, "which its kind never is"));
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sleep_is_suspended_until_it_is_due),
        cmocka_unit_test(a_restart_waits_for_the_same_time),
        cmocka_unit_test(what_became_due_meanwhile_ends_with_the_restart),
        cmocka_unit_test(no_time_at_all_does_not_suspend),
        cmocka_unit_test(until_is_a_time_of_an_expression),
        cmocka_unit_test(values_that_are_no_time_fail_the_task),
        cmocka_unit_test(an_expression_that_fails_fails_the_task),
        cmocka_unit_test(a_cancel_ends_what_waits),
        cmocka_unit_test(an_item_that_fails_ends_those_that_wait),
        cmocka_unit_test(items_behind_one_that_failed_do_not_begin),
        cmocka_unit_test(a_timer_that_comes_late_changes_nothing),
        cmocka_unit_test(a_transform_has_its_values_as_outputs),
        cmocka_unit_test(outputs_of_a_transform_are_there_after_a_restart),
        cmocka_unit_test(a_transform_is_bounded),
        cmocka_unit_test(rows_in_a_state_that_their_kind_never_has_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
