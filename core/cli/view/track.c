/* track.c - see track.h. */
#include "cli/view/track.h"

#include <stdlib.h>
#include <string.h>

struct track *track_new(const struct run_row *run, struct flow *flow)
{
    struct track *t = mem_alloc(sizeof(*t));

    *t = (struct track){.run = run->run, .flow = flow};
    snprintf(t->id, sizeof(t->id), "%.*s", (int)run->id.len, run->id.s);
    t->state = RUN_PENDING; /* until its events say more */
    t->created_at = run->created_at;
    t->started_at = t->finished_at = MODEL_NULL;
    t->tasks = mem_array(flow->n_tasks, sizeof(*t->tasks));
    for (uint32_t i = 0; i < flow->n_tasks; i++)
        t->tasks[i] = (struct track_task){.started_at = MODEL_NULL,
                                          .finished_at = MODEL_NULL,
                                          .exit_code = MODEL_NULL,
                                          .items = MODEL_NULL};
    return t;
}

static void free_active(struct track_active *a)
{
    if (!a)
        return;
    track_free(a->inside);
    mem_free(a->message);
    mem_free(a->reason);
    mem_free(a);
}

static void free_task(struct track_task *t)
{
    void *a;

    for (size_t i = 0; map_next(&t->active, &i, &a);)
        free_active(a);
    map_done(&t->active);
    track_free(t->inside);
    mem_free(t->waits);
    mem_free(t->reason);
    mem_free(t->message);
}

void track_free(struct track *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; i < t->flow->n_tasks; i++)
        free_task(&t->tasks[i]);
    mem_free(t->tasks);
    mem_free(t->reason);
    mem_free(t->message);
    flow_unref(t->flow);
    mem_free(t);
}

/* --- reading an event --- */

