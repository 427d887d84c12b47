/* Nodes that are made, found and compared. */
#include "source/source_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void *source_reserve(struct source *s, void *items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return items;
    const size_t grown = *cap ? *cap * 2 : 4;
    void *moved = arena_alloc(&s->arena, grown * size);
    if (n > 0)
        memcpy(moved, items, n * size);
    *cap = grown;
    return moved;
}

char *source_text(struct source *s, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    char *kept = arena_text(&s->arena, buf_text(&text), text.len);
    buf_done(&text);
    return kept;
}

/* --- finding --- */

struct source_pair *source_pair(const struct source_node *map, const char *key)
{
    for (size_t i = 0; map && map->kind == SOURCE_MAP && i < map->n; i++)
        if (strcmp(map->items[i].key.text, key) == 0)
            return &map->items[i];
    return NULL;
}

struct source_node *source_get(const struct source_node *map, const char *key)
{
    struct source_pair *pair = source_pair(map, key);

    return pair ? &pair->value : NULL;
}

bool source_is_text(const struct source_node *node, const char *text)
{
    return node && node->kind == SOURCE_SCALAR && strcmp(node->text, text) == 0;
}

static bool is_any(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static const char *const null_words[] = {"", "~", "null", "Null", "NULL", NULL};
static const char *const true_words[] = {"true", "True", "TRUE", NULL};
static const char *const false_words[] = {"false", "False", "FALSE", NULL};

bool source_is_empty(const struct source_node *node)
{
    if (!node)
        return true;
    if (node->kind != SOURCE_SCALAR)
        return node->n == 0;
    return node->style == SOURCE_PLAIN && is_any(node->text, null_words);
}

static bool is_number(const char *text)
{
    char *end;

    if (!isdigit((unsigned char)text[0]) && !strchr("+-.", text[0]))
        return false;
    if (text[0] == '0' && (text[1] == 'o' || text[1] == 'x'))
        return true;
    if (text[strspn(text, "+-.0123456789eE")] != '\0')
        return strstr(text, ".inf") || strstr(text, ".Inf") || strstr(text, ".INF") ||
               strcasecmp(text, ".nan") == 0;
    strtod(text, &end);
    return end != text && *end == '\0';
}

bool source_is_typed(const char *plain)
{
    return is_any(plain, null_words) || is_any(plain, true_words) ||
           is_any(plain, false_words) || is_number(plain);
}

static json_t *scalar_json(const struct source_node *node)
{
    char *end;

    if (node->style != SOURCE_PLAIN || !source_is_typed(node->text))
        return json_stringn_nocheck(node->text, node->len);
    if (is_any(node->text, null_words))
        return json_null();
    if (is_any(node->text, true_words) || is_any(node->text, false_words))
        return json_boolean(is_any(node->text, true_words));
    const bool octal = node->text[0] == '0' && node->text[1] == 'o';
    const bool hex = node->text[0] == '0' && node->text[1] == 'x';
    const long long whole = strtoll(node->text + (octal ? 2 : 0), &end,
                                    octal ? 8
                                    : hex ? 16
                                          : 10);
    if (*end == '\0')
        return json_integer(whole);
    json_t *real = json_real(strtod(node->text, NULL));
    return real ? real : json_stringn_nocheck(node->text, node->len);
}

json_t *source_json(const struct source_node *node)
{
    if (node->kind == SOURCE_SCALAR)
        return scalar_json(node);
    json_t *made = node->kind == SOURCE_MAP ? json_object() : json_array();
    for (size_t i = 0; i < node->n; i++) {
        json_t *value = source_json(&node->items[i].value);
        if (node->kind == SOURCE_MAP)
            json_object_set_new_nocheck(made, node->items[i].key.text, value);
        else
            json_array_append_new(made, value);
    }
    return made;
}

static bool same_scalar(const struct source_node *a, const struct source_node *b)
{
    if (source_is_empty(a) && source_is_empty(b))
        return true;
    return (a->style == SOURCE_PLAIN) == (b->style == SOURCE_PLAIN) &&
           a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

bool source_same(const struct source_node *a, const struct source_node *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == SOURCE_SCALAR)
        return same_scalar(a, b);
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if ((a->kind == SOURCE_MAP &&
             strcmp(a->items[i].key.text, b->items[i].key.text) != 0) ||
            !source_same(&a->items[i].value, &b->items[i].value))
            return false;
    return true;
}

/* --- making --- */

struct source_node source_made_map(void)
{
    return (struct source_node){
        .kind = SOURCE_MAP, .style = SOURCE_BLOCK, .text = "", .raw = ""};
}

struct source_node source_made_list(void)
{
    return (struct source_node){
        .kind = SOURCE_LIST, .style = SOURCE_BLOCK, .text = "", .raw = ""};
}

static struct source_node made_scalar(enum source_style style, const char *text,
                                      size_t len, const char *raw)
{
    return (struct source_node){
        .kind = SOURCE_SCALAR, .style = style, .text = text, .len = len, .raw = raw};
}

struct source_node source_made_plain(struct source *s, const char *raw)
{
    const size_t len = strlen(raw);
    const char *kept = arena_text(&s->arena, raw, len);

    return made_scalar(SOURCE_PLAIN, kept, len, kept);
}

/* 30s, 2h, 64KiB */
static bool is_measure(const char *text)
{
    const size_t digits = strspn(text, "0123456789");
    const size_t unit = strspn(text + digits, "smhdKMGiB");

    return digits > 0 && unit > 0 && text[digits + unit] == '\0';
}

/* Words that some readers of YAML take for something else. */
static bool is_plain(const char *text, size_t len)
{
    static const char *const words[] = {"yes", "no", "on", "off", "y", "n", NULL};
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789_./-+=()$<>&|!;?*~^\"' @%\\";

    if (len == 0 || len > SOURCE_WIDTH || source_is_typed(text))
        return false;
    for (const char *const *w = words; *w; w++)
        if (strcasecmp(text, *w) == 0)
            return false;
    if (is_measure(text))
        return true;
    if (!isalpha((unsigned char)text[0]) && !strchr("/._$", text[0]))
        return false;
    if (text[len - 1] == ' ')
        return false;
    return strspn(text, safe) == len;
}

/* Lines of printable text without blanks at their ends. */
static bool is_block(const char *text, size_t len)
{
    if (!memchr(text, '\n', len) || strspn(text, "\n") == len)
        return false;
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
            return false;
        if (c == 0xc2 && (unsigned char)text[i + 1] < 0xa0)
            return false;
        if (c == 0xe2 && (unsigned char)text[i + 1] == 0x80 &&
            ((unsigned char)text[i + 2] & 0xfe) == 0xa8)
            return false;
    }
    return true;
}

