/* dag_phase.c - a run from beginning to end: main tasks, then what undoes them where
 * it did not succeed, then the handlers that fit how they went, then `finally`, then
 * the run's own result. */
#include "engine/dag_priv.h"

/* The first task of [first, first + n) that is in `state`, or -1. */
static int64_t find_state(const struct dag *d, uint32_t first, uint32_t n, int state)
{
    for (uint32_t i = first; i < first + n; i++)
        if (d->tasks[i].unit.state == state)
            return i;
    return -1;
}

/* The first task of [first, first + n) that has failed, or -1. */
static int64_t find_failed(const struct dag *d, uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++)
        if (dag_failed(d, i))
            return i;
    return -1;
}

/* What the main tasks came to, from what is stored: the same before and after a
 * restart. A run that was told to stop while they ran is cancelled even if the last
 * of them still succeeded. */
enum run_state dag_main_result(const struct run *r)
{
    const struct dag *d = r->state;

    if (span_is(r->row.reason, "timeout"))
        return RUN_FAILED;
    if (r->row.reason.s)
        return RUN_CANCELLED;
    if (find_failed(d, 0, d->flow->n_main) >= 0)
        return RUN_FAILED;
    /* One of those that kept what they were when the run began again. */
    if (find_state(d, 0, d->flow->n_main, TASK_CANCELLED) >= 0)
        return RUN_CANCELLED;
    return RUN_SUCCEEDED;
}

static enum flow_part part_for(enum run_state result)
{
    if (result == RUN_SUCCEEDED)
        return FLOW_ON_SUCCESS;
    return result == RUN_FAILED ? FLOW_ON_FAILURE : FLOW_ON_CANCEL;
}

/* --- the end --- */

struct ending {
    enum run_state state;
    const char *reason;
    char message[480];
};

/* What went wrong before says more. */
static void fail_ending(struct ending *end, const char *reason, const char *message)
{
    if (end->state != RUN_SUCCEEDED)
        return;
    end->state = RUN_FAILED;
    end->reason = reason;
    snprintf(end->message, sizeof(end->message), "%s", message);
}

/* New reference. What is not as it was declared becomes null, as what cannot be
 * evaluated does. */
static json_t *run_output(struct dag_scope *sc, const struct flow_run_output *o,
                          struct ending *end)
{
    struct ff_err err = {.code = FF_OK};
    char message[480];
    json_t *v = dag_eval(sc, &o->value, &err);

    if (!v) {
        snprintf(message, sizeof(message), "outputs.%s: %.180s", o->name, err.msg);
        fail_ending(end, "expression", message);
        return json_null();
    }
    if (flow_output_check(o, v, &err) == FF_OK)
        return v;
    fail_ending(end, "output_invalid", err.msg);
    json_decref(v);
    return json_null();
}

static json_t *run_outputs(struct run *r, int64_t now_us, struct ending *end)
{
    const struct flow *f = flow_of(r);
    struct dag_scope sc;

    if (f->n_outputs == 0)
        return NULL;
    json_t *outputs = json_object();
    dag_scope_init(&sc, r, NULL, -1, 0, now_us);
    for (uint32_t i = 0; i < f->n_outputs; i++)
        json_object_set_new(outputs, f->outputs[i].name,
                            run_output(&sc, &f->outputs[i], end));
    dag_scope_done(&sc);
    return outputs;
}

/* What was said so far, and what went wrong when it was undone. */
static void add_undo_message(const struct run *r, struct ending *end)
{
    struct buf message = {0};

    buf_add_text(&message, end->message);
    dag_undo_message(r, &message);
    snprintf(end->message, sizeof(end->message), "%s", buf_text(&message));
    buf_done(&message);
}

static struct ending ending_of(const struct run *r)
{
    const struct dag *d = r->state;
    const struct flow *f = d->flow;
    struct ending end = {.state = dag_main_result(r), .reason = r->row.reason.s};
    int64_t bad = find_failed(d, 0, f->n_main);

