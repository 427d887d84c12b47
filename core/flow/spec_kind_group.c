/* tasks: inside a task: a small workflow of its own. Its tasks are read where they
 * stand, into a reading of their own; what they use from outside is checked when all
 * that is outside is known. */
#include "flow/spec_kind.h"
#include <string.h>

static const char *const without[] = {
    "env",           "stdin",    "working_dir", "queue_timeout",     "grace",
    "queue",         "priority", "resources",   "heartbeat_timeout", "artifacts",
    "node_selector", NULL};

const struct spec_kind spec_kind_group = {.key = "tasks", .without = without};

/* It sees the inputs and constants of the whole file, and is freed with it. */
static struct spec *open_group(struct spec *s)
{
    struct spec *g = mem_alloc(sizeof(*g));
    struct flow *f = spec_alloc(s, 1, sizeof(*f));

    f->name = s->flow->name;
    f->inputs = s->flow->inputs;
    f->n_inputs = s->flow->n_inputs;
    f->vars = s->flow->vars;
    f->owner = s->flow->owner ? s->flow->owner : s->flow;
    memcpy(f->hash, s->flow->hash, sizeof(f->hash));
    g->flow = f;
    g->arena = s->arena;
    g->owned = s->owned;
    g->tree = s->tree;
    g->problems = s->problems;
    g->env = s->env;
    g->outer = s;
    g->inside = s->task;
    g->depth = s->depth + 1;
    memcpy(&g->model, &s->model, sizeof(g->model));
    g->task = SPEC_NO_TASK;
    ARRAY_ADD(&s->groups, g);
    return g;
}

static void read_group(struct spec *s, const struct spec_field *field,
                       const struct tree_node *node, void *slot)
{
    struct flow_work *work = &((struct spec_draft *)slot)->work;

    if (work->kind != FLOW_GROUP)
        return; /* another kind stands beside it, and is said to */
    if (s->depth + 1 > FLOW_MAX_GROUP_DEPTH) {
        flow_problem_msg(spec_problem(s, PROBLEM_LIMIT, node),
                         "groups stand inside each other more than %d deep",
                         FLOW_MAX_GROUP_DEPTH);
        return;
    }
    if (node->kind < TREE_LIST) {
        spec_wrong_type(s, field->key, field->type->is, node);
        return;
    }
    struct spec *g = open_group(s);

    work->group = g->flow;
    s->group = g;
    spec_read_tasks(g, field, node);
    spec_add_followers(g);
}

static json_t *schema_group(const struct spec_field *field)
{
    return spec_tasks_type.schema(field);
}

const struct spec_type spec_group_type = {.name = "map of tasks",
                                          .is = "a map of names and tasks, or a list",
                                          .read = read_group,
                                          .schema = schema_group};

/* Of the group that was read last: `tasks` stands before `outputs` in the table. Those
 * behind the group know its outputs by name. */
void spec_read_group_outputs(struct spec *s, const struct spec_field *field,
                             const struct tree_node *node, struct flow_work *work)
{
    struct flow *f = s->group ? s->group->flow : NULL;

    if (!f || work->group != f)
        return; /* its tasks could not be read */
    spec_run_outputs.read(s->group, field, node, f);
    work->outputs = spec_alloc(s, f->n_outputs, sizeof(*work->outputs));
    for (uint32_t i = 0; i < f->n_outputs; i++)
        work->outputs[work->n_outputs++] = (struct flow_output){
            .name = f->outputs[i].name, .file = f->outputs[i].name, .optional = true};
}

/* --- when all tasks around it are known --- */

static void check_name(struct spec *g, const struct flow_task *t)
{
    for (const struct spec *at = g->outer; at; at = at->outer) {
        const size_t found = (uintptr_t)map_get_text(&at->by_name, t->name);
        if (!found)
            continue;
        const struct tree_key key = {t->name, (uint32_t)strlen(t->name),
                                     (uint32_t)t->line, t->column};
        struct flow_problem *p = spec_problem_key(g, PROBLEM_DUPLICATE_NAME, &key);
        flow_problem_msg(p, "there is a task %s in line %d already, outside the group",
                         t->name, at->tasks.items[found - 1].line);
        flow_problem_hint(p, "give one of the two another name");
        return;
    }
}

static const char *entry_of(struct spec *g)
{
    const char *name = g->outer->tasks.items[g->inside].name;
    const char *before = g->outer->flow->entry;
    struct buf entry = {0};

    buf_printf(&entry, "%s%s%s", before ? before : "", before ? "." : "", name);
    const char *text = arena_text(g->arena, buf_text(&entry), entry.len);
    buf_done(&entry);
    return text;
}

/* timeout: of the task is how long the whole group may take; parallelism is that of the
 * file, for each run. */
static void finish_group(struct spec *g)
{
    const struct flow_task *task = &g->outer->tasks.items[g->inside];

    g->flow->entry = entry_of(g);
    g->flow->timeout_us = task->policy->timeout_us;
    g->flow->parallelism = g->outer->flow->parallelism;
    for (size_t i = 0; i < g->tasks.n; i++)
        check_name(g, &g->tasks.items[i]);
    spec_finish(g);
    g->flow->captures = spec_alloc(g, g->captures.n, sizeof(*g->flow->captures));
    for (size_t i = 0; i < g->captures.n; i++)
        g->flow->captures[g->flow->n_captures++] = g->captures.items[i];
}

void spec_finish_groups(struct spec *s)
{
    for (size_t i = 0; i < s->groups.n; i++)
        finish_group(s->groups.items[i]);
}

/* --- names from outside --- */

void spec_capture(struct spec *g, const char *name)
{
    for (size_t i = 0; i < g->captures.n; i++)
        if (strcmp(g->captures.items[i], name) == 0)
            return;
    const char *kept = arena_text(g->arena, name, strlen(name));

    ARRAY_ADD(&g->captures, kept);
}
