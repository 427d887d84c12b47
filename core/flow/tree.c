/* From libyaml's events to a tree. libyaml reads YAML 1.1 and resolves nothing at the
 * level of events, so scalars are ours to judge (tree_scalar.c), and aliases, which can
 * make small files expand to huge ones, never get as far as being expanded. */
#include "flow/tree.h"
#include "flow/problem.h"
#include <string.h>
#include <yaml.h>

/* A collection that is not yet closed. */
struct open_node {
    struct tree_node node;
    size_t first; /* of its children in the pile */
    struct tree_key key;
    bool has_key; /* key waits for its value; without text it was refused */
};

struct builder {
    struct tree *tree;
    struct flow_problems *problems;
    yaml_parser_t parser;
    struct open_node open[FLOW_MAX_DEPTH + 1]; /* the first is the stream */
    size_t depth;
    struct {
        struct tree_pair *items;
        size_t n, cap;
    } pile; /* children of all open collections */
    size_t n_nodes;
    bool stop;
};

static struct flow_problem *problem_at(struct builder *b, int code, yaml_mark_t mark,
                                       const char *at, size_t len)
{
    return flow_problem_add(b->problems, code, (int)mark.line + 1, (int)mark.column + 1,
                            at, len);
}

/* What libyaml says and what to do about it. The first that is found in its text. */
static const struct {
    const char *problem, *hint;
} remedies[] = {
    {"found character that cannot start any token",
     "indent with spaces, not tabs; quote text that starts with @, ` or %"},
    {"mapping values are not allowed",
     "quote text that contains a colon and a space; check the indentation"},
    {"could not find expected ':'", "a key is followed by a colon and a space"},
    {"did not find expected ',' or",
     "inside { } and [ ], quote text with special characters: \"${{ ... }}\""},
    {"found unexpected end of stream", "a quote is opened and never closed"},
    {"did not find expected key",
     "check the indentation of this line and the quotes of the one before"},
    {"did not find expected '-' indicator",
     "the items of a list start with - in the same column"},
    {"found unknown escape character",
     "in double quotes write \\\\ for a backslash, or use single quotes"},
    {"control characters are not allowed",
     "remove it, or write \\xNN in double quotes"},
};

static const char *find_remedy(const char *problem)
{
    for (size_t i = 0; i < COUNT_OF(remedies); i++)
        if (strstr(problem, remedies[i].problem))
            return remedies[i].hint;
    return "";
}

static void report_syntax(struct builder *b)
{
    const yaml_parser_t *y = &b->parser;
    int line = (int)y->problem_mark.line + 1;
    int column = (int)y->problem_mark.column + 1;
    size_t offset = y->problem_offset < b->tree->len ? y->problem_offset : b->tree->len;
    struct flow_problem *p;

    if (y->error == YAML_MEMORY_ERROR)
        mem_exhausted();
    const char *why = y->problem; /* every other error has one */
    if (y->error == YAML_READER_ERROR)
        tree_place_of_byte(b->tree->source, offset, &line, &column);
    p = flow_problem_add(b->problems, PROBLEM_SYNTAX, line, column, "", 0);
    if (y->context)
        flow_problem_msg(p, "this is not YAML: %s (%s that starts in line %zu)", why,
                         y->context, y->context_mark.line + 1);
    else
        flow_problem_msg(p, "this is not YAML: %s", why);
    flow_problem_hint(p, "%s", find_remedy(why));
    b->stop = true;
}

static void refuse_anchor(struct builder *b, const yaml_event_t *e, const char *anchor)
{
    if (!anchor)
        return;

    struct flow_problem *p =
        problem_at(b, PROBLEM_YAML_FEATURE, e->start_mark, anchor, strlen(anchor));

    flow_problem_msg(p, "anchors such as &%s are not part of workflow files", anchor);
    flow_problem_hint(p, "write it out, or use defaults: for what all tasks share");
}

static void refuse_tag(struct builder *b, const yaml_event_t *e, const char *tag)
{
    if (!tag)
        return;

    struct flow_problem *p =
        problem_at(b, PROBLEM_YAML_FEATURE, e->start_mark, tag, strlen(tag));

    flow_problem_msg(p, "tags such as %s are not part of workflow files", tag);
    flow_problem_hint(p, "remove it; quote what should be text");
}

static void refuse_alias(struct builder *b, const yaml_event_t *e)
{
    const char *name = (const char *)e->data.alias.anchor;
    struct flow_problem *p =
        problem_at(b, PROBLEM_YAML_FEATURE, e->start_mark, name, strlen(name));

    flow_problem_msg(p, "aliases such as *%s are not part of workflow files", name);
    flow_problem_hint(p, "write it out; quote text that starts with *");
}

