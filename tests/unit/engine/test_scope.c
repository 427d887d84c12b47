/* test_scope.c - what expressions see of a run, asked through conditions and outputs.
 */
#include "engine/dag_priv.h"
#include "support.h"

#include <string.h>

#define HEAD   "flowforge: 1\nname: test\n"
#define SECOND UNITS_SECOND

/* Did task b, behind a, run under this condition? */
static bool runs_if(const char *condition, const char *env, enum outcome of_a)
{
    struct buf b = {0};

    buf_printf(&b,
               HEAD "%stasks:\n  a: {run: x, outputs: {n: json}}\n"
                    "  b: {needs: [a], run: x, if: \"%s\"}\n",
               env, condition);
    struct world *w = world_new(buf_text(&b), NULL);
    buf_done(&b);
    world_grant(w);
    struct result result = {.outcome = of_a,
                            .exit_code = of_a == OUTCOME_SUCCEEDED ? 0 : 3,
                            .message = "said why",
                            .outputs = json_pack("{si}", "n", 4)};
    world_input(w, (struct input){.type = INPUT_RESULT,
                                  .node = world_node(w, "a"),
                                  .attempt = 1,
                                  .result = &result});
    json_decref(result.outputs);
    const bool runs = w->offered.n == 1;
    if (!runs)
        assert_string_equal(world_reason(w, "b"), "if_false");
    world_free(w);
    return runs;
}

static void a_condition_sees_all_of_the_task_before(void **state)
{
    (void)state;
    const enum outcome failed = OUTCOME_FAILED;

    assert_true(runs_if("tasks.a.outputs.n == 4 && tasks.a.attempts == 1", "",
                        OUTCOME_SUCCEEDED));
    assert_true(runs_if("tasks.a.status == 'failed' && tasks.a.exit_code == 3 && "
                        "tasks.a.message == 'said why'",
                        "", failed));
    assert_false(runs_if("tasks.a.status == 'succeeded'", "", failed));
}

static void a_condition_sees_variables_that_are_constants(void **state)
{
    (void)state;
    static const char env[] =
        "env: {MODE: fast, NAME: '${{ run.name }}', OTHER: slow}\n";

    assert_true(
        runs_if("env.MODE == 'fast' && env.OTHER == 'slow'", env, OUTCOME_SUCCEEDED));
    assert_false(runs_if("env.MODE == 'slow'", env, OUTCOME_SUCCEEDED));
}

static void a_condition_sees_vars(void **state)
{
    (void)state;
    assert_true(
        runs_if("vars.mode == 'fast'", "vars: {mode: fast}\n", OUTCOME_SUCCEEDED));
    assert_false(
        runs_if("vars.mode == 'slow'", "vars: {mode: fast}\n", OUTCOME_SUCCEEDED));
}

static void the_status_of_a_run_is_what_it_came_to_once_handlers_run(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD
        "tasks:\n  a: {run: x, if: \"run.status == 'running'\"}\n"
        "finally:\n"
        "  bad: {run: x, if: \"run.status == 'failed'\"}\n"
        "  good: {run: x, if: \"run.status == 'succeeded' && run.name == 'test' && "
        "workflow.name == 'test' && run.started_at != ''\"}\n",
        NULL);

    world_finish(w);
    assert_string_equal(world_state(w, "a"), "succeeded");
    assert_string_equal(world_state(w, "bad"), "skipped");
    assert_string_equal(world_state(w, "good"), "succeeded");
    world_free(w);
}

static void a_row_without_its_start_gives_an_empty_time(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks:\n  a: {run: x}\n"
                       "  b: {needs: [a], run: x, if: \"run.started_at == ''\"}\n",
                  NULL);

    w->row.started_at = MODEL_NULL; /* damaged: it is running */
    world_grant(w);
    world_restart(w);
    world_finish(w);
    assert_string_equal(world_state(w, "b"), "succeeded");
    world_free(w);
}

static void a_mistake_of_types_says_what_to_write(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "inputs: {t: string}\ntasks:\n"
                                     "  a: {run: x, if: \"inputs.t + 1 == 'x'\"}\n",
                                "{\"t\": \"x\"}");

    assert_string_equal(world_reason(w, "a"), "expression");
    assert_non_null(strstr(w->tasks.items[0].message, "; string()"));
    world_free(w);
}

static void a_condition_must_be_true_or_false(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "inputs: {n: integer}\ntasks:\n"
                                     "  a: {run: x, if: inputs.n}\n",
                                "{\"n\": 1}");

    assert_string_equal(world_reason(w, "a"), "expression");
    assert_string_equal(w->tasks.items[0].message, "if: gives no true or false");
    world_free(w);
}

