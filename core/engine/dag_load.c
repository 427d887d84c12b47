/* dag_load.c - the state of a run from its rows, and what must be said again to the
 * scheduler, the timers and the runtime after a restart.
 *
 * Tasks that wait or are queued have no row: they follow from the states of those
 * that have one, by the same rules as the first time. */
#include "engine/dag_kind.h"

static void load_unit(struct unit *u, const struct task_row *row, json_t *outputs)
{
    u->state = (uint8_t)row->state;
    u->version = (uint32_t)row->version;
    u->attempt = (uint16_t)row->attempt;
    u->lost = (uint16_t)row->lost;
    u->exit_code = row->exit_code == MODEL_NULL ? -1 : (int16_t)row->exit_code;
    u->outputs = outputs ? json_incref(outputs) : NULL;
    if (row->state == TASK_RUNNING && span_is(row->reason, DAG_HEARTBEAT))
        u->flags |= UNIT_SILENT;
}

static void load_item(struct dag_task *t, const struct unit *u,
                      const struct task_row *row)
{
    struct items *items = t->items;

    if (u->state == TASK_WAITING)
        return; /* it is to begin again */
    if (!task_state_final(u->state)) {
        items->active++;
        return;
    }
    items->final++;
    if (items->ended)
        items->ended[NODE_ITEM(row->node)] = row->finished_at;
    items->failed += u->state == TASK_FAILED;
    items->cancelled += u->state == TASK_CANCELLED;
}

/* Is this a state that its kind puts a unit into? */
static bool fits_kind(const struct run *r, const struct task_row *row)
{
    const struct dag_kind *kind = dag_kind_of(r, row->node);

    if (row->state == TASK_SUSPENDED)
        return kind && kind->due;
    return row->state != TASK_RUNNING || row->items != MODEL_NULL || !kind ||
           kind->resume;
}

static bool has_item(const struct dag_task *t, const struct task_row *row)
{
    return t->items && NODE_ITEM(row->node) < (int64_t)t->items->n;
}

/* Could the run have written this row? */
static int check_row(const struct run *r, const struct task_row *row,
                     struct ff_err *err)
{
    const int64_t task = NODE_TASK(row->node);

    if (task < 0 || task >= (int64_t)dag_of(r)->flow->n_tasks)
        return ff_fail(err, FF_CORRUPT, 0, "row of a task that the workflow has not");
    if (!fits_kind(r, row))
        return ff_fail(err, FF_CORRUPT, 0,
                       "row of a task that is %s, which its kind never is",
                       task_state_names[row->state]);
    if (NODE_ITEM(row->node) < 0 && row->items != MODEL_NULL &&
        (row->items < 0 || row->items > FLOW_MAX_ITEMS))
        return ff_fail(err, FF_CORRUPT, 0, "impossible number of items");
    return FF_OK;
}

/* The row of a task itself, not of an item. */
static void load_plain(struct dag_task *t, struct unit *u, const struct task_row *row)
{
    t->ready_at = row->queued_at;
    t->ended_at = task_state_final(row->state) ? row->finished_at : 0;
    if (span_is(row->reason, DAG_UPSTREAM_FAILED))
        u->flags |= UNIT_BLOCKED;
    if (row->state == TASK_RUNNING && span_is(row->reason, DAG_STOPPED))
        u->flags |= UNIT_STOPPED;
}

static int load_expanded(struct run *r, const struct task_row *row, struct ff_err *err)
{
    struct dag *d = dag_of(r);
    const uint32_t task = (uint32_t)NODE_TASK(row->node);

    if (d->flow->tasks[task].part == FLOW_COMPENSATE)
        return dag_undo_items(r, task, row->items, err);
    d->tasks[task].items = dag_items_new(d, task, (uint32_t)row->items);
    d->tasks[task].items->begun_at = row->started_at;
    return FF_OK;
}

/* It goes on at a time that its row says. */
static void load_due(struct dag *d, const struct task_row *row)
{
    const struct due due = {.node = row->node, .at = row->due_at};

    if (row->state == TASK_RETRYING ||
        (row->state == TASK_SUSPENDED && row->due_at != MODEL_NULL))
        ARRAY_ADD(&d->due, due);
}

int dag_load_task(struct run *r, const struct task_row *row, json_t *outputs,
                  struct ff_err *err)
{
    struct dag *d = dag_of(r);
    const bool is_item = NODE_ITEM(row->node) >= 0;

