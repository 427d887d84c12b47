#include "support.h"

#include <string.h>

static const struct {
    const char *text;
    size_t len;
    size_t error_at;
} utf8_cases[] = {
    {"", 0, 0},
    {"plain", 5, 5},
    {"\xc3\xa9", 2, 2},             /* U+00E9 */
    {"\xe2\x82\xac", 3, 3},         /* U+20AC */
    {"\xf0\x9f\x98\x80", 4, 4},     /* U+1F600 */
    {"\xf4\x8f\xbf\xbf", 4, 4},     /* U+10FFFF, the last */
    {"\xed\x9f\xbf", 3, 3},         /* U+D7FF, before the surrogates */
    {"\xee\x80\x80", 3, 3},         /* U+E000, behind them */
    {"a\0b", 3, 1},                 /* NUL */
    {"ab\x80", 3, 2},               /* continuation without a start */
    {"ab\xc0\x80", 4, 2},           /* overlong NUL */
    {"ab\xc1\xbf", 4, 2},           /* overlong */
    {"\xe0\x9f\xbf", 3, 0},         /* overlong */
    {"\xf0\x8f\xbf\xbf", 4, 0},     /* overlong */
    {"\xed\xa0\x80", 3, 0},         /* surrogate */
    {"\xf4\x90\x80\x80", 4, 0},     /* above U+10FFFF */
    {"\xf5\x80\x80\x80", 4, 0},     /* no such start */
    {"\xff", 1, 0},                 /* no such byte */
    {"x\xe2\x82", 3, 1},            /* cut */
    {"x\xf0\x9f\x98", 4, 1},        /* cut */
    {"\xe2\x28\xa1", 3, 0},         /* broken off by another character */
    {"\xe2\x82\xac\xe2\x82", 5, 3}, /* the second one cut */
};

static void utf8_errors_are_found_where_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(utf8_cases); i++) {
        /* On the heap and without NUL, so that reading too far is seen. */
        char *text = mem_grow(NULL, utf8_cases[i].len, 1);

        memcpy(text, utf8_cases[i].text, utf8_cases[i].len);
        assert_int_equal(text_utf8_error(text, utf8_cases[i].len),
                         utf8_cases[i].error_at);
        mem_free(text);
    }
}

/* Encodes what RFC 3629 allows; 0 for surrogates. */
static size_t encode(uint32_t c, char out[4])
{
    if (c >= 0xd800 && c < 0xe000)
        return 0;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    const size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char starts[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (char)(starts[len] | c);
    return len;
}

static void every_code_point_is_valid_and_has_its_length(void **state)
{
    (void)state;
    for (uint32_t c = 1; c <= 0x10ffff; c++) {
        char text[4];
        const size_t len = encode(c, text);

        if (len == 0)
            continue;
        assert_int_equal(text_utf8_len(text, len), len);
        assert_int_equal(text_utf8_len(text, len - 1), 0);
    }
}

static void names_are_those_of_the_workflow_format(void **state)
{
    char longest[65];

    (void)state;
    assert_true(text_is_name("build", false));
    assert_true(text_is_name("_b2_x", false));
    assert_true(text_is_name("a", false));
    assert_true(text_is_name("a-b", true));
    assert_true(text_is_name("a-", true));
    assert_false(text_is_name("a-b", false));
    assert_false(text_is_name("-a", true));
    assert_false(text_is_name("2a", false));
    assert_false(text_is_name("A", false));
    assert_false(text_is_name("a b", false));
    assert_false(text_is_name("\xc3\xa9", false));
    assert_false(text_is_name("", false));
    assert_false(text_is_name(NULL, false));
    memset(longest, 'x', sizeof(longest));
    longest[64] = '\0';
    assert_false(text_is_name(longest, false));
    longest[63] = '\0';
    assert_true(text_is_name(longest, false));
}

static void the_nearest_word_is_the_one_that_was_meant(void **state)
{
    static const char *const words[] = {"run", "needs", "timeout", "retry", "if", NULL};

    (void)state;
    assert_string_equal(text_nearest("neeeds", words), "needs");
    assert_string_equal(text_nearest("nedes", words),
                        "needs"); /* a swap is one error */
    assert_string_equal(text_nearest("timout", words), "timeout");
    assert_string_equal(text_nearest("rettrys", words), "retry");
    assert_string_equal(text_nearest("ruN", words), "run");
    assert_string_equal(text_nearest("run", words), "run");
    assert_null(text_nearest("environment", words));
    assert_null(text_nearest("x", words));
    assert_null(text_nearest("", words));
    assert_null(text_nearest("run", &words[5]));
}

static void a_very_long_word_has_no_nearest(void **state)
{
    char word[2000];
    const char *const words[] = {word, "run", NULL};

    (void)state;
    memset(word, 'r', sizeof(word));
    word[sizeof(word) - 1] = '\0';
    assert_null(text_nearest(word, words));
    assert_string_equal(text_nearest("runs", words), "run");
}

static void a_prefix_starts_a_text(void **state)
{
    (void)state;
    assert_true(text_starts("flowforge", "flow"));
    assert_true(text_starts("flow", ""));
    assert_true(text_starts("flow", "flow"));
    assert_false(text_starts("flo", "flow"));
    assert_false(text_starts("Flow", "flow"));
}

static void bytes_are_a_word_when_nothing_of_either_is_left(void **state)
{
    const char bare[] = {'r', 'u', 'n'};

    (void)state;
    assert_true(text_is(bare, sizeof(bare), "run"));
    assert_true(text_is("runs", 3, "run"));
    assert_true(text_is("", 0, ""));
    assert_false(text_is("runs", 4, "run"));
    assert_false(text_is(bare, 2, "run"));
    assert_false(text_is(bare, sizeof(bare), "Run"));
    assert_false(text_is(bare, 0, "run"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_errors_are_found_where_they_are),
        cmocka_unit_test(every_code_point_is_valid_and_has_its_length),
        cmocka_unit_test(names_are_those_of_the_workflow_format),
        cmocka_unit_test(the_nearest_word_is_the_one_that_was_meant),
        cmocka_unit_test(a_very_long_word_has_no_nearest),
        cmocka_unit_test(a_prefix_starts_a_text),
        cmocka_unit_test(bytes_are_a_word_when_nothing_of_either_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
