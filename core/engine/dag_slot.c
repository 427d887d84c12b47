/* dag_slot.c - who wants a slot, who is held back by the run's parallelism, and who has
 * been given one. Only attempts come here: what the engine does itself takes no slot.
 */
#include "engine/dag_priv.h"

void dag_offer_now(struct run *r, struct step *s, int64_t node, int64_t count,
                   int64_t since)
{
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];

    dag_offer_effect(r, s, node, count);
    if (t->policy->queue_timeout_us > 0)
        for (int64_t i = 0; i < count; i++)
            step_effect(s,
                        (struct effect){.type = EFFECT_TIMER,
                                        .node = node + i,
                                        .timer = TIMER_QUEUE,
                                        .at_us = since + t->policy->queue_timeout_us});
}

/* The same after a restart as before, but for what the run's own limits held back, or
 * a pause: it waits for a slot from when they let it, and no row says when that was. */
static int64_t wanted_since(const struct run *r, const struct step *s, int64_t node)
{
    const struct dag *d = r->state;
    const uint32_t task = (uint32_t)NODE_TASK(node);
    const struct items *items = d->tasks[task].items;
    const bool limited = items && d->flow->tasks[task].work->max_parallel > 0;
    int64_t since = d->tasks[task].ready_at;

    if (d->flow->parallelism > 0 || limited)
        return s->now_us;
    if (items && items->begun_at > since)
        since = items->begun_at;
    return since > d->unpaused_at ? since : d->unpaused_at;
}

/* Units hold their place under the run's parallelism until they are final, so that
 * a retry does not let another one overtake it. */
void dag_offer(struct run *r, struct step *s, int64_t node, int64_t count)
{
    struct dag *d = dag_of(r);
    const int64_t limit = d->flow->parallelism;

    for (int64_t i = 0; i < count; i++)
        dag_unit(d, node + i)->state = TASK_QUEUED;
    int64_t now = count;
    if (limit > 0 && now > limit - d->active)
        now = limit > d->active ? limit - d->active : 0;
    if (now > 0) {
        d->active += now;
        dag_offer_now(r, s, node, now, wanted_since(r, s, node));
    }
    if (now < count) {
        const struct node_range rest = {.node = node + now, .count = count - now};
        ARRAY_ADD(&d->waiting, rest);
        for (int64_t i = now; i < count; i++)
            dag_unit(d, node + i)->flags |= UNIT_HELD;
    }
}

void dag_offer_waiting(struct run *r, struct step *s)
{
    struct dag *d = dag_of(r);
    struct node_queue *q = &d->waiting;

    while (q->head < q->n && d->active < d->flow->parallelism) {
        struct node_range *range = &q->items[q->head];
        const int64_t node = range->node++;
        if (--range->count == 0)
            q->head++;
        struct unit *u = dag_unit(d, node);
        if (u->state != TASK_QUEUED)
            continue; /* cancelled while it waited */
        if (dag_hold(r, node, 1))
            continue;
        u->flags &= (uint8_t)~UNIT_HELD;
        d->active++;
        dag_offer_now(r, s, node, 1, s->now_us);
    }
    if (q->head == q->n)
        q->head = q->n = 0;
}

void dag_inactive(struct run *r, struct step *s)
{
    dag_of(r)->active--;
    dag_offer_waiting(r, s);
}

void dag_forget_held(struct run *r)
{
    struct node_queue *q = &dag_of(r)->waiting;

    q->head = q->n = 0;
}

bool dag_out_of_attempts(struct run *r, struct step *s, int64_t node)
{
    if (dag_unit(dag_of(r), node)->attempt < DAG_MAX_ATTEMPTS)
        return false;
    dag_end_unit(r, s, node, TASK_FAILED, "attempts",
                 "it has had 65535 attempts, and there is no number for another");
    return true;
}

void dag_grant(struct run *r, struct step *s, int64_t node)
{
    struct unit *u = dag_unit(dag_of(r), node);

    if (!u || u->state != TASK_QUEUED || (u->flags & UNIT_HELD)) {
        step_effect(s, (struct effect){.type = EFFECT_FREE, .node = node});
        return;
    }
    if (dag_out_of_attempts(r, s, node) || dag_total_over(r, s, node)) {
        step_effect(s, (struct effect){.type = EFFECT_FREE, .node = node});
        return;
    }
    u->state = TASK_RUNNING;
    u->attempt++;
    u->exit_code = -1;
    struct task_row row = dag_row_of(r, node, u);
    row.started_at = s->now_us;
    dag_write_unit(
        s, &row, u,
        COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_ATTEMPT) |
            COLUMN_BIT(COL_TASK_STARTED_AT) | COLUMN_BIT(COL_TASK_EXIT_CODE) |
            COLUMN_BIT(COL_TASK_REASON) | COLUMN_BIT(COL_TASK_MESSAGE) |
            COLUMN_BIT(COL_TASK_DUE_AT) | COLUMN_BIT(COL_TASK_QUEUED_AT) |
            COLUMN_BIT(COL_TASK_FINISHED_AT) | COLUMN_BIT(COL_TASK_ITERATION));
    struct jsonw w = dag_event(r, s, "task.started", node, u);
    dag_event_iteration(r, &w, node);
    step_event_end(s, &w);
    if (flow_of(r)->tasks[NODE_TASK(node)].policy->queue_timeout_us > 0)
        step_effect(s, (struct effect){
                           .type = EFFECT_TIMER, .node = node, .timer = TIMER_QUEUE});
    step_effect(
        s, (struct effect){.type = EFFECT_START, .node = node, .attempt = u->attempt});
}

void dag_queue_timeout(struct run *r, struct step *s, int64_t node)
{
    const struct unit *u = dag_unit(dag_of(r), node);

    /* What is held does not wait for a slot; its timer is one from before. */
    if (u && u->state == TASK_QUEUED && !(u->flags & UNIT_HELD))
        dag_end_unit(r, s, node, TASK_FAILED, "queue_timeout",
                     "it waited for a slot longer than queue_timeout");
}
