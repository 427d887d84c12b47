/* kind_uses.c - another workflow as a task. Which text that is was decided when the
 * outermost run was submitted, and stands in its pins: whatever is applied meanwhile
 * changes nothing. */
#include "engine/dag_kind.h"

static const char *text_at(const json_t *pin, const char *name)
{
    return json_string_value(json_object_get(pin, name));
}

/* NULL with a sentence. */
static json_t *inputs_of(struct run *r, int64_t node, struct ff_err *err)
{
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];
    const struct unit *u = dag_unit(dag_of(r), node);
    json_t *inputs = json_object();
    struct dag_scope sc;

    dag_scope_init(&sc, r, t, NODE_ITEM(node), u->attempt, r->row.started_at);
    for (uint32_t i = 0; inputs && i < t->work->n_with; i++) {
        const struct flow_pair *pair = &t->work->with[i];
        struct ff_err why = {0};
        json_t *v = dag_eval(&sc, &pair->value, &why);
        if (v) {
            json_object_set_new(inputs, pair->name, v);
            continue;
        }
        ff_fail(err, FF_INVALID, 0, "with.%s: %.180s", pair->name, why.msg);
        json_decref(inputs);
        inputs = NULL;
    }
    dag_scope_done(&sc);
    return inputs;
}

const json_t *dag_uses_pin(const struct run *r, int64_t node)
{
    const struct flow *f = flow_of(r);
    struct buf key = {0};

    buf_printf(&key, "%s %s", f->hash, f->tasks[NODE_TASK(node)].work->uses);
    const json_t *pin = json_object_get(r->pins, buf_text(&key));
    buf_done(&key);
    return pin;
}

static void enter(struct run *r, struct step *s, int64_t node)
{
    const json_t *pin = dag_uses_pin(r, node);
    struct ff_err err = {0};

    if (!pin) {
        dag_end_unit(r, s, node, TASK_FAILED, "unresolved",
                     "which text uses means was not decided when the run was made");
        return;
    }
    json_t *inputs = inputs_of(r, node, &err);
    if (!inputs) {
        dag_fail_expression(r, s, node, &err);
        return;
    }
    const struct run_row row = {.workflow = span_of(text_at(pin, "workflow")),
                                .hash = span_of(text_at(pin, "hash")),
                                .dir = span_of(text_at(pin, "dir")),
                                .labels = r->row.labels,
                                .pins = r->row.pins};
    dag_child_begin(r, s, node, &row, inputs, NULL);
    json_decref(inputs);
}

const struct dag_kind dag_kind_uses = {
    .enter = enter, .resume = dag_child_resume, .stop = dag_child_stop};
