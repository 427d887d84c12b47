/* test_dag_end.c - retries, timeouts, cancels, handlers, and how a run ends. */
#include "support.h"

#include <string.h>

#define HEAD "flowforge: 1\nname: test\n"
#define HANDLERS                                                                       \
    "on_success: [{id: good, run: x}]\n"                                               \
    "on_failure: [{id: bad, run: x}]\n"                                                \
    "on_cancel: [{id: gone, run: x}]\n"                                                \
    "finally: [{id: clean, run: x}, {id: sweep, run: x}]\n"

/* --- retries --- */

static void retries_with_growing_delays_up_to_max_attempts(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks:\n"
                       "  a: {run: x, retry: {max_attempts: 4, delay: 2s, "
                       "backoff: exponential, factor: 3, max_delay: 10s}}\n",
                  NULL);
    const int64_t delays[] = {2, 6, 10};

    for (size_t i = 0; i < 3; i++) {
        const int64_t before = w->now;
        world_grant(w);
        world_result(w, "a", OUTCOME_FAILED, 1, NULL);
        assert_string_equal(world_state(w, "a"), "retrying");
        assert_int_equal(w->slots_out, 0); /* waiting holds no slot */
        assert_true(world_next_timer(w));
        assert_int_equal(w->now - before, delays[i] * UNITS_SECOND);
    }
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_state(w, "a"), "failed");
    assert_int_equal(world_attempt(w, "a"), 4);
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void retries_only_the_exit_codes_it_names(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  a: {run: x, retry: {max_attempts: 5, "
                                     "exit_codes: [75]}}\n",
                                NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 75, NULL);
    assert_string_equal(world_state(w, "a"), "retrying");
    while (world_next_timer(w))
        ;
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_state(w, "a"), "failed");
    world_free(w);
}

static void jitter_is_the_same_after_a_restart(void **state)
{
    (void)state;
    const char *yaml = HEAD "tasks: {a: {run: x, retry: {max_attempts: 2, delay: 100s, "
                            "jitter: 0.5}}}\n";
    int64_t at[2];

    for (int i = 0; i < 2; i++) {
        struct world *w = world_new(yaml, NULL);
        world_grant(w);
        world_result(w, "a", OUTCOME_FAILED, 1, NULL);
        if (i == 1)
            world_restart(w);
        assert_int_equal(w->timers.n, 1);
        at[i] = w->timers.items[0].at - w->now;
        assert_in_range(at[i], 50 * UNITS_SECOND, 150 * UNITS_SECOND);
        world_free(w);
    }
    assert_int_equal(at[0], at[1]);
}

static void lost_attempts_start_again_without_a_retry_but_not_for_ever(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n", NULL);

    for (int i = 0; i < 3; i++) {
        world_grant(w);
        world_result(w, "a", OUTCOME_LOST, -1, NULL);
        assert_false(w->ended);
    }
    world_grant(w);
    assert_int_equal(world_attempt(w, "a"), 4);
    world_result(w, "a", OUTCOME_LOST, -1, NULL);
    assert_string_equal(world_reason(w, "a"), "lost");
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void one_attempt_means_one_attempt_even_when_it_is_lost(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {a: {run: x, retry: {max_attempts: 1}}}\n", NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_LOST, -1, NULL);
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void a_message_goes_with_the_attempt_that_said_it(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct work work;
    struct ff_err err;
    const struct result bad = {
        .outcome = OUTCOME_FAILED, .exit_code = 4, .message = "exit code 4"};
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  a: {run: x, retry: {delay: 0s}}\n"
                                     "  b: {needs: [a], run: x, stdin: "
                                     "'${{ tasks.a.message == null }}'}\n",
                                NULL);

    world_grant(w);
    world_input(w, (struct input){.type = INPUT_RESULT,
                                  .node = world_node(w, "a"),
                                  .attempt = 1,
                                  .result = &bad});
    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    assert_int_equal(
        w->run->kind->describe(w->run, world_node(w, "b"), 1, &arena, &work, &err),
        FF_OK);
    assert_string_equal(work.input, "true"); /* as it is after a restart */
    arena_done(&arena);
    world_free(w);
}

static void waiting_too_long_for_a_slot_fails(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x, queue_timeout: 5s}}\n", NULL);

    assert_true(world_next_timer(w));
    assert_string_equal(world_reason(w, "a"), "queue_timeout");
    assert_int_equal(w->offered.n, 0);
    assert_true(w->ended);
    world_free(w);
}

static int64_t queue_timeout_of(const struct world *w, int64_t node)
{
    return world_timer_at(w, node, TIMER_QUEUE);
}

