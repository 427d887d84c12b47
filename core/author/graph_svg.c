/* graph_svg.c - the graph of a workflow as a picture. Layers stand from left to right,
 * the nodes of a layer below each other in the order of the file; a group is as large
 * as what is in it. */
#include "author/graph.h"

#include <string.h>

#define CHAR_W   8 /* about that of the font */
#define NODE_H   30
#define GAP_X    44
#define GAP_Y    14
#define FRAME    12
#define TITLE_H  20
#define PART_GAP 16

struct extent {
    int w, h;
};

static struct extent place(struct graph *g, uint32_t first, uint32_t n, int x, int y);

static void size_of(struct graph *g, uint32_t at)
{
    struct graph_node *n = &g->nodes.items[at];

    n->w = (int)strlen(n->name) * CHAR_W + 2 * FRAME;
    n->h = NODE_H;
    if (n->n == 0)
        return;
    const struct extent in = place(g, n->first, n->n, 0, 0);
    const int least = n->w;
    n->w = in.w + 2 * FRAME > least ? in.w + 2 * FRAME : least;
    n->h = in.h + 2 * FRAME + TITLE_H;
}

/* The handlers of each part stand in a row of their own, below the tasks. */
static struct extent place_part(struct graph *g, uint32_t first, uint32_t n,
                                unsigned part, int x, int y)
{
    struct extent all = {0, 0};
    uint32_t layers = 0;
    int left = x;

    for (uint32_t i = first; i < first + n; i++)
        if (g->nodes.items[i].task->part == part && g->nodes.items[i].layer >= layers)
            layers = g->nodes.items[i].layer + 1;
    for (uint32_t layer = 0; layer < layers; layer++) {
        int top = y, widest = 0;
        for (uint32_t i = first; i < first + n; i++) {
            struct graph_node *node = &g->nodes.items[i];
            if (node->task->part != part || node->layer != layer)
                continue;
            node->x = left;
            node->y = top;
            top += node->h + GAP_Y;
            widest = node->w > widest ? node->w : widest;
        }
        if (top - GAP_Y - y > all.h)
            all.h = top - GAP_Y - y;
        left += widest + GAP_X;
    }
    all.w = layers > 0 ? left - GAP_X - x : 0;
    return all;
}

static struct extent place(struct graph *g, uint32_t first, uint32_t n, int x, int y)
{
    struct extent all = {0, 0};

    for (uint32_t i = first; i < first + n; i++)
        size_of(g, i);
    for (unsigned part = 0; part < FLOW_N_PARTS; part++) {
        const struct extent one =
            place_part(g, first, n, part, x, y + all.h + (all.h > 0 ? PART_GAP : 0));
        if (one.h == 0)
            continue;
        all.h += one.h + (all.h > 0 ? PART_GAP : 0);
        all.w = one.w > all.w ? one.w : all.w;
    }
    return all;
}

/* What stands in a group was placed as if that stood at 0, 0. */
static void move_into_groups(struct graph *g)
{
    for (size_t i = 0; i < g->nodes.n; i++) {
        struct graph_node *n = &g->nodes.items[i];
        if (n->group < 0)
            continue;
        n->x += g->nodes.items[n->group].x + FRAME;
        n->y += g->nodes.items[n->group].y + FRAME + TITLE_H;
    }
}

static void draw_edge(const struct graph *g, const struct graph_edge *e,
                      struct buf *out)
{
    const struct graph_node *from = &g->nodes.items[e->from];
    const struct graph_node *to = &g->nodes.items[e->to];
    const int x1 = from->x + from->w, y1 = from->y + from->h / 2;
    const int x2 = to->x, y2 = to->y + to->h / 2, middle = (x1 + x2) / 2;

    buf_printf(out,
               "<path d=\"M%d %dC%d %d %d %d %d %d\" fill=\"none\" stroke=\"#607d8b\" "
               "marker-end=\"url(#tip)\"/>\n",
               x1, y1, middle, y1, middle, y2, x2 - 4, y2);
}

static void draw_node(const struct graph_node *n, struct buf *out)
{
    const char *fill = graph_fill(n->state);
    const bool group = n->n > 0;

    buf_printf(out,
               "<g><title>%s (%s)%s%s</title><rect x=\"%d\" y=\"%d\" width=\"%d\" "
               "height=\"%d\" rx=\"6\" fill=\"%s\"%s stroke=\"#37474f\"/>",
               n->path, graph_kind(n), n->state ? " " : "", n->state ? n->state : "",
               n->x, n->y, n->w, n->h, fill ? fill : "#ffffff",
               group ? " fill-opacity=\"0.35\"" : "");
    buf_printf(out, "<text x=\"%d\" y=\"%d\">%s</text></g>\n", n->x + FRAME,
               n->y + (group ? TITLE_H : NODE_H / 2 + 5), n->name);
}

void graph_svg(struct graph *g, struct buf *out)
{
    uint32_t top = 0;

    while (top < g->nodes.n && g->nodes.items[top].group < 0)
        top++;
    const struct extent all = place(g, 0, top, FRAME, FRAME);
    move_into_groups(g);
    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
               "font-family=\"monospace\" font-size=\"13\">\n",
               all.w + 2 * FRAME, all.h + 2 * FRAME);
    buf_printf(out,
               "<title>%s</title>\n<defs><marker id=\"tip\" markerWidth=\"8\" "
               "markerHeight=\"8\" refX=\"4\" refY=\"4\" orient=\"auto\">"
               "<path d=\"M0 0L8 4L0 8z\" fill=\"#607d8b\"/></marker></defs>\n",
               g->flow->name);
    for (size_t i = 0; i < g->nodes.n; i++) /* frames before what is in them */
        draw_node(&g->nodes.items[i], out);
    for (size_t i = 0; i < g->edges.n; i++)
        draw_edge(g, &g->edges.items[i], out);
    buf_add_text(out, "</svg>\n");
}
