/* config/parse.c - the YAML file as settings with their places.
 *
 * libyaml's events only, and of YAML no more than a settings file needs: mappings
 * with plain names, scalars, lists of scalars. A mapping inside a section becomes
 * keys with dots. Values stay text here; value.c gives them types. */
#include "config/config_priv.h"

#include <string.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    struct config *c;
    const char *text;
    size_t len;
    struct ff_err *err;
};

static void event_done(yaml_event_t *event)
{
    yaml_event_delete(event);
}

#define EVENT_AUTO __attribute__((cleanup(event_done)))

static int FF_PRINTF(4, 5)
    refuse(const struct reader *r, size_t line, size_t column, const char *fmt, ...)
{
    char sentence[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(sentence, sizeof(sentence), fmt, ap);
    va_end(ap);
    return ff_fail(r->err, FF_INVALID, 0, "%s:%zu:%zu: %s", r->c->path, line, column,
                   sentence);
}

#define REFUSE(r, event, ...)                                                          \
    refuse((r), (event)->start_mark.line + 1, (event)->start_mark.column + 1,          \
           __VA_ARGS__)

static int refuse_at_offset(const struct reader *r, size_t offset, const char *why)
{
    size_t line = 1;
    size_t column = 1;

    for (size_t i = 0; i < offset && i < r->len; i++) {
        if (r->text[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)r->text[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    return refuse(r, line, column, "%s", why);
}

static int refuse_syntax(const struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "this is not YAML";

    if (p->error == YAML_MEMORY_ERROR)
        mem_exhausted();
    if (p->error == YAML_READER_ERROR)
        return refuse_at_offset(r, p->problem_offset, problem);
    return refuse(r, p->problem_mark.line + 1, p->problem_mark.column + 1, "%s",
                  problem);
}

/* Anchors, aliases and tags make one text mean another; a settings file needs none. */
static int refuse_tricks(const struct reader *r, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;

    if (event->type == YAML_ALIAS_EVENT)
        return REFUSE(r, event, "aliases are not allowed here");
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor)
        return REFUSE(r, event, "anchors are not allowed here");
    if (tag)
        return REFUSE(r, event, "tags are not allowed here");
    return FF_OK;
}

static int next(struct reader *r, yaml_event_t *event)
{
    if (!yaml_parser_parse(&r->parser, event))
        return refuse_syntax(r);
    return refuse_tricks(r, event);
}

static bool is_null(const yaml_event_t *scalar)
{
    const char *text = (const char *)scalar->data.scalar.value;

    if (scalar->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static bool has_nul(const yaml_event_t *scalar)
{
    return memchr(scalar->data.scalar.value, 0, scalar->data.scalar.length) != NULL;
}

static int check_key(const struct reader *r, const yaml_event_t *event)
{
    const char *key = (const char *)event->data.scalar.value;

    if (event->type != YAML_SCALAR_EVENT)
        return REFUSE(r, event, "a key must be a plain word");
    if (strcmp(key, "<<") == 0)
        return REFUSE(r, event, "merge keys are not allowed here");
    if (event->data.scalar.length < 1 || event->data.scalar.length > CONFIG_MAX_NAME)
        return REFUSE(r, event, "a key has 1 to %d characters", CONFIG_MAX_NAME);
    if (strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                    "0123456789_-.") != event->data.scalar.length)
        return REFUSE(r, event, "a key has letters, digits, '_', '-' and '.' only");
    return FF_OK;
}

/* Adds "section.key", or the section itself where key is NULL; NULL when refused. */
static struct setting *add(const struct reader *r, const yaml_event_t *at,
                           const char *section, const char *key)
{
    char name[CONFIG_NAME_TEXT];
    struct map *map = key ? &r->c->file : &r->c->sections;
    const struct setting *first;
    struct setting *s;

    snprintf(name, sizeof(name), "%s%s%s", section, key ? "." : "", key ? key : "");
    first = map_get_text(map, name);
    if (first) {
        REFUSE(r, at, "%s is here twice, first in line %zu", name, first->line);
        return NULL;
    }
    s = arena_alloc(&r->c->text, sizeof(*s));
    *s = (struct setting){
        .section = arena_text(&r->c->text, section, strlen(section)),
        .key = key ? arena_text(&r->c->text, key, strlen(key)) : NULL,
        .line = at->start_mark.line + 1,
        .column = at->start_mark.column + 1,
    };
    map_set_text(map, name, s);
    return s;
}

static int read_item(struct reader *r, const yaml_event_t *event, struct buf *joined)
{
    const char *text = (const char *)event->data.scalar.value;

    if (event->type != YAML_SCALAR_EVENT)
        return REFUSE(r, event, "a list here has plain values only");
    if (has_nul(event))
        return REFUSE(r, event, "a value may not contain a NUL character");
    if (strchr(text, ','))
        return REFUSE(r, event, "a value in a list may not contain a comma");
    if (joined->len > 0)
        buf_add_char(joined, ',');
    buf_add(joined, text, event->data.scalar.length);
    return FF_OK;
}

/* Lists arrive as one text with commas, as the environment would write them. */
static int read_list(struct reader *r, struct setting *s)
{
    struct buf joined = {.max = CONFIG_MAX_BYTES};
    int code = FF_OK;
    bool more = true;

    while (code == FF_OK && more) {
        EVENT_AUTO yaml_event_t event = {0};

        code = next(r, &event);
        more = code == FF_OK && event.type != YAML_SEQUENCE_END_EVENT;
        if (more)
            code = read_item(r, &event, &joined);
    }
    if (code == FF_OK)
        s->value = arena_text(&r->c->text, buf_text(&joined), joined.len);
    buf_done(&joined);
    return code;
}

static int read_scalar(struct reader *r, const yaml_event_t *event, struct setting *s)
{
    if (has_nul(event))
        return REFUSE(r, event, "a value may not contain a NUL character");
    if (!is_null(event))
        s->value = arena_text(&r->c->text, (const char *)event->data.scalar.value,
                              event->data.scalar.length);
    s->line = event->start_mark.line + 1;
    s->column = event->start_mark.column + 1;
    return FF_OK;
}

static int read_keys(struct reader *r, const char *section, const char *prefix,
                     int depth);

static int read_value(struct reader *r, const char *section, const char *key,
                      const yaml_event_t *at, int depth)
{
    EVENT_AUTO yaml_event_t event = {0};
    struct setting *s;
    int code = next(r, &event);

    if (code != FF_OK)
        return code;
    if (event.type != YAML_SCALAR_EVENT && depth == CONFIG_MAX_DEPTH)
        return REFUSE(r, &event, "nested too deep; settings have %d levels at most",
                      CONFIG_MAX_DEPTH);
    if (event.type == YAML_MAPPING_START_EVENT)
        return read_keys(r, section, key, depth + 1);
    s = add(r, at, section, key);
    if (!s)
        return FF_INVALID;
    if (event.type == YAML_SCALAR_EVENT)
        return read_scalar(r, &event, s);
    s->line = event.start_mark.line + 1;
    s->column = event.start_mark.column + 1;
    return read_list(r, s);
}

/* The inside of a mapping of the section; prefix is the dotted key of it, or NULL. */
static int read_keys(struct reader *r, const char *section, const char *prefix,
                     int depth)
{
    for (;;) {
        EVENT_AUTO yaml_event_t event = {0};
        char key[CONFIG_MAX_NAME + 1];
        int n;
        int code = next(r, &event);

        if (code != FF_OK)
            return code;
        if (event.type == YAML_MAPPING_END_EVENT)
            return FF_OK;
        code = check_key(r, &event);
        if (code != FF_OK)
            return code;
        n = snprintf(key, sizeof(key), "%s%s%s", prefix ? prefix : "",
                     prefix ? "." : "", (const char *)event.data.scalar.value);
        if ((size_t)n >= sizeof(key))
            return REFUSE(r, &event, "this key with those above it is longer than %d",
                          CONFIG_MAX_NAME);
        code = read_value(r, section, key, &event, depth);
        if (code != FF_OK)
            return code;
    }
}

static int read_section(struct reader *r, const yaml_event_t *name_event)
{
    EVENT_AUTO yaml_event_t event = {0};
    const char *name = (const char *)name_event->data.scalar.value;
    int code = check_key(r, name_event);

    if (code != FF_OK)
        return code;
    if (strchr(name, '.'))
        return REFUSE(r, name_event, "a section's name has no '.'");
    if (!add(r, name_event, name, NULL))
        return FF_INVALID;
    code = next(r, &event);
    if (code != FF_OK)
        return code;
    if (event.type == YAML_SCALAR_EVENT && is_null(&event))
        return FF_OK;
    if (event.type != YAML_MAPPING_START_EVENT)
        return REFUSE(r, &event, "%s is a section: it holds 'key: value' lines", name);
    return read_keys(r, name, NULL, 2);
}

static int read_sections(struct reader *r)
{
    for (;;) {
        EVENT_AUTO yaml_event_t event = {0};
        int code = next(r, &event);

        if (code != FF_OK)
            return code;
        if (event.type == YAML_MAPPING_END_EVENT)
            return FF_OK;
        code = read_section(r, &event);
        if (code != FF_OK)
            return code;
    }
}

static int read_root(struct reader *r)
{
    EVENT_AUTO yaml_event_t event = {0};
    int code = next(r, &event);

    if (code != FF_OK)
        return code;
    if (event.type == YAML_SCALAR_EVENT && is_null(&event))
        return FF_OK;
    if (event.type != YAML_MAPPING_START_EVENT)
        return REFUSE(r, &event, "settings are sections of 'key: value' lines");
    return read_sections(r);
}

/* Consumes one event, which libyaml's grammar says what it is. */
static int skip(struct reader *r)
{
    EVENT_AUTO yaml_event_t event = {0};

    return next(r, &event);
}

static int read_stream(struct reader *r)
{
    EVENT_AUTO yaml_event_t start = {0};
    EVENT_AUTO yaml_event_t end = {0};
    int code = skip(r);

    if (code == FF_OK)
        code = next(r, &start);
    if (code != FF_OK || start.type == YAML_STREAM_END_EVENT)
        return code;
    if (start.data.document_start.tag_directives.start !=
        start.data.document_start.tag_directives.end)
        return REFUSE(r, &start, "tags are not allowed here");
    code = read_root(r);
    if (code == FF_OK)
        code = skip(r);
    if (code == FF_OK)
        code = next(r, &end);
    if (code == FF_OK && end.type != YAML_STREAM_END_EVENT)
        return REFUSE(r, &end, "a second document is not allowed here");
    return code;
}

int config_parse(struct config *c, const char *text, size_t len, struct ff_err *err)
{
    struct reader r = {.c = c, .text = text, .len = len, .err = err};
    size_t wrong = text_utf8_error(text, len);
    int code;

    if (wrong < len)
        return refuse_at_offset(&r, wrong,
                                text[wrong] ? "this is not valid UTF-8"
                                            : "a NUL character is not allowed here");
    if (!yaml_parser_initialize(&r.parser))
        mem_exhausted();
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    code = read_stream(&r);
    yaml_parser_delete(&r.parser);
    return code;
}
