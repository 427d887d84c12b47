/* From libyaml's events to nodes that know their bytes. libyaml counts characters; a
 * table of lines makes bytes of its marks. Comments are found afterwards, between the
 * scalars (source_attach.c). */
#include "source/source_priv.h"

#include <string.h>
#include <yaml.h>

struct anchor {
    const char *name;
    const struct source_node *node;
    size_t weight; /* nodes in it */
};

struct reader {
    struct source *s;
    struct source_lines lines;
    struct source_spans spans;
    struct {
        struct anchor *items;
        size_t n, cap;
    } anchors;
    yaml_parser_t parser;
    bool aliases;
    size_t n_nodes;
    struct ff_err *err;
};

/* --- the text --- */

static void take_text(struct source *s, const char *text, size_t len)
{
    size_t at = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

    s->text = arena_alloc(&s->arena, len + 1);
    s->len = 0;
    for (; at < len; at++) {
        if (text[at] == '\r' && at + 1 < len && text[at + 1] == '\n')
            continue;
        s->text[s->len++] = (char)(text[at] == '\r' ? '\n' : text[at]);
    }
    s->text[s->len] = '\0';
}

void source_find_lines(struct source_lines *lines, const char *text, size_t len)
{
    ARRAY_ADD(lines, (size_t)0);
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\n')
            ARRAY_ADD(lines, i + 1);
}

static size_t byte_of(const struct reader *r, yaml_mark_t mark)
{
    const struct source *s = r->s;

    if (mark.line >= r->lines.n)
        return s->len;
    size_t at = r->lines.items[mark.line];
    for (size_t i = 0; i < mark.column && at < s->len; i++) {
        const size_t n = text_utf8_len(s->text + at, s->len - at);
        at += n ? n : 1;
    }
    return at;
}

/* --- what is refused --- */

static int refuse(struct reader *r, yaml_mark_t mark, const char *what)
{
    return ff_fail(r->err, FF_INVALID, 0, "line %zu, column %zu: %s", mark.line + 1,
                   mark.column + 1, what);
}

static int refuse_syntax(struct reader *r)
{
    if (r->parser.error == YAML_MEMORY_ERROR)
        mem_exhausted();
    return refuse(r, r->parser.problem_mark, r->parser.problem);
}

static int next(struct reader *r, yaml_event_t *event)
{
    return yaml_parser_parse(&r->parser, event) ? FF_OK : refuse_syntax(r);
}

/* Anchors and tags of any node. */
static int check_marks(struct reader *r, const yaml_event_t *e, const yaml_char_t *tag,
                       const yaml_char_t *anchor)
{
    if (r->aliases)
        return FF_OK;
    if (tag)
        return refuse(r, e->start_mark, "tags are not part of this format");
    if (anchor)
        return refuse(r, e->start_mark, "anchors are not part of this format");
    return FF_OK;
}

static int count_node(struct reader *r, yaml_mark_t mark, size_t n)
{
    r->n_nodes += n;
    return r->n_nodes > SOURCE_MAX_NODES ? refuse(r, mark, "too many values") : FF_OK;
}

/* --- nodes --- */

static struct source_node new_node(struct reader *r, const yaml_event_t *e)
{
    return (struct source_node){.line = (int)e->start_mark.line + 1,
                                .column = (int)e->start_mark.column + 1,
                                .start = byte_of(r, e->start_mark),
                                .end = byte_of(r, e->end_mark)};
}

static const enum source_style styles[] = {
    [YAML_ANY_SCALAR_STYLE] = SOURCE_PLAIN,
    [YAML_PLAIN_SCALAR_STYLE] = SOURCE_PLAIN,
    [YAML_SINGLE_QUOTED_SCALAR_STYLE] = SOURCE_SINGLE,
    [YAML_DOUBLE_QUOTED_SCALAR_STYLE] = SOURCE_DOUBLE,
    [YAML_LITERAL_SCALAR_STYLE] = SOURCE_LITERAL,
    [YAML_FOLDED_SCALAR_STYLE] = SOURCE_FOLDED,
};

/* An anchor or a tag stands before the scalar and belongs to its event. */
static size_t after_marks(const struct source *s, size_t at, size_t end)
{
    while (at < end && (s->text[at] == '&' || s->text[at] == '!')) {
        at += strcspn(s->text + at, " \t\n");
        at += strspn(s->text + at, " \t\n");
    }
    return at < end ? at : end; /* nothing may stand behind them */
}

