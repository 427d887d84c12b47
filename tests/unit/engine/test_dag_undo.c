/* test_dag_undo.c - compensations: which tasks are undone when, in what order, and that
 * a restart between any two steps changes nothing. */
#include "support.h"

#include <string.h>

#define HEAD "flowforge: 1\nname: test\ntasks:\n"
#define UNDO "compensate: {run: y, stdin: '${{ outputs.o }}'}}\n"
/* c fails after a and b have succeeded, b as the last. */
#define TRIP                                                                           \
    HEAD "  a: {run: x, outputs: {o: file}, " UNDO                                     \
         "  b: {needs: [a], run: x, outputs: {o: file}, " UNDO                         \
         "  c: {needs: [b], run: x, compensate: {run: y}}\n"

static void lose(struct world *w, const char *path)
{
    world_result(w, path, OUTCOME_FAILED, 1, NULL);
}

static void give(struct world *w, const char *path, const char *value)
{
    char outputs[64];

    snprintf(outputs, sizeof(outputs), "{\"o\": \"%s\"}", value);
    world_result(w, path, OUTCOME_SUCCEEDED, 0, outputs);
    w->now += UNITS_SECOND;
}

/* The names of the tasks in the order in which they started. */
static void expect_starts(struct world *w, const char *expected)
{
    static const char mark[] = "{\"type\":\"task.started\",\"task\":\"";
    const char *at = buf_text(&w->history);
    struct buf names = {0};

    while ((at = strstr(at, mark))) {
        at += strlen(mark);
        buf_printf(&names, "%s%.*s", names.len ? " " : "", (int)strcspn(at, "\""), at);
    }
    assert_string_equal(buf_text(&names), expected);
    buf_done(&names);
}

/* TRIP up to where the run has failed. */
static struct world *failed_trip(const char *handlers)
{
    struct buf yaml = {0};

    buf_printf(&yaml, "%s%s", TRIP, handlers);
    struct world *w = world_new(buf_text(&yaml), NULL);
    buf_done(&yaml);
    world_grant(w);
    give(w, "a", "first");
    world_grant(w);
    give(w, "b", "second");
    world_grant(w);
    lose(w, "c");
    return w;
}

static void expect_input(struct world *w, const char *path, const char *input)
{
    struct arena arena = {0};
    struct work work;
    struct ff_err err = {0};

    if (w->run->kind->describe(w->run, world_node(w, path), world_attempt(w, path),
                               &arena, &work, &err) != FF_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(work.input, input);
    assert_string_equal(work.env[0], "FF_RUN_STATUS=failed");
    arena_done(&arena);
}

static void what_succeeded_is_undone_in_the_reverse_order(void **state)
{
    (void)state;
    struct world *w = failed_trip("");

    assert_string_equal(world_run_state(w), "running");
    assert_true(world_grant(w));
    assert_string_equal(world_state(w, "a_compensate"), "");
    expect_input(w, "b_compensate", "second");
    world_succeed(w, "b_compensate");
    assert_true(world_grant(w));
    expect_input(w, "a_compensate", "first");
    world_succeed(w, "a_compensate");
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(w->message, "task c failed");
    assert_string_equal(world_state(w, "c_compensate"), "");
    expect_starts(w, "a b c b_compensate a_compensate");
    assert_int_equal(w->slots_out, 0);
    world_free(w);
}

static void restarts_between_the_steps_change_nothing(void **state)
{
    (void)state;
    struct world *w = failed_trip("on_failure: {h: {run: x}}\n");

    for (int i = 1; i >= 0; i--) {
        const char *const undo[] = {"a_compensate", "b_compensate"};
        world_restart(w);
        assert_true(world_grant_one(w));
        assert_false(world_grant_one(w));
        world_restart(w);
        assert_int_equal(w->adopted.n, 1);
        expect_input(w, undo[i], i ? "second" : "first");
        world_succeed(w, undo[i]);
        w->now += UNITS_SECOND;
    }
    world_restart(w);
    world_finish(w);
    assert_string_equal(world_run_state(w), "failed");
    expect_starts(w, "a b c b_compensate a_compensate h");
    world_free(w);
}

static void a_run_that_succeeded_is_not_undone(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "  a: {run: x, compensate: {run: y}}\n"
                                     "finally: {f: {run: x}}\n",
                                NULL);
    world_grant(w);
    world_succeed(w, "a");
    world_restart(w);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    expect_starts(w, "a f");
    world_free(w);
}

