/* test_key.c - attempt keys as text: what is written is read, and nothing else. */
#include "support.h"

#include <string.h>

static void a_key_is_read_back_as_it_was_written(void **state)
{
    (void)state;
    const struct attempt_key key = {.tenant = {1},
                                    .run = INT64_C(999999999999999999),
                                    .node = NODE_OF(3, 7),
                                    .attempt = 0};
    struct attempt_key back = {0};
    char text[ATTEMPT_KEY_TEXT];

    attempt_key_text(&key, text);
    assert_string_equal(text, "1 999999999999999999 12884901896 0");
    assert_true(attempt_key_parse(text, strlen(text), &back));
    assert_int_equal(back.tenant.no, 1);
    assert_int_equal(back.run, key.run);
    assert_int_equal(back.node, key.node);
    assert_int_equal(back.attempt, 0);
}

static void integers_are_written_from_the_least_to_the_greatest(void **state)
{
    (void)state;
    static const struct {
        int64_t n;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-5, "-5"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[ENGINE_INT_TEXT + 1];
        *engine_put_int(text, cases[i].n) = 0;
        assert_string_equal(text, cases[i].text);
    }
}

static void what_is_not_four_whole_numbers_is_no_key(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",         "1",        "1 2",      "1 2 3",     "1 2 3 ",
        "1 2 3 x",  "1 2 3 4 ", "1 2 3 4x", "1,2 3 4",   "-1 2 3 4",
        "1  2 3 4", " 1 2 3 4", "1 2 3 :",  "1 2 3 4 5", "1234567890123456789 2 3 4",
        "1 2\t3 4",
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct attempt_key key;
        if (attempt_key_parse(bad[i], strlen(bad[i]), &key))
            fail_msg("'%s' was taken for a key", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_read_back_as_it_was_written),
        cmocka_unit_test(integers_are_written_from_the_least_to_the_greatest),
        cmocka_unit_test(what_is_not_four_whole_numbers_is_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
