/* The graph of needs: names become indexes, tasks get an order in which each stands
 * after what it needs, and circles are named. Handlers are a chain of their own. */
#include "flow/spec.h"
#include <string.h>

#define MANY_NAMES 5000

/* Names whose length differs by more than text_nearest forgives are left out first: a
 * file can have 200,000. */
const char *spec_nearest_task(const struct spec *s, const char *name)
{
    const char **names = mem_array(MANY_NAMES + 1, sizeof(*names));
    size_t len = strlen(name);
    const char *near;
    size_t n = 0;

    for (size_t i = 0; i < s->tasks.n && n < MANY_NAMES; i++) {
        size_t other = strlen(s->tasks.items[i].name);
        size_t apart = other > len ? other - len : len - other;

        if (s->tasks.items[i].part == FLOW_MAIN && apart <= len / 3 + 1)
            names[n++] = s->tasks.items[i].name;
    }
    near = text_nearest(name, names);
    mem_free(names);
    return near;
}

static void refuse_unknown(struct spec *s, const struct tree_node *item, size_t found)
{
    struct flow_problem *p = spec_problem(s, PROBLEM_UNKNOWN_NEED, item);

    if (found) {
        flow_problem_msg(p, "%s is a handler; tasks cannot need handlers", item->text);
        return;
    }
    flow_problem_msg(p, "needs names %.64s, but there is no such task", item->text);
    if (p)
        flow_problem_near(p, spec_nearest_task(s, item->text));
}

/* One name of needs: the task's index, or SPEC_NO_TASK with a problem. `stamps` tells
 * which names this task has had. */
static uint32_t find_need(struct spec *s, uint32_t task, const struct tree_node *item,
                          uint32_t *stamps)
{
    struct flow_problem *p;
    size_t found;

    if (item->kind != TREE_TEXT) {
        if (item->kind != TREE_BROKEN)
            spec_wrong_type(s, "each item of needs", "the name of a task", item);
        return SPEC_NO_TASK;
    }
    found = (uintptr_t)map_get_text(&s->by_name, item->text);
    if (!found || s->tasks.items[found - 1].part != FLOW_MAIN) {
        refuse_unknown(s, item, found);
        return SPEC_NO_TASK;
    }
    if (found - 1 == task) {
        p = spec_problem(s, PROBLEM_SELF_NEED, item);
        flow_problem_msg(p, "task %s needs itself", item->text);
        flow_problem_hint(p, "remove it from needs");
        return SPEC_NO_TASK;
    }
    if (stamps[found - 1] == task + 1) {
        p = spec_problem(s, PROBLEM_NEED_TWICE, item);
        flow_problem_msg(p, "%s stands in needs already", item->text);
        flow_problem_hint(p, "remove one of the two");
        return SPEC_NO_TASK;
    }
    stamps[found - 1] = task + 1;
    return (uint32_t)(found - 1);
}

static void add_need(struct spec *s, uint32_t task, const struct tree_node *item,
                     uint32_t *stamps)
{
    struct flow_task *t = &s->tasks.items[task];
    uint32_t need = find_need(s, task, item, stamps);

    if (need == SPEC_NO_TASK)
        s->suspect[task] = true;
    else
        t->needs[t->n_needs++] = need;
}

static void link_main(struct spec *s, uint32_t task, uint32_t *room, uint32_t *stamps)
{
    const struct tree_node *node = s->needs.items[task];
    struct flow_task *t = &s->tasks.items[task];

    if (!node)
        return;
    t->needs = room;
    if (node->kind != TREE_LIST)
        add_need(s, task, node, stamps);
    else
        for (uint32_t i = 0; i < node->n; i++)
            add_need(s, task, &node->items[i].value, stamps);
}

/* Each handler after the one before it in its part. */
static void link_handler(struct spec *s, uint32_t task, uint32_t *room)
{
    struct flow_task *t = &s->tasks.items[task];

    if (task == 0 || t[-1].part != t->part)
        return;
    t->needs = room;
    t->needs[t->n_needs++] = task - 1;
}

/* At most so many. */
static size_t count_needs(const struct spec *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->tasks.n; i++) {
        const struct tree_node *node = s->needs.items[i];

        if (node)
            n += node->kind == TREE_LIST ? node->n : 1;
        else
            n += s->tasks.items[i].part != FLOW_MAIN;
    }
    return n;
}

static void fill_needs(struct spec *s)
{
    uint32_t *stamps = mem_array(s->tasks.n, sizeof(*stamps));
    uint32_t *room = spec_alloc(s, count_needs(s), sizeof(*room));

    for (uint32_t i = 0; i < s->tasks.n; i++) {
        if (s->tasks.items[i].part == FLOW_MAIN)
            link_main(s, i, room, stamps);
        else
            link_handler(s, i, room);
        room += s->tasks.items[i].n_needs;
    }
    mem_free(stamps);
}

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
    while (strcmp(node->items[i].value.text, s->tasks.items[need].name) != 0)
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
    fill_needs(s);
    fill_needed_by(s);
    if (sort_tasks(s, waits) < s->tasks.n) {
        find_circles(s, waits);
        mem_free(s->order);
        s->order = NULL;
    }
    mem_free(waits);
}
