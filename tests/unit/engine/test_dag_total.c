/* test_dag_total.c - how long a task may take over all that it does: total_timeout. */
#include "support.h"

#include <string.h>

#define HEAD   "flowforge: 1\nname: test\n"
#define SECOND UNITS_SECOND

/* One task with these keys; it is ready at 1000 s. */
static struct world *world_of(const char *keys)
{
    struct buf b = {0};

    buf_printf(&b, HEAD "tasks: {a: {run: x, total_timeout: 30s%s}}\n", keys);
    struct world *w = world_new(buf_text(&b), NULL);
    buf_done(&b);
    return w;
}

static void assert_ended(struct world *w, const char *path, const char *what)
{
    char got[128];

    snprintf(got, sizeof(got), "%s %s", world_state(w, path), world_reason(w, path));
    assert_string_equal(got, what);
}

static int64_t total_timer(const struct world *w)
{
    for (size_t i = 0; i < w->timers.n; i++)
        if (w->timers.items[i].kind == TIMER_TOTAL)
            return w->timers.items[i].at;
    return 0;
}

static void total_due(struct world *w, const char *path)
{
    world_input(w, (struct input){.type = INPUT_TIMER,
                                  .timer = TIMER_TOTAL,
                                  .node = world_node(w, path)});
}

static const struct stored_task *stored(struct world *w, const char *path)
{
    for (size_t i = 0; i < w->tasks.n; i++)
        if (w->tasks.items[i].row.node == world_node(w, path))
            return &w->tasks.items[i];
    fail_msg("%s has no row", path);
    return NULL;
}

static void what_runs_when_it_is_over_is_stopped(void **state)
{
    (void)state;
    struct world *w = world_of("");

    world_grant(w);
    assert_true(world_next_timer(w));
    assert_int_equal(w->now, 1030 * SECOND);
    assert_int_equal(w->stopped.n, 1);
    assert_ended(w, "a", "running total_timeout");
    total_due(w, "a"); /* again: nothing */
    assert_int_equal(w->stopped.n, 1);
    world_result(w, "a", OUTCOME_CANCELLED, 143, NULL);
    assert_ended(w, "a", "failed total_timeout");
    assert_string_equal(world_run_state(w), "failed");
    assert_non_null(strstr(w->message, "it took longer than its total_timeout"));
    world_free(w);
}

static void an_end_in_time_deletes_the_timer(void **state)
{
    (void)state;
    struct world *w = world_of("");

    world_grant(w);
    assert_int_equal(total_timer(w), 1030 * SECOND);
    world_succeed(w, "a");
    assert_int_equal(total_timer(w), 0);
    total_due(w, "a"); /* late */
    assert_ended(w, "a", "succeeded ");
    world_free(w);
}

static void what_waits_for_a_slot_is_ended(void **state)
{
    (void)state;
    struct world *w = world_of("");

    assert_true(world_next_timer(w));
    assert_ended(w, "a", "failed total_timeout");
    assert_int_equal(world_attempt(w, "a"), 0);
    assert_int_equal(w->offered.n, 0);
    world_free(w);
}

static void a_retry_that_waits_is_ended(void **state)
{
    (void)state;
    struct world *w = world_of(", retry: {delay: 20s, backoff: constant}");

    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    w->now += 31 * SECOND;
    total_due(w, "a"); /* before the timer of its retry */
    assert_ended(w, "a", "failed total_timeout");
    assert_int_equal(w->timers.n, 0);
    world_free(w);
}

/* A grant that comes at the moment when it is over. */
static void no_attempt_begins_after_it(void **state)
{
    (void)state;
    struct world *w = world_of("");

    w->now += 30 * SECOND;
    world_grant(w);
    assert_ended(w, "a", "failed total_timeout");
    assert_int_equal(w->started.n, 0);
    assert_int_equal(w->slots_out, 0);
    world_free(w);
}

static void no_retry_is_waited_for_that_would_begin_too_late(void **state)
{
    (void)state;
    struct world *w = world_of(", retry: {delay: 20s, max_attempts: 5}");

    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL); /* again at 1020 s */
    assert_ended(w, "a", "retrying exit_code");
    assert_true(world_next_timer(w));
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 7, NULL); /* again at 1060 s */
    assert_ended(w, "a", "failed total_timeout");
    assert_int_equal(stored(w, "a")->row.exit_code, 7);
    assert_non_null(strstr(stored(w, "a")->message, "within its total_timeout; the "
                                                    "last one ended with exit_code"));
    assert_int_equal(w->timers.n, 0);
    world_free(w);
}

