/* base/jsonw.c - the streaming JSON writer. It is on the path of every row: text that
 * needs no escape is found eight bytes at a time and copied in runs. */
#include "base/json.h"

#include "base/text.h"
#include <string.h>

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* A high bit in each byte that is below 0x20, a quote, a backslash or not ASCII.
 * Borrows can set one too many above a true hit, never one where there is none. */
static uint64_t special_bytes(uint64_t word)
{
    const uint64_t quote = word ^ ONES * '"';
    const uint64_t slash = word ^ ONES * '\\';

    return ((word - ONES * 0x20) | (quote - ONES) | (slash - ONES) | word) & HIGHS;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static size_t plain_run(const char *text, size_t len)
{
    size_t at = 0;

    for (; len - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word = 0;

        memcpy(&word, text + at, sizeof(word));
        if (special_bytes(word))
            break;
    }
    while (at < len && is_plain(text[at]))
        at++;
    return at;
}

/* As plain_run, with whole UTF-8 characters too. */
static size_t kept_run(const char *text, size_t len)
{
    size_t at = plain_run(text, len);

    while (at < len && (unsigned char)text[at] >= 0x80) {
        const size_t step = text_utf8_len(text + at, len - at);

        if (step == 0)
            break;
        at += step;
        if (at < len && (unsigned char)text[at] < 0x80)
            at += plain_run(text + at, len - at);
    }
    return at;
}

static void add_escape(struct buf *out, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char shorts[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    if (c >= 0x80) { /* no UTF-8: U+FFFD, so that what is written can be read */
        buf_add(out, "\xef\xbf\xbd", 3);
        return;
    }
    if (c >= 0x20 || shorts[c]) {
        escape[1] = c >= 0x20 ? (char)c : shorts[c];
        buf_add(out, escape, 2);
        return;
    }
    buf_add(out, escape, sizeof(escape));
}

/* With escapes: in runs. */
static void add_escaped(struct jsonw *w, const char *text, size_t len)
{
    if (w->comma)
        buf_add_char(w->out, ',');
    buf_add_char(w->out, '"');
    for (size_t at = 0; at < len; at++) {
        const size_t run = kept_run(text + at, len - at);

        buf_add(w->out, text + at, run);
        at += run;
        if (at < len)
            add_escape(w->out, (unsigned char)text[at]);
    }
    buf_add_char(w->out, '"');
}

/* Nearly all text is its own escape: one look at the buffer for all of it, and for the
 * comma before it. */
static void add_text(struct jsonw *w, const char *text, size_t len)
{
    if (kept_run(text, len) < len) {
        add_escaped(w, text, len);
        return;
    }
    char *const begin = buf_room(w->out, len + 3);
    char *at = begin;

    if (!begin)
        return;
    if (w->comma)
        *at++ = ',';
    *at++ = '"';
    if (len)
        memcpy(at, text, len);
    at += len;
    *at++ = '"';
    buf_added(w->out, (size_t)(at - begin));
}

static void before_value(struct jsonw *w)
{
    if (w->comma)
        buf_add_char(w->out, ',');
    w->comma = true;
}

void jsonw_open(struct jsonw *w, char bracket)
{
    before_value(w);
    buf_add_char(w->out, bracket);
    w->comma = false;
}

void jsonw_close(struct jsonw *w, char bracket)
{
    buf_add_char(w->out, bracket);
    w->comma = true;
}

void jsonw_key(struct jsonw *w, const char *key)
{
    add_text(w, key, strlen(key));
    buf_add_char(w->out, ':');
    w->comma = false;
}

void jsonw_text(struct jsonw *w, const char *text)
{
    if (text)
        jsonw_text_len(w, text, strlen(text));
    else
        jsonw_null(w);
}

void jsonw_text_len(struct jsonw *w, const char *text, size_t len)
{
    add_text(w, text, len);
    w->comma = true;
}

void jsonw_int(struct jsonw *w, int64_t n)
{
    before_value(w);
    buf_add_int(w->out, n);
}

void jsonw_bool(struct jsonw *w, bool v)
{
    jsonw_raw(w, v ? "true" : "false", v ? 4 : 5);
}

void jsonw_null(struct jsonw *w)
{
    jsonw_raw(w, "null", 4);
}

void jsonw_raw(struct jsonw *w, const char *json, size_t len)
{
    before_value(w);
    buf_add(w->out, json, len);
}
