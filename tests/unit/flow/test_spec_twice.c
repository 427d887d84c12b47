/* test_spec_twice.c - files with several things wrong in one place, or something that
 * could not be read at all: each is told once, and nothing is guessed from the rest. */
#include "support_cmocka.h"
#include "support_spec.h"

#include <string.h>

#define TOO_LARGE "99999999999999999999" /* no integer: it cannot be read */

/* Is this the only problem? */
static void only(const char *text, const char *msg)
{
    struct flow_problems p = read_bad(text);

    if (p.n != 1 || !strstr(p.items[0].msg, msg)) {
        show_problems(&p);
        fail_msg("not only: %s\n%s", msg, text);
    }
    flow_problems_done(&p);
}

static void what_cannot_be_read_is_not_complained_of_again(void **state)
{
    static const char *const texts[] = {
        TASKS "    needs: [a.ok, " TOO_LARGE "]\n    noop: true\n",
        TASKS "    run: x\n    semaphores: " TOO_LARGE "\n",
        TASKS "    run: x\n    semaphores: [" TOO_LARGE "]\n",
        TASKS "    run: x\n    matrix: {v: " TOO_LARGE "}\n",
        TASKS "    run: x\n    matrix: {v: [1], include: [" TOO_LARGE "]}\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        only(texts[i], "99999");
}

static void of_a_formula_the_first_mistake_is_told(void **state)
{
    (void)state;
    only(TASKS "    needs: \"a && && ||\"\n    noop: true\n", "");
    only(TASKS "    needs: \"a.ok (\"\n    noop: true\n", "");
    only(TASKS "    needs: \"a.perhaps && a.maybe\"\n    noop: true\n", "");
}

static void a_wrong_expression_is_the_only_complaint(void **state)
{
    static const char *const texts[] = {
        TASKS "    run: x\n    mutex: \"${{ 1 + }}\"\n",
        TASKS "    run: x\n    cache: {key: \"${{ 1 + }}\"}\n",
        TASKS "    uses: workflow:w\n    with: {n: \"${{ 1 + }}\"}\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        only(texts[i], "");
}

static void a_circle_is_shown_at_the_name_that_closes_it(void **state)
{
    struct flow_problems p;

    (void)state;
    p = read_bad(TOP "tasks:\n  abc: {noop: true}\n"
                     "  a: {noop: true, needs: [abc, ab]}\n"
                     "  ab: {noop: true, needs: [a]}\n");
    assert_int_equal(p.items[0].column, 32);
    flow_problems_done(&p);
    p = read_bad(TOP "tasks:\n  a: {noop: true, needs: [c, b.done]}\n"
                     "  b: {noop: true, needs: [a]}\n  c: {noop: true}\n");
    assert_int_equal(p.items[0].column, 30);
    flow_problems_done(&p);
}

static void outputs_of_a_group_without_tasks_are_left_alone(void **state)
{
    (void)state;
    only(TOP "tasks:\n  g: {tasks: {a: {noop: true}}}\n"
             "  h: {tasks: 5, outputs: {o: \"${{ tasks.a.outputs.o }}\"}}\n",
         "tasks");
}

static void the_time_out_of_an_approval_is_one_word(void **state)
{
    (void)state;
    only(TASKS "    approve: {message: m, on_timeout: [skip]}\n", "on_timeout");
    only(TASKS "    approve: {message: m, on_timeout: bool}\n", "on_timeout");
}

static void a_hash_has_6_to_64_digits(void **state)
{
    (void)state;
    only(TASKS "    uses: workflow:w@sha256:0f3a9\n", "uses");
    only(TASKS "    uses: workflow:w@sha256:"
               "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0\n",
         "uses");
    only(TASKS "    uses: workflow:w@sha256:0f3a9g\n", "uses");
}

static void more_values_than_names_may_be_are_refused(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_add_text(&text, TASKS "    uses: workflow:w\n    with:\n");
    for (int i = 0; i <= FLOW_MAX_NAMES; i++)
        buf_printf(&text, "      n%d: 1\n", i);
    only(buf_text(&text), "with");
    buf_done(&text);
}

static void each_wrong_end_of_a_trigger_is_passed(void **state)
{
    (void)state;
    only(TOP "triggers: {workflow: [{name: other, on: [perhaps, failed]}]}\n"
             "tasks: {a: {noop: true}}\n",
         "on names");
}

static void two_kinds_are_one_complaint_whatever_is_in_them(void **state)
{
    (void)state;
    only(TASKS "    run: x\n    wait_event: {nothing: 1}\n", "not both");
}

static void a_long_name_of_a_limit_may_be_an_expression(void **state)
{
    char name[FLOW_MAX_LIMIT_NAME + 1];
    struct buf text = {0};

    (void)state;
    memset(name, 'x', sizeof(name));
    buf_printf(&text, TASKS "    run: x\n    mutex: \"${{ '%.*s' }}\"\n",
               (int)sizeof(name), name);
    struct flow *f = read_good(buf_text(&text));
    flow_unref(f);
    buf_done(&text);
}

static const struct flow_limits *limits_of(const struct flow *f, const char *task)
{
    return f->tasks[flow_task_index(f, task)].policy->limits;
}

static void limits_that_differ_in_anything_are_not_shared(void **state)
{
    struct flow *f = read_good(TOP "tasks:\n"
                                   "  a: {run: x, semaphores: [gpu, cpu, gpus]}\n"
                                   "  b: {run: x, rate: {key: k, limit: 1, per: 1s}}\n"
                                   "  c: {run: x, rate: {key: k, limit: 2, per: 1s}}\n"
                                   "  d: {run: x, rate: {key: k, limit: 2, per: 2s}}\n"
                                   "  e: {run: x, semaphores: [\"gpu:2\"]}\n"
                                   "  f: {run: x, semaphores: [gpu]}\n"
                                   "  g: {run: x, semaphores: [cpu]}\n");

    (void)state;
    assert_int_equal(limits_of(f, "a")->n, 3);
    assert_ptr_not_equal(limits_of(f, "b"), limits_of(f, "c"));
    assert_ptr_not_equal(limits_of(f, "c"), limits_of(f, "d"));
    assert_ptr_not_equal(limits_of(f, "e"), limits_of(f, "f"));
    assert_ptr_not_equal(limits_of(f, "f"), limits_of(f, "g"));
    flow_unref(f);
}

static void a_group_uses_several_from_outside(void **state)
{
    struct flow *f =
        read_good(TOP "tasks:\n  a: {run: x, outputs: {o: file}}\n"
                      "  b: {run: x, outputs: {o: file}}\n"
                      "  g:\n    needs: [a, b]\n    tasks:\n"
                      "      c: {run: x, env: {A: \"${{ tasks.a.outputs.o }}\",\n"
                      "                        B: \"${{ tasks.b.outputs.o }}\",\n"
                      "                        C: \"${{ tasks.a.status }}\"}}\n");

    (void)state;
    assert_int_equal(f->tasks[2].work->group->n_captures, 2);
    flow_unref(f);
}

static void yaml_beside_a_workflow_is_a_value(void **state)
{
    static const char good[] = "{a: [1, x]}";
    static const char *const bad[] = {"{a: [1", "{a: " TOO_LARGE "}"};
    struct flow_problems problems = {0};
    json_t *value = flow_yaml(good, strlen(good), &problems);

    (void)state;
    assert_int_equal(json_array_size(json_object_get(value, "a")), 2);
    assert_int_equal(problems.n, 0);
    json_decref(value);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_null(flow_yaml(bad[i], strlen(bad[i]), &problems));
        assert_int_not_equal(problems.n, 0);
        flow_problems_done(&problems);
        problems = (struct flow_problems){0};
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_read_is_not_complained_of_again),
        cmocka_unit_test(of_a_formula_the_first_mistake_is_told),
        cmocka_unit_test(a_wrong_expression_is_the_only_complaint),
        cmocka_unit_test(a_circle_is_shown_at_the_name_that_closes_it),
        cmocka_unit_test(outputs_of_a_group_without_tasks_are_left_alone),
        cmocka_unit_test(the_time_out_of_an_approval_is_one_word),
        cmocka_unit_test(a_hash_has_6_to_64_digits),
        cmocka_unit_test(more_values_than_names_may_be_are_refused),
        cmocka_unit_test(each_wrong_end_of_a_trigger_is_passed),
        cmocka_unit_test(two_kinds_are_one_complaint_whatever_is_in_them),
        cmocka_unit_test(a_long_name_of_a_limit_may_be_an_expression),
        cmocka_unit_test(limits_that_differ_in_anything_are_not_shared),
        cmocka_unit_test(a_group_uses_several_from_outside),
        cmocka_unit_test(yaml_beside_a_workflow_is_a_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
