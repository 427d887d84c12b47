/* dag_pause.c - a run or some of its tasks are to start nothing for a while. What runs
 * goes on; what becomes ready is held, and so is what becomes due. Whether it is paused
 * stands in the run's row, and everything that is held follows from the other rows:
 * when the run is loaded it is found ready again, and held again.
 *
 * In the row: {"run": {"by", "at"}, "outer": true, "tasks": {NAME: {"by", "at"}}};
 * outer: the run around it is paused, or the task of it that this one is. */
#include "engine/dag_kind.h"

#include <string.h>

static bool has_pause(const struct dag *d)
{
    return json_object_size(d->paused) > 0;
}

static bool is_all_paused(const struct dag *d)
{
    return json_object_get(d->paused, "run") || json_object_get(d->paused, "outer");
}

bool dag_is_paused(const struct run *r, int64_t node)
{
    const struct dag *d = r->state;

    if (!has_pause(d))
        return false;
    return is_all_paused(d) || json_object_get(json_object_get(d->paused, "tasks"),
                                               d->flow->tasks[NODE_TASK(node)].name);
}

void dag_pause_load(struct run *r)
{
    const struct span paused = r->row.paused;
    struct ff_err ignored;

    /* What nobody understands pauses nothing. */
    if (paused.s)
        dag_of(r)->paused = json_parse(paused.s, paused.len, &ignored);
}

void dag_pause_done(struct dag *d)
{
    json_decref(d->paused);
    ARRAY_DONE(&d->held);
}

/* --- holding --- */

static void hold(struct dag *d, int64_t node, int64_t count)
{
    const struct node_range range = {.node = node, .count = count};

    for (int64_t i = 0; i < count; i++) {
        struct unit *u = dag_unit(d, node + i);
        u->state = TASK_QUEUED;
        u->flags |= UNIT_HELD | UNIT_PAUSED;
    }
    ARRAY_ADD(&d->held, range);
}

bool dag_hold(struct run *r, int64_t node, int64_t count)
{
    if (!dag_is_paused(r, node))
        return false;
    hold(dag_of(r), node, count);
    return true;
}

bool dag_hold_due(struct run *r, int64_t node, int64_t at)
{
    const struct due due = {.node = node, .at = at};

    if (!dag_is_paused(r, node))
        return false;
    ARRAY_ADD(&dag_of(r)->due, due);
    return true;
}

static bool is_offered(const struct unit *u)
{
    return u->state == TASK_QUEUED && !(u->flags & UNIT_HELD);
}

/* Those of a task that wait for a slot, in ranges. */
static void withdraw(struct run *r, struct step *s, int64_t first, int64_t n)
{
    struct dag *d = dag_of(r);

    for (int64_t i = 0; i < n; i++) {
        int64_t count = 0;
        while (i + count < n && is_offered(dag_unit(d, first + i + count)))
            count++;
        if (count == 0)
            continue;
        d->active -= count;
        hold(d, first + i, count);
        step_effect(s, (struct effect){
                           .type = EFFECT_RETRACT, .node = first + i, .count = count});
        i += count;
    }
}

/* The runs inside it are told, each time that it changes. */
static void tell_child(struct run *r, struct step *s, int64_t node)
{
    const struct unit *u = dag_unit(dag_of(r), node);
    const struct effect tell = {.type = EFFECT_CHILD,
                                .node = node,
                                .attempt = u->attempt,
                                .pause = dag_is_paused(r, node) ? PAUSE_ON : PAUSE_OFF};

    if (u->state == TASK_RUNNING)
        step_effect(s, tell);
}

static void apply_to_task(struct run *r, struct step *s, uint32_t task)
{
    const struct items *items = dag_of(r)->tasks[task].items;
    const int64_t first = NODE_OF(task, items ? 0 : -1);
    const int64_t n = items ? items->n : 1;
    const struct dag_kind *kind = dag_kind_of(r, first);

    if (dag_is_paused(r, first))
        withdraw(r, s, first, n);
    for (int64_t i = 0; kind && kind->resume && i < n; i++)
        tell_child(r, s, first + i);
}

/* --- letting go --- */

static void let_go(struct run *r, struct step *s, int64_t node)
{
    struct unit *u = dag_unit(dag_of(r), node);

    if (!u || !(u->flags & UNIT_PAUSED) || u->state != TASK_QUEUED)
        return; /* it was stopped meanwhile, or begins again from another list */
    u->flags &= (uint8_t) ~(UNIT_HELD | UNIT_PAUSED);
    u->state = TASK_WAITING;
    dag_begin_units(r, s, node, 1);
}

