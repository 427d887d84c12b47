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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_words_of_uses_are_taken),
        cmocka_unit_test(outputs_are_asked_for_later),
        cmocka_unit_test(wrong_uses_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
