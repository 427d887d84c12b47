/* base/buf.c - a growing run of bytes: doubles, up to its ceiling. */
#include "base/buf.h"

#include "base/mem.h"
#include <string.h>

#define FIRST_CAP   64
#define DEFAULT_MAX ((size_t)256 * 1024 * 1024)

/* Makes room for len more bytes and the NUL; false where the ceiling forbids. */
static bool reserve(struct buf *b, size_t len)
{
    const size_t max = b->max ? b->max : DEFAULT_MAX;

    if (b->len > max || len > max - b->len) {
        b->overflow = true;
        return false;
    }
    const size_t wanted = b->len + len + 1;

    if (wanted <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : FIRST_CAP;

    while (cap < wanted)
        cap *= 2;
    b->data = mem_grow(b->data, cap, 1);
    b->cap = cap;
    return true;
}

char *buf_room(struct buf *b, size_t len)
{
    return reserve(b, len) ? b->data + b->len : NULL;
}

void buf_added(struct buf *b, size_t len)
{
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
    if (len == 0 || !reserve(b, len))
        return;
    memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_add_text(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_add_char(struct buf *b, char c)
{
    if (!reserve(b, 1))
        return;
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
}

void buf_add_int(struct buf *b, int64_t n)
{
    char digits[20]; /* as many as INT64_MIN has characters */
    size_t at = sizeof(digits);
    uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (n < 0)
        digits[--at] = '-';
    buf_add(b, digits + at, sizeof(digits) - at);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    const size_t room = b->cap - b->len; /* both 0, or the NUL's byte at least */
    va_list again;

    va_copy(again, ap);
    const int len = vsnprintf(b->data ? b->data + b->len : NULL, room, fmt, ap);

    if (len >= 0 && (size_t)len < room && reserve(b, (size_t)len)) {
        b->len += (size_t)len;
    } else if (len >= 0 && reserve(b, (size_t)len)) {
        vsnprintf(b->data + b->len, (size_t)len + 1, fmt, again);
        b->len += (size_t)len;
    }
    if (b->data)
        b->data[b->len] = '\0';
    va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

const char *buf_text(const struct buf *b)
{
    return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
    char *text = b->data ? b->data : mem_text("");

    *b = (struct buf){.max = b->max};
    return text;
}

void buf_drop(struct buf *b, size_t n)
{
    if (n == 0 || b->len == 0)
        return;
    if (n > b->len)
        n = b->len;
    b->len -= n;
    memmove(b->data, b->data + n, b->len + 1);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->overflow = false;
    if (b->data)
        b->data[0] = '\0';
}

void buf_done(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){.max = b->max};
}
