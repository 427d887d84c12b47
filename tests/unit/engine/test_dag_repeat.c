/* test_dag_repeat.c - tasks that run again when they have succeeded: how many times,
 * what an iteration sees of the one before, and that a restart between any two steps
 * changes nothing. */
#include "support.h"

#include <string.h>

#define HEAD   "flowforge: 1\nname: test\ninputs: {v: list}\ntasks:\n"
#define TASK   HEAD "  a: {run: x, outputs: {n: json}, "
#define SECOND UNITS_SECOND

static const struct stored_task *row_of(struct world *w, const char *path)
{
    const int64_t node = world_node(w, path);

    for (size_t i = 0; i < w->tasks.n; i++)
        if (w->tasks.items[i].row.node == node)
            return &w->tasks.items[i];
    fail_msg("no row of %s", path);
    return NULL;
}

static int64_t iteration_of(struct world *w, const char *path)
{
    return row_of(w, path)->row.iteration;
}

/* The running attempt of a ends well with this output. */
static void give(struct world *w, int n)
{
    char outputs[32];

    snprintf(outputs, sizeof(outputs), "{\"n\": %d}", n);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, outputs);
}

/* What the running attempt of a reads from its standard input. */
static void expect_input(struct world *w, const char *input)
{
    const int64_t node = world_node(w, "a");
    struct arena arena = {0};
    struct work work;
    struct ff_err err = {0};

    if (w->run->kind->describe(w->run, node, world_attempt(w, "a"), &arena, &work,
                               &err) != FF_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(work.input, input);
    arena_done(&arena);
}

static void it_runs_until_the_condition_holds(void **state)
{
    (void)state;
    struct world *w = world_new(TASK "repeat: {until: outputs.n >= 3, max: 9}}\n"
                                     "  b: {needs: [a], run: x}\n"
                                     "outputs: {n: '${{ tasks.a.outputs.n }}'}\n",
                                NULL);

    for (int i = 1; i <= 3; i++) {
        assert_string_equal(world_state(w, "b"), "");
        assert_true(world_grant(w));
        assert_int_equal(world_attempt(w, "a"), i);
        assert_int_equal(iteration_of(w, "a"), i);
        give(w, i);
    }
    assert_string_equal(world_state(w, "a"), "succeeded");
    assert_int_equal(iteration_of(w, "a"), 3);
    world_finish(w);
    assert_string_equal(w->outputs, "{\"n\":3}");
    assert_int_equal(w->slots_out, 0);
    world_free(w);
}

static void an_iteration_sees_its_number_and_what_the_one_before_gave(void **state)
{
    (void)state;
    struct world *w = world_new(TASK "stdin: '${{ iteration }} ${{ previous.n }}',"
                                     " repeat: {until: iteration == 3, max: 9}}\n",
                                NULL);

    world_grant(w);
    expect_input(w, "1 ");
    give(w, 7);
    world_grant(w);
    expect_input(w, "2 7");
    world_restart(w);
    expect_input(w, "2 7");
    give(w, 8);
    world_restart(w);
    world_grant(w);
    expect_input(w, "3 8");
    give(w, 9);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_string_equal(row_of(w, "a")->outputs, "{\"n\":9}");
    world_free(w);
}

static void iterations_wait_for_each_other_by_the_delay(void **state)
{
    (void)state;
    struct world *w =
        world_new(TASK "repeat: {until: outputs.n == 2, max: 9, delay: 30s}}\n", NULL);
    const int64_t begun = w->now;

    world_grant(w);
    give(w, 1);
    assert_string_equal(world_state(w, "a"), "retrying");
    assert_string_equal(world_reason(w, "a"), "repeat");
    assert_int_equal(row_of(w, "a")->row.due_at, begun + 30 * SECOND);
    assert_int_equal(iteration_of(w, "a"), 2);
    assert_false(world_grant(w));
    w->now += 10 * SECOND;
    world_restart(w);
    assert_false(world_grant(w));
    assert_true(world_next_timer(w));
    assert_int_equal(w->now, begun + 30 * SECOND);
    assert_true(world_grant(w));
    give(w, 2);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_false(world_next_timer(w));
    world_free(w);
}

static void the_last_iteration_fails_or_succeeds_as_the_file_says(void **state)
{
    (void)state;
    struct world *w = world_new(TASK "repeat: {until: 'false', max: 2}}\n", NULL);
    world_finish(w);
    assert_string_equal(world_state(w, "a"), "failed");
    assert_string_equal(world_reason(w, "a"), "repeat_max");
    assert_non_null(strstr(row_of(w, "a")->message, "false after 2 iterations"));
    assert_null(row_of(w, "a")->outputs);
    assert_int_equal(world_attempt(w, "a"), 2);
    world_free(w);

    w = world_new(TASK "repeat: {until: 'false', max: 2, on_max: succeed}}\n", NULL);
    world_grant(w);
    give(w, 1);
    world_grant(w);
    give(w, 2);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_string_equal(row_of(w, "a")->outputs, "{\"n\":2}");
    world_free(w);
}

static void a_condition_that_cannot_be_judged_fails_the_task(void **state)
{
    static const char *const bad[][2] = {
        {"inputs.v[3] == 1", "repeat.until: "},
        {"outputs.n", "repeat.until: gives no true or false"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char yaml[256];
        snprintf(yaml, sizeof(yaml), TASK "repeat: {until: '%s', max: 2}}\n",
                 bad[i][0]);
        struct world *w = world_new(yaml, "{\"v\": []}");
        world_grant(w);
        give(w, 1);
        assert_string_equal(world_state(w, "a"), "failed");
        assert_string_equal(world_reason(w, "a"), "expression");
        assert_non_null(strstr(row_of(w, "a")->message, bad[i][1]));
        assert_int_equal(world_attempt(w, "a"), 1);
        world_free(w);
    }
}

static void without_outputs_they_are_null(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "  a: {run: x, repeat: {until: outputs == null && "
                                     "previous == null && iteration == 2, max: 3}}\n",
                                NULL);

    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    world_succeed(w, "a");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void each_iteration_has_the_retries_of_its_own(void **state)
{
    (void)state;
    struct world *w = world_new(TASK "stdin: '${{ previous.n }}',"
                                     " retry: {max_attempts: 2, delay: 0s},"
                                     " repeat: {until: outputs.n == 3, max: 9}}\n",
                                NULL);

    for (int i = 1; i <= 2; i++) {
        world_grant(w);
        world_result(w, "a", OUTCOME_FAILED, 1, NULL);
        world_restart(w);
        world_grant(w);
        assert_int_equal(iteration_of(w, "a"), i);
        expect_input(w, i == 1 ? "" : "1");
        give(w, i);
        world_restart(w);
    }
    assert_int_equal(world_attempt(w, "a"), 4);
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_state(w, "a"), "failed");
    assert_string_equal(world_reason(w, "a"), "exit_code");
    assert_int_equal(world_attempt(w, "a"), 6);
    assert_null(row_of(w, "a")->outputs);
    world_free(w);
}

static void each_iteration_may_be_lost_as_often_as_a_task(void **state)
{
    (void)state;
    struct world *w =
        world_new(TASK "repeat: {until: outputs.n == 2, max: 9}}\n", NULL);

    for (int i = 1; i <= 2; i++) {
        for (int lost = 0; lost < 3; lost++) {
            world_grant(w);
            world_result(w, "a", OUTCOME_LOST, -1, NULL);
            world_restart(w);
        }
        world_grant(w);
        give(w, i);
    }
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(world_attempt(w, "a"), 8);
    world_free(w);
}

static void a_cancel_ends_the_wait_between_iterations(void **state)
{
    (void)state;
    struct world *w =
        world_new(TASK "repeat: {until: 'false', max: 9, delay: 30s}}\n", NULL);

    world_grant(w);
    give(w, 1);
    world_cancel(w, CANCEL_GRACEFUL);
    assert_string_equal(world_state(w, "a"), "cancelled");
    assert_string_equal(world_run_state(w), "cancelled");
    assert_null(row_of(w, "a")->outputs);
    assert_int_equal(w->timers.n, 0);
    world_free(w);
}

static void no_iteration_begins_once_the_run_is_cancelled(void **state)
{
    (void)state;
    struct world *w =
        world_new(TASK "repeat: {until: outputs.n == 2, max: 9}}\n", NULL);

    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    world_restart(w);
    give(w, 1);
    assert_string_equal(world_state(w, "a"), "cancelled");
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);

    w = world_new(TASK "repeat: {until: outputs.n == 2, max: 9}}\n", NULL);
    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    give(w, 2);
    assert_string_equal(world_state(w, "a"), "succeeded");
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
}

