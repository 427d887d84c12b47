/* test_unit.c - one task or item on its way: slots, stops, results and retries, and
 * what comes too late or for nobody. */
#include "support.h"

#include <string.h>

#define HEAD   "flowforge: 1\nname: test\n"
#define SECOND UNITS_SECOND

static void inputs_for_nobody_change_nothing(void **state)
{
    (void)state;
    static const int64_t nodes[] = {-1, NODE_OF(2, -1), NODE_OF(0, 4), NODE_OF(1, 4)};
    const struct result result = {.outcome = OUTCOME_FAILED, .exit_code = 1};
    struct world *w =
        world_new(HEAD "tasks: {a: {run: x}, f: {foreach: [1], run: x}}\n", NULL);
    struct step s = {.now_us = w->now};

    for (size_t i = 0; i < COUNT_OF(nodes); i++) {
        const struct input in[] = {
            {.type = INPUT_RESULT, .node = nodes[i], .attempt = 1, .result = &result},
            {.type = INPUT_TIMER, .timer = TIMER_RETRY, .node = nodes[i]},
            {.type = INPUT_TIMER, .timer = TIMER_QUEUE, .node = nodes[i]},
            {.type = INPUT_TIMER, .timer = (enum timer_kind)7, .node = nodes[i]},
            {.type = (enum input_type)17, .node = nodes[i]},
        };
        for (size_t k = 0; k < COUNT_OF(in); k++)
            engine_step(w->run, &in[k], &s);
    }
    assert_int_equal(s.batch.n, 0);
    assert_int_equal(s.effects.n, 0);
    step_done(&s);
    world_free(w);
}

static void a_slot_for_nobody_is_free_again(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n", NULL);
    const int64_t a = world_node(w, "a");

    world_grant(w);
    assert_int_equal(w->slots_out, 1);
    w->slots_out++;
    world_input(w, (struct input){.type = INPUT_GRANT, .node = a}); /* it has one */
    assert_int_equal(w->slots_out, 1);
    w->slots_out++;
    world_input(w, (struct input){.type = INPUT_GRANT, .node = NODE_OF(9, -1)});
    assert_int_equal(w->slots_out, 1);
    world_free(w);
}

static void timers_of_what_runs_already_change_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n", NULL);
    const int64_t a = world_node(w, "a");

    world_grant(w);
    world_input(w,
                (struct input){.type = INPUT_TIMER, .timer = TIMER_RETRY, .node = a});
    world_input(w,
                (struct input){.type = INPUT_TIMER, .timer = TIMER_QUEUE, .node = a});
    assert_string_equal(world_state(w, "a"), "running");
    world_input(w, (struct input){.type = INPUT_TIMER, .timer = TIMER_QUEUE});
    assert_int_equal(w->offered.n, 0);
    world_free(w);
}

static void a_result_of_another_attempt_changes_nothing(void **state)
{
    (void)state;
    const struct result result = {.outcome = OUTCOME_SUCCEEDED};
    struct world *w =
        world_new(HEAD "tasks: {a: {run: x}, b: {run: x, needs: [a]}}\n", NULL);

    world_grant(w);
    world_input(w, (struct input){.type = INPUT_RESULT,
                                  .node = world_node(w, "a"),
                                  .attempt = 2,
                                  .result = &result});
    assert_string_equal(world_state(w, "a"), "running");
    world_input(w, (struct input){.type = INPUT_RESULT,
                                  .node = world_node(w, "b"),
                                  .attempt = 1,
                                  .result = &result});
    assert_string_equal(world_state(w, "b"), "");
    world_free(w);
}

static size_t log_rows(const struct batch *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++)
        n += b->items[i].record == &record_log;
    return n;
}