static void the_message_of_the_last_attempt_is_kept(void **state)
{
    (void)state;
    struct world *w = world_of(", retry: {delay: 40s}");
    const struct result result = {.outcome = OUTCOME_FAILED,
                                  .exit_code = MODEL_NULL,
                                  .reason = "start_failed",
                                  .message = "no such program"};

    world_grant(w);
    world_input(w, (struct input){.type = INPUT_RESULT,
                                  .node = world_node(w, "a"),
                                  .attempt = 1,
                                  .result = &result});
    assert_ended(w, "a", "failed total_timeout");
    assert_non_null(
        strstr(stored(w, "a")->message, "ended with start_failed: no such program"));
    world_free(w);
}

static void what_is_not_tried_again_keeps_its_own_reason(void **state)
{
    (void)state;
    struct world *w = world_of("");

    world_grant(w);
    w->now += 40 * SECOND; /* the timer is late */
    world_result(w, "a", OUTCOME_FAILED, 7, NULL);
    assert_ended(w, "a", "failed exit_code");
    world_free(w);
}

static void what_was_lost_is_not_started_again_too_late(void **state)
{
    (void)state;
    struct world *w = world_of("");

    world_grant(w);
    w->now += 30 * SECOND;
    world_result(w, "a", OUTCOME_LOST, -1, NULL);
    assert_ended(w, "a", "failed total_timeout");
    world_free(w);
}

/* What it did before it was stopped counts only if it succeeded. */
static void only_a_success_wins_against_the_stop(void **state)
{
    static const struct {
        enum outcome outcome;
        const char *end;
    } cases[] = {
        {OUTCOME_SUCCEEDED, "succeeded "},
        {OUTCOME_FAILED, "failed total_timeout"},
        {OUTCOME_TIMEOUT, "failed total_timeout"},
        {OUTCOME_LOST, "failed total_timeout"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world *w = world_of(", retry: {delay: 1s, on: [failed, timeout, lost]}");

        world_grant(w);
        assert_true(world_next_timer(w));
        world_result(w, "a", cases[i].outcome, 0, NULL);
        assert_ended(w, "a", cases[i].end);
        world_free(w);
    }
}

static void a_restart_keeps_the_time(void **state)
{
    (void)state;
    struct world *w = world_of(", retry: {delay: 5s, backoff: constant}");

    w->now += 10 * SECOND;
    world_restart(w); /* it waits for a slot */
    assert_int_equal(total_timer(w), 1030 * SECOND);
    world_grant(w);
    world_restart(w); /* it runs */
    assert_int_equal(total_timer(w), 1030 * SECOND);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    world_restart(w); /* it waits for its retry */
    assert_int_equal(total_timer(w), 1030 * SECOND);
    w->now = 1016 * SECOND;
    world_restart(w); /* which is due */
    world_grant(w);
    assert_int_equal(world_attempt(w, "a"), 2);
    w->now = 1050 * SECOND;
    world_restart(w); /* nobody was there when it was over */
    total_due(w, "a");
    assert_int_equal(w->stopped.n, 1);
    world_restart(w);
    assert_int_equal(w->adopted.n, 1);
    assert_int_equal(w->stopped.n, 1); /* told again */
    world_result(w, "a", OUTCOME_CANCELLED, 143, NULL);
    world_restart(w);
    assert_ended(w, "a", "failed total_timeout");
    world_free(w);
}

static void it_counts_from_when_the_task_is_ready(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n  b: {run: x}\n"
                                     "  a: {needs: [b], run: x, total_timeout: 30s}\n",
                                NULL);

    world_grant(w);
    assert_int_equal(total_timer(w), 0);
    w->now += 100 * SECOND;
    world_succeed(w, "b");
    assert_int_equal(total_timer(w), 1130 * SECOND);
    world_free(w);
}

static void each_item_has_its_own_from_its_turn_on(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks:\n  a:\n    foreach: [1, 2, 3]\n    max_parallel: 1\n"
                       "    fail_fast: false\n    run: x\n    total_timeout: 30s\n",
                  NULL);

    assert_int_equal(total_timer(w), 1030 * SECOND);
    world_grant(w);
    w->now += 20 * SECOND;
    world_succeed(w, "a.0");
    assert_int_equal(total_timer(w), 1050 * SECOND);
    w->now += 5 * SECOND;
    world_restart(w);
    assert_int_equal(total_timer(w), 1050 * SECOND);
    assert_true(world_next_timer(w)); /* waiting for a slot */
    assert_ended(w, "a.1", "failed total_timeout");
    world_finish(w);
    assert_ended(w, "a.2", "succeeded ");
    assert_ended(w, "a", "failed item_failed");
    world_free(w);
}