    if (end.state == RUN_FAILED && !end.reason)
        end.reason = "task_failed";
    if (end.state == RUN_CANCELLED && !end.reason)
        end.reason = "cancelled";
    if (end.state == RUN_SUCCEEDED) {
        bad = find_failed(d, f->n_main, f->n_tasks - f->n_main);
        if (bad >= 0) {
            end.state = RUN_FAILED;
            end.reason = "handler_failed";
        }
    }
    const int64_t stopped =
        find_state(d, f->n_main, f->n_tasks - f->n_main, TASK_CANCELLED);
    if (end.state == RUN_SUCCEEDED && (stopped >= 0 || r->row.cancel == CANCEL_KILL)) {
        end.state = RUN_CANCELLED;
        end.reason = r->row.cancel == CANCEL_KILL ? "killed" : "cancelled";
    }
    if (end.state == RUN_FAILED && bad >= 0)
        snprintf(end.message, sizeof(end.message), "task %s failed%s%s",
                 f->tasks[bad].name, d->tasks[bad].message ? ": " : "",
                 d->tasks[bad].message ? d->tasks[bad].message : "");
    if (span_is(r->row.reason, "timeout"))
        snprintf(end.message, sizeof(end.message),
                 "the run took longer than its timeout");
    add_undo_message(r, &end);
    return end;
}

static void end_run(struct run *r, struct step *s)
{
    struct dag *d = dag_of(r);
    struct ending end = ending_of(r);
    json_t *outputs = run_outputs(r, s->now_us, &end);

    d->phase = PHASE_ENDED;
    if (d->flow->timeout_us > 0)
        step_effect(s, (struct effect){.type = EFFECT_TIMER, .timer = TIMER_RUN});
    engine_run_ended(r, s, end.state, end.reason, end.message[0] ? end.message : NULL,
                     outputs);
    json_decref(outputs);
}

/* --- phases --- */

/* False when there is nothing to run in this part. */
static bool start_part(struct run *r, struct step *s, enum flow_part part)
{
    struct dag *d = dag_of(r);

    if (d->flow->part_count[part] == 0)
        return false;
    d->part = part;
    d->left = d->flow->part_count[part];
    dag_task_ready(r, s, d->flow->part_first[part], s->now_us);
    return true;
}

void dag_phase_done(struct run *r, struct step *s)
{
    struct dag *d = dag_of(r);
    const bool kill = r->row.cancel == CANCEL_KILL;

    if (d->phase == PHASE_MAIN && !kill && dag_undo_begin(r, s))
        return;
    if (d->phase <= PHASE_COMPENSATE) {
        d->phase = PHASE_HANDLER;
        if (!kill && start_part(r, s, part_for(dag_main_result(r))))
            return;
    }
    if (d->phase == PHASE_HANDLER) {
        d->phase = PHASE_FINALLY;
        if (!kill && start_part(r, s, FLOW_FINALLY))
            return;
    }
    end_run(r, s);
}

/* Its row was there before the run began: it is what another run has done. */
static void note_reused(struct run *r, struct step *s, uint32_t task)
{
    const struct unit *u = &dag_of(r)->tasks[task].unit;
    struct jsonw w = dag_event(r, s, "task.reused", NODE_OF(task, -1), u);

    jsonw_key(&w, "state");
    jsonw_text(&w, task_state_names[u->state]);
    step_event_end(s, &w);
}

void dag_begin(struct run *r, struct step *s)
{
    struct dag *d = dag_of(r);
    const struct flow *f = d->flow;

    if (r->row.reset.s) {
        dag_resume(r, s);
        return;
    }
    engine_run_started(r, s);
    if (d->bad_inputs) {
        d->phase = PHASE_ENDED;
        engine_run_ended(r, s, RUN_FAILED, "inputs", d->bad_inputs, NULL);
        return;
    }
    if (f->timeout_us > 0)
        step_effect(s, (struct effect){.type = EFFECT_TIMER,
                                       .timer = TIMER_RUN,
                                       .at_us = s->now_us + f->timeout_us});
    for (uint32_t i = 0; i < f->n_main; i++)
        if (task_state_final(d->tasks[i].unit.state))
            note_reused(r, s, i);
    for (uint32_t i = 0; i < f->n_main; i++)
        if (d->tasks[i].unit.waiting == 0 && d->tasks[i].unit.state == TASK_WAITING)
            dag_task_ready(r, s, i, s->now_us);
}

