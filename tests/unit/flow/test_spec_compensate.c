/* compensate: what is read, and what is refused where. */
#include "flow/spec.h"
#include "support_cmocka.h"
#include "support_spec.h"
#include <string.h>

#define A   TOP "tasks:\n  a:\n    run: x\n    outputs: {o: file}\n"
#define A64 "a23456789b23456789c23456789d23456789e23456789f2345678"

static void each_becomes_a_task_of_a_part_of_its_own(void **state)
{
    struct flow *f = read_good(
        TOP
        "defaults: {retry: {max_attempts: 4}, env: {S: t}}\n"
        "tasks:\n"
        "  b: {needs: [a], run: x, compensate: {run: y, env: {O: '${{ outputs }}'}}}\n"
        "  a:\n    run: x\n    outputs: {o: json}\n    compensate:\n"
        "      command: [y, '${{ outputs.o }}', '${{ tasks.b.status }}']\n"
        "      retry: {max_attempts: 2, if: outputs.o == 1}\n      timeout: 9s\n"
        "      grace: 1s\n      queue: q\n      working_dir: /tmp\n"
        "  u: {uses: 'workflow:w', compensate: {script: {lang: python, code: y},\n"
        "      stdin: '${{ outputs.any }}'}}\n"
        "  h: {run: x, finally: {g: {run: x, compensate: {run: z}}},\n"
        "      compensate: {http: {url: 'https://x/${{ run.id }}'}}}\n"
        "finally: {z: {run: x}}\n");
    const uint32_t first = f->part_first[FLOW_COMPENSATE];

    (void)state;
    assert_int_equal(f->part_count[FLOW_COMPENSATE], 5);
    assert_int_equal(first, 6);
    assert_int_equal(f->n_tasks, 11);
    assert_int_equal(flow_task_index(f, "b_compensate"), first);
    const struct flow_task *b = &f->tasks[first];
    const struct flow_task *a = &f->tasks[first + 1];
    assert_string_equal(a->name, "a_compensate");
    assert_int_equal(a->part, FLOW_COMPENSATE);
    assert_int_equal(a->n_needs, 0);
    assert_int_equal(a->work->undo->of, 1);
    assert_true(a->work->undo->rank < b->work->undo->rank);
    assert_int_equal(a->policy->retry.max_attempts, 2);
    assert_int_equal(a->policy->timeout_us, 9 * UNITS_SECOND);
    assert_string_equal(a->policy->queue, "q");
    assert_int_equal(b->policy->retry.max_attempts, 4);
    assert_int_equal(b->work->n_env, 2);
    assert_int_equal(f->tasks[first + 2].work->kind, FLOW_SCRIPT);
    assert_int_equal(f->tasks[first + 3].work->kind, FLOW_HTTP);
    flow_unref(f);
}

static void a_group_has_those_of_its_tasks(void **state)
{
    struct flow *f = read_good(
        TOP "tasks:\n  g:\n    foreach: [1]\n    tasks:\n"
            "      a: {run: x, outputs: {o: file}, compensate: {run: y, env: {I: '${{ "
            "item }}', O: '${{ outputs.o }}'}}}\n");

    (void)state;
    assert_int_equal(f->part_count[FLOW_COMPENSATE], 0);
    assert_int_equal(f->tasks[0].work->group->part_count[FLOW_COMPENSATE], 1);
    flow_unref(f);
}

/* It sees what the items saw, and does not stop at one that cannot be undone. */
static void that_of_a_list_has_the_items_of_the_list(void **state)
{
    struct flow *f = read_good(
        TOP "tasks:\n"
            "  a:\n    foreach: [1]\n    run: x\n    outputs: {o: file}\n"
            "    compensate: {run: y, env: {I: '${{ item }} ${{ index }}',\n"
            "      O: '${{ outputs.o }}'}}\n"
            "  b:\n    matrix: {x: [1, 2]}\n    run: x\n    compensate: {run: y, "
            "stdin: '${{ item.x }}'}\n"
            "  c: {run: x}\n"
            "  g:\n    foreach: [1]\n    tasks:\n"
            "      i:\n        foreach: [2]\n        run: x\n        compensate:\n"
            "          command: [y, '${{ item }}', '${{ parent.item }}']\n");
    const struct flow_task *undo = &f->tasks[f->part_first[FLOW_COMPENSATE]];

    (void)state;
    assert_int_equal(f->part_count[FLOW_COMPENSATE], 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(f->tasks[i].work->compensated);
        assert_ptr_equal(undo[i].work->foreach, f->tasks[i].work->foreach);
        assert_false(undo[i].work->compensated);
        assert_false(undo[i].work->fail_fast);
    }
    assert_false(f->tasks[2].work->compensated);
    assert_int_equal(f->tasks[3].work->group->part_count[FLOW_COMPENSATE], 1);
    flow_unref(f);
}

