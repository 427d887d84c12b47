/* author/graph.h - the inside of the drawings of workflows: graph.c makes the model,
 * graph_text.c and graph_svg.c draw it. */
#ifndef AUTHOR_GRAPH_H
#define AUTHOR_GRAPH_H

#include "author/author.h"

struct graph_node {
    const struct flow_task *task;
    const char *path;  /* "group/task" */
    const char *name;  /* the last part of it */
    const char *state; /* or NULL */
    int64_t group;     /* the node that it stands in; -1: none */
    uint32_t first, n; /* of a group: its own nodes */
    uint32_t layer;    /* from 0: behind all that it needs */
    int64_t under;     /* the need behind which it is drawn in the tree; -1: none */
    int x, y, w, h;    /* in the picture */
};
struct graph_edge {
    uint32_t from, to;
};
struct graph {
    const struct flow *flow;
    struct arena arena;
    struct {
        struct graph_node *items;
        size_t n, cap;
    } nodes; /* those of one level of one group stand together, in the order of the file
              */
    struct {
        struct graph_edge *items;
        size_t n, cap;
    } edges;
};

/* One colour a state; NULL: of none. */
const char *graph_fill(const char *state);
const char *graph_kind(const struct graph_node *node);
const char *graph_part(const struct graph_node *node); /* "tasks", "finally" ... */

void graph_tree(const struct graph *g, struct buf *out);
void graph_mermaid(const struct graph *g, struct buf *out);
void graph_dot(const struct graph *g, struct buf *out);
void graph_json(const struct graph *g, struct buf *out);
void graph_svg(struct graph *g, struct buf *out); /* gives the nodes their places */

#endif
