/* view_line.c - one event of a run as one line for people. */
#include "cli/view/view.h"

#include <string.h>
#include <time.h>

struct line {
    const struct track *track;
    const struct track_event *event;
    struct buf *out;
};

static const char *text_of(const struct line *l, const char *key)
{
    return json_string_value(json_object_get(l->event->json, key));
}

static void add_took(const struct line *l)
{
    char took[UNITS_TEXT];

    if (l->event->took_us == MODEL_NULL)
        return;
    units_duration_text(l->event->took_us, took);
    buf_printf(l->out, " (%s)", took);
}

/* ": exit code 1" */
static void add_why(const struct line *l)
{
    const json_t *exit_code = json_object_get(l->event->json, "exit_code");
    struct buf why = {0};

    cli_add_why(&why, text_of(l, "reason"),
                exit_code ? json_integer_value(exit_code) : MODEL_NULL,
                text_of(l, "message"));
    if (why.len > 0)
        buf_printf(l->out, ": %s", buf_text(&why));
    buf_done(&why);
}

static void add_path(const struct line *l)
{
    char path[96];

    track_path(l->track, l->event->task, l->event->item, path);
    buf_add_text(l->out, path);
}

/* --- by type --- */

static int64_t iteration_of(const struct line *l)
{
    return json_integer_value(json_object_get(l->event->json, "iteration"));
}

static void task_started(const struct line *l)
{
    const int64_t iteration = iteration_of(l);

    add_path(l);
    buf_add_text(l->out, " started");
    if (iteration > 1)
        buf_printf(l->out, " (iteration %lld, attempt %lld)", (long long)iteration,
                   (long long)l->event->attempt);
    else if (l->event->attempt > 1)
        buf_printf(l->out, " (attempt %lld)", (long long)l->event->attempt);
}

static void task_suspended(const struct line *l)
{
    const json_t *due_at = json_object_get(l->event->json, "due_at");
    const char *message = text_of(l, "message");
    const char *reason = text_of(l, "reason");
    char until[UNITS_TEXT];

    add_path(l);
    buf_printf(l->out, " waits for %s", cli_wait_word(reason));
    if (message && cli_wait_names(reason)) {
        buf_add_char(l->out, ' ');
        cli_add_clean(l->out, message, strlen(message));
    }
    if (due_at) {
        cli_time_text(json_integer_value(due_at), until);
        buf_printf(l->out, ", until %s", until);
    }
    if (message && !cli_wait_names(reason)) {
        buf_add_text(l->out, ": ");
        cli_add_clean(l->out, message, strlen(message));
    }
}

static void task_finished(const struct line *l)
{
    const char *state = text_of(l, "state");

    add_path(l);
    buf_printf(l->out, " %s", state ? state : "ended");
    add_took(l);
    add_why(l);
}

/* What another run has done, in the one that was made from it. */
static void task_reused(const struct line *l)
{
    const char *state = text_of(l, "state");

    add_path(l);
    buf_printf(l->out, " is taken over: it has %s",
               !state                          ? "ended"
               : strcmp(state, "skipped") == 0 ? "been skipped"
                                               : state);
}

static void task_retrying(const struct line *l)
{
    const json_t *delay = json_object_get(l->event->json, "delay_us");
    char text[UNITS_TEXT];

    add_path(l);
    buf_add_text(l->out, " failed");
    add_took(l);
    add_why(l);
    units_duration_text(json_integer_value(delay), text);
    buf_printf(l->out, "; attempt %lld in %s", (long long)l->event->attempt + 1, text);
}

static void task_repeating(const struct line *l)
{
    const json_t *delay = json_object_get(l->event->json, "delay_us");
    char text[UNITS_TEXT];

    add_path(l);
    buf_add_text(l->out, " has ended an iteration");
    add_took(l);
    units_duration_text(json_integer_value(delay), text);
    buf_printf(l->out, "; iteration %lld in %s", (long long)iteration_of(l), text);
}

static void task_expanded(const struct line *l)
{
    const json_t *items = json_object_get(l->event->json, "items");

    add_path(l);
    buf_printf(l->out, " has %lld items", (long long)json_integer_value(items));
}