static void refuse_documents(struct builder *b, const yaml_event_t *e)
{
    struct flow_problem *p = problem_at(b, PROBLEM_DOCUMENTS, e->start_mark, "---", 3);

    flow_problem_msg(p, "a second document starts here; a file holds one workflow");
    flow_problem_hint(p, "put each workflow in a file of its own");
    b->stop = true;
}

static void refuse_limit(struct builder *b, const yaml_event_t *e, const char *what)
{
    flow_problem_msg(problem_at(b, PROBLEM_LIMIT, e->start_mark, "", 0), "%s", what);
    b->stop = true;
}

/* A key, or what stands in its place. */
static void refuse_key(struct builder *b, const struct tree_node *node)
{
    flow_problem_msg(flow_problem_add(b->problems, PROBLEM_KEY, (int)node->line,
                                      (int)node->column, "", 0),
                     "a key must be a simple text");
}

static struct tree_key take_key(struct builder *b, const yaml_event_t *e,
                                const struct tree_node *node)
{
    struct tree_key key = {node->text, node->n, node->line, node->column};
    struct flow_problem *p;

    if (node->kind == TREE_BROKEN) {
        key.text = NULL;
    } else if (node->n == 0) {
        refuse_key(b, node);
        key.text = NULL;
    } else if (node->style == TREE_PLAIN && strcmp(node->text, "<<") == 0) {
        p = problem_at(b, PROBLEM_YAML_FEATURE, e->start_mark, "<<", 2);
        flow_problem_msg(p, "merge keys (<<) are not part of workflow files");
        flow_problem_hint(p, "write it out, or use defaults: for what tasks share");
        key.text = NULL;
    }
    return key;
}

static void add_node(struct builder *b, const yaml_event_t *e, struct tree_node node)
{
    struct open_node *parent = &b->open[b->depth];
    struct tree_pair pair = {.key = {.text = ""}, .value = node};

    if (++b->n_nodes > TREE_MAX_NODES) {
        refuse_limit(b, e, "the file has more than 5,000,000 values");
        return;
    }
    if (parent->node.kind == TREE_MAP) {
        if (!parent->has_key) {
            parent->key = take_key(b, e, &node);
            parent->has_key = true;
            return;
        }
        parent->has_key = false;
        if (!parent->key.text)
            return;
        pair.key = parent->key;
    }
    ARRAY_ADD(&b->pile, pair);
}

static struct tree_node new_node(const yaml_event_t *e, enum tree_kind kind)
{
    return (struct tree_node){.kind = (uint8_t)kind,
                              .line = (uint32_t)e->start_mark.line + 1,
                              .column = (uint32_t)e->start_mark.column + 1,
                              .text = ""};
}

static void refuse_number(struct builder *b, const yaml_event_t *e,
                          const struct tree_node *node)
{
    struct flow_problem *p =
        problem_at(b, PROBLEM_NUMBER, e->start_mark, node->text, node->n);

    flow_problem_msg(p, "%.40s is not a number that can be represented", node->text);
    flow_problem_hint(p, "quote it if it is text");
}

static enum tree_style style_of(const yaml_event_t *e)
{
    switch (e->data.scalar.style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        return TREE_QUOTED;
    case YAML_LITERAL_SCALAR_STYLE:
    case YAML_FOLDED_SCALAR_STYLE:
        return TREE_BLOCK;
    default:
        return TREE_PLAIN;
    }
}

static void add_scalar(struct builder *b, const yaml_event_t *e)
{
    const char *value = (const char *)e->data.scalar.value;
    size_t len = e->data.scalar.length;
    struct tree_node node = new_node(e, TREE_TEXT);

    refuse_anchor(b, e, (const char *)e->data.scalar.anchor);
    refuse_tag(b, e, (const char *)e->data.scalar.tag);
    node.style = (uint8_t)style_of(e);
    node.text = arena_text(&b->tree->arena, value, len);
    node.n = (uint32_t)len;
    if (memchr(value, '\0', len)) {
        flow_problem_msg(problem_at(b, PROBLEM_BYTES, e->start_mark, "\\0", 2),
                         "text may not hold a zero byte");
        node.kind = TREE_BROKEN;
    } else if (node.style == TREE_PLAIN && !tree_resolve_plain(&node)) {
        refuse_number(b, e, &node);
    }
    add_node(b, e, node);
}

static void open_collection(struct builder *b, const yaml_event_t *e,
                            enum tree_kind kind)
{
    if (b->depth == FLOW_MAX_DEPTH) {
        refuse_limit(b, e, "lists and maps are nested more than 32 deep");
        return;
    }
    b->open[++b->depth] =
        (struct open_node){.node = new_node(e, kind), .first = b->pile.n};
}

static void report_duplicate(struct builder *b, const struct tree_key *first,
                             const struct tree_key *again)
{
    struct flow_problem *p =
        flow_problem_add(b->problems, PROBLEM_DUPLICATE_KEY, (int)again->line,
                         (int)again->column, again->text, again->n);

    flow_problem_msg(p,
                     "the key %.100s stands here a second time; the first is in "
                     "line %u",
                     again->text, first->line);
    flow_problem_hint(p, "remove one of the two");
}

