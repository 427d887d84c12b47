/* How one scalar is written. What was read keeps its style: plain and double quotes as
 * they are, single quotes become double ones where nothing has to be escaped, blocks
 * are moved to their column. */
#include "source/source_priv.h"

#include <string.h>

static bool is_one_line(const struct source_node *node)
{
    return node->style < SOURCE_LITERAL && !memchr(node->raw, '\n', strlen(node->raw));
}

static size_t columns_of(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* Printable, and with nothing that double quotes would change. */
static bool is_simple(const struct source_node *node)
{
    for (size_t i = 0; i < node->len; i++) {
        const unsigned char c = (unsigned char)node->text[i];
        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
            return false;
    }
    return true;
}

size_t source_scalar_width(const struct source_node *node)
{
    if (!is_one_line(node))
        return SIZE_MAX;
    if (node->style == SOURCE_SINGLE && is_simple(node))
        return columns_of(node->text) + 2;
    return columns_of(node->raw);
}

static void add_line(struct buf *out, size_t indent, const char *line, size_t len)
{
    for (size_t i = 0; len > 0 && i < indent; i++)
        buf_add_char(out, ' ');
    buf_add(out, line, len);
}

/* --- plain and quoted over several lines --- */

static size_t without_blanks(const char *line, size_t len)
{
    size_t n = len;

    while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
        n--;
    return n > 0 && line[n - 1] == '\\' ? len : n; /* an escaped blank */
}

static void add_lines(const struct source_node *node, size_t indent, struct buf *out)
{
    const char *line = node->raw;

    for (bool first = true;; first = false) {
        const size_t len = strcspn(line, "\n");
        const size_t skip = first ? 0 : strspn(line, " \t");
        const size_t lead = skip > len ? len : skip;
        const bool last = line[len] == '\0';
        const size_t left = len - lead;

        add_line(out, first ? 0 : indent + 2, line + lead,
                 last ? left : without_blanks(line + lead, left));
        if (last)
            return;
        buf_add_char(out, '\n');
        line += len + 1;
    }
}

/* --- blocks --- */

/* A first line that begins with a blank hides where the block begins. */
static bool needs_indicator(const struct source_node *node)
{
    const char c = node->text[strspn(node->text, "\n")];

    return c == ' ' || c == '\t';
}

static const char *chomping(const struct source_node *node)
{
    const size_t n = node->len;

    if (n == 0 || node->text[n - 1] != '\n')
        return "-";
    return n > 1 && node->text[n - 2] == '\n' ? "+" : "";
}

static bool is_empty_block(const struct source_node *node)
{
    return strspn(node->text, "\n") == node->len;
}

static void add_quoted(const struct source_node *node, struct buf *out)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < node->len; i++)
        buf_add_text(out, "\\n");
    buf_add_char(out, '"');
}

static void add_literal(const struct source_node *node, size_t indent, struct buf *out)
{
    const size_t n = node->len;
    const size_t end = n > 0 && node->text[n - 1] == '\n' ? n - 1 : n;

    buf_printf(out, "|%s%s\n", needs_indicator(node) ? "2" : "", chomping(node));
    for (size_t at = 0; at <= end;) {
        const char *feed = memchr(node->text + at, '\n', end - at);
        const size_t stop = feed ? (size_t)(feed - node->text) : end;
        add_line(out, indent + 2, node->text + at, stop - at);
        if (!feed)
            break;
        buf_add_char(out, '\n');
        at = stop + 1;
    }
}

/* Its lines as they are: where they break is not in the value. */
struct folded {
    const char *body; /* after the header */
    size_t len;       /* without the empty lines at its end that mean nothing */
    size_t indent;    /* of the source */
};

static size_t blanks_of(const char *text)
{
    return strspn(text, " ");
}

static struct folded find_folded(const struct source_node *node)
{
    const char *body = strchr(node->raw, '\n');
    struct folded f = {.body = body ? body + 1 : ""};
    const char *line = f.body;

    f.len = strlen(f.body);
    while (*line && line[blanks_of(line)] == '\n')
        line += blanks_of(line) + 1;
    const size_t own = blanks_of(node->text + strspn(node->text, "\n"));
    f.indent = blanks_of(line) > own ? blanks_of(line) - own : 0;
    const bool keeps = strchr(chomping(node), '+') && *chomping(node);
    while (f.len > 0 && strchr(" \t\n", f.body[f.len - 1]) && !keeps)
        f.len--;
    if (keeps && f.len > 0 && f.body[f.len - 1] == '\n')
        f.len--;
    return f;
}

/* Blanks at the end of folded text are hard to see and easy to lose: as a literal block
 * they stay what they are. */
static bool ends_in_blanks(const struct source_node *node)
{
    size_t n = node->len;

    while (n > 0 && node->text[n - 1] == '\n')
        n--;
    return n > 0 && (node->text[n - 1] == ' ' || node->text[n - 1] == '\t');
}

static void add_folded(const struct source_node *node, size_t indent, struct buf *out)
{
    const struct folded f = find_folded(node);
    size_t at = 0;

    buf_printf(out, ">%s%s\n", needs_indicator(node) ? "2" : "", chomping(node));
    while (at <= f.len) {
        const size_t len = strcspn(f.body + at, "\n");
        const size_t stop = at + len > f.len ? f.len : at + len;
        const size_t blanks = blanks_of(f.body + at);
        size_t skip = blanks < f.indent ? blanks : f.indent;
        if (at + skip > stop)
            skip = stop - at;
        add_line(out, indent + 2, f.body + at + skip, stop - at - skip);
        if (stop == f.len)
            break;
        buf_add_char(out, '\n');
        at = stop + 1;
    }
}

void source_print_scalar(const struct source_node *node, size_t indent, struct buf *out)
{
    if (node->style >= SOURCE_LITERAL && is_empty_block(node))
        add_quoted(node, out);
    else if (node->style == SOURCE_LITERAL ||
             (node->style == SOURCE_FOLDED && ends_in_blanks(node)))
        add_literal(node, indent, out);
    else if (node->style == SOURCE_FOLDED)
        add_folded(node, indent, out);
    else if (node->style == SOURCE_SINGLE && is_one_line(node) && is_simple(node))
        buf_printf(out, "\"%s\"", node->text);
    else
        add_lines(node, indent, out);
}
