/* base64 for URLs: the vectors of RFC 4648 and RFC 7515, and what is no such text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "cli/remote/base64url.h"

#include <string.h>

static void bytes_go_there_and_back(void **state)
{
    static const unsigned char appendix[] = {3, 236, 255, 224, 193};
    const struct {
        const void *bytes;
        size_t len;
        const char *text;
    } cases[] = {
        {"", 0, ""},
        {"f", 1, "Zg"},
        {"fo", 2, "Zm8"},
        {"foo", 3, "Zm9v"},
        {"foobar", 6, "Zm9vYmFy"},
        {appendix, sizeof(appendix), "A-z_4ME"}, /* RFC 7515, appendix C */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf text = {0};
        struct buf back = {0};

        base64url_add(&text, cases[i].bytes, cases[i].len);
        assert_string_equal(buf_text(&text), cases[i].text);
        assert_true(base64url_read(buf_text(&text), text.len, &back));
        assert_int_equal(back.len, cases[i].len);
        assert_memory_equal(buf_text(&back), cases[i].bytes, cases[i].len);
        buf_done(&text);
        buf_done(&back);
    }
}

static void other_text_is_refused(void **state)
{
    static const char *const texts[] = {"Z",    "Zg==", "Zm9+",  "Zm9/",
                                        "Zm 9", "Zh",   "Zm9vY", "Zm9\xc3"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct buf out = {0};

        assert_false(base64url_read(texts[i], strlen(texts[i]), &out));
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_there_and_back),
        cmocka_unit_test(other_text_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
