#include "expr/regex.h"
#include "support.h"

#include <stdlib.h>

struct match {
    const char *pattern;
    const char *text;
    int wanted;
};

static int search(const char *pattern, const char *text, size_t len)
{
    char why[128] = "";
    uint64_t work = UINT64_MAX / 2;
    struct expr_regex *re =
        expr_regex_compile(pattern, strlen(pattern), why, sizeof(why));
    int found;

    if (re == NULL)
        return -3;
    found = expr_regex_search(re, text, len, &work);
    expr_regex_free(re);
    return found;
}

static void patterns_match_as_in_re2(void **state)
{
    static const struct match cases[] = {
        {"", "", 1},
        {"b", "abc", 1},
        {"^b", "abc", 0},
        {"^abc$", "abc", 1},
        {"a|b|c|", "", 1},
        {"^(a|bc|d)+$", "abcd", 1},
        {"^(a|bc|d)+$", "abd", 0},
        {"^.$", "\u00e9", 1},
        {"^[^a-z]$", "\u00e9", 1},
        {"^[\u00e0-\u00ff]$", "\u00e9", 1},
        {"a.b", "a\nb", 0},
        {"(?s)a.b", "a\nb", 1},
        {"(?m)^b$", "a\nb\nc", 1},
        {"(?i)aBc", "AbC", 1},
        {"(?i:a)b", "Ab", 1},
        {"(?i:a)b", "AB", 0},
        {"(?i)[a-c]x", "Bx", 1},
        {"^a{2,3}$", "aaa", 1},
        {"^a{2,3}$", "aaaa", 0},
        {"^a{2,}$", "aaaaa", 1},
        {"^(ab){2}?$", "abab", 1},
        {"a{,2}", "a{,2}", 1},
        {"^(a*)*$", "aaa", 1},
        {"^(a?){3}$", "aa", 1},
        {"\\d+\\s\\w\\W\\D\\S", "12 a!xy", 1},
        {"[\\d-]+$", "1-2", 1},
        {"[[:alpha:]_]+[[:^digit:]]", "a_b", 1},
        {"\\bfoo\\b", "a foo b", 1},
        {"\\bfoo\\b", "afoo", 0},
        {"\\Bo\\B", "foox", 1},
        {"\\Aab\\z", "ab", 1},
        {"\\x41\\x{263a}\\.", "A\u263a.", 1},
        {"[]a]+", "]", 1},
        {"[^]a]", "]", 0},
        {"(?P<year>\\d{4})-(?:\\d\\d)", "on 2026-01", 1},
        {"x*", "y", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct match *c = &cases[i];
        if (search(c->pattern, c->text, strlen(c->text)) != c->wanted)
            fail_msg("%s on %s is not %d", c->pattern, c->text, c->wanted);
    }
}

static void what_is_no_pattern_says_why(void **state)
{
    static const struct support_failure cases[] = {
        {"'a'.matches('(')", EXPR_E_VALUE,
         "'(' is not a regular expression: a ( has no )"},
        {"'a'.matches(')')", EXPR_E_VALUE, "a ) has no ("},
        {"'a'.matches('[a')", EXPR_E_VALUE, "a class has no ]"},
        {"'a'.matches('*')", EXPR_E_VALUE, "it repeats nothing"},
        {"'a'.matches('a**')", EXPR_E_VALUE, "it repeats a repetition"},
        {"'a'.matches('[b-a]')", EXPR_E_VALUE, "range backwards"},
        {"'a'.matches('[[:foo:]]')", EXPR_E_VALUE, "class that does not exist"},
        {"'a'.matches(r'(a)\\1')", EXPR_E_VALUE, "escape that is not supported"},
        {"'a'.matches(r'\\pL')", EXPR_E_VALUE, "escape that is not supported"},
        {"'a'.matches('(?=a)')", EXPR_E_VALUE, "not supported"},
        {"'a'.matches('(?<=a)')", EXPR_E_VALUE, "not supported"},
        {"'a'.matches('a{1001}')", EXPR_E_VALUE, "more than 1000 times"},
        {"'a'.matches('((a{100}){100}){100}')", EXPR_E_VALUE, "too large"},
        {"'a'.matches(1)", EXPR_E_TYPE, "matches() does not take (string, int)"},
        {"matches('a', null)", EXPR_E_TYPE, "matches() does not take"},
    };

    (void)state;
    CHECK_FAILURES(cases);
}

static void nested_groups_are_bounded(void **state)
{
    char pattern[4001];

    (void)state;
    memset(pattern, '(', 4000);
    pattern[4000] = '\0';
    assert_int_equal(search(pattern, "a", 1), -3);
    memset(pattern, '|', 4000);
    assert_int_equal(search(pattern, "a", 1), -3);
    pattern[1000] = '\0';
    assert_int_equal(search(pattern, "a", 1), 1);
}

/* The pattern that takes backtracking matchers for ever, on 64 KB. */
static void the_time_is_linear_in_the_text(void **state)
{
    const size_t len = 65536;
    char *text = malloc(len);
    unsigned bits = 1;

    (void)state;
    for (size_t i = 0; i < len; i++) {
        bits = bits * 1103515245u + 12345u;
        text[i] = bits >> 16 & 1 ? 'a' : 'b';
    }
    assert_int_equal(search("(a|b)*a(a|b){20}c", text, len), 0);
    assert_int_equal(search("(a*)*(a*)*c", text, len), 0);
    free(text);
}

static void the_work_is_bounded(void **state)
{
    uint64_t work = 100;
    char why[128];
    struct expr_regex *re = expr_regex_compile("(a?){50}b", 9, why, sizeof(why));

    (void)state;
    assert_non_null(re);
    assert_int_equal(expr_regex_search(re, "aaaaaaaaaaaaaaaa", 16, &work), -1);
    assert_int_equal(work, 0);
    expr_regex_free(re);
    expr_regex_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_as_in_re2),
        cmocka_unit_test(what_is_no_pattern_says_why),
        cmocka_unit_test(nested_groups_are_bounded),
        cmocka_unit_test(the_time_is_linear_in_the_text),
        cmocka_unit_test(the_work_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
