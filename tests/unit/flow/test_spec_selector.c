/* node_selector: of a task, of defaults, of a compensation. */
#include "support_cmocka.h"
#include "support_spec.h"

#include <string.h>

#define TASK TOP "tasks:\n  a:\n    run: x\n    node_selector: "

static void pairs_become_one_text_by_their_keys(void **state)
{
    static const char *const cases[][2] = {
        {TASK "{gpu: a100}\n", "gpu=a100"},
        {TASK "{zone: b, gpu: a100}\n", "gpu=a100,zone=b"},
        {TASK "{v: 1.10, n: 7, t: true, e: \"\"}\n", "e=,n=7,t=true,v=1.10"},
        {TASK "{example.com/rack: R-1}\n", "example.com/rack=R-1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct flow *f = read_good(cases[i][0]);
        assert_string_equal(f->tasks[0].policy->node_selector, cases[i][1]);
        flow_unref(f);
    }
}

static void none_and_an_empty_one_ask_for_nothing(void **state)
{
    struct flow *f = read_good(TOP "tasks:\n"
                                   "  a: {run: x}\n"
                                   "  b: {run: x, node_selector: {}}\n");

    (void)state;
    assert_null(f->tasks[0].policy->node_selector);
    assert_null(f->tasks[1].policy->node_selector);
    flow_unref(f);
}

static void one_of_a_task_replaces_that_of_defaults(void **state)
{
    struct flow *f =
        read_good(TOP "defaults: {node_selector: {zone: b}}\n"
                      "tasks:\n"
                      "  a: {run: x}\n"
                      "  b: {run: x, node_selector: {gpu: a100}}\n"
                      "  c: {run: x, node_selector: {}}\n"
                      "  d: {tasks: {e: {run: x}}}\n"
                      "  f: {run: x, compensate: {run: y, node_selector: {u: v}}}\n");

    (void)state;
    assert_string_equal(f->tasks[0].policy->node_selector, "zone=b");
    assert_string_equal(f->tasks[1].policy->node_selector, "gpu=a100");
    assert_null(f->tasks[2].policy->node_selector);
    assert_string_equal(f->tasks[3].work->group->tasks[0].policy->node_selector,
                        "zone=b");
    assert_string_equal(f->tasks[4].policy->node_selector, "zone=b");
    assert_string_equal(f->tasks[5].policy->node_selector, "u=v");
    flow_unref(f);
}

static void tasks_alike_share_what_they_ask_for(void **state)
{
    struct flow *f = read_good(TOP "tasks:\n"
                                   "  a: {run: x, node_selector: {p: q, r: s}}\n"
                                   "  b: {run: x, node_selector: {r: s, p: q}}\n");

    (void)state;
    assert_ptr_equal(f->tasks[0].policy, f->tasks[1].policy);
    flow_unref(f);
}

static void wrong_ones_are_refused(void **state)
{
    static const struct refusal refusals[] = {
        {TASK "gpu\n", PROBLEM_TYPE, 6, 20, "gpu", "a map of labels", NULL},
        {TASK "[gpu]\n", PROBLEM_TYPE, 6, 20, "", "a map of labels", NULL},
        {TASK "{-gpu: a}\n", PROBLEM_VALUE, 6, 21, "-gpu", "node_selector: a key is",
         "gpu: a100"},
        {TASK "{gpu: a b}\n", PROBLEM_VALUE, 6, 26, "a b", "node_selector: a value is",
         "gpu: a100"},
        {TASK "{gpu: [a]}\n", PROBLEM_TYPE, 6, 26, "", "must be text, not a list",
         NULL},
        {TASK "{gpu: }\n", PROBLEM_TYPE, 6, 26, "", "must be text", NULL},
        {TASK "{gpu: \"${{ inputs.x }}\"}\n", PROBLEM_CONSTANT, 6, 27, "${{", NULL,
         NULL},
        {TOP "tasks: {a: {noop: true, node_selector: {a: b}}}\n", PROBLEM_EXCLUSIVE, 3,
         40, "", "node_selector", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

static void each_wrong_pair_is_told(void **state)
{
    struct flow_problems p = read_bad(TASK "{-a: b, c: d, e: [f], g: .nan}\n");

    (void)state;
    assert_int_equal(p.n, 3);
    assert_int_equal(p.items[0].code, PROBLEM_VALUE);
    assert_int_equal(p.items[1].code, PROBLEM_TYPE);
    assert_int_equal(p.items[2].code, PROBLEM_NUMBER);
    flow_problems_done(&p);
}

static void there_are_32_pairs_at_most(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_add_text(&text, TASK "{");
    for (int i = 0; i < 33; i++)
        buf_printf(&text, "k%d: x, ", i);
    buf_add_text(&text, "}\n");
    struct flow_problems p = read_bad(buf_text(&text));
    assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
    assert_string_equal(p.items[0].msg, "node_selector: there are more than 32 labels");
    flow_problems_done(&p);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_become_one_text_by_their_keys),
        cmocka_unit_test(none_and_an_empty_one_ask_for_nothing),
        cmocka_unit_test(one_of_a_task_replaces_that_of_defaults),
        cmocka_unit_test(tasks_alike_share_what_they_ask_for),
        cmocka_unit_test(wrong_ones_are_refused),
        cmocka_unit_test(each_wrong_pair_is_told),
        cmocka_unit_test(there_are_32_pairs_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