/* Tasks that wait have no row: when they began to follows from those before them. */
static void a_restart_does_not_begin_queue_timeout_anew(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks:\n"
             "  a: {run: x}\n"
             "  b: {run: x, queue_timeout: 5s}\n"
             "  c: {needs: [a], run: x, queue_timeout: 5s}\n"
             "  d: {needs: [a], foreach: [1, 2], run: x, queue_timeout: 5s}\n",
        NULL);
    int64_t due[4];

    world_grant_one(w);
    w->now += 1000;
    world_succeed(w, "a");
    const int64_t nodes[] = {world_node(w, "b"), world_node(w, "c"),
                             world_node(w, "d.0"), world_node(w, "d.1")};
    for (size_t i = 0; i < 4; i++) {
        due[i] = queue_timeout_of(w, nodes[i]);
        assert_true(due[i] > 0);
    }
    assert_true(due[1] > due[0]);
    w->now += UNITS_SECOND;
    world_restart(w);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(queue_timeout_of(w, nodes[i]), due[i]);
    world_free(w);
}

static void a_restart_does_not_begin_the_queue_timeout_of_a_handler_anew(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n"
                                     "finally: [{id: f, run: x, queue_timeout: 5s}]\n",
                                NULL);

    world_grant(w);
    w->now += 1000;
    world_succeed(w, "a");
    const int64_t node = world_node(w, "f");
    const int64_t due = queue_timeout_of(w, node);
    assert_true(due > 0);
    w->now += UNITS_SECOND;
    world_restart(w);
    assert_int_equal(queue_timeout_of(w, node), due);
    world_free(w);
}

static void a_retry_that_was_due_while_nobody_led_waits_since_then(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x, queue_timeout: 5s, retry: "
                                     "{max_attempts: 2, delay: 1s}}}\n",
                                NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    const int64_t due = w->now + UNITS_SECOND;
    w->now += 3 * UNITS_SECOND;
    world_restart(w);
    assert_int_equal(w->offered.n, 1);
    assert_int_equal(queue_timeout_of(w, world_node(w, "a")), due + 5 * UNITS_SECOND);
    world_free(w);
}

/* --- handlers --- */

static void success_runs_on_success_then_finally_one_by_one(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n" HANDLERS, NULL);
    static const char *const order[] = {"a", "good", "clean", "sweep"};

    for (size_t i = 0; i < 4; i++) {
        assert_false(w->ended);
        world_grant(w);
        assert_int_equal(world_running(w), 1);
        world_succeed(w, order[i]);
    }
    assert_true(w->ended);
    assert_string_equal(world_state(w, "bad"), "");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void failure_runs_on_failure_and_stays_a_failure(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n" HANDLERS, NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    world_finish(w);
    assert_string_equal(world_state(w, "bad"), "succeeded");
    assert_string_equal(world_state(w, "sweep"), "succeeded");
    assert_string_equal(world_state(w, "good"), "");
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(w->reason, "task_failed");
    world_free(w);
}

static void a_failing_handler_fails_a_run_but_not_what_follows(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n" HANDLERS, NULL);

    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    world_result(w, "good", OUTCOME_FAILED, 1, NULL);
    world_grant(w);
    world_result(w, "clean", OUTCOME_FAILED, 1, NULL);
    world_finish(w);
    assert_string_equal(world_state(w, "sweep"), "succeeded");
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(w->reason, "handler_failed");
    world_free(w);
}

/* --- cancels --- */

static void cancel_stops_what_runs_and_runs_on_cancel(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {a: {run: x}, b: {needs: [a], run: x}}\n" HANDLERS, NULL);

    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    assert_string_equal(world_run_state(w), "cancelling");
    assert_int_equal(w->stopped.n, 1);
    assert_string_equal(world_state(w, "b"), "cancelled");
    world_result(w, "a", OUTCOME_FAILED, 143, NULL);
    assert_string_equal(world_state(w, "a"), "cancelled");
    world_finish(w);
    assert_string_equal(world_state(w, "gone"), "succeeded");
    assert_string_equal(world_state(w, "clean"), "succeeded");
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
}

static void a_cancel_offers_nothing_that_parallelism_held_back(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "parallelism: 2\n"
                       "tasks: {t: {foreach: '${{ range(5000) }}', run: x}}\n",
                  NULL);

    world_grant(w);
    assert_int_equal(world_running(w), 2);
    world_cancel(w, CANCEL_GRACEFUL);
    assert_int_equal(w->offered.n, 0);
    assert_int_equal(w->stopped.n, 2);
    world_result(w, "t.0", OUTCOME_CANCELLED, -1, NULL);
    world_result(w, "t.1", OUTCOME_CANCELLED, -1, NULL);
    assert_true(w->ended);
    assert_int_equal(w->offered.n, 0);
    assert_int_equal(w->slots_out, 0);
    world_free(w);
}