/* Double quotes or backslashes and nothing that single quotes cannot hold. */
static bool is_better_single(const char *text, size_t len)
{
    bool better = false;

    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c >= 0x7f || c == '\'')
            return false;
        better = better || c == '"' || c == '\\';
    }
    return better;
}

static void escape(struct buf *out, unsigned char c)
{
    static const char plain[] = "\"\"\\\\\nn\tt\rr";

    for (const char *p = plain; *p; p += 2)
        if ((unsigned char)*p == c) {
            buf_add_char(out, '\\');
            buf_add_char(out, p[1]);
            return;
        }
    if (c < 0x20 || c == 0x7f)
        buf_printf(out, "\\x%02x", c);
    else
        buf_add_char(out, (char)c);
}

/* The control characters of two bytes, and line breaks of YAML 1.1. */
static size_t escape_wide(struct buf *out, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    if (p[0] == 0xc2 && p[1] < 0xa0) {
        buf_printf(out, "\\x%02x", p[1]);
        return 2;
    }
    if (p[0] == 0xe2 && p[1] == 0x80 && (p[2] & 0xfe) == 0xa8) {
        buf_add_text(out, p[2] == 0xa8 ? "\\L" : "\\P");
        return 3;
    }
    return 0;
}

static struct source_node made_quoted(struct source *s, const char *kept, size_t len)
{
    struct buf raw = {0};

