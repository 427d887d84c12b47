#include "cli/frame/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

static const struct {
    const char *text, *clean;
} clean_cases[] = {
    {"plain", "plain"},
    {"\xc3\xa9\xe2\x82\xac", "\xc3\xa9\xe2\x82\xac"},
    {"a\nb\tc", "a b c"},
    {"\x1b[31mred\x07", "?[31mred?"},
    {"\xc2\x9b"
     "31m",
     "?31m"}, /* U+009B begins an escape too */
    {"\xff\xfe", "??"},
    {"x\xe2\x82", "x??"},
};

static void nothing_that_steers_a_terminal_is_left(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(clean_cases); i++) {
        struct buf out = {0};

        cli_add_clean(&out, clean_cases[i].text, strlen(clean_cases[i].text));
        assert_string_equal(buf_text(&out), clean_cases[i].clean);
        buf_done(&out);
    }
}

static void columns_are_aligned_by_characters(void **state)
{
    struct cli_grid g = {.n_columns = 3};
    struct buf out = {0};

    (void)state;
    cli_cell(&g, CLI_PLAIN, "\xc3\xa9");
    cli_cell(&g, CLI_RED, "b");
    cli_cell(&g, CLI_PLAIN, "c");
    cli_cell(&g, CLI_PLAIN, "long");
    cli_cell_f(&g, "%d", 7);
    cli_cell(&g, CLI_PLAIN, "");
    cli_grid_add_to(&g, &out);
    assert_string_equal(buf_text(&out), "\xc3\xa9     b  c\nlong  7\n");
    buf_done(&out);
}

static void colours_do_not_count_as_width(void **state)
{
    struct cli_grid g = {.n_columns = 2, .colour = true};
    struct buf out = {0};

    (void)state;
    cli_cell(&g, CLI_RED, "a");
    cli_cell(&g, CLI_PLAIN, "b");
    cli_cell(&g, CLI_PLAIN, "aa");
    cli_cell(&g, CLI_PLAIN, "b");
    cli_grid_add_to(&g, &out);
    assert_string_equal(buf_text(&out), "\x1b[31ma\x1b[0m   b\naa  b\n");
    buf_done(&out);
}

static const struct {
    const char *reason;
    int64_t exit_code;
    const char *message;
    const char *text;
} why_cases[] = {
    {NULL, MODEL_NULL, NULL, ""},
    {"exit_code", 3, NULL, "exit code 3"},
    {"exit_code", 3, "exit code 3", "exit code 3"},
    {"timeout", MODEL_NULL, "it took longer than 1s",
     "timeout: it took longer than 1s"},
    {"oom", 137, NULL, "oom, exit code 137"},
    {"if_false", MODEL_NULL, NULL, "if_false"},
    {NULL, 0, NULL, ""},
};

static void why_says_each_thing_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(why_cases); i++) {
        struct buf out = {0};

        cli_add_why(&out, why_cases[i].reason, why_cases[i].exit_code,
                    why_cases[i].message);
        assert_string_equal(buf_text(&out), why_cases[i].text);
        buf_done(&out);
    }
}

static void times_and_spans_of_events_are_readable(void **state)
{
    static const struct {
        const char *name, *json, *want;
    } cases[] = {
        {"due_at", "1767225600100000", " due_at=2026-01-01T00:00:00.100000Z"},
        {"delay_us", "100000", " delay=100ms"},
        {"delay_us", "\"soon\"", " delay_us=soon"},
        {"exit_code", "1", " exit_code=1"},
        {"_at", "5", " _at=5"},
        {"inputs", "{\"at\":1}", " inputs={\"at\":1}"},
        {"message", "\"a\\u001b[1mb\"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *value = json_loads(cases[i].json, JSON_DECODE_ANY, NULL);
        struct buf out = {0};

        cli_add_member(&out, cases[i].name, value);
        if (cases[i].want)
            assert_string_equal(buf_text(&out), cases[i].want);
        else
            assert_null(strchr(buf_text(&out), '\x1b'));
        json_decref(value);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_steers_a_terminal_is_left),
        cmocka_unit_test(columns_are_aligned_by_characters),
        cmocka_unit_test(colours_do_not_count_as_width),
        cmocka_unit_test(why_says_each_thing_once),
        cmocka_unit_test(times_and_spans_of_events_are_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
