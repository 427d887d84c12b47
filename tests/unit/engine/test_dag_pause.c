/* test_dag_pause.c - a run or some of its tasks start nothing for a while: what goes
 * on, what is held, and that it is the same after a restart at any moment. */
#include "support.h"

#include <string.h>

#define HEAD   "flowforge: 1\nname: test\n"
#define SECOND UNITS_SECOND

static void tell(struct world *w, const char *word, const char *body)
{
    struct ff_err err;
    json_t *value = json_parse(body, strlen(body), &err);
    const struct signal signal = {.word = word, .body = value};

    assert_non_null(value);
    world_input(w, (struct input){.type = INPUT_SIGNAL, .signal = &signal});
    json_decref(value);
}

static void pause_run(struct world *w)
{
    tell(w, "pause", "{\"by\": \"ada\"}");
}

static void unpause_run(struct world *w)
{
    tell(w, "unpause", "{}");
}

/* Each of the tests is done twice: with and without restarts. */
static void maybe_restart(struct world *w, int with)
{
    if (with)
        world_restart(w);
}

static size_t count_events(const struct world *w, const char *type)
{
    size_t n = 0;

    for (const char *at = buf_text(&w->history); (at = strstr(at, type)); at++)
        n++;
    return n;
}

static void what_runs_goes_on_and_nothing_starts(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        struct world *w = world_new(HEAD "tasks:\n"
                                         "  a: {run: x}\n"
                                         "  b: {needs: [a], run: x}\n"
                                         "  c: {needs: [a], noop: true}\n",
                                    NULL);
        world_grant(w);
        pause_run(w);
        assert_string_equal(w->paused,
                            "{\"run\":{\"by\":\"ada\",\"at\":\"1970-01-01T00:16:40."
                            "000000Z\"}}");
        maybe_restart(w, with);
        world_succeed(w, "a");
        assert_string_equal(world_state(w, "a"), "succeeded");
        assert_int_equal(w->offered.n, 0);
        assert_string_equal(world_state(w, "c"), "");
        maybe_restart(w, with);
        assert_int_equal(w->offered.n, 0);
        unpause_run(w);
        assert_null(w->row.paused.s);
        assert_string_equal(world_state(w, "c"), "succeeded");
        maybe_restart(w, with);
        world_finish(w);
        assert_string_equal(world_run_state(w), "succeeded");
        assert_int_equal(count_events(w, "run.paused"), 1);
        assert_int_equal(count_events(w, "run.unpaused"), 1);
        assert_int_equal(w->slots_out, 0);
        world_free(w);
    }
}

static void what_waited_for_a_slot_is_taken_back(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        struct world *w = world_new(HEAD "tasks:\n"
                                         "  a: {run: x}\n"
                                         "  b: {foreach: [1, 2, 3], run: x, "
                                         "queue_timeout: 1m}\n",
                                    NULL);
        assert_int_equal(w->offered.n, 4);
        world_grant_one(w);
        pause_run(w);
        assert_int_equal(w->offered.n, 0);
        maybe_restart(w, with);
        assert_int_equal(w->offered.n, 0);
        w->now += 61 * SECOND; /* a timer from before means nothing */
        world_input(w, (struct input){.type = INPUT_TIMER,
                                      .timer = TIMER_QUEUE,
                                      .node = world_node(w, "b.1")});
        assert_string_equal(world_state(w, "b.1"), "");
        unpause_run(w);
        assert_int_equal(w->offered.n, 3);
        world_finish(w);
        assert_string_equal(world_run_state(w), "succeeded");
        assert_int_equal(w->slots_out, 0);
        world_free(w);
    }
}

static int64_t queue_timer_at(struct world *w, const char *name)
{
    return world_timer_at(w, world_node(w, name), TIMER_QUEUE);
}

