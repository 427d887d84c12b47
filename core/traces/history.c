/* history.c - a run's history, step by step: what begins in it is kept until its end
 * comes, and is a span then. */
#include "traces/traces_priv.h"

#include <string.h>

/* Longer than any name of a task with an item, and than an id with one. */
#define PATH_TEXT       128
#define ATTEMPT_ID_TEXT 256

struct trace {
    struct trace_of of;
    char id[TRACE_ID_TEXT];
    char run_span[TRACE_SPAN_TEXT], parent_span[TRACE_SPAN_TEXT];
    char caller[TRACE_PARENT_TEXT]; /* who started it, or "" */
    int64_t since_us;               /* what was before is of an earlier time */
    bool again;                     /* there was one */
    struct map begun;               /* path -> struct begun */
    size_t n_taken;                 /* events of the step that was not taken whole */
    struct trace_room *room;
};

/* An attempt that goes on; a task with items is attempt 0. */
struct begun {
    int64_t at, attempt;
};

/* An event that is about a task. */
struct about {
    const json_t *event;
    const char *task;
    int64_t item, attempt; /* -1; 0: it has none */
    char path[PATH_TEXT];
};

static const char *text_of(const json_t *event, const char *key)
{
    return json_string_value(json_object_get(event, key));
}

/* The run of one time; opened again it is another span. */
static void name_run(struct trace *t)
{
    const struct run_row *run = t->of.run;
    char text[ATTEMPT_ID_TEXT];

    snprintf(text, sizeof(text), "%.*s@%lld", (int)run->id.len, run->id.s,
             (long long)t->since_us);
    trace_span_of(text, t->run_span);
}

/* When its last time began; 0: all of its history is told, as it never began, or ended
 * by a clock that is behind the one by which it began. */
static int64_t since(const struct run_row *run)
{
    if (run->started_at == MODEL_NULL ||
        (run->finished_at != MODEL_NULL && run->finished_at < run->started_at))
        return 0;
    return run->started_at;
}

struct trace *trace_new(const struct trace_of *of)
{
    struct trace *t = mem_alloc(sizeof(*t));

    t->of = *of;
    t->since_us = since(of->run);
    trace_id(of->outermost, t->id);
    name_run(t);
    if (of->parent)
        trace_span_of(of->parent, t->parent_span);
    return t;
}

static void forget_begun(struct trace *t)
{
    void *begun;

    for (size_t i = 0; map_next(&t->begun, &i, &begun);)
        mem_free(begun);
    map_done(&t->begun);
    t->begun = (struct map){0};
}

void trace_free(struct trace *t)
{
    if (!t)
        return;
    forget_begun(t);
    mem_free(t);
}

/* --- spans --- */

static void add_plain(const struct trace *t)
{
    const struct run_row *run = t->of.run;

    trace_add_text(t->room->spans, "flowforge.run.id", run->id.s, run->id.len);
    trace_add_text(t->room->spans, "flowforge.workflow", run->workflow.s,
                   run->workflow.len);
    trace_add_text(t->room->spans, "flowforge.tenant", t->of.tenant,
                   strlen(t->of.tenant));
    trace_add_text(t->room->spans, "flowforge.project", t->of.project,
                   strlen(t->of.project));
}

static void add_words(struct jsonw *w, const char *state, const char *reason)
{
    if (state)
        trace_add_text(w, "flowforge.state", state, strlen(state));
    if (reason)
        trace_add_text(w, "flowforge.reason", reason, strlen(reason));
}

static void attempt_id(const struct trace *t, const char *path, int64_t attempt,
                       char out[ATTEMPT_ID_TEXT])
{
    snprintf(out, ATTEMPT_ID_TEXT, "%.*s/%s/%lld", (int)t->of.run->id.len,
             t->of.run->id.s, path, (long long)attempt);
}

/* An item is inside its task, all others are inside the run. */
static void parent_of(const struct trace *t, const struct about *a,
                      char out[TRACE_SPAN_TEXT])
{
    char around[ATTEMPT_ID_TEXT];

    if (a->item < 0 || !map_get_text(&t->begun, a->task)) {
        memcpy(out, t->run_span, TRACE_SPAN_TEXT);
        return;
    }
    attempt_id(t, a->task, 0, around);
    trace_span_of(around, out);
}

