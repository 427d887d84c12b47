/* Cursors: only the server that made one can read it, for what it was made for. */
#include "support.h"

#include "rest/cursor.h"
#include <string.h>

#define KEY     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdee"
#define CONTEXT "listRuns 1 1 /api/v1/runs&5:state=failed"

static char *made(const void *says, size_t len)
{
    struct buf out = {0};

    cursor_add(&out, KEY, CONTEXT, says, len);
    return buf_take(&out);
}

static bool reads(const char *cursor, const char *key, const char *context)
{
    struct buf says = {0};
    const bool good = cursor_read(cursor, key, context, &says);

    if (!good)
        assert_int_equal(says.len, 0);
    buf_done(&says);
    return good;
}

static void a_cursor_gives_back_what_it_was_given(void **state)
{
    char bytes[200];
    (void)state;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        MEM_AUTO char *cursor = made(bytes, len);
        struct buf says = {0};

        assert_true(cursor_read(cursor, KEY, CONTEXT, &says));
        assert_int_equal(says.len, len);
        assert_memory_equal(buf_text(&says), bytes, len);
        buf_done(&says);
    }
}

static void a_cursor_needs_no_escape_in_a_query(void **state)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789-_";
    char bytes[64];
    (void)state;

    for (int round = 0; round < 64; round++) {
        memset(bytes, round * 4, sizeof(bytes));
        MEM_AUTO char *cursor = made(bytes, (size_t)round);
        assert_int_equal(strspn(cursor, safe), strlen(cursor));
    }
}

static void a_cursor_does_not_show_what_it_says(void **state)
{
    static const char says[] = "a text that nobody shall read in it";
    MEM_AUTO char *cursor = made(says, strlen(says));
    struct buf raw = {0};
    struct buf padded = {0};
    (void)state;

    buf_add_text(&padded, cursor);
    for (size_t i = 0; i < padded.len; i++)
        padded.data[i] = padded.data[i] == '-'   ? '+'
                         : padded.data[i] == '_' ? '/'
                                                 : padded.data[i];
    while (padded.len % 4)
        buf_add_char(&padded, '=');
    assert_true(base64_read(padded.data, padded.len, &raw));
    assert_null(memmem(raw.data, raw.len, "nobody", 6));
    buf_done(&raw);
    buf_done(&padded);
}

static void a_cursor_of_another_list_tenant_or_filter_is_none(void **state)
{
    MEM_AUTO char *cursor = made("12345678", 8);
    (void)state;

    assert_true(reads(cursor, KEY, CONTEXT));
    assert_false(reads(cursor, KEY, "listRuns 2 1 /api/v1/runs&5:state=failed"));
    assert_false(reads(cursor, KEY, "listTasks 1 1 /api/v1/runs&5:state=failed"));
    assert_false(reads(cursor, KEY, "listRuns 1 1 /api/v1/runs"));
    assert_false(reads(cursor, KEY, ""));
}

static void a_cursor_of_another_server_is_none(void **state)
{
    MEM_AUTO char *cursor = made("12345678", 8);
    (void)state;

    assert_false(reads(cursor, OTHER, CONTEXT));
}

static void a_cursor_of_which_one_character_is_changed_is_none(void **state)
{
    MEM_AUTO char *cursor = made("12345678", 8);
    const size_t len = strlen(cursor);
    (void)state;

    for (size_t i = 0; i < len; i++) {
        const char was = cursor[i];

        cursor[i] = was == 'A' ? 'B' : 'A';
        assert_false(reads(cursor, KEY, CONTEXT));
        cursor[i] = was;
    }
    assert_true(reads(cursor, KEY, CONTEXT));
}

static void a_cursor_that_is_cut_or_longer_is_none(void **state)
{
    MEM_AUTO char *cursor = made("12345678", 8);
    struct buf longer = {0};
    (void)state;

    buf_add_text(&longer, cursor);
    buf_add_text(&longer, "AAAA");
    assert_false(reads(longer.data, KEY, CONTEXT));
    for (size_t len = strlen(cursor); len > 0; len--) {
        cursor[len - 1] = '\0';
        assert_false(reads(cursor, KEY, CONTEXT));
    }
    buf_done(&longer);
}

static void what_is_no_cursor_at_all_is_none(void **state)
{
    static const char *const others[] = {
        "",   "=",    "A",   "====", "A===", "a+b/", "%00", "{}",
        "MQ", "last", "1.2", "-",    "__",   "\xff", "Mg",
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(reads(others[i], KEY, CONTEXT));
    MEM_AUTO char *huge = mem_alloc(4 * CURSOR_MAX + 1);
    memset(huge, 'A', (size_t)4 * CURSOR_MAX);
    assert_false(reads(huge, KEY, CONTEXT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cursor_gives_back_what_it_was_given),
        cmocka_unit_test(a_cursor_needs_no_escape_in_a_query),
        cmocka_unit_test(a_cursor_does_not_show_what_it_says),
        cmocka_unit_test(a_cursor_of_another_list_tenant_or_filter_is_none),
        cmocka_unit_test(a_cursor_of_another_server_is_none),
        cmocka_unit_test(a_cursor_of_which_one_character_is_changed_is_none),
        cmocka_unit_test(a_cursor_that_is_cut_or_longer_is_none),
        cmocka_unit_test(what_is_no_cursor_at_all_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