static void the_time_to_wait_for_a_slot_begins_anew(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        struct world *w = world_new(HEAD "tasks:\n"
                                         "  b: {run: x, queue_timeout: 2m, retry: "
                                         "{max_attempts: 2, delay: 30s}}\n"
                                         "  a: {run: x, queue_timeout: 1m}\n",
                                    NULL);
        world_grant_one(w);
        world_result(w, "b", OUTCOME_FAILED, 1, NULL);
        pause_run(w);
        maybe_restart(w, with);
        while (world_next_timer(w)) /* the retry is due */
            ;
        w->now += 3600 * SECOND;
        maybe_restart(w, with);
        unpause_run(w);
        assert_int_equal(w->offered.n, 2);
        assert_int_equal(queue_timer_at(w, "a"), w->now + 60 * SECOND);
        assert_int_equal(queue_timer_at(w, "b"), w->now + 120 * SECOND);
        world_finish(w);
        assert_string_equal(world_run_state(w), "succeeded");
        world_free(w);
    }
}

/* What waits behind it goes on, and a timer from before the pause means nothing. */
static void a_task_that_is_paused_leaves_its_place_to_others(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        struct world *w = world_new(HEAD "parallelism: 1\ntasks:\n"
                                         "  a: {run: x, queue_timeout: 1m}\n"
                                         "  b: {run: x}\n",
                                    NULL);
        tell(w, "pause", "{\"task\": \"a\"}");
        maybe_restart(w, with);
        assert_int_equal(w->offered.n, 1);
        assert_int_equal(w->offered.items[0], world_node(w, "b"));
        world_grant(w);
        tell(w, "unpause", "{\"task\": \"a\"}");
        world_next_timer(w);
        assert_string_equal(world_state(w, "a"), "");
        world_succeed(w, "b");
        assert_int_equal(queue_timer_at(w, "a"), w->now + 60 * SECOND);
        world_finish(w);
        assert_string_equal(world_run_state(w), "succeeded");
        world_free(w);
    }
}

static void a_slot_that_comes_too_late_is_given_back(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n", NULL);
    const int64_t node = world_node(w, "a");

    pause_run(w);
    w->slots_out++;
    world_input(w, (struct input){.type = INPUT_GRANT, .node = node});
    assert_int_equal(w->slots_out, 0);
    assert_string_equal(world_state(w, "a"), "");
    unpause_run(w);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void what_becomes_due_waits(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        struct world *w = world_new(HEAD "tasks:\n"
                                         "  a: {sleep: 1m}\n"
                                         "  b: {run: x, retry: {max_attempts: 2, "
                                         "delay: 30s}}\n",
                                    NULL);
        world_grant(w);
        world_result(w, "b", OUTCOME_FAILED, 1, NULL);
        pause_run(w);
        maybe_restart(w, with);
        while (world_next_timer(w))
            maybe_restart(w, with);
        assert_string_equal(world_state(w, "a"), "suspended");
        assert_string_equal(world_state(w, "b"), "retrying");
        assert_int_equal(w->offered.n, 0);
        unpause_run(w);
        assert_string_equal(world_state(w, "a"), "succeeded");
        assert_int_equal(w->offered.n, 1);
        world_finish(w);
        assert_string_equal(world_run_state(w), "succeeded");
        world_free(w);
    }
}

static void a_wait_may_end_meanwhile(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  a: {approve: {message: m, timeout: 1m}}\n"
                                     "  b: {needs: [a], run: x}\n",
                                NULL);

    pause_run(w);
    world_next_timer(w); /* not rejected yet */
    tell(w, "approve", "{\"task\": \"a\"}");
    assert_string_equal(world_state(w, "a"), "succeeded");
    assert_int_equal(w->offered.n, 0);
    unpause_run(w);
    assert_int_equal(w->offered.n, 1);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_task_is_paused_by_itself(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        struct world *w = world_new(HEAD "tasks:\n"
                                         "  a: {run: x}\n"
                                         "  b: {foreach: [1, 2], max_parallel: 1, "
                                         "run: x}\n"
                                         "  c: {run: x}\n",
                                    NULL);
        tell(w, "pause", "{\"task\": \"b\", \"by\": \"bob\"}");
        tell(w, "pause", "{\"task\": \"c\"}");
        tell(w, "pause", "{\"task\": \"c\"}");
        assert_int_equal(count_events(w, "run.paused"), 2);
        assert_non_null(strstr(w->paused, "\"by\":\"somebody\""));
        maybe_restart(w, with);
        assert_int_equal(w->offered.n, 1);
        world_finish(w);
        assert_string_equal(world_state(w, "a"), "succeeded");
        tell(w, "unpause", "{\"task\": \"b\"}");
        maybe_restart(w, with);
        world_finish(w);
        assert_string_equal(world_state(w, "b"), "succeeded");
        assert_string_equal(world_state(w, "c"), "");
        tell(w, "unpause", "{\"task\": \"c\"}");
        tell(w, "unpause", "{\"task\": \"c\"}");
        assert_null(w->row.paused.s);
        world_finish(w);
        assert_string_equal(world_run_state(w), "succeeded");
        assert_int_equal(count_events(w, "run.unpaused"), 2);
        world_free(w);
    }
}

