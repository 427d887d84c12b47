/* why.c - why one task, or a run, is where it is. See why.h. */
#include "why/why.h"

#include <stdio.h>
#include <string.h>

/* --- tasks by what their rows say --- */

static bool has_row(const struct why_task *t)
{
    return t->row.version != 0;
}

/* As the engine sees it: what has no row has not begun. */
static bool is_final(const struct why_rows *rows, uint32_t task)
{
    return has_row(&rows->tasks[task]) && task_state_final(rows->tasks[task].row.state);
}

static bool needs_are_met(const struct why_rows *rows, const struct flow_task *t)
{
    for (uint32_t i = 0; i < t->n_needs; i++)
        if (!is_final(rows, t->needs[i]))
            return false;
    return true;
}

static bool is_list(const struct task_row *row)
{
    return row->items != MODEL_NULL && row->item == MODEL_NULL;
}

static int64_t count_items(const struct why_task *t, int64_t state)
{
    int64_t n = 0;

    for (size_t i = 0; i < t->n_items; i++)
        n += t->items[i].state == state;
    return n;
}

bool why_takes_slot(const struct flow_task *task)
{
    static const bool kinds[FLOW_N_KINDS] = {[FLOW_RUN] = true,
                                             [FLOW_COMMAND] = true,
                                             [FLOW_SCRIPT] = true,
                                             [FLOW_HTTP] = true};

    return kinds[task->work->kind];
}

void why_begin(struct why_rows *rows)
{
    rows->n_running = 0;
    for (uint32_t i = 0; i < rows->flow->n_tasks; i++) {
        const struct why_task *t = &rows->tasks[i];
        if (!why_takes_slot(&rows->flow->tasks[i]))
            continue;
        if (has_row(t) && !is_list(&t->row))
            rows->n_running += t->row.state == TASK_RUNNING;
        rows->n_running += count_items(t, TASK_RUNNING);
    }
}

/* --- what holds something that is ready --- */

static void take_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text ? text : "");
}

static void take_pause(struct why_answer *out, const char *what, const json_t *note)
{
    out->code = WHY_PAUSED;
    take_text(out->what, sizeof(out->what), what);
    take_text(out->by, sizeof(out->by), json_string_value(json_object_get(note, "by")));
    take_text(out->since, sizeof(out->since),
              json_string_value(json_object_get(note, "at")));
}

/* task: NULL asks for the run alone. */
static bool is_run_paused(const struct why_rows *rows, const struct flow_task *task,
                          struct why_answer *out)
{
    const struct span text = rows->run->paused;
    struct ff_err ignored;

    if (!text.s || run_state_final(rows->run->state))
        return false;
    json_t *paused = json_parse(text.s, text.len, &ignored);
    const json_t *note = json_object_get(paused, "run");
    const json_t *tasks = json_object_get(paused, "tasks");
    const bool outer = json_object_get(paused, "outer");
    if (note)
        take_pause(out, "run", note);
    else if (outer)
        take_pause(out, "outer run", NULL);
    else if (task && (note = json_object_get(tasks, task->name)))
        take_pause(out, "task", note);
    json_decref(paused);
    return out->code == WHY_PAUSED;
}

static bool is_queue_paused(const struct why_rows *rows, const struct flow_task *task,
                            struct why_answer *out)
{
    for (size_t i = 0; i < rows->n_queues; i++) {
        const struct why_queue *q = &rows->queues[i];
        if (strcmp(q->name, task->policy->queue) != 0)
            continue;
        out->code = WHY_PAUSED;
        snprintf(out->what, sizeof(out->what), "queue %s", q->name);
        take_text(out->by, sizeof(out->by), q->by);
        units_time_text(q->since_us, out->since);
        return true;
    }
    return false;
}

static bool is_limited(const struct why_rows *rows, const struct flow_task *task,
                       struct why_answer *out)
{
    struct why_limit limit = {.until_us = MODEL_NULL};

    if (!rows->limit || !rows->limit(rows->limit_arg, task, &limit))
        return false;
    out->code = limit.until_us == MODEL_NULL ? WHY_LIMIT : WHY_RATE;
    out->until_us = limit.until_us;
    out->held = limit.held;
    out->size = limit.size;
    take_text(out->what, sizeof(out->what), limit.name);
    take_text(out->by, sizeof(out->by), limit.holders);
    return true;
}

static bool is_full(struct why_answer *out, const char *what, int64_t held,
                    int64_t size)
{
    if (size == 0 || held < size)
        return false;
    take_text(out->what, sizeof(out->what), what);
    out->held = held;
    out->size = size;
    return true;
}

static bool lacks_executor(const struct why_rows *rows, const struct flow_task *task,
                           struct why_answer *out)
{
    struct why_executors *e = &out->executors;

    if (!task->policy->node_selector || !rows->executors ||
        !rows->executors(rows->executors_arg, task, e) || e->n_attempts < e->n_places)
        return false;
    take_text(out->what, sizeof(out->what), "node_selector");
    out->held = e->n_attempts;
    out->size = e->n_places;
    return true;
}

