/* test_stop.c - cancels that come twice, late, or while handlers run. */
#include "support.h"

#include <string.h>

#define HEAD         "flowforge: 1\nname: test\n"
#define WITH_FINALLY "tasks: {a: {run: x}}\nfinally: {h: {run: x}}\n"

static void a_second_cancel_of_the_same_kind_changes_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD WITH_FINALLY, NULL);

    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    world_cancel(w, CANCEL_GRACEFUL);
    assert_int_equal(w->stopped.n, 1);
    world_cancel(w, CANCEL_KILL);
    assert_int_equal(w->stopped.n, 2);
    world_cancel(w, CANCEL_GRACEFUL);
    assert_int_equal(w->stopped.n, 2);
    world_free(w);
}

static void a_kill_after_a_timeout_leaves_the_reason(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "timeout: 60s\n" WITH_FINALLY, NULL);

    world_grant(w);
    assert_true(world_next_timer(w));
    world_cancel(w, CANCEL_KILL);
    world_result(w, "a", OUTCOME_CANCELLED, -1, NULL);
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(w->reason, "timeout");
    assert_string_equal(world_state(w, "h"), "");
    world_free(w);
}

static void a_timeout_after_a_cancel_or_after_the_tasks_changes_nothing(void **state)
{
    (void)state;
    const struct input timeout = {.type = INPUT_TIMER, .timer = TIMER_RUN};
    struct world *w = world_new(HEAD "timeout: 60s\n" WITH_FINALLY, NULL);

    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    world_input(w, timeout);
    assert_string_equal(w->reason, "cancelled");
    world_free(w);

    w = world_new(HEAD "timeout: 60s\n" WITH_FINALLY, NULL);
    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    world_input(w, timeout);
    assert_int_equal(w->stopped.n, 0);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_handler_that_is_cancelled_twice_is_noted_once(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD WITH_FINALLY, NULL);

    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    assert_string_equal(world_reason(w, "h"), "cancelled");
    const int64_t version = w->tasks.items[1].row.version;
    world_cancel(w, CANCEL_KILL);
    assert_int_equal(w->tasks.items[1].row.version, version);
    assert_int_equal(w->stopped.n, 2);
    world_free(w);
}

static void a_killed_run_is_cancelled_even_if_its_handler_succeeds(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD WITH_FINALLY, NULL);

    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    world_cancel(w, CANCEL_KILL);
    world_succeed(w, "h");
    assert_string_equal(world_run_state(w), "cancelled");
    assert_string_equal(w->reason, "killed");
    world_free(w);
}

static void a_cancel_ends_a_foreach_and_leaves_what_has_ended(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  a: {run: x}\n"
                                     "  f: {foreach: [1, 2, 3], run: x}\n"
                                     "  g: {foreach: [1, 2], needs: [a], run: x}\n",
                                NULL);

    assert_true(world_grant_one(w));
    world_succeed(w, "a");
    assert_true(world_grant_one(w)); /* f.0 */
    world_cancel(w, CANCEL_GRACEFUL);
    assert_string_equal(world_state(w, "a"), "succeeded");
    assert_string_equal(world_state(w, "g"), "cancelled");
    assert_string_equal(world_state(w, "f.1"), "cancelled");
    assert_string_equal(world_state(w, "f"), "running");
    world_result(w, "f.0", OUTCOME_CANCELLED, -1, NULL);
    assert_string_equal(world_state(w, "f"), "cancelled");
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_cancel_of_the_same_kind_changes_nothing),
        cmocka_unit_test(a_kill_after_a_timeout_leaves_the_reason),
        cmocka_unit_test(a_timeout_after_a_cancel_or_after_the_tasks_changes_nothing),
        cmocka_unit_test(a_handler_that_is_cancelled_twice_is_noted_once),
        cmocka_unit_test(a_killed_run_is_cancelled_even_if_its_handler_succeeds),
        cmocka_unit_test(a_cancel_ends_a_foreach_and_leaves_what_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