static void a_place_under_parallelism_goes_to_others(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        struct world *w = world_new(HEAD "parallelism: 1\n"
                                         "tasks:\n"
                                         "  a: {run: x}\n"
                                         "  b: {run: x}\n"
                                         "  c: {run: x}\n",
                                    NULL);
        tell(w, "pause", "{\"task\": \"b\"}");
        world_grant(w);
        maybe_restart(w, with);
        world_succeed(w, "a");
        world_finish(w);
        assert_string_equal(world_state(w, "b"), "");
        assert_string_equal(world_state(w, "c"), "succeeded");
        tell(w, "unpause", "{\"task\": \"b\"}");
        world_finish(w);
        assert_string_equal(world_run_state(w), "succeeded");
        world_free(w);
    }
}

static void the_rest_of_a_run_with_parallelism_goes_on(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "parallelism: 1\n"
                                     "tasks:\n"
                                     "  a: {run: x}\n"
                                     "  b: {run: x}\n"
                                     "  c: {run: x}\n",
                                NULL);

    pause_run(w);
    assert_int_equal(w->offered.n, 0);
    tell(w, "pause", "{\"task\": \"a\"}");
    unpause_run(w);
    assert_int_equal(w->offered.n, 1);
    world_finish(w);
    assert_string_equal(world_state(w, "a"), "");
    assert_string_equal(world_state(w, "b"), "succeeded");
    assert_string_equal(world_state(w, "c"), "succeeded");
    world_free(w);
}

static void a_cancel_ends_the_pause(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        struct world *w =
            world_new(HEAD "tasks:\n"
                           "  a: {run: x}\n"
                           "  b: {run: x, retry: {max_attempts: 2, delay: 30s}}\n"
                           "  c: {foreach: [1, 2], run: x}\n"
                           "on_cancel: {h: {run: x}}\n",
                      NULL);
        world_grant_one(w);
        world_grant_one(w);
        world_result(w, "b", OUTCOME_FAILED, 1, NULL);
        pause_run(w);
        world_next_timer(w);
        maybe_restart(w, with);
        world_cancel(w, CANCEL_GRACEFUL);
        assert_null(w->row.paused.s);
        assert_string_equal(world_state(w, "b"), "cancelled");
        pause_run(w); /* too late */
        assert_non_null(strstr(buf_text(&w->history), "\"reason\":\"cancelling\""));
        world_result(w, "a", OUTCOME_CANCELLED, 0, NULL);
        world_finish(w);
        assert_string_equal(world_state(w, "h"), "succeeded");
        assert_string_equal(world_run_state(w), "cancelled");
        assert_int_equal(w->slots_out, 0);
        world_free(w);
    }
}

static void the_timeout_of_the_run_counts_on(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "timeout: 1h\ntasks: {a: {run: x}}\nfinally: {h: {run: x}}\n", NULL);

    pause_run(w);
    assert_true(world_next_timer(w));
    world_finish(w);
    assert_string_equal(world_state(w, "h"), "succeeded");
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void handlers_wait_for_the_end_of_the_pause(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        struct world *w =
            world_new(HEAD "tasks: {a: {run: x}}\non_success: {h: {run: x}}\n", NULL);
        world_grant(w);
        pause_run(w);
        world_succeed(w, "a");
        maybe_restart(w, with);
        assert_int_equal(w->offered.n, 0);
        assert_string_equal(world_run_state(w), "running");
        unpause_run(w);
        world_finish(w);
        assert_string_equal(world_run_state(w), "succeeded");
        world_free(w);
    }
}

