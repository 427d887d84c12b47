/* test_dag_foreach.c - one task as many items. */
#include "support.h"

#include <string.h>

#define HEAD "flowforge: 1\nname: test\n"
#define LIST HEAD "inputs: {l: list}\ntasks:\n"

static void gathers_outputs_in_order_with_null_where_an_item_failed(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct work work;
    struct ff_err err;
    struct world *w = world_new(LIST "  work:\n"
                                     "    foreach: ${{ inputs.l }}\n"
                                     "    fail_fast: false\n"
                                     "    run: x\n"
                                     "    outputs: {score: {from: stdout, as: json}}\n"
                                     "  gather:\n"
                                     "    needs: [work]\n"
                                     "    if: tasks.work.status == 'failed'\n"
                                     "    stdin: ${{ tasks.work.outputs.score }}\n"
                                     "    run: x\n",
                                "{\"l\": [5, 6, 7]}");

    assert_int_equal(w->offered.n, 3);
    world_grant(w);
    world_result(w, "work.2", OUTCOME_SUCCEEDED, 0, "{\"score\": 70}");
    world_result(w, "work.1", OUTCOME_FAILED, 1, NULL);
    world_result(w, "work.0", OUTCOME_SUCCEEDED, 0, "{\"score\": 50}");
    assert_string_equal(world_state(w, "work"), "failed");
    assert_string_equal(world_reason(w, "work"), "item_failed");
    world_grant(w);
    assert_int_equal(
        w->run->kind->describe(w->run, world_node(w, "gather"), 1, &arena, &work, &err),
        FF_OK);
    assert_string_equal(work.input, "[50,null,70]");
    world_restart(w);
    assert_int_equal(
        w->run->kind->describe(w->run, world_node(w, "gather"), 1, &arena, &work, &err),
        FF_OK);
    assert_string_equal(work.input, "[50,null,70]");
    arena_done(&arena);
    world_free(w);
}

static void a_failed_foreach_says_which_item_and_why(void **state)
{
    (void)state;
    const struct result bad = {
        .outcome = OUTCOME_FAILED, .exit_code = 4, .message = "exit code 4: no luck"};
    struct world *w = world_new(LIST "  work: {foreach: '${{ inputs.l }}', run: x}\n",
                                "{\"l\": [5, 6, 7]}");

    world_grant(w);
    world_input(w, (struct input){.type = INPUT_RESULT,
                                  .node = world_node(w, "work.1"),
                                  .attempt = 1,
                                  .result = &bad});
    world_restart(w);
    world_result(w, "work.0", OUTCOME_CANCELLED, -1, NULL);
    world_result(w, "work.2", OUTCOME_CANCELLED, -1, NULL);
    assert_string_equal(w->message, "task work failed: item 1: exit code 4: no luck");
    world_free(w);
}

static void fail_item(struct world *w, const char *path, const char *message)
{
    const struct result bad = {
        .outcome = OUTCOME_FAILED, .exit_code = 4, .message = message};

    world_input(w, (struct input){.type = INPUT_RESULT,
                                  .node = world_node(w, path),
                                  .attempt = 1,
                                  .result = &bad});
}

/* Whatever came first, and whether or not somebody else goes on with the run. */
static void the_lowest_failed_item_speaks_for_its_foreach(void **state)
{
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        struct world *w = world_new(
            LIST "  work: {foreach: '${{ inputs.l }}', fail_fast: false, run: x}\n",
            "{\"l\": [5, 6, 7]}");

        world_grant(w);
        fail_item(w, "work.2", "two");
        fail_item(w, "work.1", "one");
        if (restart)
            world_restart(w);
        world_succeed(w, "work.0");
        assert_string_equal(w->message, "task work failed: item 1: one");
        world_free(w);
    }
}

static void an_item_sees_itself(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct work work;
    struct ff_err err;
    struct world *w =
        world_new(LIST "  work:\n"
                       "    foreach: ${{ inputs.l }}\n"
                       "    env: {ITEM: '${{ item.id }}', N: '${{ index }}'}\n"
                       "    run: x\n",
                  "{\"l\": [{\"id\": \"p\"}, {\"id\": \"q\"}]}");

    world_grant(w);
    assert_int_equal(
        w->run->kind->describe(w->run, world_node(w, "work.1"), 1, &arena, &work, &err),
        FF_OK);
    assert_string_equal(work.env[0], "ITEM=q");
    assert_string_equal(work.env[1], "N=1");
    assert_string_equal(work.path, "work.1");
    arena_done(&arena);
    world_free(w);
}

