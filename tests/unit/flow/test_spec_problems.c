/* All problems of a file in one go, in order, and no problem that is another's shadow.
 */
#include "support_cmocka.h"
#include "support_spec.h"
#include <string.h>

static const char ten[] = "flowforge: 1\n"
                          "name: Ten\n"            /* 1 */
                          "inputs: {day: strin}\n" /* 2 */
                          "tasks:\n"
                          "  extract:\n"
                          "    rum: ./extract\n" /* 3 */
                          "  transform:\n"
                          "    needs: [extrct]\n"            /* 4 */
                          "    env: {FF_X: a}\n"             /* 5 */
                          "    run: ./t ${{ inputs.day }}\n" /* 6 */
                          "  load:\n"
                          "    needs: [load]\n" /* 7 */
                          "    run: ./load\n"
                          "    timeout: 30\n"                   /* 8 */
                          "    if: inputs.dya == 'x'\n"         /* 9 */
                          "finally: [{id: extract, run: x}]\n"; /* 10 */

static void ten_mistakes_give_ten_problems_in_the_order_of_the_file(void **state)
{
    static const struct {
        int code, line;
    } expected[] = {
        {PROBLEM_NAME, 2},           {PROBLEM_VALUE, 3},
        {PROBLEM_UNKNOWN_KEY, 6},    {PROBLEM_UNKNOWN_NEED, 8},
        {PROBLEM_RESERVED_ENV, 9},   {PROBLEM_EXPRESSION_IN_CODE, 10},
        {PROBLEM_SELF_NEED, 12},     {PROBLEM_TYPE, 14},
        {PROBLEM_UNKNOWN_INPUT, 15}, {PROBLEM_DUPLICATE_NAME, 16},
    };
    struct flow_problems p = read_bad(ten);

    (void)state;
    if (p.n != COUNT_OF(expected))
        show_problems(&p);
    assert_int_equal(p.n, COUNT_OF(expected));
    for (size_t i = 0; i < p.n; i++) {
        assert_int_equal(p.items[i].code, expected[i].code);
        assert_int_equal(p.items[i].line, expected[i].line);
        assert_true(p.items[i].column > 0);
        assert_true(strlen(p.items[i].msg) > 10);
    }
    flow_problems_done(&p);
}

static void mistakes_of_yaml_do_not_hide_those_of_the_format(void **state)
{
    struct flow_problems p = read_bad(TOP "tasks:\n"
                                          "  a: {run: x, run: y, rum: z}\n"
                                          "  b: {run: &q x, needs: [c]}\n");

    (void)state;
    assert_int_equal(p.n, 4);
    assert_int_equal(p.items[0].code, PROBLEM_DUPLICATE_KEY);
    assert_int_equal(p.items[1].code, PROBLEM_UNKNOWN_KEY);
    assert_int_equal(p.items[2].code, PROBLEM_YAML_FEATURE);
    assert_int_equal(p.items[3].code, PROBLEM_UNKNOWN_NEED);
    flow_problems_done(&p);
}

/* Each file has one mistake with consequences; only the mistake is shown. */
static void one_mistake_is_one_problem(void **state)
{
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        /* b loses its ancestors, and c behind it */
        {TOP "tasks:\n  a: {run: x, outputs: {o: file}}\n  b: {run: x, needs: q}\n"
             "  c: {run: x, needs: b, env: {A: '${{ tasks.a.outputs.o }}'}}\n",
         PROBLEM_UNKNOWN_NEED},
        /* nobody has ancestors in a circle */
        {TOP "tasks:\n  a: {run: x, needs: c, outputs: {o: file}}\n"
             "  b: {run: x, needs: a}\n"
             "  c: {run: x, needs: b, env: {A: '${{ tasks.a.outputs.o }}'}}\n",
         PROBLEM_CYCLE},
        /* the task is there though it has nothing to run */
        {TOP "tasks:\n  a: {}\n  b: {run: x, needs: a, if: tasks.a.status == 'x'}\n",
         PROBLEM_MISSING},
        {TOP "tasks:\n  a: &x {run: x}\n  b: {run: x, needs: a}\n",
         PROBLEM_YAML_FEATURE},
        /* the output is there though its form is wrong */
        {TOP "tasks:\n  a: {run: x, outputs: {o: fiel}}\n"
             "  b: {run: x, needs: a, stdin: '${{ tasks.a.outputs.o }}'}\n",
         PROBLEM_VALUE},
        /* so are the variable and the list */
        {TOP "tasks: {a: {run: x, env: {A: '${{ 1 + }}', B: '${{ env.A }}'}}}\n",
         PROBLEM_EXPRESSION},
        {TOP "tasks: {a: {run: x, foreach: 3, env: {B: '${{ item }}'}}}\n",
         PROBLEM_TYPE},
        {TOP "inputs: {i: {type: integr}}\ntasks: {a: {run: '${A}', "
             "env: {A: '${{ inputs.i }}'}}}\n",
         PROBLEM_VALUE},
        {TOP "tasks: {a: {ru: x}}\n", PROBLEM_UNKNOWN_KEY},
        {TOP "tasks: {a: {sql: x, jq: {}}}\n", PROBLEM_LATER},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct flow_problems p = read_bad(cases[i].text);
        size_t expected = cases[i].code == PROBLEM_LATER ? 2 : 1;

        if (p.n != expected)
            show_problems(&p);
        assert_int_equal(p.n, expected);
        assert_int_equal(p.items[0].code, cases[i].code);
        flow_problems_done(&p);
    }
}

