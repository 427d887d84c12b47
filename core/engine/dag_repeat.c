/* dag_repeat.c - a task that runs again when it has succeeded: whether there is another
 * iteration, and how it begins. Each is one attempt, or several where `retry` says so.
 * What is needed after a restart is in the task's row: the number of the iteration, the
 * outputs of the one before, and the attempts before it, which do not count for
 * `retry`. */
#include "engine/dag_kind.h"

static const struct flow_repeat *repeat_of(const struct run *r, int64_t node)
{
    return flow_of(r)->tasks[NODE_TASK(node)].work->repeat;
}

int64_t dag_iteration(const struct run *r, int64_t node)
{
    const struct dag *d = r->state;
    const int64_t after =
        d->iterations.n > 0 ? (int64_t)(uintptr_t)map_get(&d->iterations, node) : 0;

    return after > 0 ? after : 1;
}

/* FF_OK with *over, or a code with a sentence. */
static int judge_until(struct run *r, const struct step *s, int64_t node,
                       const struct result *result, bool *over, struct ff_err *err)
{
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];
    json_t *names = json_object();
    struct ff_err why = {.code = FF_OK};
    struct dag_scope sc;

    dag_scope_init(&sc, r, t, -1, dag_unit(dag_of(r), node)->attempt, s->now_us);
    json_object_set(names, "outputs", result->outputs ? result->outputs : json_null());
    sc.more = names;
    if (dag_truth(&sc, t->work->repeat->until, over, &why) != FF_OK)
        ff_fail(err, FF_INVALID, 0, "repeat.until: %.190s", why.msg);
    dag_scope_done(&sc);
    json_decref(names);
    return why.code;
}

enum dag_turn dag_judge_repeat(struct run *r, const struct step *s, int64_t node,
                               const struct result *result, struct ff_err *err)
{
    const struct flow_repeat *repeat = repeat_of(r, node);
    bool over = false;

    if (!repeat)
        return TURN_LAST;
    if (judge_until(r, s, node, result, &over, err) != FF_OK)
        return TURN_WRONG;
    if (over)
        return TURN_LAST;
    if (dag_is_stopping(r, node))
        return TURN_STOPPED;
    const bool is_late = dag_total_ends(r, node, s->now_us + repeat->delay_us);
    if (dag_iteration(r, node) < repeat->max && !is_late)
        return TURN_NEXT;
    if (dag_iteration(r, node) < repeat->max) {
        ff_fail(err, FF_INVALID, 0,
                "its next iteration would begin after its total_timeout");
        return TURN_TOO_LATE;
    }
    if (repeat->on_max == FLOW_MAX_SUCCEED)
        return TURN_LAST;
    ff_fail(err, FF_INVALID, 0, "repeat.until was still false after %lld iterations",
            (long long)repeat->max);
    return TURN_TOO_MANY;
}

static void write_next(struct run *r, struct step *s, int64_t node,
                       const struct result *result, struct task_row *row)
{
    MEM_AUTO char *text = NULL;
    struct unit *u = dag_unit(dag_of(r), node);

    if (result->outputs && !result->stored)
        text = dag_stored_text(result->outputs);
    row->outputs = span_of(result->stored ? result->stored : text);
    dag_write_unit(s, row, u,
                   COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_LOST) |
                       COLUMN_BIT(COL_TASK_EXIT_CODE) | COLUMN_BIT(COL_TASK_REASON) |
                       COLUMN_BIT(COL_TASK_MESSAGE) | COLUMN_BIT(COL_TASK_OUTPUTS) |
                       COLUMN_BIT(COL_TASK_DUE_AT) | COLUMN_BIT(COL_TASK_STARTED_AT) |
                       COLUMN_BIT(COL_TASK_FINISHED_AT) |
                       COLUMN_BIT(COL_TASK_ATTEMPT_BASE) |
                       COLUMN_BIT(COL_TASK_ITERATION));
}

void dag_repeat(struct run *r, struct step *s, int64_t node,
                const struct result *result, const struct task_row *ended)
{
    const int64_t delay_us = repeat_of(r, node)->delay_us;
    const int64_t iteration = dag_iteration(r, node);
    struct dag *d = dag_of(r);
    struct unit *u = dag_unit(d, node);

    json_decref(u->outputs);
    u->outputs = result->outputs ? json_incref(result->outputs) : NULL;
    u->state = TASK_RETRYING;
    u->lost = 0;
    map_set(&d->iterations, node, (void *)(uintptr_t)(iteration + 1));
    map_set(&d->bases, node, (void *)(uintptr_t)u->attempt);
    struct task_row row = dag_row_of(r, node, u);
    row.started_at = ended->started_at;
    row.due_at = s->now_us + delay_us;
    row.reason = span_of(DAG_REPEAT);
    row.attempt_base = u->attempt;
    write_next(r, s, node, result, &row);
    struct jsonw w = dag_event(r, s, "task.repeating", node, u);
    dag_event_iteration(r, &w, node);
    if (row.exit_code != MODEL_NULL) {
        jsonw_key(&w, "exit_code");
        jsonw_int(&w, row.exit_code);
    }
    jsonw_key(&w, "reason");
    jsonw_text(&w, DAG_REPEAT);
    jsonw_key(&w, "delay_us");
    jsonw_int(&w, delay_us);
    step_event_end(s, &w);
    dag_wait_retry(r, s, node, row.due_at);
}
