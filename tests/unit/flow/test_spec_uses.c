/* uses: and with:. What they mean is decided when a run is submitted. */
#include "support_cmocka.h"
#include "support_spec.h"

#include <string.h>

static void the_words_of_uses_are_taken(void **state)
{
    static const char *const words[] = {"workflow:etl",
                                        "workflow:my-etl@1.4.0",
                                        "workflow:etl@latest",
                                        "workflow:etl@sha256:0f3a9c",
                                        "./x.yaml",
                                        "../x/y.yaml"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct buf text = {0};
        buf_printf(&text, TOP "tasks: {a: {uses: \"%s\", with: {n: 1, l: [2]}}}\n",
                   words[i]);
        struct flow *f = read_good(buf_text(&text));
        assert_string_equal(f->tasks[0].work->uses, words[i]);
        assert_int_equal(f->tasks[0].work->n_with, 2);
        assert_string_equal(f->tasks[0].work->with[1].name, "l");
        flow_unref(f);
        buf_done(&text);
    }
    assert_true(flow_uses_file("../x"));
    assert_false(flow_uses_file("workflow:x"));
}

static void outputs_are_asked_for_later(void **state)
{
    struct flow *f =
        read_good(TOP "tasks:\n  a: {uses: workflow:etl}\n"
                      "  g:\n    needs: a\n"
                      "    tasks: {b: {run: x, env: {O: \"${{ tasks.a.outputs.rows "
                      "}}\"}}}\n"
                      "outputs: {o: \"${{ tasks.a.outputs.sum }}\"}\n");

    (void)state;
    assert_int_equal(f->n_asked, 2);
    assert_string_equal(f->asked[0].task, "a");
    assert_string_equal(f->asked[0].output, "sum");
    assert_int_equal(f->asked[0].line, 8);
    assert_string_equal(f->asked[1].output, "rows");
    flow_unref(f);
}

static void wrong_uses_are_refused(void **state)
{
    static const struct refusal refusals[] = {
        {TOP "tasks: {a: {uses: etl}}\n", PROBLEM_USES, 3, 19, "etl",
         "uses is workflow:", "did you mean `workflow:etl`?"},
        {TOP "tasks: {a: {uses: /etl.yaml}}\n", PROBLEM_USES, 3, 19, "/etl.yaml", NULL,
         "such as"},
        {TOP "tasks: {a: {uses: workflow:Etl}}\n", PROBLEM_USES, 3, 19, "workflow:Etl",
         NULL, NULL},
        {TOP "tasks: {a: {uses: \"workflow:e@sha256:xy\"}}\n", PROBLEM_USES, 3, 19,
         "workflow:e@sha256:xy", NULL, NULL},
        {TOP "tasks: {a: {uses: \"workflow:e@\"}}\n", PROBLEM_USES, 3, 19,
         "workflow:e@", NULL, NULL},
        {TOP "tasks: {a: {uses: [x]}}\n", PROBLEM_TYPE, 3, 19, "", NULL, NULL},
        {TOP "tasks: {a: {uses: \"${{ inputs.x }}\"}}\n", PROBLEM_CONSTANT, 3, 20,
         "${{", NULL, NULL},
        {TOP "tasks: {a: {run: x, with: {n: 1}}}\n", PROBLEM_EXCLUSIVE, 3, 27, "",
         "with is for tasks with uses only", NULL},
        {TOP "tasks: {a: {uses: workflow:e, with: 7}}\n", PROBLEM_TYPE, 3, 37, "7",
         NULL, NULL},
        {TOP "tasks: {a: {uses: workflow:e, with: {A: 1}}}\n", PROBLEM_NAME, 3, 38, "A",
         NULL, NULL},
        {TOP "tasks: {a: {uses: workflow:e, with: {n: \"${{ tasks.z.status }}\"}}}\n",
         PROBLEM_UNKNOWN_TASK, 3, 46, "tasks.z.status", NULL, NULL},
        {TOP "tasks: {a: {run: x, uses: workflow:e}}\n", PROBLEM_EXCLUSIVE, 3, 27, NULL,
         "not both run and uses", NULL},
        {TOP "tasks: {a: {uses: workflow:e, outputs: {o: file}}}\n", PROBLEM_EXCLUSIVE,
         3, 40, "", "outputs means nothing", NULL},
    };
    char longer[80];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct refusal r = refusals[i];
        if (!r.at)
            r.at = "workflow:e";
        check_refusal(&r);
    }
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = 0;
    struct buf text = {0};
    buf_printf(&text, TOP "tasks: {a: {uses: \"workflow:%s\"}}\n", longer);
    struct flow_problems p = read_bad(buf_text(&text));
    assert_int_equal(p.items[0].code, PROBLEM_USES);
    flow_problems_done(&p);
    buf_clear(&text);
    buf_printf(&text, TOP "tasks: {a: {uses: \"./%s%s%s\"}}\n", longer, longer, longer);
    p = read_bad(buf_text(&text));
    assert_int_equal(p.items[0].code, PROBLEM_USES);
    flow_problems_done(&p);
    buf_done(&text);
}

/* --- what the workflow is that is used --- */

#define USED                                                                           \
    TOP "inputs:\n  n: integer\n  word: {default: x}\n  l: {type: list, required: "    \
        "false}\ntasks: {t: {run: x, outputs: {o: file}}}\noutputs:\n  sum: \"${{ "    \
        "tasks.t.outputs.o }}\"\n  rows: 1\n"

struct fit {
    const char *tasks;
    const char *found[4]; /* "CODE LINE:COLUMN sentence (hint)", in order */
};