static void separate_circles_are_all_named(void **state)
{
    struct flow_problems p =
        read_bad(TOP "tasks:\n"
                     "  a: {run: x, needs: [b]}\n  b: {run: x, needs: [a]}\n"
                     "  c: {run: x, needs: [d, a]}\n  d: {run: x, needs: [c]}\n"
                     "  e: {run: x, needs: [a, c]}\n  f: {run: x}\n");

    (void)state;
    assert_int_equal(p.n, 2);
    assert_non_null(strstr(p.items[0].msg, "a -> b -> a"));
    assert_non_null(strstr(p.items[1].msg, "c -> d -> c"));
    flow_problems_done(&p);
}

static void a_long_circle_is_shown_by_its_ends(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, TOP "tasks:\n");
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "  task_%d: {run: x, needs: [task_%d]}\n", i, (i + 1) % 1000);

    struct flow_problems p = read_bad(buf_text(&b));

    assert_int_equal(p.n, 1);
    assert_non_null(strstr(p.items[0].msg, "task_0 -> task_1 ->"));
    assert_non_null(strstr(p.items[0].msg, "993 more"));
    assert_non_null(strstr(p.items[0].msg, "task_999 -> task_0"));
    flow_problems_done(&p);
    buf_done(&b);
}

static void a_hundred_problems_are_shown_and_the_rest_counted(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, TOP "tasks:\n");
    for (int i = 0; i < 250; i++)
        buf_printf(&b, "  task_%d: {run: x, needs: [nobody]}\n", i);

    struct flow_problems p = read_bad(buf_text(&b));

    assert_int_equal(p.n, FLOW_MAX_ERRORS);
    assert_int_equal(p.n_more, 150);
    for (size_t i = 1; i < p.n; i++)
        assert_true(p.items[i - 1].line <= p.items[i].line);
    flow_problems_done(&p);
    assert_int_equal(p.n_more, 0);
    buf_done(&b);
}

static void what_is_shown_is_short_and_on_one_line(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, TOP "tasks:\n  a:\n    run: x\n    \"key\\n\\t");
    for (int i = 0; i < 100; i++)
        buf_add_text(&b, "\xe2\x82\xac");
    buf_add_text(&b, "\": 1\n");

    struct flow_problems p = read_bad(buf_text(&b));
    const struct flow_problem *first = &p.items[0];

    assert_int_equal(p.n, 1);
    assert_int_equal(first->code, PROBLEM_UNKNOWN_KEY);
    assert_null(strpbrk(first->at, "\n\t"));
    assert_non_null(strstr(first->at, "..."));
    assert_int_equal(text_utf8_error(first->at, strlen(first->at)), strlen(first->at));
    assert_int_equal(text_utf8_error(first->msg, strlen(first->msg)),
                     strlen(first->msg));
    flow_problems_done(&p);
    buf_done(&b);
}

static void more_tasks_than_the_limit_are_refused_once(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, TOP "tasks:\n");
    for (int i = 0; i < FLOW_MAX_TASKS + 3; i++)
        buf_printf(&b, "  t%d: {run: x}\n", i);

    struct flow_problems p = read_bad(buf_text(&b));

    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
    assert_int_equal(p.items[0].line, 4 + FLOW_MAX_TASKS);
    assert_non_null(strstr(p.items[0].msg, "200000"));
    flow_problems_done(&p);
    buf_done(&b);
}

