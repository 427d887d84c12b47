/* cursor.c - see cursor.h. */
#include "rest/cursor.h"

#include <string.h>

#define VERSION '1'
#define TAG     32 /* digits of the HMAC: 128 bits */

/* --- base64url (RFC 4648, section 5), without padding --- */

static void swap(char *text, size_t len, const char *from, const char *to)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == from[0])
            text[i] = to[0];
        else if (text[i] == from[1])
            text[i] = to[1];
    }
}

static void add_url(struct buf *out, const void *bytes, size_t len)
{
    const size_t begin = out->len;

    base64_add(out, bytes, len);
    while (out->len > begin && out->data[out->len - 1] == '=')
        out->data[--out->len] = '\0';
    swap(out->data + begin, out->len - begin, "+/", "-_");
}

static bool read_url(const char *text, struct buf *out)
{
    struct buf padded = {0};

    buf_add_text(&padded, text);
    if (strpbrk(text, "+/="))
        buf_clear(&padded);
    while (padded.len > 0 && padded.len % 4 != 0)
        buf_add_char(&padded, '=');
    if (padded.len > 0)
        swap(padded.data, padded.len, "-_", "+/");

    const bool good = padded.len > 0 && base64_read(buf_text(&padded), padded.len, out);

    buf_done(&padded);
    return good;
}

/* --- tag and stream --- */

static void tag_of(const char *key, const char *context, const void *says, size_t len,
                   char tag[SHA256_TEXT])
{
    struct buf text = {0};

    buf_printf(&text, "tag %c %zu %s\n", VERSION, strlen(context), context);
    buf_add(&text, says, len);
    sha256_hmac(key, strlen(key), buf_text(&text), text.len, tag);
    tag[TAG] = '\0';
    buf_done(&text);
}

/* Each block of the stream is 64 hexadecimal digits, two of which are one byte. */
static unsigned digit(char c)
{
    return (unsigned)(c >= 'a' ? c - 'a' + 10 : c - '0');
}

static void crypt(const char *key, const char *tag, char *bytes, size_t len)
{
    char text[TAG + 32];
    char block[SHA256_TEXT];

    for (size_t i = 0; i < len; i++) {
        const size_t at = i % 32;

        if (at == 0) {
            snprintf(text, sizeof(text), "stream %s %zu", tag, i / 32);
            sha256_hmac(key, strlen(key), text, strlen(text), block);
        }
        const unsigned word = digit(block[2 * at]) * 16 + digit(block[2 * at + 1]);
        bytes[i] = (char)((unsigned char)bytes[i] ^ word);
    }
}

/* --- cursors --- */

void cursor_add(struct buf *out, const char *key, const char *context, const void *says,
                size_t len)
{
    char tag[SHA256_TEXT];
    struct buf raw = {0};

    tag_of(key, context, says, len, tag);
    buf_add_char(&raw, VERSION);
    buf_add(&raw, tag, TAG);
    buf_add(&raw, says, len);
    crypt(key, tag, raw.data + 1 + TAG, len);
    add_url(out, raw.data, raw.len);
    buf_done(&raw);
}

static bool same(const char *a, const char *b)
{
    unsigned differ = 0;

    for (size_t i = 0; i < TAG; i++)
        differ |= (unsigned char)a[i] ^ (unsigned char)b[i];
    return differ == 0;
}

static bool is_tag(const char *text)
{
    return strspn(text, "0123456789abcdef") >= TAG;
}

bool cursor_read(const char *cursor, const char *key, const char *context,
                 struct buf *says)
{
    struct buf raw = {0};
    char given[TAG + 1] = "";
    char tag[SHA256_TEXT];
    bool good = strlen(cursor) <= (size_t)2 * CURSOR_MAX && read_url(cursor, &raw) &&
                raw.len >= 1 + TAG && raw.data[0] == VERSION && is_tag(raw.data + 1);

    if (good) {
        memcpy(given, raw.data + 1, TAG);
        buf_drop(&raw, 1 + TAG);
        crypt(key, given, raw.data, raw.len);
        tag_of(key, context, buf_text(&raw), raw.len, tag);
        good = same(given, tag);
    }
    if (good)
        buf_add(says, buf_text(&raw), raw.len);
    buf_done(&raw);
    return good;
}
