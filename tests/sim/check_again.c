/* check_again.c - tasks that repeat (I26) and what undoes tasks (I27), as the commits
 * show them and without the engine: iterations count up by one and end where the file
 * says; compensations come one by one, in the reverse order of the ends of their tasks
 * and of items of these, each once. */
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

/* Has it begun, since the run did the last time? */
static bool has_begun(const struct mirror_task *t)
{
    return t && t->row.state != TASK_WAITING;
}

/* How many nodes a compensation may have, and the item of the first one. */
static int64_t width_of(const struct mirror_run *r, uint32_t undo, int64_t *first)
{
    const struct flow_work *work = r->flow->tasks[undo].work;
    const struct mirror_task *of = mirror_task(r, NODE_OF(work->undo->of, -1));

    *first = work->foreach ? 0 : -1;
    if (!work->foreach)
        return 1;
    return of && of->row.items != MODEL_NULL ? of->row.items : 0;
}

const struct mirror_task *again_undoes(const struct mirror_run *r, int64_t node)
{
    const struct flow_undo *undo = r->flow->tasks[NODE_TASK(node)].work->undo;

    return mirror_task(r, NODE_OF(undo->of, NODE_ITEM(node)));
}

static bool is_due(const struct mirror_run *r, int64_t undo)
{
    const struct mirror_task *of = again_undoes(r, undo);

    return of && of->row.state == TASK_SUCCEEDED && reset_attempts(of) > 0;
}

bool again_was_undone(const struct mirror_run *r, int64_t node)
{
    const struct flow *f = r->flow;
    const uint32_t first = f->part_first[FLOW_COMPENSATE];

    for (uint32_t i = first; i < first + f->part_count[FLOW_COMPENSATE]; i++) {
        const struct mirror_task *t = mirror_task(r, NODE_OF(i, NODE_ITEM(node)));
        if (f->tasks[i].work->undo->of != NODE_TASK(node) || !t ||
            reset_attempts(t) == 0)
            continue;
        sim_seen(NODE_ITEM(node) < 0 ? SEEN_RESET_UNDONE : SEEN_RESET_UNDONE_ITEM);
        return true;
    }
    return false;
}

/* One that starts, beside another one. */
static void check_order(const struct mirror_run *r, const struct mirror_task *t,
                        int64_t other)
{
    const struct mirror_task *undo = mirror_task(r, other);
    const int64_t end = again_undoes(r, t->row.node)->row.finished_at;
    const int64_t end_other = again_undoes(r, other)->row.finished_at;
    const char *name = r->flow->tasks[NODE_TASK(other)].name;
    const long long item = (long long)NODE_ITEM(other);

    if (end_other > end)
        sim_check(undo && task_state_final(undo->row.state),
                  "I27: run %lld: %s begins before %s (%lld) is over, whose task ended "
                  "later",
                  (long long)r->no, task_of(r, t)->name, name, item);
    else
        sim_check(end_other == end || !has_begun(undo),
                  "I27: run %lld: %s begins after %s (%lld), whose task ended sooner",
                  (long long)r->no, task_of(r, t)->name, name, item);
    sim_check(!has_begun(undo) || task_state_final(undo->row.state),
              "I27: run %lld: %s and %s (%lld) are under way", (long long)r->no,
              task_of(r, t)->name, name, item);
    sim_seen(SEEN_UNDO_IN_ORDER);
    if (NODE_ITEM(t->row.node) >= 0 && NODE_TASK(other) != NODE_TASK(t->row.node))
        sim_seen(SEEN_UNDO_ITEM_IN_ORDER);
}

void again_undo_start(const struct mirror_run *r, const struct mirror_task *t)
{
    const uint32_t first = r->flow->part_first[FLOW_COMPENSATE];

    sim_check(is_due(r, t->row.node),
              "I27: run %lld: %s begins, and its task did "
              "nothing",
              (long long)r->no, task_of(r, t)->name);
    sim_check(check_main_result(r) != RUN_SUCCEEDED,
              "I27: run %lld: %s begins, and all went well", (long long)r->no,
              task_of(r, t)->name);
    for (uint32_t i = first; i < first + r->flow->part_count[FLOW_COMPENSATE]; i++) {
        int64_t item;
        const int64_t n = width_of(r, i, &item);
        for (int64_t k = item; k < item + n; k++)
            if (NODE_OF(i, k) != t->row.node && is_due(r, NODE_OF(i, k)))
                check_order(r, t, NODE_OF(i, k));
    }
}

void again_undo_expanded(const struct mirror_run *r, const struct mirror_task *t)
{
    const uint32_t undo = (uint32_t)NODE_TASK(t->row.node);
    int64_t due = 0;
    int64_t first;
    const int64_t n = width_of(r, undo, &first);

    for (int64_t k = first; k < first + n; k++)
        due += is_due(r, NODE_OF(undo, k));
    sim_check(due > 0 && due == t->row.items,
              "I27: run %lld: %s undoes %lld items, there are %lld to undo",
              (long long)r->no, task_of(r, t)->name, (long long)t->row.items,
              (long long)due);
}

/* A cancel was for it: what had not begun by then does not. */
static bool was_stopped(const struct mirror_run *r, uint32_t undo)
{
    const struct mirror_task *whole = mirror_task(r, NODE_OF(undo, -1));

    return r->row.cancel != CANCEL_NONE && has_begun(whole) &&
           (whole->row.state == TASK_CANCELLED || whole->row.state == TASK_FAILED);
}

static void check_undone(const struct mirror_run *r, int64_t node, bool undoes)
{
    static const enum sim_seen seen[N_TASK_STATES] = {
        [TASK_SUCCEEDED] = SEEN_UNDONE,
        [TASK_FAILED] = SEEN_UNDO_FAILED,
        [TASK_CANCELLED] = SEEN_UNDO_CANCELLED,
    };
    const struct mirror_task *t = mirror_task(r, node);
    const uint32_t undo = (uint32_t)NODE_TASK(node);
    const char *name = r->flow->tasks[undo].name;
    const long long item = (long long)NODE_ITEM(node);

    sim_check(!has_begun(t) || task_state_final(t->row.state),
              "I27: run %lld: %s (%lld) is not over", (long long)r->no, name, item);
    sim_check(!has_begun(t) || (undoes && is_due(r, node)),
              "I27: run %lld: %s (%lld) was carried out", (long long)r->no, name, item);
    sim_check(has_begun(t) || !undoes || !is_due(r, node) ||
                  r->row.cancel == CANCEL_KILL || (item >= 0 && was_stopped(r, undo)),
              "I27: run %lld: %s (%lld) was not carried out", (long long)r->no, name,
              item);
    if (has_begun(t))
        sim_seen(item < 0 ? seen[t->row.state] : SEEN_UNDONE_ITEM);
}

/* When a handler starts, or the run ends: all that was due is over, and nothing else
 * was done. */
void again_undone(const struct mirror_run *r)
{
    const uint32_t first = r->flow->part_first[FLOW_COMPENSATE];
    const bool undoes = check_main_result(r) != RUN_SUCCEEDED;

    for (uint32_t i = first; i < first + r->flow->part_count[FLOW_COMPENSATE]; i++) {
        const struct mirror_task *whole = mirror_task(r, NODE_OF(i, -1));
        int64_t item;
        const int64_t n = width_of(r, i, &item);

        sim_check(!has_begun(whole) || task_state_final(whole->row.state),
                  "I27: run %lld: %s is not over", (long long)r->no,
                  r->flow->tasks[i].name);
        for (int64_t k = item; k < item + n; k++)
            check_undone(r, NODE_OF(i, k), undoes);
    }
}