static int read_scalar(struct reader *r, const yaml_event_t *e, struct source_node *out)
{
    struct source *s = r->s;
    struct source_node node = new_node(r, e);
    const int code = check_marks(r, e, e->data.scalar.tag, e->data.scalar.anchor);

    if (code != FF_OK)
        return code;
    node.kind = SOURCE_SCALAR;
    node.style = styles[e->data.scalar.style];
    node.len = e->data.scalar.length;
    node.text = arena_text(&s->arena, (const char *)e->data.scalar.value, node.len);
    if (memchr(node.text, '\0', node.len))
        return refuse(r, e->start_mark, "text may not hold a zero byte");
    if (e->data.scalar.tag || e->data.scalar.anchor)
        node.start = after_marks(s, node.start, node.end);
    node.raw = arena_text(&s->arena, s->text + node.start, node.end - node.start);
    if (node.end > node.start) {
        const struct source_span span = {node.start, node.end,
                                         node.style >= SOURCE_LITERAL};
        ARRAY_ADD(&r->spans, span);
    }
    *out = node;
    return FF_OK;
}

static int read_node(struct reader *r, const yaml_event_t *e, int depth,
                     struct source_node *out);

static int resolve(struct reader *r, const yaml_event_t *e, struct source_node *out)
{
    const char *name = (const char *)e->data.alias.anchor;

    if (!r->aliases)
        return refuse(r, e->start_mark, "aliases are not part of this format");
    for (size_t i = r->anchors.n; i-- > 0;) {
        if (strcmp(r->anchors.items[i].name, name) != 0)
            continue;
        *out = *r->anchors.items[i].node;
        return count_node(r, e->start_mark, r->anchors.items[i].weight);
    }
    return refuse(r, e->start_mark, "this alias has no anchor before it");
}

/* <<: what the map does not say itself is taken from there. */
static void merge(struct reader *r, struct source_node *map,
                  const struct source_node *from)
{
    for (size_t i = 0; from->kind != SOURCE_SCALAR && i < from->n; i++) {
        if (from->kind == SOURCE_LIST)
            merge(r, map, &from->items[i].value);
        else if (!source_get(map, from->items[i].key.text))
            *source_add(r->s, map, "", from->items[i].value) = from->items[i];
    }
}

static void merge_all(struct reader *r, struct source_node *map)
{
    for (size_t i = 0; i < map->n; i++) {
        const struct source_pair pair = map->items[i];
        if (pair.key.style != SOURCE_PLAIN || strcmp(pair.key.text, "<<") != 0)
            continue;
        memmove(&map->items[i], &map->items[i + 1],
                (map->n - i - 1) * sizeof(*map->items));
        map->n--;
        merge(r, map, &pair.value);
        i--;
    }
}

static int read_key(struct reader *r, const yaml_event_t *e, struct source_node *key)
{
    if (e->type != YAML_SCALAR_EVENT)
        return refuse(r, e->start_mark, "a key must be a simple text");
    const int code = read_scalar(r, e, key);
    if (code != FF_OK || !strchr(key->raw, '\n'))
        return code;
    const struct source_node one_line = source_made_key(r->s, key->text);
    key->raw = one_line.raw;
    key->style = one_line.style;
    return FF_OK;
}

/* The items up to the end of the collection, whose event has been taken. */
static int read_items(struct reader *r, struct source_node *node, int depth)
{
    const bool is_map = node->kind == SOURCE_MAP;
    yaml_event_t e;

    for (;;) {
        struct source_pair pair = {.key = {.text = ""}};
        int code = next(r, &e);
        if (code != FF_OK)
            return code;
        if (e.type == YAML_SEQUENCE_END_EVENT || e.type == YAML_MAPPING_END_EVENT)
            break;
        if (is_map) {
            code = read_key(r, &e, &pair.key);
            yaml_event_delete(&e);
            if (code != FF_OK || (code = next(r, &e)) != FF_OK)
                return code;
        }
        code = read_node(r, &e, depth, &pair.value);
        yaml_event_delete(&e);
        if (code != FF_OK)
            return code;
        node->items =
            source_reserve(r->s, node->items, node->n, &node->cap, sizeof(pair));
        node->items[node->n++] = pair;
    }
    node->end = byte_of(r, e.end_mark);
    yaml_event_delete(&e);
    if (is_map && r->aliases)
        merge_all(r, node);
    return FF_OK;
}

