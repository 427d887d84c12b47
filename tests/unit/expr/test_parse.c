#include "support.h"

#include <stdio.h>
#include <stdlib.h>

static void literals_have_their_values(void **state)
{
    static const struct support_case cases[] = {
        {"0x1F", "31"},
        {"-0x10", "-16"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {".5", "0.5"},
        {"1e3", "1000.0"},
        {"-2.5E-1", "-0.25"},
        {"'a\"b'", "\"a\\\"b\""},
        {"\"\\u00e9\\x41\\101\\U0001F600\"", "\"\u00e9AA\U0001F600\""},
        {"r'\\d'", "\"\\\\d\""},
        {"'''a\n'b'''", "\"a\\n'b\""},
        {"\"\"\"\"\"\"", "\"\""},
        {"'\\a\\b\\f\\n\\r\\t\\v\\\\\\?\\`'",
         "\"\\u0007\\b\\f\\n\\r\\t\\u000b\\\\?`\""},
        {"[true, false, null,]", "[true, false, null]"},
        {"{'a': 1, \"b\": [2],}", "{\"a\": 1, \"b\": [2]}"},
        {"1 // a comment\n + 1", "2"},
    };

    (void)state;
    CHECK(cases);
}

static void operators_bind_as_in_cel(void **state)
{
    static const struct support_case cases[] = {
        {"1 + 2 * 3", "7"},
        {"(1 + 2) * 3", "9"},
        {"10 - 3 - 2", "5"},
        {"-2 * -3", "6"},
        {"!true || true && false", "false"},
        {"1 + 1 == 2 && 2 < 3", "true"},
        {"true ? 1 : false ? 2 : 3", "1"},
        {"false ? 1 : false ? 2 : 3", "3"},
        {"7 % 4 / 2", "1"},
        {"!!true", "true"},
        {"--1", "1"},
        {"1 in [1] == true", "true"},
        {"- v.i", "-7"},
    };

    (void)state;
    CHECK(cases);
}

static void paths_reach_into_values(void **state)
{
    static const struct support_case cases[] = {
        {"tasks.extract.outputs.path", "\"/a\""},
        {"tasks['extract'][\"outputs\"].items[1].id", "2"},
        {"v.map.`b-c`", "2"},
        {"v.map['b-c']", "2"},
        {".v.i", "7"},
        {"[1, 2].map(v, .v.i + v)", "[8, 9]"},
        {"v\n.\ni", "7"},
    };

    (void)state;
    CHECK(cases);
}

static void what_is_not_an_expression_is_refused(void **state)
{
    static const struct support_failure cases[] = {
        {"", EXPR_E_SYNTAX, "ends where a value is expected"},
        {"1 +", EXPR_E_SYNTAX, "ends where a value"},
        {"(1", EXPR_E_SYNTAX, "')' is expected"},
        {"[1", EXPR_E_SYNTAX, "closing bracket"},
        {"[,]", EXPR_E_SYNTAX, "',' stands where a value"},
        {"1 2", EXPR_E_SYNTAX, "'2' stands where an operator"},
        {"a = 1", EXPR_E_SYNTAX, "equality is =="},
        {"a ? 1", EXPR_E_SYNTAX, "the ':' of '?'"},
        {"!-1", EXPR_E_SYNTAX, "'-' stands where a value"},
        {"\"abc", EXPR_E_SYNTAX, "has no end"},
        {"'a\nb'", EXPR_E_SYNTAX, "has no end"},
        {"'\\q'", EXPR_E_SYNTAX, "not an escape"},
        {"'\\ud800'", EXPR_E_SYNTAX, "not an escape"},
        {"'\\x'", EXPR_E_SYNTAX, "not an escape"},
        {"'\\0'", EXPR_E_SYNTAX, "not an escape"},
        {"'\\000'", EXPR_E_SYNTAX, "NUL"},
        {"1a", EXPR_E_SYNTAX, "not a number"},
        {"9223372036854775808", EXPR_E_SYNTAX, "64 bits"},
        {"1e999", EXPR_E_SYNTAX, "too large"},
        {"while", EXPR_E_SYNTAX, "reserved"},
        {"a.true", EXPR_E_SYNTAX, "name of a field"},
        {"\xff", EXPR_E_SYNTAX, "not UTF-8"},
        {"has(a)", EXPR_E_SYNTAX, "has(a.b)"},
        {"v.list.map(1, 2)", EXPR_E_SYNTAX, "name of map()'s variable"},
        {"v.list.map(x)", EXPR_E_SYNTAX, "',' after"},
        {"v.list.all(x, x, x)", EXPR_E_SYNTAX, "all() wants 2 arguments, not 3"},
        {"or_value(1)", EXPR_E_SYNTAX, "or_value() wants 2"},
        {"size()", EXPR_E_SYNTAX, "size() wants 1 argument, not 0"},
        {"'a'.substring()", EXPR_E_SYNTAX, "wants 1 to 2 arguments, not 0"},
    };

    (void)state;
    CHECK_FAILURES(cases);
}

static void what_cel_has_and_we_do_not_is_named(void **state)
{
    static const struct support_failure cases[] = {
        {"1u", EXPR_E_SYNTAX, "unsigned numbers are not supported"},
        {"b'a'", EXPR_E_SYNTAX, "bytes are not supported"},
        {"rb'a'", EXPR_E_SYNTAX, "bytes are not supported"},
        {"a.?b", EXPR_E_SYNTAX, "optional values are not supported"},
        {"a[?0]", EXPR_E_SYNTAX, "optional values are not supported"},
        {"[?a]", EXPR_E_SYNTAX, "optional values are not supported"},
        {"timestamp('x')", EXPR_E_NAME, "'timestamp' is not supported here"},
        {"duration('30s')", EXPR_E_NAME, "'duration' is not supported here"},
        {"uint(1)", EXPR_E_NAME, "'uint' is not supported here"},
    };

    (void)state;
    CHECK_FAILURES(cases);
}

/* The text: n times open, then 1, then n times close. */
static char *nested(const char *open, const char *close, size_t n)
{
    char *text = calloc(1, n * (strlen(open) + strlen(close)) + 2);

    for (size_t i = 0; i < n; i++)
        strcat(text, open);
    strcat(text, "1");
    for (size_t i = 0; i < n; i++)
        strcat(text, close);
    return text;
}

static int code_of(char *text)
{
    struct expr_err err = {0};
    json_t *v = support_eval(text, 0, 0, &err);

    json_decref(v);
    free(text);
    return v != NULL ? EXPR_OK : err.code;
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(code_of(nested("(", ")", 63)), EXPR_OK);
    assert_int_equal(code_of(nested("(", ")", 64)), EXPR_E_LIMIT);
    assert_int_equal(code_of(nested("[", "]", 63)), EXPR_OK);
    assert_int_equal(code_of(nested("[", "]", 4000)), EXPR_E_LIMIT);
    assert_int_equal(code_of(nested("{'a': ", "}", 2000)), EXPR_E_LIMIT);
    assert_int_equal(code_of(nested("size(", ")", 2000)), EXPR_E_LIMIT);
    assert_int_equal(code_of(nested("true ? 1 : ", "", 63)), EXPR_OK);
    assert_int_equal(code_of(nested("true ? 1 : ", "", 1000)), EXPR_E_LIMIT);
    assert_int_equal(code_of(nested("[1].map(x, ", ")", 60)), EXPR_OK);
    assert_int_equal(code_of(nested("[1].map(x, ", ")", 1000)), EXPR_E_LIMIT);
}

static void chains_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(code_of(nested("1 + ", "", 190)), EXPR_OK);
    assert_int_equal(code_of(nested("1 + ", "", 3000)), EXPR_E_LIMIT);
    assert_int_equal(code_of(nested("-", "", 16000)), EXPR_E_LIMIT);
    assert_int_equal(code_of(nested("!", "", 16000)), EXPR_E_LIMIT);
    assert_int_equal(code_of(nested("", ".a", 8000)), EXPR_E_LIMIT);
    assert_int_equal(code_of(nested("", "[0]", 5000)), EXPR_E_LIMIT);
}

