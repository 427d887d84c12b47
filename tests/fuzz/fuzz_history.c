/* fuzz_history.c - bodies of event rows, one a line, as the canonical history: what it
 * writes is JSON a line, and the canonical history of itself. */
#include "cli/view/canonical.h"
#include "fuzz.h"

static bool add_lines(struct canonical *c, const char *text, bool each_is_an_event)
{
    bool good = true;

    while (*text) {
        const char *end = strchrnul(text, '\n');
        struct ff_err err = {0};
        struct buf b = {0};

        buf_add_text(&b, each_is_an_event ? "[" : "");
        buf_add(&b, text, (size_t)(end - text));
        buf_add_text(&b, each_is_an_event ? "]" : "");
        if (canonical_add(c, buf_text(&b), b.len, NULL, &err) != FF_OK) {
            FUZZ_CHECK(err.code == FF_INVALID && err.msg[0]);
            good = false;
        }
        buf_done(&b);
        text = *end ? end + 1 : end;
    }
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MEM_AUTO char *text = fuzz_text(data, size);
    struct canonical c = {0};
    struct buf once = {0}, twice = {0};

    add_lines(&c, text, false);
    canonical_write(&c, &once);
    FUZZ_CHECK(add_lines(&c, buf_text(&once), true));
    canonical_write(&c, &twice);
    FUZZ_CHECK(strcmp(buf_text(&once), buf_text(&twice)) == 0);
    buf_done(&once);
    buf_done(&twice);
    return 0;
}