    if (check_row(r, row, err) != FF_OK)
        return err->code;
    struct dag_task *t = &d->tasks[NODE_TASK(row->node)];
    if (!is_item && row->items != MODEL_NULL && load_expanded(r, row, err) != FF_OK)
        return err->code;
    if (row->attempt_base > 0)
        map_set(&d->bases, row->node, (void *)(uintptr_t)row->attempt_base);
    if (is_item && row->state == TASK_WAITING && !has_item(t, row)) {
        map_set(&d->kept, row->node,
                dag_kept((uint32_t)row->version, (uint16_t)row->attempt));
        return FF_OK;
    }
    if (row->iteration > 1)
        map_set(&d->iterations, row->node, (void *)(uintptr_t)row->iteration);
    struct unit *u = dag_unit(d, row->node);
    if (!u)
        return ff_fail(err, FF_CORRUPT, 0, "row of an item that was never expanded");
    load_unit(u, row, outputs);
    dag_total_load(d, row);
    if (row->state == TASK_SUSPENDED && dag_kind_of(r, row->node)->load &&
        dag_kind_of(r, row->node)->load(r, row, err) != FF_OK)
        return err->code;
    if (is_item)
        load_item(t, u, row);
    else
        load_plain(t, u, row);
    dag_note_message(r, row->node, row->message);
    load_due(d, row);
    return FF_OK;
}

void dag_count_waiting(struct dag *d)
{
    for (uint32_t i = 0; i < d->flow->n_tasks; i++) {
        const struct flow_task *t = &d->flow->tasks[i];
        d->tasks[i].unit.waiting = 0;
        for (uint32_t k = 0; k < t->n_needs; k++)
            d->tasks[i].unit.waiting +=
                !task_state_final(d->tasks[t->needs[k]].unit.state);
    }
}

int dag_loaded(struct run *r, struct ff_err *err)
{
    struct dag *d = dag_of(r);

    dag_count_waiting(d);
    dag_find_phase(r);
    for (uint32_t i = 0; i < d->flow->n_tasks; i++) {
        struct dag_task *t = &d->tasks[i];
        if (!t->items || task_state_final(t->unit.state))
            continue;
        if (d->flow->tasks[i].part == FLOW_COMPENSATE ? dag_undo_loaded(r, i, err)
                                                      : dag_items_list(r, i, err))
            return err->code;
        t->items->stopping =
            (t->items->failed > 0 && d->flow->tasks[i].work->fail_fast) ||
            dag_phase_stopped(r);
    }
    return FF_OK;
}

/* --- saying it again --- */

static void resume_unit(struct run *r, struct step *s, int64_t node)
{
    struct dag *d = dag_of(r);
    const struct unit *u = dag_unit(d, node);

    dag_total_resume(r, s, node);
    if (dag_kind_of(r, node))
        return;
    if (u->state == TASK_RUNNING) {
        d->active++;
        step_effect(s, (struct effect){
                           .type = EFFECT_ADOPT, .node = node, .attempt = u->attempt});
        dag_resume_stop(r, s, node);
    }
    if (u->state == TASK_RETRYING)
        d->active++;
}

static void resume_task(struct run *r, struct step *s, uint32_t task)
{
    struct dag_task *t = &dag_of(r)->tasks[task];

    if (task_state_final(t->unit.state))
        return;
    if (t->items) {
        for (uint32_t i = 0; i < t->items->n; i++)
            resume_unit(r, s, NODE_OF(task, i));
        return;
    }
    resume_unit(r, s, NODE_OF(task, -1));
}

/* When the last thing ended that it waited for. Its own row would be the first to say
 * so, and is not there before it has a slot. */
static int64_t ready_since(const struct run *r, uint32_t task)
{
    const struct dag *d = r->state;
    const struct flow_task *ft = &d->flow->tasks[task];
    int64_t since = r->row.started_at;

    for (uint32_t i = 0; i < ft->n_needs; i++)
        if (d->tasks[ft->needs[i]].ended_at > since)
            since = d->tasks[ft->needs[i]].ended_at;
    /* The first of some handlers needs no task, but all of them to be over. */
    for (uint32_t i = 0; ft->part != FLOW_MAIN && i < d->flow->n_tasks; i++)
        if (d->tasks[i].ended_at > since)
            since = d->tasks[i].ended_at;
    return since;
}