static void the_text_is_bounded(void **state)
{
    char *text = malloc(EXPR_MAX_TEXT + 2);

    (void)state;
    memset(text, ' ', EXPR_MAX_TEXT + 1);
    text[0] = '1';
    text[EXPR_MAX_TEXT + 1] = '\0';
    assert_int_equal(code_of(strdup(text)), EXPR_E_LIMIT);
    text[EXPR_MAX_TEXT] = '\0';
    assert_int_equal(code_of(text), EXPR_OK);
}

static void a_near_function_is_proposed(void **state)
{
    struct expr_err err = {0};

    (void)state;
    assert_null(support_eval("v.s.startWith('a')", 0, 0, &err));
    assert_int_equal(err.code, EXPR_E_NAME);
    assert_string_equal(err.msg, "no such function 'startWith'");
    assert_string_equal(err.hint, "startsWith");
    assert_int_equal(err.offset, 4);
    assert_int_equal(err.length, 9);
    assert_null(support_eval("frobnicate(1)", 0, 0, &err));
    assert_string_equal(err.hint, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_have_their_values),
        cmocka_unit_test(operators_bind_as_in_cel),
        cmocka_unit_test(paths_reach_into_values),
        cmocka_unit_test(what_is_not_an_expression_is_refused),
        cmocka_unit_test(what_cel_has_and_we_do_not_is_named),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(chains_are_bounded),
        cmocka_unit_test(the_text_is_bounded),
        cmocka_unit_test(a_near_function_is_proposed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
