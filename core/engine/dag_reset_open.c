/* dag_reset_open.c - tasks that begin again while their run goes on. Attempts of them
 * that still run are stopped first, and none of them begins meanwhile: it would hold a
 * slot or a place of a limit together with the one before it. The request stands in the
 * run's row until then, so that whoever loads the run goes on with it. */
#include "engine/dag_kind.h"

#include <string.h>

/* What waits for a slot, a time or a person waits no longer; what runs is counted. */
static void hold_unit(struct run *r, struct step *s, int64_t node)
{
    struct dag *d = dag_of(r);
    const struct unit *u = dag_unit(d, node);

    /* The cache is not asked twice at once: its answers say no more than the node. */
    if (u->state == TASK_RUNNING || (u->flags & UNIT_ASKING)) {
        d->resetting_left++;
        return;
    }
    if (u->state != TASK_QUEUED && u->state != TASK_RETRYING &&
        u->state != TASK_SUSPENDED)
        return;
    const bool was_active = dag_take_back(r, s, node);
    if (flow_of(r)->tasks[NODE_TASK(node)].policy->queue_timeout_us > 0)
        step_effect(s, (struct effect){
                           .type = EFFECT_TIMER, .node = node, .timer = TIMER_QUEUE});
    step_effect(s, (struct effect){.type = EFFECT_FORGET, .node = node});
    dag_reset_unit(r, s, node);
    if (NODE_ITEM(node) >= 0)
        d->tasks[NODE_TASK(node)].items->active--;
    if (was_active && d->active > 0)
        dag_inactive(r, s);
}

static void hold_task(struct run *r, struct step *s, uint32_t task)
{
    const struct dag_task *t = &dag_of(r)->tasks[task];

    if (task_state_final(t->unit.state))
        return;
    if (!t->items)
        hold_unit(r, s, NODE_OF(task, -1));
    for (uint32_t i = 0; t->items && i < t->items->n; i++)
        hold_unit(r, s, NODE_OF(task, i));
}

/* Those that begin again leave the queue of parallelism, or they would be in it twice.
 */
static void forget_held(struct dag *d)
{
    struct node_queue *q = &d->waiting;
    size_t kept = q->head;

    for (size_t i = q->head; i < q->n; i++)
        if (!dag_is_resetting(d, q->items[i].node))
            q->items[kept++] = q->items[i];
    q->n = kept;
}

/* True: nothing of what begins again runs. */
static bool hold(struct run *r, struct step *s)
{
    struct dag *d = dag_of(r);

    d->resetting_left = 0;
    forget_held(d);
    for (uint32_t i = 0; i < d->flow->n_tasks; i++)
        if (d->resetting[i])
            hold_task(r, s, i);
    return d->resetting_left == 0;
}

void dag_reset_stop(struct run *r, struct step *s)
{
    const struct dag *d = r->state;

    for (uint32_t i = 0; d->resetting && i < d->flow->n_tasks; i++) {
        const struct dag_task *t = &d->tasks[i];

        if (!d->resetting[i] || t->unit.state != TASK_RUNNING)
            continue;
        if (!t->items)
            dag_stop_unit(r, s, NODE_OF(i, -1), CANCEL_GRACEFUL);
        for (uint32_t k = 0; t->items && k < t->items->n; k++)
            if (t->items->units[k].state == TASK_RUNNING)
                dag_stop_unit(r, s, NODE_OF(i, k), CANCEL_GRACEFUL);
    }
}

static void forget_marks(struct dag *d)
{
    mem_free(d->resetting);
    d->resetting = NULL;
}

static void go_on(struct run *r, struct step *s, uint32_t task)
{
    const struct dag_task *t = &dag_of(r)->tasks[task];

    if (t->items)
        dag_more_items(r, s, task);
    else if (t->unit.waiting == 0)
        dag_task_ready(r, s, task, s->now_us);
}