static void a_run_without_handlers_ends_while_it_is_paused(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n", NULL);

    world_grant(w);
    pause_run(w);
    world_succeed(w, "a");
    assert_string_equal(world_run_state(w), "succeeded");
    assert_null(w->row.paused.s);
    world_free(w);
}

static void an_item_that_fails_stops_those_that_are_held(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {a: {foreach: [1, 2, 3], run: x}}\n", NULL);

    world_grant_one(w);
    pause_run(w);
    world_result(w, "a.0", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_state(w, "a.2"), "cancelled");
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void what_ended_while_it_was_held_does_not_begin_after_it(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  a: {foreach: [1, 2, 3], run: x}\n"
                                     "  b: {run: x}\n",
                                NULL);

    world_grant_one(w);
    pause_run(w);
    world_result(w, "a.0", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_state(w, "a"), "failed");
    unpause_run(w);
    assert_int_equal(w->offered.n, 1);
    world_finish(w);
    assert_string_equal(world_state(w, "b"), "succeeded");
    assert_string_equal(world_state(w, "a.2"), "cancelled");
    assert_int_equal(world_attempt(w, "a.2"), 0);
    assert_string_equal(world_run_state(w), "failed");
    assert_int_equal(w->slots_out, 0);
    world_free(w);
}

static void what_is_not_understood_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n", NULL);

    tell(w, "pause", "{\"task\": \"z\"}");
    tell(w, "unpause", "{\"task\": \"z\"}");
    unpause_run(w);
    assert_int_equal(count_events(w, "no_such_task"), 2);
    assert_int_equal(count_events(w, "run.unpaused"), 0);
    assert_int_equal(w->offered.n, 1);
    w->row.paused = span_of("{");
    world_restart(w);
    assert_int_equal(w->offered.n, 1);
    world_free(w);
}

static void what_is_reset_meanwhile_is_not_begun_twice(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  p: {run: x}\n"
                                     "  a: {needs: [p], foreach: [1, 2], run: x, "
                                     "retry: {max_attempts: 3, delay: 30s}}\n",
                                NULL);

    world_grant(w);
    world_succeed(w, "p");
    world_grant_one(w);
    world_result(w, "a.0", OUTCOME_FAILED, 1, NULL);
    pause_run(w);
    world_next_timer(w);
    tell(w, "reset", "{\"what\": \"task\", \"task\": \"p\"}");
    unpause_run(w);
    world_finish(w);
    assert_string_equal(world_state(w, "a"), "succeeded");
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(w->slots_out, 0);
    world_free(w);
}

static void what_is_reset_while_it_is_held_begins_once(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n  a: {run: x}\n  b: {run: x}\n", NULL);

    pause_run(w);
    tell(w, "reset", "{\"what\": \"task\", \"task\": \"a\"}");
    assert_int_equal(w->offered.n, 0);
    unpause_run(w);
    assert_int_equal(w->offered.n, 2);
    world_finish(w);
    assert_int_equal(world_attempt(w, "a"), 1);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(w->slots_out, 0);
    world_free(w);
}

/* One was due and one was held: both wait for what they need once more. */
static void what_is_reset_meanwhile_waits_for_its_needs_again(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  p: {run: x}\n"
                                     "  a: {needs: [p], run: x, "
                                     "retry: {max_attempts: 3, delay: 30s}}\n"
                                     "  b: {needs: [p], run: x}\n",
                                NULL);

    world_grant(w);
    world_succeed(w, "p");
    world_grant_one(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    pause_run(w);
    assert_true(world_next_timer(w));
    assert_string_equal(world_state(w, "a"), "retrying");
    tell(w, "reset", "{\"what\": \"task\", \"task\": \"p\"}");
    assert_int_equal(w->offered.n, 0);
    unpause_run(w);
    assert_int_equal(w->offered.n, 1);
    world_grant(w);
    assert_int_equal(world_attempt(w, "p"), 2);
    assert_string_equal(world_state(w, "a"), "waiting");
    assert_string_equal(world_state(w, "b"), "");
    world_finish(w);
    assert_int_equal(world_attempt(w, "a"), 2);
    assert_int_equal(world_attempt(w, "b"), 1);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(w->slots_out, 0);
    world_free(w);
}

/* --- runs inside --- */

