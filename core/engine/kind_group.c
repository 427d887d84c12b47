/* kind_group.c - a task with tasks of its own: the run of a part of the same file. What
 * its expressions use from outside is handed to it as values when it begins. */
#include "engine/dag_kind.h"

static json_t *scope_of(struct run *r, int64_t node)
{
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];
    const struct flow *group = t->work->group;
    json_t *tasks = json_object();
    struct dag_scope sc;

    dag_scope_init(&sc, r, t, NODE_ITEM(node), dag_unit(dag_of(r), node)->attempt,
                   r->row.started_at);
    json_t *scope = dag_scope_item(&sc);
    dag_scope_done(&sc);
    for (uint32_t i = 0; i < group->n_captures; i++)
        json_object_set_new(tasks, group->captures[i],
                            dag_task_value(r, group->captures[i]));
    json_object_set_new(scope, "tasks", tasks);
    return scope;
}

static void enter(struct run *r, struct step *s, int64_t node)
{
    const struct flow *group = flow_of(r)->tasks[NODE_TASK(node)].work->group;
    const struct run_row row = {.workflow = r->row.workflow,
                                .hash = r->row.hash,
                                .dir = r->row.dir,
                                .labels = r->row.labels,
                                .pins = r->row.pins,
                                .entry = span_of(group->entry)};
    json_t *scope = scope_of(r, node);

    dag_child_begin(r, s, node, &row, r->inputs, scope);
    json_decref(scope);
}

const struct dag_kind dag_kind_group = {
    .enter = enter, .resume = dag_child_resume, .stop = dag_child_stop};
