/* result.c - rows of a run as one JSON value: what it came to, its tasks, and its
 * events with times from the beginning; with the runs that are groups of it, whose
 * tasks are "city.0/fetch". */
#include "simulate/simulate_priv.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32

struct reader {
    const struct simulate_setup *setup;
    const struct mocks *mocks;
    json_t *tasks, *timeline, *waits_for;
    const char *prefix; /* of the run that is being read */
    const char *data_dir;
    char id[ID_TEXT]; /* of the run that is being read */
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

static void set_outputs(json_t *o, json_t *outputs)
{
    if (outputs)
        json_object_set_new(o, "outputs", outputs);
}

static int add_task(void *arg, const void *row)
{
    struct reader *r = arg;
    const struct task_row *t = row;
    json_t *one = json_pack("{s:s, s:I}", "state", task_state_names[t->state],
                            "attempts", (json_int_t)t->attempt);
    struct buf path = {0};

    buf_add_text(&path, r->prefix);
    buf_add(&path, t->task.s, t->task.len);
    if (t->item != MODEL_NULL)
        buf_printf(&path, ".%lld", (long long)t->item);
    set_span(one, "reason", t->reason);
    set_span(one, "message", t->message);
    if (t->exit_code != MODEL_NULL)
        json_object_set_new(one, "exit_code", json_integer((json_int_t)t->exit_code));
    if (t->iteration != MODEL_NULL)
        json_object_set_new(one, "iterations", json_integer((json_int_t)t->iteration));
    if (t->outputs.s)
        set_outputs(one, exec_resolve(r->data_dir, r->id, t->outputs, &r->err));
    json_object_set_new(one, "started", seconds(r, t->started_at));
    json_object_set_new(one, "ended", seconds(r, t->finished_at));
    json_object_set_new(r->tasks, buf_text(&path), one);
    json_t *missing = answers_missing(r->mocks, t, buf_text(&path));
    if (missing)
        json_array_append_new(r->waits_for, missing);
    buf_done(&path);
    return 0;
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
        const char *task = json_string_value(json_object_get(event, "task"));
        exec_open_event(r->data_dir, r->id, event);
        json_object_update(one, event);
        if (task)
            json_object_set_new(one, "task", json_sprintf("%s%s", r->prefix, task));
        else if (r->prefix[0]) /* of the group itself: its task has events too */
            json_object_set_new(one, "group",
                                json_stringn(r->prefix, strlen(r->prefix) - 1));
        json_array_append_new(r->timeline, one);
    }
    json_decref(list);
    return 0;
}

/* --- which run is part of which --- */

struct link {
    int64_t node, run;
};

struct links {
    struct link *items;
    size_t n, cap;
};

static int add_link(void *arg, const void *row)
{
    const struct child_run_row *child = row;
    const struct link link = {.node = child->node, .run = child->run};

    ARRAY_ADD((struct links *)arg, link);
    return 0;
}

static int add_path(void *arg, const void *row)
{
    const struct task_row *t = row;

    buf_add((struct buf *)arg, t->task.s, t->task.len);
    if (t->item != MODEL_NULL)
        buf_printf((struct buf *)arg, ".%lld", (long long)t->item);
    return 1;
}

/* "city.0/" of that task of the run. */
static int add_task_path(struct node *n, int64_t run, int64_t node, struct buf *out,
                         struct ff_err *err)
{
    const struct task_row like = {
        .tenant = TENANT_DEFAULT.no, .run = run, .node = node};
    const struct store_query query = {
        .record = &record_task, .like = &like, .n_equal = 3, .limit = 1};
    const int code =
        store_scan(node_store(n), STORE_READER_CALLER, &query, add_path, out, err);

    buf_add_char(out, '/');
    return code;
}

struct parent {
    int64_t run, node; /* MODEL_NULL: it is the outermost */
};

static int take_parent(void *arg, const void *row)
{
    const struct run_row *run = row;

    *(struct parent *)arg =
        (struct parent){.run = run->parent_run, .node = run->parent_node};
    return 1;
}

static void add_prefix(struct node *n, struct parent p, int depth, struct buf *out)
{
    const struct run_row like = {.tenant = TENANT_DEFAULT.no, .run = p.run};
    const struct store_query query = {
        .record = &record_run, .like = &like, .n_equal = 2, .limit = 1};
    struct parent above = {.run = MODEL_NULL};
    struct ff_err err;

    if (p.run == MODEL_NULL || depth > DEPTH_MAX)
        return;
    if (store_scan(node_store(n), STORE_READER_CALLER, &query, take_parent, &above,
                   &err) == FF_OK)
        add_prefix(n, above, depth + 1, out);
    add_task_path(n, p.run, p.node, out, &err);
}

void result_prefix(struct node *n, const char *run_id, struct buf *out)
{
    struct parent parent = {.run = MODEL_NULL};
    struct arena arena = {0};
    struct run_row run;
    struct ff_err err;

    if (store_run_by_id(node_store(n), STORE_READER_CALLER, TENANT_DEFAULT, run_id,
                        &arena, &run, &err) == FF_OK)
        take_parent(&parent, &run);
    arena_done(&arena);
    add_prefix(n, parent, 0, out);
}

/* --- the run itself --- */