/* How an attempt came to its end. */
struct ended {
    int64_t at;
    const char *state; /* a word */
    bool failed;
};

static void add_attempt(struct trace *t, const struct about *a,
                        const struct begun *begun, const struct ended *end)
{
    const json_t *exit_code = json_object_get(a->event, "exit_code");
    const char *reason = text_of(a->event, "reason");
    const char *message = text_of(a->event, "message");
    char id[ATTEMPT_ID_TEXT], span[TRACE_SPAN_TEXT], parent[TRACE_SPAN_TEXT];

    attempt_id(t, a->path, begun->attempt, id);
    trace_span_of(id, span);
    parent_of(t, a, parent);

    const struct trace_span s = {.trace = t->id,
                                 .id = span,
                                 .parent = parent,
                                 .name = a->task,
                                 .name_len = strlen(a->task),
                                 .begun_at = begun->at,
                                 .ended_at = end->at};

    trace_span_open(t->room->spans, &s);
    add_plain(t);
    trace_add_text(t->room->spans, "flowforge.task", a->task, strlen(a->task));
    if (a->item >= 0)
        trace_add_int(t->room->spans, "flowforge.item", a->item);
    if (begun->attempt > 0) {
        trace_add_int(t->room->spans, "flowforge.attempt", begun->attempt);
        trace_add_text(t->room->spans, "flowforge.attempt.id", id, strlen(id));
    }
    if (json_is_integer(exit_code))
        trace_add_int(t->room->spans, "flowforge.exit_code",
                      json_integer_value(exit_code));
    add_words(t->room->spans, end->state, reason);
    trace_span_close(
        t->room->spans,
        &(struct trace_outcome){.failed = end->failed,
                                .message = span_of(message ? message : reason)});
    t->room->n++;
}

static void add_run(struct trace *t, int64_t at_us, const json_t *event)
{
    const struct run_row *run = t->of.run;
    /* A group of tasks is called by its own name, as a file may have several. */
    const struct span name = run->entry.s ? run->entry : run->workflow;
    const char *state = text_of(event, "state");
    const char *reason = text_of(event, "reason");
    const struct trace_span s = {.trace = t->id,
                                 .id = t->run_span,
                                 .parent = t->of.parent ? t->parent_span : NULL,
                                 .name = name.s,
                                 .name_len = name.len,
                                 .begun_at = t->again ? t->since_us : run->created_at,
                                 .ended_at = at_us};

    trace_span_open(t->room->spans, &s);
    add_plain(t);
    if (run->schedule.s)
        trace_add_text(t->room->spans, "flowforge.schedule", run->schedule.s,
                       run->schedule.len);
    add_words(t->room->spans, state, reason);
    trace_span_close(t->room->spans,
                     &(struct trace_outcome){.failed = run->state == RUN_FAILED,
                                             .message = run->message,
                                             .caller = t->caller});
    t->room->n++;
}

/* --- the history --- */

static bool read_about(const json_t *event, struct about *a)
{
    const json_t *item = json_object_get(event, "item");

    *a = (struct about){.event = event,
                        .task = text_of(event, "task"),
                        .item = item ? json_integer_value(item) : -1,
                        .attempt =
                            json_integer_value(json_object_get(event, "attempt"))};
    if (!a->task)
        return false;
    if (a->item >= 0)
        snprintf(a->path, sizeof(a->path), "%s.%lld", a->task, (long long)a->item);
    else
        snprintf(a->path, sizeof(a->path), "%s", a->task);
    return true;
}

/* Nothing was heard of its end. */
static void add_lost(struct trace *t, const struct about *a, const struct begun *begun,
                     int64_t at_us)
{
    struct about about = *a;
    const struct ended end = {at_us, "lost", true};

    about.event = NULL;
    add_attempt(t, &about, begun, &end);
}

