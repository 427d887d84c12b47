/* test_kind_approve.c - a task that a person decides: what decisions come to, which are
 * refused, and that a restart while it waits changes nothing. */
#include "support.h"

#include <string.h>

#define HEAD   "flowforge: 1\nname: test\n"
#define SECOND UNITS_SECOND
#define GIVEN  "{\"what\": [\"x\"]}"
#define ASKS                                                                           \
    HEAD "inputs: {what: {type: list, default: [x]}}\n"                                \
         "tasks:\n"                                                                    \
         "  a:\n"                                                                      \
         "    approve:\n"                                                              \
         "      message: 'Deploy ${{ inputs.what[0] }}?'\n"                            \
         "      inputs: {n: integer, why: {default: none}}\n"

static struct stored_task *row_of(struct world *w, const char *path)
{
    const int64_t node = world_node(w, path);

    for (size_t i = 0; i < w->tasks.n; i++)
        if (w->tasks.items[i].row.node == node)
            return &w->tasks.items[i];
    fail_msg("no row of %s", path);
    return NULL;
}

static void tell(struct world *w, const char *word, const char *body)
{
    struct ff_err err;
    json_t *value = body ? json_parse(body, strlen(body), &err) : NULL;
    const struct signal signal = {.word = word, .body = value};

    world_input(w, (struct input){.type = INPUT_SIGNAL, .signal = &signal});
    json_decref(value);
}

static void an_approval_has_its_inputs_as_outputs(void **state)
{
    (void)state;
    struct world *w = world_new(ASKS "outputs: {n: '${{ tasks.a.outputs.n }}', by: "
                                     "'${{ tasks.a.outputs.approved_by }}'}\n",
                                GIVEN);

    assert_string_equal(world_state(w, "a"), "suspended");
    assert_string_equal(world_reason(w, "a"), "approval");
    assert_string_equal(row_of(w, "a")->message, "Deploy x?");
    assert_int_equal(w->timers.n, 0);
    world_restart(w);
    assert_string_equal(world_state(w, "a"), "suspended");
    tell(w, "approve",
         "{\"task\": \"a\", \"by\": \"ada\", \"comment\": \"ok\", \"inputs\": {\"n\": "
         "3}}");
    assert_string_equal(row_of(w, "a")->outputs,
                        "{\"n\":3,\"why\":\"none\",\"approved_by\":\"ada\",\"at\":"
                        "\"1970-01-01T00:16:40.000000Z\",\"comment\":\"ok\"}");
    assert_string_equal(w->outputs, "{\"n\":3,\"by\":\"ada\"}");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_rejection_fails_the_task(void **state)
{
    (void)state;
    struct world *w = world_new(ASKS, GIVEN);

    tell(w, "reject", "{\"task\": \"a\", \"by\": \"bob\", \"comment\": \"not today\"}");
    assert_string_equal(world_state(w, "a"), "failed");
    assert_string_equal(world_reason(w, "a"), "rejected");
    assert_string_equal(row_of(w, "a")->message, "by bob: not today");
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void a_rejection_may_say_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(ASKS, GIVEN);

    tell(w, "reject", "{\"task\": \"a\"}");
    assert_string_equal(row_of(w, "a")->message, "by somebody");
    world_free(w);
}

static void an_item_is_decided_by_itself(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {a: {foreach: [x, y], approve: {message: '${{ item }}?'}}}\n",
        NULL);

    assert_string_equal(row_of(w, "a.1")->message, "y?");
    tell(w, "approve", "{\"task\": \"a\", \"item\": 1}");
    assert_string_equal(world_state(w, "a.0"), "suspended");
    assert_string_equal(world_state(w, "a.1"), "succeeded");
    tell(w, "approve", "{\"task\": \"a\", \"item\": 0}");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void what_cannot_be_taken_is_refused_and_noted(void **state)
{
    static const struct {
        const char *word, *body, *why;
    } cases[] = {
        {"approve", NULL, "no_such_task"},
        {"approve", "{\"task\": 7}", "no_such_task"},
        {"approve", "{\"task\": \"z\"}", "no_such_task"},
        {"approve", "{\"task\": \"a\", \"item\": 4}", "no_such_task"},
        {"approve", "{\"task\": \"a\", \"item\": -2}", "no_such_task"},
        {"approve", "{\"task\": \"a\", \"item\": 1000000}", "no_such_task"},
        {"approve", "{\"task\": \"b\"}", "not_waiting"},
        {"reject", "{\"task\": \"c\"}", "not_waiting"},
        {"approve", "{\"task\": \"a\"}", "bad_inputs"},
        {"approve", "{\"task\": \"a\", \"inputs\": {\"n\": \"3\"}}", "bad_inputs"},
        {"praise", "{\"task\": \"a\"}", "unknown"},
    };

    (void)state;
    struct world *w = world_new(ASKS "  b: {run: x}\n  c: {sleep: 1h}\n", GIVEN);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char reason[64];
        buf_clear(&w->history);
        tell(w, cases[i].word, cases[i].body);
        snprintf(reason, sizeof(reason), "\"reason\":\"%s\"", cases[i].why);
        assert_non_null(strstr(buf_text(&w->history), "request.refused"));
        assert_non_null(strstr(buf_text(&w->history), reason));
    }
    assert_string_equal(world_state(w, "a"), "suspended");
    world_free(w);
}