/* The tasks are reset; `go`: and those that may begin do. */
static void carry_out(struct run *r, struct step *s, bool was_over, bool go)
{
    struct dag *d = dag_of(r);
    uint8_t *marks = d->resetting;

    d->resetting = NULL;
    engine_run_reset(r, s, was_over);
    dag_reset_tasks(r, s, marks);
    for (uint32_t i = 0; go && i < d->flow->n_main; i++)
        if (marks[i])
            go_on(r, s, i);
    mem_free(marks);
}

void dag_reset(struct run *r, struct step *s)
{
    struct dag *d = dag_of(r);

    d->resetting = mem_array(d->flow->n_tasks, 1);
    dag_reset_marks(r, r->row.reset, d->resetting);
    if (hold(r, s))
        carry_out(r, s, !dag_reset_is_open(r), false);
}

bool dag_reset_result(struct run *r, struct step *s, int64_t node)
{
    struct dag *d = dag_of(r);

    if (!dag_is_resetting(d, node))
        return false;
    const bool was_active =
        dag_unit(d, node)->state == TASK_RUNNING && !dag_kind_of(r, node);
    dag_reset_unit(r, s, node);
    if (NODE_ITEM(node) >= 0)
        d->tasks[NODE_TASK(node)].items->active--;
    if (was_active)
        dag_inactive(r, s);
    if (--d->resetting_left > 0)
        return true;
    /* What has failed meanwhile is among what failed. */
    dag_reset_marks(r, r->row.reset, d->resetting);
    if (hold(r, s))
        carry_out(r, s, false, true);
    else
        dag_reset_stop(r, s);
    return true;
}

void dag_reset_drop(struct run *r, struct step *s)
{
    struct dag *d = dag_of(r);

    if (!d->resetting)
        return;
    /* A list that failed was stopped already; its last item may have ended since, to
     * begin again. Who stops it now ends it. */
    for (uint32_t i = 0; i < d->flow->n_tasks; i++)
        if (d->resetting[i] && d->tasks[i].items)
            d->tasks[i].items->stopping = false;
    forget_marks(d);
    engine_run_reset(r, s, false);
}

/* Why not, or NULL. */
static const char *check(const struct run *r, const json_t *body)
{
    const struct dag *d = r->state;
    const char *name = json_string_value(json_object_get(body, "task"));
    const int64_t task = name ? flow_task_index(d->flow, name) : 0;

    /* It was over and has not begun again either: it would begin without its turn. */
    if (dag_is_to_begin(r))
        return "not_begun";
    if (r->row.cancel != CANCEL_NONE)
        return "being_cancelled";
    if (d->phase != PHASE_MAIN)
        return "handlers_run";
    if (d->resetting)
        return "being_reset";
    return task < 0 || task >= (int64_t)d->flow->n_main ? "no_such_task" : NULL;
}

static bool any_marked(const struct dag *d)
{
    for (uint32_t i = 0; i < d->flow->n_main; i++)
        if (d->resetting[i])
            return true;
    return false;
}

const char *dag_reset_open(struct run *r, struct step *s, const json_t *body)
{
    struct dag *d = dag_of(r);
    const char *why = check(r, body);

    if (why)
        return why;
    json_t *asked = json_pack("{sO* sO* sb}", "what", json_object_get(body, "what"),
                              "task", json_object_get(body, "task"), "open", 1);
    MEM_AUTO char *text = json_text(asked);
    json_decref(asked);
    d->resetting = mem_array(d->flow->n_tasks, 1);
    dag_reset_marks(r, span_of(text), d->resetting);
    if (!any_marked(d)) {
        forget_marks(d);
        return "nothing_failed";
    }
    engine_run_resetting(r, s, text, json_is_true(json_object_get(body, "no_cache")));
    if (hold(r, s))
        carry_out(r, s, false, true);
    else
        dag_reset_stop(r, s);
    return NULL;
}