    buf_add_char(&raw, '"');
    for (size_t i = 0; i < len;) {
        const size_t wide = escape_wide(&raw, kept + i);
        if (wide == 0)
            escape(&raw, (unsigned char)kept[i]);
        i += wide ? wide : 1;
    }
    buf_add_char(&raw, '"');
    const char *quoted = arena_text(&s->arena, buf_text(&raw), raw.len);
    buf_done(&raw);
    return made_scalar(SOURCE_DOUBLE, kept, len, quoted);
}

struct source_node source_made_text(struct source *s, const char *text, size_t len)
{
    const char *kept = arena_text(&s->arena, text, len);

    if (is_plain(kept, len))
        return made_scalar(SOURCE_PLAIN, kept, len, kept);
    if (is_block(kept, len))
        return made_scalar(SOURCE_LITERAL, kept, len, "");
    if (is_better_single(kept, len))
        return made_scalar(SOURCE_SINGLE, kept, len, source_text(s, "'%s'", kept));
    return made_quoted(s, kept, len);
}

struct source_node source_made_f(struct source *s, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    const struct source_node made = source_made_text(s, buf_text(&text), text.len);
    buf_done(&text);
    return made;
}

struct source_node source_made_json(struct source *s, const json_t *value)
{
    struct source_node made;
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_string(value))
        return source_made_text(s, json_string_value(value), json_string_length(value));
    if (json_is_object(value)) {
        made = source_made_map();
        made.style = SOURCE_FLOW;
        json_object_foreach((json_t *)value, key, item)
            source_add(s, &made, key, source_made_json(s, item));
        return made;
    }
    if (json_is_array(value)) {
        made = source_made_list();
        made.style = SOURCE_FLOW;
        json_array_foreach(value, i, item)
            source_append(s, &made, source_made_json(s, item));
        return made;
    }
    char *text = json_text(value);
    made = source_made_plain(s, text);
    mem_free(text);
    return made;
}

struct source_node source_made_key(struct source *s, const char *key)
{
    const size_t len = strlen(key);
    const size_t word =
        strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    if (word == len && len > 0 && !isdigit((unsigned char)key[0]) && key[0] != '-' &&
        !source_is_typed(key))
        return source_made_plain(s, key);
    return made_quoted(s, arena_text(&s->arena, key, len), len);
}

struct source_pair *source_append(struct source *s, struct source_node *list,
                                  struct source_node value)
{
    list->items =
        source_reserve(s, list->items, list->n, &list->cap, sizeof(*list->items));
    list->items[list->n] = (struct source_pair){.key = {.text = ""}, .value = value};
    return &list->items[list->n++];
}

struct source_pair *source_add(struct source *s, struct source_node *map,
                               const char *key, struct source_node value)
{
    struct source_pair *pair = source_append(s, map, value);

    pair->key = source_made_key(s, key);
    return pair;
}

void source_rename(struct source *s, struct source_pair *pair, const char *key)
{
    const struct source_node old = pair->key;

    pair->key = source_made_key(s, key);
    pair->key.line = old.line;
    pair->key.column = old.column;
    pair->key.start = old.start;
    pair->key.end = old.end;
}

void source_comment(struct source *s, struct source_comments *to, const char *text)
{
    while (*text) {
        const size_t len = strcspn(text, "\n");
        struct source_comment comment = {.text =
                                             source_text(s, "# %.*s", (int)len, text)};
        to->items = source_reserve(s, to->items, to->n, &to->cap, sizeof(comment));
        to->items[to->n++] = comment;
        text += len + (text[len] == '\n');
    }
}
