#include "cli/cli_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

static const char *const words[] = {"red", "green", NULL};
static const struct cli_option own[] = {
    {"input", "NAME=VALUE", "", NULL, 'i'},
    {"colour", "COLOUR", "", words, 'c'},
    {"follow", NULL, "", NULL, 'f'},
    {"count", "N", "", NULL, 'n'},
    {0},
};

static int read_args(struct cli_args *a, struct ff_err *err, char **argv, bool one_word)
{
    size_t used;

    *a = (struct cli_args){0};
    return cli_args_read(a, own, argv, one_word, &used, err);
}

#define ARGS(...)                                                                      \
    (char *[])                                                                         \
    {                                                                                  \
        __VA_ARGS__, NULL                                                              \
    }

static void options_and_words_come_in_any_order(void **state)
{
    struct cli_args a;
    struct ff_err err = {0};
    size_t i = 0;

    (void)state;
    assert_int_equal(FF_OK, read_args(&a, &err,
                                      ARGS("one", "-i", "a=1", "--input=b=2", "-ic=3",
                                           "-fn4", "two", "--", "-x"),
                                      false));
    assert_int_equal(a.words.n, 3);
    assert_string_equal(a.words.items[2], "-x");
    assert_string_equal(cli_next(&a, "input", &i), "a=1");
    assert_string_equal(cli_next(&a, "input", &i), "b=2");
    assert_string_equal(cli_next(&a, "input", &i), "c=3");
    assert_null(cli_next(&a, "input", &i));
    assert_true(cli_has(&a, "follow"));
    assert_string_equal(cli_get(&a, "count"), "4");
    assert_null(cli_get(&a, "colour"));
    cli_args_done(&a);
}

static void a_single_dash_is_a_word(void **state)
{
    struct cli_args a;
    struct ff_err err = {0};

    (void)state;
    assert_int_equal(FF_OK, read_args(&a, &err, ARGS("-"), false));
    assert_string_equal(a.words.items[0], "-");
    cli_args_done(&a);
}

static void reading_can_stop_before_the_first_word(void **state)
{
    struct cli_args a = {0};
    struct ff_err err = {0};
    size_t used;

    (void)state;
    assert_int_equal(FF_OK,
                     cli_args_read(&a, NULL, ARGS("-q", "--data-dir", "x", "run"), true,
                                   &used, &err));
    assert_int_equal(used, 3);
    assert_int_equal(a.words.n, 0);
    cli_args_done(&a);
}

static const struct {
    char *argv[3];
    const char *part; /* of the sentence */
} wrong[] = {
    {{"--folow"}, "did you mean --follow?"},
    {{"--follow=yes"}, "takes no value"},
    {{"--count"}, "--count N"},
    {{"-n"}, "--count N"},
    {{"-fx"}, "-x"},
    {{"-c", "blue"}, "red, green"},
    {{"--colour=Red"}, "red, green"},
    {{"--verylongandunknown"}, "no option"},
};

static void mistakes_are_told_in_one_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct cli_args a;
        struct ff_err err = {0};
        char *argv[4] = {wrong[i].argv[0], wrong[i].argv[1], NULL, NULL};

        assert_int_equal(FF_INVALID, read_args(&a, &err, argv, false));
        if (!strstr(err.msg, wrong[i].part))
            fail_msg("%s: %s", wrong[i].argv[0], err.msg);
        cli_args_done(&a);
    }
}

static void numbers_have_bounds(void **state)
{
    static const char *const bad[] = {"",   "x",  "3x",
                                      "-1", "11", "99999999999999999999"};
    struct cli_args a;
    struct ff_err err = {0};
    int64_t n;

    (void)state;
    assert_int_equal(FF_OK, read_args(&a, &err, ARGS("-n", "10"), false));
    assert_int_equal(FF_OK, cli_number(&a, "count", 5, 10, &n, &err));
    assert_int_equal(n, 10);
    cli_args_done(&a);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char *argv[] = {"-n", (char *)(uintptr_t)bad[i], NULL};

        assert_int_equal(FF_OK, read_args(&a, &err, argv, false));
        assert_int_equal(FF_INVALID, cli_number(&a, "count", 5, 10, &n, &err));
        cli_args_done(&a);
    }
}

/* -o KEY=VALUE gives an option of the driver that is checked, and hides -o json: there
 * --json is at hand. lint has all that -o gives elsewhere, and sarif. */
static bool hides_on_purpose(const struct cli_command *k, const struct cli_option *o)
{
    return (strcmp(k->name, "driver check") == 0 && strcmp(o->name, "option") == 0) ||
           (strcmp(k->name, "lint") == 0 && strcmp(o->name, "output") == 0);
}

/* Two options of one command that are spelled alike would hide each other. */
static void no_command_has_an_option_twice(void **state)
{
    (void)state;
    for (const struct cli_command *k = cli_commands; k->name; k++)
        for (const struct cli_option *o = k->options; o && o->name; o++) {
            for (const struct cli_option *g = cli_global_options; g->name; g++) {
                if (hides_on_purpose(k, o))
                    continue;
                assert_string_not_equal(o->name, g->name);
                assert_false(o->letter && o->letter == g->letter);
            }
            for (const struct cli_option *p = k->options; p < o; p++) {
                assert_string_not_equal(o->name, p->name);
                assert_false(o->letter && o->letter == p->letter);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_words_come_in_any_order),
        cmocka_unit_test(a_single_dash_is_a_word),
        cmocka_unit_test(reading_can_stop_before_the_first_word),
        cmocka_unit_test(mistakes_are_told_in_one_sentence),
        cmocka_unit_test(numbers_have_bounds),
        cmocka_unit_test(no_command_has_an_option_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
