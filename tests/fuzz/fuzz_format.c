/* fuzz_format.c - the canonical form of any text: what comes out says the same, is read
 * as well or as badly as before, and formatting it again changes nothing. */
#include "author/author.h"
#include "fuzz.h"

static bool is_good(const char *text, size_t len)
{
    struct flow_problems problems = {0};
    struct flow *f = flow_parse(text, len, &problems);
    const bool good = f != NULL;

    flow_unref(f);
    flow_problems_done(&problems);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MEM_AUTO char *text = fuzz_text(data, size);
    struct flow_problems problems = {0};
    struct buf made = {0};
    struct buf again = {0};
    struct ff_err err = {0};
    const int code = author_format(text, size, &made, &problems, &err);

    FUZZ_CHECK(code == FF_OK || code == FF_INVALID);
    FUZZ_CHECK(code == FF_OK || err.msg[0]);
    if (code == FF_OK) {
        FUZZ_CHECK(is_good(text, size) == is_good(buf_text(&made), made.len));
        FUZZ_CHECK(author_format(buf_text(&made), made.len, &again, &problems, &err) ==
                   FF_OK);
        FUZZ_CHECK(made.len == again.len &&
                   memcmp(buf_text(&made), buf_text(&again), made.len) == 0);
    }
    flow_problems_done(&problems);
    buf_done(&made);
    buf_done(&again);
    return 0;
}
