/* dag_undo.c - compensations: when the run did not succeed, what its tasks did is
 * undone, one after the other in the reverse order of their ends. Which are due, and in
 * what order, follows from the rows of the tasks; how far it has come, from the rows of
 * the compensations. */
#include "engine/dag_priv.h"

#include <stdlib.h>

static const struct flow_undo *undo_of(const struct dag *d, uint32_t task)
{
    return d->flow->tasks[task].work->undo;
}

/* One whose outputs came from the cache did nothing in this run. */
bool dag_undo_due(const struct run *r, uint32_t task)
{
    const struct dag *d = r->state;
    const uint32_t of = undo_of(d, task)->of;
    const struct unit *u = &d->tasks[of].unit;

    return u->state == TASK_SUCCEEDED && u->attempt > dag_base(r, NODE_OF(of, -1));
}

uint32_t dag_undos_left(const struct run *r)
{
    const struct dag *d = r->state;
    const uint32_t first = d->flow->part_first[FLOW_COMPENSATE];
    uint32_t left = 0;

    for (uint32_t i = first; i < first + d->flow->part_count[FLOW_COMPENSATE]; i++)
        left += dag_undo_due(r, i) && !task_state_final(d->tasks[i].unit.state);
    return left;
}

/* Tasks that ended in one step have the same time: then by their needs. */
static int later_first(const void *a, const void *b, void *arg)
{
    const struct dag *d = arg;
    const struct flow_undo *x = undo_of(d, *(const uint32_t *)a);
    const struct flow_undo *y = undo_of(d, *(const uint32_t *)b);
    const int64_t end_x = d->tasks[x->of].ended_at;
    const int64_t end_y = d->tasks[y->of].ended_at;

    if (end_x != end_y)
        return end_x < end_y ? 1 : -1;
    return x->rank < y->rank ? 1 : -1;
}

static void sort_undos(struct run *r)
{
    struct dag *d = dag_of(r);
    const uint32_t first = d->flow->part_first[FLOW_COMPENSATE];

    d->undos.n = d->undos.next = 0;
    for (uint32_t i = first; i < first + d->flow->part_count[FLOW_COMPENSATE]; i++)
        if (dag_undo_due(r, i))
            ARRAY_ADD(&d->undos, i);
    qsort_r(d->undos.items, d->undos.n, sizeof(*d->undos.items), later_first, d);
}

/* The first that is not over is either under way or the next. */
void dag_undo_next(struct run *r, struct step *s, int64_t ready_at)
{
    struct dag *d = dag_of(r);

    while (d->undos.next < d->undos.n) {
        const uint32_t task = d->undos.items[d->undos.next];
        const struct unit *u = &d->tasks[task].unit;

        if (u->state == TASK_WAITING)
            dag_task_ready(r, s, task, ready_at);
        if (!task_state_final(u->state))
            return;
        d->undos.next++;
    }
}

bool dag_undo_begin(struct run *r, struct step *s)
{
    struct dag *d = dag_of(r);
    const uint32_t left = dag_undos_left(r);

    if (left == 0 || dag_main_result(r) == RUN_SUCCEEDED)
        return false;
    d->phase = PHASE_COMPENSATE;
    d->part = FLOW_COMPENSATE;
    d->left = left;
    sort_undos(r);
    dag_undo_next(r, s, s->now_us);
    return true;
}

void dag_undo_resume(struct run *r, struct step *s, int64_t ready_at)
{
    sort_undos(r);
    dag_undo_next(r, s, ready_at);
}

/* "; the compensation of book failed: no such flight" */
void dag_undo_message(const struct run *r, struct buf *out)
{
    const struct dag *d = r->state;
    const uint32_t first = d->flow->part_first[FLOW_COMPENSATE];
    uint32_t bad = 0;

    for (uint32_t i = first; i < first + d->flow->part_count[FLOW_COMPENSATE]; i++) {
        const struct dag_task *t = &d->tasks[i];
        if (t->unit.state != TASK_FAILED && t->unit.state != TASK_CANCELLED)
            continue;
        if (bad++ > 0)
            continue;
        buf_printf(out, "%sthe compensation of %s %s%s%.100s", out->len > 0 ? "; " : "",
                   d->flow->tasks[undo_of(d, i)->of].name,
                   t->unit.state == TASK_FAILED ? "failed" : "was cancelled",
                   t->message ? ": " : "", t->message ? t->message : "");
    }
    if (bad > 1)
        buf_printf(out, ", and %u more", bad - 1);
}
