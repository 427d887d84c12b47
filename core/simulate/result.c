/* result.c - rows of a run as one JSON value: what it came to, its tasks, and its
 * events with times from the beginning. */
#include "simulate/simulate_priv.h"

#include <string.h>

struct reader {
    const struct simulate_setup *setup;
    json_t *tasks, *order, *timeline;
    struct ff_err err;
};

/* Seconds from the beginning, to the microsecond. */
static json_t *seconds(const struct reader *r, int64_t at_us)
{
    if (at_us == MODEL_NULL)
        return json_null();
    return json_real((double)(at_us - r->setup->start_us) / (double)UNITS_SECOND);
}

static void set_span(json_t *o, const char *name, struct span text)
{
    if (text.s)
        json_object_set_new(o, name, json_stringn(text.s, text.len));
}

static void set_json(json_t *o, const char *name, struct span text)
{
    struct ff_err ignored;
    json_t *value = text.s ? json_parse(text.s, text.len, &ignored) : NULL;

    if (value)
        json_object_set_new(o, name, value);
}

static int add_task(void *arg, const void *row)
{
    struct reader *r = arg;
    const struct task_row *t = row;
    json_t *one = json_pack("{s:s, s:I}", "state", task_state_names[t->state],
                            "attempts", (json_int_t)t->attempt);
    struct buf path = {0};

    buf_add(&path, t->task.s, t->task.len);
    if (t->item != MODEL_NULL)
        buf_printf(&path, ".%lld", (long long)t->item);
    set_span(one, "reason", t->reason);
    set_span(one, "message", t->message);
    if (t->exit_code != MODEL_NULL)
        json_object_set_new(one, "exit_code", json_integer((json_int_t)t->exit_code));
    set_json(one, "outputs", t->outputs);
    json_object_set_new(one, "started", seconds(r, t->started_at));
    json_object_set_new(one, "ended", seconds(r, t->finished_at));
    json_object_set_new(r->tasks, buf_text(&path), one);
    buf_done(&path);
    return 0;
}

/* A task begins with its first attempt, or, where it has none, with its end. */
static void note_order(struct reader *r, const json_t *event)
{
    const char *type = json_string_value(json_object_get(event, "type"));
    const char *task = json_string_value(json_object_get(event, "task"));
    const json_t *item = json_object_get(event, "item");
    const json_t *attempt = json_object_get(event, "attempt");
    struct buf path = {0};

    if (!type || !task || strcmp(type, "task.started") != 0 ||
        (attempt && json_integer_value(attempt) != 1))
        return;
    buf_add_text(&path, task);
    if (item)
        buf_printf(&path, ".%lld", (long long)json_integer_value(item));
    json_array_append_new(r->order, json_string(buf_text(&path)));
    buf_done(&path);
}

static int add_events(void *arg, const void *row)
{
    struct reader *r = arg;
    const struct event_row *e = row;
    json_t *list = json_parse(e->body.s, e->body.len, &r->err);
    json_t *event;
    size_t i;

    if (!list)
        return 1;
    json_array_foreach(list, i, event)
    {
        json_t *one = json_pack("{s:o}", "at", seconds(r, e->at));
        json_object_update(one, event);
        json_array_append_new(r->timeline, one);
        note_order(r, event);
    }
    json_decref(list);
    return 0;
}

static json_t *of_run(const struct reader *r, const struct run_row *run)
{
    json_t *result = json_pack("{s:s, s:b}", "state", run_state_names[run->state],
                               "over", run_state_final(run->state));

    set_span(result, "reason", run->reason);
    set_span(result, "message", run->message);
    set_json(result, "outputs", run->outputs);
    json_object_set_new(result, "duration", seconds(r, run->finished_at));
    return result;
}

static int scan(struct node *n, const struct ff_record *record, const void *like,
                store_row_fn *fn, struct reader *r, struct ff_err *err)
{
    const struct store_query query = {.record = record, .like = like, .n_equal = 2};

    return store_scan(node_store(n), STORE_READER_CALLER, &query, fn, r, err);
}

struct found {
    const struct reader *reader;
    json_t *result;
};

static int take_run(void *arg, const void *row)
{
    struct found *f = arg;

    f->result = of_run(f->reader, row);
    return 1;
}

static int find_run(struct node *n, const struct reader *r, int64_t run,
                    json_t **result, struct ff_err *err)
{
    const struct run_row like = {.tenant = TENANT_DEFAULT.no, .run = run};
    const struct store_query query = {
        .record = &record_run, .like = &like, .n_equal = 2};
    struct found f = {.reader = r};
    const int code =
        store_scan(node_store(n), STORE_READER_CALLER, &query, take_run, &f, err);

    *result = f.result;
    if (code == FF_OK && !f.result)
        return ff_fail(err, FF_CORRUPT, 0, "the run is not in the store");
    return code;
}

json_t *result_read(struct node *n, const struct simulate_setup *setup, int64_t run,
                    struct ff_err *err)
{
    const struct task_row task = {.tenant = TENANT_DEFAULT.no, .run = run};
    const struct event_row event = {.tenant = TENANT_DEFAULT.no, .run = run};
    struct reader r = {.setup = setup,
                       .tasks = json_object(),
                       .order = json_array(),
                       .timeline = json_array()};
    json_t *result = NULL;
    int code = find_run(n, &r, run, &result, err);

    if (code == FF_OK)
        code = scan(n, &record_task, &task, add_task, &r, err);
    if (code == FF_OK)
        code = scan(n, &record_event, &event, add_events, &r, err);
    if (code == FF_OK && r.err.code != FF_OK) {
        *err = r.err;
        code = r.err.code;
    }
    if (result) {
        json_object_set(result, "tasks", r.tasks);
        json_object_set(result, "order", r.order);
        json_object_set(result, "timeline", r.timeline);
    }
    json_decref(r.tasks);
    json_decref(r.order);
    json_decref(r.timeline);
    if (code == FF_OK)
        return result;
    json_decref(result);
    return NULL;
}
