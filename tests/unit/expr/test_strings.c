#include "support.h"

static void positions_count_characters(void **state)
{
    static const struct support_case cases[] = {
        {"size('h\u00e9\U0001F600')", "3"},
        {"'h\u00e9llo'.charAt(1)", "\"\u00e9\""},
        {"'abc'.charAt(3)", "\"\""},
        {"'h\u00e9llo'.indexOf('l')", "2"},
        {"'h\u00e9llo'.indexOf('l', 3)", "3"},
        {"'hello'.indexOf('z')", "-1"},
        {"'abc'.indexOf('', 3)", "3"},
        {"'h\u00e9llo'.lastIndexOf('l')", "3"},
        {"'hello'.lastIndexOf('l', 2)", "2"},
        {"'hello'.lastIndexOf('')", "5"},
        {"'ab'.lastIndexOf('abc')", "-1"},
        {"'h\u00e9llo'.substring(1)", "\"\u00e9llo\""},
        {"'h\u00e9llo'.substring(1, 3)", "\"\u00e9l\""},
        {"'abc'.substring(3, 3)", "\"\""},
        {"'h\u00e9'.reverse()", "\"\u00e9h\""},
    };
    static const struct support_failure failures[] = {
        {"'abc'.charAt(4)", EXPR_E_ABSENT, "position 4 is out of range"},
        {"'abc'.charAt(-1)", EXPR_E_ABSENT, "position -1"},
        {"'abc'.indexOf('a', 4)", EXPR_E_ABSENT, "position 4"},
        {"'abc'.lastIndexOf('a', -1)", EXPR_E_ABSENT, "position -1"},
        {"'abc'.substring(2, 1)", EXPR_E_ABSENT, "position 1"},
        {"'abc'.substring(0, 4)", EXPR_E_ABSENT, "position 4"},
        {"'abc'.substring('1')", EXPR_E_TYPE, "does not take (string, string)"},
    };

    (void)state;
    CHECK(cases);
    CHECK_FAILURES(failures);
}

static void strings_are_searched_and_changed(void **state)
{
    static const struct support_case cases[] = {
        {"'abc'.contains('bc') && !'abc'.contains('cb') && 'a'.contains('')", "true"},
        {"'abc'.startsWith('ab') && 'abc'.endsWith('bc')", "true"},
        {"'a'.startsWith('ab') || 'a'.endsWith('ba')", "false"},
        {"'A\u00c9z'.lowerAscii()", "\"a\u00c9z\""},
        {"'a\u00e9Z'.upperAscii()", "\"A\u00e9Z\""},
        {"' \\t\u00a0\u2028 a b \u3000'.trim()", "\"a b\""},
        {"'  '.trim()", "\"\""},
        {"'hello'.replace('l', 'LL')", "\"heLLLLo\""},
        {"'hello'.replace('l', '', 1)", "\"helo\""},
        {"'hello'.replace('l', 'x', 0)", "\"hello\""},
        {"'a\u00e9'.replace('', '-')", "\"-a-\u00e9-\""},
        {"'aaa'.replace('aa', 'b')", "\"ba\""},
    };

    (void)state;
    CHECK(cases);
}

static void strings_are_split_and_joined(void **state)
{
    static const struct support_case cases[] = {
        {"'a,b,,c'.split(',')", "[\"a\", \"b\", \"\", \"c\"]"},
        {"'a,b,c'.split(',', 2)", "[\"a\", \"b,c\"]"},
        {"'a,b'.split(',', 0)", "[]"},
        {"'a,b'.split(',', 1)", "[\"a,b\"]"},
        {"'a,b'.split(',', -1)", "[\"a\", \"b\"]"},
        {"'a\u00e9c'.split('')", "[\"a\", \"\u00e9\", \"c\"]"},
        {"'abc'.split('', 2)", "[\"a\", \"bc\"]"},
        {"''.split(',')", "[\"\"]"},
        {"['a', 'b'].join()", "\"ab\""},
        {"['a', 'b'].join(', ')", "\"a, b\""},
        {"[].join(',')", "\"\""},
    };
    static const struct support_failure failures[] = {
        {"['a', 1].join()", EXPR_E_TYPE, "element 1 is int"},
        {"'a'.join()", EXPR_E_TYPE, "join() does not take (string)"},
    };

    (void)state;
    CHECK(cases);
    CHECK_FAILURES(failures);
}

static void a_product_of_sizes_is_refused_before_it_is_made(void **state)
{
    static const struct support_failure cases[] = {
        {"range(1000).map(i, 'xxxxxxxxxx').join().replace('x', "
         "range(10000).map(i, 'y').join())",
         EXPR_E_LIMIT, "produces more than"},
        {"range(200000)", EXPR_E_LIMIT, "produces more than"},
        {"range(9223372036854775807)", EXPR_E_LIMIT, "produces more than"},
    };

    (void)state;
    CHECK_FAILURES(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_count_characters),
        cmocka_unit_test(strings_are_searched_and_changed),
        cmocka_unit_test(strings_are_split_and_joined),
        cmocka_unit_test(a_product_of_sizes_is_refused_before_it_is_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
