/* rows.c - runs, tasks and schedules, counted by the rows that became durable: each
 * change of a state is a change of a row, whoever decided it. What is committed by
 * other processes is theirs to count. */
#include "observe/observe_priv.h"

#include <string.h>

#define REASON_TEXT 64

/* --- series --- */

static void init_runs(struct observe *o)
{
    for (int i = 0; i < OBSERVE_RUN_STATES; i++) {
        const char *const state[] = {run_state_names[i]};

        if (!run_state_final(i))
            continue;
        o->runs_ended[i] = metrics_get(o->metrics, FAMILY_RUNS_ENDED, state);
        o->run_seconds[i] = metrics_get(o->metrics, FAMILY_RUN_SECONDS, state);
    }
}

void observe_rows_init(struct observe *o)
{
    static const char *const kinds[] = {"task", "item"};

    init_runs(o);
    for (int i = 0; i < N_TASK_STATES; i++)
        for (size_t k = 0; k < COUNT_OF(kinds) && task_state_final(i); k++)
            o->tasks_ended[i][k] =
                metrics_get(o->metrics, FAMILY_TASKS_ENDED,
                            (const char *const[]){kinds[k], task_state_names[i]});
}

/* --- rows --- */

static bool writes(const struct ff_change *c, unsigned column)
{
    return c->kind == FF_PUT || (c->kind == FF_PATCH && c->set >> column & 1);
}

/* "" where the column is null. */
static void copy_text(const struct ff_value *value, char *out, size_t size)
{
    const size_t len = !value->s ? 0 : value->len < size ? value->len : size - 1;

    memcpy(out, value->s ? value->s : "", len);
    out[len] = '\0';
}

/* What begins it writes both columns; so does what begins its tasks again, and that
 * writes `reset` as well. */
static bool begins(const struct ff_change *c)
{
    return c->kind == FF_PATCH && writes(c, COL_RUN_STARTED_AT) &&
           !writes(c, COL_RUN_RESET);
}

static void count_run(struct observe *o, const struct ff_change *c)
{
    const int64_t state = c->values[COL_RUN_STATE].i;

    if (!writes(c, COL_RUN_STATE))
        return;
    if (state == RUN_RUNNING && begins(c))
        metric_add(o->plain[FAMILY_RUNS_STARTED], 1);
    if (run_state_final(state))
        metric_add(o->runs_ended[state], 1);
}

/* A run whose batch makes tasks of it, too, has them from another one: they ended
 * there.
 */
static bool is_made(const struct ff_change *c)
{
    return c->record == &record_run && c->kind == FF_PUT && c->expect == FF_ABSENT;
}

static void count_task(struct observe *o, const struct ff_change *c)
{
    const int64_t state = c->values[COL_TASK_STATE].i;
    const bool item = NODE_ITEM(c->values[COL_TASK_NODE].i) >= 0;
    char reason[REASON_TEXT];

    if (!writes(c, COL_TASK_STATE))
        return;
    if (task_state_final(state))
        metric_add(o->tasks_ended[state][item], 1);
    if (state != TASK_RETRYING)
        return;
    copy_text(&c->values[COL_TASK_REASON], reason, sizeof(reason));
    metric_add(
        metrics_get(o->metrics, FAMILY_TASKS_RETRIED, (const char *const[]){reason}),
        1);
}

/* One that waited for another run, or a backfill, is not late. */
static bool started_by_time(const struct ff_change *c, const char *cause)
{
    return c->expect == FF_ABSENT && strcmp(cause, "time") == 0 &&
           c->values[COL_SCHEDULE_RUN_STATE].i == SCHEDULE_RUN_STARTED;
}

static void count_time(struct observe *o, const struct ff_change *c)
{
    const int64_t state = c->values[COL_SCHEDULE_RUN_STATE].i;
    char cause[REASON_TEXT];

    if (c->kind != FF_PUT || state < 0 || state > SCHEDULE_RUN_FAILED)
        return;
    copy_text(&c->values[COL_SCHEDULE_RUN_CAUSE], cause, sizeof(cause));
    metric_add(
        metrics_get(o->metrics, FAMILY_SCHEDULE_TIMES,
                    (const char *const[]){cause, schedule_run_state_names[state]}),
        1);
    if (started_by_time(c, cause))
        metric_observe(o->plain[FAMILY_SCHEDULE_LATE],
                       c->values[COL_SCHEDULE_RUN_DECIDED_AT].i -
                           c->values[COL_SCHEDULE_RUN_NOMINAL_AT].i);
}

void observe_rows(struct observe *o, const struct batch *b)
{
    int64_t made = 0;

    for (size_t i = 0; i < b->n; i++) {
        const struct ff_change *c = &b->items[i];

        if (is_made(c))
            made = c->values[COL_RUN_RUN].i;
        if (c->record == &record_task && c->values[COL_TASK_RUN].i != made)
            count_task(o, c);
        else if (c->record == &record_run)
            count_run(o, c);
        else if (c->record == &record_schedule_run)
            count_time(o, c);
    }
}

/* --- what rows of changes do not say --- */

void observe_changed(struct observe *o, const struct run_row *run)
{
    char workflow[METRIC_VALUE_MAX];

    if (!o || !run_state_final(run->state))
        return;
    snprintf(workflow, sizeof(workflow), "%.*s", (int)run->workflow.len,
             run->workflow.s);
    metric_add(
        metrics_get(o->metrics, FAMILY_WORKFLOW_RUNS,
                    (const char *const[]){workflow, run_state_names[run->state]}),
        1);
    if (run->started_at != MODEL_NULL)
        metric_observe(o->run_seconds[run->state], run->finished_at - run->started_at);
}
