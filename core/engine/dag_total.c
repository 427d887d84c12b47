/* dag_total.c - how long a task, or an item, may take in all: `total_timeout`, from
 * when it is ready over all waits, attempts and iterations. When that is over stands in
 * its row from the step on in which it is ready, so that a restart neither hastens nor
 * delays it. What runs then is stopped, and its row says why before it is. */
#include "engine/dag_kind.h"

static const char over_message[] = "it took longer than its total_timeout";

static int64_t deadline_of(const struct run *r, int64_t node)
{
    const struct dag *d = r->state;

    return d->deadlines.n > 0 ? (int64_t)(uintptr_t)map_get(&d->deadlines, node) : 0;
}

int64_t dag_deadline(const struct run *r, int64_t node)
{
    const int64_t at = deadline_of(r, node);

    return at > 0 ? at : MODEL_NULL;
}

static int64_t most_of(const struct run *r, int64_t node)
{
    return flow_of(r)->tasks[NODE_TASK(node)].policy->total_timeout_us;
}

static void set_timer(struct step *s, int64_t node, int64_t at_us)
{
    step_effect(s, (struct effect){.type = EFFECT_TIMER,
                                   .node = node,
                                   .timer = TIMER_TOTAL,
                                   .at_us = at_us});
}

static void write_deadline(struct run *r, struct step *s, int64_t node)
{
    struct unit *u = dag_unit(dag_of(r), node);
    const struct task_row row = dag_row_of(r, node, u);

    dag_write_unit(s, &row, u, COLUMN_BIT(COL_TASK_DEADLINE_AT));
}

void dag_total_begin(struct run *r, struct step *s, int64_t node)
{
    const int64_t most = most_of(r, node);
    struct dag *d = dag_of(r);

    if (most == 0)
        return;
    if (deadline_of(r, node) == 0) {
        map_set(&d->deadlines, node, (void *)(uintptr_t)(s->now_us + most));
        write_deadline(r, s, node);
    }
    set_timer(s, node, deadline_of(r, node));
}

static bool forget(struct run *r, struct step *s, int64_t node)
{
    struct dag *d = dag_of(r);

    if (deadline_of(r, node) == 0)
        return false;
    map_del(&d->deadlines, node);
    set_timer(s, node, 0);
    return true;
}

void dag_total_final(struct run *r, struct step *s, int64_t node)
{
    if (forget(r, s, node))
        dag_unit(dag_of(r), node)->flags &= (uint8_t)~UNIT_OVERTIME;
}

/* Its timer may be on its way already, behind the end of the attempt: it would end the
 * task that has just begun again. So may that of an item which ended a moment ago, and
 * whose time is forgotten since. */
void dag_total_reset(struct run *r, struct step *s, int64_t node, bool writes)
{
    if (most_of(r, node) == 0)
        return;
    const bool had = forget(r, s, node);
    step_effect(s, (struct effect){.type = EFFECT_FORGET, .node = node});
    if (had && writes)
        write_deadline(r, s, node);
}

void dag_total_load(struct dag *d, const struct task_row *row)
{
    struct unit *u = dag_unit(d, row->node);

    if (row->deadline_at <= 0 || task_state_final(row->state))
        return;
    map_set(&d->deadlines, row->node, (void *)(uintptr_t)row->deadline_at);
    if (row->state == TASK_RUNNING && span_is(row->reason, DAG_TOTAL))
        u->flags |= UNIT_OVERTIME;
}

void dag_total_resume(struct run *r, struct step *s, int64_t node)
{
    /* One that has not begun is found ready again. */
    if (deadline_of(r, node) > 0 && dag_unit(dag_of(r), node)->state != TASK_WAITING)
        set_timer(s, node, deadline_of(r, node));
}

/* Once it was over it stays so, should the clock of the machine be set back. */
bool dag_total_ends(const struct run *r, int64_t node, int64_t at)
{
    const int64_t deadline = deadline_of(r, node);

    return deadline > 0 &&
           (at >= deadline || (dag_unit(dag_of(r), node)->flags & UNIT_OVERTIME));
}

static void end(struct run *r, struct step *s, int64_t node)
{
    dag_end_unit(r, s, node, TASK_FAILED, DAG_TOTAL, over_message);
}

bool dag_total_over(struct run *r, struct step *s, int64_t node)
{
    if (!dag_total_ends(r, node, s->now_us))
        return false;
    end(r, s, node);
    return true;
}

static void stop(struct run *r, struct step *s, int64_t node, struct unit *u)
{
    if (dag_is_stopping(r, node) || (u->flags & UNIT_OVERTIME))
        return;
    u->flags = (uint8_t)((u->flags & ~UNIT_SILENT) | UNIT_OVERTIME);
    struct task_row row = dag_row_of(r, node, u);
    row.reason = span_of(DAG_TOTAL);
    dag_write_unit(s, &row, u, COLUMN_BIT(COL_TASK_REASON));
    dag_stop_unit(r, s, node, CANCEL_GRACEFUL);
}

void dag_total_due(struct run *r, struct step *s, int64_t node)
{
    struct unit *u = dag_unit(dag_of(r), node);

    /* Late, or it is being stopped to begin again; the cache answers at once. */
    if (!u || deadline_of(r, node) == 0 || dag_is_resetting(dag_of(r), node) ||
        (u->flags & UNIT_ASKING))
        return;
    if (u->state == TASK_RUNNING)
        stop(r, s, node, u);
    else
        end(r, s, node);
}

void dag_total_message(const char *reason, const char *message, struct ff_err *err)
{
    ff_fail(
        err, FF_INVALID, 0,
        "no further attempt would begin within its total_timeout; the last one ended "
        "with %s%s%.120s",
        reason, message ? ": " : "", message ? message : "");
}