#define FEW_KEYS 16

static const struct tree_key *find_key(const struct tree_pair *items, size_t n,
                                       const struct tree_key *key)
{
    for (size_t i = 0; i < n; i++)
        if (items[i].key.n == key->n &&
            memcmp(items[i].key.text, key->text, key->n) == 0)
            return &items[i].key;
    return NULL;
}

/* Removes repeated keys, so that nothing else complains about them; the keys left. */
static size_t drop_duplicates(struct builder *b, struct tree_pair *items, size_t n)
{
    struct map seen = {0};
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        const struct tree_key *first =
            n <= FEW_KEYS ? find_key(items, kept, &items[i].key)
                          : map_get_len(&seen, items[i].key.text, items[i].key.n);

        if (first) {
            report_duplicate(b, first, &items[i].key);
            continue;
        }
        items[kept] = items[i];
        if (n > FEW_KEYS)
            map_set_text(&seen, items[kept].key.text, &items[kept].key);
        kept++;
    }
    map_done(&seen);
    return kept;
}

static void close_collection(struct builder *b, const yaml_event_t *e)
{
    struct open_node *done = &b->open[b->depth];
    size_t n = b->pile.n - done->first;

    if (n > 0) {
        size_t size = n * sizeof(*b->pile.items);

        done->node.items = arena_alloc(&b->tree->arena, size);
        memcpy(done->node.items, b->pile.items + done->first, size);
        if (done->node.kind == TREE_MAP)
            n = drop_duplicates(b, done->node.items, n);
        done->node.n = (uint32_t)n;
    }
    b->pile.n = done->first;
    b->depth--;

    bool in_place_of_key =
        b->open[b->depth].node.kind == TREE_MAP && !b->open[b->depth].has_key;

    if (in_place_of_key) {
        refuse_key(b, &done->node);
        done->node.kind = TREE_BROKEN;
    }
    add_node(b, e, done->node);
}

static void take_event(struct builder *b, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->pile.n > 0)
            refuse_documents(b, e);
        break;
    case YAML_ALIAS_EVENT:
        refuse_alias(b, e);
        add_node(b, e, new_node(e, TREE_BROKEN));
        break;
    case YAML_SCALAR_EVENT:
        add_scalar(b, e);
        break;
    case YAML_SEQUENCE_START_EVENT:
        refuse_anchor(b, e, (const char *)e->data.sequence_start.anchor);
        refuse_tag(b, e, (const char *)e->data.sequence_start.tag);
        open_collection(b, e, TREE_LIST);
        break;
    case YAML_MAPPING_START_EVENT:
        refuse_anchor(b, e, (const char *)e->data.mapping_start.anchor);
        refuse_tag(b, e, (const char *)e->data.mapping_start.tag);
        open_collection(b, e, TREE_MAP);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_collection(b, e);
        break;
    case YAML_STREAM_END_EVENT:
        b->stop = true;
        break;
    default:
        break;
    }
}

static void read_events(struct builder *b)
{
    while (!b->stop) {
        yaml_event_t event;

        if (!yaml_parser_parse(&b->parser, &event)) {
            report_syntax(b);
            return;
        }
        take_event(b, &event);
        yaml_event_delete(&event);
    }
}

bool tree_read(struct tree *t, const char *text, size_t len,
               struct flow_problems *problems)
{
    struct builder *b = mem_alloc(sizeof(*b));
    bool read = false;

    *t = (struct tree){.source = text, .len = len};
    b->tree = t;
    b->problems = problems;
    if (tree_check_bytes(text, len, problems)) {
        if (!yaml_parser_initialize(&b->parser))
            mem_exhausted();
        yaml_parser_set_input_string(&b->parser, (const unsigned char *)text, len);
        read_events(b);
        yaml_parser_delete(&b->parser);
        read = b->depth == 0 && b->pile.n > 0;
    }
    if (read)
        t->root = b->pile.items[0].value;
    else if (problems->n == 0)
        flow_problem_msg(
            flow_problem_add(problems, PROBLEM_NOT_A_WORKFLOW, 1, 1, "", 0),
            "the file is empty");
    ARRAY_DONE(&b->pile);
    mem_free(b);
    return read;
}

void tree_done(struct tree *t)
{
    arena_done(&t->arena);
}

const char *tree_kind_text(const struct tree_node *node)
{
    static const char *const texts[] = {
        [TREE_BROKEN] = "something unreadable",
        [TREE_NULL] = "nothing",
        [TREE_BOOL] = "true or false",
        [TREE_INT] = "a number",
        [TREE_REAL] = "a number",
        [TREE_TEXT] = "text",
        [TREE_LIST] = "a list",
        [TREE_MAP] = "a map",
    };

    return texts[node->kind];
}
