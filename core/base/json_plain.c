/* base/json_plain.c - the JSON that nearly all of it is, read fast: jansson looks at a
 * text byte by byte, which takes ten times as long. Whatever is rare or wrong is left
 * to jansson, so what JSON is, and what is said of a mistake, is decided there alone.
 */
#include "base/json_priv.h"

#include "base/text.h"
#include <string.h>

#define INT_DIGITS 18 /* that always fit */

struct reader {
    const char *at, *end;
    struct buf text; /* of the last string, if it had escapes */
};

/* Of the last string: in the input, or in reader.text. */
struct piece {
    const char *s;
    size_t len;
};

static void skip_space(struct reader *r)
{
    while (r->at < r->end &&
           (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
}

static bool take(struct reader *r, char c)
{
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

/* As far as bytes stand for themselves; *ascii: all of them are. */
static void skip_plain(struct reader *r, bool *ascii)
{
    for (; r->at < r->end; r->at++) {
        const unsigned char c = (unsigned char)*r->at;

        if (c == '"' || c == '\\' || c < 0x20)
            return;
        if (c >= 0x80)
            *ascii = false;
    }
}

/* \u is rare. */
static bool read_escape(struct reader *r)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *found = r->at < r->end && *r->at ? strchr(from, *r->at) : NULL;

    if (!found)
        return false;
    buf_add_char(&r->text, to[found - from]);
    r->at++;
    return true;
}

/* Behind the quote that opens it. */
static bool read_text(struct reader *r, struct piece *out)
{
    const char *begin = r->at;
    bool ascii = true;

    skip_plain(r, &ascii);
    *out = (struct piece){.s = begin, .len = (size_t)(r->at - begin)};
    if (r->at < r->end && *r->at == '\\') {
        buf_clear(&r->text);
        buf_add(&r->text, begin, out->len);
        while (take(r, '\\')) {
            if (!read_escape(r))
                return false;
            begin = r->at;
            skip_plain(r, &ascii);
            buf_add(&r->text, begin, (size_t)(r->at - begin));
        }
        *out = (struct piece){.s = buf_text(&r->text), .len = r->text.len};
    }
    return take(r, '"') && (ascii || text_utf8_error(out->s, out->len) == out->len);
}

static json_t *read_string(struct reader *r)
{
    struct piece text;

    return read_text(r, &text) ? json_stringn_nocheck(text.s, text.len) : NULL;
}

static bool is_digit(const struct reader *r)
{
    return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

static json_t *read_int(struct reader *r)
{
    const bool negative = take(r, '-');
    const char *begin = r->at;
    int64_t n = 0;

    for (; is_digit(r) && r->at - begin < INT_DIGITS; r->at++)
        n = n * 10 + (*r->at - '0');
    const bool leading_zero = r->at - begin > 1 && *begin == '0';
    const bool goes_on = r->at < r->end && *r->at && strchr(".eE", *r->at);

    if (r->at == begin || leading_zero || goes_on || is_digit(r))
        return NULL;
    return json_integer(negative ? -n : n);
}

static json_t *read_word(struct reader *r, const char *word, json_t *value)
{
    const size_t len = strlen(word);

    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
        return NULL;
    r->at += len;
    return value;
}

static json_t *read_value(struct reader *r, int depth);

static bool read_item(struct reader *r, json_t *array, int depth)
{
    json_t *item = read_value(r, depth);

    return item && json_array_append_new(array, item) == 0;
}

static bool read_member(struct reader *r, json_t *object, int depth)
{
    struct piece key;

    skip_space(r);
    if (!take(r, '"') || !read_text(r, &key) || key.s == r->text.data)
        return false; /* the value would be read over a name with escapes */
    if (json_object_getn(object, key.s, key.len))
        return false;
    skip_space(r);
    json_t *value = take(r, ':') ? read_value(r, depth) : NULL;

    return value && json_object_setn_new_nocheck(object, key.s, key.len, value) == 0;
}

/* Behind the bracket that opens it. */
static json_t *read_all(struct reader *r, json_t *whole, char end, int depth)
{
    bool (*read_one)(struct reader *, json_t *, int) =
        json_is_object(whole) ? read_member : read_item;

    skip_space(r);
    if (depth > 0 && take(r, end))
        return whole;
    while (depth > 0 && read_one(r, whole, depth - 1)) {
        skip_space(r);
        if (take(r, end))
            return whole;
        if (!take(r, ','))
            break;
    }
    json_decref(whole);
    return NULL;
}

static json_t *read_value(struct reader *r, int depth)
{
    skip_space(r);
    if (take(r, '"'))
        return read_string(r);
    if (take(r, '{'))
        return read_all(r, json_object(), '}', depth);
    if (take(r, '['))
        return read_all(r, json_array(), ']', depth);
    if (r->at == r->end)
        return NULL;
    switch (*r->at) {
    case 't':
        return read_word(r, "true", json_true());
    case 'f':
        return read_word(r, "false", json_false());
    case 'n':
        return read_word(r, "null", json_null());
    default:
        return read_int(r);
    }
}

json_t *json_read_plain(const char *text, size_t len, int depth)
{
    /* What comes in has its bound already: nothing may be left out here. */
    struct reader r = {.at = text, .end = text + len, .text = {.max = SIZE_MAX - 1}};
    json_t *value = read_value(&r, depth);

    skip_space(&r);
    if (value && r.at != r.end) {
        json_decref(value);
        value = NULL;
    }
    buf_done(&r.text);
    return value;
}