/* What is still paused is held again by the functions that begin it. Who wants a slot
 * waits for it from now on, whenever it was ready or due. */
static void let_all_go(struct run *r, struct step *s)
{
    struct dag *d = dag_of(r);
    struct held_nodes held = d->held;

    d->unpaused_at = s->now_us;
    for (size_t i = 0; i < d->due.n; i++)
        d->due.items[i].at = s->now_us;
    /* First: what begins now has a time of its own. */
    dag_resume_dues(r, s);
    d->held = (struct held_nodes){0};
    for (size_t i = 0; i < held.n; i++)
        for (int64_t k = 0; k < held.items[i].count; k++)
            let_go(r, s, held.items[i].node + k);
    ARRAY_DONE(&held);
    dag_offer_waiting(r, s);
}

/* --- what people say --- */

static void store(struct run *r, struct step *s, const char *type, const char *task)
{
    const struct dag *d = r->state;
    MEM_AUTO char *text = has_pause(d) ? json_text(d->paused) : NULL;
    struct jsonw w = step_event(s, type);

    if (task) {
        jsonw_key(&w, "task");
        jsonw_text(&w, task);
    }
    step_event_end(s, &w);
    engine_run_paused(r, s, text);
}

static json_t *note(const struct step *s, const struct signal *signal)
{
    const char *by = json_string_value(json_object_get(signal->body, "by"));
    char at[UNITS_TEXT];

    units_time_text(s->now_us, at);
    return json_pack("{ss ss}", "by", by ? by : "somebody", "at", at);
}

/* Where it stands in the row: under a key, or among the tasks. */
struct place {
    json_t *in; /* borrowed */
    const char *key, *task;
};

static const char *find_place(struct run *r, const struct signal *signal,
                              struct place *place)
{
    struct dag *d = dag_of(r);
    const char *task = json_string_value(json_object_get(signal->body, "task"));

    if (!d->paused)
        d->paused = json_object();
    *place = (struct place){.in = d->paused, .key = task ? task : "run", .task = task};
    if (json_is_true(json_object_get(signal->body, "outer")))
        place->key = "outer";
    if (!task)
        return NULL;
    if (flow_task_index(d->flow, task) < 0)
        return "no_such_task";
    place->in = json_object_get(d->paused, "tasks");
    if (!place->in) {
        place->in = json_object();
        json_object_set_new(d->paused, "tasks", place->in);
    }
    return NULL;
}

/* A map of tasks without tasks says nothing. */
static void drop_empty(struct dag *d)
{
    if (json_object_size(json_object_get(d->paused, "tasks")) == 0)
        json_object_del(d->paused, "tasks");
}

static void apply(struct run *r, struct step *s)
{
    for (uint32_t i = 0; i < flow_of(r)->n_tasks; i++)
        apply_to_task(r, s, i);
}

const char *dag_pause(struct run *r, struct step *s, const struct input *in)
{
    struct place place;

    if (r->row.cancel != CANCEL_NONE)
        return "cancelling";
    const char *why = find_place(r, in->signal, &place);
    if (!why && !json_object_get(place.in, place.key)) {
        json_object_set_new(place.in, place.key, note(s, in->signal));
        store(r, s, "run.paused", place.task);
        apply(r, s);
        dag_offer_waiting(r, s); /* in the places of what was taken back */
    }
    drop_empty(dag_of(r));
    return why;
}

const char *dag_unpause(struct run *r, struct step *s, const struct input *in)
{
    struct place place;
    const char *why = find_place(r, in->signal, &place);

    if (!why && json_object_del(place.in, place.key) == 0) {
        drop_empty(dag_of(r));
        store(r, s, "run.unpaused", place.task);
        apply(r, s);
        let_all_go(r, s);
    }
    drop_empty(dag_of(r));
    return why;
}

/* A cancel ends every pause: its handlers are to run. What is held is about to be
 * stopped. */
void dag_pause_cancelled(struct run *r, struct step *s)
{
    struct dag *d = dag_of(r);

    if (!has_pause(d))
        return;
    json_object_clear(d->paused);
    d->held.n = 0;
    d->due.n = 0;
    store(r, s, "run.unpaused", NULL);
}
