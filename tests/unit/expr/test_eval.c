#include "support.h"

static void errors_are_absorbed_when_the_other_side_decides(void **state)
{
    static const struct support_case cases[] = {
        {"false && 1 / 0 == 1", "false"},
        {"1 / 0 == 1 && false", "false"},
        {"true || 1 / 0 == 1", "true"},
        {"1 / 0 == 1 || true", "true"},
        {"'text' || true", "true"},
        {"[1, 0].exists(x, 1 / x == 1)", "true"},
        {"[0, 1].exists(x, 1 / x == 1)", "true"},
        {"[0, 1].all(x, 1 / x == 2)", "false"},
    };
    static const struct support_failure failures[] = {
        {"true && 1 / 0 == 1", EXPR_E_VALUE, "division by zero"},
        {"1 / 0 == 1 || false", EXPR_E_VALUE, "division by zero"},
        {"1 / 0 == 1 && 2 / 0 == 1", EXPR_E_VALUE, "in '1 / 0'"},
        {"'text' && true", EXPR_E_TYPE, "must be a bool, and is string"},
        {"1 ? 2 : 3", EXPR_E_TYPE, "'1' must be a bool, and is int"},
        {"!v.i", EXPR_E_TYPE, "'v.i' must be a bool"},
        {"[0, 1].all(x, 1 / x == 1)", EXPR_E_VALUE, "division"},
        {"[1, 0].exists_one(x, 1 / x == 1)", EXPR_E_VALUE, "division"},
    };

    (void)state;
    CHECK(cases);
    CHECK_FAILURES(failures);
}

static void null_gives_null_when_selected_from(void **state)
{
    static const struct support_case cases[] = {
        {"v.none.a.b", "null"},
        {"tasks.skipped.outputs.path", "null"},
        {"tasks.skipped.outputs['path'][0]", "null"},
        {"has(v.none.a)", "false"},
        {"has(tasks.skipped.outputs.path)", "false"},
        {"has(v.none)", "true"},
        {"has(v.missing)", "false"},
    };

    (void)state;
    CHECK(cases);
}

static void or_value_stands_in_for_null_and_what_is_absent(void **state)
{
    static const struct support_case cases[] = {
        {"or_value(v.none, 'low')", "\"low\""},
        {"or_value(v.missing.deep, 1)", "1"},
        {"or_value(v.list[9], 1)", "1"},
        {"or_value(v.i, 1 / 0)", "7"},
        {"or_value(tasks.skipped.outputs.path, '-')", "\"-\""},
    };
    static const struct support_failure failures[] = {
        {"or_value(1 / 0, 1)", EXPR_E_VALUE, "division"},
        {"or_value(vv.i, 1)", EXPR_E_NAME, "no such name 'vv'"},
        {"or_value(null, 1 / 0)", EXPR_E_VALUE, "division"},
    };

    (void)state;
    CHECK(cases);
    CHECK_FAILURES(failures);
}

static void an_error_names_the_text_and_a_near_name(void **state)
{
    struct expr_err err = {0};
    const char *text = "1 + tasks.extract.outputs.pth";

    (void)state;
    assert_null(support_eval(text, 0, 0, &err));
    assert_int_equal(err.code, EXPR_E_ABSENT);
    assert_string_equal(err.msg, "no such key 'pth' in tasks.extract.outputs");
    assert_string_equal(err.hint, "path");
    assert_int_equal(err.offset, 4);
    assert_int_equal(err.length, 25);
    assert_null(support_eval("itm", 0, 0, &err));
    assert_int_equal(err.code, EXPR_E_NAME);
    assert_string_equal(err.hint, "item");
    assert_null(support_eval("v.list[3]", 0, 0, &err));
    assert_string_equal(err.msg, "no position 3 in v.list, a list of 3");
    assert_null(support_eval("v.s.field", 0, 0, &err));
    assert_string_equal(err.msg, "v.s is string and has no field 'field'");
    assert_null(support_eval("v.d + v.i", 0, 0, &err));
    assert_string_equal(err.hint, "double()");
}

static void values_are_shared_and_not_copied(void **state)
{
    struct expr_err err = {0};
    json_t *v = json_pack("{s:[i,i]}", "big", 1, 2);
    json_t *got = support_eval_with("v.big", v, &err);

    (void)state;
    assert_ptr_equal(got, json_object_get(v, "big"));
    json_decref(got);
    json_decref(v);
}

static void maps_want_text_keys_once(void **state)
{
    static const struct support_failure cases[] = {
        {"{1: 2}", EXPR_E_TYPE, "'1' is int"},
        {"{'a': 1, 'a': 2}", EXPR_E_VALUE, "the key 'a' stands twice"},
    };

    (void)state;
    CHECK_FAILURES(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_absorbed_when_the_other_side_decides),
        cmocka_unit_test(null_gives_null_when_selected_from),
        cmocka_unit_test(or_value_stands_in_for_null_and_what_is_absent),
        cmocka_unit_test(an_error_names_the_text_and_a_near_name),
        cmocka_unit_test(values_are_shared_and_not_copied),
        cmocka_unit_test(maps_want_text_keys_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
