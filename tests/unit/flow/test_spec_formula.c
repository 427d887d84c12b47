/* needs as a formula, and retry.if: what is read of them, and what is refused where. */
#include "flow/spec.h"
#include "support_cmocka.h"
#include "support_spec.h"
#include <string.h>

#define AB                                                                             \
    "flowforge: 1\nname: w\ntasks:\n  a: {run: x}\n  b: {run: x}\n"                    \
    "  third: {run: x}\n"

/* The program of task z as text: "a.ok b.failed & !". */
static void program_of(const char *needs, struct buf *out)
{
    static const char signs[] = {[FLOW_NOT] = '!', [FLOW_AND] = '&', [FLOW_OR] = '|'};
    struct buf text = {0};

    buf_printf(&text, AB "  z: {run: x, needs: %s}\n", needs);
    struct flow *f = read_good(buf_text(&text));
    const struct flow_task *z = &f->tasks[flow_task_index(f, "z")];
    assert_non_null(z->work->formula);
    for (uint32_t i = 0; i < z->work->formula->n; i++) {
        const struct flow_term *t = &z->work->formula->terms[i];

        if (i > 0)
            buf_add_char(out, ' ');
        if (t->op == FLOW_ASK)
            buf_printf(out, "%s.%s", f->tasks[t->task].name, flow_ask_names[t->ask]);
        else
            buf_add_char(out, signs[t->op]);
    }
    buf_printf(out, "; %u", z->n_needs);
    flow_unref(f);
    buf_done(&text);
}

