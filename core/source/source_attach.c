/* Comments: found between the scalars of a text, then given to the nodes that they
 * stand at. Every comment goes to exactly one place, in the order of the file, so none
 * is lost whatever stands around it. */
#include "source/source_priv.h"

#include <string.h>

struct found {
    size_t at;
    int line;
    size_t column; /* bytes before it in its line */
    bool own_line;
    struct source_comment comment;
};

struct attacher {
    struct source *s;
    const struct source_lines *lines;
    struct found *items;
    size_t n, cap;
    size_t next; /* the first that has no place yet */
};

/* --- finding --- */

static size_t line_of(const struct attacher *a, size_t at)
{
    size_t first = 0;
    size_t end = a->lines->n;

    while (end - first > 1) {
        const size_t middle = first + (end - first) / 2;
        if (a->lines->items[middle] <= at)
            first = middle;
        else
            end = middle;
    }
    return first;
}

/* Where the blanks that begin at `at` end. By hand: the functions of the library may
 * look at all of the text behind it, where they are checked. */
static size_t after_blanks(const char *text, size_t at)
{
    while (text[at] == ' ' || text[at] == '\t')
        at++;
    return at;
}

static bool is_blank_line(const struct attacher *a, size_t line)
{
    const char *text = a->s->text;

    return text[after_blanks(text, a->lines->items[line])] == '\n';
}

static bool blank_before(const struct attacher *a, size_t at)
{
    const size_t line = line_of(a, at);

    return line > 0 && is_blank_line(a, line - 1);
}

static void add_found(struct attacher *a, size_t at)
{
    const char *text = a->s->text + at;
    const size_t line = line_of(a, at);
    const size_t start = a->lines->items[line];
    size_t len = strcspn(text, "\n");

    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    const struct found found = {
        .at = at,
        .line = (int)line + 1,
        .column = at - start,
        .own_line = after_blanks(a->s->text, start) == at,
        .comment = {.text = arena_text(&a->s->arena, text, len),
                    .blank = blank_before(a, at)},
    };
    ARRAY_ADD(a, found);
}

static void find_in_gap(struct attacher *a, size_t at, size_t end)
{
    while (at < end) {
        const char *hash = memchr(a->s->text + at, '#', end - at);
        if (!hash)
            return;
        at = (size_t)(hash - a->s->text);
        add_found(a, at);
        at += strcspn(hash, "\n");
    }
}

/* "|+2  # why": the comment behind the header of a block. */
static void find_in_header(struct attacher *a, const struct source_span *span)
{
    const size_t len = strcspn(a->s->text + span->start, "\n");
    const char *hash = memchr(a->s->text + span->start, '#', len);

    if (hash && (size_t)(hash - a->s->text) < span->end)
        add_found(a, (size_t)(hash - a->s->text));
}

static void find_all(struct attacher *a, const struct source_spans *spans)
{
    size_t at = 0;

    for (size_t i = 0; i < spans->n; i++) {
        find_in_gap(a, at, spans->items[i].start);
        if (spans->items[i].block)
            find_in_header(a, &spans->items[i]);
        at = spans->items[i].end;
    }
    find_in_gap(a, at, a->s->len);
}

/* --- giving --- */

static void add_comment(struct source *s, struct source_comments *to,
                        struct source_comment comment)
{
    to->items = source_reserve(s, to->items, to->n, &to->cap, sizeof(comment));
    to->items[to->n++] = comment;
}

static const struct found *peek(const struct attacher *a, size_t limit)
{
    return a->next < a->n && a->items[a->next].at < limit ? &a->items[a->next] : NULL;
}

static void take_before(struct attacher *a, size_t limit, struct source_comments *to)
{
    for (const struct found *f; (f = peek(a, limit)); a->next++)
        add_comment(a->s, to, f->comment);
}

/* The comment behind something that ends on this line. */
static void take_tail(struct attacher *a, int line, size_t limit, const char **tail)
{
    const struct found *f = peek(a, limit);

    if (!f || f->own_line || f->line != line || *tail)
        return;
    *tail = f->comment.text;
    a->next++;
}

/* Where the first key or scalar in a node stands; of one without any, its end: what
 * stands in empty brackets goes before them. */
static size_t first_byte(const struct source_node *node)
{
    while (node->kind == SOURCE_LIST && node->n > 0)
        node = &node->items[0].value;
    if (node->kind == SOURCE_SCALAR)
        return node->start;
    return node->n > 0 ? node->items[0].key.start : node->end;
}

static size_t entry_byte(const struct source_node *parent, size_t i)
{
    return parent->kind == SOURCE_MAP ? parent->items[i].key.start
                                      : first_byte(&parent->items[i].value);
}

