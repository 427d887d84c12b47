#include "support.h"

#include <inttypes.h>
#include <string.h>

static void text_is_never_null(void **state)
{
    struct buf b = {0};

    (void)state;
    assert_string_equal(buf_text(&b), "");
    MEM_AUTO char *taken = buf_take(&b);
    assert_string_equal(taken, "");
    buf_add(&b, NULL, 0);
    buf_drop(&b, 10);
    buf_clear(&b);
    assert_string_equal(buf_text(&b), "");
    buf_done(&b);
}

static void all_kinds_of_additions_follow_each_other(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add(&b, "ab", 2);
    buf_add_text(&b, "cd");
    buf_add_char(&b, 'e');
    buf_add_int(&b, -42);
    buf_printf(&b, " %s=%d", "x", 7);
    assert_string_equal(buf_text(&b), "abcde-42 x=7");
    assert_int_equal(b.len, strlen(b.data));
    buf_drop(&b, 4);
    assert_string_equal(buf_text(&b), "e-42 x=7");
    buf_drop(&b, 1000);
    assert_string_equal(buf_text(&b), "");
    buf_done(&b);
    assert_null(b.data);
}

static void int_is_written_as_printf_writes_it(void **state)
{
    const int64_t numbers[] = {0, 1, -1, 9, 10, 99, 100, INT64_MAX, INT64_MIN};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct buf b = {0};
        char expected[32];

        snprintf(expected, sizeof(expected), "%" PRId64, numbers[i]);
        buf_add_int(&b, numbers[i]);
        assert_string_equal(buf_text(&b), expected);
        buf_done(&b);
    }
}

static void printf_of_any_length_is_whole(void **state)
{
    char text[5000];

    (void)state;
    for (size_t len = 0; len < sizeof(text); len += 61) {
        struct buf b = {0};

        memset(text, 'x', len);
        text[len] = '\0';
        buf_printf(&b, "%s", text);
        buf_printf(&b, "%s", text);
        assert_int_equal(b.len, 2 * len);
        assert_int_equal(strlen(buf_text(&b)), 2 * len);
        buf_done(&b);
    }
}

static void what_does_not_fit_is_left_out_whole(void **state)
{
    struct buf b = {.max = 10};

    (void)state;
    buf_add_text(&b, "12345678");
    assert_false(b.overflow);
    buf_printf(&b, "%s", "abc");
    assert_true(b.overflow);
    assert_string_equal(buf_text(&b), "12345678");
    buf_add_text(&b, "abc");
    assert_string_equal(buf_text(&b), "12345678");
    buf_add_text(&b, "90");
    buf_add_char(&b, '!');
    assert_string_equal(buf_text(&b), "1234567890");
    buf_clear(&b);
    assert_false(b.overflow);
    buf_done(&b);
    assert_int_equal(b.max, 10);
}

static void room_is_written_in_place(void **state)
{
    struct buf b = {.max = 8};
    char *room = buf_room(&b, 8);

    (void)state;
    memcpy(room, "12345", 5);
    buf_added(&b, 5);
    assert_string_equal(buf_text(&b), "12345");
    assert_null(buf_room(&b, 4));
    assert_true(b.overflow);
    assert_non_null(buf_room(&b, 3));
    assert_string_equal(buf_text(&b), "12345");
    buf_done(&b);
}

static void taking_leaves_an_empty_buffer_with_its_ceiling(void **state)
{
    struct buf b = {.max = 10};

    (void)state;
    buf_add_text(&b, "first");
    MEM_AUTO char *taken = buf_take(&b);
    assert_string_equal(taken, "first");
    assert_int_equal(b.len, 0);
    buf_add_text(&b, "more than ten");
    assert_true(b.overflow);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_never_null),
        cmocka_unit_test(all_kinds_of_additions_follow_each_other),
        cmocka_unit_test(int_is_written_as_printf_writes_it),
        cmocka_unit_test(printf_of_any_length_is_whole),
        cmocka_unit_test(what_does_not_fit_is_left_out_whole),
        cmocka_unit_test(room_is_written_in_place),
        cmocka_unit_test(taking_leaves_an_empty_buffer_with_its_ceiling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
