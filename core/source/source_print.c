/* The canonical form: two columns a level, lists in their own level, one blank line at
 * most, { } and [ ] where they fit a line and were written so. The order of keys, and
 * what stands in comments and blocks, is the author's. */
#include "source/source_priv.h"

#include <string.h>

/* A comment behind something, to be moved under the one above it. */
struct tail {
    size_t at; /* in out: where the two blanks before it are */
    size_t line, column, indent;
};

struct printer {
    struct buf *out;
    struct {
        struct tail *items;
        size_t n, cap;
    } tails;
    bool kept; /* the last line belongs to a block that keeps its empty lines */
};

static void add_indent(struct printer *p, size_t indent)
{
    for (size_t i = 0; i < indent; i++)
        buf_add_char(p->out, ' ');
}

static void add_blank(struct printer *p)
{
    if (!p->kept)
        buf_add_char(p->out, '\n');
    p->kept = false;
}

static void add_comments(struct printer *p, const struct source_comments *comments,
                         size_t indent, bool first)
{
    for (size_t i = 0; i < comments->n; i++) {
        if (comments->items[i].blank && (i > 0 || !first))
            add_blank(p);
        add_indent(p, indent);
        buf_add_text(p->out, comments->items[i].text);
        buf_add_char(p->out, '\n');
        p->kept = false;
    }
}

/* In columns, from the last line end on. */
static size_t column_of(const struct printer *p)
{
    const char *start = buf_text(p->out) + p->out->len;
    size_t n = 0;

    for (; start > p->out->data && start[-1] != '\n'; start--)
        n += ((unsigned char)start[-1] & 0xc0) != 0x80;
    return n;
}

static void add_tail(struct printer *p, const char *comment, size_t indent)
{
    const struct tail tail = {
        .at = p->out->len, .column = column_of(p), .indent = indent};

    if (!comment)
        return;
    ARRAY_ADD(&p->tails, tail);
    buf_printf(p->out, "  %s", comment);
}

/* --- on one line --- */

static bool has_comments(const struct source_node *node)
{
    if (node->foot.n > 0)
        return true;
    for (size_t i = 0; node->kind != SOURCE_SCALAR && i < node->n; i++)
        if (node->items[i].head.n > 0 || node->items[i].tail ||
            has_comments(&node->items[i].value))
            return true;
    return false;
}

/* The width of a node on one line; more than `room` when it does not fit or cannot. */
static size_t inline_width(const struct source_node *node, size_t room)
{
    size_t width = 2;

    if (node->kind == SOURCE_SCALAR) {
        width = source_scalar_width(node);
        return width == 0 ? 4 : width; /* null */
    }
    for (size_t i = 0; i < node->n && width <= room; i++) {
        const size_t key =
            node->kind == SOURCE_MAP ? source_scalar_width(&node->items[i].key) : 0;
        const size_t value = inline_width(&node->items[i].value, room);
        if (key > room || value > room)
            return SIZE_MAX;
        width += value + (i > 0 ? 2 : 0) + (node->kind == SOURCE_MAP ? key + 2 : 0);
    }
    return width;
}

bool source_is_inline(const struct source_node *node, size_t column)
{
    if (node->n == 0)
        return true;
    if (node->style != SOURCE_FLOW || column >= SOURCE_WIDTH || has_comments(node))
        return false;
    return inline_width(node, SOURCE_WIDTH) <= SOURCE_WIDTH - column;
}

static void print_inline(struct printer *p, const struct source_node *node)
{
    if (node->kind == SOURCE_SCALAR) {
        if (source_scalar_width(node) == 0)
            buf_add_text(p->out, "null");
        else
            source_print_scalar(node, 0, p->out);
        return;
    }
    buf_add_char(p->out, node->kind == SOURCE_MAP ? '{' : '[');
    for (size_t i = 0; i < node->n; i++) {
        if (i > 0)
            buf_add_text(p->out, ", ");
        if (node->kind == SOURCE_MAP) {
            source_print_scalar(&node->items[i].key, 0, p->out);
            buf_add_text(p->out, ": ");
        }
        print_inline(p, &node->items[i].value);
    }
    buf_add_char(p->out, node->kind == SOURCE_MAP ? '}' : ']');
}

/* --- on lines of its own --- */

static void print_items(struct printer *p, const struct source_node *node,
                        size_t indent, bool behind_dash);

static bool keeps_lines(const struct source_node *node)
{
    if (node->style < SOURCE_LITERAL || node->kind != SOURCE_SCALAR)
        return false;
    return node->len > 1 && node->text[node->len - 1] == '\n' &&
           node->text[node->len - 2] == '\n';
}

