/* fuzz_mask.c - "SECRET NUL TEXT", behind a byte that says in which pieces the text
 * comes: what the supervisor writes into a log, and what the executor makes of values,
 * is what a slow search makes of it; where the pieces end makes no difference. */
#include "exec/exec_priv.h"
#include "fuzz.h"
#include "supervisor/mask.h"

#define PIECE      4096
#define SECRET_MAX 512

/* The longest that stands there, from the left. */
static void mask_slowly(const char *const *list, const char *text, size_t len,
                        struct buf *out)
{
    for (size_t at = 0; at < len;) {
        size_t longest = 0;

        for (size_t i = 0; list[i]; i++) {
            const size_t n = strlen(list[i]);

            if (n > longest && n >= MASK_MIN && n <= len - at &&
                memcmp(list[i], text + at, n) == 0)
                longest = n;
        }
        if (longest > 0)
            buf_add_text(out, "***");
        else
            buf_add_char(out, text[at]);
        at += longest ? longest : 1;
    }
}

static void feed(const char *const *list, const char *text, size_t len, size_t step,
                 struct buf *out)
{
    struct mask *mask = NULL;
    const char *written = NULL;

    FUZZ_CHECK(mask_new(list, PIECE, &mask) && mask);
    for (size_t at = 0; at < len;) {
        const size_t n = len - at < step ? len - at : step;
        const size_t done = mask_feed(mask, 1, text + at, n, false, &written);

        buf_add(out, written, done);
        at += n;
    }
    const size_t rest = mask_feed(mask, 1, "", 0, true, &written);

    buf_add(out, written, rest);
    mask_free(mask);
}

static bool is_equal(const struct buf *a, const struct buf *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void check_values(const struct masks *m, const char *text, size_t len,
                         const struct buf *expected)
{
    json_t *value = json_stringn(text, len);
    json_t *masked = value ? masks_json(m, value) : NULL;

    if (masked)
        FUZZ_CHECK(
            json_string_length(masked) == expected->len &&
            memcmp(json_string_value(masked), buf_text(expected), expected->len) == 0);
    json_decref(masked);
    json_decref(value);
}

static void check(struct masks *m, const char *text, size_t len, size_t step)
{
    const char *const *list = masks_list(m);
    struct buf expected = {0}, pieces = {0}, whole = {0}, by_exec = {0};

    mask_slowly(list, text, len, &expected);
    feed(list, text, len, step, &pieces);
    feed(list, text, len, PIECE, &whole);
    masks_text(m, text, len, &by_exec);
    FUZZ_CHECK(is_equal(&expected, &pieces));
    FUZZ_CHECK(is_equal(&expected, &whole));
    FUZZ_CHECK(is_equal(&expected, &by_exec));
    check_values(m, text, len, &expected);
    buf_done(&expected);
    buf_done(&pieces);
    buf_done(&whole);
    buf_done(&by_exec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    const size_t step = (size_t)fuzz_byte(&in) + 1;
    size_t n_secret, len;
    MEM_AUTO char *secret = fuzz_piece(&in, 0, &n_secret);
    MEM_AUTO char *text = fuzz_piece(&in, 0, &len);
    struct masks m = {0};

    if (n_secret < MASK_MIN || n_secret > SECRET_MAX)
        return 0;
    masks_add(&m, secret, n_secret);
    check(&m, text, len, step);
    check(&m, secret, n_secret, step);
    masks_done(&m);
    return 0;
}
