/* why_text.c - the words and sentences of answers. See why.h. */
#include "why/why.h"

#include <string.h>

const struct why_word why_words[N_WHY_CODES] = {
    [WHY_RUNNING] = {"running", "it runs"},
    [WHY_SUCCEEDED] = {"succeeded", "it has succeeded"},
    [WHY_FAILED] = {"failed", "it has failed: `reason` says how"},
    [WHY_CANCELLED] = {"cancelled", "it was cancelled"},
    [WHY_NEEDS] = {"waiting_for_needs", "tasks that it needs have not ended"},
    [WHY_SLOT] = {"waiting_for_slot",
                  "it is ready; `engine.slots`, its tenant's `max_running`, "
                  "`parallelism`, `max_parallel` or the executors with its labels have "
                  "no place for it yet"},
    [WHY_LIMIT] = {"waiting_for_limit",
                   "it is ready, and a semaphore or mutex that it wants is taken"},
    [WHY_RATE] = {"waiting_for_rate",
                  "it is ready, and its rate lets nothing start until some time"},
    [WHY_CONCURRENCY] = {"waiting_for_concurrency",
                         "other runs with its concurrency key are under way"},
    [WHY_TIME] = {"waiting_for_time", "a sleep or wait_until is not over"},
    [WHY_APPROVAL] = {"waiting_for_approval", "nobody has approved or rejected it"},
    [WHY_EVENT] = {"waiting_for_event", "its event has not happened"},
    [WHY_RETRY] = {"retry_backoff", "its next attempt is due at some time"},
    [WHY_PAUSED] = {"paused", "its run, the task or its queue is paused"},
    [WHY_NO_OWNER] = {"no_owner", "no process leads the runs of the data directory"},
    [WHY_CONDITION] = {"condition_false",
                       "it was skipped: its `if` or what it needs said so"},
    [WHY_UPSTREAM] = {"upstream_failed", "it was skipped: a task before it failed"},
};

#define NAMES_SHOWN 5

struct telling {
    const struct why_rows *rows;
    const struct why_answer *answer;
    struct buf *out;
};

static void add_until(const struct telling *t, const char *word)
{
    char until[UNITS_TEXT];

    if (t->answer->until_us == MODEL_NULL)
        return;
    units_time_text(t->answer->until_us, until);
    buf_printf(t->out, "%s%s", word, until);
}

static void add_message(const struct telling *t)
{
    const struct span message = t->answer->message;

    if (!message.s || message.len == 0)
        return;
    buf_add_text(t->out, ": ");
    buf_add(t->out, message.s, message.len);
}

/* ", reason timeout, attempt 2: it took longer than 1s" */
static void add_end(const struct telling *t)
{
    const struct why_answer *a = t->answer;

    if (a->reason.s)
        buf_printf(t->out, ", reason %.*s", (int)a->reason.len, a->reason.s);
    if (a->exit_code != MODEL_NULL && !a->message.s)
        buf_printf(t->out, ", exit code %lld", (long long)a->exit_code);
    if (a->attempt > 1)
        buf_printf(t->out, ", attempt %lld", (long long)a->attempt);
    add_message(t);
}

static bool is_run_of_tasks(const struct telling *t)
{
    if (t->answer->task < 0)
        return false;
    const enum flow_kind kind = t->rows->flow->tasks[t->answer->task].work->kind;
    return kind == FLOW_GROUP || kind == FLOW_USES;
}

static void tell_running(const struct telling *t)
{
    const bool stops = t->rows->run->state == RUN_CANCELLING;

    buf_add_text(t->out, stops ? "it runs, and its run is being cancelled" : "it runs");
    if (is_run_of_tasks(t))
        buf_printf(t->out, " as a run of its own: ask of %s/ what that waits for",
                   t->rows->flow->tasks[t->answer->task].name);
}

static void tell_succeeded(const struct telling *t)
{
    buf_add_text(t->out, "it has succeeded");
}

static void tell_failed(const struct telling *t)
{
    buf_add_text(t->out, "it has failed");
    add_end(t);
}

static void tell_cancelled(const struct telling *t)
{
    buf_add_text(t->out, "it was cancelled");
    add_end(t);
}

static bool is_open(const struct why_rows *rows, uint32_t task)
{
    const struct task_row *row = &rows->tasks[task].row;

    return row->version == 0 || !task_state_final(row->state);
}

static void tell_needs(const struct telling *t)
{
    const struct flow_task *task = &t->rows->flow->tasks[t->answer->task];
    size_t n = 0;

    if (task->part != FLOW_MAIN) {
        buf_add_text(t->out, "it is a handler, which may run after all tasks");
        return;
    }
    buf_add_text(t->out, "it needs ");
    for (uint32_t i = 0; i < task->n_needs; i++) {
        if (!is_open(t->rows, task->needs[i]) || ++n > NAMES_SHOWN)
            continue;
        buf_printf(t->out, "%s%s", n > 1 ? ", " : "",
                   t->rows->flow->tasks[task->needs[i]].name);
    }
    if (n > NAMES_SHOWN)
        buf_printf(t->out, " and %zu more", n - NAMES_SHOWN);
    buf_printf(t->out, ", which %s not ended", n > 1 ? "have" : "has");
}

/* A limit with such a name is known to the owner only. */
static bool has_hidden_limit(const struct flow_task *task)
{
    const struct flow_limits *limits = task->policy->limits;

    for (uint32_t i = 0; limits && i < limits->n; i++)
        if (!limits->items[i].name->constant)
            return true;
    return false;
}

