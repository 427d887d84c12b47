/* test_dag_needs.c - which needs let a task run: formulas, continue_on_error, and what
 * they mean for those behind and for the run's result; each also after a restart. */
#include "support.h"

#include <string.h>

#define HEAD "flowforge: 1\nname: test\n"

/* How `a` ends, besides by an outcome. */
enum end { GOOD, BAD, SKIPPED, BLOCKED, GONE };

/* Leads task a to its end; the file has a task w before it. */
static void end_a(struct world *w, enum end end)
{
    if (end == GONE) {
        world_grant(w);
        world_cancel(w, CANCEL_GRACEFUL);
        world_result(w, "a", OUTCOME_CANCELLED, -1, NULL);
        return;
    }
    world_grant(w);
    if (end == GOOD || end == BAD)
        world_result(w, "a", end == GOOD ? OUTCOME_SUCCEEDED : OUTCOME_FAILED, 1, NULL);
    if (end == BLOCKED)
        world_result(w, "w", OUTCOME_FAILED, 1, NULL);
}

/* State and reason of z, "" where it has no row: it may run. */
static void verdict(const char *needs, enum end end, const char *more, char out[64])
{
    struct buf b = {0};
    const char *a = end == SKIPPED   ? ", if: \"false\""
                    : end == BLOCKED ? ", needs: [w]"
                                     : "";

    buf_printf(&b,
               HEAD "tasks:\n  w: {run: x}\n  a: {run: x%s%s}\n  b: {noop: true}\n"
                    "  z: {run: x, needs: %s}\n",
               a, more, needs);
    struct world *w = world_new(buf_text(&b), NULL);
    end_a(w, end);
    snprintf(out, 64, "%s %s", world_state(w, "z"), world_reason(w, "z"));
    /* What is not stored must come out the same again. */
    world_restart(w);
    char again[64];
    snprintf(again, sizeof(again), "%s %s", world_state(w, "z"), world_reason(w, "z"));
    assert_string_equal(out, again);
    world_free(w);
    buf_done(&b);
}

#define FALSE_  "skipped needs_false"
#define BLOCKS_ "skipped upstream_failed"

