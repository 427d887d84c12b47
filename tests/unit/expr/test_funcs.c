#include "support.h"

#include <stdlib.h>

static void conversions_take_what_can_be_read(void **state)
{
    static const struct support_case cases[] = {
        {"int(2.9)", "2"},
        {"int(-2.9)", "-2"},
        {"int('-12')", "-12"},
        {"double('1e3')", "1000.0"},
        {"double(3)", "3.0"},
        {"string(1.0)", "\"1\""},
        {"string(0.1)", "\"0.1\""},
        {"string(-3)", "\"-3\""},
        {"string(true)", "\"true\""},
        {"bool('T' + 'RUE')", "true"},
        {"bool('0')", "false"},
        {"dyn(1)", "1"},
        {"[type(1), type(1.0), type('a'), type(true), type(null), type([]), type({})]",
         "[\"int\", \"double\", \"string\", \"bool\", \"null_type\", \"list\", "
         "\"map\"]"},
        {"type(v.i) == int && type(v.none) == null_type", "true"},
    };
    static const struct support_failure failures[] = {
        {"int('1.5')", EXPR_E_VALUE, "'1.5' cannot be made an int"},
        {"int('')", EXPR_E_VALUE, "cannot be made an int"},
        {"int(' 1')", EXPR_E_VALUE, "cannot be made an int"},
        {"int('9223372036854775808')", EXPR_E_VALUE, "cannot be made an int"},
        {"int(1e19)", EXPR_E_VALUE, "cannot be made an int"},
        {"double('nan')", EXPR_E_VALUE, "cannot be made a double"},
        {"double('0x10')", EXPR_E_VALUE, "cannot be made a double"},
        {"double('1e999')", EXPR_E_VALUE, "cannot be made a double"},
        {"bool('yes')", EXPR_E_VALUE, "cannot be made a bool"},
        {"bool(1)", EXPR_E_TYPE, "bool() does not take (int)"},
        {"string(null)", EXPR_E_TYPE, "string() does not take (null_type)"},
        {"int([])", EXPR_E_TYPE, "int() does not take (list), in 'int([])'"},
    };

    (void)state;
    CHECK(cases);
    CHECK_FAILURES(failures);
}

static void json_is_read_and_written(void **state)
{
    static const struct support_case cases[] = {
        {"json('{\"a\": [1, 2.0, null]}')", "{\"a\": [1, 2.0, null]}"},
        {"json('7')", "7"},
        {"to_json({'a': [1, 2.0, 0.1, 'x\\n\"\\u0001\u00e9'], 'b': null})",
         "\"{\\\"a\\\":[1,2.0,0.1,\\\"x\\\\n\\\\\\\"\\\\u0001\u00e9\\\"],\\\"b\\\":"
         "null}\""},
        {"json(to_json(v)) == v", "true"},
    };
    static const struct support_failure failures[] = {
        {"json('{')", EXPR_E_VALUE, "'{' is not JSON"},
        {"json('{\"a\":1,\"a\":2}')", EXPR_E_VALUE, "duplicate"},
        {"json('1 2')", EXPR_E_VALUE, "not JSON"},
        {"json(1)", EXPR_E_TYPE, "json() does not take (int)"},
    };

    (void)state;
    CHECK(cases);
    CHECK_FAILURES(failures);
}

static void now_is_pinned_and_compares_as_text(void **state)
{
    static const struct support_case cases[] = {
        {"now()", "\"2026-01-02T03:04:05.000006Z\""},
        {"now() == now()", "true"},
        {"now() > '2026-01-02T03:04:04.999999Z'", "true"},
    };

    (void)state;
    CHECK(cases);
}

static const char *now_at(int64_t us, char *text)
{
    const struct expr_scope scope = {.now_us = us};
    struct expr_err err = {0};
    struct expr *e = expr_compile("now()", 5, &err);
    json_t *v = expr_eval(e, &scope, &err);

    strcpy(text, v != NULL ? json_string_value(v) : err.msg);
    json_decref(v);
    expr_free(e);
    return text;
}

static void now_knows_the_calendar(void **state)
{
    char text[256];

    (void)state;
    assert_string_equal(now_at(0, text), "1970-01-01T00:00:00.000000Z");
    assert_string_equal(now_at(-1, text), "1969-12-31T23:59:59.999999Z");
    assert_string_equal(now_at(INT64_C(951782400000000), text),
                        "2000-02-29T00:00:00.000000Z");
    assert_string_equal(now_at(INT64_C(253402300799999999), text),
                        "9999-12-31T23:59:59.999999Z");
    assert_string_equal(now_at(INT64_MAX, text), "the time is out of range");
    assert_string_equal(now_at(INT64_MIN, text), "the time is out of range");
}

static void text_of_a_value_is_short_and_reads_back(void **state)
{
    static const double reals[] = {
        0.1, 1.0, -0.0, 1e21, 5e-324, 1.7976931348623157e308, 1e15, 123456789.125};
    json_error_t err;

    (void)state;
    for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
        json_t *v = json_real(reals[i]);
        char *text = expr_to_text(v, NULL);
        json_t *back = json_loads(text, JSON_DECODE_ANY, &err);
        assert_true(json_is_real(back));
        assert_true(json_real_value(back) == reals[i]);
        json_decref(v);
        json_decref(back);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversions_take_what_can_be_read),
        cmocka_unit_test(json_is_read_and_written),
        cmocka_unit_test(now_is_pinned_and_compares_as_text),
        cmocka_unit_test(now_knows_the_calendar),
        cmocka_unit_test(text_of_a_value_is_short_and_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
