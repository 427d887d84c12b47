/* The graph of needs: tasks get an order in which each stands after what it needs, and
 * circles are named. The names are looked up in needs.c. */
#include "flow/spec.h"
#include <string.h>

static void fill_needed_by(struct spec *s)
{
    struct flow_task *tasks = s->tasks.items;
    size_t n_edges = 0;

    for (size_t i = 0; i < s->tasks.n; i++)
        for (uint32_t k = 0; k < tasks[i].n_needs; k++, n_edges++)
            tasks[tasks[i].needs[k]].n_needed_by++;

    uint32_t *room = spec_alloc(s, n_edges, sizeof(*room));

    for (size_t i = 0; i < s->tasks.n; i++) {
        tasks[i].needed_by = tasks[i].n_needed_by ? room : NULL;
        room += tasks[i].n_needed_by;
        tasks[i].n_needed_by = 0;
    }
    for (uint32_t i = 0; i < s->tasks.n; i++)
        for (uint32_t k = 0; k < tasks[i].n_needs; k++) {
            struct flow_task *need = &tasks[tasks[i].needs[k]];

            need->needed_by[need->n_needed_by++] = i;
        }
}

/* Kahn's algorithm (1962). Fills s->order and returns how many tasks it holds: those of
 * circles, and behind them, are left out, with waits[] above 0. */
static size_t sort_tasks(struct spec *s, uint32_t *waits)
{
    const struct flow_task *tasks = s->tasks.items;
    size_t n = 0;

    for (uint32_t i = 0; i < s->tasks.n; i++) {
        waits[i] = tasks[i].n_needs;
        if (waits[i] == 0)
            s->order[n++] = i;
    }
    for (size_t at = 0; at < n; at++) {
        const struct flow_task *done = &tasks[s->order[at]];

        for (uint32_t k = 0; k < done->n_needed_by; k++)
            if (--waits[done->needed_by[k]] == 0)
                s->order[n++] = done->needed_by[k];
    }
    return n;
}

/* Of a task that waits: it has one. */
static uint32_t first_waiting_need(const struct flow_task *t, const uint32_t *waits)
{
    uint32_t k = 0;

    while (waits[t->needs[k]] == 0)
        k++;
    return t->needs[k];
}

/* Where `task` names `need`. */
static const struct tree_node *place_of_need(const struct spec *s, uint32_t task,
                                             uint32_t need)
{
    const struct tree_node *node = s->needs.items[task];

    if (node->kind != TREE_LIST)
        return node;
    uint32_t i = 0;
    while (!spec_is_need(node->items[i].value.text, s->tasks.items[need].name))
        i++;
    return &node->items[i].value;
}

#define CIRCLE_SHOWN 8

/* "a -> b -> c -> a"; of a long circle the beginning and the end. */
static void write_circle(const struct spec *s, const uint32_t *members, size_t n,
                         struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (n > CIRCLE_SHOWN && i == CIRCLE_SHOWN - 2) {
            buf_printf(out, "... %zu more ... -> ", n - CIRCLE_SHOWN + 1);
            i = n - 1;
        }
        buf_printf(out, "%s -> ", s->tasks.items[members[i]].name);
    }
    buf_add_text(out, s->tasks.items[members[0]].name);
}

/* members: each needs the next, the last needs the first. */
static void report_circle(struct spec *s, uint32_t *members, size_t n)
{
    size_t least = 0;
    struct buf circle = {0};

    for (size_t i = 1; i < n; i++)
        if (members[i] < members[least])
            least = i;

    uint32_t *turned = mem_array(n, sizeof(*turned));

    for (size_t i = 0; i < n; i++)
        turned[i] = members[(least + i) % n];
    write_circle(s, turned, n, &circle);

    const struct tree_node *at = place_of_need(s, turned[0], turned[1]);
    struct flow_problem *p = spec_problem(s, PROBLEM_CYCLE, at);

    flow_problem_msg(p, "these tasks wait for each other for ever: %s",
                     buf_text(&circle));
    flow_problem_hint(p, "remove one of these needs");
    buf_done(&circle);
    mem_free(turned);
}

/* Follows one need of each task that waits until it comes back to where it was: each
 * walk ends in a circle or where an earlier one has been. */
static void find_circles(struct spec *s, const uint32_t *waits)
{
    uint32_t *walk = mem_array(s->tasks.n, sizeof(*walk));
    uint32_t *place = mem_array(s->tasks.n, sizeof(*place)); /* 1 + index in the walk */

    for (uint32_t start = 0; start < s->tasks.n; start++) {
        uint32_t at = start;
        size_t n = 0;

        if (waits[start] == 0 || place[start])
            continue;
        while (!place[at]) {
            walk[n++] = at;
            place[at] = (uint32_t)n;
            at = first_waiting_need(&s->tasks.items[at], waits);
        }

        size_t from = place[at] - 1;

        if (from < n && walk[from] == at)
            report_circle(s, walk + from, n - from);
    }
    mem_free(place);
    mem_free(walk);
}

void spec_link_needs(struct spec *s)
{
    uint32_t *waits = mem_array(s->tasks.n, sizeof(*waits));

    s->suspect = mem_array(s->tasks.n, sizeof(*s->suspect));
    s->order = mem_array(s->tasks.n, sizeof(*s->order));
    spec_fill_needs(s);
    fill_needed_by(s);
    if (sort_tasks(s, waits) < s->tasks.n) {
        find_circles(s, waits);
        mem_free(s->order);
        s->order = NULL;
    }
    mem_free(waits);
}