static void it_covers_all_iterations(void **state)
{
    (void)state;
    struct world *w =
        world_of(", repeat: {until: false, max: 9, delay: 12s, on_max: succeed}");

    for (int i = 0; i < 3; i++) {
        world_grant(w);
        world_succeed(w, "a");
        if (i < 2)
            assert_true(world_next_timer(w));
    }
    assert_int_equal(w->now, 1024 * SECOND);
    assert_ended(w, "a", "failed total_timeout");
    assert_non_null(strstr(stored(w, "a")->message, "its next iteration would begin"));
    world_free(w);
}

/* The last iteration that may be is no failure of time. */
static void a_clock_that_is_set_back_gives_no_further_iteration(void **state)
{
    (void)state;
    struct world *w = world_of(", repeat: {until: 'false', max: 9}");

    world_grant(w);
    assert_true(world_next_timer(w));
    assert_int_equal(w->stopped.n, 1);
    w->now -= 100 * SECOND;
    world_succeed(w, "a");
    assert_ended(w, "a", "failed total_timeout");
    world_free(w);
}

static void the_last_iteration_ends_the_loop_as_always(void **state)
{
    (void)state;
    struct world *w =
        world_of(", repeat: {until: false, max: 1, delay: 2m, on_max: succeed}");

    world_grant(w);
    world_succeed(w, "a");
    assert_ended(w, "a", "succeeded ");
    world_free(w);
}

static const char group_of[] =
    HEAD "tasks:\n  a:\n    total_timeout: 30s\n    retry: {delay: 1s}\n"
         "    tasks: {b: {run: x}}\n";

static void a_group_is_stopped_and_not_begun_again(void **state)
{
    (void)state;
    struct world *w = world_new(group_of, NULL);

    assert_ended(w, "a", "running ");
    assert_true(world_next_timer(w));
    assert_ended(w, "a", "running total_timeout");
    world_restart(w); /* stopped again: the child is told */
    assert_ended(w, "a", "running total_timeout");
    assert_int_equal(w->child_stops, 1);
    world_result(w, "a", OUTCOME_FAILED, -1, NULL);
    assert_ended(w, "a", "failed total_timeout");
    world_free(w);
}

static void a_group_does_not_begin_too_late(void **state)
{
    (void)state;
    struct world *w = world_new(group_of, NULL);

    w->now += 28 * SECOND;
    world_result(w, "a", OUTCOME_FAILED, -1, NULL);
    assert_ended(w, "a", "retrying exit_code");
    w->now += 5 * SECOND; /* its timer is late, and so is that of the whole */
    world_input(w, (struct input){.type = INPUT_TIMER,
                                  .timer = TIMER_RETRY,
                                  .node = world_node(w, "a")});
    assert_ended(w, "a", "failed total_timeout");
    world_free(w);
}

static void a_cancel_wins(void **state)
{
    (void)state;
    struct world *w = world_of("");

    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    total_due(w, "a");
    assert_int_equal(w->stopped.n, 1);
    assert_ended(w, "a", "running ");
    world_result(w, "a", OUTCOME_CANCELLED, 143, NULL);
    assert_ended(w, "a", "cancelled cancelled");
    world_free(w);
}

static void silence_and_time_are_told_apart(void **state)
{
    (void)state;
    struct world *w = world_of(", heartbeat_timeout: 5s");
    const struct input silent = {
        .type = INPUT_SILENT, .node = world_node(w, "a"), .attempt = 1};

    world_grant(w);
    world_input(w, silent);
    assert_ended(w, "a", "running heartbeat");
    assert_true(world_next_timer(w)); /* what is decided last counts */
    world_input(w, silent);
    world_restart(w);
    world_result(w, "a", OUTCOME_CANCELLED, 143, NULL);
    assert_ended(w, "a", "failed total_timeout");
    world_free(w);
}

