/* base/text.c - UTF-8, names, prefixes, and the nearest word. */
#include "base/text.h"

#include <stdint.h>
#include <string.h>

#define NAME_MAX_LEN 63
#define WORD_MAX_LEN 63

/* Well-formed sequences, RFC 3629's table. The second byte's range keeps out overlong
 * forms, surrogates and what lies above U+10FFFF. */
static const struct {
    uint8_t len, second_lo, second_hi;
} utf8_forms[] = {
    ['2'] = {2, 0x80, 0xbf},   /* C2..DF */
    ['a'] = {3, 0xa0, 0xbf},   /* E0 */
    ['3'] = {3, 0x80, 0xbf},   /* E1..EC, EE, EF */
    ['b'] = {3, 0x80, 0x9f},   /* ED */
    ['c'] = {4, 0x90, 0xbf},   /* F0 */
    ['4'] = {4, 0x80, 0xbf},   /* F1..F3 */
    ['d'] = {4, 0x80, 0x8f},   /* F4 */
    ['-'] = {UINT8_MAX, 1, 0}, /* starts nothing */
};

/* The form that each first byte from C0 on starts. */
static const char utf8_form_of[] = "--22222222222222" /* C0 */
                                   "2222222222222222" /* D0 */
                                   "a333333333333b33" /* E0 */
                                   "c444d-----------" /* F0 */;

static size_t multibyte_len(const uint8_t *s, size_t len)
{
    if (s[0] < 0xc0)
        return 0;
    const uint8_t form = (uint8_t)utf8_form_of[s[0] - 0xc0];
    const size_t need = utf8_forms[form].len;

    if (len < need)
        return 0;
    if (s[1] < utf8_forms[form].second_lo || s[1] > utf8_forms[form].second_hi)
        return 0;
    for (size_t k = 2; k < need; k++)
        if ((s[k] & 0xc0) != 0x80)
            return 0;
    return need;
}

size_t text_utf8_len(const char *text, size_t len)
{
    if (len == 0)
        return 0;
    const uint8_t *s = (const uint8_t *)text;

    return s[0] < 0x80 ? 1 : multibyte_len(s, len);
}

size_t text_utf8_error(const char *text, size_t len)
{
    size_t at = 0;

    while (at < len) {
        const size_t step = text[at] == '\0' ? 0 : text_utf8_len(text + at, len - at);

        if (step == 0)
            return at;
        at += step;
    }
    return len;
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || c == '_';
}

bool text_is_name(const char *text, bool dashes)
{
    size_t len = 1;

    if (!text || !is_name_start(text[0]))
        return false;
    for (; text[len]; len++) {
        const char c = text[len];

        if (len >= NAME_MAX_LEN)
            return false;
        if (!is_name_start(c) && !(c >= '0' && c <= '9') && !(dashes && c == '-'))
            return false;
    }
    return true;
}

static size_t least(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Insertions, deletions, substitutions and swaps of neighbours (optimal string
 * alignment); both at most WORD_MAX_LEN long. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][WORD_MAX_LEN + 1];
    size_t *before = rows[0];
    size_t *above = rows[1];
    size_t *row = rows[2];

    for (size_t k = 0; k <= b_len; k++)
        before[k] = above[k] = k;
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = i;
        for (size_t k = 1; k <= b_len; k++) {
            const size_t change = a[i - 1] == b[k - 1] ? 0 : 1;

            row[k] = least(above[k] + 1, row[k - 1] + 1, above[k - 1] + change);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
                before[k - 2] + 1 < row[k])
                row[k] = before[k - 2] + 1;
        }
        size_t *const oldest = before;

        before = above;
        above = row;
        row = oldest;
    }
    return above[b_len];
}

const char *text_nearest(const char *word, const char *const *candidates)
{
    const size_t len = strlen(word);
    /* A third of the word may be wrong; in the shortest words one letter. */
    size_t best = (len < 3 ? 3 : len) / 3 + 1;
    const char *nearest = NULL;

    if (len == 0 || len > WORD_MAX_LEN)
        return NULL;
    for (; *candidates; candidates++) {
        const size_t other = strlen(*candidates);

        /* Each letter more or less is a mistake of its own. */
        if (other > WORD_MAX_LEN || other >= len + best || len >= other + best)
            continue;
        const size_t far = distance(word, len, *candidates, other);

        /* Nothing in common is no suggestion, however short the words. */
        if (far >= best || far >= len)
            continue;
        best = far;
        nearest = *candidates;
    }
    return nearest;
}

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_is(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(text, word, len) == 0;
}
