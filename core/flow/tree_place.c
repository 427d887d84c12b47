/* Places: from a byte of a scalar or of the source to a line and column. Worked out
 * only when there is a problem to show, so that the tree needs no table of lines.
 * Columns count characters, as editors do. */
#include "flow/tree.h"
#include <string.h>

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

static int count_characters(const char *text, size_t len)
{
    int n = 0;

    for (size_t i = 0; i < len; i++)
        n += !is_continuation(text[i]);
    return n;
}

struct line {
    const char *start;
    size_t len; /* without its end */
};

/* A lone CR ends a line too (YAML 1.2, 5.4). */
static size_t line_length(const char *start, const char *end)
{
    const char *feed = memchr(start, '\n', (size_t)(end - start));
    const char *stop = feed ? feed : end;
    const char *cr = memchr(start, '\r', (size_t)(stop - start));

    return (size_t)((cr ? cr : stop) - start);
}

static const char *after_break(const char *at, const char *end)
{
    if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
        return at + 2;
    return at < end ? at + 1 : NULL;
}

/* Line `number`, counted from 1; start is NULL past the last. */
static struct line find_line(struct tree *t, uint32_t number)
{
    const char *end = t->source + t->len;
    bool ahead = t->near_line > 0 && number >= t->near_line;
    uint32_t at = ahead ? t->near_line : 1;
    struct line line = {.start = t->source + (ahead ? t->near_start : 0)};

    line.len = line_length(line.start, end);
    for (; at < number && line.start; at++) {
        line.start = after_break(line.start + line.len, end);
        line.len = line.start ? line_length(line.start, end) : 0;
    }
    if (line.start) {
        t->near_line = number;
        t->near_start = (size_t)(line.start - t->source);
    }
    return line;
}

/* The byte of a line at a column (from 1). */
static size_t byte_of_column(struct line line, uint32_t column)
{
    size_t at = 0;

    if (line.len >= 3 && memcmp(line.start, BYTE_ORDER_MARK, 3) == 0)
        at = 3;
    for (uint32_t i = 1; i < column && at < line.len; i++)
        do
            at++;
        while (at < line.len && is_continuation(line.start[at]));
    return at;
}

/* Plain and quoted: exact as far as the source is the text, byte for byte. */
static bool place_in_line(struct tree *t, const struct tree_node *node, size_t offset,
                          int *column)
{
    struct line line = find_line(t, node->line);
    size_t at = line.start ? byte_of_column(line, node->column) : 0;
    size_t quote = node->style == TREE_QUOTED;

    if (!line.start || at + quote + offset > line.len ||
        memcmp(line.start + at + quote, node->text, offset) != 0)
        return false;
    *column = (int)node->column + count_characters(line.start + at, quote + offset);
    return true;
}

/* Literal blocks: line k of the text is line k after the header, indented. Folded ones
 * pass the comparison only where nothing was folded before. */
static bool place_in_block(struct tree *t, const struct tree_node *node, size_t offset,
                           int *line, int *column)
{
    const char *text = node->text;
    uint32_t number = node->line + 1;
    const char *feed;

    while ((feed = memchr(text, '\n', (size_t)(node->text + offset - text)))) {
        text = feed + 1;
        number++;
    }

    struct line from = find_line(t, number);
    size_t len = line_length(text, node->text + node->n);

    if (!from.start || len > from.len ||
        memcmp(from.start + from.len - len, text, len) != 0)
        return false;

    size_t within = (size_t)(node->text + offset - text);

    *line = (int)number;
    *column = 1 + count_characters(from.start, from.len - len + within);
    return true;
}

/* Folding and joining of lines change white space only, so words stand in the source as
 * often and in the order in which they stand in the text. */
static bool place_by_word(struct tree *t, const struct tree_node *node, size_t offset,
                          int *line, int *column)
{
    struct line first = find_line(t, node->line);
    const char *const end = t->source + t->len;
    const char *word = node->text + offset;
    const size_t len = strcspn(word, " \t\n");
    const char *at = first.start;
    size_t n_before = 0;

    if (!at || len == 0)
        return false;
    for (const char *p = node->text; p < word; p++)
        n_before += strncmp(p, word, len) == 0;
    at += node->style == TREE_BLOCK ? first.len : byte_of_column(first, node->column);
    at = memmem(at, (size_t)(end - at), word, len);
    for (; at && n_before > 0; n_before--)
        at = memmem(at + 1, (size_t)(end - at - 1), word, len);
    if (!at)
        return false;
    tree_place_of_byte(t->source, (size_t)(at - t->source), line, column);
    return true;
}

void tree_place(struct tree *t, const struct tree_node *node, size_t offset, int *line,
                int *column)
{
    *line = (int)node->line;
    *column = (int)node->column;
    if (offset > node->n)
        return;
    if (node->style == TREE_BLOCK && place_in_block(t, node, offset, line, column))
        return;
    if (node->style != TREE_BLOCK && place_in_line(t, node, offset, column))
        return;
    if (node->style != TREE_QUOTED)
        place_by_word(t, node, offset, line, column);
}

void tree_place_of_byte(const char *source, size_t offset, int *line, int *column)
{
    const char *end = source + offset;
    const char *start = source;
    const char *next;

    if (offset >= 3 && memcmp(source, BYTE_ORDER_MARK, 3) == 0)
        start += 3;
    *line = 1;
    while ((next = after_break(start + line_length(start, end), end))) {
        start = next;
        ++*line;
    }
    *column = 1 + count_characters(start, (size_t)(end - start));
}
