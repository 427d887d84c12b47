/* base64: there and back, and only what is exactly base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"

#include <string.h>

/* RFC 4648, section 10. */
static const struct {
    const char *bytes, *text;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void the_vectors_of_the_standard_hold_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        struct buf text = {0};
        struct buf bytes = {0};

        base64_add(&text, vectors[i].bytes, strlen(vectors[i].bytes));
        assert_string_equal(buf_text(&text), vectors[i].text);
        assert_true(base64_read(vectors[i].text, strlen(vectors[i].text), &bytes));
        assert_string_equal(buf_text(&bytes), vectors[i].bytes);
        buf_done(&text);
        buf_done(&bytes);
    }
}

static void every_byte_comes_back(void **state)
{
    unsigned char all[256];
    struct buf text = {0};
    struct buf bytes = {0};

    (void)state;
    for (int i = 0; i < 256; i++)
        all[i] = (unsigned char)(255 - i);
    base64_add(&text, all, sizeof(all));
    assert_true(base64_read(text.data, text.len, &bytes));
    assert_int_equal(bytes.len, sizeof(all));
    assert_memory_equal(bytes.data, all, sizeof(all));
    buf_done(&text);
    buf_done(&bytes);
}

static void what_is_not_exactly_base64_is_refused(void **state)
{
    static const char *const wrong[] = {"Z",    "Zg",   "Zg=",    "Zg==Zg==",
                                        "Z===", "====", "Zm9\n",  "Zm9-",
                                        "Zh==", "Zm9=", "Zm9vYg", "=Zg="};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct buf bytes = {0};

        if (base64_read(wrong[i], strlen(wrong[i]), &bytes))
            fail_msg("%s was read", wrong[i]);
        buf_done(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_standard_hold_both_ways),
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(what_is_not_exactly_base64_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
