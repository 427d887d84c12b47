#include "support.h"

static void arithmetic_keeps_types_and_stops_at_64_bits(void **state)
{
    static const struct support_case cases[] = {
        {"7 / 2", "3"},
        {"-7 / 2", "-3"},
        {"-7 % 3", "-1"},
        {"7.0 / 2.0", "3.5"},
        {"0.1 + 0.2", "0.30000000000000004"},
        {"'a' + 'b' + ''", "\"ab\""},
        {"[1] + [] + [2]", "[1, 2]"},
    };
    static const struct support_failure failures[] = {
        {"9223372036854775807 + 1", EXPR_E_VALUE, "overflows 64 bits"},
        {"-9223372036854775808 - 1", EXPR_E_VALUE, "overflows 64 bits"},
        {"9223372036854775807 * 2", EXPR_E_VALUE, "overflows 64 bits"},
        {"-9223372036854775808 / -1", EXPR_E_VALUE, "overflows 64 bits"},
        {"-9223372036854775808 % -1", EXPR_E_VALUE, "overflows 64 bits"},
        {"-(-9223372036854775808)", EXPR_E_VALUE, "overflows 64 bits"},
        {"1 / 0", EXPR_E_VALUE, "division by zero"},
        {"1 % 0", EXPR_E_VALUE, "division by zero"},
        {"1.0 / 0.0", EXPR_E_VALUE, "no finite number"},
        {"1e308 * 10.0", EXPR_E_VALUE, "no finite number"},
        {"1.0 % 2.0", EXPR_E_TYPE, "'%' is not defined for double and double"},
        {"1 + 1.0", EXPR_E_TYPE, "'+' is not defined for int and double"},
        {"'a' + 1", EXPR_E_TYPE, "string and int"},
        {"'a' * 2", EXPR_E_TYPE, "string and int"},
        {"-'a'", EXPR_E_TYPE, "not defined for string"},
        {"null + null", EXPR_E_TYPE, "null_type"},
    };

    (void)state;
    CHECK(cases);
    CHECK_FAILURES(failures);
}

static void equality_is_defined_for_all_types(void **state)
{
    static const struct support_case cases[] = {
        {"1 == 1.0", "true"},
        {"1 == '1'", "false"},
        {"null == null", "true"},
        {"null == 0", "false"},
        {"[1, [2.0]] == [1.0, [2]]", "true"},
        {"[1] == [1, 2]", "false"},
        {"{'a': 1, 'b': 2} == {'b': 2.0, 'a': 1}", "true"},
        {"{'a': 1} == {'b': 1}", "false"},
        {"{'a': null} == {'b': 1}", "false"},
        {"true == 1", "false"},
        {"'' == []", "false"},
        {"9223372036854775807 == 9223372036854775808.0", "true"},
    };

    (void)state;
    CHECK(cases);
}

static void order_is_defined_for_numbers_strings_and_bools(void **state)
{
    static const struct support_case cases[] = {
        {"1 < 1.5", "true"},
        {"2.0 >= 2", "true"},
        {"'a' < 'b' && 'Z' < 'a' && '' < 'a' && 'a' < 'ab'", "true"},
        {"'\u00e9' > 'z'", "true"},
        {"false < true", "true"},
    };
    static const struct support_failure failures[] = {
        {"1 < '2'", EXPR_E_TYPE, "'<' is not defined for int and string"},
        {"[1] < [2]", EXPR_E_TYPE, "list and list"},
        {"null < 1", EXPR_E_TYPE, "null_type and int"},
    };

    (void)state;
    CHECK(cases);
    CHECK_FAILURES(failures);
}

static void in_looks_into_lists_and_keys(void **state)
{
    static const struct support_case cases[] = {
        {"2 in v.list", "true"}, {"2.0 in v.list", "true"}, {"'a' in v.map", "true"},
        {"1 in v.map", "false"}, {"'x' in []", "false"},    {"null in [null]", "true"},
    };
    static const struct support_failure failures[] = {
        {"1 in 1", EXPR_E_TYPE, "'in' is not defined for int and int"},
        {"'a' in null", EXPR_E_TYPE, "string and null_type"},
        {"[] in v.map", EXPR_E_TYPE, "list and map"},
    };

    (void)state;
    CHECK(cases);
    CHECK_FAILURES(failures);
}

/* A list in a list, n deep. */
static json_t *deep(int n)
{
    json_t *v = json_array();

    for (int i = 1; i < n; i++)
        v = json_pack("[o]", v);
    return v;
}

static void deep_values_do_not_exhaust_the_stack(void **state)
{
    struct expr_err err = {0};
    json_t *shallow = deep(EXPR_MAX_DEPTH);
    json_t *v = deep(1000);
    json_t *got = support_eval_with("v == v", shallow, &err);

    (void)state;
    assert_true(json_is_true(got));
    assert_null(support_eval_with("v == v", v, &err));
    assert_int_equal(err.code, EXPR_E_LIMIT);
    assert_null(support_eval_with("to_json(v)", v, &err));
    assert_int_equal(err.code, EXPR_E_LIMIT);
    int code = EXPR_OK;

    assert_null(expr_to_text(v, &code));
    assert_int_equal(code, EXPR_E_LIMIT);
    json_decref(shallow);
    json_decref(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic_keeps_types_and_stops_at_64_bits),
        cmocka_unit_test(equality_is_defined_for_all_types),
        cmocka_unit_test(order_is_defined_for_numbers_strings_and_bools),
        cmocka_unit_test(in_looks_into_lists_and_keys),
        cmocka_unit_test(deep_values_do_not_exhaust_the_stack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
