/* dag_scope.c - what expressions see: inputs, env, tasks, item, index, attempt, run,
 * workflow. Built only as far as an expression asks, and large values by reference:
 * a run of 100,000 tasks must not be copied to answer one `if`. */
#include "engine/dag_priv.h"

#include <string.h>

/* --- tasks --- */

static json_t *gather(const struct items *items, const char *name)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < items->n; i++) {
        json_t *v = json_object_get(items->units[i].outputs, name);
        json_array_append(list, v ? v : json_null());
    }
    return list;
}

/* Of a workflow that was used only its runs tell which outputs there are. */
static void gather_all(struct items *items)
{
    const char *name;
    json_t *v;

    for (uint32_t i = 0; i < items->n; i++)
        json_object_foreach(items->units[i].outputs, name, v)
        {
            if (!json_object_get(items->gathered, name))
                json_object_set_new(items->gathered, name, gather(items, name));
        }
}

/* Outputs of a foreach: by name a list with one entry an item, in order, null where
 * the item has none. Kept once the task is final. Borrowed. */
static json_t *gathered(const struct flow_task *ft, struct dag_task *t)
{
    struct items *items = t->items;

    if (items->gathered)
        return items->gathered;
    if (!task_state_final(t->unit.state))
        return NULL;
    items->gathered = json_object();
    if (ft->work->kind == FLOW_USES) {
        gather_all(items);
        if (json_object_size(items->gathered) == 0) { /* nobody told any names */
            json_decref(items->gathered);
            items->gathered = json_null();
        }
        return items->gathered;
    }
    for (uint32_t i = 0; i < ft->work->n_outputs; i++)
        json_object_set_new(items->gathered, ft->work->outputs[i].name,
                            gather(items, ft->work->outputs[i].name));
    return items->gathered;
}

/* Those of its outputs that are files or folders; NULL: it has declared none. */
static json_t *artifacts_of(const struct flow_work *work, const json_t *outputs)
{
    json_t *o = NULL;

    for (uint32_t i = 0; i < work->n_outputs; i++) {
        const char *name = work->outputs[i].name;
        json_t *v = json_object_get(outputs, name);

        if (work->outputs[i].as != FLOW_AS_ARTIFACT)
            continue;
        o = o ? o : json_object();
        json_object_set(o, name, v ? v : json_null());
    }
    return o;
}

static json_t *task_object(struct run *r, uint32_t index)
{
    struct dag_task *t = &dag_of(r)->tasks[index];
    const struct flow_task *ft = &flow_of(r)->tasks[index];
    json_t *outputs = t->items ? gathered(ft, t) : t->unit.outputs;
    json_t *artifacts = artifacts_of(ft->work, outputs);
    json_t *o = json_object();

    json_object_set_new(o, "status", json_string(task_state_names[t->unit.state]));
    json_object_set(o, "outputs", outputs ? outputs : json_null());
    if (artifacts)
        json_object_set_new(o, "artifacts", artifacts);
    json_object_set_new(o, "attempts", json_integer(t->unit.attempt));
    json_object_set_new(o, "exit_code",
                        t->unit.exit_code < 0 ? json_null()
                                              : json_integer(t->unit.exit_code));
    json_object_set_new(o, "message",
                        t->message ? json_string(t->message) : json_null());
    return o;
}

struct asked {
    struct run *run;
    json_t *tasks;
};

static void add_asked(void *arg, const char *const *path, size_t n, size_t offset,
                      size_t length)
{
    struct asked *asked = arg;

    (void)offset;
    (void)length;
    if (n < 2 || strcmp(path[0], "tasks") != 0 ||
        json_object_get(asked->tasks, path[1]))
        return;
    /* It is there: core/flow/refs.c takes no name that is not. */
    json_object_set_new(asked->tasks, path[1], dag_task_value(asked->run, path[1]));
}

json_t *dag_task_value(struct run *r, const char *name)
{
    const int64_t index = flow_task_index(flow_of(r), name);

    if (index >= 0)
        return task_object(r, (uint32_t)index);
    return json_incref(json_object_get(json_object_get(r->outside, "tasks"), name));
}

/* --- the other names --- */

static json_t *make_env(const struct dag_scope *sc)
{
    json_t *env = json_object();

    /* Outputs of the run are the only ones without a task, and have no env. */
    for (uint32_t i = 0; i < sc->task->work->n_env; i++)
        if (sc->task->work->env[i].value.constant)
            json_object_set(env, sc->task->work->env[i].name,
                            sc->task->work->env[i].value.constant);
    return env;
}

static json_t *make_item(const struct dag_scope *sc)
{
    if (sc->item < 0)
        return json_incref(json_object_get(sc->run->outside, "item"));
    const size_t task = (size_t)(sc->task - flow_of(sc->run)->tasks);
    const struct items *items = dag_of(sc->run)->tasks[task].items;
    return json_incref(json_array_get(items->list, (size_t)sc->item));
}