static void check_fit(const struct fit *fit, const struct flow *used)
{
    struct buf text = {0}, said = {0};
    struct flow_problems p = {0};
    size_t i = 0;

    buf_printf(&text, TOP "tasks:\n%s", fit->tasks);
    struct flow *f = read_good(buf_text(&text));
    for (uint32_t k = 0; k < f->n_tasks; k++)
        if (f->tasks[k].work->uses)
            flow_uses_check(f, &f->tasks[k], used, &p);
    for (; i < COUNT_OF(fit->found) && fit->found[i]; i++) {
        assert_true(i < p.n);
        buf_clear(&said);
        buf_printf(&said, "%d %d:%d %s (%s)", p.items[i].code, p.items[i].line,
                   p.items[i].column, p.items[i].msg, p.items[i].hint);
        assert_string_equal(buf_text(&said), fit->found[i]);
    }
    assert_int_equal(p.n, i);
    flow_problems_done(&p);
    flow_unref(f);
    buf_done(&said);
    buf_done(&text);
}

static void a_task_must_fit_the_workflow_that_it_uses(void **state)
{
    static const struct fit fits[] = {
        {.tasks = "  a: {uses: ./x, with: {n: 1, l: null}}\n"
                  "  b: {needs: a, run: x, env: {R: \"${{ tasks.a.outputs.rows }}\", "
                  "S: \"${{ tasks.a.outputs.sum }}\"}}\n"},
        {.tasks = "  a: {uses: ./x, with: {n: \"${{ run.id }}\", l: [1]}}\n"},
        {.tasks = "  a: {uses: ./x}\n",
         .found = {"74 4:3 task a: w needs the input n (give it in with: {n: ...})"}},
        {.tasks = "  a: {uses: ./x, with: {n: 1, wrod: y, l: 7}}\n",
         .found = {"74 4:37 w has no input wrod (did you mean `word`?)",
                   "74 4:43 w: input l must be of type list, not an integer ()"}},
        {.tasks = "  a: {uses: ./x, with: {n: null, word: 5}}\n",
         .found = {"74 4:28 w: input n must be of type integer, not null ()",
                   ("74 4:40 w: input word must be of type string, not an integer "
                    "(quote it)")}},
        {.tasks = "  a: {uses: ./x, with: {n: 1}}\n"
                  "  b: {needs: a, run: x, env: {R: \"${{ tasks.a.outputs.row }}\"}}\n"
                  "  c: {needs: a, run: x, env: {R: \"${{ tasks.a.outputs.zz }}\"}}\n",
         .found = {"75 5:34 task a: w has no output row (did you mean `rows`?)",
                   "75 6:34 task a: w has no output zz ()"}},
    };
    struct flow *used = read_good(USED);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(fits); i++)
        check_fit(&fits[i], used);
    flow_unref(used);
}

/* What is asked of one is not asked of the other, though both are called x. */
static void tasks_of_one_name_in_two_groups_are_told_apart(void **state)
{
    static const char text[] =
        TOP "tasks:\n"
            "  g: {tasks: {x: {uses: ./x, with: {n: 1}}}, outputs: {o: \"${{ "
            "tasks.x.outputs.sum }}\"}}\n"
            "  h: {tasks: {x: {uses: ./y}}, outputs: {o: \"${{ tasks.x.outputs.other "
            "}}\"}}\n  i: {tasks: {y: {uses: ./y}, x: {uses: ./y}}, outputs: {o: \"${{ "
            "tasks.x.outputs.other }}\"}}\n";
    struct flow *f = read_good(text);
    struct flow *used = read_good(USED);
    struct flow_problems p = {0};

    (void)state;
    assert_int_equal(f->n_asked, 3);
    flow_uses_check(f, &f->tasks[0].work->group->tasks[0], used, &p);
    assert_int_equal(p.n, 0);
    flow_uses_check(f, &f->tasks[2].work->group->tasks[0], used, &p);
    assert_int_equal(p.n, 1); /* n, but nothing is asked of y */
    flow_problems_done(&p);
    flow_unref(used);
    flow_unref(f);
}

static void what_cannot_be_used_is_a_problem_of_the_task(void **state)
{
    struct flow *f = read_good(TOP "tasks: {b: {run: x}, a: {uses: ./x}}\n");
    struct flow_problems p = {0};

    (void)state;
    flow_uses_refuse(&p, &f->tasks[1], FLOW_USES_UNREACHED, "cannot", "apply it");
    flow_uses_refuse(&p, &f->tasks[1], FLOW_USES_ABSENT, "gone", "");
    flow_uses_refuse(&p, &f->tasks[1], FLOW_USES_BROKEN, "bad", "");
    assert_int_equal(p.n, 3);
    assert_int_equal(p.items[0].code, PROBLEM_USES_UNREACHED);
    assert_int_equal(p.items[0].line, 3);
    assert_int_equal(p.items[0].column, 22);
    assert_string_equal(p.items[0].at, "./x");
    assert_string_equal(p.items[0].msg, "task a: cannot");
    assert_string_equal(p.items[0].hint, "apply it");
    assert_int_equal(p.items[1].code, PROBLEM_USES_ABSENT);
    assert_int_equal(p.items[2].code, PROBLEM_USES_BROKEN);
    flow_problems_done(&p);
    flow_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_words_of_uses_are_taken),
        cmocka_unit_test(outputs_are_asked_for_later),
        cmocka_unit_test(wrong_uses_are_refused),
        cmocka_unit_test(a_task_must_fit_the_workflow_that_it_uses),
        cmocka_unit_test(tasks_of_one_name_in_two_groups_are_told_apart),
        cmocka_unit_test(what_cannot_be_used_is_a_problem_of_the_task),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
