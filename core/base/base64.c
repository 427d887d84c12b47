/* base64.c - see base64.h. */
#include "base/base64.h"

#include <string.h>

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct buf *out, const void *bytes, size_t len)
{
    const unsigned char *in = bytes;

    for (size_t i = 0; i < len; i += 3) {
        const size_t n = len - i < 3 ? len - i : 3;
        const uint32_t group = (uint32_t)in[i] << 16 |
                               (n > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                               (n > 2 ? (uint32_t)in[i + 2] : 0);

        buf_add_char(out, digits[group >> 18]);
        buf_add_char(out, digits[group >> 12 & 63]);
        buf_add_char(out, n > 1 ? digits[group >> 6 & 63] : '=');
        buf_add_char(out, n > 2 ? digits[group & 63] : '=');
    }
}

/* The digits of four characters, and how many bytes they stand for; 0: none. */
static size_t read_group(const char *four, bool last, uint32_t *group)
{
    size_t n = 4;

    while (last && n > 2 && four[n - 1] == '=')
        n--;
    *group = 0;
    for (size_t i = 0; i < 4; i++) {
        /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): NUL is no digit */
        const char *at = i < n ? memchr(digits, four[i], 64) : digits;

        if (!at)
            return 0;
        *group = *group << 6 | (uint32_t)(at - digits);
    }
    return n - 1;
}

bool base64_read(const char *text, size_t len, struct buf *out)
{
    if (len % 4 != 0)
        return false;
    for (size_t i = 0; i < len; i += 4) {
        uint32_t group;
        const size_t n = read_group(text + i, i + 4 == len, &group);
        const char bytes[] = {(char)(group >> 16), (char)(group >> 8), (char)group};

        if (n == 0 || (n < 3 && (group & (n == 1 ? 0xffffU : 0xffU)) != 0))
            return false;
        buf_add(out, bytes, n);
    }
    return true;
}