static int read_collection(struct reader *r, const yaml_event_t *e, int depth,
                           struct source_node *out)
{
    const bool is_map = e->type == YAML_MAPPING_START_EVENT;
    const bool flow = is_map ? e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
                             : e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    const int code = is_map ? check_marks(r, e, e->data.mapping_start.tag,
                                          e->data.mapping_start.anchor)
                            : check_marks(r, e, e->data.sequence_start.tag,
                                          e->data.sequence_start.anchor);
    if (code != FF_OK)
        return code;
    if (depth >= SOURCE_MAX_DEPTH)
        return refuse(r, e->start_mark, "lists and maps are nested too deep");
    *out = new_node(r, e);
    out->kind = is_map ? SOURCE_MAP : SOURCE_LIST;
    out->style = flow ? SOURCE_FLOW : SOURCE_BLOCK;
    out->text = out->raw = "";
    return read_items(r, out, depth + 1);
}

static const char *anchor_of(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return (const char *)e->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT:
        return (const char *)e->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT:
        return (const char *)e->data.mapping_start.anchor;
    default:
        return NULL;
    }
}

static void keep_anchor(struct reader *r, const char *name,
                        const struct source_node *node, size_t weight)
{
    struct source_node *kept = arena_alloc(&r->s->arena, sizeof(*kept));
    const struct anchor anchor = {arena_text(&r->s->arena, name, strlen(name)), kept,
                                  weight};

    *kept = *node;
    ARRAY_ADD(&r->anchors, anchor);
}

static int read_node(struct reader *r, const yaml_event_t *e, int depth,
                     struct source_node *out)
{
    const size_t before = r->n_nodes;
    int code = count_node(r, e->start_mark, 1);

    if (code != FF_OK)
        return code;
    if (e->type == YAML_ALIAS_EVENT)
        return resolve(r, e, out);
    code = e->type == YAML_SCALAR_EVENT ? read_scalar(r, e, out)
                                        : read_collection(r, e, depth, out);
    if (code == FF_OK && anchor_of(e))
        keep_anchor(r, anchor_of(e), out, r->n_nodes - before);
    return code;
}

/* Stream start, one document, stream end. */
static int read_stream(struct reader *r)
{
    bool found = false;
    bool done = false;
    int code = FF_OK;

    while (code == FF_OK && !done) {
        yaml_event_t e;
        code = next(r, &e);
        if (code != FF_OK)
            break;
        done = e.type == YAML_STREAM_END_EVENT;
        if (e.type == YAML_DOCUMENT_START_EVENT && found) {
            code = refuse(r, e.start_mark,
                          "a second document starts here; a file holds one: put each "
                          "into a file of its own");
        } else if (e.type >= YAML_ALIAS_EVENT && e.type != YAML_SEQUENCE_END_EVENT &&
                   e.type != YAML_MAPPING_END_EVENT) {
            code = read_node(r, &e, 0, &r->s->root);
            found = true;
        }
        yaml_event_delete(&e);
    }
    if (code == FF_OK && !found)
        return ff_fail(r->err, FF_INVALID, 0, "the file is empty");
    return code;
}

int source_read(struct source *s, const char *text, size_t len, bool aliases,
                struct ff_err *err)
{
    struct reader r = {.s = s, .aliases = aliases, .err = err};
    int code = FF_OK;

    *s = (struct source){.text = NULL};
    if (text_utf8_error(text, len) < len)
        return ff_fail(err, FF_INVALID, 0, "the file is not UTF-8 text");
    take_text(s, text, len);
    /* libyaml passes over one at the start of any line, but not elsewhere. */
    if (memmem(s->text, s->len, "\xEF\xBB\xBF", 3)) {
        source_done(s);
        return ff_fail(err, FF_INVALID, 0,
                       "the file holds a byte order mark (U+FEFF) inside; remove it");
    }
    source_find_lines(&r.lines, s->text, s->len);
    if (!yaml_parser_initialize(&r.parser))
        mem_exhausted();
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)s->text, s->len);
    code = read_stream(&r);
    yaml_parser_delete(&r.parser);
    if (code == FF_OK)
        source_attach(s, &r.lines, &r.spans);
    ARRAY_DONE(&r.lines);
    ARRAY_DONE(&r.spans);
    ARRAY_DONE(&r.anchors);
    if (code != FF_OK)
        source_done(s);
    return code;
}

void source_done(struct source *s)
{
    arena_done(&s->arena);
    *s = (struct source){.text = NULL};
}