static void begin(struct trace *t, int64_t at_us, const struct about *a)
{
    struct begun *begun = map_get_text(&t->begun, a->path);

    if (begun && begun->attempt == a->attempt)
        return; /* it waited, and goes on */
    if (begun) {
        add_lost(t, a, begun, at_us);
    } else {
        begun = mem_alloc(sizeof(*begun));
        map_set_text(&t->begun, a->path, begun);
    }
    *begun = (struct begun){at_us, a->attempt};
}

/* What came to its end at once has no beginning; and what never began is no span. */
static void end(struct trace *t, const struct about *a, const struct ended *how)
{
    struct begun *begun = map_get_text(&t->begun, a->path);
    const struct begun at_once = {how->at, a->attempt};

    if (!begun && a->attempt == 0)
        return;
    add_attempt(t, a, begun ? begun : &at_once, how);
    if (begun)
        map_del_text(&t->begun, a->path);
    mem_free(begun);
}

static bool has_room(const struct trace *t)
{
    return t->room->n < t->room->max;
}

/* All items, which are inside their tasks, or all others. False: the room is full. */
static bool end_kind(struct trace *t, int64_t at_us, bool items)
{
    void *value;

    for (size_t i = 0; map_next(&t->begun, &i, &value);) {
        char path[PATH_TEXT];
        struct about about = {.task = path, .item = -1};

        snprintf(path, sizeof(path), "%s", map_key_text(&t->begun, i));
        snprintf(about.path, sizeof(about.path), "%s", path);
        char *dot = strchr(path, '.');
        if ((dot != NULL) != items)
            continue;
        if (!has_room(t))
            return false;
        if (dot) {
            *dot = '\0';
            about.item = strtoll(dot + 1, NULL, 10);
        }
        add_lost(t, &about, value, at_us);
        mem_free(map_del_text(&t->begun, about.path));
    }
    return true;
}

/* Of a run that could not be seen through, attempts may be left. */
static bool end_all(struct trace *t, int64_t at_us)
{
    return end_kind(t, at_us, true) && end_kind(t, at_us, false);
}

static void take_task(struct trace *t, int64_t at_us, const char *type,
                      const json_t *event)
{
    struct about a;

    if (!read_about(event, &a))
        return;
    if (strcmp(type, "task.expanded") == 0 || strcmp(type, "task.started") == 0 ||
        strcmp(type, "task.suspended") == 0) {
        begin(t, at_us, &a);
    } else if (strcmp(type, "task.retrying") == 0) {
        end(t, &a, &(struct ended){at_us, "failed", true});
    } else if (strcmp(type, "task.repeating") == 0) {
        end(t, &a, &(struct ended){at_us, "succeeded", false});
    } else if (strcmp(type, "task.finished") == 0) {
        const char *state = text_of(event, "state");

        end(t, &a,
            &(struct ended){at_us, state, state && strcmp(state, "failed") == 0});
    }
}

static void take_caller(struct trace *t, const json_t *event)
{
    const char *caller = text_of(event, "traceparent");

    if (caller && trace_is_parent(caller, strlen(caller)))
        snprintf(t->caller, sizeof(t->caller), "%s", caller);
}

/* False: there was no room for all of it. */
static bool take_event(struct trace *t, int64_t at_us, const json_t *event)
{
    const char *type = text_of(event, "type");
    const bool before = at_us < t->since_us;

    if (!type)
        return true;
    if (strcmp(type, "run.created") == 0) {
        take_caller(t, event);
    } else if (strcmp(type, "run.finished") == 0 && before) {
        t->again = true;
    } else if (strcmp(type, "run.finished") == 0) {
        if (!end_all(t, at_us))
            return false;
        add_run(t, at_us, event);
    } else if (!before) {
        take_task(t, at_us, type, event);
    }
    return true;
}

bool trace_take(struct trace *t, const struct event_row *step, struct trace_room *room)
{
    struct ff_err ignored;
    json_t *events = json_parse(step->body.s, step->body.len, &ignored);
    const size_t n = json_array_size(events);

    t->room = room;
    while (t->n_taken < n && has_room(t) &&
           take_event(t, step->at, json_array_get(events, t->n_taken)))
        t->n_taken++;
    json_decref(events);
    if (t->n_taken < n)
        return false;
    t->n_taken = 0;
    return true;
}