static void run_started(const struct line *l)
{
    buf_printf(l->out, "run %s of %s started", l->track->id, l->track->flow->name);
}

static void run_cancelling(const struct line *l)
{
    const char *mode = text_of(l, "mode");
    const char *reason = text_of(l, "reason");

    buf_add_text(l->out, mode && strcmp(mode, "kill") == 0 ? "run is being killed"
                                                           : "run is being cancelled");
    if (reason && strcmp(reason, "timeout") == 0)
        buf_add_text(l->out, ": its timeout is over");
}

static void run_finished(const struct line *l)
{
    const char *state = text_of(l, "state");

    buf_printf(l->out, "run %s", state ? state : "ended");
    add_took(l);
    add_why(l);
}

static void run_reset(const struct line *l)
{
    const json_t *what = json_object_get(l->event->json, "what");
    const char *word = json_string_value(json_object_get(what, "what"));
    const char *task = json_string_value(json_object_get(what, "task"));

    buf_printf(l->out, "run %s begins again", l->track->id);
    if (task)
        buf_printf(l->out, " from %s", task);
    else if (word && strcmp(word, "failed") == 0)
        buf_add_text(l->out, " where it failed");
}

static const char *refusal_text(const char *reason)
{
    static const char *const texts[][2] = {
        {"other_tenant", "it came from another tenant"},
        {"not_waiting", "the task waits for no such thing"},
        {"no_such_task", "there is no such task"},
        {"bad_inputs", "its inputs are not what the task takes"},
        {"too_many", "the run keeps too many signals already that no task takes"},
        {"expression", "its data does not fit the condition of the task"},
        {"cancelling", "the run is being cancelled, which ends every pause"},
        {"unknown", "this version does not know it"},
    };

    for (size_t i = 0; reason && i < COUNT_OF(texts); i++)
        if (strcmp(texts[i][0], reason) == 0)
            return texts[i][1];
    return reason ? reason : texts[0][1]; /* 0.1 had no other */
}

static void signal_received(const struct line *l)
{
    const char *name = text_of(l, "name");
    const char *key = text_of(l, "key");

    buf_add_text(l->out, "signal ");
    cli_add_clean(l->out, name, strlen(name));
    if (!key)
        return;
    buf_add_text(l->out, " (key ");
    cli_add_clean(l->out, key, strlen(key));
    buf_add_text(l->out, ")");
}

static void run_paused(const struct line *l)
{
    const char *task = text_of(l, "task");
    const bool ends = strcmp(l->event->type, "run.unpaused") == 0;

    buf_printf(l->out, "%s %s", task ? task : "run",
               ends ? "is paused no longer" : "is paused");
}

static void request_refused(const struct line *l)
{
    const char *request = text_of(l, "request");

    buf_printf(l->out, "a request to %s was refused: %s", request ? request : "?",
               refusal_text(text_of(l, "reason")));
}

static const struct {
    const char *type;
    void (*add)(const struct line *l);
} types[] = {
    {"task.started", task_started},       {"task.finished", task_finished},
    {"task.retrying", task_retrying},     {"task.expanded", task_expanded},
    {"task.repeating", task_repeating},   {"task.suspended", task_suspended},
    {"run.started", run_started},         {"run.cancelling", run_cancelling},
    {"run.finished", run_finished},       {"run.reset", run_reset},
    {"request.refused", request_refused}, {"run.paused", run_paused},
    {"signal.received", signal_received}, {"run.unpaused", run_paused},
    {"task.reused", task_reused},
};

void view_event_line(const struct track *t, const struct track_event *e, bool many,
                     struct buf *out)
{
    const time_t seconds = (time_t)(e->at_us / UNITS_SECOND);
    const struct line l = {t, e, out};
    char clock[16] = "";
    struct tm tm;

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (strcmp(types[i].type, e->type) != 0)
            continue;
        if (localtime_r(&seconds, &tm))
            strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
        buf_printf(out, "%s ", clock);
        if (many)
            buf_printf(out, "%.13s ", t->id);
        types[i].add(&l);
        return;
    }
}
