/* mask.c - what must not be seen of secrets: they and what they commonly turn into,
 * each replaced by "***" in texts and values. In the output of a task the runtime does
 * the same, by the list that is made here. */
#include "exec/exec_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define FORM_MIN 6 /* of what was derived: shorter ones stand in innocent text too */
#define LINE_MIN 8 /* of one line of a text of many */
#define BARE_MIN 4 /* of all of it, without ends of lines; as the shortest secret */

static void add(struct masks *m, const char *text, size_t len)
{
    for (size_t i = 0; i < m->n; i++)
        if (text_is(text, len, m->items[i]))
            return;
    ARRAY_ADD(m, mem_text_len(text, len));
}

static void add_form(struct masks *m, struct buf *b)
{
    if (b->len >= FORM_MIN)
        add(m, b->data, b->len);
    if (b->data)
        explicit_bzero(b->data, b->len);
    buf_clear(b);
}

/* What $(...) of a shell makes of it, and who reads a line: without the ends of lines
 * around it. */
static void add_bare(struct masks *m, const char *text, size_t len)
{
    for (; len > 0 && strchr("\r\n", text[len - 1]); len--)
        ;
    for (; len > 0 && strchr("\r\n", *text); len--)
        text++;
    if (len >= BARE_MIN)
        add(m, text, len);
}

/* Keys and certificates are printed line by line, and indented. */
static void add_lines(struct masks *m, const char *text)
{
    if (!strchr(text, '\n'))
        return;
    for (text += strspn(text, "\r\n"); *text; text += strspn(text, "\r\n")) {
        const size_t len = strcspn(text, "\r\n");

        if (len >= LINE_MIN)
            add(m, text, len);
        text += len;
    }
}

/* Base64 of a longer text that has this one in it, behind any number of bytes: three
 * ways to fall into groups, without the digits that the neighbours have a part in. */
static void add_base64(struct masks *m, const char *text, size_t len)
{
    static const size_t foreign[] = {0, 2, 3};

    for (size_t before = 0; before < 3; before++) {
        const size_t digits = (before + len) * 8 / 6;
        struct buf in = {0};
        struct buf out = {0};

        buf_add(&in, "\0\0", before);
        buf_add(&in, text, len);
        base64_add(&out, in.data, in.len);
        explicit_bzero(in.data, in.len);
        buf_done(&in);

        struct buf form = {0};
        buf_add(&form, out.data + foreign[before], digits - foreign[before]);
        buf_clear(&out);
        for (size_t i = 0; i < form.len; i++)
            buf_add_char(&out, form.data[i] == '+'   ? '-'
                               : form.data[i] == '/' ? '_'
                                                     : form.data[i]);
        add_form(m, &form);
        add_form(m, &out);
        buf_done(&form);
        buf_done(&out);
    }
}

static void make_small(char *digits, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (digits[i] >= 'A' && digits[i] <= 'F')
            digits[i] = (char)(digits[i] - 'A' + 'a');
}

/* Those who write ASCII alone write all else as \uXXXX, with small digits (Python) or
 * large ones. */
static void add_ascii_json(struct masks *m, const json_t *value)
{
    char *dump = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    const size_t len = dump ? strlen(dump) : 0;

    if (len < 2)
        return;
    add(m, dump + 1, len - 2);
    for (char *at = dump; (at = strchr(at, '\\')); at += 2)
        if (at[1] == 'u')
            make_small(at + 2, 4);
    add(m, dump + 1, len - 2);
    explicit_bzero(dump, len);
    mem_free(dump);
}

/* As it stands inside a JSON string; nothing where it stands as it is. */
static void add_json(struct masks *m, const char *text)
{
    json_t *value = json_string(text);
    struct buf b = {0};

    if (!value)
        return; /* no UTF-8: it cannot stand in JSON */
    json_add_to(&b, value);
    if (b.len > 2 && strlen(text) != b.len - 2)
        add(m, b.data + 1, b.len - 2);
    if (b.len > 2)
        add_ascii_json(m, value);
    explicit_bzero(b.data, b.len);
    buf_done(&b);
    json_decref(value);
}