static json_t *of_run(struct reader *r, const struct run_row *run)
{
    json_t *result = json_pack("{s:s, s:b}", "state", run_state_names[run->state],
                               "over", run_state_final(run->state));

    set_span(result, "reason", run->reason);
    set_span(result, "message", run->message);
    snprintf(r->id, sizeof(r->id), "%.*s", (int)run->id.len, run->id.s);
    if (run->outputs.s)
        set_outputs(result,
                    exec_resolve_run(r->data_dir, r->id, run->outputs, &r->err));
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
    struct reader *reader;
    json_t *result;
};

static int take_run(void *arg, const void *row)
{
    struct found *f = arg;

    f->result = of_run(f->reader, row);
    return 1;
}

static int find_run(struct node *n, struct reader *r, int64_t run, json_t **result,
                    struct ff_err *err)
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

static int read_run(struct node *n, struct reader *r, int64_t run, const char *prefix,
                    int depth, struct ff_err *err);

static int read_children(struct node *n, struct reader *r, int64_t run,
                         const char *prefix, int depth, struct ff_err *err)
{
    const struct child_run_row like = {.tenant = TENANT_DEFAULT.no, .parent = run};
    struct links links = {0};
    const struct store_query query = {
        .record = &record_child_run, .like = &like, .n_equal = 2};
    int code =
        store_scan(node_store(n), STORE_READER_CALLER, &query, add_link, &links, err);

    for (size_t i = 0; code == FF_OK && i < links.n && depth < DEPTH_MAX; i++) {
        struct buf path = {0};
        buf_add_text(&path, prefix);
        code = add_task_path(n, run, links.items[i].node, &path, err);
        if (code == FF_OK)
            code = read_run(n, r, links.items[i].run, buf_text(&path), depth + 1, err);
        buf_done(&path);
    }
    ARRAY_DONE(&links);
    return code;
}

static int read_run(struct node *n, struct reader *r, int64_t run, const char *prefix,
                    int depth, struct ff_err *err)
{
    const struct task_row task = {.tenant = TENANT_DEFAULT.no, .run = run};
    const struct event_row event = {.tenant = TENANT_DEFAULT.no, .run = run};

    json_t *ignored = NULL;
    int code = find_run(n, r, run, &ignored, err); /* r->id */
    json_decref(ignored);
    r->prefix = prefix;
    if (code == FF_OK)
        code = scan(n, &record_task, &task, add_task, r, err);
    if (code == FF_OK)
        code = scan(n, &record_event, &event, add_events, r, err);
    if (code == FF_OK && r->err.code != FF_OK) {
        *err = r->err;
        return err->code;
    }
    return code == FF_OK ? read_children(n, r, run, prefix, depth, err) : code;
}

/* --- all in the order of time --- */

struct moment {
    json_t *event;
    size_t place;
};

static int compare(const void *a, const void *b)
{
    const struct moment *x = a;
    const struct moment *y = b;
    const double at_x = json_number_value(json_object_get(x->event, "at"));
    const double at_y = json_number_value(json_object_get(y->event, "at"));

    if (at_x < at_y || at_x > at_y)
        return at_x < at_y ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

/* New reference. */
static json_t *in_order(const json_t *timeline)
{
    const size_t n = json_array_size(timeline);
    struct moment *moments = mem_array(n + 1, sizeof(*moments));
    json_t *sorted = json_array();

    for (size_t i = 0; i < n; i++)
        moments[i] = (struct moment){.event = json_array_get(timeline, i), .place = i};
    qsort(moments, n, sizeof(*moments), compare);
    for (size_t i = 0; i < n; i++)
        json_array_append(sorted, moments[i].event);
    mem_free(moments);
    return sorted;
}

/* A task begins with its first attempt. New reference. */
static json_t *beginnings(const json_t *timeline)
{
    json_t *order = json_array();
    const json_t *event;
    size_t i;

    json_array_foreach(timeline, i, event)
    {
        const char *type = json_string_value(json_object_get(event, "type"));
        const char *task = json_string_value(json_object_get(event, "task"));
        const json_t *item = json_object_get(event, "item");
        const json_t *attempt = json_object_get(event, "attempt");
        if (!type || !task || strcmp(type, "task.started") != 0 ||
            (attempt && json_integer_value(attempt) != 1))
            continue;
        json_array_append_new(
            order, item ? json_sprintf("%s.%d", task, (int)json_integer_value(item))
                        : json_string(task));
    }
    return order;
}

json_t *result_read(struct node *n, const struct simulate_setup *setup,
                    const struct mocks *m, int64_t run, struct ff_err *err)
{
    struct reader r = {.setup = setup,
                       .data_dir = node_settings(n)->files_dir,
                       .mocks = m,
                       .tasks = json_object(),
                       .timeline = json_array(),
                       .waits_for = json_array()};
    json_t *result = NULL;
    int code = find_run(n, &r, run, &result, err);

    if (code == FF_OK)
        code = read_run(n, &r, run, "", 0, err);
    if (code == FF_OK) {
        json_t *timeline = in_order(r.timeline);
        json_object_set(result, "tasks", r.tasks);
        json_object_set_new(result, "order", beginnings(timeline));
        json_object_set_new(result, "timeline", timeline);
        if (json_array_size(r.waits_for) > 0)
            json_object_set(result, "waits_for", r.waits_for);
    }
    json_decref(r.tasks);
    json_decref(r.timeline);
    json_decref(r.waits_for);
    if (code == FF_OK)
        return result;
    json_decref(result);
    return NULL;
}