static int64_t number(const json_t *event, const char *key, int64_t fallback)
{
    const json_t *value = json_object_get(event, key);

    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

static const char *text(const json_t *event, const char *key)
{
    return json_string_value(json_object_get(event, key));
}

static void keep_text(char **place, const char *value)
{
    mem_free(*place);
    *place = mem_text(value);
}

static int64_t state_of(const char *const *names, const char *word)
{
    for (int64_t i = 0; word && names[i]; i++)
        if (strcmp(names[i], word) == 0)
            return i;
    return -1;
}

/* --- tasks and items --- */

/* Never 0 and never negative: keys of the map. */
static int64_t key_of(int64_t item)
{
    return item + 2;
}

struct track_active *track_active(const struct track_task *t, int64_t item)
{
    return map_get(&t->active, key_of(item));
}

size_t track_first_items(const struct track_task *t,
                         struct track_active *items[TRACK_ITEMS])
{
    size_t n = 0;
    void *value;

    for (size_t i = 0; map_next(&t->active, &i, &value);) {
        struct track_active *a = value;
        if (a->item < 0)
            continue;
        size_t at = n;
        for (; at > 0 && items[at - 1]->order > a->order; at--)
            if (at < TRACK_ITEMS)
                items[at] = items[at - 1];
        if (at < TRACK_ITEMS)
            items[at] = a;
        n += n < TRACK_ITEMS;
    }
    return n;
}

bool track_is_run(const struct track *t, uint32_t task)
{
    const enum flow_kind kind = t->flow->tasks[task].work->kind;

    return kind == FLOW_GROUP || kind == FLOW_USES;
}

/* What the attempts before were is of no interest any more. */
static void forget_inside(struct track_task *task, struct track_active *a)
{
    track_free(task->inside);
    task->inside = NULL;
    task->looked_inside = false;
    if (!a)
        return;
    track_free(a->inside);
    a->inside = NULL;
}

static struct track_active *make_active(struct track *t, struct track_task *task,
                                        int64_t item)
{
    struct track_active *a = track_active(task, item);

    if (a)
        return a;
    a = mem_alloc(sizeof(*a));
    *a = (struct track_active){.item = item, .progress = -1, .order = ++t->n_starts};
    map_set(&task->active, key_of(item), a);
    return a;
}

static void on_started(struct track *t, struct track_event *e)
{
    struct track_task *task = &t->tasks[e->task];
    struct track_active *a = make_active(t, task, e->item);

    forget_inside(task, a);
    a->state = TASK_RUNNING;
    a->attempt = e->attempt;
    a->iteration = number(e->json, "iteration", 0);
    a->started_at = e->at_us;
    a->progress = -1;
    keep_text(&a->message, NULL);
    if (e->item >= 0)
        return;
    task->state = TASK_RUNNING;
    task->attempt = e->attempt;
    task->started_at = e->at_us;
}

static void on_suspended(struct track *t, struct track_event *e)
{
    struct track_active *a;

    on_started(t, e);
    a = track_active(&t->tasks[e->task], e->item);
    a->state = TASK_SUSPENDED;
    a->due_at = number(e->json, "due_at", MODEL_NULL);
    keep_text(&a->reason, text(e->json, "reason"));
    keep_text(&a->message, text(e->json, "message"));
    if (e->item < 0)
        t->tasks[e->task].state = TASK_SUSPENDED;
}

static void on_retrying(struct track *t, struct track_event *e)
{
    struct track_task *task = &t->tasks[e->task];
    struct track_active *a = make_active(t, task, e->item);

    if (a->started_at)
        e->took_us = e->at_us - a->started_at;
    a->state = TASK_RETRYING;
    a->iteration = 0;
    a->due_at = e->at_us + number(e->json, "delay_us", 0);
    if (e->item >= 0)
        return;
    task->state = TASK_RETRYING;
    task->exit_code = number(e->json, "exit_code", MODEL_NULL);
    keep_text(&task->reason, text(e->json, "reason"));
    keep_text(&task->message, text(e->json, "message"));
}

/* The iteration that comes; only whole tasks repeat. */
static void on_repeating(struct track *t, struct track_event *e)
{
    on_retrying(t, e);
    track_active(&t->tasks[e->task], e->item)->iteration =
        number(e->json, "iteration", 0);
    keep_text(&t->tasks[e->task].reason, NULL); /* nothing went wrong */
}

static void on_expanded(struct track *t, struct track_event *e)
{
    struct track_task *task = &t->tasks[e->task];

    task->state = TASK_RUNNING;
    task->items = number(e->json, "items", 0);
    task->started_at = e->at_us;
}

static void on_finished(struct track *t, struct track_event *e)
{
    struct track_task *task = &t->tasks[e->task];
    const int64_t state = state_of(task_state_names, text(e->json, "state"));
    struct track_active *a = map_del(&task->active, key_of(e->item));
    const int64_t began = a             ? a->started_at
                          : e->item < 0 ? task->started_at
                                        : MODEL_NULL;

    if (began != MODEL_NULL && began > 0)
        e->took_us = e->at_us - began;
    if (a && e->item < 0) {
        track_free(task->inside);
        task->inside = a->inside;
        a->inside = NULL;
    }
    free_active(a);
    if (state < 0)
        return;
    if (e->item >= 0) {
        task->counts[state]++;
        return;
    }
    task->state = state;
    task->finished_at = e->at_us;
    task->attempt = e->attempt > 0 ? e->attempt : task->attempt;
    task->exit_code = number(e->json, "exit_code", MODEL_NULL);
    keep_text(&task->reason, text(e->json, "reason"));
    keep_text(&task->message, text(e->json, "message"));
    t->final_tasks += t->flow->tasks[e->task].part == FLOW_MAIN;
}

/* Of an item only its former state is forgotten; its task goes on with the others. */
static void on_task_reset(struct track *t, struct track_event *e)
{
    struct track_task *task = &t->tasks[e->task];
    const int64_t was = state_of(task_state_names, text(e->json, "was"));

    if (e->item >= 0) {
        if (was >= 0 && task->counts[was] > 0)
            task->counts[was]--;
        return;
    }
    forget_inside(task, NULL);
    if (task_state_final(task->state))
        t->final_tasks -= t->flow->tasks[e->task].part == FLOW_MAIN;
    task->state = TASK_WAITING;
    task->started_at = task->finished_at = task->exit_code = MODEL_NULL;
    keep_text(&task->reason, NULL);
    keep_text(&task->message, NULL);
}

/* --- the run --- */

static void on_run_started(struct track *t, struct track_event *e)
{
    t->state = RUN_RUNNING;
    t->started_at = e->at_us;
}

static void on_run_cancelling(struct track *t, struct track_event *e)
{
    (void)e;
    t->state = RUN_CANCELLING;
}

static void on_run_finished(struct track *t, struct track_event *e)
{
    const int64_t state = state_of(run_state_names, text(e->json, "state"));

    t->state = state < 0 ? RUN_FAILED : state;
    t->finished_at = e->at_us;
    keep_text(&t->reason, text(e->json, "reason"));
    if (t->started_at != MODEL_NULL)
        e->took_us = e->at_us - t->started_at;
}

static void on_run_reset(struct track *t, struct track_event *e)
{
    t->state = RUN_RUNNING;
    t->started_at = e->at_us;
    t->finished_at = MODEL_NULL;
    keep_text(&t->reason, NULL);
    keep_text(&t->message, NULL);
}

static void on_nothing(struct track *t, struct track_event *e)
{
    (void)t;
    (void)e;
}

static const struct {
    const char *type;
    void (*apply)(struct track *t, struct track_event *e);
    bool of_task;
} types[] = {
    {"task.started", on_started, true},
    {"task.suspended", on_suspended, true},
    {"task.finished", on_finished, true},
    {"task.reused", on_finished, true},
    {"task.retrying", on_retrying, true},
    {"task.repeating", on_repeating, true},
    {"task.expanded", on_expanded, true},
    {"task.reset", on_task_reset, true},
    {"run.created", on_nothing, false},
    {"run.started", on_run_started, false},
    {"run.cancelling", on_run_cancelling, false},
    {"run.finished", on_run_finished, false},
    {"run.reset", on_run_reset, false},
    {"request.refused", on_nothing, false},
    {"signal.received", on_nothing, false},
    {"run.paused", on_nothing, false},
    {"run.unpaused", on_nothing, false},
};

bool track_apply(struct track *t, int64_t at_us, const json_t *event,
                 struct track_event *out)
{
    const char *type = text(event, "type");
    const char *task = text(event, "task");

    *out = (struct track_event){.at_us = at_us,
                                .type = type,
                                .task = task ? flow_task_index(t->flow, task) : -1,
                                .item = number(event, "item", -1),
                                .attempt = number(event, "attempt", 0),
                                .took_us = MODEL_NULL,
                                .json = event};
    for (size_t i = 0; type && i < COUNT_OF(types); i++) {
        if (strcmp(types[i].type, type) != 0)
            continue;
        if (types[i].of_task && out->task < 0)
            return false;
        if (types[i].of_task)
            t->tasks[out->task].seen = true;
        types[i].apply(t, out);
        return true;
    }
    return false;
}

bool track_progress(struct track *t, const char *path, int progress,
                    const char *message)
{
    const char *dot = strchr(path, '.');
    MEM_AUTO char *name = mem_text_len(path, dot ? (size_t)(dot - path) : strlen(path));
    const int64_t task = flow_task_index(t->flow, name);
    const int64_t item = dot ? strtoll(dot + 1, NULL, 10) : -1;

    if (task < 0 || item < -1)
        return false;
    struct track_active *a = track_active(&t->tasks[task], item);
    if (!a)
        return false;
    a->progress = progress;
    keep_text(&a->message, message);
    return true;
}

void track_take_row(struct track *t, const struct run_row *run)
{
    MEM_AUTO char *message =
        run->message.s ? mem_text_len(run->message.s, run->message.len) : NULL;
    MEM_AUTO char *reason =
        run->reason.s ? mem_text_len(run->reason.s, run->reason.len) : NULL;

    keep_text(&t->message, message);
    keep_text(&t->reason, reason);
}

void track_path(const struct track *t, int64_t task, int64_t item, char out[96])
{
    const char *name = t->flow->tasks[task].name;

    if (item < 0)
        snprintf(out, 96, "%s", name);
    else
        snprintf(out, 96, "%s.%lld", name, (long long)item);
}

bool track_shows(const struct track *t, uint32_t task)
{
    return t->tasks[task].seen ||
           (t->flow->tasks[task].part == FLOW_MAIN && !run_state_final(t->state));
}

int64_t track_task_state(const struct track *t, uint32_t task)
{
    const struct flow_task *ft = &t->flow->tasks[task];

    if (t->tasks[task].seen)
        return t->tasks[task].state;
    for (uint32_t i = 0; i < ft->n_needs; i++)
        if (!task_state_final(t->tasks[ft->needs[i]].state))
            return TASK_WAITING;
    return t->state == RUN_PENDING ? TASK_WAITING : TASK_QUEUED;
}