static void each_word_asks_for_its_end(void **state)
{
    static const struct {
        const char *needs;
        enum end end;
        const char *verdict;
    } cases[] = {
        {"a.ok", GOOD, ""},
        {"a.ok", SKIPPED, ""},
        {"a.ok", BAD, BLOCKS_},
        {"a.ok", BLOCKED, BLOCKS_},
        {"a.succeeded", GOOD, ""},
        {"a.succeeded", SKIPPED, FALSE_},
        {"a.succeeded", BAD, BLOCKS_},
        {"a.failed", GOOD, FALSE_},
        {"a.failed", BAD, ""},
        {"a.skipped", SKIPPED, ""},
        {"a.skipped", BLOCKED, ""},
        {"a.skipped", GOOD, FALSE_},
        {"a.done", BAD, ""},
        {"a.done", GOOD, ""},
        {"a.cancelled", BAD, BLOCKS_},
        {"\"!a\"", BAD, ""},
        {"\"!a\"", GOOD, FALSE_},
        {"\"a && a.failed\"", BAD, BLOCKS_},
        {"\"a || a.failed\"", BAD, ""},
        {"\"a || a.failed\"", GOOD, ""},
        {"\"!(a.skipped || a.cancelled) && a\"", GOOD, ""},
        {"[a.failed]", GOOD, FALSE_},
        {"a.ok", GONE, "cancelled cancelled"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char got[64];

        verdict(cases[i].needs, cases[i].end, "", got);
        if (strncmp(got, cases[i].verdict, strlen(cases[i].verdict)) != 0 ||
            (!cases[i].verdict[0] && strncmp(got, "skipped", 7) == 0))
            fail_msg("%s, end %d: %s instead of %s", cases[i].needs, cases[i].end, got,
                     cases[i].verdict);
    }
}

static void a_forgiven_failure_is_ok_and_still_a_failure(void **state)
{
    static const char *const runs[] = {"a", "[a]", "a.ok", "a.failed",
                                       "\"!a.succeeded\""};
    char got[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(runs); i++) {
        verdict(runs[i], BAD, ", continue_on_error: true", got);
        if (strncmp(got, "skipped", 7) == 0)
            fail_msg("%s: %s", runs[i], got);
    }
    verdict("a.succeeded", BAD, ", continue_on_error: true", got);
    assert_string_equal(got, FALSE_);
}

static void the_run_ignores_a_forgiven_failure(void **state)
{
    struct world *w =
        world_new(HEAD "tasks:\n"
                       "  a: {run: x, continue_on_error: true, outputs: {n: json}}\n"
                       "  f: {foreach: [1, 2], run: x, continue_on_error: true}\n"
                       "  b: {needs: [a, f], run: x}\n"
                       "finally: {h: {run: x, continue_on_error: true}}\n"
                       "outputs: {n: \"${{ tasks.a.outputs.n }}\","
                       " was: \"${{ tasks.a.status }}\"}\n",
                  NULL);

    (void)state;
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    world_result(w, "f.0", OUTCOME_FAILED, 1, NULL);
    world_result(w, "f.1", OUTCOME_CANCELLED, -1, NULL);
    assert_string_equal(world_state(w, "a"), "failed");
    assert_string_equal(world_state(w, "f"), "failed");
    world_restart(w);
    world_grant(w);
    world_succeed(w, "b");
    world_grant(w);
    world_result(w, "h", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_string_equal(w->outputs, "{\"n\":null,\"was\":\"failed\"}");
    world_free(w);
}

static void
a_failure_that_another_task_reacts_to_fails_the_run_all_the_same(void **state)
{
    struct world *w = world_new(HEAD "tasks:\n  a: {run: x}\n"
                                     "  rescue: {needs: a.failed, run: x}\n"
                                     "  after: {needs: [rescue], run: x}\n",
                                NULL);

    (void)state;
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    world_restart(w);
    world_finish(w);
    assert_string_equal(world_state(w, "after"), "succeeded");
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(w->message, "task a failed");
    world_free(w);
}

static void those_behind_a_false_formula_run_unless_something_went_wrong(void **state)
{
    static const char yaml[] = HEAD "tasks:\n  a: {run: x}\n"
                                    "  z: {needs: a.failed, run: x}\n"
                                    "  y: {needs: a.skipped, run: x}\n"
                                    "  behind_z: {needs: [z], run: x}\n"
                                    "  behind_y: {needs: [y], run: x}\n";
    struct world *w = world_new(yaml, NULL);

    (void)state;
    world_grant(w);
    world_succeed(w, "a");
    assert_string_equal(world_reason(w, "z"), "needs_false");
    world_restart(w);
    world_finish(w);
    assert_string_equal(world_state(w, "behind_z"), "succeeded");
    assert_string_equal(world_state(w, "behind_y"), "succeeded");
    world_free(w);

    w = world_new(yaml, NULL);
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    world_restart(w);
    world_finish(w);
    assert_string_equal(world_reason(w, "y"), "upstream_failed");
    assert_string_equal(world_reason(w, "behind_y"), "upstream_failed");
    assert_string_equal(world_state(w, "behind_z"), "succeeded");
    world_free(w);
}

static void a_formula_waits_for_all_that_it_names_and_then_if_decides(void **state)
{
    struct world *w = world_new(HEAD "tasks:\n  a: {run: x}\n  b: {run: x}\n"
                                     "  z: {needs: 'a || b', run: x,\n"
                                     "      if: tasks.b.status == 'failed'}\n",
                                NULL);

    (void)state;
    world_grant(w);
    world_succeed(w, "a");
    assert_int_equal(w->offered.n, 0);
    world_restart(w);
    world_result(w, "b", OUTCOME_FAILED, 1, NULL);
    world_grant(w);
    world_succeed(w, "z");
    assert_string_equal(world_state(w, "z"), "succeeded");
    world_free(w);
}

static void handlers_of_a_task_follow_it_and_do_not_handle_its_failure(void **state)
{
    static const char yaml[] =
        HEAD "tasks:\n"
             "  a:\n    run: x\n"
             "    on_success: {good: {run: x}}\n"
             "    on_failure: [{id: bad, run: x}, {id: bad_too, run: x}]\n"
             "    finally: {last: {run: x}}\n"
             "  behind: {needs: [a], run: x}\n";
    struct world *w = world_new(yaml, NULL);

    (void)state;
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_state(w, "good"), "skipped");
    assert_string_equal(world_state(w, "behind"), "skipped");
    world_restart(w);
    world_grant(w);
    assert_string_equal(world_state(w, "bad"), "running");
    assert_string_equal(world_state(w, "bad_too"), "");
    world_result(w, "bad", OUTCOME_FAILED, 1, NULL);
    world_restart(w);
    world_finish(w);
    assert_string_equal(world_state(w, "bad_too"), "succeeded");
    assert_string_equal(world_state(w, "last"), "succeeded");
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);

    w = world_new(yaml, NULL);
    world_finish(w);
    assert_string_equal(world_state(w, "good"), "succeeded");
    assert_string_equal(world_state(w, "bad"), "skipped");
    assert_string_equal(world_state(w, "last"), "succeeded");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

#define ROUTE                                                                          \
    HEAD "inputs: {n: integer}\ntasks:\n"                                              \
         "  a: {run: x, outputs: {m: json}}\n"                                         \
         "  route:\n    needs: [a]\n    switch:\n"                                     \
         "      - {case: large, when: inputs.n / tasks.a.outputs.m > 100}\n"           \
         "      - {case: even, when: inputs.n %% 2 == 0}\n%s"                          \
         "  big: {needs: route.large, run: x}\n"                                       \
         "  small: {needs: \"route.even || route.rest\", run: x}\n"                    \
         "  join: {needs: [big, small], run: x}\n"                                     \
         "outputs: {taken: '${{ tasks.route.outputs.case }}'}\n"

/* Of the file with a third case, "rest" or one that is never true. */
static void route(int n, int m, bool rest, const char *big, const char *small,
                  const char *outputs)
{
    char yaml[1024], inputs[32], made[32];

    snprintf(yaml, sizeof(yaml), ROUTE,
             rest ? "      - {case: rest}\n" : "      - {case: rest, when: false}\n");
    snprintf(inputs, sizeof(inputs), "{\"n\": %d}", n);
    snprintf(made, sizeof(made), "{\"m\": %d}", m);
    struct world *w = world_new(yaml, inputs);
    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, made);
    assert_int_equal(world_attempt(w, "route"), 1);
    world_restart(w);
    world_finish(w);
    assert_string_equal(world_state(w, "big"), big);
    assert_string_equal(world_state(w, "small"), small);
    if (strcmp(small, "skipped") == 0 && m > 0)
        assert_string_equal(world_reason(w, "small"), "needs_false");
    assert_string_equal(w->outputs, outputs);
    assert_string_equal(world_state(w, "join"), m > 0 ? "succeeded" : "skipped");
    if (m == 0)
        assert_non_null(strstr(w->message, "task route failed: case large: "));
    world_free(w);
}

