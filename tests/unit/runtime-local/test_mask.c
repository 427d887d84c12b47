/* What must not stand in a log, cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "supervisor/mask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything of stream 0, handed over in pieces of this size. */
static void feed(struct mask *mask, const char *text, size_t piece, char *shown)
{
    const size_t len = strlen(text);
    const char *out;
    size_t n = 0;

    for (size_t at = 0; at < len; at += piece) {
        const size_t some = len - at < piece ? len - at : piece;
        const size_t got = mask_feed(mask, 0, text + at, some, false, &out);

        memcpy(shown + n, out, got);
        n += got;
    }
    const size_t rest = mask_feed(mask, 0, NULL, 0, true, &out);

    memcpy(shown + n, out, rest);
    shown[n + rest] = '\0';
}

static const struct {
    const char *text, *shown;
} cases[] = {
    {"", ""},
    {"nothing to see", "nothing to see"},
    {"secret", "***"},
    {"a secret, a secre and a secretsecret", "a ***, a secre and a ******"},
    {"secretive", "***"},
    {"secretiv secreti", "***iv ***i"},
    {"ssecrets", "s***s"},
    {"secsecret", "sec***"},
    {"two\nlines and two\nline", "*** and two\nline"},
    {"xabababy", "x***aby"},
    {"secre", "secre"},
};

static void every_cut_gives_the_same(void **state)
{
    static const char *const texts[] = {"secret", "two\nlines", "secretive",
                                        "abab",   "no",         NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t piece = 1; piece <= 64; piece++) {
            struct mask *mask;
            char shown[100];

            assert_true(mask_new(texts, 64, &mask));
            feed(mask, cases[i].text, piece, shown);
            if (strcmp(shown, cases[i].shown) != 0)
                fail_msg("pieces of %zu: '%s', not '%s'", piece, shown, cases[i].shown);
            mask_free(mask);
        }
}

static void streams_do_not_mix(void **state)
{
    static const char *const texts[] = {"secret", NULL};
    struct mask *mask;
    const char *out;

    (void)state;
    assert_true(mask_new(texts, 64, &mask));
    assert_int_equal(mask_feed(mask, 0, "sec", 3, false, &out), 0);
    assert_int_equal(mask_feed(mask, 1, "ret", 3, false, &out), 3);
    assert_memory_equal(out, "ret", 3);
    assert_int_equal(mask_feed(mask, 0, "ret", 3, false, &out), 3);
    assert_memory_equal(out, "***", 3);
    mask_free(mask);
}

static void texts_too_short_or_too_long_are_left_alone(void **state)
{
    char *large = malloc(MASK_MAX + 2);
    const char *texts[] = {"abc", large, NULL};
    struct mask *mask;

    (void)state;
    memset(large, 'x', MASK_MAX + 1);
    large[MASK_MAX + 1] = '\0';
    assert_true(mask_new(texts, 64, &mask));
    assert_null(mask);
    assert_true(mask_new(NULL, 64, &mask));
    assert_null(mask);
    large[MASK_MAX] = '\0';
    assert_true(mask_new(texts, 64, &mask));
    assert_non_null(mask);
    mask_free(mask);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_gives_the_same),
        cmocka_unit_test(streams_do_not_mix),
        cmocka_unit_test(texts_too_short_or_too_long_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