static void kill_runs_no_handlers(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n" HANDLERS, NULL);

    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    world_cancel(w, CANCEL_KILL);
    assert_int_equal(w->stopped.n, 2);
    world_result(w, "a", OUTCOME_CANCELLED, -1, NULL);
    assert_true(w->ended);
    assert_string_equal(world_run_state(w), "cancelled");
    assert_string_equal(w->reason, "killed");
    assert_string_equal(world_state(w, "clean"), "");
    world_free(w);
}

static void a_restart_while_cancelling_goes_on_cancelling(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n" HANDLERS, NULL);

    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    world_restart(w);
    assert_int_equal(w->adopted.n, 1);
    assert_int_equal(w->stopped.n, 1);
    world_result(w, "a", OUTCOME_CANCELLED, -1, NULL);
    world_restart(w);
    assert_int_equal(w->offered.n, 1);
    world_finish(w);
    assert_string_equal(world_state(w, "gone"), "succeeded");
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
}

static void a_restart_leaves_the_handlers_of_a_cancelled_run_alone(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n" HANDLERS, NULL);

    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    world_result(w, "a", OUTCOME_CANCELLED, -1, NULL);
    world_grant(w);
    assert_string_equal(world_state(w, "gone"), "running");
    world_restart(w);
    assert_int_equal(w->adopted.n, 1);
    assert_int_equal(w->stopped.n, 0);
    world_succeed(w, "gone");
    world_grant(w);
    world_restart(w);
    assert_int_equal(w->stopped.n, 0);
    world_finish(w);
    assert_string_equal(world_state(w, "clean"), "succeeded");
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
}

/* The one that the cancel met had a mind of its own. */
static void a_restart_spares_finally_when_the_cancelled_handler_succeeded(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n" HANDLERS, NULL);

    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    world_restart(w);
    assert_int_equal(w->stopped.n, 1);
    world_succeed(w, "good");
    world_grant(w);
    assert_string_equal(world_state(w, "clean"), "running");
    world_restart(w);
    assert_int_equal(w->stopped.n, 0);
    world_finish(w);
    assert_string_equal(world_state(w, "clean"), "succeeded");
    world_free(w);
}

static void a_restart_goes_on_stopping_a_cancelled_finally(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n" HANDLERS, NULL);

    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    world_succeed(w, "good");
    world_grant(w);
    assert_string_equal(world_state(w, "clean"), "running");
    world_cancel(w, CANCEL_GRACEFUL);
    world_restart(w);
    assert_int_equal(w->stopped.n, 1);
    world_result(w, "clean", OUTCOME_CANCELLED, -1, NULL);
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
}

/* The machine sent it away, not the cancel, which was for the handlers before it. */
static void a_finally_that_nobody_cancelled_runs_again_when_it_is_evicted(void **state)
{
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n" HANDLERS, NULL);

        world_grant(w);
        world_succeed(w, "a");
        world_grant(w);
        world_cancel(w, CANCEL_GRACEFUL);
        world_succeed(w, "good");
        world_grant(w);
        if (restart)
            world_restart(w);
        world_result(w, "clean", OUTCOME_CANCELLED, -1, NULL);
        assert_string_equal(world_state(w, "clean"), "retrying");
        world_next_timer(w);
        world_finish(w);
        assert_string_equal(world_state(w, "clean"), "succeeded");
        world_free(w);
    }
}

static void a_restart_stops_the_handler_that_was_cancelled_and_no_other(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n" HANDLERS, NULL);

    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    world_restart(w);
    assert_int_equal(w->stopped.n, 1);
    world_result(w, "good", OUTCOME_CANCELLED, -1, NULL);
    world_grant(w);
    assert_string_equal(world_state(w, "clean"), "running");
    world_restart(w);
    assert_int_equal(w->stopped.n, 0);
    world_finish(w);
    assert_string_equal(world_state(w, "clean"), "succeeded");
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
}

static void an_attempt_that_nobody_here_cancelled_was_evicted(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {a: {run: x}, b: {needs: [a], run: x}}\n", NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_CANCELLED, 143, NULL);
    assert_string_equal(world_reason(w, "a"), "evicted");
    while (world_next_timer(w))
        ;
    world_finish(w);
    assert_int_equal(world_attempt(w, "a"), 2);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_run_that_takes_too_long_fails_and_cleans_up(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "timeout: 60s\ntasks: {a: {run: x}}\n" HANDLERS, NULL);

    world_grant(w);
    assert_true(world_next_timer(w));
    assert_int_equal(w->stopped.n, 1);
    world_result(w, "a", OUTCOME_CANCELLED, -1, NULL);
    world_finish(w);
    assert_string_equal(world_state(w, "bad"), "succeeded");
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(w->reason, "timeout");
    world_free(w);
}