static void an_empty_list_succeeds_at_once(void **state)
{
    (void)state;
    struct world *w = world_new(LIST "  work: {foreach: '${{ inputs.l }}', run: x}\n"
                                     "  after: {needs: [work], run: x}\n",
                                "{\"l\": []}");

    assert_string_equal(world_state(w, "work"), "succeeded");
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void no_list_fails_the_task(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "inputs: {l: string}\n"
                       "tasks: {work: {foreach: '${{ inputs.l }}', run: x}}\n",
                  "{\"l\": \"abc\"}");

    assert_string_equal(world_reason(w, "work"), "expression");
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void max_parallel_bounds_what_is_offered(void **state)
{
    (void)state;
    struct world *w = world_new(
        LIST "  work: {foreach: '${{ inputs.l }}', max_parallel: 2, run: x}\n",
        "{\"l\": [1,2,3,4,5]}");

    for (int i = 0; i < 5; i++) {
        char path[32];
        world_grant(w);
        assert_true(world_running(w) <= 2);
        snprintf(path, sizeof(path), "work.%d", i);
        world_succeed(w, path);
    }
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void fail_fast_stops_the_others(void **state)
{
    (void)state;
    struct world *w = world_new(
        LIST "  work: {foreach: '${{ inputs.l }}', max_parallel: 3, run: x}\n",
        "{\"l\": [1,2,3,4,5]}");

    world_grant_one(w);
    world_grant_one(w);
    world_result(w, "work.0", OUTCOME_FAILED, 1, NULL);
    assert_int_equal(w->offered.n, 0); /* the third was retracted */
    assert_int_equal(w->stopped.n, 1);
    assert_string_equal(world_state(w, "work.2"), "cancelled");
    world_result(w, "work.1", OUTCOME_CANCELLED, -1, NULL);
    assert_string_equal(world_state(w, "work"), "failed");
    assert_string_equal(world_state(w, "work.4"), "");
    assert_true(w->ended);
    world_free(w);
}

static void a_restart_during_fail_fast_goes_on_stopping(void **state)
{
    (void)state;
    struct world *w = world_new(
        LIST "  work: {foreach: '${{ inputs.l }}', max_parallel: 2, run: x}\n",
        "{\"l\": [1,2,3]}");

    world_grant(w);
    world_result(w, "work.0", OUTCOME_FAILED, 1, NULL);
    world_restart(w);
    assert_int_equal(w->adopted.n, 1);
    assert_int_equal(w->stopped.n, 1);
    assert_int_equal(w->offered.n, 0);
    world_result(w, "work.1", OUTCOME_CANCELLED, -1, NULL);
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void a_restart_offers_the_items_that_have_not_begun(void **state)
{
    (void)state;
    struct world *w = world_new(
        LIST "  work: {foreach: '${{ inputs.l }}', max_parallel: 2, run: x}\n",
        "{\"l\": [1,2,3,4]}");

    world_grant(w);
    world_succeed(w, "work.1");
    world_restart(w);
    assert_int_equal(w->adopted.n, 1);
    assert_int_equal(w->offered.n, 1); /* one of two places is taken */
    world_succeed(w, "work.0");
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(world_attempt(w, "work.3"), 1);
    world_free(w);
}

static void ends_after_a_restart_when_its_last_items_run(void **state)
{
    (void)state;
    struct world *w = world_new(
        LIST "  work: {foreach: '${{ inputs.l }}', max_parallel: 1, run: x}\n",
        "{\"l\": [1,2]}");

    world_grant(w);
    world_succeed(w, "work.0");
    world_grant(w);
    world_restart(w); /* each item has its row, and no more may be offered */
    world_succeed(w, "work.1");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_hundred_thousand_items_end(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {work: {foreach: '${{ range(100000) }}', "
                                     "run: x}}\n",
                                NULL);

    assert_int_equal(w->offered.n, 100000);
    for (int64_t i = 0; i < 100000; i++) {
        const struct result ok = {.outcome = OUTCOME_SUCCEEDED,
                                  .exit_code = MODEL_NULL};
        const int64_t node = NODE_OF(0, i);
        struct step s = {.now_us = w->now};
        engine_step(w->run, &(struct input){.type = INPUT_GRANT, .node = node}, &s);
        engine_step(
            w->run,
            &(struct input){
                .type = INPUT_RESULT, .node = node, .attempt = 1, .result = &ok},
            &s);
        step_done(&s);
    }
    assert_int_equal(w->run->row.state, RUN_SUCCEEDED);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gathers_outputs_in_order_with_null_where_an_item_failed),
        cmocka_unit_test(a_failed_foreach_says_which_item_and_why),
        cmocka_unit_test(the_lowest_failed_item_speaks_for_its_foreach),
        cmocka_unit_test(an_item_sees_itself),
        cmocka_unit_test(an_empty_list_succeeds_at_once),
        cmocka_unit_test(no_list_fails_the_task),
        cmocka_unit_test(max_parallel_bounds_what_is_offered),
        cmocka_unit_test(fail_fast_stops_the_others),
        cmocka_unit_test(a_restart_during_fail_fast_goes_on_stopping),
        cmocka_unit_test(a_restart_offers_the_items_that_have_not_begun),
        cmocka_unit_test(ends_after_a_restart_when_its_last_items_run),
        cmocka_unit_test(a_hundred_thousand_items_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