static void an_attempt_with_output_or_with_dropped_output_has_a_log_row(void **state)
{
    (void)state;
    static const struct {
        int64_t chunks, dropped;
        size_t rows;
    } cases[] = {{0, 0, 0}, {1, 0, 1}, {0, 1, 1}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct result result = {.outcome = OUTCOME_SUCCEEDED,
                                      .log_chunks = cases[i].chunks,
                                      .log_dropped = cases[i].dropped};
        struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n", NULL);
        struct step s = {.now_us = w->now};
        world_grant(w);
        const struct input in = {.type = INPUT_RESULT,
                                 .node = world_node(w, "a"),
                                 .attempt = 1,
                                 .result = &result};
        engine_step(w->run, &in, &s);
        assert_int_equal(log_rows(&s.batch), cases[i].rows);
        step_done(&s);
        world_free(w);
    }
}

static void a_row_keeps_what_the_result_says_of_itself(void **state)
{
    (void)state;
    json_t *outputs = json_pack("{ss}", "o", "large");
    struct result result = {.outcome = OUTCOME_SUCCEEDED,
                            .outputs = outputs,
                            .stored = "{\"o\":{\"$ref\":1}}",
                            .started_at = 5};
    struct world *w = world_new(HEAD "tasks: {a: {run: x, outputs: {o: file}},\n"
                                     "        b: {run: x}}\n",
                                NULL);

    world_grant(w);
    world_input(w, (struct input){.type = INPUT_RESULT,
                                  .node = world_node(w, "a"),
                                  .attempt = 1,
                                  .result = &result});
    assert_string_equal(w->tasks.items[0].outputs, result.stored);
    assert_int_equal(w->tasks.items[0].row.started_at, 5);
    result = (struct result){.outcome = OUTCOME_FAILED,
                             .exit_code = MODEL_NULL,
                             .reason = "start_failed",
                             .outputs = outputs};
    world_input(w, (struct input){.type = INPUT_RESULT,
                                  .node = world_node(w, "b"),
                                  .attempt = 1,
                                  .result = &result});
    assert_string_equal(world_reason(w, "b"), "start_failed");
    assert_null(w->tasks.items[1].outputs); /* only what succeeded has some */
    json_decref(outputs);
    world_free(w);
}

/* The wait before each attempt, in ms, of a task that fails until it may not. */
static void assert_delays(const char *retry, const int64_t *delays_ms, size_t n)
{
    struct buf b = {0};

    buf_printf(&b, HEAD "tasks: {a: {run: x, retry: {%s}}}\n", retry);
    struct world *w = world_new(buf_text(&b), NULL);
    for (size_t i = 0; i < n; i++) {
        const int64_t before = w->now;
        world_grant(w);
        world_result(w, "a", OUTCOME_FAILED, 1, NULL);
        assert_string_equal(world_state(w, "a"), "retrying");
        if (delays_ms[i] > 0)
            assert_true(world_next_timer(w));
        assert_int_equal((w->now - before) / 1000, delays_ms[i]);
    }
    world_free(w);
    buf_done(&b);
}

static void waits_grow_as_backoff_says_up_to_max_delay(void **state)
{
    (void)state;
    static const int64_t constant[] = {2000, 2000, 2000};
    static const int64_t linear[] = {2000, 4000, 5000};
    static const int64_t factor[] = {30500, 60000, 60000};
    static const int64_t steep[] = {1500, 150000, 3600000};
    static const int64_t none[] = {0, 0};

    assert_delays("max_attempts: 9, delay: 2s, backoff: constant", constant, 3);
    assert_delays("max_attempts: 9, delay: 2s, backoff: linear, max_delay: 5s", linear,
                  3);
    assert_delays("max_attempts: 9, delay: 30s500ms, max_delay: 1m", factor, 3);
    assert_delays("max_attempts: 9, delay: 1s500ms, factor: 100", steep, 3);
    assert_delays("max_attempts: 9, delay: 0s, max_delay: 0s, jitter: 0.5", none, 2);
}

