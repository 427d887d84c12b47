/* check_again.c - tasks that repeat (I26) and what undoes tasks (I27), as the commits
 * show them and without the engine: iterations count up by one and end where the file
 * says; compensations come one by one, in the reverse order of the ends of their tasks,
 * each once. */
#include "sim.h"

#include <string.h>

static const struct flow_task *task_of(const struct mirror_run *r,
                                       const struct mirror_task *t)
{
    return &r->flow->tasks[NODE_TASK(t->row.node)];
}

/* --- loops --- */

static json_t *look_up(void *arg, const char *name)
{
    return strcmp(name, "iteration") == 0 ? arg : NULL;
}

/* Is this iteration to be the last, by the words of flow_gen.c? */
static bool until_holds(const struct flow_repeat *repeat, int64_t iteration)
{
    json_t *number = json_integer(iteration);
    const struct expr_scope scope = {.lookup = look_up, .arg = number};
    struct expr_err err;
    bool holds = false;
    json_t *v = tmpl_eval(repeat->until, &scope, &err);

    sim_check(v && expr_truth(v, &holds), "a condition of flow_gen.c gives no truth");
    json_decref(v);
    json_decref(number);
    return holds;
}

#define MS (UNITS_SECOND / 1000)

#define check(holds, what)                                                             \
    sim_check(holds, "I26: run %lld: %s, iteration %lld of %lld: %s",                  \
              (long long)r->no, task_of(r, t)->name, (long long)t->row.iteration,      \
              (long long)task_of(r, t)->work->repeat->max, what)

static void check_next(const struct mirror_run *r, const struct mirror_task *before,
                       const struct mirror_task *t)
{
    const struct flow_repeat *repeat = task_of(r, t)->work->repeat;
    char id[160];

    check(t->row.iteration == before->row.iteration + 1, "it is not the next one");
    check(t->row.iteration <= repeat->max, "it is one too many");
    check(!until_holds(repeat, before->row.iteration), "the one before was the last");
    check(t->row.attempt_base == t->row.attempt && t->row.lost == 0,
          "it has no retries of its own");
    mirror_attempt_id(r, t, id, sizeof(id));
    check(t->row.due_at + sim.o.skew_us + MS >=
              runtime_sim_ended(id) + repeat->delay_us,
          "it is due too soon");
    sim_seen(SEEN_REPEATED);
}

bool again_repeats(const struct mirror_run *r, const struct mirror_task *before,
                   const struct mirror_task *t)
{
    if (t->row.state != TASK_RETRYING || strcmp(t->reason, "repeat") != 0)
        return false;
    sim_check(task_of(r, t)->work->repeat, "I26: run %lld: %s repeats unasked",
              (long long)r->no, task_of(r, t)->name);
    check_next(r, before, t);
    return true;
}

bool again_too_many(const struct mirror_task *t)
{
    return t->row.state == TASK_FAILED && strcmp(t->reason, "repeat_max") == 0;
}

void again_start(const struct mirror_run *r, const struct mirror_task *before,
                 const struct mirror_task *t)
{
    if (!task_of(r, t)->work->repeat)
        return;
    check(t->row.iteration ==
              (before->row.state == TASK_RETRYING ? before->row.iteration : 1),
          "it is not what the row said");
}

void again_end(const struct mirror_run *r, const struct mirror_task *t)
{
    const struct flow_repeat *repeat = task_of(r, t)->work->repeat;

    if (!repeat)
        return;
    const bool over = until_holds(repeat, t->row.iteration);
    const bool last = t->row.iteration == repeat->max;
    if (t->row.state == TASK_SUCCEEDED) {
        check(over || (last && repeat->on_max == FLOW_MAX_SUCCEED),
              "it succeeds before its end");
        sim_seen(over ? SEEN_REPEAT_UNTIL : SEEN_REPEAT_MAX);
    } else if (again_too_many(t)) {
        check(!over && last && repeat->on_max == FLOW_MAX_FAIL,
              "it fails for its number");
        sim_seen(SEEN_REPEAT_TOO_MANY);
    } else if (t->row.state == TASK_CANCELLED && !over) {
        sim_seen(SEEN_REPEAT_CANCELLED);
    }
}

/* --- compensations --- */

static const struct mirror_task *row_of(const struct mirror_run *r, int64_t task)
{
    return mirror_task(r, NODE_OF(task, -1));
}

