/* graph_text.c - the graph of a workflow as text: a tree for terminals, Mermaid, DOT
 * and JSON. Names of tasks are words, which need no escape anywhere here. */
#include "author/graph.h"

#include <string.h>

/* --- tree --- */

static void describe(const struct graph *g, uint32_t at, struct buf *out)
{
    const struct graph_node *n = &g->nodes.items[at];
    const char *before = "  also needs ";

    buf_printf(out, "%s (%s)", n->path, graph_kind(n));
    if (n->state)
        buf_printf(out, " %s", n->state);
    for (size_t i = 0; n->task->n_needs > 1 && i < g->edges.n; i++) {
        const struct graph_edge *e = &g->edges.items[i];
        if (e->to != at || (int64_t)e->from == n->under)
            continue;
        buf_printf(out, "%s%s", before, g->nodes.items[e->from].name);
        before = ", ";
    }
    buf_add_char(out, '\n');
}

/* Where a node is drawn: behind the need that stands last, or in its group. */
struct drawn {
    const struct graph *g;
    struct buf *out;
    uint32_t *child, *next; /* lists of those drawn behind each; UINT32_MAX: end */
};

static void draw_list(const struct drawn *d, uint32_t first, struct buf *indent);

static void draw(const struct drawn *d, uint32_t at, bool last, struct buf *indent)
{
    const size_t len = indent->len;

    buf_printf(d->out, "%s%s", buf_text(indent), last ? "└─ " : "├─ ");
    describe(d->g, at, d->out);
    buf_add_text(indent, last ? "   " : "│  ");
    draw_list(d, d->child[at], indent);
    indent->len = len;
    indent->data[len] = '\0';
}

static void draw_list(const struct drawn *d, uint32_t first, struct buf *indent)
{
    for (uint32_t at = first; at != UINT32_MAX; at = d->next[at])
        draw(d, at, d->next[at] == UINT32_MAX, indent);
}

/* Lists are made from their ends. */
static void link_nodes(struct drawn *d, uint32_t *roots)
{
    const struct graph *g = d->g;

    for (uint32_t i = 0; i < FLOW_N_PARTS; i++)
        roots[i] = UINT32_MAX;
    for (uint32_t i = 0; i < g->nodes.n; i++)
        d->child[i] = UINT32_MAX;
    for (uint32_t i = (uint32_t)g->nodes.n; i-- > 0;) {
        const struct graph_node *n = &g->nodes.items[i];
        uint32_t *list = n->under >= 0   ? &d->child[n->under]
                         : n->group >= 0 ? &d->child[n->group]
                                         : &roots[n->task->part];
        d->next[i] = *list;
        *list = i;
    }
}

void graph_tree(const struct graph *g, struct buf *out)
{
    struct drawn d = {.g = g,
                      .out = out,
                      .child = mem_array(g->nodes.n + 1, sizeof(uint32_t)),
                      .next = mem_array(g->nodes.n + 1, sizeof(uint32_t))};
    uint32_t roots[FLOW_N_PARTS];
    struct buf indent = {0};

    link_nodes(&d, roots);
    buf_printf(out, "%s\n", g->flow->name);
    buf_text(&indent);
    for (uint32_t part = 0; part < FLOW_N_PARTS; part++) {
        if (roots[part] == UINT32_MAX)
            continue;
        if (part != FLOW_MAIN)
            buf_printf(out, "%s\n", graph_part(&g->nodes.items[roots[part]]));
        draw_list(&d, roots[part], &indent);
    }
    buf_done(&indent);
    mem_free(d.child);
    mem_free(d.next);
}

/* --- Mermaid --- */

static void mermaid_level(const struct graph *g, int64_t group, int depth,
                          struct buf *out)
{
    for (uint32_t i = 0; i < g->nodes.n; i++) {
        const struct graph_node *n = &g->nodes.items[i];
        if (n->group != group)
            continue;
        if (n->n == 0) {
            buf_printf(out, "%*sn%u[\"%s\"]\n", depth, "", i, n->name);
            continue;
        }
        buf_printf(out, "%*ssubgraph n%u[\"%s\"]\n", depth, "", i, n->name);
        mermaid_level(g, i, depth + 2, out);
        buf_printf(out, "%*send\n", depth, "");
    }
}