static void exit_codes_are_asked_only_of_what_exited_and_failed(void **state)
{
    (void)state;
    static const struct {
        enum outcome outcome;
        int code;
        const char *state;
    } cases[] = {
        {OUTCOME_FAILED, 3, "retrying"},
        {OUTCOME_FAILED, 4, "failed"},
        {OUTCOME_FAILED, -1, "retrying"}, /* never exited: could not be started */
        {OUTCOME_TIMEOUT, 4, "retrying"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world *w = world_new(
            HEAD "tasks: {a: {run: x, retry: {max_attempts: 2, exit_codes: [3]}}}\n",
            NULL);
        world_grant(w);
        world_result(w, "a", cases[i].outcome, cases[i].code, NULL);
        assert_string_equal(world_state(w, "a"), cases[i].state);
        world_free(w);
    }
}

static void a_lost_attempt_waits_only_where_a_retry_is_given(void **state)
{
    (void)state;
    static const struct {
        const char *retry;
        size_t n_offered;
    } cases[] = {{"", 1}, {", retry: {delay: 5s}", 0}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf b = {0};
        buf_printf(&b, HEAD "tasks: {a: {run: x%s}}\n", cases[i].retry);
        struct world *w = world_new(buf_text(&b), NULL);
        world_grant(w);
        world_result(w, "a", OUTCOME_LOST, -1, NULL);
        assert_string_equal(world_state(w, "a"), "retrying");
        assert_int_equal(w->offered.n, cases[i].n_offered);
        world_free(w);
        buf_done(&b);
    }
}

static void items_may_be_tried_again_each(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {f: {foreach: [1, 2], run: x, retry: {delay: 5s}}}\n", NULL);

    world_grant(w);
    world_result(w, "f.0", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_state(w, "f.0"), "retrying");
    world_succeed(w, "f.1");
    assert_true(world_next_timer(w));
    world_finish(w);
    assert_string_equal(world_state(w, "f"), "succeeded");
    world_free(w);
}

static void a_cancel_ends_what_waits_for_its_next_attempt(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {a: {run: x, retry: {delay: 5s}}, b: {run: x}}\n", NULL);

    world_grant(w);
    world_succeed(w, "b");
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    assert_int_equal(w->timers.n, 1);
    world_cancel(w, CANCEL_GRACEFUL);
    assert_int_equal(w->timers.n, 0);
    assert_string_equal(world_state(w, "a"), "cancelled");
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
}

static void fail_fast_ends_what_waits_for_a_slot_or_for_its_next_attempt(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  f: {foreach: [1, 2, 3], run: x,\n"
                                     "      retry: {delay: 5s, exit_codes: [9]}}\n",
                                NULL);

    assert_true(world_grant_one(w));
    assert_true(world_grant_one(w));
    world_result(w, "f.0", OUTCOME_FAILED, 9, NULL);
    assert_string_equal(world_state(w, "f.0"), "retrying");
    world_result(w, "f.1", OUTCOME_FAILED, 1, NULL); /* all else ends in this step */
    assert_string_equal(world_state(w, "f.0"), "cancelled");
    assert_string_equal(world_state(w, "f.2"), "cancelled");
    assert_string_equal(world_state(w, "f"), "failed");
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void parallelism_lets_the_next_of_a_range_go_but_none_that_ended(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "parallelism: 2\ntasks:\n"
                                     "  f: {foreach: [1, 2, 3, 4], run: x}\n"
                                     "  z: {run: x}\n",
                                NULL);

    assert_int_equal(w->offered.n, 2);
    world_grant(w);
    world_succeed(w, "f.0");
    assert_int_equal(w->offered.n, 1);
    world_result(w, "f.1", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_state(w, "f.3"), "cancelled"); /* it was held back */
    world_finish(w);
    assert_string_equal(world_state(w, "z"), "succeeded");
    assert_string_equal(world_state(w, "f"), "failed");
    world_free(w);
}

static void
a_cancelled_foreach_is_cancelled_even_if_its_running_items_succeed(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {f: {foreach: [1, 2], max_parallel: 1, run: x}}\n", NULL);

    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    world_succeed(w, "f.0");
    assert_string_equal(world_state(w, "f.1"), "");
    assert_string_equal(world_state(w, "f"), "cancelled");
    world_free(w);
}

static void a_message_of_an_item_that_did_not_fail_is_not_the_tasks(void **state)
{
    (void)state;
    const struct result result = {.outcome = OUTCOME_SUCCEEDED, .message = "all well"};
    struct world *w = world_new(HEAD "tasks: {f: {foreach: [1, 2], run: x}}\n", NULL);

    world_grant(w);
    world_input(w, (struct input){.type = INPUT_RESULT,
                                  .node = world_node(w, "f.0"),
                                  .attempt = 1,
                                  .result = &result});
    world_result(w, "f.1", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_state(w, "f"), "failed");
    assert_string_equal(w->tasks.items[0].message, "");
    world_free(w);
}

static void what_ended_while_it_was_held_back_is_passed_over(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "parallelism: 3\ntasks:\n"
                       "  f: {foreach: [1, 2, 3], max_parallel: 2, run: x}\n"
                       "  z1: {run: x}\n  z2: {run: x}\n  z3: {run: x}\n"
                       "  z4: {needs: [z1], run: x}\n",
                  NULL);

    world_grant(w);
    world_succeed(w, "f.0"); /* z3 is in front of f.2 in what waits */
    world_grant(w);
    world_result(w, "f.1", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_state(w, "f.2"), "cancelled");
    world_grant(w);
    world_succeed(w, "z1");
    assert_int_equal(w->offered.n, 1);
    assert_int_equal(w->offered.items[0], world_node(w, "z4"));
    world_finish(w);
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void needs_all_skips_behind_what_was_skipped_only(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  a: {run: x}\n"
                                     "  b: {run: x, if: 'false'}\n"
                                     "  c: {run: x, needs: [a], needs_all: true}\n"
                                     "  d: {run: x, needs: [a, b], needs_all: true}\n",
                                NULL);

    world_finish(w);
    assert_string_equal(world_state(w, "c"), "succeeded");
    assert_string_equal(world_state(w, "d"), "skipped");
    assert_string_equal(world_reason(w, "d"), "need_skipped");
    world_free(w);
}