/* When the last thing ended that it waited for. */
static int64_t ready_since(const struct why_rows *rows, const struct flow_task *t)
{
    int64_t since = rows->run->started_at;

    for (uint32_t i = 0; i < t->n_needs; i++)
        if (rows->tasks[t->needs[i]].row.finished_at > since)
            since = rows->tasks[t->needs[i]].row.finished_at;
    return since;
}

/* What of it has not begun, where it waits for a slot and nothing else. */
static int64_t count_ready(const struct why_rows *rows, uint32_t task)
{
    const struct flow_task *t = &rows->flow->tasks[task];
    const struct why_task *of = &rows->tasks[task];

    if (has_row(of) && is_list(&of->row) && of->row.state == TASK_RUNNING)
        return of->row.items - (int64_t)of->n_items;
    return t->part == FLOW_MAIN && needs_are_met(rows, t) &&
           (!has_row(of) || of->row.state == TASK_WAITING);
}

/* Those that wait for an executor, and had a place under `parallelism` before `task`
 * could have one: what is ready at once has them in the order of the file. */
static int64_t count_stuck_before(const struct why_rows *rows, uint32_t other,
                                  uint32_t task)
{
    const struct flow_task *t = &rows->flow->tasks[other];
    const int64_t since = ready_since(rows, t);
    const int64_t mine = ready_since(rows, &rows->flow->tasks[task]);
    struct why_answer ignored;

    if (since > mine || (since == mine && other >= task) || !why_takes_slot(t) ||
        !lacks_executor(rows, t, &ignored))
        return 0;
    return count_ready(rows, other);
}

static bool is_behind_stuck(const struct why_rows *rows, uint32_t task,
                            struct why_answer *out)
{
    const int64_t most = rows->flow->parallelism;
    const bool retries = out->until_us != MODEL_NULL; /* and has its place since then */
    int64_t n = 0;

    for (uint32_t i = 0; most > 0 && !retries && i < rows->flow->n_tasks; i++)
        n += count_stuck_before(rows, i, task);
    if (n == 0 || !is_full(out, "parallelism", rows->n_running + n, most))
        return false;
    out->n_stuck = n;
    return true;
}

static void wait_for_slot(const struct why_rows *rows, uint32_t task,
                          struct why_answer *out)
{
    const struct why_task *t = &rows->tasks[task];

    out->code = WHY_SLOT;
    if (has_row(t) && is_list(&t->row) &&
        is_full(out, "max_parallel", count_items(t, TASK_RUNNING),
                rows->flow->tasks[task].work->max_parallel))
        return;
    if (is_full(out, "parallelism", rows->n_running, rows->flow->parallelism) ||
        is_behind_stuck(rows, task, out) ||
        lacks_executor(rows, &rows->flow->tasks[task], out))
        return;
    take_text(out->what, sizeof(out->what), "engine.slots");
}

static bool run_holds(const struct why_rows *rows, struct why_answer *out)
{
    if (!rows->led) {
        out->code = WHY_NO_OWNER;
        return true;
    }
    if (rows->run->state != RUN_PENDING || !span_is(rows->run->reason, "concurrency"))
        return false;
    out->code = WHY_CONCURRENCY;
    return true;
}

static void ready(const struct why_rows *rows, uint32_t task, struct why_answer *out)
{
    const struct flow_task *t = &rows->flow->tasks[task];
    const bool slot = why_takes_slot(t);

    if (is_run_paused(rows, t, out) || (slot && is_queue_paused(rows, t, out)) ||
        run_holds(rows, out) || (slot && is_limited(rows, t, out)))
        return;
    if (slot)
        wait_for_slot(rows, task, out);
    else
        out->code = WHY_RUNNING;
}

/* --- one row --- */

static enum why_code skip_code(struct span reason)
{
    return span_is(reason, "upstream_failed") ? WHY_UPSTREAM : WHY_CONDITION;
}

static enum why_code wait_code(struct span reason)
{
    if (span_is(reason, "approval"))
        return WHY_APPROVAL;
    return span_is(reason, "event") ? WHY_EVENT : WHY_TIME;
}

static void take_row(const struct task_row *row, struct why_answer *out)
{
    out->reason = row->reason;
    out->message = row->message;
    out->exit_code = row->exit_code;
    out->attempt = row->attempt;
    out->until_us = row->due_at;
}

/* Its time has come, and nobody has carried that out. */
static bool is_overdue(const struct why_rows *rows, const struct task_row *row)
{
    return row->due_at != MODEL_NULL && row->due_at <= rows->now_us;
}

static void wait_of(const struct why_rows *rows, uint32_t task,
                    const struct task_row *row, enum why_code code,
                    struct why_answer *out)
{
    const struct flow_task *t = &rows->flow->tasks[task];

    out->code = code;
    if (!is_overdue(rows, row))
        return;
    if (code == WHY_RETRY)
        ready(rows, task, out);
    else if (!is_run_paused(rows, t, out))
        run_holds(rows, out);
}

