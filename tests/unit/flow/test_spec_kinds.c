/* test_spec_kinds.c - kinds of tasks that the engine carries out itself, as the file
 * has them: what they hold, and every way in which they are refused. */
#include "flow/flow.h"
#include "support_cmocka.h"
#include "support_spec.h"
#include <string.h>

static const struct refusal refusals[] = {
    {TASKS "    sleep: soon\n", PROBLEM_WAIT, 8, 12, "soon", "gives no time", NULL},
    {TASKS "    sleep: true\n", PROBLEM_WAIT, 8, 12, "true", "gives no time", NULL},
    {TASKS "    sleep: -1\n", PROBLEM_WAIT, 8, 12, "-1", "no time to wait for", NULL},
    {TASKS "    sleep: 4000d\n", PROBLEM_WAIT, 8, 12, "4000d", "at most ten years",
     NULL},
    {TASKS "    sleep: 400000000\n", PROBLEM_WAIT, 8, 12, "400000000",
     "at most ten years", NULL},
    {TASKS "    sleep: '${{ 1 + }}'\n", PROBLEM_EXPRESSION, 8, 21, "", NULL, NULL},
    {TASKS "    wait_until: noon\n", PROBLEM_WAIT, 8, 17, "noon", "gives no time",
     NULL},
    {TASKS "    wait_until: 2026-11-30T08:00:00\n", PROBLEM_WAIT, 8, 17,
     "2026-11-30T08:00:00", "offset", NULL},
    {TASKS "    sleep: 3s\n    noop: true\n", PROBLEM_EXCLUSIVE, 8, 12, "3s",
     "not both noop and sleep", "two tasks"},
    {TASKS "    sleep: 3s\n    transform: {a: 1}\n", PROBLEM_EXCLUSIVE, 9, 16, "",
     "not both sleep and transform", NULL},
    {TASKS "    sleep: 3s\n    timeout: 3s\n", PROBLEM_EXCLUSIVE, 9, 14, "3s",
     "timeout means nothing in a task with sleep", "remove timeout"},
    {TASKS "    noop: true\n    outputs: {o: file}\n", PROBLEM_EXCLUSIVE, 9, 14, "",
     "outputs means nothing in a task with noop", NULL},
    {TASKS "    approve: {}\n", PROBLEM_MISSING, 8, 14, "message",
     "approve needs the key message", NULL},
    {TASKS "    approve: yes\n", PROBLEM_TYPE, 8, 14, "yes", "must be a map", NULL},
    {TASKS "    approve: {message: '${{ 1 + }}'}\n", PROBLEM_EXPRESSION, 8, 33, "",
     NULL, NULL},
    {TASKS "    approve: {message: m, approvers: [ada]}\n", PROBLEM_TYPE, 8, 38, "",
     "users and groups", NULL},
    {TASKS "    approve: {message: m, approvers: {roles: [x]}}\n", PROBLEM_APPROVE, 8,
     39, "roles", "users and groups, not roles", NULL},
    {TASKS "    approve: {message: m, approvers: {users: ada}}\n", PROBLEM_TYPE, 8, 46,
     "ada", "a list of names", NULL},
    {TASKS "    approve: {message: m, approvers: {users: [7]}}\n", PROBLEM_TYPE, 8, 47,
     "7", "a name of an approver", NULL},
    {TASKS "    approve: {message: m, approvers: {users: ['']}}\n", PROBLEM_TYPE, 8, 47,
     "", "a name of an approver", NULL},
    {TASKS "    approve: {message: m, inputs: {at: string}}\n", PROBLEM_APPROVE, 8, 35,
     "", "an output at by itself", NULL},
    {TASKS "    approve: {message: m, on_timeout: approve}\n", PROBLEM_APPROVE, 8, 39,
     "approve", "nobody has looked", NULL},
    {TASKS "    approve: {message: m, on_timeout: fail}\n", PROBLEM_VALUE, 8, 39,
     "fail", NULL, NULL},
    {TASKS "    wait_event: {}\n", PROBLEM_MISSING, 8, 17, "name",
     "wait_event needs the key name", NULL},
    {TASKS "    wait_event: payment\n", PROBLEM_TYPE, 8, 17, "payment", "must be a map",
     NULL},
    {TASKS "    wait_event: {name: 'Not so'}\n", PROBLEM_NAME, 8, 24, "Not so",
     "name must be a name", "not_so"},
    {TASKS "    wait_event: {name: p, if: [x]}\n", PROBLEM_TYPE, 8, 31, "", NULL, NULL},
    {TASKS "    wait_event: {name: p, if: tasks.b.status == 'x'}\n",
     PROBLEM_NOT_AN_ANCESTOR, 8, 31, "tasks.b.status", "cannot use its own result",
     NULL},
    {TASKS "    wait_event: {name: p, if: item == 1}\n", PROBLEM_NOT_HERE, 8, 31,
     "item", "only in tasks with foreach", NULL},
    {TASKS "    wait_event: {name: p, on_timeout: reject}\n", PROBLEM_VALUE, 8, 39,
     "reject", NULL, NULL},
    {TASKS "    wait_event: {name: p}\n    grace: 2s\n", PROBLEM_EXCLUSIVE, 9, 12, "2s",
     "means nothing in a task with wait_event", "remove grace"},
    {TASKS "    wait_event: {name: p}\n"
           "  c: {needs: [b], env: {X: '${{ tasks.b.outputs.z }}'}, run: x}\n",
     PROBLEM_UNKNOWN_FIELD, 9, 33, "tasks.b.outputs.z", "declares no output z", NULL},
    {TASKS "    noop: true\n    approve: {message: m}\n", PROBLEM_EXCLUSIVE, 9, 14, "",
     "not both noop and approve", NULL},
    {TASKS "    transform: [1]\n", PROBLEM_TYPE, 8, 16, "",
     "transform must be a map of names and values", NULL},
    {TASKS "    transform: {A-b: 1}\n", PROBLEM_NAME, 8, 17, "A-b", NULL, NULL},
    {TASKS "    transform: {a: '${{ 1 + }}'}\n", PROBLEM_EXPRESSION, 8, 29, "", NULL,
     NULL},
    {TASKS "    transform: {a: '${{ tasks.a.outputs.o }}'}\n", PROBLEM_NOT_AN_ANCESTOR,
     8, 25, "tasks.a.outputs.o", NULL, "needs"},
    {TASKS "    needs: [a]\n    transform: {a: 1}\n"
           "  c: {needs: [b], env: {X: '${{ tasks.b.outputs.z }}'}, run: x}\n",
     PROBLEM_UNKNOWN_FIELD, 10, 33, "tasks.b.outputs.z", "declares no output z", NULL},
};