static void a_switch_takes_the_first_case_that_is_true(void **state)
{
    (void)state;
    route(1000, 2, true, "succeeded", "skipped", "{\"taken\":\"large\"}");
    route(10, 2, true, "skipped", "succeeded", "{\"taken\":\"even\"}");
    route(11, 2, true, "skipped", "succeeded", "{\"taken\":\"rest\"}");
    route(11, 2, false, "skipped", "skipped", "{\"taken\":null}");
    route(11, 0, true, "skipped", "skipped", "{\"taken\":null}");
}

/* As if an engine had died in the middle of one: none of ours does. */
static void a_switch_that_was_not_over_is_entered_or_stopped(void **state)
{
    for (int cancelled = 0; cancelled <= 1; cancelled++) {
        struct world *w = world_new(
            HEAD "tasks: {a: {run: x}, s: {needs: [a], switch: [{case: c}]}}\n", NULL);
        const struct flow *f = w->plan->data;

        world_grant(w);
        struct flow_work *work = (struct flow_work *)(uintptr_t)f->tasks[0].work;
        work->kind = FLOW_SWITCH;
        work->choice = f->tasks[1].work->choice;
        if (cancelled)
            world_cancel(w, CANCEL_GRACEFUL);
        world_restart(w);
        assert_string_equal(world_state(w, "a"), cancelled ? "cancelled" : "succeeded");
        world_free(w);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_word_asks_for_its_end),
        cmocka_unit_test(a_forgiven_failure_is_ok_and_still_a_failure),
        cmocka_unit_test(the_run_ignores_a_forgiven_failure),
        cmocka_unit_test(
            a_failure_that_another_task_reacts_to_fails_the_run_all_the_same),
        cmocka_unit_test(those_behind_a_false_formula_run_unless_something_went_wrong),
        cmocka_unit_test(a_formula_waits_for_all_that_it_names_and_then_if_decides),
        cmocka_unit_test(a_switch_takes_the_first_case_that_is_true),
        cmocka_unit_test(a_switch_that_was_not_over_is_entered_or_stopped),
        cmocka_unit_test(handlers_of_a_task_follow_it_and_do_not_handle_its_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