static void events_beyond_what_a_step_may_hold_are_left_out_whole(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n", NULL);
    const struct result result = {.outcome = OUTCOME_SUCCEEDED};
    struct step s = {.now_us = w->now, .events = {.max = 24}};

    world_grant(w);
    const struct input in = {.type = INPUT_RESULT,
                             .node = world_node(w, "a"),
                             .attempt = 1,
                             .result = &result};
    engine_step(w->run, &in, &s);
    assert_true(s.events.overflow);
    assert_true(s.events.len <= 24);
    step_done(&s);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_for_nobody_change_nothing),
        cmocka_unit_test(a_slot_for_nobody_is_free_again),
        cmocka_unit_test(timers_of_what_runs_already_change_nothing),
        cmocka_unit_test(a_result_of_another_attempt_changes_nothing),
        cmocka_unit_test(an_attempt_with_output_or_with_dropped_output_has_a_log_row),
        cmocka_unit_test(a_row_keeps_what_the_result_says_of_itself),
        cmocka_unit_test(waits_grow_as_backoff_says_up_to_max_delay),
        cmocka_unit_test(exit_codes_are_asked_only_of_what_exited_and_failed),
        cmocka_unit_test(a_lost_attempt_waits_only_where_a_retry_is_given),
        cmocka_unit_test(items_may_be_tried_again_each),
        cmocka_unit_test(a_cancel_ends_what_waits_for_its_next_attempt),
        cmocka_unit_test(fail_fast_ends_what_waits_for_a_slot_or_for_its_next_attempt),
        cmocka_unit_test(parallelism_lets_the_next_of_a_range_go_but_none_that_ended),
        cmocka_unit_test(
            a_cancelled_foreach_is_cancelled_even_if_its_running_items_succeed),
        cmocka_unit_test(a_message_of_an_item_that_did_not_fail_is_not_the_tasks),
        cmocka_unit_test(what_ended_while_it_was_held_back_is_passed_over),
        cmocka_unit_test(needs_all_skips_behind_what_was_skipped_only),
        cmocka_unit_test(events_beyond_what_a_step_may_hold_are_left_out_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
