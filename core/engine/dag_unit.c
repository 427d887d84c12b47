/* dag_unit.c - one task or item on its way, whatever its kind: how it begins once it is
 * ready, how it is stopped, and how it ends. Every state it takes is a row in the same
 * step. */
#include "engine/dag_kind.h"

/* In the order of enum flow_kind; NULL: attempts, which want a slot. */
const struct dag_kind *const dag_kinds[FLOW_N_KINDS] = {
    [FLOW_NOOP] = &dag_kind_noop,
    [FLOW_SWITCH] = &dag_kind_switch,
    [FLOW_SLEEP] = &dag_kind_sleep,
    [FLOW_WAIT_UNTIL] = &dag_kind_wait_until,
    [FLOW_TRANSFORM] = &dag_kind_transform,
    [FLOW_GROUP] = &dag_kind_group,
    [FLOW_USES] = &dag_kind_uses,
    [FLOW_APPROVE] = &dag_kind_approve,
    [FLOW_WAIT_EVENT] = &dag_kind_wait_event,
};

/* --- begins --- */

/* The same for the first time and for a retry. */
void dag_enter(struct run *r, struct step *s, int64_t node)
{
    struct unit *u = dag_unit(dag_of(r), node);

    if (dag_out_of_attempts(r, s, node) || dag_total_over(r, s, node))
        return;
    u->state = TASK_RUNNING;
    u->attempt++;
    u->exit_code = -1;
    u->flags |= UNIT_ENTERING;
    dag_kind_of(r, node)->enter(r, s, node);
}

void dag_begin_units(struct run *r, struct step *s, int64_t node, int64_t count)
{
    if (dag_hold(r, node, count))
        return;
    if (dag_kind_of(r, node))
        for (int64_t i = 0; i < count; i++)
            dag_enter(r, s, node + i);
    else
        dag_offer(r, s, node, count);
}

void dag_want(struct run *r, struct step *s, int64_t node, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        dag_total_begin(r, s, node + i);
    if (!flow_of(r)->tasks[NODE_TASK(node)].policy->cache) {
        dag_begin_units(r, s, node, count);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        if (!dag_cache_ask(r, s, node + i))
            dag_begin_units(r, s, node + i, 1);
}

#define BEGIN_COLUMNS                                                                  \
    (COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_ATTEMPT) |                       \
     COLUMN_BIT(COL_TASK_STARTED_AT) | COLUMN_BIT(COL_TASK_EXIT_CODE) |                \
     COLUMN_BIT(COL_TASK_REASON) | COLUMN_BIT(COL_TASK_MESSAGE) |                      \
     COLUMN_BIT(COL_TASK_DUE_AT) | COLUMN_BIT(COL_TASK_QUEUED_AT) |                    \
     COLUMN_BIT(COL_TASK_FINISHED_AT) | COLUMN_BIT(COL_TASK_ITERATION))

void dag_goes_on(struct run *r, struct step *s, int64_t node)
{
    struct unit *u = dag_unit(dag_of(r), node);

    u->flags &= (uint8_t)~UNIT_ENTERING;
    struct task_row row = dag_row_of(r, node, u);
    row.started_at = s->now_us;
    dag_write_unit(s, &row, u, BEGIN_COLUMNS);
    struct jsonw w = dag_event(r, s, "task.started", node, u);
    dag_event_iteration(r, &w, node);
    step_event_end(s, &w);
}

static void set_wait_timer(struct step *s, int64_t node, int64_t at_us)
{
    step_effect(s, (struct effect){.type = EFFECT_TIMER,
                                   .node = node,
                                   .timer = TIMER_WAIT,
                                   .at_us = at_us});
}

void dag_suspend(struct run *r, struct step *s, int64_t node,
                 const struct dag_wait *wait)
{
    struct unit *u = dag_unit(dag_of(r), node);

    u->flags &= (uint8_t)~UNIT_ENTERING;
    u->state = TASK_SUSPENDED;
    struct task_row row = dag_row_of(r, node, u);
    row.started_at = s->now_us;
    row.reason = span_of(wait->reason);
    row.message = span_of(wait->message);
    row.due_at = wait->due_at;
    row.awaits = span_of(wait->awaits);
    dag_write_unit(s, &row, u,
                   BEGIN_COLUMNS | (wait->awaits ? COLUMN_BIT(COL_TASK_AWAITS) : 0));
    struct jsonw w = dag_event(r, s, "task.suspended", node, u);
    jsonw_key(&w, "reason");
    jsonw_text(&w, wait->reason);
    if (wait->message) {
        jsonw_key(&w, "message");
        jsonw_text(&w, wait->message);
    }
    if (wait->due_at != MODEL_NULL) {
        jsonw_key(&w, "due_at");
        jsonw_int(&w, wait->due_at);
        set_wait_timer(s, node, wait->due_at);
    }
    step_event_end(s, &w);
}