static void wrong_kinds_are_refused_where_they_stand(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

static void too_many_values_are_refused(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, TASKS "    transform:\n");
    for (int i = 0; i <= FLOW_MAX_NAMES; i++)
        buf_printf(&b, "      v%d: 1\n", i);
    struct flow_problems p = read_bad(buf_text(&b));
    assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
    flow_problems_done(&p);
    buf_done(&b);
}

static void the_values_of_a_transform_are_its_outputs(void **state)
{
    struct flow *f = read_good(TASKS "    needs: [a]\n"
                                     "    transform:\n"
                                     "      x: '${{ tasks.a.outputs.o }}'\n"
                                     "      y: [1, 2]\n");
    const struct flow_work *work = f->tasks[1].work;

    (void)state;
    assert_int_equal(work->kind, FLOW_TRANSFORM);
    assert_int_equal(work->n_outputs, 2);
    assert_string_equal(work->outputs[1].name, "y");
    assert_non_null(work->values[0].tmpl);
    assert_non_null(work->values[1].constant);
    flow_unref(f);
}

static void an_approval_declares_its_outputs(void **state)
{
    struct flow *f = read_good(
        TASKS "    approve:\n"
              "      message: m\n"
              "      approvers: {users: [ada, bob], groups: [ops]}\n"
              "      inputs: {n: integer}\n"
              "      timeout: 1h\n"
              "      on_timeout: skip\n"
              "  c: {needs: [b], env: {N: '${{ tasks.b.outputs.n }}'}, run: x}\n");
    const struct flow_work *work = f->tasks[1].work;

    (void)state;
    assert_int_equal(work->n_outputs, 4);
    assert_string_equal(work->outputs[0].name, "approved_by");
    assert_string_equal(work->outputs[3].name, "n");
    assert_string_equal(work->approve->approvers, "user ada, user bob, group ops");
    assert_int_equal(work->approve->on_timeout, FLOW_TIMEOUT_SKIP);
    flow_unref(f);
}

static void an_event_to_wait_for_declares_its_output(void **state)
{
    struct flow *f = read_good(
        TASKS "    foreach: [1, 2]\n"
              "    wait_event:\n"
              "      name: payment\n"
              "      key: ${{ item }}\n"
              "      if: event.amount > item\n"
              "      timeout: 1h\n"
              "      on_timeout: succeed\n"
              "  c: {needs: [b], env: {N: '${{ tasks.b.outputs.event }}'}, run: x}\n");
    const struct flow_work *work = f->tasks[1].work;

    (void)state;
    assert_int_equal(work->kind, FLOW_WAIT_EVENT);
    assert_int_equal(work->n_outputs, 1);
    assert_string_equal(work->outputs[0].name, "event");
    assert_string_equal(work->await->name, "payment");
    assert_non_null(work->await->key->tmpl);
    assert_non_null(work->await->condition);
    assert_int_equal(work->await->timeout_us, 3600 * UNITS_SECOND);
    assert_int_equal(work->await->on_timeout, FLOW_NO_EVENT_SUCCEED);
    flow_unref(f);
}

static void a_time_to_wait_for_may_be_text_number_or_expression(void **state)
{
    static const char *const good[] = {
        "sleep: 1h30m", "sleep: PT5S",     "sleep: 2.5",
        "sleep: 0",     "sleep: ${{ 3 }}", "wait_until: '2026-11-30T08:00:00.5+01:00'",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        char text[200];
        snprintf(text, sizeof(text), TASKS "    %s\n", good[i]);
        struct flow *f = read_good(text);
        assert_non_null(f->tasks[1].work->wait);
        flow_unref(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_kinds_are_refused_where_they_stand),
        cmocka_unit_test(too_many_values_are_refused),
        cmocka_unit_test(the_values_of_a_transform_are_its_outputs),
        cmocka_unit_test(an_approval_declares_its_outputs),
        cmocka_unit_test(an_event_to_wait_for_declares_its_output),
        cmocka_unit_test(a_time_to_wait_for_may_be_text_number_or_expression),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
