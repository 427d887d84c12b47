/* test_corners.c - what happens seldom: tasks that never began among those that did,
 * answers that come again, values of a kind that nobody expects. */
#include "support.h"

#include <string.h>

#define HEAD "flowforge: 1\nname: test\n"
#define ALL  "{\"what\": \"all\"}"

/* The value of an input, in so many brackets. */
static void add_deep(struct buf *out, const char *value, int n)
{
    for (int i = 0; i < n; i++)
        buf_add_char(out, '[');
    buf_add_text(out, value);
    for (int i = 0; i < n; i++)
        buf_add_char(out, ']');
}

static void outputs_are_not_deeper_than_can_be_read_again(void **state)
{
    struct buf yaml = {0}, inputs = {0};

    (void)state;
    buf_add_text(&yaml,
                 HEAD "inputs: {v: list}\ntasks: {a: {transform: {o: '${{ {\"k\": ");
    add_deep(&yaml, "inputs.v", 50);
    buf_add_text(&yaml, "} }}'}}, b: {needs: a, run: x}}\n");
    buf_add_text(&inputs, "{\"v\": ");
    add_deep(&inputs, "1", 100);
    buf_add_char(&inputs, '}');
    struct world *w = world_new(buf_text(&yaml), buf_text(&inputs));
    assert_string_equal(world_state(w, "a"), "failed");
    assert_string_equal(world_reason(w, "a"), "expression");
    world_restart(w);
    world_free(w);
    buf_done(&yaml);
    buf_done(&inputs);
}

static void an_attempt_with_limits_is_described(void **state)
{
    struct world *w =
        world_new(HEAD "tasks: {a: {run: x, mutex: 'm-${{ attempt }}'}}\n", NULL);
    struct arena arena = {0};
    struct ff_err err = {0};
    struct work work;

    (void)state;
    world_grant(w);
    assert_int_equal(
        w->run->kind->describe(w->run, world_node(w, "a"), 1, &arena, &work, &err),
        FF_OK);
    arena_done(&arena);
    world_free(w);
}