void graph_mermaid(const struct graph *g, struct buf *out)
{
    buf_add_text(out, "flowchart LR\n");
    mermaid_level(g, -1, 2, out);
    for (size_t i = 0; i < g->edges.n; i++)
        buf_printf(out, "  n%u --> n%u\n", g->edges.items[i].from,
                   g->edges.items[i].to);
    for (uint32_t i = 0; i < g->nodes.n; i++)
        if (graph_fill(g->nodes.items[i].state))
            buf_printf(out, "  style n%u fill:%s,color:#000\n", i,
                       graph_fill(g->nodes.items[i].state));
}

/* --- DOT --- */

/* An edge ends at a node: of a group at its first one, cut off at its frame. */
static uint32_t inside(const struct graph *g, uint32_t at)
{
    while (g->nodes.items[at].n > 0)
        at = g->nodes.items[at].first;
    return at;
}

static void dot_level(const struct graph *g, int64_t group, int depth, struct buf *out)
{
    for (uint32_t i = 0; i < g->nodes.n; i++) {
        const struct graph_node *n = &g->nodes.items[i];
        const char *fill = graph_fill(n->state);
        if (n->group != group)
            continue;
        if (n->n == 0) {
            buf_printf(out, "%*sn%u [label=\"%s\"", depth, "", i, n->name);
            if (fill)
                buf_printf(out, ", fillcolor=\"%s\"", fill);
            buf_add_text(out, "];\n");
            continue;
        }
        buf_printf(out, "%*ssubgraph cluster_n%u {\n", depth, "", i);
        buf_printf(out, "%*slabel=\"%s\";\n", depth + 2, "", n->name);
        if (fill)
            buf_printf(out, "%*sstyle=\"rounded,filled\"; fillcolor=\"%s\";\n",
                       depth + 2, "", fill);
        dot_level(g, i, depth + 2, out);
        buf_printf(out, "%*s}\n", depth, "");
    }
}

void graph_dot(const struct graph *g, struct buf *out)
{
    buf_printf(out, "digraph \"%s\" {\n", g->flow->name);
    buf_add_text(out, "  rankdir=LR; compound=true;\n"
                      "  node [shape=box, style=\"rounded,filled\", "
                      "fillcolor=\"white\"];\n");
    dot_level(g, -1, 2, out);
    for (size_t i = 0; i < g->edges.n; i++) {
        const struct graph_edge *e = &g->edges.items[i];
        const char *comma = " [";
        buf_printf(out, "  n%u -> n%u", inside(g, e->from), inside(g, e->to));
        if (g->nodes.items[e->from].n > 0) {
            buf_printf(out, "%sltail=cluster_n%u", comma, e->from);
            comma = ", ";
        }
        if (g->nodes.items[e->to].n > 0) {
            buf_printf(out, "%slhead=cluster_n%u", comma, e->to);
            comma = ", ";
        }
        buf_add_text(out, comma[0] == ',' ? "];\n" : ";\n");
    }
    buf_add_text(out, "}\n");
}

/* --- JSON --- */

static json_t *json_node(const struct graph *g, const struct graph_node *n)
{
    json_t *j = json_pack("{ss ss ss si}", "id", n->path, "kind", graph_kind(n), "part",
                          graph_part(n), "layer", (int)n->layer);

    if (n->group >= 0)
        json_object_set_new(j, "group", json_string(g->nodes.items[n->group].path));
    if (n->state)
        json_object_set_new(j, "state", json_string(n->state));
    return j;
}

void graph_json(const struct graph *g, struct buf *out)
{
    json_t *nodes = json_array();
    json_t *edges = json_array();

    for (size_t i = 0; i < g->nodes.n; i++)
        json_array_append_new(nodes, json_node(g, &g->nodes.items[i]));
    for (size_t i = 0; i < g->edges.n; i++)
        json_array_append_new(
            edges,
            json_pack("{ss ss}", "from", g->nodes.items[g->edges.items[i].from].path,
                      "to", g->nodes.items[g->edges.items[i].to].path));
    json_t *all = json_pack("{ss so so}", "workflow", g->flow->name, "nodes", nodes,
                            "edges", edges);
    json_add_to(out, all);
    buf_add_char(out, '\n');
    json_decref(all);
}