static size_t told(struct world *w, const char *word, const char *body,
                   enum effect_pause pause)
{
    struct step s = {.now_us = w->now};
    struct ff_err err;
    json_t *value = json_parse(body, strlen(body), &err);
    const struct signal signal = {.word = word, .body = value};
    const struct input in = {.type = INPUT_SIGNAL, .signal = &signal};
    size_t n = 0;

    engine_step(w->run, &in, &s);
    for (size_t i = 0; i < s.effects.n; i++)
        n += s.effects.items[i].type == EFFECT_CHILD &&
             s.effects.items[i].pause == pause;
    step_done(&s);
    json_decref(value);
    return n;
}

static void runs_inside_are_told(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  g: {foreach: [1, 2], tasks: {i: {run: x}}}\n"
                                     "  h: {tasks: {k: {run: x}}}\n"
                                     "  later: {needs: [h], tasks: {l: {run: x}}}\n",
                                NULL);

    assert_int_equal(told(w, "pause", "{\"task\": \"h\"}", PAUSE_ON), 1);
    assert_int_equal(told(w, "pause", "{}", PAUSE_ON), 3);
    assert_int_equal(told(w, "unpause", "{}", PAUSE_OFF), 2);
    world_free(w);
}

static void runs_inside_are_told_again_after_a_restart(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {h: {tasks: {k: {run: x}}}}\n", NULL);

    world_restart(w);
    assert_int_equal(w->told_child, PAUSE_OFF);
    pause_run(w);
    world_restart(w);
    assert_int_equal(w->told_child, PAUSE_ON);
    world_free(w);
}

static void outer_says_nothing_unless_it_is_true(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n", NULL);

    tell(w, "pause", "{\"outer\": false}");
    assert_null(strstr(w->paused, "outer"));
    assert_non_null(strstr(w->paused, "{\"run\":"));
    assert_int_equal(w->offered.n, 0);
    unpause_run(w);
    assert_int_equal(w->offered.n, 1);
    world_free(w);
}

static void one_inside_is_paused_by_what_is_around_it(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n", NULL);

    tell(w, "pause", "{\"outer\": true}");
    tell(w, "pause", "{\"by\": \"ada\"}");
    assert_int_equal(w->offered.n, 0);
    tell(w, "unpause", "{\"outer\": true}");
    assert_int_equal(w->offered.n, 0);
    world_restart(w);
    assert_int_equal(w->offered.n, 0);
    unpause_run(w);
    assert_int_equal(w->offered.n, 1);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_runs_goes_on_and_nothing_starts),
        cmocka_unit_test(what_waited_for_a_slot_is_taken_back),
        cmocka_unit_test(the_time_to_wait_for_a_slot_begins_anew),
        cmocka_unit_test(a_task_that_is_paused_leaves_its_place_to_others),
        cmocka_unit_test(a_slot_that_comes_too_late_is_given_back),
        cmocka_unit_test(what_becomes_due_waits),
        cmocka_unit_test(a_wait_may_end_meanwhile),
        cmocka_unit_test(a_task_is_paused_by_itself),
        cmocka_unit_test(a_place_under_parallelism_goes_to_others),
        cmocka_unit_test(the_rest_of_a_run_with_parallelism_goes_on),
        cmocka_unit_test(a_cancel_ends_the_pause),
        cmocka_unit_test(the_timeout_of_the_run_counts_on),
        cmocka_unit_test(handlers_wait_for_the_end_of_the_pause),
        cmocka_unit_test(a_run_without_handlers_ends_while_it_is_paused),
        cmocka_unit_test(an_item_that_fails_stops_those_that_are_held),
        cmocka_unit_test(what_ended_while_it_was_held_does_not_begin_after_it),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(what_is_reset_meanwhile_is_not_begun_twice),
        cmocka_unit_test(what_is_reset_while_it_is_held_begins_once),
        cmocka_unit_test(what_is_reset_meanwhile_waits_for_its_needs_again),
        cmocka_unit_test(runs_inside_are_told),
        cmocka_unit_test(runs_inside_are_told_again_after_a_restart),
        cmocka_unit_test(outer_says_nothing_unless_it_is_true),
        cmocka_unit_test(one_inside_is_paused_by_what_is_around_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