static json_t *make_index(const struct dag_scope *sc)
{
    if (sc->item < 0)
        return json_incref(json_object_get(sc->run->outside, "index"));
    return json_integer(sc->item);
}

/* The item one level out. */
static json_t *make_parent(const struct dag_scope *sc)
{
    json_t *outside = sc->run->outside;
    json_t *o;

    if (sc->item < 0)
        return json_incref(json_object_get(outside, "parent"));
    o = json_object();
    json_object_set(o, "item", json_object_get(outside, "item"));
    json_object_set(o, "index", json_object_get(outside, "index"));
    return o;
}

/* Of the task's own loop, or of the one around its group. `if` is judged before there
 * is an attempt. */
static bool in_own_loop(const struct dag_scope *sc)
{
    return sc->task && sc->task->work->repeat && sc->attempt > 0;
}

static int64_t own_node(const struct dag_scope *sc)
{
    return NODE_OF(sc->task - flow_of(sc->run)->tasks, -1);
}

static json_t *make_iteration(const struct dag_scope *sc)
{
    if (in_own_loop(sc))
        return json_integer(dag_iteration(sc->run, own_node(sc)));
    return json_incref(json_object_get(sc->run->outside, "iteration"));
}

/* The outputs of the iteration before; null in the first. */
static json_t *make_previous(const struct dag_scope *sc)
{
    if (in_own_loop(sc)) {
        json_t *outputs = dag_unit(dag_of(sc->run), own_node(sc))->outputs;
        return outputs ? json_incref(outputs) : json_null();
    }
    return json_incref(json_object_get(sc->run->outside, "previous"));
}

json_t *dag_scope_item(struct dag_scope *sc)
{
    static const struct {
        const char *name;
        json_t *(*make)(const struct dag_scope *sc);
    } handed[] = {{"item", make_item},
                  {"index", make_index},
                  {"parent", make_parent},
                  {"iteration", make_iteration},
                  {"previous", make_previous}};
    json_t *o = json_object();

    for (size_t i = 0; i < COUNT_OF(handed); i++) {
        json_t *v = handed[i].make(sc);
        if (v)
            json_object_set_new(o, handed[i].name, v);
    }
    return o;
}

static json_t *make_attempt(const struct dag_scope *sc)
{
    return json_integer(sc->attempt);
}

static void add_schedule(json_t *o, const struct run_row *row)
{
    char nominal[UNITS_TEXT];

    if (!row->schedule.s) {
        json_object_set_new(o, "schedule", json_null());
        json_object_set_new(o, "nominal_at", json_null());
        return;
    }
    units_time_text(row->nominal_at, nominal);
    json_object_set_new(o, "schedule",
                        json_stringn(row->schedule.s, row->schedule.len));
    json_object_set_new(o, "nominal_at", json_string(nominal));
}

/* In handlers run.status is what the main tasks came to. */
static json_t *make_run(const struct dag_scope *sc)
{
    const struct run *r = sc->run;
    const bool main_over = dag_of(sc->run)->phase != PHASE_MAIN;
    int64_t state = main_over ? (int64_t)dag_main_result(r) : r->row.state;
    char started[UNITS_TEXT] = "";
    json_t *o = json_object();

    if (sc->is_list && sc->task->part == FLOW_MAIN)
        state = RUN_RUNNING; /* as the first time that the list was made */
    if (r->row.started_at != MODEL_NULL)
        units_time_text(r->row.started_at, started);
    json_object_set_new(o, "id", json_stringn(r->row.id.s, r->row.id.len));
    json_object_set_new(o, "name",
                        json_stringn(r->row.workflow.s, r->row.workflow.len));
    json_object_set_new(o, "status", json_string(run_state_names[state]));
    json_object_set_new(o, "started_at", json_string(started));
    add_schedule(o, &r->row);
    return o;
}

static json_t *make_workflow(const struct dag_scope *sc)
{
    const struct flow *f = flow_of(sc->run);
    json_t *o = json_object();

    json_object_set_new(o, "name", json_string(f->name));
    json_object_set_new(o, "hash", json_string(f->hash));
    return o;
}

/* What the trigger was told that started the run. */
static json_t *make_event(const struct dag_scope *sc)
{
    const struct span event = sc->run->row.event;
    struct ff_err ignored;

    /* It was parsed when it came, so it can be parsed now. */
    return event.s ? json_parse(event.s, event.len, &ignored) : json_null();
}

/* Of the task that is undone: elsewhere the file may not ask for it, or is given
 * another by the expression's own names. */
static json_t *make_outputs(const struct dag_scope *sc)
{
    const int64_t of = NODE_OF(sc->task->work->undo->of, sc->item);
    json_t *outputs = dag_unit(dag_of(sc->run), of)->outputs;

    return outputs ? json_incref(outputs) : json_null();
}