static void judge_row(const struct why_rows *rows, uint32_t task,
                      const struct task_row *row, struct why_answer *out)
{
    static const enum why_code plain[N_TASK_STATES] = {
        [TASK_RUNNING] = WHY_RUNNING,
        [TASK_SUCCEEDED] = WHY_SUCCEEDED,
        [TASK_FAILED] = WHY_FAILED,
        [TASK_CANCELLED] = WHY_CANCELLED,
    };

    take_row(row, out);
    if (row->state == TASK_SKIPPED)
        out->code = skip_code(row->reason);
    else if (row->state == TASK_SUSPENDED)
        wait_of(rows, task, row, wait_code(row->reason), out);
    else if (row->state == TASK_RETRYING)
        wait_of(rows, task, row, WHY_RETRY, out);
    else if (row->state == TASK_WAITING || row->state == TASK_QUEUED)
        ready(rows, task, out);
    else
        out->code = plain[row->state];
}

/* --- lists of items --- */

/* Which item tells best why a list goes no further: one that runs, or else waits for
 * somebody, or for its time. NULL: none of them has begun and not ended. */
static const struct task_row *telling_item(const struct why_task *t)
{
    static const int64_t order[] = {TASK_RUNNING, TASK_SUSPENDED, TASK_RETRYING};

    for (size_t k = 0; k < COUNT_OF(order); k++)
        for (size_t i = 0; i < t->n_items; i++)
            if (t->items[i].state == order[k])
                return &t->items[i];
    return NULL;
}

static void judge_list(const struct why_rows *rows, uint32_t task,
                       struct why_answer *out)
{
    const struct task_row *item = telling_item(&rows->tasks[task]);

    if (!item) {
        ready(rows, task, out);
        return;
    }
    judge_row(rows, task, item, out);
    if (out->code != WHY_RUNNING)
        out->item = NODE_ITEM(item->node);
}

static const struct task_row *find_item(const struct why_task *t, int64_t item)
{
    for (size_t i = 0; i < t->n_items; i++)
        if (NODE_ITEM(t->items[i].node) == item)
            return &t->items[i];
    return NULL;
}

/* --- what has no row --- */

static void judge_absent(const struct why_rows *rows, uint32_t task,
                         struct why_answer *out)
{
    const struct flow_task *t = &rows->flow->tasks[task];
    const bool over = run_state_final(rows->run->state);

    if (over) {
        out->code = t->part == FLOW_MAIN ? WHY_CANCELLED : WHY_CONDITION;
        out->reason = span_of(t->part == FLOW_MAIN ? "cancelled" : "not_called");
    } else if (t->part != FLOW_MAIN || !needs_are_met(rows, t)) {
        out->code = WHY_NEEDS;
    } else {
        ready(rows, task, out);
    }
}

/* --- the doors --- */

static struct why_answer answer_of(int64_t task, int64_t item)
{
    return (struct why_answer){.task = task,
                               .item = item,
                               .exit_code = MODEL_NULL,
                               .until_us = MODEL_NULL,
                               .held = MODEL_NULL,
                               .size = MODEL_NULL};
}

void why_task(const struct why_rows *rows, uint32_t task, int64_t item,
              struct why_answer *out)
{
    const struct why_task *t = &rows->tasks[task];
    const struct task_row *row = item < 0 ? NULL : find_item(t, item);

    *out = answer_of(task, item);
    if (row)
        judge_row(rows, task, row, out);
    else if (!has_row(t) || t->row.state == TASK_WAITING)
        judge_absent(rows, task, out);
    else if (item >= 0 && task_state_final(t->row.state))
        out->code = WHY_CANCELLED; /* the list ended before it began */
    else if (item >= 0)
        ready(rows, task, out);
    else if (is_list(&t->row) && t->row.state == TASK_RUNNING)
        judge_list(rows, task, out);
    else
        judge_row(rows, task, &t->row, out);
}

/* Something of it runs, or else the first task that waits for no other tells. */
static void judge_running(const struct why_rows *rows, struct why_answer *out)
{
    struct why_answer task;
    bool found = false;

    for (uint32_t i = 0; i < rows->flow->n_tasks; i++) {
        if (is_final(rows, i))
            continue;
        why_task(rows, i, -1, &task);
        if (task.code == WHY_RUNNING) {
            *out = answer_of(-1, -1);
            return;
        }
        if (!found && task.code != WHY_NEEDS)
            *out = task;
        found = found || task.code != WHY_NEEDS;
    }
}

static void judge_open_run(const struct why_rows *rows, struct why_answer *out)
{
    if (is_run_paused(rows, NULL, out))
        return;
    out->code = WHY_RUNNING;
    if (rows->run->state == RUN_PENDING)
        run_holds(rows, out);
    else
        judge_running(rows, out);
}

void why_run(const struct why_rows *rows, struct why_answer *out)
{
    static const enum why_code ends[] = {
        [RUN_SUCCEEDED] = WHY_SUCCEEDED,
        [RUN_FAILED] = WHY_FAILED,
        [RUN_CANCELLED] = WHY_CANCELLED,
    };
    const struct run_row *run = rows->run;

    *out = answer_of(-1, -1);
    out->reason = run->reason;
    out->message = run->message;
    if (run_state_final(run->state))
        out->code = ends[run->state];
    else
        judge_open_run(rows, out);
}