void dag_wait_due(struct run *r, struct step *s, int64_t node)
{
    const struct unit *u = dag_unit(dag_of(r), node);

    if (u && u->state == TASK_SUSPENDED && !dag_hold_due(r, node, s->now_us))
        dag_kind_of(r, node)->due(r, s, node);
}

/* --- ends --- */

void dag_unit_final(struct run *r, struct step *s, int64_t node, struct unit *u,
                    bool was_active)
{
    struct dag *d = dag_of(r);
    const uint32_t task = (uint32_t)NODE_TASK(node);

    dag_total_final(r, s, node);
    if (was_active)
        dag_inactive(r, s);
    if (NODE_ITEM(node) >= 0)
        dag_item_final(r, s, task, u);
    else
        ARRAY_ADD(&d->settled, task);
}

static void leave_wait(struct run *r, struct step *s, int64_t node)
{
    const struct dag_kind *kind = dag_kind_of(r, node);

    set_wait_timer(s, node, 0);
    if (kind->left)
        kind->left(r, s, node);
}

bool dag_take_back(struct run *r, struct step *s, int64_t node)
{
    const struct unit *u = dag_unit(dag_of(r), node);

    if (u->state == TASK_QUEUED)
        step_effect(s,
                    (struct effect){.type = EFFECT_RETRACT, .node = node, .count = 1});
    if (u->state == TASK_RETRYING)
        step_effect(s, (struct effect){
                           .type = EFFECT_TIMER, .node = node, .timer = TIMER_RETRY});
    if (u->state == TASK_SUSPENDED)
        leave_wait(r, s, node);
    if (dag_kind_of(r, node))
        return false;
    return (u->state == TASK_QUEUED && !(u->flags & UNIT_HELD)) ||
           u->state == TASK_RETRYING;
}

void dag_finish(struct run *r, struct step *s, int64_t node, const struct dag_end *end)
{
    MEM_AUTO char *text =
        end->outputs && !end->stored ? dag_stored_text(end->outputs) : NULL;
    const char *stored = end->stored ? end->stored : text;
    struct unit *u = dag_unit(dag_of(r), node);
    const bool was_active = dag_take_back(r, s, node);
    uint64_t set = COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_REASON) |
                   COLUMN_BIT(COL_TASK_MESSAGE) | COLUMN_BIT(COL_TASK_FINISHED_AT) |
                   COLUMN_BIT(COL_TASK_DUE_AT);

    u->state = (uint8_t)end->state;
    /* Or whoever looks whether it does would wait for an answer that nobody takes. */
    u->flags &= (uint8_t)~UNIT_ASKING;
    if (end->outputs || u->outputs) /* or those of the iteration before */
        set |= COLUMN_BIT(COL_TASK_OUTPUTS);
    json_decref(u->outputs);
    u->outputs = end->outputs ? json_incref(end->outputs) : NULL;
    struct task_row row = dag_row_of(r, node, u);
    if (u->flags & UNIT_ENTERING) {
        row.started_at = s->now_us;
        set |= BEGIN_COLUMNS;
        u->flags &= (uint8_t)~UNIT_ENTERING;
    }
    row.reason = span_of(end->reason);
    row.message = span_of(end->message);
    row.outputs = span_of(stored);
    row.finished_at = s->now_us;
    dag_write_unit(s, &row, u, set);
    struct jsonw w = dag_event(r, s, "task.finished", node, u);
    dag_event_end(&w, &row);
    step_event_end(s, &w);
    dag_note_message(r, node, row.message);
    dag_unit_final(r, s, node, u, was_active);
}

void dag_end_unit(struct run *r, struct step *s, int64_t node, enum task_state state,
                  const char *reason, const char *message)
{
    const struct dag_end end = {.state = state, .reason = reason, .message = message};

    dag_finish(r, s, node, &end);
}

void dag_fail_expression(struct run *r, struct step *s, int64_t node,
                         const struct ff_err *err)
{
    dag_end_unit(r, s, node, TASK_FAILED, "expression", err->msg);
}

/* --- stops --- */

void dag_stop_unit(struct run *r, struct step *s, int64_t node, enum cancel_mode mode)
{
    const struct dag_kind *kind = dag_kind_of(r, node);
    const struct unit *u = dag_unit(dag_of(r), node);
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];

    if (kind) {
        kind->stop(r, s, node, mode);
        return;
    }
    step_effect(
        s, (struct effect){.type = EFFECT_STOP,
                           .node = node,
                           .attempt = u->attempt,
                           .grace_us = mode == CANCEL_KILL ? 0 : t->policy->grace_us});
}