static json_t *make_inputs(const struct dag_scope *sc)
{
    return json_incref(sc->run->inputs);
}

static json_t *make_vars(const struct dag_scope *sc)
{
    return json_incref(flow_of(sc->run)->vars);
}

static const struct {
    const char *name;
    json_t *(*make)(const struct dag_scope *sc); /* NULL result: no such name here */
} names[] = {
    {"inputs", make_inputs},     {"tasks", NULL},
    {"env", make_env},           {"item", make_item},
    {"index", make_index},       {"attempt", make_attempt},
    {"run", make_run},           {"workflow", make_workflow},
    {"event", make_event},       {"vars", make_vars},
    {"parent", make_parent},     {"iteration", make_iteration},
    {"previous", make_previous}, {"outputs", make_outputs},
};
#define NAME_TASKS 1

static json_t *lookup(void *arg, const char *name)
{
    struct dag_scope *sc = arg;
    json_t *own = json_object_get(sc->more, name);

    for (size_t i = 0; !own && i < COUNT_OF(names); i++) {
        if (strcmp(names[i].name, name) != 0)
            continue;
        if (!sc->made[i] && names[i].make)
            sc->made[i] = names[i].make(sc);
        return sc->made[i];
    }
    return own;
}

void dag_scope_init(struct dag_scope *sc, struct run *r, const struct flow_task *task,
                    int64_t item, int64_t attempt, int64_t now_us)
{
    *sc = (struct dag_scope){.run = r, .task = task, .item = item, .attempt = attempt};
    sc->scope = (struct expr_scope){.lookup = lookup, .arg = sc, .now_us = now_us};
}

void dag_scope_done(struct dag_scope *sc)
{
    for (size_t i = 0; i < COUNT_OF(names); i++)
        json_decref(sc->made[i]);
}

/* What is stored must be read again: JSON may have 128 levels, of which the file and
 * we put some around a value. Values out of values would grow without an end. */
#define MAX_LEVELS 80

static bool is_within(const json_t *value, int levels)
{
    const char *key;
    json_t *v;
    size_t i;

    if (json_typeof(value) != JSON_OBJECT && json_typeof(value) != JSON_ARRAY)
        return true;
    if (levels == 0)
        return false;
    json_array_foreach(value, i, v)
    {
        if (!is_within(v, levels - 1))
            return false;
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, v)
    {
        if (!is_within(v, levels - 1))
            return false;
    }
    return true;
}

static json_t *bounded(json_t *value, struct ff_err *err)
{
    if (is_within(value, MAX_LEVELS))
        return value;
    json_decref(value);
    ff_fail(err, FF_INVALID, 0, "gives a value of more than %d levels", MAX_LEVELS);
    return NULL;
}

json_t *dag_eval_tmpl(struct dag_scope *sc, const struct tmpl *t, struct ff_err *err)
{
    struct asked asked = {.run = sc->run, .tasks = json_object()};
    struct expr_err why = {0};

    tmpl_refs(t, add_asked, &asked);
    json_decref(sc->made[NAME_TASKS]);
    sc->made[NAME_TASKS] = asked.tasks;
    json_t *v = tmpl_eval(t, &sc->scope, &why);
    if (!v && why.code == EXPR_E_NOMEM)
        mem_exhausted();
    if (!v)
        ff_fail(err, FF_INVALID, 0, "%.180s%s%.60s", why.msg, why.hint[0] ? "; " : "",
                why.hint);
    return v ? bounded(v, err) : NULL;
}

int dag_truth(struct dag_scope *sc, const struct tmpl *t, bool *holds,
              struct ff_err *err)
{
    json_t *v = dag_eval_tmpl(sc, t, err);

    if (!v)
        return err->code;
    const bool is_bool = expr_truth(v, holds);
    json_decref(v);
    return is_bool ? FF_OK : ff_fail(err, FF_INVALID, 0, "gives no true or false");
}

/* A list or map with expressions inside; its depth is bounded by that of the file. */
static json_t *eval_nested(struct dag_scope *sc, const struct flow_nested *nested,
                           struct ff_err *err)
{
    json_t *made = nested->is_map ? json_object() : json_array();

    for (uint32_t i = 0; i < nested->n; i++) {
        json_t *v = dag_eval(sc, &nested->items[i].value, err);

        if (!v) {
            json_decref(made);
            return NULL;
        }
        if (nested->is_map)
            json_object_set_new_nocheck(made, nested->items[i].name, v);
        else
            json_array_append_new(made, v);
    }
    return made;
}

json_t *dag_eval(struct dag_scope *sc, const struct flow_value *v, struct ff_err *err)
{
    if (v->nested)
        return eval_nested(sc, v->nested, err);
    return v->tmpl ? dag_eval_tmpl(sc, v->tmpl, err) : json_incref(v->constant);
}