static void a_run_that_begins_again_counts_anew(void **state)
{
    (void)state;
    struct world *w = world_of("");

    world_grant(w);
    assert_true(world_next_timer(w));
    world_result(w, "a", OUTCOME_CANCELLED, 143, NULL);
    w->now += 100 * SECOND;
    world_reopen(w, "{\"what\": \"failed\"}");
    assert_int_equal(total_timer(w), w->now + 30 * SECOND);
    world_grant(w);
    assert_int_equal(w->stopped.n, 0);
    world_succeed(w, "a");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

/* What begins again while the run goes on: in each state that it may be in. */
static void begin_again(struct world *w)
{
    json_t *body = json_pack("{ssss}", "what", "task", "task", "a");
    const struct signal signal = {.word = "reset", .body = body};

    world_input(w, (struct input){.type = INPUT_SIGNAL, .signal = &signal});
    json_decref(body);
}

static void what_begins_again_while_it_waits_for_a_slot_counts_anew(void **state)
{
    (void)state;
    struct world *w = world_of("");

    w->now += 20 * SECOND;
    begin_again(w);
    assert_int_equal(total_timer(w), 1050 * SECOND);
    assert_null(strstr(buf_text(&w->history), "task.reset")); /* it had not begun */
    world_restart(w);
    assert_int_equal(total_timer(w), 1050 * SECOND);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

/* Its iterations are over and not over: the next one waits for a slot. */
static void what_begins_again_between_two_iterations_is_as_new(void **state)
{
    (void)state;
    struct world *w =
        world_of(", repeat: {until: false, max: 9, delay: 2s, on_max: succeed}");

    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, NULL);
    assert_ended(w, "a", "retrying repeat");
    assert_true(world_next_timer(w)); /* and nobody grants it a slot */
    begin_again(w);
    assert_ended(w, "a", "waiting ");
    assert_int_equal(stored(w, "a")->row.iteration, MODEL_NULL);
    assert_int_equal(total_timer(w), w->now + 30 * SECOND);
    world_free(w);
}

static void what_begins_again_while_it_runs_is_not_stopped_twice(void **state)
{
    (void)state;
    struct world *w = world_of("");

    world_grant(w);
    begin_again(w);
    assert_int_equal(w->stopped.n, 1);
    w->now += 40 * SECOND;
    total_due(w, "a");
    assert_int_equal(w->stopped.n, 1);
    world_result(w, "a", OUTCOME_CANCELLED, 143, NULL);
    assert_int_equal(total_timer(w), w->now + 30 * SECOND);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

/* A timer that came in before this is about to be told: it must be void before the next
 * one is set. */
static void check_forgets(struct world *w, const struct input *in)
{
    struct step s = {.now_us = w->now + 30 * SECOND};
    bool is_void = false;
    size_t n_set = 0;

    engine_step(w->run, in, &s);
    for (size_t i = 0; i < s.effects.n; i++) {
        const struct effect *e = &s.effects.items[i];
        is_void |= e->type == EFFECT_FORGET && e->node == world_node(w, "a");
        if (e->type != EFFECT_TIMER || e->timer != TIMER_TOTAL || e->at_us == 0)
            continue;
        n_set++;
        assert_true(is_void);
    }
    assert_int_equal(n_set, 1);
    step_done(&s);
    world_free(w);
}

static void a_timer_that_is_on_its_way_is_not_for_what_begins_again(void **state)
{
    (void)state;
    struct world *w = world_of("");
    const struct result result = {.outcome = OUTCOME_CANCELLED, .exit_code = 143};

    world_grant(w);
    begin_again(w);
    check_forgets(w, &(struct input){.type = INPUT_RESULT,
                                     .node = world_node(w, "a"),
                                     .attempt = 1,
                                     .result = &result});
}

static void nor_is_one_from_before_its_end(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks:\n  a: {run: x, total_timeout: 30s}\n  b: {run: x}\n", NULL);
    json_t *body = json_pack("{ssss}", "what", "task", "task", "a");
    const struct signal signal = {.word = "reset", .body = body};

    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    check_forgets(w, &(struct input){.type = INPUT_SIGNAL, .signal = &signal});
    json_decref(body);
}

static void others_meet_their_end_while_one_is_to_begin_again(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks:\n  a: {run: x}\n  b: {run: x, total_timeout: 30s}\n", NULL);

    world_grant(w);
    begin_again(w);
    assert_true(world_next_timer(w));
    assert_ended(w, "b", "running total_timeout");
    total_due(w, "a"); /* which has none */
    world_free(w);
}

/* One without a total_timeout, twice. */
static void what_has_no_end_begins_again_as_ever(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n", NULL);

    world_grant(w);
    begin_again(w);
    world_result(w, "a", OUTCOME_CANCELLED, 143, NULL);
    begin_again(w); /* it waits for a slot */
    assert_int_equal(stored(w, "a")->row.deadline_at, MODEL_NULL);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void what_begins_again_after_a_restart_counts_anew(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks:\n  b: {run: x}\n  a: {run: x, needs: [b], total_timeout: 30s}\n",
        NULL);

    world_grant(w);
    world_succeed(w, "b");
    world_restart(w); /* a is ready, and its row says so */
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    w->now += 7 * SECOND;
    world_reopen(w, "{\"what\": \"all\"}");
    assert_int_equal(total_timer(w), 0);
    assert_int_equal(stored(w, "a")->row.deadline_at, MODEL_NULL);
    world_grant(w);
    world_succeed(w, "b");
    assert_int_equal(total_timer(w), w->now + 30 * SECOND);
    world_free(w);
}

/* Its run is paused: it counts on, and ends what is held. */
static void a_pause_does_not_stop_the_time(void **state)
{
    (void)state;
    struct world *w = world_of("");
    const struct signal pause = {.word = "pause"}, go = {.word = "unpause"};

    world_input(w, (struct input){.type = INPUT_SIGNAL, .signal = &pause});
    assert_int_equal(w->offered.n, 0);
    assert_true(world_next_timer(w));
    assert_ended(w, "a", "failed total_timeout");
    world_input(w, (struct input){.type = INPUT_SIGNAL, .signal = &go});
    assert_int_equal(w->offered.n, 0);
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void the_cache_may_answer_late(void **state)
{
    (void)state;
    struct world *w = world_of(", cache: {key: k}");

    w->now += 30 * SECOND;
    total_due(w, "a"); /* while it asks */
    assert_ended(w, "a", "waiting ");
    assert_int_equal(world_look_up(w, w), 1); /* nothing is there */
    assert_ended(w, "a", "failed total_timeout");
    assert_int_equal(w->offered.n, 0);
    world_free(w);
}

static void a_timer_of_no_task_changes_nothing(void **state)
{
    (void)state;
    struct world *w = world_of("");

    world_input(
        w, (struct input){.type = INPUT_TIMER, .timer = TIMER_TOTAL, .node = 9 << 20});
    assert_ended(w, "a", "waiting ");
    world_free(w);
}

static void followers_and_handlers_take_it_as_any_failure(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks:\n  a: {run: x, total_timeout: 30s, continue_on_error: true}\n"
             "  b: {run: x, needs: a.failed}\n  c: {run: x, needs: [a]}\n",
        NULL);

    assert_true(world_next_timer(w));
    world_finish(w);
    assert_ended(w, "a", "failed total_timeout");
    assert_ended(w, "b", "succeeded ");
    assert_ended(w, "c", "succeeded ");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_runs_when_it_is_over_is_stopped),
        cmocka_unit_test(an_end_in_time_deletes_the_timer),
        cmocka_unit_test(what_waits_for_a_slot_is_ended),
        cmocka_unit_test(a_retry_that_waits_is_ended),
        cmocka_unit_test(no_attempt_begins_after_it),
        cmocka_unit_test(no_retry_is_waited_for_that_would_begin_too_late),
        cmocka_unit_test(the_message_of_the_last_attempt_is_kept),
        cmocka_unit_test(what_is_not_tried_again_keeps_its_own_reason),
        cmocka_unit_test(what_was_lost_is_not_started_again_too_late),
        cmocka_unit_test(only_a_success_wins_against_the_stop),
        cmocka_unit_test(a_restart_keeps_the_time),
        cmocka_unit_test(it_counts_from_when_the_task_is_ready),
        cmocka_unit_test(each_item_has_its_own_from_its_turn_on),
        cmocka_unit_test(it_covers_all_iterations),
        cmocka_unit_test(a_clock_that_is_set_back_gives_no_further_iteration),
        cmocka_unit_test(the_last_iteration_ends_the_loop_as_always),
        cmocka_unit_test(a_group_is_stopped_and_not_begun_again),
        cmocka_unit_test(a_group_does_not_begin_too_late),
        cmocka_unit_test(a_cancel_wins),
        cmocka_unit_test(silence_and_time_are_told_apart),
        cmocka_unit_test(a_run_that_begins_again_counts_anew),
        cmocka_unit_test(what_begins_again_while_it_waits_for_a_slot_counts_anew),
        cmocka_unit_test(what_begins_again_between_two_iterations_is_as_new),
        cmocka_unit_test(what_begins_again_while_it_runs_is_not_stopped_twice),
        cmocka_unit_test(a_timer_that_is_on_its_way_is_not_for_what_begins_again),
        cmocka_unit_test(nor_is_one_from_before_its_end),
        cmocka_unit_test(others_meet_their_end_while_one_is_to_begin_again),
        cmocka_unit_test(what_has_no_end_begins_again_as_ever),
        cmocka_unit_test(what_begins_again_after_a_restart_counts_anew),
        cmocka_unit_test(a_pause_does_not_stop_the_time),
        cmocka_unit_test(the_cache_may_answer_late),
        cmocka_unit_test(a_timer_of_no_task_changes_nothing),
        cmocka_unit_test(followers_and_handlers_take_it_as_any_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