/* As it stands in a URL: who escapes leaves other characters as they are. */
static void add_percent(struct masks *m, const char *text, size_t len)
{
    static const struct {
        const char *kept, *blank;
    } ways[] = {
        {"-._~", "%20"},      /* RFC 3986; curl --data-urlencode */
        {"-._~/", "%20"},     /* urllib.parse.quote */
        {"-._~!'()*", "%20"}, /* encodeURIComponent */
        {"-._~", "+"},        /* forms; urllib.parse.urlencode */
    };

    for (size_t way = 0; way < COUNT_OF(ways); way++) {
        struct buf b = {0};

        for (size_t i = 0; i < len; i++) {
            const unsigned char c = (unsigned char)text[i];

            if (c < 128 && (isalnum(c) || strchr(ways[way].kept, c)))
                buf_add_char(&b, (char)c);
            else if (c == ' ')
                buf_add(&b, ways[way].blank, strlen(ways[way].blank));
            else
                buf_printf(&b, "%%%02X", c);
        }
        add_form(m, &b);
        buf_done(&b);
    }
}

static int longest_first(const void *a, const void *b)
{
    const size_t x = strlen(*(char *const *)a);
    const size_t y = strlen(*(char *const *)b);

    return (x < y) - (x > y);
}

void masks_add(struct masks *m, const char *text, size_t len)
{
    if (m->n > 0)
        m->n--; /* the NULL at the end */
    add(m, text, len);
    add_bare(m, text, len);
    add_lines(m, text);
    add_base64(m, text, len);
    add_json(m, text);
    add_percent(m, text, len);
    qsort(m->items, m->n, sizeof(*m->items), longest_first);
    ARRAY_ADD(m, NULL);
}

const char *const *masks_list(const struct masks *m)
{
    return (const char *const *)m->items;
}

void masks_done(struct masks *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->items[i]) {
            explicit_bzero(m->items[i], strlen(m->items[i]));
            mem_free(m->items[i]);
        }
    ARRAY_DONE(m);
}

static size_t found_at(const struct masks *m, const char *at, size_t left)
{
    for (size_t i = 0; i < m->n && m->items[i]; i++) {
        const size_t len = strlen(m->items[i]);

        if (len <= left && memcmp(m->items[i], at, len) == 0)
            return len;
    }
    return 0;
}

bool masks_text(const struct masks *m, const char *text, size_t len, struct buf *out)
{
    bool begins[256] = {false}; /* one of them does, with this byte */
    bool any = false;

    for (size_t i = 0; i < m->n && m->items[i]; i++)
        begins[(unsigned char)m->items[i][0]] = true;
    for (size_t i = 0; i < len;) {
        const size_t found =
            begins[(unsigned char)text[i]] ? found_at(m, text + i, len - i) : 0;

        if (found > 0)
            buf_add(out, "***", 3);
        else
            buf_add_char(out, text[i]);
        i += found > 0 ? found : 1;
        any = any || found > 0;
    }
    return any;
}

/* --- values --- */

static json_t *masked_string(const struct masks *m, json_t *v)
{
    struct buf b = {0};
    json_t *made = NULL;

    if (masks_text(m, json_string_value(v), json_string_length(v), &b))
        made = json_stringn_nocheck(b.data, b.len);
    buf_done(&b);
    return made ? made : json_incref(v);
}

static json_t *masked_list(const struct masks *m, json_t *v)
{
    json_t *made = json_array();

    for (size_t i = 0; i < json_array_size(v); i++)
        json_array_append_new(made, masks_json(m, json_array_get(v, i)));
    return made;
}

static json_t *masked_object(const struct masks *m, json_t *v)
{
    json_t *made = json_object();
    const char *key;
    json_t *value;

    json_object_foreach(v, key, value)
    {
        struct buf b = {0};

        masks_text(m, key, strlen(key), &b);
        json_object_set_new_nocheck(made, buf_text(&b), masks_json(m, value));
        buf_done(&b);
    }
    return made;
}

/* A secret of digits is a number to whoever reads it as JSON. */
static json_t *masked_number(const struct masks *m, json_t *v)
{
    struct buf text = {0};
    struct buf b = {0};
    json_t *made = NULL;

    json_add_to(&text, v);
    if (masks_text(m, text.data, text.len, &b))
        made = json_stringn_nocheck(b.data, b.len);
    buf_done(&text);
    buf_done(&b);
    return made ? made : json_incref(v);
}

json_t *masks_json(const struct masks *m, json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_STRING:
        return masked_string(m, v);
    case JSON_ARRAY:
        return masked_list(m, v);
    case JSON_OBJECT:
        return masked_object(m, v);
    case JSON_INTEGER:
    case JSON_REAL:
        return masked_number(m, v);
    default:
        return json_incref(v);
    }
}
