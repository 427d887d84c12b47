/* Groups: tasks inside a task. */
#include "support_cmocka.h"
#include "support_spec.h"

#include <string.h>

/* Task g, ready for more keys of it with four spaces in front. */
#define GROUP                                                                          \
    TOP "inputs: {day: string}\ntasks:\n  a: {run: x, outputs: {o: file}}\n  g:\n"

static const struct flow *group_of(const struct flow *f, const char *name)
{
    return f->tasks[flow_task_index(f, name)].work->group;
}

static void a_group_is_a_workflow_of_its_own(void **state)
{
    struct flow *f =
        read_good(GROUP "    needs: a\n"
                        "    timeout: 5m\n"
                        "    tasks:\n"
                        "      b: {run: x, outputs: {p: file}}\n"
                        "      c: {needs: b, run: x, on_failure: {h: {run: x}}}\n"
                        "    outputs: {q: \"${{ tasks.b.outputs.p }}\"}\n"
                        "  d:\n"
                        "    needs: g\n"
                        "    env: {Q: \"${{ tasks.g.outputs.q }}\"}\n"
                        "    run: x\n"
                        "parallelism: 3\n");
    const struct flow *g = group_of(f, "g");

    (void)state;
    assert_int_equal(f->n_tasks, 3);
    assert_int_equal(g->parallelism, 3);
    assert_int_equal(g->n_tasks, 3);
    assert_int_equal(g->n_main, 3);
    assert_int_equal(g->n_outputs, 1);
    assert_int_equal(g->timeout_us, 300 * UNITS_SECOND);
    assert_string_equal(g->entry, "g");
    assert_string_equal(g->hash, f->hash);
    assert_int_equal(g->n_inputs, 1);
    assert_int_equal(g->n_captures, 0);
    assert_int_equal(flow_task_index(g, "a"), -1);
    flow_unref(f);
}

static void what_is_used_from_outside_is_known_at_every_level(void **state)
{
    struct flow *f =
        read_good(GROUP "    needs: a\n"
                        "    tasks:\n"
                        "      m:\n"
                        "        tasks:\n"
                        "          n: {run: x, env: {A: \"${{ tasks.a.outputs.o }}\", "
                        "B: \"${{ tasks.a.status }} ${{ inputs.day }}\"}}\n");
    const struct flow *g = group_of(f, "g");
    const struct flow *m = group_of(g, "m");

    (void)state;
    assert_int_equal(g->n_captures, 1);
    assert_int_equal(m->n_captures, 1);
    assert_string_equal(m->captures[0], "a");
    assert_string_equal(m->entry, "g.m");
    flow_unref(f);
}

static void groups_are_entered_by_their_path(void **state)
{
    struct flow *f = read_good(
        GROUP "    tasks: {m: {tasks: {n: {noop: true}}}, o: {noop: true}}\n");
    char longer[100];

    (void)state;
    memset(longer, 'x', sizeof(longer));
    assert_ptr_equal(flow_enter(f, NULL, 0), f);
    assert_string_equal(flow_enter(f, "g", 1)->entry, "g");
    assert_string_equal(flow_enter(f, "g.m", 3)->entry, "g.m");
    assert_null(flow_enter(f, "a", 1));
    assert_null(flow_enter(f, "z", 1));
    assert_null(flow_enter(f, "g.o", 3));
    assert_null(flow_enter(f, longer, sizeof(longer)));
    struct flow *m = flow_ref(flow_enter(f, "g.m", 3));
    flow_unref(f);
    assert_string_equal(m->tasks[0].name, "n"); /* it holds the file */
    flow_unref(m);
}

static void items_are_handed_in(void **state)
{
    flow_unref(read_good(GROUP "    foreach: [1, 2]\n"
                               "    tasks:\n"
                               "      b:\n"
                               "        if: item == 1\n"
                               "        env: {I: \"${{ item }} ${{ index }}\"}\n"
                               "        run: x\n"
                               "      c:\n"
                               "        foreach: ${{ [item] }}\n"
                               "        env: {I: \"${{ item }} ${{ parent.item }}\"}\n"
                               "        run: x\n"
                               "      e:\n"
                               "        tasks:\n"
                               "          f: {run: x, env: {I: \"${{ item }}\"}}\n"
                               "    outputs: {i: \"${{ item }}\"}\n"));
    (void)state;
}

static void a_group_in_a_handler_sees_all_main_tasks(void **state)
{
    flow_unref(read_good(TOP "tasks:\n  a: {run: x, outputs: {o: file}}\n"
                             "finally:\n"
                             "  h: {tasks: {b: {run: x, env: {O: \"${{ "
                             "tasks.a.outputs.o }}\"}}}}\n"));
    (void)state;
}