static const struct refusal refusals[] = {
    {A "    compensate: x\n", PROBLEM_TYPE, 7, 17, "x", "compensate must be a map",
     NULL},
    {A "    compensate: {}\n", PROBLEM_MISSING, 7, 17, "", "has nothing to run",
     "run, command, script or http"},
    {A "    compensate: {env: {A: b}}\n", PROBLEM_MISSING, 7, 17, "",
     "has nothing to run", NULL},
    {A "    compensate: {runs: y}\n", PROBLEM_UNKNOWN_KEY, 7, 18, "runs", NULL, "run"},
    {A "    compensate: {sleep: 1s}\n", PROBLEM_UNKNOWN_KEY, 7, 18, "sleep", NULL,
     NULL},
    {A "    compensate: {run: y, command: [z]}\n", PROBLEM_EXCLUSIVE, 7, 35, "",
     "not both run and command", NULL},
    {A "    compensate: {http: {url: 'https://x'}, stdin: y}\n", PROBLEM_EXCLUSIVE, 7,
     51, "y", "stdin means nothing", NULL},
    {A "    compensate: {run: y, env: {P: '${{ outputs.p }}'}}\n",
     PROBLEM_UNKNOWN_FIELD, 7, 40, "outputs.p", "declares no output p", NULL},
    {A "    compensate: {run: y, env: {P: '${{ item }}'}}\n", PROBLEM_NOT_HERE, 7, 40,
     "item", NULL, NULL},
    {A "    foreach: [1]\n    compensate: {run: y, env: {P: '${{ parent.item }}'}}\n",
     PROBLEM_NOT_HERE, 8, 40, "parent.item", NULL, NULL},
    {A "    compensate: {run: y}\n  a_compensate: {run: x}\n", PROBLEM_DUPLICATE_NAME,
     7, 17, "a_compensate", "a_compensate in line 8", NULL},
    {A "    needs: [b]\n    compensate: {run: y}\n  b: {run: x, needs: [a]}\n",
     PROBLEM_CYCLE, 7, 13, "b", "a -> b -> a", NULL},
    {A "    compensate: {run: y}\n  b: {run: x, needs: [a_compensate]}\n",
     PROBLEM_UNKNOWN_NEED, 8, 23, "a_compensate", "is a handler", NULL},
    {A "    compensate: {run: y}\n  b: {needs: [a], run: x, compensate: {run: y, env: "
       "{P: '${{ tasks.a_compensate.status }}'}}}\n",
     PROBLEM_NOT_AN_ANCESTOR, 8, 62, "tasks.a_compensate.status", "has not run", NULL},
    {A "finally: {f: {run: x, compensate: {run: y}}}\n", PROBLEM_EXCLUSIVE, 7, 35, "",
     "is for main tasks", NULL},
    {TOP "tasks: {" A64 ": {run: x, compensate: {run: y}}}\n", PROBLEM_NAME, 3, 85, "",
     "too long to be the name", "at most 52 characters"},
};

static void mistakes_are_told_where_they_stand(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

/* One more than the file may have. */
static void compensations_count_as_tasks(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, TOP "tasks:\n  a: {run: x, compensate: {run: y}}\n");
    for (int i = 1; i < FLOW_MAX_TASKS; i++)
        buf_printf(&b, "  t%d: {run: x}\n", i);

    struct flow_problems p = read_bad(buf_text(&b));

    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
    assert_int_equal(p.items[0].line, 4);
    flow_problems_done(&p);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_becomes_a_task_of_a_part_of_its_own),
        cmocka_unit_test(a_group_has_those_of_its_tasks),
        cmocka_unit_test(that_of_a_list_has_the_items_of_the_list),
        cmocka_unit_test(mistakes_are_told_where_they_stand),
        cmocka_unit_test(compensations_count_as_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
