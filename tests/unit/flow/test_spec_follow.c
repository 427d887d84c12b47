/* Handlers of a task: main tasks behind it, in a chain. */
#include "flow/spec.h"
#include "support_cmocka.h"
#include "support_spec.h"
#include <string.h>

#define A "flowforge: 1\nname: w\ntasks:\n  a:\n    run: x\n"

static const struct flow_task *task_of(const struct flow *f, const char *name)
{
    const int64_t i = flow_task_index(f, name);

    assert_true(i >= 0);
    return &f->tasks[i];
}

static void expect_asks(const struct flow *f, const char *task, const char *owner,
                        enum flow_ask ask, const char *last)
{
    const struct flow_task *t = task_of(f, task);
    const struct flow_formula *formula = t->work->formula;

    assert_int_equal(t->part, FLOW_MAIN);
    assert_int_equal(formula->n, last ? 3 : 1);
    assert_int_equal(t->n_needs, last ? 2 : 1);
    assert_ptr_equal(&f->tasks[formula->terms[0].task], task_of(f, owner));
    assert_int_equal(formula->terms[0].ask, ask);
    if (!last)
        return;
    assert_ptr_equal(&f->tasks[formula->terms[1].task], task_of(f, last));
    assert_int_equal(formula->terms[1].ask, FLOW_ASK_DONE);
    assert_int_equal(formula->terms[2].op, FLOW_AND);
}

static void they_follow_their_task_in_one_chain(void **state)
{
    struct flow *f = read_good(
        A "    finally: [{id: last, run: x}]\n"
          "    on_failure: {f1: {run: x, env: {M: '${{ tasks.a.message }}'}},\n"
          "                 f2: {command: [x, '${{ tasks.f1.status }}']}}\n"
          "    on_success: {s: {noop: true}}\n"
          "  b: {needs: [a], run: x, finally: {b_last: {run: x}}}\n"
          "  c: {needs: [f2], run: x}\n"
          "on_failure: {page: {run: x}}\n");

    (void)state;
    assert_int_equal(f->n_main, 8);
    assert_int_equal(f->n_tasks, 9);
    expect_asks(f, "s", "a", FLOW_ASK_SUCCEEDED, NULL);
    expect_asks(f, "f1", "a", FLOW_ASK_FAILED, "s");
    expect_asks(f, "f2", "a", FLOW_ASK_FAILED, "f1");
    expect_asks(f, "last", "a", FLOW_ASK_DONE, "f2");
    expect_asks(f, "b_last", "b", FLOW_ASK_DONE, NULL);
    assert_null(task_of(f, "b")->work->formula);
    flow_unref(f);
}

static const struct refusal refusals[] = {
    {A "    on_failure: {h: {needs: [a], run: x}}\n", PROBLEM_HANDLER_NEEDS, 6, 29, "",
     "handlers have no needs", NULL},
    {A "    on_failure: {h: {run: x, finally: {i: {run: x}}}}\n", PROBLEM_FOLLOWERS, 6,
     39, "", "a handler of a task has no finally", "behind it"},
    {A "on_failure: {h: {run: x, on_success: {i: {run: x}}}}\n", PROBLEM_FOLLOWERS, 6,
     38, "", "a handler has no on_success", NULL},
    {A "    on_failure: {}\n", PROBLEM_VALUE, 6, 17, "", "on_failure holds no task",
     NULL},
    {A "    on_failure: x\n", PROBLEM_TYPE, 6, 17, "x", "a map of names and tasks",
     NULL},
    {A "    on_failure: {a: {run: x}}\n", PROBLEM_DUPLICATE_NAME, 6, 18, "a",
     "a task a in line 4", NULL},
    {A "    needs: [h]\n    on_failure: {h: {run: x}}\n", PROBLEM_CYCLE, 6, 13, "h",
     "a -> h -> a", NULL},
};

static void wrong_handlers_are_refused_where_they_stand(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_follow_their_task_in_one_chain),
        cmocka_unit_test(wrong_handlers_are_refused_where_they_stand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