static void a_list_in_the_file_has_expressions_at_any_depth(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct work work;
    struct ff_err err;
    struct world *w =
        world_new(HEAD "inputs: {n: integer, l: list}\ntasks:\n"
                       "  a:\n"
                       "    foreach: [{k: ['${{ inputs.n + 1 }}', b], c: d}, 2]\n"
                       "    run: x\n"
                       "    stdin: ${{ item }}\n"
                       "  bad: {foreach: [[1, '${{ inputs.l[7] }}']], run: x}\n",
                  "{\"n\": 4, \"l\": []}");

    assert_string_equal(world_state(w, "bad"), "failed");
    world_grant(w);
    assert_int_equal(
        w->run->kind->describe(w->run, world_node(w, "a.0"), 1, &arena, &work, &err),
        FF_OK);
    assert_string_equal(work.input, "{\"k\":[5,\"b\"],\"c\":\"d\"}");
    arena_done(&arena);
    world_free(w);
}

static void a_foreach_takes_lists_of_no_more_than_a_million(void **state)
{
    (void)state;
    static const struct {
        const char *list, *says;
    } cases[] = {
        {"range(1000001)", "foreach: 1000001 items, at most 1000000 are allowed"},
        {"inputs.t", "foreach: gives no list"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf b = {0};
        buf_printf(&b,
                   HEAD "inputs: {t: string}\ntasks:\n"
                        "  a: {run: x, foreach: '${{ %s }}'}\n",
                   cases[i].list);
        struct world *w = world_new(buf_text(&b), "{\"t\": \"x\"}");
        assert_string_equal(world_state(w, "a"), "failed");
        assert_string_equal(w->tasks.items[0].message, cases[i].says);
        world_free(w);
        buf_done(&b);
    }
}

static void a_scheduled_run_sees_what_started_it(void **state)
{
    (void)state;
    for (int scheduled = 0; scheduled < 2; scheduled++) {
        struct world *w = world_new(
            HEAD "tasks:\n"
                 "  a: {run: x}\n"
                 "  b: {needs: [a], run: x, if: \"run.schedule == 'w.cron' && "
                 "run.nominal_at == '1970-01-01T00:00:05.000000Z' && event.n == 3\"}\n"
                 "  c: {needs: [a], run: x, if: \"run.schedule == null && "
                 "run.nominal_at == null && event == null\"}\n",
            NULL);
        if (scheduled) {
            w->run->row.schedule = span_of("w.cron");
            w->run->row.nominal_at = 5 * UNITS_SECOND;
            w->run->row.event = span_of("{\"n\": 3}");
        }
        world_grant(w);
        struct result result = {.outcome = OUTCOME_SUCCEEDED};
        world_input(w, (struct input){.type = INPUT_RESULT,
                                      .node = world_node(w, "a"),
                                      .attempt = 1,
                                      .result = &result});
        /* what its condition does not let run is skipped at once */
        assert_string_equal(world_state(w, scheduled ? "c" : "b"), "skipped");
        assert_int_equal(w->offered.n, 1);
        world_free(w);
    }
}

static void names_that_no_scope_has_are_absent(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n", NULL);
    struct dag_scope sc;

    dag_scope_init(&sc, w->run, NULL, -1, 0, w->now);
    assert_null(sc.scope.lookup(sc.scope.arg, "nobody"));
    assert_null(sc.scope.lookup(sc.scope.arg, "tasks")); /* before anybody asked */
    json_t *run = sc.scope.lookup(sc.scope.arg, "run");
    assert_non_null(run);
    assert_ptr_equal(sc.scope.lookup(sc.scope.arg, "run"), run); /* made once */
    dag_scope_done(&sc);
    world_free(w);
}

static void outputs_that_fail_fail_a_run_that_had_gone_well(void **state)
{
    (void)state;
    static const char yaml[] = HEAD "tasks: {a: {run: x, outputs: {n: json}}}\n"
                                    "outputs:\n"
                                    "  good: ${{ tasks.a.status }}\n"
                                    "  first: ${{ tasks.a.outputs.n + 'x' }}\n"
                                    "  second: ${{ tasks.a.outputs.n + 'y' }}\n";
    struct world *w = world_new(yaml, NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, "{\"n\": []}");
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(w->reason, "expression");
    assert_int_equal(strncmp(w->message, "outputs.first: ", 15), 0);
    assert_string_equal(w->outputs,
                        "{\"good\":\"succeeded\",\"first\":null,\"second\":null}");
    world_free(w);

    w = world_new(yaml, NULL);
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(w->reason, "task_failed"); /* the first cause stays */
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_condition_sees_all_of_the_task_before),
        cmocka_unit_test(a_condition_sees_variables_that_are_constants),
        cmocka_unit_test(a_condition_sees_vars),
        cmocka_unit_test(the_status_of_a_run_is_what_it_came_to_once_handlers_run),
        cmocka_unit_test(a_row_without_its_start_gives_an_empty_time),
        cmocka_unit_test(a_mistake_of_types_says_what_to_write),
        cmocka_unit_test(a_condition_must_be_true_or_false),
        cmocka_unit_test(a_list_in_the_file_has_expressions_at_any_depth),
        cmocka_unit_test(a_foreach_takes_lists_of_no_more_than_a_million),
        cmocka_unit_test(a_scheduled_run_sees_what_started_it),
        cmocka_unit_test(names_that_no_scope_has_are_absent),
        cmocka_unit_test(outputs_that_fail_fail_a_run_that_had_gone_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