static void attach_items(struct attacher *a, struct source_node *node, int outer,
                         size_t limit);

/* A collection that is written on lines of its own. */
static void attach_collection(struct attacher *a, const struct source_node *parent,
                              struct source_pair *pair, int column, size_t limit)
{
    struct source_node *value = &pair->value;
    const size_t end = value->style == SOURCE_FLOW ? value->end : limit;

    if (parent->kind == SOURCE_MAP)
        take_tail(a, (int)line_of(a, pair->key.start) + 1, entry_byte(value, 0),
                  &pair->tail);
    attach_items(a, value, column, end);
    if (value->style != SOURCE_FLOW || value->end == 0)
        return;
    const char *behind = NULL;
    take_tail(a, (int)line_of(a, value->end - 1) + 1, limit, &behind);
    if (behind && parent->kind == SOURCE_MAP && !pair->tail)
        pair->tail = behind;
    else if (behind)
        add_comment(a->s, &value->foot, (struct source_comment){.text = behind});
}

static void attach_value(struct attacher *a, const struct source_node *parent,
                         struct source_pair *pair, int column, size_t limit)
{
    struct source_node *value = &pair->value;

    if (value->kind != SOURCE_SCALAR && value->n > 0) {
        attach_collection(a, parent, pair, column, limit);
        return;
    }
    if (value->style >= SOURCE_LITERAL && value->kind == SOURCE_SCALAR) {
        /* Behind its header, which is where its line begins. */
        take_before(a, value->start, &pair->head);
        take_tail(a, value->line, limit, &pair->tail);
        return;
    }
    take_before(a, value->kind == SOURCE_SCALAR ? value->start : value->end,
                &pair->head);
    const size_t end = value->end > 0 ? value->end - 1 : 0;
    take_tail(a, (int)line_of(a, end) + 1, limit, &pair->tail);
}

/* Those that stand at the column of the items, or further in, belong to them. */
static void take_foot(struct attacher *a, struct source_node *node, int outer,
                      size_t limit)
{
    const struct found *f;

    while ((f = peek(a, limit))) {
        const int column = (int)f->column + 1;
        const bool inside =
            node->style == SOURCE_FLOW || (column >= node->column && column > outer);
        if (!inside || (node->style != SOURCE_FLOW && !f->own_line))
            return;
        add_comment(a->s, &node->foot, f->comment);
        a->next++;
    }
}

/* The first line of an item begins with its dash: what stands above its first key,
 * stands above the dash. */
static void lift_head(struct source *s, struct source_pair *item)
{
    if (item->value.kind == SOURCE_SCALAR || item->value.n == 0)
        return;
    struct source_comments *head = &item->value.items[0].head;
    for (size_t i = 0; i < head->n; i++)
        add_comment(s, &item->head, head->items[i]);
    head->n = 0;
}

/* `outer`: the column of what is around it; `limit`: where the next thing begins. */
static void attach_items(struct attacher *a, struct source_node *node, int outer,
                         size_t limit)
{
    for (size_t i = 0; i < node->n; i++) {
        struct source_pair *pair = &node->items[i];
        const size_t start = entry_byte(node, i);
        const size_t after = i + 1 < node->n ? entry_byte(node, i + 1) : limit;

        pair->blank = blank_before(a, start);
        take_before(a, start, &pair->head);
        const bool bare = pair->head.n == 0;
        attach_value(a, node, pair, node->column, after);
        if (node->kind == SOURCE_LIST)
            lift_head(a->s, pair);
        if (bare && pair->head.n > 0 && pair->blank) {
            /* One from behind the key goes above it, and below the empty line. */
            pair->head.items[0].blank = true;
            pair->blank = false;
        }
    }
    take_foot(a, node, outer, node->style == SOURCE_FLOW ? node->end : limit);
}

void source_attach(struct source *s, const struct source_lines *lines,
                   const struct source_spans *spans)
{
    struct attacher a = {.s = s, .lines = lines};
    struct source_pair top = {.value = s->root};
    const struct source_node none = {.kind = SOURCE_LIST};

    find_all(&a, spans);
    if (s->root.kind == SOURCE_SCALAR || s->root.n == 0) {
        attach_value(&a, &none, &top, 0, s->len);
        s->head = top.head;
        s->root = top.value;
        if (top.tail)
            add_comment(s, &s->foot, (struct source_comment){.text = top.tail});
    } else {
        attach_collection(&a, &none, &top, 0, s->len);
        s->root = top.value;
    }
    take_before(&a, s->len, &s->foot);
    ARRAY_DONE(&a);
}