static void print_value(struct printer *p, const struct source_pair *pair,
                        size_t indent, bool is_item)
{
    const struct source_node *value = &pair->value;

    if (value->kind == SOURCE_SCALAR) {
        if (source_scalar_width(value) > 0)
            buf_add_char(p->out, ' ');
        if (value->style >= SOURCE_LITERAL) {
            /* The comment stands behind the header, before the text. */
            struct buf block = {0};
            source_print_scalar(value, indent, &block);
            const size_t header = strcspn(buf_text(&block), "\n");
            buf_add(p->out, buf_text(&block), header);
            add_tail(p, pair->tail, indent);
            buf_add_text(p->out, buf_text(&block) + header);
            buf_done(&block);
        } else {
            source_print_scalar(value, indent, p->out);
            add_tail(p, pair->tail, indent);
        }
        buf_add_char(p->out, '\n');
        p->kept = keeps_lines(value);
    } else if (source_is_inline(value, column_of(p) + 1)) {
        buf_add_char(p->out, ' ');
        print_inline(p, value);
        add_tail(p, pair->tail, indent);
        buf_add_char(p->out, '\n');
        p->kept = false;
    } else if (is_item) {
        buf_add_char(p->out, ' ');
        print_items(p, value, indent + 2, true);
    } else {
        add_tail(p, pair->tail, indent);
        buf_add_char(p->out, '\n');
        p->kept = false;
        print_items(p, value, indent + 2, false);
    }
}

static void print_items(struct printer *p, const struct source_node *node,
                        size_t indent, bool behind_dash)
{
    for (size_t i = 0; i < node->n; i++) {
        const struct source_pair *pair = &node->items[i];
        const bool here = i == 0 && behind_dash;

        if (!here) {
            add_comments(p, &pair->head, indent, i == 0);
            if (pair->blank && (i > 0 || pair->head.n > 0))
                add_blank(p);
            add_indent(p, indent);
        }
        if (node->kind == SOURCE_MAP) {
            source_print_scalar(&pair->key, indent, p->out);
            buf_add_char(p->out, ':');
        } else {
            buf_add_char(p->out, '-');
        }
        print_value(p, pair, indent, node->kind == SOURCE_LIST);
    }
    add_comments(p, &node->foot, indent, false);
}

/* --- comments under each other --- */

#define MAX_SHIFT 32 /* a long line moves no short one further */

static void count_lines(struct printer *p)
{
    const char *at = buf_text(p->out);
    size_t line = 0;

    for (size_t i = 0; i < p->tails.n; i++) {
        const char *end = buf_text(p->out) + p->tails.items[i].at;
        for (; at < end; at++)
            line += *at == '\n';
        p->tails.items[i].line = line;
    }
}

/* How many tails from `first` on stand under each other, and the widest's column. */
static size_t find_group(const struct printer *p, size_t first, size_t *column)
{
    const struct tail *tails = p->tails.items;
    size_t least = tails[first].column;
    size_t n = 1;

    *column = least;
    for (size_t i = first + 1; i < p->tails.n; i++, n++) {
        const size_t low = tails[i].column < least ? tails[i].column : least;
        const size_t high = tails[i].column > *column ? tails[i].column : *column;
        if (tails[i].line != tails[i - 1].line + 1 ||
            tails[i].indent != tails[i - 1].indent || high - low > MAX_SHIFT)
            break;
        least = low;
        *column = high;
    }
    return n;
}

static void align_tails(struct printer *p, struct buf *out)
{
    const char *text = buf_text(p->out);
    size_t done = 0;
    size_t column = 0;

    count_lines(p);
    for (size_t i = 0; i < p->tails.n;) {
        for (size_t n = find_group(p, i, &column); n > 0; n--, i++) {
            const struct tail *tail = &p->tails.items[i];
            buf_add(out, text + done, tail->at - done);
            done = tail->at;
            for (size_t k = tail->column; k < column; k++)
                buf_add_char(out, ' ');
        }
    }
    buf_add(out, text + done, p->out->len - done);
}

static void print_root(struct printer *p, const struct source *s)
{

    add_comments(p, &s->head, 0, true);
    if (s->root.kind != SOURCE_SCALAR && !source_is_inline(&s->root, 0)) {
        print_items(p, &s->root, 0, false);
    } else {
        if (s->root.kind == SOURCE_SCALAR && s->root.style >= SOURCE_LITERAL)
            source_print_scalar(&s->root, 0, p->out);
        else
            print_inline(p, &s->root);
        buf_add_char(p->out, '\n');
    }
    add_comments(p, &s->foot, 0, false);
}

void source_print(const struct source *s, struct buf *out)
{
    struct buf made = {.max = out->max};
    struct printer p = {.out = &made};

    print_root(&p, s);
    align_tails(&p, out);
    ARRAY_DONE(&p.tails);
    buf_done(&made);
}
