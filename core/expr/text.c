/*
 * Text for the expression language: errors, near names, positions and UTF-8. Not the
 * writing of values, which is dump.c.
 */
#include "expr/expr_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NEAREST_MAX_LEN 48

int expr_fail(struct expr_err *err, int code, size_t offset, size_t length,
              const char *fmt, ...)
{
    va_list args;

    err->code = code;
    err->offset = offset;
    err->length = length;
    err->hint[0] = '\0';
    va_start(args, fmt);
    vsnprintf(err->msg, sizeof(err->msg), fmt, args);
    va_end(args);
    /* vsnprintf may cut a character in two. */
    const size_t len = strlen(err->msg);
    err->msg[expr_utf8_check(err->msg, len)] = '\0';
    return -1;
}

struct expr_snippet expr_snippet(const char *text, size_t len)
{
    struct expr_snippet s = {{0}};
    const size_t room = sizeof(s.text) - 4;
    size_t n = len < room ? len : room;

    memcpy(s.text, text, n);
    if (n < len) {
        n = expr_utf8_check(s.text, n);
        memcpy(s.text + n, "...", 4);
    }
    for (char *at = s.text; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20)
            *at = ' ';
    return s;
}

struct expr_pos expr_position(const char *text, size_t len, size_t offset)
{
    struct expr_pos pos = {.line = 1, .column = 1};

    for (size_t i = 0; i < offset && i < len; i++) {
        if (text[i] == '\n') {
            pos.line++;
            pos.column = 1;
        } else {
            pos.column++;
        }
    }
    return pos;
}

/* Edit distance with swaps of neighbours; a and b are at most NEAREST_MAX_LEN long. */
static size_t distance(const char *a, size_t len_a, const char *b, size_t len_b)
{
    size_t rows[3][NEAREST_MAX_LEN + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= len_b; j++)
        last[j] = j;
    for (size_t i = 1; i <= len_a; i++) {
        row[0] = i;
        for (size_t j = 1; j <= len_b; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        size_t *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[len_b];
}

void expr_nearest_init(struct expr_nearest *nearest, const char *wanted, size_t len,
                       char *name, size_t size)
{
    /* A third of the name may be wrong; more than that is another name. */
    *nearest = (struct expr_nearest){
        .wanted = wanted, .len = len, .best = len / 3 + 2, .name = name, .size = size};
    name[0] = '\0';
}

void expr_nearest_offer(struct expr_nearest *nearest, const char *name)
{
    const size_t len = strlen(name);

    if (len > NEAREST_MAX_LEN || nearest->len > NEAREST_MAX_LEN)
        return;
    const size_t d = distance(nearest->wanted, nearest->len, name, len);
    if (d >= nearest->best || d >= len)
        return;
    nearest->best = d;
    snprintf(nearest->name, nearest->size, "%s", name);
}

/* Bytes that a character beginning with this byte has; 0 when none does. */
static size_t utf8_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if ((first & 0xf0) == 0xe0)
        return 3;
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* As expr_utf8_next, but 0 for what is not UTF-8. */
static size_t utf8_read(const char *s, size_t len, uint32_t *point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)s;
    const size_t n = utf8_length(bytes[0]);

    if (n == 0 || n > len)
        return 0;
    uint32_t c = n == 1 ? bytes[0] : bytes[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (bytes[i] & 0x3fu);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *point = c;
    return n;
}

size_t expr_utf8_next(const char *s, size_t len, uint32_t *point)
{
    const size_t n = utf8_read(s, len, point);

    if (n > 0)
        return n;
    *point = 0xfffd;
    return 1;
}

size_t expr_utf8_put(char *out, uint32_t point)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    const size_t n = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    out[0] = (char)((0xf00u >> n & 0xf0) | point);
    return n;
}

size_t expr_utf8_check(const char *s, size_t len)
{
    uint32_t point;

    for (size_t at = 0; at < len;) {
        const size_t n = utf8_read(s + at, len - at, &point);
        if (n == 0)
            return at;
        at += n;
    }
    return len;
}

size_t expr_text_check(const char *s, size_t len)
{
    const char *nul = memchr(s, '\0', len);

    return expr_utf8_check(s, nul != NULL ? (size_t)(nul - s) : len);
}

size_t expr_utf8_count(const char *s, size_t len)
{
    size_t count = 0;
    uint32_t point;

    for (size_t at = 0; at < len; count++)
        at += expr_utf8_next(s + at, len - at, &point);
    return count;
}
