/* check_history.c - the events of a run, played again from nothing, must come to the
 * rows that the run left (I7), by edges that exist. */
#include "sim.h"

#include <string.h>

struct replayed {
    int64_t state, attempt, exit_code;
    char reason[32];
    bool expanded;
    bool was_reset; /* whether it has its list still is not told */
};

struct replay {
    const struct mirror_run *run;
    struct map tasks; /* node -> struct replayed */
    int64_t state;
    char reason[32];
};

/* --- one event --- */

static const char *text_of(const json_t *e, const char *key)
{
    const char *text = json_string_value(json_object_get(e, key));

    return text ? text : "";
}

static int64_t int_of(const json_t *e, const char *key)
{
    const json_t *v = json_object_get(e, key);

    return v ? json_integer_value(v) : MODEL_NULL;
}

static int64_t state_named(const char *const *names, const char *name)
{
    for (int64_t i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static struct replayed *task_of(struct replay *p, const json_t *e)
{
    const char *name = text_of(e, "task");
    const int64_t item = int_of(e, "item");
    const int64_t task = flow_task_index(p->run->flow, name);
    const int64_t node = NODE_OF(task, item == MODEL_NULL ? -1 : item);
    struct replayed *t = map_get(&p->tasks, node);

    sim_check(task >= 0, "I7: an event of a task %s", name);
    if (t)
        return t;
    t = mem_alloc(sizeof(*t));
    t->exit_code = MODEL_NULL;
    map_set(&p->tasks, node, t);
    return t;
}

/* What was there before the run began. */
static void take_reused(struct replay *p, const struct mirror_task *t)
{
    struct replayed *played = mem_alloc(sizeof(*played));

    played->state = t->reused_state;
    played->exit_code = t->reused_code;
    played->was_reset = true;
    snprintf(played->reason, sizeof(played->reason), "%s", t->reused_reason);
    map_set(&p->tasks, t->row.node, played);
}

/* What the engine carries out itself and is not waited for has one event. */
static bool begins_and_ends(const struct replay *p, const json_t *e,
                            const struct replayed *t)
{
    const int64_t task = flow_task_index(p->run->flow, text_of(e, "task"));

    return (t->state == TASK_WAITING || t->state == TASK_RETRYING) &&
           !is_attempt(&p->run->flow->tasks[task]) &&
           int_of(e, "attempt") == t->attempt + 1;
}

static void play_reset(struct replay *p, const json_t *e)
{
    struct replayed *t = task_of(p, e);
    const char *was = text_of(e, "was");
    /* In no event is that it waited for a slot, and that it went on with its list. */
    const bool untold = (strcmp(was, "queued") == 0 && !task_state_final(t->state)) ||
                        (strcmp(was, "running") == 0 && t->was_reset && !t->attempt);

    sim_check(untold || strcmp(task_state_names[t->state], text_of(e, "was")) == 0,
              "I7: run %lld: task %s begins again, it was %s and not %s",
              (long long)p->run->no, text_of(e, "task"), task_state_names[t->state],
              text_of(e, "was"));
    *t = (struct replayed){
        .attempt = t->attempt, .exit_code = MODEL_NULL, .was_reset = true};
}

static void play_task(struct replay *p, const json_t *e, const char *type)
{
    struct replayed *t = task_of(p, e);
    const int64_t attempt = int_of(e, "attempt");

    if (strcmp(type, "task.reset") == 0) {
        play_reset(p, e);
        return;
    }
    if (strcmp(type, "task.reused") == 0) {
        sim_check(strcmp(task_state_names[t->state], text_of(e, "state")) == 0,
                  "I7: run %lld: task %s was taken over as %s", (long long)p->run->no,
                  text_of(e, "task"), text_of(e, "state"));
        return;
    }

    sim_check(!task_state_final(t->state),
              "I7: run %lld: %s of task %s, which was over", (long long)p->run->no,
              type, text_of(e, "task"));
    snprintf(t->reason, sizeof(t->reason), "%s", text_of(e, "reason"));
    t->exit_code = int_of(e, "exit_code");
    const bool suspends = strcmp(type, "task.suspended") == 0;
    if (suspends || strcmp(type, "task.started") == 0) {
        sim_check(attempt == t->attempt + 1, "I7: attempt %lld after %lld",
                  (long long)attempt, (long long)t->attempt);
        t->state = suspends ? TASK_SUSPENDED : TASK_RUNNING;
        t->attempt = attempt;
    } else if (strcmp(type, "task.expanded") == 0) {
        t->state = TASK_RUNNING;
        t->expanded = true;
    } else if (strcmp(type, "task.retrying") == 0 ||
               strcmp(type, "task.repeating") == 0) {
        sim_check(t->state == TASK_RUNNING && attempt == t->attempt,
                  "I7: a retry of what did not run");
        t->state = TASK_RETRYING;
    } else {
        if (begins_and_ends(p, e, t))
            t->attempt++;
        sim_check(attempt == MODEL_NULL ? t->attempt == 0 : attempt == t->attempt,
                  "I7: the end of attempt %lld, it was at %lld", (long long)attempt,
                  (long long)t->attempt);
        t->state = state_named(task_state_names, text_of(e, "state"));
    }
}

static void play_run(struct replay *p, const json_t *e, const char *type)
{
    if (strcmp(type, "run.started") == 0 || strcmp(type, "run.reset") == 0)
        p->state = RUN_RUNNING;
    else if (strcmp(type, "run.cancelling") == 0)
        p->state = RUN_CANCELLING;
    else if (strcmp(type, "run.finished") == 0)
        p->state = state_named(run_state_names, text_of(e, "state"));
    snprintf(p->reason, sizeof(p->reason), "%s", text_of(e, "reason"));
}

static void play(struct replay *p, const char *body)
{
    struct ff_err err;
    size_t i;
    json_t *e;
    json_t *list = json_parse(body, strlen(body), &err);

    sim_check(json_is_array(list), "I7: a history that is no list: %s", body);
    json_array_foreach(list, i, e)
    {
        const char *type = text_of(e, "type");
        sim_check(!run_state_final(p->state) || strcmp(type, "run.reset") == 0,
                  "I7: run %lld: %s after its end", (long long)p->run->no, type);
        if (strncmp(type, "task.", 5) == 0)
            play_task(p, e, type);
        else
            play_run(p, e, type);
    }
    json_decref(list);
}

/* --- the comparison --- */

/* Of one that waits to begin there may be a row for its total_timeout alone: an item,
 * where its list begins again and is cancelled before it has items. */
static bool is_silent(const struct replay *p, const struct mirror_task *t)
{
    const struct flow_task *ft = &p->run->flow->tasks[NODE_TASK(t->row.node)];

    return ft->policy->total_timeout_us > 0 && t->row.state == TASK_WAITING &&
           t->row.attempt == 0 && !map_get(&p->tasks, t->row.node);
}

static void compare(const struct replay *p, const struct mirror_task *t)
{
    const struct replayed *played = map_get(&p->tasks, t->row.node);
    const char *name = p->run->flow->tasks[NODE_TASK(t->row.node)].name;

    sim_check(played, "I7: task %s has a row and no history", name);
    sim_check(
        played->state == t->row.state && played->attempt == t->row.attempt &&
            strcmp(played->reason, t->reason) == 0 &&
            played->exit_code == t->row.exit_code &&
            (played->was_reset || played->expanded == (t->row.items != MODEL_NULL)),
        "I7: run %lld task %s item %lld: row %s %s attempt %lld code %lld, "
        "history %s %s attempt %lld code %lld",
        (long long)p->run->no, name, (long long)NODE_ITEM(t->row.node),
        task_state_names[t->row.state], t->reason, (long long)t->row.attempt,
        (long long)t->row.exit_code, task_state_names[played->state], played->reason,
        (long long)played->attempt, (long long)played->exit_code);
}

void check_history(struct mirror_run *r)
{
    struct replay p = {.run = r, .state = RUN_PENDING};
    size_t n_silent = 0;
    void *value;

    for (size_t i = 0; map_next(&r->tasks, &i, &value);)
        if (((struct mirror_task *)value)->reused)
            take_reused(&p, value);
    for (size_t i = 0; i < r->events.n; i++)
        play(&p, r->events.items[i]);
    for (size_t i = 0; map_next(&r->tasks, &i, &value);)
        if (is_silent(&p, value))
            n_silent++;
        else
            compare(&p, value);
    sim_check(p.tasks.n + n_silent == r->tasks.n,
              "I7: run %lld: %zu tasks in its history, %zu rows", (long long)r->no,
              p.tasks.n, r->tasks.n - n_silent);
    sim_check(p.state == r->row.state && strcmp(p.reason, r->reason) == 0,
              "I7: run %lld: row %s %s, history %s %s", (long long)r->no,
              run_state_names[r->row.state], r->reason, run_state_names[p.state],
              p.reason);
    for (size_t i = 0; map_next(&p.tasks, &i, &value);)
        mem_free(value);
    map_done(&p.tasks);
}