static void variables_of_all_tasks_together_are_limited(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, TOP "env:\n");
    for (int i = 0; i < 998; i++)
        buf_printf(&b, "  A%d: x\n", i);
    buf_add_text(&b, "tasks:\n");
    for (int i = 0; i < 5100; i++)
        buf_printf(&b, "  t%d: {run: x, env: {B: y}}\n", i);

    struct flow_problems p = read_bad(buf_text(&b));

    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
    assert_non_null(strstr(p.items[0].msg, "variables"));
    flow_problems_done(&p);
    buf_done(&b);
}

static void names_in_one_place_are_limited(void **state)
{
    static const struct {
        const char *head, *item, *tail;
        int line, column;
    } cases[] = {
        {TOP "inputs: {", "a%d: string, ", "}\ntasks: {a: {run: x}}\n", 3, 9},
        {TOP "env: {", "A%d: x, ", "}\ntasks: {a: {run: x}}\n", 3, 6},
        {TOP "outputs: {", "a%d: x, ", "}\ntasks: {a: {run: x}}\n", 3, 10},
        {TOP "tasks: {a: {run: x, outputs: {", "a%d: file, ", "}}}\n", 3, 30},
        {TOP "env: {B: x}\ntasks: {a: {run: x, env: {", "A%d: x, ", "}}}\n", 4, 26},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf b = {0};

        buf_add_text(&b, cases[i].head);
        for (int k = 0; k < FLOW_MAX_NAMES + 1; k++)
            buf_printf(&b, cases[i].item, k);
        buf_add_text(&b, cases[i].tail);

        struct flow_problems p = read_bad(buf_text(&b));

        assert_int_equal(p.n, 1);
        assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
        assert_int_equal(p.items[0].line, cases[i].line);
        assert_int_equal(p.items[0].column, cases[i].column);
        flow_problems_done(&p);
        buf_done(&b);
    }
}

/* Files made to cost much: what is only counted is not looked into. */
static void problems_beyond_those_shown_are_only_counted(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, TOP "tasks:\n  a:\n    run: x\n    env:\n      A: |\n");
    for (int i = 0; i < 20000; i++)
        buf_add_text(&b, "        ${{ nobody }}\n");

    struct flow_problems p = read_bad(buf_text(&b));

    assert_int_equal(p.n, FLOW_MAX_ERRORS);
    assert_int_equal(p.n_more, 20000 - FLOW_MAX_ERRORS);
    assert_int_equal(p.items[99].line, 107);
    assert_int_equal(p.items[99].column, 13);
    flow_problems_done(&p);
    buf_done(&b);
}

static void code_longer_than_an_argument_is_refused(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, TOP "tasks:\n  a:\n    run: ");
    for (int i = 0; i < FLOW_MAX_CODE; i++)
        buf_add_char(&b, 'x');
    flow_unref(read_good(buf_text(&b)));
    buf_add_char(&b, 'x');

    struct flow_problems p = read_bad(buf_text(&b));

    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
    assert_int_equal(p.items[0].line, 5);
    assert_int_equal(p.items[0].column, 10);
    flow_problems_done(&p);
    buf_done(&b);
}

static void problems_are_added_to_those_that_are_there(void **state)
{
    struct flow_problems p = {0};

    (void)state;
    assert_null(flow_parse("a", 1, &p));
    assert_null(flow_parse("b", 1, &p));
    assert_int_equal(p.n, 2);

    struct flow *f = flow_parse(TOP "tasks: {a: {run: x}}\n",
                                strlen(TOP "tasks: {a: {run: x}}\n"), &p);

    assert_non_null(f);
    assert_int_equal(p.n, 2);
    flow_unref(f);
    flow_problems_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_mistakes_give_ten_problems_in_the_order_of_the_file),
        cmocka_unit_test(mistakes_of_yaml_do_not_hide_those_of_the_format),
        cmocka_unit_test(one_mistake_is_one_problem),
        cmocka_unit_test(separate_circles_are_all_named),
        cmocka_unit_test(a_long_circle_is_shown_by_its_ends),
        cmocka_unit_test(a_hundred_problems_are_shown_and_the_rest_counted),
        cmocka_unit_test(what_is_shown_is_short_and_on_one_line),
        cmocka_unit_test(more_tasks_than_the_limit_are_refused_once),
        cmocka_unit_test(variables_of_all_tasks_together_are_limited),
        cmocka_unit_test(names_in_one_place_are_limited),
        cmocka_unit_test(problems_beyond_those_shown_are_only_counted),
        cmocka_unit_test(code_longer_than_an_argument_is_refused),
        cmocka_unit_test(problems_are_added_to_those_that_are_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
