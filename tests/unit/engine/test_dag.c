/* test_dag.c - what a run does, step by step. */
#include "support.h"

#include <string.h>

#define HEAD "flowforge: 1\nname: test\n"

static void runs_tasks_in_the_order_of_their_needs(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  a: {run: x}\n"
                                     "  b: {needs: [a], run: x}\n"
                                     "  c: {needs: [a], run: x}\n"
                                     "  d: {needs: [b, c], run: x}\n",
                                NULL);

    assert_int_equal(w->offered.n, 1);
    assert_true(world_grant(w));
    assert_string_equal(world_state(w, "a"), "running");
    assert_string_equal(world_state(w, "b"), "");
    world_succeed(w, "a");
    assert_int_equal(w->offered.n, 2);
    world_grant(w);
    world_succeed(w, "b");
    assert_int_equal(w->offered.n, 0);
    world_succeed(w, "c");
    world_grant(w);
    world_succeed(w, "d");
    assert_true(w->ended);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(w->slots_out, 0);
    world_free(w);
}

static void a_failure_skips_what_needs_it_and_nothing_else(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  a: {run: x}\n"
                                     "  b: {needs: [a], run: x}\n"
                                     "  c: {needs: [b], run: x}\n"
                                     "  other: {run: x}\n",
                                NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 3, NULL);
    assert_string_equal(world_state(w, "b"), "skipped");
    assert_string_equal(world_reason(w, "b"), "upstream_failed");
    assert_string_equal(world_reason(w, "c"), "upstream_failed");
    assert_false(w->ended);
    world_succeed(w, "other");
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(w->reason, "task_failed");
    world_free(w);
}

static void a_false_if_skips_and_satisfies_those_behind(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "inputs: {go: boolean}\n"
                                     "tasks:\n"
                                     "  a: {if: inputs.go, run: x}\n"
                                     "  b: {needs: [a], run: x}\n"
                                     "  c: {needs: [a], needs_all: true, run: x}\n",
                                "{\"go\": false}");

    assert_string_equal(world_reason(w, "a"), "if_false");
    assert_string_equal(world_reason(w, "c"), "need_skipped");
    world_finish(w);
    assert_string_equal(world_state(w, "b"), "succeeded");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void an_if_that_asks_for_the_status_judges_it_itself(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks:\n"
                       "  a: {run: x}\n"
                       "  mend: {needs: [a], if: tasks.a.status == 'failed', "
                       "run: x}\n",
                  NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    world_finish(w);
    assert_string_equal(world_state(w, "mend"), "succeeded");
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void outputs_reach_those_behind(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct work work;
    struct ff_err err;
    struct world *w =
        world_new(HEAD "tasks:\n"
                       "  a: {run: x, outputs: {n: {from: file, as: json}}}\n"
                       "  b:\n"
                       "    needs: [a]\n"
                       "    env: {N: '${{ tasks.a.outputs.n + 1 }}'}\n"
                       "    stdin: 'n is ${{ tasks.a.outputs.n }}'\n"
                       "    run: x\n",
                  NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, "{\"n\": 41}");
    world_grant(w);
    assert_int_equal(
        w->run->kind->describe(w->run, world_node(w, "b"), 1, &arena, &work, &err),
        FF_OK);
    assert_string_equal(work.env[0], "N=42");
    assert_string_equal(work.input, "n is 41");
    assert_string_equal(work.argv[0], "/bin/sh");
    assert_string_equal(work.argv[3], "x");
    assert_int_equal(
        w->run->kind->describe(w->run, world_node(w, "b"), 2, &arena, &work, &err),
        FF_NOT_FOUND);
    arena_done(&arena);
    world_free(w);
}

static void a_script_file_stands_beside_the_workflow(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct work work;
    struct ff_err err;
    struct world *w = world_new(
        HEAD "tasks:\n"
             "  a: {working_dir: /elsewhere, script: {lang: python, file: x/a.py}}\n",
        NULL);

    world_grant(w);
    assert_int_equal(
        w->run->kind->describe(w->run, world_node(w, "a"), 1, &arena, &work, &err),
        FF_OK);
    assert_string_equal(work.argv[0], "python3");
    assert_string_equal(work.argv[1], "/somewhere/x/a.py");
    assert_string_equal(work.dir, "/elsewhere");
    arena_done(&arena);
    world_free(w);
}

static void an_expression_that_fails_fails_its_task_only(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "inputs: {l: list}\n"
                                     "tasks:\n"
                                     "  a: {if: 'inputs.l[3] == 1', run: x}\n"
                                     "  b: {run: x}\n",
                                "{\"l\": []}");

    assert_string_equal(world_state(w, "a"), "failed");
    assert_string_equal(world_reason(w, "a"), "expression");
    world_finish(w);
    assert_string_equal(world_state(w, "b"), "succeeded");
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void no_more_than_parallelism_are_offered(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "parallelism: 2\n"
                                     "tasks: {a: {run: x}, b: {run: x}, c: {run: x}}\n",
                                NULL);

    assert_int_equal(w->offered.n, 2);
    world_grant(w);
    world_succeed(w, "a");
    assert_int_equal(w->offered.n, 1);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void late_and_repeated_results_change_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  a: {run: x, retry: {max_attempts: 3}}\n",
                                NULL);
    const struct result ok = {.outcome = OUTCOME_SUCCEEDED};

    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    while (world_next_timer(w))
        ;
    world_grant(w);
    assert_int_equal(world_attempt(w, "a"), 2);
    world_input(w, (struct input){.type = INPUT_RESULT,
                                  .node = world_node(w, "a"),
                                  .attempt = 1,
                                  .result = &ok});
    assert_string_equal(world_state(w, "a"), "running");
    world_succeed(w, "a");
    const size_t length = w->history.len;
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    assert_int_equal(w->history.len, length);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_long_chain_of_skips_needs_no_deep_stack(void **state)
{
    (void)state;
    struct buf yaml = {0};

    buf_add_text(&yaml, HEAD "tasks:\n  t0: {run: x}\n");
    for (int i = 1; i < 20000; i++)
        buf_printf(&yaml, "  t%d: {needs: [t%d], run: x}\n", i, i - 1);
    struct world *w = world_new(buf_text(&yaml), NULL);
    world_grant(w);
    world_result(w, "t0", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_run_state(w), "failed");
    buf_done(&yaml);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_tasks_in_the_order_of_their_needs),
        cmocka_unit_test(a_failure_skips_what_needs_it_and_nothing_else),
        cmocka_unit_test(a_false_if_skips_and_satisfies_those_behind),
        cmocka_unit_test(an_if_that_asks_for_the_status_judges_it_itself),
        cmocka_unit_test(outputs_reach_those_behind),
        cmocka_unit_test(a_script_file_stands_beside_the_workflow),
        cmocka_unit_test(an_expression_that_fails_fails_its_task_only),
        cmocka_unit_test(no_more_than_parallelism_are_offered),
        cmocka_unit_test(late_and_repeated_results_change_nothing),
        cmocka_unit_test(a_long_chain_of_skips_needs_no_deep_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
