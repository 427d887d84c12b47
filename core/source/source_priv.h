/* source/source_priv.h - what the files of the room share. */
#ifndef SOURCE_SOURCE_PRIV_H
#define SOURCE_SOURCE_PRIV_H

#include "source/source.h"

/* Where the lines of a text begin. */
struct source_lines {
    size_t *items;
    size_t n, cap;
};
void source_find_lines(struct source_lines *lines, const char *text, size_t len);

/* A scalar in the order of the file: between two of them '#' begins a comment. */
struct source_span {
    size_t start, end;
    bool block;
};
struct source_spans {
    struct source_span *items;
    size_t n, cap;
};

/* Gives every comment of the text to the node that it stands at. */
void source_attach(struct source *s, const struct source_lines *lines,
                   const struct source_spans *spans);

/* At the end of an arena's array. */
void *source_reserve(struct source *s, void *items, size_t n, size_t *cap, size_t size);

/* On one line, whatever it holds. */
struct source_node source_made_key(struct source *s, const char *key);

/* Lists and maps in { } or [ ] that stand on one line of the result. */
bool source_is_inline(const struct source_node *node, size_t column);

void source_print_scalar(const struct source_node *node, size_t indent,
                         struct buf *out);
/* The length of a scalar on one line, or SIZE_MAX when it needs several. */
size_t source_scalar_width(const struct source_node *node);

#endif