static void a_formula_binds_as_in_c_and_names_each_need_once(void **state)
{
    static const struct {
        const char *needs, *program;
    } cases[] = {
        {"\"a && b\"", "a.ok b.ok &; 2"},
        {"a.failed", "a.failed; 1"},
        {"\"!a\"", "a.ok !; 1"},
        {"\"a||b&&third.done\"", "a.ok b.ok third.done & |; 3"},
        {"\"(a || b) && !(third.skipped || a.cancelled)\"",
         "a.ok b.ok | third.skipped a.cancelled | ! &; 3"},
        {"\"a || b || a.succeeded\"", "a.ok b.ok | a.succeeded |; 2"},
        {"[a, b.failed, third.ok]", "a.ok b.failed & third.ok &; 3"},
        {"\" a  ||  !!b \"", "a.ok b.ok ! ! |; 2"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = {0};

        program_of(cases[i].needs, &out);
        assert_string_equal(buf_text(&out), cases[i].program);
        buf_done(&out);
    }
}

static void a_list_of_names_is_no_formula(void **state)
{
    struct flow *f = read_good(AB "  z: {run: x, needs: [a, b]}\n");
    const struct flow_task *z = &f->tasks[flow_task_index(f, "z")];

    (void)state;
    assert_null(z->work->formula);
    assert_int_equal(z->n_needs, 2);
    flow_unref(f);
}

#define Z AB "  z:\n    run: x\n    needs: "

static const struct refusal refusals[] = {
    {Z "a &&\n", PROBLEM_FORMULA, 9, 16, "", "missing here", "b.failed"},
    {Z "a && )\n", PROBLEM_FORMULA, 9, 17, ")", "missing here", NULL},
    {Z "a b\n", PROBLEM_FORMULA, 9, 14, "b", "&& or ||", NULL},
    {Z "a & b\n", PROBLEM_FORMULA, 9, 14, "& b", "&& or ||", NULL},
    {Z "a || (b && a\n", PROBLEM_FORMULA, 9, 24, "", "not closed", NULL},
    {Z "(a) b\n", PROBLEM_FORMULA, 9, 16, "b", "too much", NULL},
    {Z "((a &&) || (\n", PROBLEM_FORMULA, 9, 18, ")", "missing here", NULL},
    {Z "a.fialed\n", PROBLEM_ASKED, 9, 14, "fialed", "task a has no fialed",
     "`failed`"},
    {Z "a || b.\n", PROBLEM_ASKED, 9, 19, "", "after its name comes ok", ""},
    {Z "a || z.ok\n", PROBLEM_SELF_NEED, 9, 17, "z", "needs itself", NULL},
    {Z "a || thrid.ok\n", PROBLEM_UNKNOWN_NEED, 9, 17, "thrid", "no such task",
     "`third`"},
    {Z "a.b.c\n", PROBLEM_ASKED, 9, 14, "b.c", "has no b.c", ""},
    {Z "[a.ok, [b]]\n", PROBLEM_TYPE, 9, 19, "", "each item of needs", NULL},
    {Z "[a.ok, q, 5]\n", PROBLEM_UNKNOWN_NEED, 9, 19, "q", "no such task", NULL},
    {Z "a || b\n    needs_all: true\n", PROBLEM_EXCLUSIVE, 10, 16, "true",
     "names; a formula", "NAME.succeeded"},
    {AB "  z: {run: x, needs: 'a || y.failed'}\n  y: {run: x, needs: [a, z.done]}\n",
     PROBLEM_CYCLE, 7, 22, "a || y.failed", "z -> y -> z", NULL},
    {AB "  z: {run: x, needs: 'a || q'}\n"
        "  y: {run: x, needs: [z], if: tasks.b.status == 'failed'}\n",
     PROBLEM_UNKNOWN_NEED, 7, 28, "q", "no such task", NULL},
    {AB "  z: {run: x, retry: {if: exit_code.x == 1}}\n", PROBLEM_UNKNOWN_FIELD, 7, 27,
     "exit_code.x", "exit_code has no field", "write exit_code"},
    {AB "  z: {run: x, retry: {if: 3}}\n", PROBLEM_TYPE, 7, 27, "3", "if must be",
     NULL},
    {AB "  z: {run: x, if: exit_code == 1}\n", PROBLEM_NOT_HERE, 7, 19, "exit_code",
     "no value in if", NULL},
    {"flowforge: 1\nname: w\ndefaults: {retry: {if: tasks.a.attempts < 3}}\n"
     "tasks: {a: {run: x}}\n",
     PROBLEM_NOT_HERE, 3, 24, "tasks.a.attempts", "retry.if of all tasks", NULL},
    {AB "  z: {run: x, retry: {if: item == 1}}\n", PROBLEM_NOT_HERE, 7, 27, "item",
     "only in tasks with foreach", NULL},
};

static void wrong_formulas_are_refused_where_they_stand(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

static void brackets_end_somewhere(void **state)
{
    struct buf text = {0};

    (void)state;
    for (int depth = FLOW_FORMULA_DEPTH - 1; depth <= FLOW_FORMULA_DEPTH; depth++) {
        buf_clear(&text);
        buf_add_text(&text, Z "\"");
        for (int i = 0; i < depth; i++)
            buf_add_text(&text, "a || b && (");
        buf_add_char(&text, 'a');
        for (int i = 0; i < depth; i++)
            buf_add_char(&text, ')');
        buf_add_text(&text, "\"\n");
        if (depth < FLOW_FORMULA_DEPTH) {
            flow_unref(read_good(buf_text(&text)));
        } else {
            struct flow_problems p = read_bad(buf_text(&text));

            assert_int_equal(p.n, 1);
            assert_int_equal(p.items[0].code, PROBLEM_FORMULA);
            assert_non_null(strstr(p.items[0].msg, "too many brackets"));
            flow_problems_done(&p);
        }
    }
    buf_done(&text);
}

static void what_a_retry_may_ask_is_read(void **state)
{
    struct flow *f = read_good(
        "flowforge: 1\nname: w\n"
        "defaults: {retry: {if: exit_code != 3 && attempt < 5 && reason != 'oom'}}\n"
        "tasks:\n  a: {run: x}\n"
        "  b: {needs: [a], foreach: [1], run: x,\n"
        "      retry: {if: \"item == 1 && index == 0 && tasks.a.attempts == 1\"}}\n");

    (void)state;
    assert_non_null(f->tasks[0].policy->retry.condition);
    assert_non_null(f->tasks[1].policy->retry.condition);
    flow_unref(f);
}

#define S "flowforge: 1\nname: w\ninputs: {n: integer}\ntasks:\n  s:\n    switch:\n"

static void a_switch_is_read_and_asked_for_its_cases(void **state)
{
    struct flow *f = read_good(S "      - {case: large, when: inputs.n > 9}\n"
                                 "      - {case: rest}\n"
                                 "  z: {needs: s.large || s.failed, run: x,\n"
                                 "      env: {C: '${{ tasks.s.outputs.case }}'}}\n");
    const struct flow_switch *choice = f->tasks[0].work->choice;
    const struct flow_formula *formula = f->tasks[1].work->formula;

    (void)state;
    assert_int_equal(f->tasks[0].work->kind, FLOW_SWITCH);
    assert_int_equal(choice->n, 2);
    assert_string_equal(choice->cases[0].name, "large");
    assert_non_null(choice->cases[0].when);
    assert_null(choice->cases[1].when);
    assert_int_equal(formula->terms[0].ask, FLOW_ASK_CASE);
    assert_string_equal(formula->terms[0].word, "large");
    assert_int_equal(formula->terms[1].ask, FLOW_ASK_FAILED);
    flow_unref(f);
}

static const struct refusal switches[] = {
    {S "      - {case: a}\n      - {case: b}\n", PROBLEM_SWITCH, 7, 9, "",
     "must be the last", "when:"},
    {S "      - {case: a, when: true}\n      - {case: a}\n", PROBLEM_SWITCH, 8, 16, "a",
     "a case a already", "another name"},
    {S "      - {case: failed}\n", PROBLEM_NAME, 7, 16, "failed", "ask of every task",
     "another name"},
    {S "      - {case: 5}\n", PROBLEM_TYPE, 7, 16, "5", "case must be a name", NULL},
    {S "      - {case: A-B}\n", PROBLEM_NAME, 7, 16, "A-B", NULL, NULL},
    {S "      - {when: true}\n", PROBLEM_MISSING, 7, 9, "case", "needs the key case",
     NULL},
    {S "      - x\n", PROBLEM_TYPE, 7, 9, "x", "a case must be a map", NULL},
    {S "      - {case: a, when: inputs.m}\n", PROBLEM_UNKNOWN_INPUT, 7, 25, "inputs.m",
     NULL, NULL},
    {S "      - {case: a, when: attempt == 1}\n", PROBLEM_NOT_HERE, 7, 25, "attempt",
     "no value in switch", NULL},
    {S "      []\n", PROBLEM_VALUE, 7, 7, "", "no case", NULL},
    {S "      x\n", PROBLEM_TYPE, 7, 7, "x", "a list of maps", NULL},
    {S "      - {case: a}\n    retry: {}\n", PROBLEM_EXCLUSIVE, 8, 12, "",
     "retry means nothing", NULL},
    {S "      - {case: large}\n  z: {needs: s.lagre, run: x}\n", PROBLEM_ASKED, 8, 16,
     "lagre", "switch s has no case lagre", "`large`"},
    {S "      - {case: large}\n  z: {needs: s.faild, run: x}\n", PROBLEM_ASKED, 8, 16,
     "faild", "switch s has no case faild", "`failed`"},
    {S "      - {case: a}\n    run: x\n", PROBLEM_EXCLUSIVE, 7, 7, "",
     "not both run and switch", NULL},
};

static void wrong_switches_are_refused_where_they_stand(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(switches); i++)
        check_refusal(&switches[i]);
}

/* One problem each, although names of cases are compared and asked for. */
static void a_case_without_a_good_name_is_told_once(void **state)
{
    struct flow_problems p =
        read_bad(S "      - {case: A-B, when: true}\n      - {case: c}\n"
                   "  z: {needs: s.nothing, run: x}\n");

    (void)state;
    assert_int_equal(p.n, 2);
    assert_int_equal(p.items[0].code, PROBLEM_NAME);
    assert_int_equal(p.items[1].code, PROBLEM_ASKED);
    flow_problems_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_formula_binds_as_in_c_and_names_each_need_once),
        cmocka_unit_test(a_list_of_names_is_no_formula),
        cmocka_unit_test(wrong_formulas_are_refused_where_they_stand),
        cmocka_unit_test(brackets_end_somewhere),
        cmocka_unit_test(what_a_retry_may_ask_is_read),
        cmocka_unit_test(a_switch_is_read_and_asked_for_its_cases),
        cmocka_unit_test(wrong_switches_are_refused_where_they_stand),
        cmocka_unit_test(a_case_without_a_good_name_is_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
