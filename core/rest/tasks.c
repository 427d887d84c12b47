/* tasks.c - the tasks of a run and what happened in it. A task that waits has no row:
 * see waiting.c. */
#include "rest/rest_priv.h"

#include <string.h>

struct listing {
    struct rest_page page;
    struct rest_call *c;
    const struct run_row *run;
    struct rest_waiting waiting;
    const char *state, *task;
    int64_t below; /* tasks of the file that were told of, by index */
};

/* --- the list --- */

static bool is_wanted(const struct listing *l, const struct task_row *row)
{
    return (!l->state || strcmp(task_state_names[row->state], l->state) == 0) &&
           (!l->task || span_is(row->task, l->task));
}

static bool tell(struct listing *l, int64_t node, const struct task_row *row)
{
    const bool wanted = is_wanted(l, row);

    if (!rest_page_step(&l->page, wanted, &node, sizeof(node)))
        return false;
    if (!wanted)
        return true;
    jsonw_open(&l->page.w, '{');
    rest_add_row(&l->page.w, &shape_task, row);
    jsonw_close(&l->page.w, '}');
    return true;
}

struct rows {
    struct arena *arena;
    struct task_row *items;
    size_t n, cap;
};

static int keep_row(void *arg, const void *row)
{
    struct rows *rows = arg;
    struct task_row copy = *(const struct task_row *)row;

    /* Large, and not told of in a list. */
    copy.outputs = (struct span){0};
    store_own_row(&record_task, &copy, rows->arena);
    ARRAY_ADD(rows, copy);
    return 0;
}

/* Tasks of the file from `below` up to `end` that have no row. False: the page ends. A
 * page that ends before anything waits asks nothing of the file. */
static bool tell_waiting(struct listing *l, int64_t end, struct ff_err *err)
{
    struct task_row row;
    bool there;

    for (; l->below < end; l->below++) {
        if (waiting_read(&l->waiting, l->below, &row, &there, err) != FF_OK)
            return false;
        if (!there)
            return true;
        if (!tell(l, NODE_OF(l->below, -1), &row))
            return false;
    }
    return true;
}

static bool tell_row(struct listing *l, const struct task_row *row, struct ff_err *err)
{
    const int64_t index = NODE_TASK(row->node);

    if (!tell_waiting(l, index, err) || !tell(l, row->node, row))
        return false;
    l->below = index + 1;
    return true;
}

/* A batch of rows at a time, as what is told between them is read by the same reader.
 */
static int tell_all(struct listing *l, struct ff_err *err)
{
    struct task_row after = {.tenant = l->run->tenant, .run = l->run->run, .node = -1};
    struct store_query q = {.record = &record_task,
                            .like = &after,
                            .n_equal = 2,
                            .limit = (uint32_t)(l->page.limit + 1)};
    struct rows rows = {.arena = &l->c->arena};
    bool more = true;

    if (l->page.after.len == sizeof(after.node)) {
        memcpy(&after.node, l->page.after.data, sizeof(after.node));
        l->below = NODE_TASK(after.node) + 1;
    }
    while (more) {
        rows.n = 0;
        q.after = &after;
        if (store_scan(l->c->store, l->c->reader, &q, keep_row, &rows, err) != FF_OK)
            break;
        for (size_t i = 0; more && i < rows.n; i++)
            more = tell_row(l, &rows.items[i], err);
        if (rows.n < q.limit)
            break;
        after.node = rows.items[rows.n - 1].node;
    }
    if (more && err->code == FF_OK)
        tell_waiting(l, FLOW_MAX_TASKS, err);
    ARRAY_DONE(&rows);
    return err->code;
}

int rest_tasks_list(struct rest_call *c, struct ff_err *err)
{
    struct listing l = {
        .c = c, .state = rest_ask(c, "state"), .task = rest_ask(c, "task")};
    struct run_row run;

    if (rest_find_run(c, &run, err) != FF_OK)
        return err->code;

    l.run = &run;
    l.waiting = waiting_of(c, &run, NULL);

    int code = rest_page_begin(c, &l.page, err);

    if (code == FF_OK)
        code = tell_all(&l, err);
    waiting_done(&l.waiting);
    return rest_page_end(&l.page, code);
}

/* --- one --- */

