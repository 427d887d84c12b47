/* vars: constants of the file. */
#include "support_cmocka.h"
#include "support_spec.h"

static void vars_are_constants_of_any_type(void **state)
{
    struct flow *f = read_good(TOP "vars: {region: eu, sizes: [1, {a: null}], n: 1.5}\n"
                                   "tasks: {a: {run: x, if: \"vars.region == 'eu' && "
                                   "vars.sizes[0] == 1\"}}\n");
    char *text = json_text(f->vars);

    (void)state;
    assert_string_equal(text,
                        "{\"region\":\"eu\",\"sizes\":[1,{\"a\":null}],\"n\":1.5}");
    mem_free(text);
    flow_unref(f);
}

static const struct refusal refusals[] = {
    {TOP "vars: [a]\ntasks: {a: {run: x}}\n", PROBLEM_TYPE, 3, 7, "",
     "vars must be a map of names and constants", NULL},
    {TOP "vars: {A: 1}\ntasks: {a: {run: x}}\n", PROBLEM_NAME, 3, 8, "A",
     "the name of a variable", "`a`"},
    {TOP "vars: {a: [x, {b: '${{ inputs.x }}'}]}\ntasks: {a: {run: x, if: vars.a}}\n",
     PROBLEM_CONSTANT, 3, 20, "${{", "cannot hold an expression", NULL},
    {TOP "vars: {a: 99999999999999999999}\ntasks: {a: {run: x, if: vars.a}}\n",
     PROBLEM_NUMBER, 3, 11, "99999999999999999999", NULL, NULL},
    {TOP "vars: {region: eu}\ntasks: {a: {run: x, if: vars.regoin == ''}}\n",
     PROBLEM_UNKNOWN_VAR, 4, 25, "vars.regoin", "vars has no constant regoin",
     "`region`"},
    {TOP "tasks: {a: {run: x, if: vars.b}}\n", PROBLEM_UNKNOWN_VAR, 3, 25, "vars.b",
     "vars has no constant b", NULL},
};

static void wrong_vars_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

static void vars_have_a_limit(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_printf(&b, TOP "vars:\n");
    for (int i = 0; i <= FLOW_MAX_NAMES; i++)
        buf_printf(&b, "  v%d: 1\n", i);
    buf_printf(&b, "tasks: {a: {run: x}}\n");

    struct flow_problems p = read_bad(buf_text(&b));

    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
    flow_problems_done(&p);
    buf_done(&b);
}

static void all_of_vars_is_a_value_too(void **state)
{
    (void)state;
    flow_unref(read_good(TOP "tasks: {a: {run: x, stdin: '${{ vars }}'}}\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vars_are_constants_of_any_type),
        cmocka_unit_test(wrong_vars_are_refused),
        cmocka_unit_test(vars_have_a_limit),
        cmocka_unit_test(all_of_vars_is_a_value_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
