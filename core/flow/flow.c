/* From text to a plan, and the plan's life. */
#include "flow/flow.h"
#include "flow/problem.h"
#include "flow/spec.h"
#include <stdlib.h>
#include <string.h>

/* The plan and what it holds outside its arena. */
struct flow_owned {
    struct flow flow;
    struct {
        struct tmpl **items;
        size_t n, cap;
    } tmpls;
    struct {
        json_t **items;
        size_t n, cap;
    } values;
};

struct tmpl *spec_own_tmpl(struct spec *s, struct tmpl *tmpl)
{
    ARRAY_ADD(&s->owned->tmpls, tmpl);
    return tmpl;
}

json_t *spec_own_json(struct spec *s, json_t *value)
{
    ARRAY_ADD(&s->owned->values, value);
    return value;
}

struct flow *flow_ref(struct flow *f)
{
    (f->owner ? f->owner : f)->refs++;
    return f;
}

static void free_owned(struct flow_owned *owned)
{
    for (size_t i = 0; i < owned->tmpls.n; i++)
        tmpl_free(owned->tmpls.items[i]);
    for (size_t i = 0; i < owned->values.n; i++)
        json_decref(owned->values.items[i]);
    ARRAY_DONE(&owned->tmpls);
    ARRAY_DONE(&owned->values);
    arena_done(&owned->flow.arena);
    mem_free(owned);
}

/* The plan is the first member of what owns it. */
void flow_unref(struct flow *f)
{
    if (f && f->owner)
        f = f->owner;
    if (f && --f->refs == 0)
        free_owned((struct flow_owned *)f);
}

static int compare_names(const void *a, const void *b, void *tasks)
{
    const struct flow_task *of = tasks;

    return strcmp(of[*(const uint32_t *)a].name, of[*(const uint32_t *)b].name);
}

/* A tenth of what the map of the reading takes, and asked less often. */
static void sort_names(struct spec *s)
{
    struct flow *f = s->flow;

    f->by_name = spec_alloc(s, f->n_tasks, sizeof(*f->by_name));
    for (uint32_t i = 0; i < f->n_tasks; i++)
        f->by_name[i] = i;
    qsort_r(f->by_name, f->n_tasks, sizeof(*f->by_name), compare_names, f->tasks);
}

static void take_tasks(struct spec *s)
{
    struct flow *f = s->flow;

    f->n_tasks = (uint32_t)s->tasks.n;
    f->tasks = spec_alloc(s, s->tasks.n, sizeof(*f->tasks));
    if (s->tasks.n)
        memcpy(f->tasks, s->tasks.items, s->tasks.n * sizeof(*f->tasks));
    for (uint32_t i = 0; i < f->n_tasks; i++) {
        if (f->part_count[f->tasks[i].part]++ == 0)
            f->part_first[f->tasks[i].part] = i;
    }
    f->n_main = f->part_count[FLOW_MAIN];
    sort_names(s);
}

static bool is_map(struct spec *s)
{
    const struct tree_node *root = &s->tree->root;

    if (root->kind == TREE_MAP)
        return true;
    if (root->kind != TREE_BROKEN)
        flow_problem_msg(spec_problem(s, PROBLEM_NOT_A_WORKFLOW, root),
                         "a workflow is a map that starts with flowforge: 1, not %s",
                         tree_kind_text(root));
    return false;
}

void spec_finish(struct spec *s)
{
    spec_add_compensations(s);
    spec_link_needs(s);
    spec_rank_compensations(s);
    spec_check_refs(s);
    spec_finish_groups(s);
    take_tasks(s);
}