static void tell_executors(const struct telling *t)
{
    const struct why_executors *e = &t->answer->executors;
    const char *labels = t->rows->flow->tasks[t->answer->task].policy->node_selector;

    buf_printf(t->out,
               "it is ready and waits for an executor with %s: %lld of %lld that are "
               "there %s",
               labels, (long long)e->n, (long long)e->n_all,
               e->n == 1 ? "has these labels" : "have these labels");
    if (e->n > 0)
        buf_printf(t->out, ", and %lld of %lld places are taken",
                   (long long)e->n_attempts, (long long)e->n_places);
}

static void tell_slot(const struct telling *t)
{
    const struct why_answer *a = t->answer;

    if (strcmp(a->what, "node_selector") == 0) {
        tell_executors(t);
        return;
    }

    buf_printf(t->out, "it is ready and waits for a place: %s", a->what);
    if (a->size != MODEL_NULL)
        buf_printf(t->out, " lets %lld run at once", (long long)a->size);
    else
        buf_add_text(
            t->out,
            " are taken, or all that its tenant may have, or it starts in a moment");
    if (a->n_stuck > 0)
        buf_printf(t->out, ", and %lld before it %s for an executor with %s labels",
                   (long long)a->n_stuck, a->n_stuck == 1 ? "waits" : "wait",
                   a->n_stuck == 1 ? "its" : "their");
    if (has_hidden_limit(&t->rows->flow->tasks[a->task]))
        buf_add_text(t->out, ", or a limit whose name is an expression is taken");
}

/* "semaphore:gpu" -> "semaphore gpu" */
static void add_limit_name(const struct telling *t)
{
    const char *colon = strchr(t->answer->what, ':');

    if (colon)
        buf_printf(t->out, "%.*s %s", (int)(colon - t->answer->what), t->answer->what,
                   colon + 1);
    else
        buf_add_text(t->out, t->answer->what);
}

static void tell_limit(const struct telling *t)
{
    const struct why_answer *a = t->answer;

    buf_add_text(t->out, "it is ready, and ");
    add_limit_name(t);
    buf_printf(t->out, " has no place: %lld of %lld held", (long long)a->held,
               (long long)a->size);
    if (a->by[0])
        buf_printf(t->out, " by %s", a->by);
}

static void tell_rate(const struct telling *t)
{
    buf_add_text(t->out, "it is ready, and ");
    add_limit_name(t);
    buf_add_text(t->out, " lets it start");
    add_until(t, " at ");
}

static void tell_concurrency(const struct telling *t)
{
    const struct span message = t->answer->message; /* says it with the key */

    if (message.s && message.len > 0)
        buf_add(t->out, message.s, message.len);
    else
        buf_add_text(t->out,
                     "as many runs with its concurrency key as may be are under way");
}

static void tell_time(const struct telling *t)
{
    buf_add_text(t->out, "it waits for time");
    add_until(t, ", until ");
}

static void tell_approval(const struct telling *t)
{
    buf_add_text(t->out, "it waits for `flowforge approve` or `reject`");
    add_until(t, ", until ");
    add_message(t);
}

static void tell_event(const struct telling *t)
{
    const struct span name = t->answer->message;

    buf_add_text(t->out, "it waits for the event ");
    buf_add(t->out, name.s ? name.s : "", name.len);
    add_until(t, ", until ");
}

static void tell_retry(const struct telling *t)
{
    const struct why_answer *a = t->answer;

    if (span_is(a->reason, "repeat"))
        buf_add_text(t->out, "it repeats");
    else
        buf_printf(t->out, "attempt %lld failed, and the next one is due",
                   (long long)a->attempt);
    add_until(t, " at ");
}

static void tell_paused(const struct telling *t)
{
    const struct why_answer *a = t->answer;

    buf_printf(t->out, "%s is paused", a->what);
    if (a->since[0])
        buf_printf(t->out, " since %s", a->since);
    if (a->by[0])
        buf_printf(t->out, ", by %s", a->by);
}

static void tell_no_owner(const struct telling *t)
{
    buf_add_text(t->out,
                 "no process leads it: `flowforge resume` or `flowforge engine` "
                 "does");
}

static void tell_condition(const struct telling *t)
{
    const struct span reason = t->answer->reason;

    buf_add_text(t->out, "it was skipped");
    if (span_is(reason, "not_called"))
        buf_add_text(t->out, ": the run's end did not call this handler");
    else if (reason.s)
        buf_printf(t->out, ", reason %.*s", (int)reason.len, reason.s);
    add_message(t);
}

static void tell_upstream(const struct telling *t)
{
    buf_add_text(t->out, "it was skipped, since a task before it did not succeed");
}

void why_add_sentence(const struct why_rows *rows, const struct why_answer *answer,
                      struct buf *out)
{
    static void (*const tell[N_WHY_CODES])(const struct telling *) = {
        [WHY_RUNNING] = tell_running,
        [WHY_SUCCEEDED] = tell_succeeded,
        [WHY_FAILED] = tell_failed,
        [WHY_CANCELLED] = tell_cancelled,
        [WHY_NEEDS] = tell_needs,
        [WHY_SLOT] = tell_slot,
        [WHY_LIMIT] = tell_limit,
        [WHY_RATE] = tell_rate,
        [WHY_CONCURRENCY] = tell_concurrency,
        [WHY_TIME] = tell_time,
        [WHY_APPROVAL] = tell_approval,
        [WHY_EVENT] = tell_event,
        [WHY_RETRY] = tell_retry,
        [WHY_PAUSED] = tell_paused,
        [WHY_NO_OWNER] = tell_no_owner,
        [WHY_CONDITION] = tell_condition,
        [WHY_UPSTREAM] = tell_upstream,
    };
    const struct telling t = {.rows = rows, .answer = answer, .out = out};

    tell[answer->code](&t);
}