static void a_cancelled_run_is_undone_and_a_killed_one_not(void **state)
{
    (void)state;
    for (int kill = 0; kill < 2; kill++) {
        struct world *w = world_new(HEAD "  a: {run: x, compensate: {run: y}}\n"
                                         "  b: {needs: [a], run: x}\n"
                                         "on_cancel: {h: {run: x}}\n",
                                    NULL);
        world_grant(w);
        world_succeed(w, "a");
        world_grant(w);
        world_cancel(w, kill ? CANCEL_KILL : CANCEL_GRACEFUL);
        world_result(w, "b", OUTCOME_CANCELLED, 143, NULL);
        world_restart(w);
        world_finish(w);
        assert_string_equal(world_run_state(w), "cancelled");
        expect_starts(w, kill ? "a b" : "a b a_compensate h");
        world_free(w);
    }
}

static void one_that_fails_is_noted_and_the_others_go_on(void **state)
{
    (void)state;
    struct world *w = failed_trip("");

    world_grant(w);
    lose(w, "b_compensate");
    world_restart(w);
    world_grant(w);
    world_succeed(w, "a_compensate");
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(w->reason, "task_failed");
    assert_string_equal(w->message, "task c failed; the compensation of b failed");
    world_free(w);

    w = failed_trip("");
    world_grant(w);
    const struct result bad = {
        .outcome = OUTCOME_FAILED, .exit_code = 1, .message = "no such room"};
    const char *const undo[] = {"b_compensate", "a_compensate"};
    for (int i = 0; i < 2; i++) {
        world_input(w, (struct input){.type = INPUT_RESULT,
                                      .node = world_node(w, undo[i]),
                                      .attempt = 1,
                                      .result = &bad});
        world_grant(w);
    }
    assert_string_equal(w->message, "task c failed; the compensation of a failed: "
                                    "no such room, and 1 more");
    world_free(w);
}

static void one_of_a_cancelled_run_that_fails_is_all_that_it_says(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "  a: {run: x, compensate: {run: y}}\n"
                                     "  b: {needs: [a], run: x}\n",
                                NULL);

    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    world_result(w, "b", OUTCOME_CANCELLED, 143, NULL);
    world_grant(w);
    lose(w, "a_compensate");
    assert_string_equal(world_run_state(w), "cancelled");
    assert_string_equal(w->message, "the compensation of a failed");
    world_free(w);
}

static void a_compensation_has_retries_of_its_own(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "  a: {run: x, compensate: {run: y, retry: {max_attempts: 2}}}\n"
                       "  b: {needs: [a], run: x}\n",
                  NULL);

    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    lose(w, "b");
    world_grant(w);
    lose(w, "a_compensate");
    assert_string_equal(world_state(w, "a_compensate"), "retrying");
    world_restart(w);
    assert_false(world_grant(w));
    assert_true(world_next_timer(w));
    world_grant(w);
    world_succeed(w, "a_compensate");
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(w->message, "task b failed");
    world_free(w);
}

static void a_cancel_stops_the_undoing(void **state)
{
    (void)state;
    struct world *w = failed_trip("on_failure: {h: {run: x}}\n");

    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    assert_string_equal(world_state(w, "a_compensate"), "cancelled");
    assert_string_equal(world_state(w, "c_compensate"), "");
    assert_int_equal(w->stopped.n, 1);
    world_restart(w);
    assert_int_equal(w->stopped.n, 1);
    world_result(w, "b_compensate", OUTCOME_CANCELLED, 143, NULL);
    assert_string_equal(world_state(w, "b_compensate"), "cancelled");
    world_finish(w);
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(w->message, "task c failed; the compensation of a was "
                                    "cancelled, and 1 more");
    expect_starts(w, "a b c b_compensate h");
    world_free(w);

    w = failed_trip("on_failure: {h: {run: x}}\n"); /* the next one waits for a slot */
    world_cancel(w, CANCEL_GRACEFUL);
    world_finish(w);
    expect_starts(w, "a b c h");
    world_free(w);

    w = failed_trip("on_failure: {h: {run: x}}\n");
    world_grant(w);
    world_cancel(w, CANCEL_KILL);
    world_restart(w);
    world_result(w, "b_compensate", OUTCOME_CANCELLED, 137, NULL);
    assert_string_equal(world_run_state(w), "failed");
    expect_starts(w, "a b c b_compensate");
    world_free(w);
}

/* Which stands first in the file says nothing, and neither does the time. */
static void of_those_that_ended_together_the_one_behind_is_undone_first(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "  b: {needs: [a], run: x, compensate: {run: y}}\n"
                                     "  a: {run: x, compensate: {run: y}}\n"
                                     "  d: {needs: [b], run: x, compensate: {run: y}}\n"
                                     "  z: {needs: [d], run: x}\n",
                                NULL);

    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"a", "b", "d"};
        world_grant(w);
        world_succeed(w, names[i]);
    }
    world_grant(w);
    lose(w, "z");
    world_restart(w);
    world_finish(w);
    expect_starts(w, "a b d z d_compensate b_compensate a_compensate");
    world_free(w);
}

