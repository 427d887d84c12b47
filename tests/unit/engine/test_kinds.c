/* test_kinds.c - tasks that the engine carries out itself: no slot, no place under the
 * run's parallelism, and one step for as many as nothing is waited for. */
#include "support.h"

#include <string.h>

#define HEAD "flowforge: 1\nname: test\n"

static size_t count(const char *text, const char *word)
{
    size_t n = 0;

    for (; (text = strstr(text, word)); text += strlen(word))
        n++;
    return n;
}

static void a_noop_takes_no_slot_and_has_one_event(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {a: {noop: true}, b: {needs: [a], noop: true}}\n", NULL);

    assert_int_equal(w->offered.n, 0);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(world_attempt(w, "b"), 1);
    assert_int_equal(count(buf_text(&w->history), "task.started"), 0);
    assert_int_equal(count(buf_text(&w->history), "task.finished"), 2);
    assert_int_equal(w->tasks.items[0].row.started_at, w->now);
    assert_int_equal(w->tasks.items[0].row.finished_at, w->now);
    world_free(w);
}

static void a_noop_has_no_place_under_the_runs_parallelism(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "parallelism: 1\n"
                                     "tasks:\n"
                                     "  a: {run: x}\n"
                                     "  b: {noop: true}\n"
                                     "  c: {needs: [b], run: x}\n",
                                NULL);

    assert_string_equal(world_state(w, "b"), "succeeded");
    assert_int_equal(w->offered.n, 1);
    world_grant(w);
    assert_int_equal(world_running(w), 1);
    world_succeed(w, "a");
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(w->slots_out, 0);
    world_free(w);
}

static void
a_noop_that_had_a_slot_in_an_older_version_ends_after_a_restart(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {a: {run: x}, b: {run: x}, c: {run: x}}\n", NULL);
    const struct flow *f = w->plan->data;

    world_grant(w);
    for (size_t i = 0; i < 3; i++)
        ((struct flow_work *)(uintptr_t)f->tasks[i].work)->kind = FLOW_NOOP;
    world_restart(w);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(w->adopted.n, 0);
    assert_int_equal(w->slots_out, 0);
    world_free(w);
}

static void one_that_was_being_cancelled_is_cancelled(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n", NULL);
    const struct flow *f = w->plan->data;

    world_grant(w);
    ((struct flow_work *)(uintptr_t)f->tasks[0].work)->kind = FLOW_NOOP;
    world_cancel(w, CANCEL_GRACEFUL);
    assert_string_equal(world_state(w, "a"), "cancelled");
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
}

static const char each[] =
    HEAD "tasks: {a: {foreach: '${{ range(2000) }}', max_parallel: 1, noop: true}}\n";

static void items_one_after_the_other_are_a_loop_and_no_recursion(void **state)
{
    (void)state;
    struct world *w = world_new(each, NULL);

    assert_string_equal(world_run_state(w), "succeeded");
    assert_string_equal(world_state(w, "a"), "succeeded");
    assert_string_equal(world_state(w, "a.1999"), "succeeded");
    assert_int_equal(count(buf_text(&w->history), "task.finished"), 2001);
    world_free(w);
}

static void a_foreach_that_was_cut_off_goes_on_with_the_next_item(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {a: {foreach: [1, 2, 3], max_parallel: 1, run: x}}\n", NULL);
    const struct flow *f = w->plan->data;

    world_grant(w);
    ((struct flow_work *)(uintptr_t)f->tasks[0].work)->kind = FLOW_NOOP;
    world_restart(w);
    assert_string_equal(world_state(w, "a.0"), "succeeded");
    assert_string_equal(world_state(w, "a.2"), "succeeded");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_foreach_that_was_being_stopped_begins_no_more_items(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {a: {foreach: [1, 2, 3], max_parallel: 2, run: x}}\n", NULL);
    const struct flow *f = w->plan->data;

    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    ((struct flow_work *)(uintptr_t)f->tasks[0].work)->kind = FLOW_NOOP;
    world_restart(w);
    assert_string_equal(world_state(w, "a.2"), "");
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_noop_takes_no_slot_and_has_one_event),
        cmocka_unit_test(a_noop_has_no_place_under_the_runs_parallelism),
        cmocka_unit_test(
            a_noop_that_had_a_slot_in_an_older_version_ends_after_a_restart),
        cmocka_unit_test(one_that_was_being_cancelled_is_cancelled),
        cmocka_unit_test(items_one_after_the_other_are_a_loop_and_no_recursion),
        cmocka_unit_test(a_foreach_that_was_cut_off_goes_on_with_the_next_item),
        cmocka_unit_test(a_foreach_that_was_being_stopped_begins_no_more_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
