/* test_cache.c - which answers of the cache count: those to what a node asked last.
 * What is found is judged by test_dag_cache.c and the simulator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/control_priv.h"

#define HASH "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

/* As much of a process as asking needs: what it asked is never looked up. */
struct asking {
    struct control control;
    struct run run;
    struct live live;
};

static int begin(void **state)
{
    struct asking *a = mem_alloc(sizeof(*a));

    a->run.row.id = span_of("0193a000-0000-7000-8000-00000000000a");
    a->live = (struct live){.control = &a->control, .no = 1, .run = &a->run};
    *state = a;
    return 0;
}

static int end(void **state)
{
    struct asking *a = *state;

    control_look_ups_free(&a->control);
    map_done(&a->live.asked);
    mem_free(a);
    return 0;
}

/* The step that asks is durable; the number of the look-up that comes of it. */
static int64_t ask(struct asking *a, int64_t node)
{
    control_asks(&a->live, node);
    control_look_up(&a->live, node, HASH);
    return a->control.n_look_ups;
}

static bool counts(struct asking *a, int64_t node, int64_t look_up)
{
    struct queued q = {.in = {.type = INPUT_FOUND, .node = node}, .look_up = look_up};

    control_take_answer(&a->live, &q);
    return !q.is_void;
}

static void each_node_has_an_answer_of_its_own(void **state)
{
    struct asking *a = *state;
    const int64_t first = ask(a, 7);
    const int64_t second = ask(a, 8);

    assert_false(counts(a, 7, second));
    assert_true(counts(a, 8, second));
    assert_true(counts(a, 7, first));
}

static void an_answer_counts_once(void **state)
{
    struct asking *a = *state;
    const int64_t first = ask(a, 7);

    assert_true(counts(a, 7, first));
    assert_false(counts(a, 7, first));
}

/* It began again while the lane was looking. */
static void who_asks_again_is_not_given_the_answer_before(void **state)
{
    struct asking *a = *state;
    const int64_t first = ask(a, 7);

    control_asks(&a->live, 7); /* in a step that is not durable yet */
    assert_false(counts(a, 7, first));
    control_look_up(&a->live, 7, HASH);
    assert_false(counts(a, 7, first));
    assert_true(counts(a, 7, a->control.n_look_ups));
}

static void of_two_questions_in_one_step_the_last_counts(void **state)
{
    struct asking *a = *state;

    control_asks(&a->live, 7);
    control_asks(&a->live, 7);
    control_look_up(&a->live, 7, HASH);
    const int64_t first = a->control.n_look_ups;
    control_look_up(&a->live, 7, HASH);
    assert_false(counts(a, 7, first));
    assert_true(counts(a, 7, a->control.n_look_ups));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_node_has_an_answer_of_its_own, begin, end),
        cmocka_unit_test_setup_teardown(an_answer_counts_once, begin, end),
        cmocka_unit_test_setup_teardown(who_asks_again_is_not_given_the_answer_before,
                                        begin, end),
        cmocka_unit_test_setup_teardown(of_two_questions_in_one_step_the_last_counts,
                                        begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