static void what_was_undone_begins_again_when_the_run_does(void **state)
{
    static const char *const resets[] = {"{\"what\": \"failed\"}",
                                         "{\"what\": \"task\", \"task\": \"c\"}",
                                         "{\"what\": \"all\"}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(resets); i++) {
        struct world *w = failed_trip("");
        world_grant(w);
        lose(w, "b_compensate");
        world_grant(w);
        world_succeed(w, "a_compensate");
        world_reopen(w, resets[i]);
        assert_string_equal(world_state(w, "a"), "waiting");
        assert_string_equal(world_state(w, "b"), "waiting");
        assert_string_equal(world_state(w, "a_compensate"), "waiting");
        world_restart(w);
        world_grant(w);
        give(w, "a", "third");
        world_grant(w);
        give(w, "b", "fourth");
        world_grant(w);
        lose(w, "c");
        world_restart(w);
        world_grant(w);
        assert_int_equal(world_attempt(w, "b_compensate"), 2);
        expect_input(w, "b_compensate", "fourth");
        world_succeed(w, "b_compensate");
        world_finish(w);
        assert_string_equal(world_run_state(w), "failed");
        world_free(w);
    }
}

/* Only by what was undone since it began the last time. */
static void what_was_undone_in_an_earlier_life_is_kept_in_the_next(void **state)
{
    (void)state;
    struct world *w = failed_trip("");

    world_finish(w);
    world_reopen(w, "{\"what\": \"failed\"}");
    world_grant(w);
    give(w, "a", "third");
    world_grant(w);
    give(w, "b", "fourth");
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_reopen(w, "{\"what\": \"task\", \"task\": \"c\"}");
    assert_string_equal(world_state(w, "a"), "succeeded");
    assert_string_equal(world_state(w, "b"), "succeeded");
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

/* b is not undone for the cancel came first: its result stands. */
static void what_was_not_undone_keeps_its_result(void **state)
{
    (void)state;
    struct world *w = failed_trip("");

    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    world_result(w, "b_compensate", OUTCOME_CANCELLED, 143, NULL);
    assert_string_equal(world_run_state(w), "failed");
    world_reopen(w, "{\"what\": \"failed\"}");
    assert_string_equal(world_state(w, "a"), "succeeded");
    assert_string_equal(world_state(w, "b"), "waiting"); /* maybe half undone */
    world_free(w);
}

static void outputs_of_a_task_that_has_none_are_null(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "  a: {run: x, compensate: {run: y, stdin: '${{ outputs == null "
                       "}} ${{ tasks.b.status }} ${{ run.status }}'}}\n"
                       "  b: {needs: [a], run: x}\n",
                  NULL);

    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    lose(w, "b");
    world_grant(w);
    expect_input(w, "a_compensate", "true failed failed");
    world_free(w);
}

static const char kept[] =
    HEAD "  a: {run: x, outputs: {o: file}, cache: {key: k}, compensate: {run: y}}\n"
         "  b: {needs: [a], run: x}\n";

/* Also when it has had attempts in an earlier life of the run. */
static void what_came_from_the_cache_is_not_undone(void **state)
{
    (void)state;
    struct world *first = world_new(kept, NULL);
    world_look_up(first, first);
    world_grant(first);
    give(first, "a", "x");
    world_grant(first);
    lose(first, "b");
    world_grant(first);
    world_succeed(first, "a_compensate");

    struct world *w = world_new(kept, NULL);
    assert_int_equal(world_look_up(w, first), 1);
    world_grant(w);
    lose(w, "b");
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);

    world_reopen(first, "{\"what\": \"failed\"}");
    assert_int_equal(world_look_up(first, first), 1);
    world_restart(first);
    world_grant(first);
    lose(first, "b");
    assert_string_equal(world_run_state(first), "failed");
    assert_string_equal(world_state(first, "a_compensate"), "waiting");
    world_free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_succeeded_is_undone_in_the_reverse_order),
        cmocka_unit_test(restarts_between_the_steps_change_nothing),
        cmocka_unit_test(a_run_that_succeeded_is_not_undone),
        cmocka_unit_test(a_cancelled_run_is_undone_and_a_killed_one_not),
        cmocka_unit_test(one_that_fails_is_noted_and_the_others_go_on),
        cmocka_unit_test(one_of_a_cancelled_run_that_fails_is_all_that_it_says),
        cmocka_unit_test(a_compensation_has_retries_of_its_own),
        cmocka_unit_test(a_cancel_stops_the_undoing),
        cmocka_unit_test(of_those_that_ended_together_the_one_behind_is_undone_first),
        cmocka_unit_test(what_was_undone_begins_again_when_the_run_does),
        cmocka_unit_test(what_was_undone_in_an_earlier_life_is_kept_in_the_next),
        cmocka_unit_test(what_was_not_undone_keeps_its_result),
        cmocka_unit_test(what_came_from_the_cache_is_not_undone),
        cmocka_unit_test(outputs_of_a_task_that_has_none_are_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
