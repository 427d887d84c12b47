#include "base/labels.h"

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX_MAX 253
#define WORD_MAX   63

/* --- one pair --- */

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_word(const char *text, size_t len)
{
    if (len == 0 || len > WORD_MAX || !is_alnum(text[0]) || !is_alnum(text[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_alnum(text[i]) && text[i] != '-' && text[i] != '_' && text[i] != '.')
            return false;
    return true;
}

/* Words of a-z, 0-9 and - with dots between them. */
static bool is_domain(const char *text, size_t len)
{
    char before = '.';

    if (len == 0 || len > PREFIX_MAX)
        return false;
    for (size_t i = 0; i < len; before = text[i++]) {
        const bool letter = is_alnum(text[i]) && !(text[i] >= 'A' && text[i] <= 'Z');
        if (!letter && (!is_alnum(before) || text[i] != '-') &&
            (!is_alnum(before) || text[i] != '.') && (before != '-' || text[i] != '-'))
            return false;
    }
    return is_alnum(before);
}

const char *labels_key_fault(const char *key, size_t len)
{
    const char *slash = memchr(key, '/', len);
    const size_t prefix = slash ? (size_t)(slash - key) + 1 : 0;

    if ((!slash || is_domain(key, prefix - 1)) && is_word(key + prefix, len - prefix))
        return NULL;
    return "a key is made of letters, digits, -, _ and ., up to 63, with a letter or "
           "digit first and last; a domain and / may stand before it";
}

const char *labels_value_fault(const char *value, size_t len)
{
    if (len == 0 || is_word(value, len))
        return NULL;
    return "a value is made of letters, digits, -, _ and ., up to 63, with a letter or "
           "digit first and last, or is empty";
}

/* --- all of them --- */

struct pair {
    const char *key, *value;
    size_t key_len, value_len;
};

static int compare(const struct pair *a, const struct pair *b)
{
    const size_t len = a->key_len < b->key_len ? a->key_len : b->key_len;
    const int order = memcmp(a->key, b->key, len);

    return order != 0 ? order : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

static int by_key(const void *a, const void *b)
{
    return compare(a, b);
}

/* The pair that begins here, and where the next one does; NULL: it is the last. */
static const char *split(const char *at, struct pair *out)
{
    const size_t len = strcspn(at, ",");
    const char *equals = memchr(at, '=', len);

    *out = (struct pair){.key = at, .key_len = equals ? (size_t)(equals - at) : len};
    out->value = equals ? equals + 1 : at + len;
    out->value_len = (size_t)(at + len - out->value);
    return at[len] ? at + len + 1 : NULL;
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " ");
}

static int read_pair(struct pair *pair, struct ff_err *err)
{
    const int shown = (int)(pair->value + pair->value_len - pair->key);
    const char *fault = NULL;

    while (pair->value_len > 0 && pair->value[pair->value_len - 1] == ' ')
        pair->value_len--;
    if (pair->value == pair->key + pair->key_len)
        fault = "a label is KEY=VALUE";
    if (!fault)
        fault = labels_key_fault(pair->key, pair->key_len);
    if (!fault)
        fault = labels_value_fault(pair->value, pair->value_len);
    if (!fault)
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0, "%.*s: %s", shown < 80 ? shown : 80, pair->key,
                   fault);
}

static int read_pairs(const char *given, struct pair *pairs, size_t *n,
                      struct ff_err *err)
{
    const char *at = skip_blanks(given);

    for (*n = 0; at && *at; at = at ? skip_blanks(at) : NULL) {
        if (*n == LABELS_MAX)
            return ff_fail(err, FF_INVALID, 0, "there are more than %d labels",
                           LABELS_MAX);
        at = split(at, &pairs[*n]);
        if (read_pair(&pairs[(*n)++], err) != FF_OK)
            return FF_INVALID;
    }
    return FF_OK;
}

int labels_read(const char *given, struct buf *out, struct ff_err *err)
{
    struct pair pairs[LABELS_MAX];
    size_t n, len = 0;

    if (read_pairs(given, pairs, &n, err) != FF_OK)
        return FF_INVALID;
    qsort(pairs, n, sizeof(pairs[0]), by_key);
    for (size_t i = 0; i < n; i++) {
        len += pairs[i].key_len + pairs[i].value_len + 2;
        if (i > 0 && compare(&pairs[i - 1], &pairs[i]) == 0)
            return ff_fail(err, FF_INVALID, 0, "%.*s is named twice",
                           (int)pairs[i].key_len, pairs[i].key);
    }
    if (len > LABELS_TEXT_MAX + 1)
        return ff_fail(err, FF_INVALID, 0, "labels have at most %d bytes together",
                       LABELS_TEXT_MAX);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s%.*s=%.*s", i > 0 ? "," : "", (int)pairs[i].key_len,
                   pairs[i].key, (int)pairs[i].value_len, pairs[i].value);
    return FF_OK;
}

/* --- of one host --- */

static bool is_same_value(const struct pair *a, const struct pair *b)
{
    return a->value_len == b->value_len &&
           memcmp(a->value, b->value, a->value_len) == 0;
}

bool labels_satisfy(const char *labels, const char *asked)
{
    struct pair has, wants;

    while (asked && *asked) {
        asked = split(asked, &wants);
        int order = -1;
        while (order < 0 && labels && *labels) {
            labels = split(labels, &has);
            order = compare(&has, &wants);
        }
        if (order != 0 || !is_same_value(&has, &wants))
            return false;
    }
    return true;
}

size_t labels_count(const char *labels)
{
    size_t n = labels && *labels;

    for (; labels && *labels; labels++)
        n += *labels == ',';
    return n;
}