static void go_on_task(struct run *r, struct step *s, uint32_t task)
{
    struct dag_task *t = &dag_of(r)->tasks[task];

    if (task_state_final(t->unit.state))
        return;
    if (!t->items) {
        const int64_t since = ready_since(r, task);
        /* One that waits has a row if it is to begin again: which says since when. */
        if (t->unit.state == TASK_WAITING && t->unit.waiting == 0)
            dag_task_ready(r, s, task, t->ready_at > since ? t->ready_at : since);
        return;
    }
    if (t->items->stopping)
        dag_stop_items(r, s, task, (enum cancel_mode)r->row.cancel);
    dag_more_items(r, s, task);
}

static void resume_own(struct run *r, struct step *s, int64_t node)
{
    const struct dag_kind *kind = dag_kind_of(r, node);
    const uint8_t state = dag_unit(dag_of(r), node)->state;

    if (state == TASK_RUNNING) {
        kind->resume(r, s, node);
        dag_resume_stop(r, s, node);
    } else if (state == TASK_SUSPENDED && kind->again) {
        kind->again(r, s, node);
    }
}

/* When all attempts are counted: what ends here may let others begin. */
static void resume_kind(struct run *r, struct step *s, uint32_t task)
{
    const struct dag_task *t = &dag_of(r)->tasks[task];

    if (!dag_kind_of(r, NODE_OF(task, -1)))
        return;
    for (uint32_t i = 0; t->items && i < t->items->n; i++)
        resume_own(r, s, NODE_OF(task, i));
    if (!t->items)
        resume_own(r, s, NODE_OF(task, -1));
}

static void resume_cancel(struct run *r, struct step *s, uint32_t first, uint32_t n)
{
    const struct dag *d = r->state;

    if (!dag_phase_stopped(r))
        return;
    for (uint32_t i = first; i < first + n; i++)
        if (!d->tasks[i].items && d->tasks[i].unit.state == TASK_RUNNING)
            dag_stop_unit(r, s, NODE_OF(i, -1), (enum cancel_mode)r->row.cancel);
}

static void resume_due(struct run *r, struct step *s, const struct due *due)
{
    const struct unit *u = dag_unit(dag_of(r), due->node);

    if (!u || u->state == TASK_WAITING)
        return; /* it begins again */
    const bool waits = u->state == TASK_SUSPENDED;
    if (due->at > s->now_us)
        step_effect(s, (struct effect){.type = EFFECT_TIMER,
                                       .node = due->node,
                                       .timer = waits ? TIMER_WAIT : TIMER_RETRY,
                                       .at_us = due->at});
    else if (waits)
        dag_wait_due(r, s, due->node);
    else
        dag_retry_due(r, s, due->node, due->at);
}

/* What is paused is put back. */
void dag_resume_dues(struct run *r, struct step *s)
{
    struct dag *d = dag_of(r);
    struct dues dues = d->due;

    d->due = (struct dues){0};
    for (size_t i = 0; i < dues.n; i++)
        resume_due(r, s, &dues.items[i]);
    ARRAY_DONE(&dues);
}

void dag_resume(struct run *r, struct step *s)
{
    struct dag *d = dag_of(r);
    const struct flow *f = d->flow;

    if (r->row.reset.s)
        dag_reset(r, s);
    const uint32_t first = d->phase == PHASE_MAIN ? 0 : f->part_first[d->part];
    const uint32_t n = d->phase == PHASE_MAIN ? f->n_main : f->part_count[d->part];

    if (f->timeout_us > 0 && d->phase == PHASE_MAIN && r->row.cancel == CANCEL_NONE)
        step_effect(s, (struct effect){.type = EFFECT_TIMER,
                                       .timer = TIMER_RUN,
                                       .at_us = r->row.started_at + f->timeout_us});
    for (uint32_t i = first; i < first + n; i++)
        resume_task(r, s, i);
    dag_resume_dues(r, s);
    for (uint32_t i = first; i < first + n; i++)
        resume_kind(r, s, i);
    dag_reset_stop(r, s);
    resume_cancel(r, s, first, n);
    for (uint32_t i = first; i < first + n && d->phase != PHASE_COMPENSATE; i++)
        go_on_task(r, s, i);
    if (d->phase == PHASE_COMPENSATE)
        dag_undo_resume(r, s, ready_since(r, first));
    if (d->left == 0)
        dag_phase_done(r, s);
}
