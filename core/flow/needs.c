/* needs: as names, as a list of names or as a formula: names become indexes of tasks.
 * Handlers have none of their own: each follows the one before it. What a formula looks
 * like is formula.c's. */
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

static struct flow_problem *problem(const struct spec_need *n, int code)
{
    return spec_problem_in(n->s, code, n->node, n->offset, strlen(n->name));
}

static void refuse_unknown(const struct spec_need *n, size_t found)
{
    struct flow_problem *p = problem(n, PROBLEM_UNKNOWN_NEED);

    if (found) {
        flow_problem_msg(p, "%s is a handler; tasks cannot need handlers", n->name);
        return;
    }
    flow_problem_msg(p, "needs names %.64s, but there is no such task", n->name);
    if (strchr(n->name, ','))
        flow_problem_hint(p, "several are a list, as in needs: [a, b]");
    else if (p)
        flow_problem_near(p, spec_nearest_task(n->s, n->name));
}

uint32_t spec_find_need(const struct spec_need *n)
{
    const size_t found = (uintptr_t)map_get_text(&n->s->by_name, n->name);
    struct flow_problem *p;

    if (!found || n->s->tasks.items[found - 1].part != FLOW_MAIN) {
        refuse_unknown(n, found);
        return SPEC_NO_TASK;
    }
    if (found - 1 == n->task) {
        p = problem(n, PROBLEM_SELF_NEED);
        flow_problem_msg(p, "task %s needs itself", n->name);
        flow_problem_hint(p, "remove it from needs");
        return SPEC_NO_TASK;
    }
    return (uint32_t)(found - 1);
}

bool spec_add_need(struct spec *s, uint32_t task, uint32_t need)
{
    struct flow_task *t = &s->tasks.items[task];

    if (s->need_stamps[need] == task + 1)
        return false;
    s->need_stamps[need] = task + 1;
    t->needs[t->n_needs++] = need;
    return true;
}

/* One name that stands alone or in a list. */
static void add_name(struct spec *s, uint32_t task, const struct tree_node *item)
{
    struct spec_need n = {.s = s, .task = task, .node = item};
    struct flow_problem *p;

    if (item->kind != TREE_TEXT) {
        if (item->kind != TREE_BROKEN)
            spec_wrong_type(s, "each item of needs", "the name of a task", item);
        s->suspect[task] = true;
        return;
    }
    n.name = item->text;
    const uint32_t need = spec_find_need(&n);
    if (need == SPEC_NO_TASK) {
        s->suspect[task] = true;
    } else if (!spec_add_need(s, task, need)) {
        p = spec_problem(s, PROBLEM_NEED_TWICE, item);
        flow_problem_msg(p, "%s stands in needs already", item->text);
        flow_problem_hint(p, "remove one of the two");
        s->suspect[task] = true;
    }
}

/* Of a handler of a task: its formula is made already. */
static void link_follower(struct spec *s, uint32_t task)
{
    const struct flow_formula *formula = s->tasks.items[task].work->formula;

    for (uint32_t i = 0; i < formula->n; i++)
        if (formula->terms[i].op == FLOW_ASK)
            spec_add_need(s, task, formula->terms[i].task);
}

static void link_main(struct spec *s, uint32_t task, uint32_t *room)
{
    const struct tree_node *node = s->needs.items[task];
    struct flow_task *t = &s->tasks.items[task];

    t->needs = room;
    if (!node && t->work->formula)
        link_follower(s, task);
    else if (!node)
        return;
    else if (t->work->formula)
        spec_link_formula(s, task, node);
    else if (node->kind != TREE_LIST)
        add_name(s, task, node);
    else
        for (uint32_t i = 0; i < node->n; i++)
            add_name(s, task, &node->items[i].value);
}

/* Each handler after the one before it in its part. */
static void link_handler(struct spec *s, uint32_t task, uint32_t *room)
{
    struct flow_task *t = &s->tasks.items[task];

    if (task == 0 || t[-1].part != t->part || t->part == FLOW_COMPENSATE)
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
            n += spec_count_asked(node);
        else if (s->tasks.items[i].work->formula)
            n += s->tasks.items[i].work->formula->n;
        else
            n += s->tasks.items[i].part != FLOW_MAIN;
    }
    return n;
}

void spec_fill_needs(struct spec *s)
{
    uint32_t *room = spec_alloc(s, count_needs(s), sizeof(*room));

    s->need_stamps = mem_array(s->tasks.n, sizeof(*s->need_stamps));
    for (uint32_t i = 0; i < s->tasks.n; i++) {
        if (s->tasks.items[i].part == FLOW_MAIN)
            link_main(s, i, room);
        else
            link_handler(s, i, room);
        room += s->tasks.items[i].n_needs;
    }
    mem_free(s->need_stamps);
    s->need_stamps = NULL;
}