static void wrong_groups_are_refused(void **state)
{
    static const struct refusal refusals[] = {
        {GROUP "    tasks: {}\n", PROBLEM_VALUE, 7, 12, "", "holds no task", NULL},
        {GROUP "    tasks: 7\n", PROBLEM_TYPE, 7, 12, "7", "must be a map", NULL},
        {GROUP "    tasks: {a: {noop: true}}\n", PROBLEM_DUPLICATE_NAME, 7, 13, "a",
         "outside the group", NULL},
        {GROUP "    tasks: {m: {tasks: {a: {noop: true}}}}\n", PROBLEM_DUPLICATE_NAME,
         7, 25, "a", "in line 5 already", NULL},
        {GROUP "    tasks: {b: {run: x, env: {A: \"${{ tasks.a.outputs.o }}\"}}}\n",
         PROBLEM_NOT_AN_ANCESTOR, 7, 39, "tasks.a.outputs.o",
         "may not have ended when the group g starts", "add needs: [a] to g"},
        {GROUP "    tasks: {b: {run: x, env: {A: \"${{ tasks.g.status }}\"}}}\n",
         PROBLEM_NOT_AN_ANCESTOR, 7, 39, "tasks.g.status", NULL, NULL},
        {GROUP "    needs: a\n"
               "    tasks: {b: {run: x, env: {A: \"${{ tasks.a.outputs.p }}\"}}}\n",
         PROBLEM_UNKNOWN_FIELD, 8, 39, "tasks.a.outputs.p", "declares no output p",
         NULL},
        {GROUP "    tasks: {b: {run: x, env: {A: \"${{ tasks.z.status }}\"}}}\n",
         PROBLEM_UNKNOWN_TASK, 7, 39, "tasks.z.status", NULL, NULL},
        {GROUP "    tasks: {b: {run: x, env: {A: \"${{ item }}\"}}}\n",
         PROBLEM_NOT_HERE, 7, 39, "item", "foreach", NULL},
        {GROUP "    foreach: [1]\n"
               "    tasks: {b: {run: x, env: {A: \"${{ parent.item }}\"}}}\n",
         PROBLEM_NOT_HERE, 8, 39, "parent.item", "inside another", NULL},
        {GROUP "    tasks: {b: {noop: true, foreach: [1], if: item == 1}}\n",
         PROBLEM_NOT_HERE, 7, 47, "item", NULL, NULL},
        {GROUP "    run: x\n    tasks: {b: {noop: true}}\n", PROBLEM_EXCLUSIVE, 8, 12,
         "", "not both run and tasks", NULL},
        {GROUP "    env: {A: x}\n    tasks: {b: {noop: true}}\n", PROBLEM_EXCLUSIVE, 7,
         10, "", "env means nothing in a task with tasks", NULL},
        {GROUP "    tasks: {b: {noop: true}}\n    outputs: {o: \"${{ tasks.z.status "
               "}}\"}\n",
         PROBLEM_UNKNOWN_TASK, 8, 23, "tasks.z.status", NULL, NULL},
        {GROUP "    tasks: {b: {needs: a, noop: true}}\n", PROBLEM_UNKNOWN_NEED, 7, 24,
         "a", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

static void one_mistake_around_a_group_is_one_problem(void **state)
{
    struct flow_problems p;

    (void)state;
    p = read_bad(TOP "tasks:\n  a: {needs: b, run: x, outputs: {o: file}}\n"
                     "  b: {needs: a, noop: true}\n"
                     "  g: {tasks: {c: {run: x, env: {O: \"${{ tasks.a.outputs.o "
                     "}}\"}}}}\n");
    assert_int_equal(p.items[0].code, PROBLEM_CYCLE);
    assert_int_equal(p.n, 1);
    flow_problems_done(&p);
    p = read_bad(GROUP "    tasks: 7\n    outputs: {o: \"${{ tasks.b.status }}\"}\n");
    assert_int_equal(p.n, 1);
    flow_problems_done(&p);
    p = read_bad(TOP
                 "tasks: {g: {tasks: {b: {noop: true}}}}\n"
                 "finally: {h: {noop: true}, i: {tasks: {c: {run: x, env: {S: \"${{ "
                 "tasks.h.status }}\"}}}}}\n");
    assert_int_equal(p.items[0].code, PROBLEM_NOT_AN_ANCESTOR);
    flow_problems_done(&p);
}

static void groups_have_a_depth(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_add_text(&text, TOP "tasks: {");
    for (int i = 0; i < FLOW_MAX_GROUP_DEPTH; i++)
        buf_printf(&text, "g%d: {tasks: {", i);
    buf_add_text(&text, "%s");
    for (int i = 0; i < FLOW_MAX_GROUP_DEPTH; i++)
        buf_add_text(&text, "}}");
    buf_add_text(&text, "}\n");
    for (int more = 0; more < 2; more++) {
        struct buf whole = {0};
        const char *at = strstr(buf_text(&text), "%s");
        buf_add(&whole, buf_text(&text), (size_t)(at - buf_text(&text)));
        buf_add_text(&whole,
                     more ? "z: {tasks: {y: {noop: true}}}" : "z: {noop: true}");
        buf_add_text(&whole, at + 2);
        if (more) {
            struct flow_problems p = read_bad(buf_text(&whole));
            assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
            flow_problems_done(&p);
        } else {
            flow_unref(read_good(buf_text(&whole)));
        }
        buf_done(&whole);
    }
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_is_a_workflow_of_its_own),
        cmocka_unit_test(what_is_used_from_outside_is_known_at_every_level),
        cmocka_unit_test(groups_are_entered_by_their_path),
        cmocka_unit_test(items_are_handed_in),
        cmocka_unit_test(a_group_in_a_handler_sees_all_main_tasks),
        cmocka_unit_test(wrong_groups_are_refused),
        cmocka_unit_test(one_mistake_around_a_group_is_one_problem),
        cmocka_unit_test(groups_have_a_depth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