/* Has the compensation begun, since the run did the last time? */
static bool has_begun(const struct mirror_task *t)
{
    return t && t->row.state != TASK_WAITING;
}

static bool is_due(const struct mirror_run *r, uint32_t undo)
{
    const struct mirror_task *of = row_of(r, r->flow->tasks[undo].work->undo->of);

    return of && of->row.state == TASK_SUCCEEDED && reset_attempts(of) > 0;
}

bool again_was_undone(const struct mirror_run *r, uint32_t task)
{
    const struct flow *f = r->flow;
    const uint32_t first = f->part_first[FLOW_COMPENSATE];

    for (uint32_t i = first; i < first + f->part_count[FLOW_COMPENSATE]; i++) {
        const struct mirror_task *t = row_of(r, i);
        if (f->tasks[i].work->undo->of == task && t && reset_attempts(t) > 0) {
            sim_seen(SEEN_RESET_UNDONE);
            return true;
        }
    }
    return false;
}

/* One that starts, beside another one. */
static void check_order(const struct mirror_run *r, const struct mirror_task *t,
                        uint32_t other)
{
    const struct mirror_task *undo = row_of(r, other);
    const int64_t end = row_of(r, task_of(r, t)->work->undo->of)->row.finished_at;
    const int64_t end_other =
        row_of(r, r->flow->tasks[other].work->undo->of)->row.finished_at;

    if (end_other > end)
        sim_check(undo && task_state_final(undo->row.state),
                  "I27: run %lld: %s begins before %s is over, whose task ended later",
                  (long long)r->no, task_of(r, t)->name, r->flow->tasks[other].name);
    else
        sim_check(end_other == end || !has_begun(undo),
                  "I27: run %lld: %s begins after %s, whose task ended sooner",
                  (long long)r->no, task_of(r, t)->name, r->flow->tasks[other].name);
    sim_check(!has_begun(undo) || task_state_final(undo->row.state),
              "I27: run %lld: %s and %s are under way", (long long)r->no,
              task_of(r, t)->name, r->flow->tasks[other].name);
    sim_seen(SEEN_UNDO_IN_ORDER);
}

void again_undo_start(const struct mirror_run *r, const struct mirror_task *t)
{
    const uint32_t first = r->flow->part_first[FLOW_COMPENSATE];
    const uint32_t n = r->flow->part_count[FLOW_COMPENSATE];
    const uint32_t task = (uint32_t)NODE_TASK(t->row.node);

    sim_check(is_due(r, task), "I27: run %lld: %s begins, and its task did nothing",
              (long long)r->no, task_of(r, t)->name);
    sim_check(check_main_result(r) != RUN_SUCCEEDED,
              "I27: run %lld: %s begins, and all went well", (long long)r->no,
              task_of(r, t)->name);
    for (uint32_t i = first; i < first + n; i++)
        if (i != task && is_due(r, i))
            check_order(r, t, i);
}

/* When a handler starts, or the run ends: all that was due is over, and nothing else
 * was done. */
void again_undone(const struct mirror_run *r)
{
    static const enum sim_seen seen[N_TASK_STATES] = {
        [TASK_SUCCEEDED] = SEEN_UNDONE,
        [TASK_FAILED] = SEEN_UNDO_FAILED,
        [TASK_CANCELLED] = SEEN_UNDO_CANCELLED,
    };
    const uint32_t first = r->flow->part_first[FLOW_COMPENSATE];
    const bool undoes = check_main_result(r) != RUN_SUCCEEDED;

    for (uint32_t i = first; i < first + r->flow->part_count[FLOW_COMPENSATE]; i++) {
        const struct mirror_task *t = row_of(r, i);
        const char *name = r->flow->tasks[i].name;
        sim_check(!has_begun(t) || task_state_final(t->row.state),
                  "I27: run %lld: %s is not over", (long long)r->no, name);
        sim_check(!has_begun(t) || (undoes && is_due(r, i)),
                  "I27: run %lld: %s was carried out", (long long)r->no, name);
        sim_check(has_begun(t) || !undoes || !is_due(r, i) ||
                      r->row.cancel == CANCEL_KILL,
                  "I27: run %lld: %s was not carried out", (long long)r->no, name);
        if (has_begun(t))
            sim_seen(seen[t->row.state]);
    }
}