static void an_axis_may_not_be_called_as_a_list_of_entries(void **state)
{
    struct world *w = world_new(HEAD "tasks: {a: {matrix: {x: [1], include: [{include: "
                                     "2, x: 1}]}, run: x}}\n",
                                NULL);

    (void)state;
    world_finish(w);
    assert_string_equal(world_state(w, "a.0"), "succeeded");
    assert_string_equal(world_state(w, "a.1"), "");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void an_and_is_false_by_either_side(void **state)
{
    static const char *const formulas[] = {"a.failed && b", "b && a.failed",
                                           "a.failed && b.failed",
                                           "a.failed || b.failed"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(formulas); i++) {
        struct buf yaml = {0};
        buf_printf(&yaml,
                   HEAD "tasks: {a: {run: x}, b: {run: x}, c: {run: x, needs: '%s'}}\n",
                   formulas[i]);
        struct world *w = world_new(buf_text(&yaml), NULL);
        world_finish(w);
        assert_string_equal(world_reason(w, "c"), "needs_false");
        world_free(w);
        buf_done(&yaml);
    }
}

static void items_that_never_began_have_nothing_to_reset(void **state)
{
    struct world *w = world_new(
        HEAD "tasks: {f: {foreach: [1, 2, 3], max_parallel: 1, run: x}}\n", NULL);

    (void)state;
    world_grant(w);
    world_result(w, "f.0", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_run_state(w), "failed");
    world_reopen(w, ALL);
    world_restart(w);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(world_attempt(w, "f.0"), 2);
    assert_int_equal(world_attempt(w, "f.2"), 1);
    world_free(w);
}

static void a_loop_that_never_began_has_no_iteration(void **state)
{
    struct world *w = world_new(
        HEAD "tasks: {a: {run: x, if: 'false', repeat: {until: 'true', max: 2}}}\n",
        NULL);

    (void)state;
    assert_string_equal(world_state(w, "a"), "skipped");
    assert_int_equal(w->tasks.items[0].row.iteration, MODEL_NULL);
    world_free(w);
}

/* As an executor gives those that are large; and without an exit code. */
static void an_iteration_may_have_outputs_by_reference(void **state)
{
    struct world *w = world_new(HEAD "tasks: {a: {run: x, outputs: {n: json}, repeat: "
                                     "{until: iteration == 2, max: 2}}}\n",
                                NULL);
    json_t *outputs = json_pack("{s:i}", "n", 1);
    const struct result result = {.outcome = OUTCOME_SUCCEEDED,
                                  .exit_code = MODEL_NULL,
                                  .outputs = outputs,
                                  .stored = "{\"n\":1}"};

    (void)state;
    world_grant(w);
    world_input(w, (struct input){.type = INPUT_RESULT,
                                  .node = world_node(w, "a"),
                                  .attempt = 1,
                                  .result = &result});
    assert_string_equal(w->tasks.items[0].outputs, "{\"n\":1}");
    assert_null(strstr(buf_text(&w->history), "exit_code"));
    json_decref(outputs);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_reset_that_keeps_the_cache_may_say_so(void **state)
{
    struct world *w = world_new(HEAD "tasks: {a: {run: x}, b: {run: x}}\n", NULL);
    json_t *body =
        json_pack("{s:s, s:s, s:b}", "what", "task", "task", "a", "no_cache", 0);
    const struct signal signal = {.word = "reset", .body = body};

    (void)state;
    world_grant(w);
    world_succeed(w, "a");
    world_input(w, (struct input){.type = INPUT_SIGNAL, .signal = &signal});
    world_finish(w);
    assert_int_equal(world_attempt(w, "a"), 2);
    assert_int_equal(world_attempt(w, "b"), 1);
    json_decref(body);
    world_free(w);
}

static void what_ended_last_is_undone_first_wherever_it_stands(void **state)
{
    struct world *w = world_new(HEAD "tasks:\n  a: {run: x, compensate: {run: x}}\n"
                                     "  b: {run: x, compensate: {run: x}}\n"
                                     "  c: {run: x, compensate: {run: x}}\n"
                                     "  d: {run: x, needs: [a, b, c]}\n",
                                NULL);
    static const char *const order[] = {"c", "a", "b"};
    static const char *const undone[] = {"b", "a", "c"};

    (void)state;
    world_grant(w);
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        w->now += UNITS_SECOND;
        world_succeed(w, order[i]);
    }
    world_grant(w);
    const size_t before = w->started.n;
    world_result(w, "d", OUTCOME_FAILED, 1, NULL);
    world_finish(w);
    assert_int_equal(w->started.n - before, COUNT_OF(undone));
    for (size_t i = 0; i < COUNT_OF(undone); i++) {
        const struct flow *f = w->plan->data;
        const uint32_t task = (uint32_t)NODE_TASK(w->started.items[before + i]);
        assert_int_equal(f->tasks[task].name[0], undone[i][0]);
    }
    world_free(w);
}

static void an_answer_that_comes_twice_counts_once(void **state)
{
    struct world *w = world_new(HEAD "tasks: {a: {cache: {key: k}, run: x}}\n", NULL);
    const struct input nothing = {.type = INPUT_FOUND, .node = world_node(w, "a")};

    (void)state;
    world_input(w, nothing);
    world_input(w, nothing);
    assert_int_equal(w->offered.n, 1);
    world_grant(w);
    world_input(w, nothing);
    assert_string_equal(world_state(w, "a"), "running");
    world_finish(w);
    assert_int_equal(world_attempt(w, "a"), 1);
    world_free(w);
}

static void a_map_is_no_key_of_an_event(void **state)
{
    struct world *w =
        world_new(HEAD "inputs: {m: object}\ntasks: {a: {wait_event: {name: p, key: "
                       "'${{ inputs.m }}'}}}\n",
                  "{\"m\": {\"a\": 1}}");

    (void)state;
    assert_string_equal(world_state(w, "a"), "failed");
    world_free(w);
}

static void words_of_a_reset_that_are_false_change_nothing(void **state)
{
    struct world *w =
        world_new(HEAD "tasks: {a: {run: x}}\non_success: {b: {run: x}}\n", NULL);

    (void)state;
    world_finish(w);
    world_reopen(w, "{\"what\": \"all\", \"open\": false}");
    world_finish(w);
    assert_int_equal(world_attempt(w, "a"), 2);
    assert_int_equal(world_attempt(w, "b"), 2);
    world_free(w);
}

static void an_event_that_cannot_be_judged_by_one_says_why(void **state)
{
    struct world *w =
        world_new(HEAD "tasks:\n  a: {wait_event: {name: p, if: 'event.n[4] == 1'}}\n"
                       "  b: {wait_event: {name: p}}\n",
                  NULL);
    json_t *body =
        json_pack("{s:s, s:{s:i}, s:[[I,i], [I,i]]}", "name", "p", "data", "n", 1, "to",
                  (json_int_t)world_node(w, "a"), 1, (json_int_t)world_node(w, "b"), 1);
    const struct signal signal = {.word = "event", .body = body};

    (void)state;
    world_input(w, (struct input){.type = INPUT_SIGNAL, .signal = &signal});
    assert_string_equal(world_state(w, "b"), "succeeded");
    assert_string_equal(world_state(w, "a"), "suspended");
    assert_non_null(strstr(buf_text(&w->history), "request.refused"));
    json_decref(body);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_not_deeper_than_can_be_read_again),
        cmocka_unit_test(an_attempt_with_limits_is_described),
        cmocka_unit_test(an_axis_may_not_be_called_as_a_list_of_entries),
        cmocka_unit_test(an_and_is_false_by_either_side),
        cmocka_unit_test(items_that_never_began_have_nothing_to_reset),
        cmocka_unit_test(a_loop_that_never_began_has_no_iteration),
        cmocka_unit_test(an_iteration_may_have_outputs_by_reference),
        cmocka_unit_test(a_reset_that_keeps_the_cache_may_say_so),
        cmocka_unit_test(what_ended_last_is_undone_first_wherever_it_stands),
        cmocka_unit_test(an_answer_that_comes_twice_counts_once),
        cmocka_unit_test(a_map_is_no_key_of_an_event),
        cmocka_unit_test(words_of_a_reset_that_are_false_change_nothing),
        cmocka_unit_test(an_event_that_cannot_be_judged_by_one_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
