/* attempts.c - the attempts of a task, from the run's history: its row tells of the
 * last one only. */
#include "rest/rest_priv.h"

#include <string.h>

/* Where a page goes on. */
struct place {
    int64_t seq;             /* of the next step to look at */
    int64_t done;            /* attempts up to this one were told of */
    int64_t open, opened_at; /* one that has begun before that step; open 0: none */
};

struct listing {
    struct rest_page page;
    struct task_row row;
    char needle[80]; /* what the text of a step has that is about the task */
    struct place at;
    int64_t only; /* 0: all */
    bool found;   /* that one */
};

/* --- one attempt --- */

static void add_time(struct jsonw *w, const char *key, int64_t at_us)
{
    char text[UNITS_TEXT];

    units_time_text(at_us, text);
    jsonw_key(w, key);
    jsonw_text(w, text);
}

/* end: the event, or NULL while it goes on, and where nothing tells how it ended. */
static void add(struct listing *l, const char *state, int64_t ended_at,
                const json_t *end)
{
    static const char *const keys[] = {"exit_code", "reason", "message"};
    struct jsonw *w = &l->page.w;

    jsonw_open(w, '{');
    jsonw_key(w, "attempt");
    jsonw_int(w, l->at.open);
    jsonw_key(w, "state");
    jsonw_text(w, state);
    add_time(w, "started_at", l->at.opened_at);
    if (ended_at > 0)
        add_time(w, "finished_at", ended_at);
    for (size_t i = 0; end && i < COUNT_OF(keys); i++) {
        const json_t *value = json_object_get(end, keys[i]);

        if (!value)
            continue;
        jsonw_key(w, keys[i]);
        jsonw_value(w, value);
    }
    jsonw_close(w, '}');
}

/* The open one has come to this. False: the page ends before it. */
static bool tell(struct listing *l, const char *state, int64_t ended_at,
                 const json_t *end)
{
    const struct place behind = {.seq = l->at.seq, .done = l->at.open};
    const bool wanted = l->only == 0 || l->only == l->at.open;

    if (!rest_page_step(&l->page, wanted, &behind, sizeof(behind)))
        return false;
    if (wanted)
        add(l, state, ended_at, end);
    l->found = l->found || l->only == l->at.open;
    l->at = behind;
    return true;
}

/* --- the history --- */

static bool is_ours(const struct listing *l, const json_t *event)
{
    const char *task = json_string_value(json_object_get(event, "task"));
    const json_t *item = json_object_get(event, "item");

    return task && span_is(l->row.task, task) &&
           (item ? json_integer_value(item) : MODEL_NULL) == l->row.item;
}

/* What an attempt has come to by an event, or NULL: it goes on. */
static const char *state_after(const json_t *event)
{
    const char *type = json_string_value(json_object_get(event, "type"));

    if (strcmp(type, "task.retrying") == 0)
        return task_state_names[TASK_FAILED];
    if (strcmp(type, "task.repeating") == 0)
        return task_state_names[TASK_SUCCEEDED];
    if (strcmp(type, "task.finished") == 0)
        return json_string_value(json_object_get(event, "state"));
    return NULL;
}

/* False: the page ends. */
static bool take_event(struct listing *l, int64_t at_us, const json_t *event)
{
    const int64_t attempt = json_integer_value(json_object_get(event, "attempt"));
    const char *type = json_string_value(json_object_get(event, "type"));

    if (!type || attempt <= l->at.done || !is_ours(l, event))
        return true;

    const char *state = state_after(event);

    /* One that nothing was heard of any more. */
    if (l->at.open != 0 && attempt > l->at.open && !tell(l, "lost", 0, NULL))
        return false;
    if (l->at.open == 0) {
        l->at.open = attempt;
        l->at.opened_at = at_us;
    }
    return !state || tell(l, state, at_us, event);
}

static int take_step(void *arg, const void *row)
{
    const struct event_row *step = row;
    struct listing *l = arg;
    struct ff_err ignored;
    json_t *events = NULL;
    json_t *event;
    size_t i;
    bool more = true;

    l->at.seq = step->seq;
    if (memmem(step->body.s, step->body.len, l->needle, strlen(l->needle)))
        events = json_parse(step->body.s, step->body.len, &ignored);
    json_array_foreach(events, i, event)
    {
        more = more && take_event(l, step->at, event);
    }
    json_decref(events);
    if (!more || l->found || l->at.done >= l->row.attempt)
        return 1;
    l->at.seq = step->seq + 1;
    if (l->only == 0 && !rest_page_step(&l->page, false, &l->at, sizeof(l->at)))
        return 1;
    return 0;
}

static int read_history(struct listing *l, const struct run_row *run,
                        struct ff_err *err)
{
    struct rest_call *c = l->page.c;
    const struct event_row after = {
        .tenant = run->tenant, .run = run->run, .seq = l->at.seq - 1};
    const struct store_query q = {
        .record = &record_event, .like = &after, .n_equal = 2, .after = &after};
    const int code = store_scan(c->store, c->reader, &q, take_step, l, err);

    /* It goes on: its row says how. */
    if (code == FF_OK && !l->page.more && !l->found && l->at.open != 0)
        tell(l, task_state_names[l->row.state], 0, NULL);
    return code;
}

/* --- the routes --- */

static int begin(struct rest_call *c, struct listing *l, struct run_row *run,
                 struct ff_err *err)
{
    if (rest_find_run_task(c, run, &l->row, err) != FF_OK)
        return err->code;
    snprintf(l->needle, sizeof(l->needle), "\"task\":\"%.*s\"", (int)l->row.task.len,
             l->row.task.s);
    return FF_OK;
}

int rest_attempts_list(struct rest_call *c, struct ff_err *err)
{
    struct listing l = {.row.attempt = 0};
    struct run_row run = {0};

    if (begin(c, &l, &run, err) != FF_OK)
        return err->code;

    int code = rest_page_begin(c, &l.page, err);

    if (code == FF_OK && l.page.after.len == sizeof(l.at))
        memcpy(&l.at, l.page.after.data, sizeof(l.at));
    if (code == FF_OK && l.row.attempt > 0)
        code = read_history(&l, &run, err);
    return rest_page_end(&l.page, code);
}

int rest_attempt_get(struct rest_call *c, struct ff_err *err)
{
    const char *word = rest_path(c, "attempt");
    struct listing l = {.only = strtoll(word, NULL, 10)};
    struct run_row run = {0};
    int code = begin(c, &l, &run, err);

    l.page = (struct rest_page){.c = c, .limit = INT64_MAX, .w.out = &c->out};
    if (code == FF_OK && l.only > 0 && l.only <= l.row.attempt &&
        strspn(word, "0123456789") == strlen(word) && strlen(word) < 10)
        code = read_history(&l, &run, err);
    buf_done(&l.page.last);
    if (code == FF_OK && !l.found)
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no attempt %.20s of this task",
                       word);
    return code;
}
