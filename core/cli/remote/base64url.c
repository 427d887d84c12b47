/* base64url.c - see base64url.h. */
#include "cli/remote/base64url.h"

#include <string.h>

void base64url_add(struct buf *out, const void *bytes, size_t len)
{
    struct buf plain = {0};
    const char *text;

    base64_add(&plain, bytes, len);
    text = buf_text(&plain);
    for (size_t i = 0; i < plain.len && text[i] != '='; i++)
        buf_add_char(out, text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
    if (plain.data) /* it may be of a secret */
        explicit_bzero(plain.data, plain.len);
    buf_done(&plain);
}

bool base64url_read(const char *text, size_t len, struct buf *out)
{
    struct buf plain = {0};
    bool good = len % 4 != 1;

    for (size_t i = 0; good && i < len; i++) {
        good = !strchr("+/=", text[i]) && text[i];
        buf_add_char(&plain, text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
    }
    while (good && plain.len % 4 != 0)
        buf_add_char(&plain, '=');
    good = good && base64_read(buf_text(&plain), plain.len, out);
    buf_done(&plain);
    return good;
}
