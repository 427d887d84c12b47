/* dag.c - the run kind "dag": a workflow file's tasks in the order of their needs.
 * Takes inputs apart; the deciding is done in the files beside. */
#include "engine/dag_priv.h"

#include <string.h>

static void *parse_plan(const char *source, size_t len, struct span entry,
                        struct ff_err *err)
{
    struct flow_problems problems = {0};
    struct flow *flow = flow_parse(source, len, &problems);

    if (!flow)
        ff_fail(err, FF_INVALID, 0, "line %d: %.200s", problems.items[0].line,
                problems.items[0].msg);
    flow_problems_done(&problems);
    if (!flow || !entry.s)
        return flow;
    struct flow *group = flow_enter(flow, entry.s, entry.len);
    if (!group) {
        ff_fail(err, FF_CORRUPT, 0, "the workflow has no group %.*s", (int)entry.len,
                entry.s);
        flow_unref(flow);
    }
    return group;
}

static void free_plan(void *data)
{
    flow_unref(data);
}

/* Those that a task gave with `with`: checked, and with defaults. NULL, or what is
 * wrong with them. */
static char *complete_inputs(struct run *r)
{
    struct flow_problems problems = {0};
    json_t *inputs = flow_inputs(flow_of(r), r->inputs, false, &problems);
    char *bad = NULL;

    if (inputs) {
        json_decref(r->inputs);
        r->inputs = inputs;
    } else {
        bad = mem_text(problems.items[0].msg);
    }
    flow_problems_done(&problems);
    return bad;
}

static void *state_new(struct run *r)
{
    const struct flow *f = flow_of(r);
    struct dag *d = mem_alloc(sizeof(*d));

    d->flow = f;
    if (run_is_child(&r->row) && !f->owner)
        d->bad_inputs = complete_inputs(r);
    d->tasks = mem_array(f->n_tasks, sizeof(*d->tasks));
    r->state = d;
    dag_pause_load(r);
    d->left = f->n_main;
    for (uint32_t i = 0; i < f->n_tasks; i++) {
        d->tasks[i].unit.waiting = f->tasks[i].n_needs;
        d->tasks[i].unit.exit_code = -1;
    }
    return d;
}

static void state_free(struct run *r)
{
    struct dag *d = dag_of(r);

    for (uint32_t i = 0; i < d->flow->n_tasks; i++) {
        json_decref(d->tasks[i].unit.outputs);
        dag_items_free(d->tasks[i].items);
        mem_free(d->tasks[i].message);
    }
    mem_free(d->tasks);
    mem_free(d->bad_inputs);
    mem_free(d->turn_key);
    mem_free(d->resetting);
    ARRAY_DONE(&d->waiting);
    ARRAY_DONE(&d->settled);
    ARRAY_DONE(&d->due);
    ARRAY_DONE(&d->undos);
    map_done(&d->bases);
    map_done(&d->kept);
    map_done(&d->iterations);
    map_done(&d->deadlines);
    dag_awaited_done(d);
    dag_pause_done(d);
    mem_free(d);
}

static void on_timer(struct run *r, struct step *s, const struct input *in)
{
    switch (in->timer) {
    case TIMER_RETRY:
        dag_retry_due(r, s, in->node, s->now_us);
        break;
    case TIMER_WAIT:
        dag_wait_due(r, s, in->node);
        break;
    case TIMER_QUEUE:
        dag_queue_timeout(r, s, in->node);
        break;
    case TIMER_TOTAL:
        dag_total_due(r, s, in->node);
        break;
    case TIMER_RUN:
        if (dag_of(r)->phase == PHASE_MAIN && r->row.cancel == CANCEL_NONE)
            dag_cancel(r, s, CANCEL_GRACEFUL, "timeout");
        break;
    }
}

static void begin(struct run *r, struct step *s)
{
    if (!dag_asks_to_begin(r, s))
        dag_begin(r, s);
}

static void resume(struct run *r, struct step *s)
{
    if (dag_is_to_begin(r)) {
        begin(r, s);
        return;
    }
    dag_asks_to_begin(r, s); /* for it holds a place */
    dag_resume(r, s);
}

static void cancel(struct run *r, struct step *s, const struct input *in)
{
    const char *reason = in->cancel == CANCEL_KILL ? "killed" : "cancelled";

    if (in->ousted)
        reason = "concurrency";
    if (!dag_cancel_pending(r, s, reason))
        dag_cancel(r, s, in->cancel, reason);
}

static void step(struct run *r, const struct input *in, struct step *s)
{
    switch (in->type) {
    case INPUT_BEGIN:
        begin(r, s);
        break;
    case INPUT_RESUME:
        resume(r, s);
        break;
    case INPUT_ADMIT:
        dag_admission(r, s, in->admission);
        break;
    case INPUT_GRANT:
        dag_grant(r, s, in->node);
        break;
    case INPUT_FOUND:
        dag_cache_answer(r, s, in);
        break;
    case INPUT_RESULT:
        dag_result(r, s, in);
        break;
    case INPUT_TIMER:
        on_timer(r, s, in);
        break;
    case INPUT_SIGNAL:
        dag_signal(r, s, in);
        break;
    case INPUT_SILENT:
        dag_silent(r, s, in->node, in->attempt);
        break;
    case INPUT_CANCEL:
        cancel(r, s, in);
        break;
    }
    dag_settle(r, s);
}

static bool is_current(const struct run *r, int64_t node, int64_t attempt)
{
    const struct unit *u = dag_unit(dag_of(r), node);

    return u && u->state == TASK_RUNNING && u->attempt == attempt;
}

const struct engine_kind engine_dag = {
    .name = "dag",
    .plan_new = parse_plan,
    .plan_free = free_plan,
    .state_new = state_new,
    .state_free = state_free,
    .load_task = dag_load_task,
    .loaded = dag_loaded,
    .step = step,
    .describe = dag_describe,
    .is_current = is_current,
    .node_path = dag_node_path,
};
