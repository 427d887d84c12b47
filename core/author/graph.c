/* graph.c - the graph of a workflow for drawings: tasks and handlers as nodes, needs as
 * edges, groups as nodes that hold others. Who stands behind whom is the longest way.
 */
#include "author/graph.h"

#include <string.h>

static const char *const kinds[FLOW_N_KINDS] = {
    [FLOW_RUN] = "run",
    [FLOW_COMMAND] = "command",
    [FLOW_SCRIPT] = "script",
    [FLOW_NOOP] = "noop",
    [FLOW_SWITCH] = "switch",
    [FLOW_SLEEP] = "sleep",
    [FLOW_WAIT_UNTIL] = "wait_until",
    [FLOW_TRANSFORM] = "transform",
    [FLOW_GROUP] = "group",
    [FLOW_USES] = "uses",
    [FLOW_HTTP] = "http",
    [FLOW_APPROVE] = "approve",
    [FLOW_WAIT_EVENT] = "wait_event",
};
static const char *const parts[FLOW_N_PARTS] = {
    [FLOW_MAIN] = "tasks",
    [FLOW_ON_SUCCESS] = "on_success",
    [FLOW_ON_FAILURE] = "on_failure",
    [FLOW_ON_CANCEL] = "on_cancel",
    [FLOW_FINALLY] = "finally",
    [FLOW_COMPENSATE] = "compensate",
};
static const struct {
    const char *state, *fill;
} fills[] = {
    {"waiting", "#eceff1"},  {"queued", "#eceff1"},    {"running", "#90caf9"},
    {"retrying", "#ffcc80"}, {"succeeded", "#a5d6a7"}, {"failed", "#ef9a9a"},
    {"skipped", "#cfd8dc"},  {"cancelled", "#d7ccc8"}, {"suspended", "#fff59d"},
};

const char *graph_fill(const char *state)
{
    for (size_t i = 0; state && i < COUNT_OF(fills); i++)
        if (strcmp(fills[i].state, state) == 0)
            return fills[i].fill;
    return NULL;
}

const char *graph_kind(const struct graph_node *node)
{
    const char *kind = kinds[node->task->work->kind];

    return kind ? kind : "task";
}

const char *graph_part(const struct graph_node *node)
{
    return parts[node->task->part];
}

/* --- the model --- */

static const char *path_of(struct graph *g, int64_t group, const char *name)
{
    struct buf path = {0};

    if (group < 0)
        return arena_text(&g->arena, name, strlen(name));
    buf_printf(&path, "%s/%s", g->nodes.items[group].path, name);
    const char *kept = arena_text(&g->arena, buf_text(&path), path.len);
    buf_done(&path);
    return kept;
}

static void add_edges(struct graph *g, const struct flow *f, uint32_t base)
{
    for (uint32_t i = 0; i < f->n_tasks; i++)
        for (uint32_t k = 0; k < f->tasks[i].n_needs; k++) {
            const struct graph_edge e = {.from = base + f->tasks[i].needs[k],
                                         .to = base + i};
            ARRAY_ADD(&g->edges, e);
        }
}

/* In an order in which each stands behind all that it needs. */
static void add_layers(struct graph *g, const struct flow *f, uint32_t base)
{
    uint32_t *left = mem_array(f->n_tasks + 1u, sizeof(*left));
    uint32_t *ready = mem_array(f->n_tasks + 1u, sizeof(*ready));
    struct graph_node *nodes = &g->nodes.items[base];
    uint32_t n = 0;

    for (uint32_t i = 0; i < f->n_tasks; i++) {
        left[i] = f->tasks[i].n_needs;
        if (left[i] == 0)
            ready[n++] = i;
    }
    for (uint32_t at = 0; at < n; at++) {
        const struct flow_task *t = &f->tasks[ready[at]];
        for (uint32_t k = 0; k < t->n_needed_by; k++) {
            struct graph_node *next = &nodes[t->needed_by[k]];
            if (nodes[ready[at]].layer + 1 > next->layer) {
                next->layer = nodes[ready[at]].layer + 1;
                next->under = base + ready[at];
            }
            if (--left[t->needed_by[k]] == 0)
                ready[n++] = t->needed_by[k];
        }
    }
    mem_free(left);
    mem_free(ready);
}

static void add_level(struct graph *g, const struct flow *f, int64_t group,
                      author_state_fn *state, void *arg)
{
    const uint32_t base = (uint32_t)g->nodes.n;

    for (uint32_t i = 0; i < f->n_tasks; i++) {
        struct graph_node node = {.task = &f->tasks[i],
                                  .path = path_of(g, group, f->tasks[i].name),
                                  .name = f->tasks[i].name,
                                  .group = group,
                                  .under = -1};
        node.state = state ? state(arg, node.path) : NULL;
        ARRAY_ADD(&g->nodes, node);
    }
    if (group >= 0) {
        g->nodes.items[group].first = base;
        g->nodes.items[group].n = f->n_tasks;
    }
    add_edges(g, f, base);
    add_layers(g, f, base);
    for (uint32_t i = 0; i < f->n_tasks; i++)
        if (f->tasks[i].work->kind == FLOW_GROUP && f->tasks[i].work->group)
            add_level(g, f->tasks[i].work->group, base + i, state, arg);
}

const char *const author_graph_formats[] = {
    [AUTHOR_GRAPH_TREE] = "tree", [AUTHOR_GRAPH_MERMAID] = "mermaid",
    [AUTHOR_GRAPH_DOT] = "dot",   [AUTHOR_GRAPH_SVG] = "svg",
    [AUTHOR_GRAPH_JSON] = "json", NULL,
};

static void draw(struct graph *g, enum author_graph_format format, struct buf *out)
{
    switch (format) {
    case AUTHOR_GRAPH_TREE:
        graph_tree(g, out);
        break;
    case AUTHOR_GRAPH_MERMAID:
        graph_mermaid(g, out);
        break;
    case AUTHOR_GRAPH_DOT:
        graph_dot(g, out);
        break;
    case AUTHOR_GRAPH_SVG:
        graph_svg(g, out);
        break;
    case AUTHOR_GRAPH_JSON:
        graph_json(g, out);
        break;
    }
}

bool author_graph(const struct flow *flow, enum author_graph_format format,
                  author_state_fn *state, void *arg, struct buf *out)
{
    struct graph g = {.flow = flow};

    add_level(&g, flow, -1, state, arg);
    const bool fits = g.nodes.n <= AUTHOR_GRAPH_MAX || format == AUTHOR_GRAPH_JSON;
    if (fits)
        draw(&g, format, out);
    ARRAY_DONE(&g.nodes);
    ARRAY_DONE(&g.edges);
    arena_done(&g.arena);
    return fits;
}
