/* What literals mean: numbers, and strings with the escapes of CEL. */
#include "expr/expr_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

json_t *expr_int_literal(const char *text, const struct expr_token *token,
                         bool negative, struct expr_err *err)
{
    const char *at = text + token->offset;
    const char *end = at + token->length;
    const uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t base = 10;
    uint64_t n = 0;

    if (token->length > 2 && (at[1] == 'x' || at[1] == 'X')) {
        base = 16;
        at += 2;
    }
    for (; at < end; at++) {
        const uint64_t digit = (uint64_t)digit_value(*at);
        if (n > (limit - digit) / base) {
            expr_fail(err, EXPR_E_SYNTAX, token->offset, token->length,
                      "%s does not fit into 64 bits",
                      expr_snippet(text + token->offset, token->length).text);
            return NULL;
        }
        n = n * base + digit;
    }
    if (!negative)
        return json_integer((json_int_t)n);
    return json_integer(n == limit ? INT64_MIN : -(json_int_t)n);
}

json_t *expr_double_literal(const char *text, const struct expr_token *token,
                            bool negative, struct expr_err *err)
{
    char *copy = strndup(text + token->offset, token->length);

    if (copy == NULL)
        return NULL;
    const double d = strtod(copy, NULL);
    free(copy);
    if (!isfinite(d)) {
        expr_fail(err, EXPR_E_SYNTAX, token->offset, token->length,
                  "%s is too large a number",
                  expr_snippet(text + token->offset, token->length).text);
        return NULL;
    }
    return json_real(negative ? -d : d);
}

struct escape {
    char letter;
    uint8_t digits; /* how many digits follow */
    uint8_t base;
};

static const struct escape numeric[] = {
    {'x', 2, 16}, {'X', 2, 16}, {'u', 4, 16}, {'U', 8, 16},
    {'0', 3, 8},  {'1', 3, 8},  {'2', 3, 8},  {'3', 3, 8},
};

/* What follows the backslash for one character, and that character. */
static const char simple[] = "a\ab\bf\fn\nr\rt\tv\v\\\\??\"\"''``";

/* Reads an escape with a number; s is after the backslash. Bytes read, or 0. */
static size_t read_numeric(const char *s, size_t len, uint32_t *point)
{
    const struct escape *kind = NULL;
    uint32_t n = 0;

    for (size_t i = 0; i < sizeof(numeric) / sizeof(numeric[0]); i++)
        if (numeric[i].letter == s[0])
            kind = &numeric[i];
    if (kind == NULL)
        return 0;
    const size_t skip = kind->base == 8 ? 0 : 1;
    const size_t end = skip + kind->digits;
    if (end > len)
        return 0;
    for (size_t i = skip; i < end; i++) {
        const uint32_t digit = (uint32_t)digit_value(s[i]);
        if (digit >= kind->base)
            return 0;
        n = n * kind->base + digit;
    }
    *point = n;
    return end;
}

/* Reads the escape after a backslash. Bytes read, or 0. */
static size_t read_escape(const char *s, size_t len, uint32_t *point)
{
    if (len == 0)
        return 0;
    for (const char *pair = simple; *pair != '\0'; pair += 2) {
        if (pair[0] == s[0]) {
            *point = (unsigned char)pair[1];
            return 1;
        }
    }
    const size_t n = read_numeric(s, len, point);
    if (n == 0 || *point > 0x10ffff || (*point >= 0xd800 && *point <= 0xdfff))
        return 0;
    return n;
}

/* Undoes the escapes of s into out, which has room for len bytes: an escape is never
 * shorter than what it stands for. -1 with err. */
static int unescape(const char *s, size_t len, size_t offset, char *out,
                    size_t *out_len, struct expr_err *err)
{
    size_t n = 0;

    for (size_t at = 0; at < len;) {
        uint32_t point;
        if (s[at] != '\\') {
            out[n++] = s[at++];
            continue;
        }
        const size_t used = read_escape(s + at + 1, len - at - 1, &point);
        if (used == 0)
            return expr_fail(err, EXPR_E_SYNTAX, offset + at, at + 1 < len ? 2 : 1,
                             "'%s' is not an escape that strings have",
                             expr_snippet(s + at, at + 1 < len ? 2 : 1).text);
        /* NUL would end the value early in every environment, argument and database. */
        if (point == 0)
            return expr_fail(err, EXPR_E_SYNTAX, offset + at, used + 1,
                             "a string cannot hold the NUL character");
        n += expr_utf8_put(out + n, point);
        at += 1 + used;
    }
    *out_len = n;
    return 0;
}

json_t *expr_string_literal(const char *text, const struct expr_token *token,
                            struct expr_err *err)
{
    const char *s = text + token->offset;
    const bool raw = s[0] == 'r' || s[0] == 'R';
    const size_t open = strcspn(s, "\"'");
    const bool triple =
        token->length >= open + 6 && s[open] == s[open + 1] && s[open] == s[open + 2];
    const size_t quotes = triple ? 3 : 1;
    const size_t start = open + quotes;
    const size_t len = token->length - start - quotes;
    json_t *value = NULL;

    if (raw)
        return json_stringn(s + start, len);
    char *out = malloc(len + 1);
    size_t out_len = 0;
    if (out == NULL)
        return NULL;
    if (unescape(s + start, len, token->offset + start, out, &out_len, err) == 0)
        value = json_stringn(out, out_len);
    free(out);
    return value;
}
