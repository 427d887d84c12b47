/* kind_transform.c - a task whose outputs are values of expressions. Begins and ends in
 * one step. */
#include "engine/dag_kind.h"

/* By name, or NULL with a sentence. */
static json_t *outputs_of(struct dag_scope *sc, const struct flow_work *work,
                          struct ff_err *err)
{
    json_t *outputs = json_object();

    for (uint32_t i = 0; i < work->n_outputs; i++) {
        struct ff_err why = {0};
        json_t *value = dag_eval(sc, &work->values[i], &why);

        if (!value) {
            ff_fail(err, FF_INVALID, 0, "transform.%.64s: %.180s",
                    work->outputs[i].name, why.msg);
            json_decref(outputs);
            return NULL;
        }
        json_object_set_new_nocheck(outputs, work->outputs[i].name, value);
    }
    return outputs;
}

static bool is_small(const json_t *outputs, struct ff_err *err)
{
    const size_t size = json_dumpb(outputs, NULL, 0, JSON_COMPACT);

    if (size > FLOW_MAX_TRANSFORM)
        ff_fail(err, FF_INVALID, 0,
                "transform: %zu bytes as JSON, at most %d are "
                "allowed",
                size, FLOW_MAX_TRANSFORM);
    return size <= FLOW_MAX_TRANSFORM;
}

static void enter(struct run *r, struct step *s, int64_t node)
{
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];
    struct ff_err err = {0};
    struct dag_scope sc;

    dag_scope_init(&sc, r, t, NODE_ITEM(node), dag_unit(dag_of(r), node)->attempt,
                   s->now_us);
    json_t *outputs = outputs_of(&sc, t->work, &err);
    dag_scope_done(&sc);
    const struct dag_end end = {.state = TASK_SUCCEEDED, .outputs = outputs};
    if (outputs && is_small(outputs, &err))
        dag_finish(r, s, node, &end);
    else
        dag_fail_expression(r, s, node, &err);
    json_decref(outputs);
}

const struct dag_kind dag_kind_transform = {.enter = enter};