/* The tasks that can still change. */
static void phase_range(const struct dag *d, uint32_t *first, uint32_t *n)
{
    *first = 0;
    *n = d->flow->n_main;
    if (d->phase == PHASE_MAIN)
        return;
    *first = d->flow->part_first[d->part];
    *n = d->flow->part_count[d->part];
}

static void stop_task(struct run *r, struct step *s, uint32_t task,
                      enum cancel_mode mode)
{
    struct dag_task *t = &dag_of(r)->tasks[task];

    if (task_state_final(t->unit.state))
        return;
    if (t->items)
        dag_stop_items(r, s, task, mode); /* its last item ends the task, too */
    else if (t->unit.state == TASK_RUNNING)
        dag_stop_unit(r, s, NODE_OF(task, -1), mode);
    else
        dag_end_unit(r, s, NODE_OF(task, -1), TASK_CANCELLED, "cancelled", NULL);
}

void dag_cancel(struct run *r, struct step *s, enum cancel_mode mode,
                const char *reason)
{
    const struct dag *d = r->state;
    uint32_t first, n;

    if ((int64_t)mode <= r->row.cancel)
        return;
    /* A reason is what makes the run's result: handlers cannot change it any more. */
    const bool sets_reason =
        d->phase == PHASE_MAIN && !span_is(r->row.reason, "timeout");
    dag_reset_drop(r, s);
    dag_pause_cancelled(r, s);
    engine_run_cancelling(r, s, mode, sets_reason ? reason : NULL);
    dag_forget_held(r); /* each that ends would offer the next, to be taken back */
    phase_range(d, &first, &n);
    for (uint32_t i = first; i < first + n; i++) {
        if (d->phase == PHASE_COMPENSATE && !dag_undo_due(r, i))
            continue;
        if (d->phase != PHASE_MAIN && d->tasks[i].unit.state == TASK_RUNNING &&
            !(d->tasks[i].unit.flags & UNIT_STOPPED))
            dag_note_stopped(r, s, i);
        stop_task(r, s, i, mode);
    }
}

/* --- after loading --- */

/* Were the tasks of the phase that the run is in told to stop? A graceful cancel stops
 * those of its own phase only. The handlers that it met have it in their rows; those
 * behind them never began. */
bool dag_phase_stopped(const struct run *r)
{
    const struct dag *d = r->state;
    uint32_t first, n;

    if (r->row.cancel != CANCEL_GRACEFUL || d->phase == PHASE_MAIN)
        return r->row.cancel != CANCEL_NONE;
    phase_range(d, &first, &n);
    for (uint32_t i = first; i < first + n; i++)
        if (d->tasks[i].unit.flags & UNIT_STOPPED)
            return true;
    return false;
}

static uint32_t count_left(const struct dag *d, uint32_t first, uint32_t n)
{
    uint32_t left = 0;

    for (uint32_t i = first; i < first + n; i++)
        left += !task_state_final(d->tasks[i].unit.state);
    return left;
}

void dag_find_phase(struct run *r)
{
    struct dag *d = dag_of(r);
    const struct flow *f = d->flow;
    const enum flow_part part = part_for(dag_main_result(r));

    d->phase = PHASE_MAIN;
    d->left = count_left(d, 0, f->n_main);
    if (d->left > 0)
        return;
    d->phase = PHASE_COMPENSATE;
    d->part = FLOW_COMPENSATE;
    d->left = dag_main_result(r) == RUN_SUCCEEDED ? 0 : dag_undos_left(r);
    if (d->left > 0)
        return;
    d->phase = PHASE_HANDLER;
    d->part = part;
    d->left = count_left(d, f->part_first[part], f->part_count[part]);
    if (d->left > 0)
        return;
    d->phase = PHASE_FINALLY;
    d->part = FLOW_FINALLY;
    d->left = count_left(d, f->part_first[FLOW_FINALLY], f->part_count[FLOW_FINALLY]);
}