/* "fetch" or "fetch.3". False: the file has no such task. */
static bool node_of(const struct flow *flow, const char *path, int64_t *node)
{
    const size_t len = strcspn(path, ".");
    MEM_AUTO char *name = mem_text_len(path, len);
    const int64_t index = flow_task_index(flow, name);
    int64_t item = -1;

    if (index < 0)
        return false;
    if (path[len]) {
        const size_t digits = strspn(path + len + 1, "0123456789");
        if (digits == 0 || digits > 9 || path[len + 1 + digits])
            return false;
        item = strtoll(path + len + 1, NULL, 10);
    }
    *node = NODE_OF(index, item);
    return true;
}

static int fail_missing(const char *path, struct ff_err *err)
{
    return ff_fail(err, FF_NOT_FOUND, 0, "there is no task %.100s in this run", path);
}

int rest_find_task(struct rest_call *c, const struct run_row *run, struct flow *flow,
                   struct task_row *row, struct ff_err *err)
{
    const char *path = rest_path(c, "task");
    struct rest_waiting waiting = waiting_of(c, run, flow);
    struct waiting_need one;
    bool there;
    int64_t node;

    if (!node_of(flow, path, &node))
        return fail_missing(path, err);
    if (waiting_read_row(c, run, node, &one, err) != FF_OK)
        return err->code;
    if (one.found) {
        *row = one.row;
        return FF_OK;
    }
    if (NODE_ITEM(node) >= 0)
        return fail_missing(path, err);
    if (waiting_read(&waiting, NODE_TASK(node), row, &there, err) != FF_OK)
        return err->code;
    if (!there)
        return fail_missing(path, err);
    row->node = node;
    return FF_OK;
}

int rest_task_get(struct rest_call *c, struct ff_err *err)
{
    struct jsonw w = {.out = &c->out};
    struct run_row run;
    struct task_row row = {0};

    if (rest_find_run(c, &run, err) != FF_OK)
        return err->code;

    struct flow *flow = rest_flow_of(c, &run, err);

    if (!flow)
        return err->code;

    const int code = rest_find_task(c, &run, flow, &row, err);

    if (code == FF_OK) {
        if (row.version != FF_ABSENT) /* else it changes as those that it needs do */
            rest_set_version(c, row.version);
        jsonw_open(&w, '{');
        rest_add_row(&w, &shape_task_full, &row);
        jsonw_close(&w, '}');
    }
    flows_put(c->rest, flow);
    return code;
}

/* --- what happened --- */

struct telling {
    struct rest_page page;
    const char *data_dir;
    char id[ID_TEXT];
};

/* Inputs and outputs that stand beside the events. */
static void add_events(struct telling *t, const struct event_row *row)
{
    struct jsonw *w = &t->page.w;
    struct ff_err ignored;
    json_t *list = NULL;
    json_t *one;
    size_t i;

    jsonw_key(w, "events");
    if (memmem(row->body.s, row->body.len, "\"$values\"", 9))
        list = json_parse(row->body.s, row->body.len, &ignored);
    json_array_foreach(list, i, one) exec_open_event(t->data_dir, t->id, one);
    if (list)
        jsonw_value(w, list);
    else
        jsonw_raw(w, row->body.s, row->body.len);
    json_decref(list);
}

static int tell_event(void *arg, const void *row)
{
    const struct event_row *event = row;
    struct telling *t = arg;

    if (!rest_page_step(&t->page, true, &event->seq, sizeof(event->seq)))
        return 1;
    jsonw_open(&t->page.w, '{');
    rest_add_row(&t->page.w, &shape_event, event);
    add_events(t, event);
    jsonw_close(&t->page.w, '}');
    return 0;
}

int rest_run_events(struct rest_call *c, struct ff_err *err)
{
    struct telling t = {.data_dir = node_settings(c->rest->setup.node)->files_dir};
    struct run_row run;

    if (rest_find_run(c, &run, err) != FF_OK)
        return err->code;
    snprintf(t.id, sizeof(t.id), "%.*s", (int)run.id.len, run.id.s);

    struct event_row after = {.tenant = run.tenant, .run = run.run};
    struct store_query q = {.record = &record_event, .like = &after, .n_equal = 2};
    int code = rest_page_begin(c, &t.page, err);

    if (code == FF_OK && t.page.after.len == sizeof(after.seq)) {
        memcpy(&after.seq, t.page.after.data, sizeof(after.seq));
        q.after = &after;
    }
    if (code == FF_OK)
        code = store_scan(c->store, c->reader, &q, tell_event, &t, err);
    return rest_page_end(&t.page, code);
}