static void one_that_was_decided_is_not_decided_again(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {a: {approve: {message: m}}, b: {run: x}}\n", NULL);

    tell(w, "approve", "{\"task\": \"a\"}");
    tell(w, "reject", "{\"task\": \"a\"}");
    assert_string_equal(world_state(w, "a"), "succeeded");
    assert_non_null(strstr(buf_text(&w->history), "not_waiting"));
    world_free(w);
}

static void nobody_in_time_is_a_rejection(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {a: {approve: {message: m, timeout: 1h}}}\n", NULL);

    world_restart(w);
    assert_true(world_next_timer(w));
    assert_int_equal(w->now, 4600 * SECOND);
    assert_string_equal(world_reason(w, "a"), "rejected");
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void nobody_in_time_may_skip_the_task(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks:\n"
                       "  a: {approve: {message: m, timeout: 1h, on_timeout: skip}}\n"
                       "  b: {needs: [a], noop: true}\n",
                  NULL);

    world_next_timer(w);
    assert_string_equal(world_state(w, "a"), "skipped");
    assert_string_equal(world_reason(w, "a"), "approval_timeout");
    assert_string_equal(world_state(w, "b"), "succeeded");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_decision_takes_the_timer_away(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {a: {approve: {message: m, timeout: 1h}}}\n", NULL);

    tell(w, "approve", "{\"task\": \"a\"}");
    assert_int_equal(w->timers.n, 0);
    world_free(w);
}

static void a_cancel_ends_the_wait(void **state)
{
    (void)state;
    struct world *w = world_new(ASKS, GIVEN);

    world_cancel(w, CANCEL_GRACEFUL);
    assert_string_equal(world_state(w, "a"), "cancelled");
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
}

static void a_message_that_cannot_be_said_fails_the_task(void **state)
{
    (void)state;
    struct world *w = world_new(ASKS, "{\"what\": []}");

    assert_string_equal(world_reason(w, "a"), "expression");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_approval_has_its_inputs_as_outputs),
        cmocka_unit_test(a_rejection_fails_the_task),
        cmocka_unit_test(a_rejection_may_say_nothing),
        cmocka_unit_test(an_item_is_decided_by_itself),
        cmocka_unit_test(what_cannot_be_taken_is_refused_and_noted),
        cmocka_unit_test(one_that_was_decided_is_not_decided_again),
        cmocka_unit_test(nobody_in_time_is_a_rejection),
        cmocka_unit_test(nobody_in_time_may_skip_the_task),
        cmocka_unit_test(a_decision_takes_the_timer_away),
        cmocka_unit_test(a_cancel_ends_the_wait),
        cmocka_unit_test(a_message_that_cannot_be_said_fails_the_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