static void a_late_result_of_an_iteration_before_changes_nothing(void **state)
{
    const struct result late = {.outcome = OUTCOME_FAILED, .exit_code = 1};

    (void)state;
    struct world *w =
        world_new(TASK "repeat: {until: outputs.n == 2, max: 9}}\n", NULL);
    world_grant(w);
    give(w, 1);
    world_grant(w);
    world_input(w, (struct input){.type = INPUT_RESULT,
                                  .node = world_node(w, "a"),
                                  .attempt = 1,
                                  .result = &late});
    assert_string_equal(world_state(w, "a"), "running");
    give(w, 2);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_loop_that_failed_begins_with_its_first_iteration_again(void **state)
{
    (void)state;
    struct world *w = world_new(TASK "stdin: '${{ iteration }} ${{ previous.n }}',"
                                     " retry: {max_attempts: 2, delay: 0s},"
                                     " repeat: {until: outputs.n == 3, max: 3}}\n"
                                     "  b: {needs: [a], run: x}\n",
                                NULL);

    world_grant(w);
    give(w, 1);
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_run_state(w), "failed");
    world_reopen(w, "{\"what\": \"failed\"}");
    assert_int_equal(iteration_of(w, "a"), MODEL_NULL);
    world_restart(w);
    world_grant(w);
    assert_int_equal(world_attempt(w, "a"), 4);
    assert_int_equal(iteration_of(w, "a"), 1);
    expect_input(w, "1 ");
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    world_grant(w);
    give(w, 1);
    world_restart(w);
    world_grant(w);
    expect_input(w, "2 1");
    give(w, 2);
    world_grant(w);
    give(w, 3);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void the_history_tells_of_each_iteration(void **state)
{
    (void)state;
    struct world *w =
        world_new(TASK "repeat: {until: outputs.n == 2, max: 9, delay: 1s}}\n", NULL);

    world_grant(w);
    give(w, 1);
    world_next_timer(w);
    world_grant(w);
    give(w, 2);
    const char *history = buf_text(&w->history);
    assert_non_null(strstr(history, "{\"type\":\"task.started\",\"task\":\"a\","
                                    "\"attempt\":1,\"iteration\":1}"));
    assert_non_null(strstr(history, "{\"type\":\"task.repeating\",\"task\":\"a\","
                                    "\"attempt\":1,\"iteration\":2,\"exit_code\":0,"
                                    "\"reason\":\"repeat\",\"delay_us\":1000000}"));
    assert_non_null(strstr(history, "{\"type\":\"task.started\",\"task\":\"a\","
                                    "\"attempt\":2,\"iteration\":2}"));
    world_free(w);
}

static void under_parallelism_a_loop_keeps_its_place(void **state)
{
    (void)state;
    struct world *w = world_new("flowforge: 1\nname: test\nparallelism: 1\ntasks:\n"
                                "  a: {run: x, repeat: {until: iteration == 3, max: 9,"
                                " delay: 1s}}\n  b: {run: x}\n",
                                NULL);

    world_grant(w);
    for (int i = 0; i < 2; i++) {
        world_succeed(w, "a");
        assert_false(world_grant(w));
        world_restart(w);
        assert_false(world_grant(w));
        assert_true(world_next_timer(w));
        world_grant(w);
        assert_string_equal(world_state(w, "b"), "");
    }
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_handler_may_repeat(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "  a: {run: x}\nfinally:\n"
                       "  f: {run: x, repeat: {until: iteration == 2, max: 9}}\n",
                  NULL);

    world_finish(w);
    assert_int_equal(world_attempt(w, "f"), 2);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

/* One that has had so many attempts is set so by hand: they take their time. */
static void a_loop_ends_when_its_attempts_have_no_more_numbers(void **state)
{
    (void)state;
    struct world *w = world_new(TASK "repeat: {until: 'false', max: 10000}}\n", NULL);

    world_grant(w);
    w->tasks.items[0].row.attempt = UINT16_MAX - 1;
    world_restart(w);
    give(w, 1);
    world_grant(w);
    assert_int_equal(world_attempt(w, "a"), UINT16_MAX);
    give(w, 2);
    world_grant(w);
    assert_string_equal(world_state(w, "a"), "failed");
    assert_string_equal(world_reason(w, "a"), "attempts");
    assert_string_equal(world_run_state(w), "failed");
    assert_int_equal(w->slots_out, 0);
    world_free(w);

    w = world_new(
        HEAD "  a: {tasks: {b: {run: x}}, repeat: {until: 'false', max: 9}}\n", NULL);
    w->tasks.items[0].row.attempt = UINT16_MAX;
    world_restart(w);
    world_succeed(w, "a");
    assert_string_equal(world_reason(w, "a"), "attempts");
    world_free(w);
}

static void a_group_repeats_as_a_run_an_iteration(void **state)
{
    struct step s = {0};

    (void)state;
    struct world *w =
        world_new(HEAD "  a:\n    tasks: {b: {run: x, outputs: {n: json}}}\n"
                       "    outputs: {n: '${{ tasks.b.outputs.n }}'}\n"
                       "    repeat: {until: outputs.n == 2, max: 9,"
                       " delay: 1s}\n",
                  NULL);
    assert_int_equal(iteration_of(w, "a"), 1);
    world_restart(w);
    give(w, 1);
    assert_string_equal(world_state(w, "a"), "retrying");
    world_restart(w);
    s.now_us = w->now + SECOND;
    engine_step(w->run,
                &(struct input){.type = INPUT_TIMER,
                                .timer = TIMER_RETRY,
                                .node = world_node(w, "a")},
                &s);
    assert_int_equal(s.children.n, 1);
    const struct span scope = s.children.items[0].scope;
    char *text = mem_text_len(scope.s, scope.len);
    assert_string_equal(text, "{\"iteration\":2,\"previous\":{\"n\":1},\"tasks\":{}}");
    mem_free(text);
    step_done(&s);
    world_free(w);
}

static const char in_group[] =
    HEAD "  g:\n    repeat: {until: 'true', max: 2}\n"
         "    outputs: {n: '${{ iteration + 1 }}'}\n    tasks:\n"
         "      a: {run: x, if: iteration == 7, stdin: '${{ iteration }}"
         " ${{ previous }}'}\n"
         "      b: {run: x, if: iteration == 7 && previous == 'p',"
         " stdin: '${{ iteration }} ${{ previous }}', repeat: {until: iteration == 1,"
         " max: 2}}\n";

/* A task inside with a loop of its own sees that one, but in its `if`. */
static void a_group_hands_its_iteration_to_its_tasks(void **state)
{
    struct run_row row = {.tenant = 1,
                          .run = 7,
                          .version = 1,
                          .state = RUN_PENDING,
                          .inputs = span_of("{\"v\": []}"),
                          .scope = span_of("{\"iteration\": 7, \"previous\": \"p\"}"),
                          .started_at = 1};
    struct ff_err err = {0};
    struct arena arena = {0};
    struct work work;
    struct step s = {.now_us = SECOND};
    static const char *const inputs[] = {"7 p", "1 "};
    const struct result ok = {.outcome = OUTCOME_SUCCEEDED, .exit_code = 0};

    (void)state;
    struct plan *plan =
        plan_new(&engine_dag, in_group, strlen(in_group), span_of("g"), &err);
    assert_non_null(plan);
    struct run *r = engine_run_new(plan, &row, 0, &err);
    assert_non_null(r);
    engine_step(r, &(struct input){.type = INPUT_BEGIN}, &s);
    for (int i = 0; i < 2; i++) {
        const int64_t node = NODE_OF(i, -1);
        engine_step(r, &(struct input){.type = INPUT_GRANT, .node = node}, &s);
        if (r->kind->describe(r, node, 1, &arena, &work, &err) != FF_OK)
            fail_msg("%s", err.msg);
        assert_string_equal(work.input, inputs[i]);
        engine_step(
            r,
            &(struct input){
                .type = INPUT_RESULT, .node = node, .attempt = 1, .result = &ok},
            &s);
    }
    assert_int_equal(r->row.state, RUN_SUCCEEDED); /* its outputs too could be made */
    arena_done(&arena);
    step_done(&s);
    engine_run_free(r);
    plan_unref(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_runs_until_the_condition_holds),
        cmocka_unit_test(an_iteration_sees_its_number_and_what_the_one_before_gave),
        cmocka_unit_test(iterations_wait_for_each_other_by_the_delay),
        cmocka_unit_test(the_last_iteration_fails_or_succeeds_as_the_file_says),
        cmocka_unit_test(a_condition_that_cannot_be_judged_fails_the_task),
        cmocka_unit_test(without_outputs_they_are_null),
        cmocka_unit_test(each_iteration_has_the_retries_of_its_own),
        cmocka_unit_test(each_iteration_may_be_lost_as_often_as_a_task),
        cmocka_unit_test(a_cancel_ends_the_wait_between_iterations),
        cmocka_unit_test(no_iteration_begins_once_the_run_is_cancelled),
        cmocka_unit_test(a_late_result_of_an_iteration_before_changes_nothing),
        cmocka_unit_test(a_loop_that_failed_begins_with_its_first_iteration_again),
        cmocka_unit_test(the_history_tells_of_each_iteration),
        cmocka_unit_test(under_parallelism_a_loop_keeps_its_place),
        cmocka_unit_test(a_handler_may_repeat),
        cmocka_unit_test(a_loop_ends_when_its_attempts_have_no_more_numbers),
        cmocka_unit_test(a_group_repeats_as_a_run_an_iteration),
        cmocka_unit_test(a_group_hands_its_iteration_to_its_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