static void read_workflow(struct spec *s)
{
    if (!is_map(s) || spec_is_foreign(s, &s->tree->root))
        return;
    s->model.work.fail_fast = true;
    s->model.policy.retry = spec_retry_none;
    s->model.policy.grace_us = 10 * UNITS_SECOND;
    s->model.policy.queue = "default";
    s->task = SPEC_NO_TASK;
    s->flow->vars = spec_own_json(s, json_object());
    spec_read(s, &spec_workflow, &s->tree->root, s->flow, NULL);
    spec_finish(s);
    s->flow->n_asked = (uint32_t)s->asked.n;
    s->flow->asked = spec_alloc(s, s->asked.n, sizeof(*s->flow->asked));
    if (s->asked.n > 0)
        memcpy(s->flow->asked, s->asked.items, s->asked.n * sizeof(*s->flow->asked));
}

static void spec_done(struct spec *s)
{
    for (size_t i = 0; i < s->groups.n; i++) {
        spec_done(s->groups.items[i]);
        mem_free(s->groups.items[i]);
    }
    ARRAY_DONE(&s->groups);
    ARRAY_DONE(&s->captures);
    ARRAY_DONE(&s->asked);
    ARRAY_DONE(&s->tasks);
    ARRAY_DONE(&s->needs);
    ARRAY_DONE(&s->refs);
    ARRAY_DONE(&s->follows);
    ARRAY_DONE(&s->undos);
    map_done(&s->by_name);
    mem_free(s->suspect);
    mem_free(s->order);
}

struct flow *flow_parse(const char *text, size_t len, struct flow_problems *problems)
{
    const size_t before = problems->n + problems->n_more;
    struct flow_owned *owned = mem_alloc(sizeof(*owned));
    struct tree tree;
    struct spec s = {.flow = &owned->flow,
                     .arena = &owned->flow.arena,
                     .owned = owned,
                     .tree = &tree,
                     .problems = problems};

    owned->flow.refs = 1;
    sha256_text(text, len, owned->flow.hash);
    if (tree_read(&tree, text, len, problems))
        read_workflow(&s);
    spec_done(&s);
    tree_done(&tree);
    if (problems->n + problems->n_more == before)
        return &owned->flow;
    flow_problems_sort(problems);
    free_owned(owned);
    return NULL;
}

int64_t flow_task_index(const struct flow *f, const char *name)
{
    uint32_t first = 0;
    uint32_t end = f->n_tasks;

    while (first < end) {
        const uint32_t middle = first + (end - first) / 2;
        const int order = strcmp(name, f->tasks[f->by_name[middle]].name);

        if (order == 0)
            return f->by_name[middle];
        if (order < 0)
            end = middle;
        else
            first = middle + 1;
    }
    return -1;
}

struct flow *flow_enter(struct flow *f, const char *entry, size_t len)
{
    char name[SPEC_KEY_MAX];

    while (entry && len > 0) {
        const char *dot = memchr(entry, '.', len);
        const size_t part = dot ? (size_t)(dot - entry) : len;
        if (part >= sizeof(name))
            return NULL;
        snprintf(name, sizeof(name), "%.*s", (int)part, entry);
        const int64_t task = flow_task_index(f, name);
        if (task < 0 || !f->tasks[task].work->group)
            return NULL;
        f = (struct flow *)(uintptr_t)f->tasks[task].work->group;
        len -= dot ? part + 1 : part;
        entry += dot ? part + 1 : part;
    }
    return f;
}

static json_t *eval_nested(const struct flow_nested *nested,
                           const struct expr_scope *scope, struct expr_err *err)
{
    json_t *made = nested->is_map ? json_object() : json_array();

    for (uint32_t i = 0; i < nested->n; i++) {
        json_t *item = flow_value_eval(&nested->items[i].value, scope, err);

        if (!item) {
            json_decref(made);
            return NULL;
        }
        if (nested->is_map)
            json_object_set_new_nocheck(made, nested->items[i].name, item);
        else
            json_array_append_new(made, item);
    }
    return made;
}

json_t *flow_value_eval(const struct flow_value *v, const struct expr_scope *scope,
                        struct expr_err *err)
{
    if (v->tmpl)
        return tmpl_eval(v->tmpl, scope, err);
    if (v->nested)
        return eval_nested(v->nested, scope, err);
    return json_incref(v->constant);
}