static void outputs_of_the_run_are_written_at_its_end(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {a: {run: x, outputs: {n: json}}}\n"
                       "outputs: {double: '${{ tasks.a.outputs.n * 2 }}'}\n",
                  NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, "{\"n\": 4}");
    assert_string_equal(w->outputs, "{\"double\":8}");
    world_free(w);
}

/* --- outputs of other types than the file says --- */

#define TYPED                                                                          \
    "on_failure: [{id: bad, run: x}]\n"                                                \
    "outputs:\n"                                                                       \
    "  total: {value: '${{ tasks.a.outputs.n }}', type: integer}\n"                    \
    "  text: {value: '${{ tasks.a.outputs.s }}', type: string, required: false}\n"     \
    "  any: '${{ tasks.a.outputs.n }}'\n"
#define TYPED_TASK "tasks: {a: {run: x, outputs: {n: json, s: json}}}\n"

static void a_run_whose_outputs_are_of_their_types_succeeds(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD TYPED_TASK TYPED, NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, "{\"n\": 4, \"s\": null}");
    assert_string_equal(world_run_state(w), "succeeded");
    assert_string_equal(w->outputs, "{\"total\":4,\"text\":null,\"any\":4}");
    world_free(w);
}

static void a_run_whose_output_is_of_another_type_fails_at_its_end(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD TYPED_TASK TYPED, NULL);

    world_grant(w);
    world_restart(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, "{\"n\": \"4\", \"s\": 5}");
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(w->reason, "output_invalid");
    assert_string_equal(w->message, "output total must be of type integer, not a "
                                    "string: int(...) makes one of text or of a "
                                    "number");
    assert_string_equal(w->outputs, "{\"total\":null,\"text\":null,\"any\":\"4\"}");
    assert_string_equal(world_state(w, "a"), "succeeded");
    assert_string_equal(world_state(w, "bad"), ""); /* the tasks have succeeded */
    world_free(w);
}

static void a_run_that_failed_before_says_that_and_not_its_outputs(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD TYPED_TASK TYPED, NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    world_grant(w);
    world_result(w, "bad", OUTCOME_SUCCEEDED, 0, NULL);
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(w->reason, "task_failed");
    assert_string_equal(w->outputs, "{\"total\":null,\"text\":null,\"any\":null}");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retries_with_growing_delays_up_to_max_attempts),
        cmocka_unit_test(retries_only_the_exit_codes_it_names),
        cmocka_unit_test(jitter_is_the_same_after_a_restart),
        cmocka_unit_test(lost_attempts_start_again_without_a_retry_but_not_for_ever),
        cmocka_unit_test(one_attempt_means_one_attempt_even_when_it_is_lost),
        cmocka_unit_test(a_message_goes_with_the_attempt_that_said_it),
        cmocka_unit_test(waiting_too_long_for_a_slot_fails),
        cmocka_unit_test(a_restart_does_not_begin_queue_timeout_anew),
        cmocka_unit_test(a_restart_does_not_begin_the_queue_timeout_of_a_handler_anew),
        cmocka_unit_test(a_retry_that_was_due_while_nobody_led_waits_since_then),
        cmocka_unit_test(success_runs_on_success_then_finally_one_by_one),
        cmocka_unit_test(failure_runs_on_failure_and_stays_a_failure),
        cmocka_unit_test(a_failing_handler_fails_a_run_but_not_what_follows),
        cmocka_unit_test(cancel_stops_what_runs_and_runs_on_cancel),
        cmocka_unit_test(a_cancel_offers_nothing_that_parallelism_held_back),
        cmocka_unit_test(kill_runs_no_handlers),
        cmocka_unit_test(a_restart_while_cancelling_goes_on_cancelling),
        cmocka_unit_test(a_restart_leaves_the_handlers_of_a_cancelled_run_alone),
        cmocka_unit_test(a_restart_spares_finally_when_the_cancelled_handler_succeeded),
        cmocka_unit_test(a_restart_goes_on_stopping_a_cancelled_finally),
        cmocka_unit_test(a_finally_that_nobody_cancelled_runs_again_when_it_is_evicted),
        cmocka_unit_test(a_restart_stops_the_handler_that_was_cancelled_and_no_other),
        cmocka_unit_test(an_attempt_that_nobody_here_cancelled_was_evicted),
        cmocka_unit_test(a_run_that_takes_too_long_fails_and_cleans_up),
        cmocka_unit_test(outputs_of_the_run_are_written_at_its_end),
        cmocka_unit_test(a_run_whose_outputs_are_of_their_types_succeeds),
        cmocka_unit_test(a_run_whose_output_is_of_another_type_fails_at_its_end),
        cmocka_unit_test(a_run_that_failed_before_says_that_and_not_its_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
