/* event.c - what is told from outside: an event, for whoever waits for one of its name,
 * and a signal, for one run. One commit takes an event: with it there are the row for
 * schedules and a message for each run that was waiting, or nothing. */
#include "node/schedule_priv.h"

#include <string.h>

/* Rows of one commit together, since each run gets the data. */
#define TOLD_BYTES_MAX ((size_t)16 * 1024 * 1024)

/* {"name", "key", "data"}; key and data where there are any. */
static json_t *body_of(const struct node_event *e)
{
    json_t *body = json_pack("{ss}", "name", e->name);

    if (e->key)
        json_object_set_new(body, "key", json_string(e->key));
    if (e->data)
        json_object_set(body, "data", (json_t *)(uintptr_t)e->data);
    return body;
}

/* --- an event: runs --- */

struct waiting {
    struct map by_run; /* run -> json_t list of [node, attempt] */
    int64_t n;
};

static int add_waiting(void *arg, const void *row)
{
    const struct event_wait_row *r = row;
    struct waiting *w = arg;
    json_t *to = map_get(&w->by_run, r->run);

    if (!to) {
        to = json_array();
        map_set(&w->by_run, r->run, to);
    }
    json_array_append_new(
        to, json_pack("[II]", (json_int_t)r->node, (json_int_t)r->attempt));
    w->n++;
    return 0;
}

static void waiting_done(struct waiting *w)
{
    void *to;

    for (size_t i = 0; map_next(&w->by_run, &i, &to);)
        json_decref(to);
    map_done(&w->by_run);
}

/* Those that wait for any key, and those that wait for this one. */
static int find_waiting(const struct node_plan *p, struct tenant t,
                        const struct node_event *e, struct waiting *w,
                        struct ff_err *err)
{
    const char *const keys[] = {"", e->key};
    int code = FF_OK;

    for (size_t i = 0; code == FF_OK && i < COUNT_OF(keys) && keys[i]; i++) {
        const struct event_wait_row like = {
            .tenant = t.no, .name = span_of(e->name), .key = span_of(keys[i])};
        code =
            store_scan(p->node->store, p->reader,
                       &(struct store_query){
                           .record = &record_event_wait, .like = &like, .n_equal = 3},
                       add_waiting, w, err);
    }
    return code;
}

static int put_messages(const struct node_plan *p, struct tenant t,
                        const struct node_event *e, const struct waiting *w,
                        struct ff_err *err)
{
    void *to;
    int64_t no;

    if (w->by_run.n == 0)
        return FF_OK;
    const int code = store_number(p->node->store, &p->node->inbox_numbers,
                                  (int64_t)w->by_run.n, &no, err);
    if (code != FF_OK)
        return code;
    json_t *body = body_of(e);
    for (size_t i = 0; map_next(&w->by_run, &i, &to);) {
        json_object_set(body, "to", to);
        MEM_AUTO char *text = json_text(body);
        const struct inbox_row row = {
            .shard = NODE_SHARD,
            .no = no,
            .tenant = t.no,
            .run = map_key_int(&w->by_run, i),
            .kind = span_of("event"),
            .body = span_of(text),
            .at = loop_wall_us(p->node->loop),
        };
        batch_put(p->batch, &record_inbox, &row, FF_ABSENT);
        no++;
    }
    json_decref(body);
    if (p->batch->bytes > TOLD_BYTES_MAX)
        return ff_fail(err, FF_INVALID, 0,
                       "%zu runs wait for %s: with this data that is more than %zu MiB "
                       "at once; send less data, such as where it can be fetched",
                       w->by_run.n, e->name, TOLD_BYTES_MAX >> 20);
    return FF_OK;
}

/* --- an event: schedules --- */

struct counting {
    const struct node_plan *plan;
    const char *name;
    int64_t n;
};

static void count_one(void *arg, const struct schedule_row *row)
{
    struct counting *c = arg;
    struct ff_err ignored;
    struct schedule *s = schedule_new(row, zones_find, c->plan->zones, &ignored);

    c->n += s && schedule_wants(s, FLOW_TRIGGER_EVENT, span_of(c->name), 0);
    schedule_free(s);
}

static void put_occurrence(const struct node_plan *p, struct tenant t,
                           enum flow_trigger_kind kind, const char *name,
                           const json_t *data)
{
    struct loop *l = p->node->loop;
    MEM_AUTO char *body = data ? json_text(data) : NULL;
    const uint64_t random = loop_random(l);
    char id[ID_TEXT];

    id_make(loop_wall_us(l), random, loop_random(l), id);
    const struct occurrence_row row = {
        .tenant = t.no,
        .id = span_of(id),
        .kind = span_of(flow_trigger_names[kind]),
        .name = span_of(name),
        .run = MODEL_NULL,
        .body = span_of(body),
        .at = loop_wall_us(l),
        .project = MODEL_NULL,
    };
    batch_put(p->batch, &record_occurrence, &row, FF_ABSENT);
}

int node_plan_event(const struct node_plan *p, struct tenant t,
                    const struct node_event *e, struct node_event_told *told,
                    struct ff_err *err)
{
    struct counting counting = {.plan = p, .name = e->name};
    struct waiting waiting = {0};
    int code = p->doubted ? node_fail_doubt(err)
                          : node_schedules(p->node, p->reader, t, NULL, count_one,
                                           &counting, err);

    if (code == FF_OK)
        code = find_waiting(p, t, e, &waiting, err);
    if (code == FF_OK)
        code = put_messages(p, t, e, &waiting, err);
    if (code == FF_OK && counting.n > 0)
        put_occurrence(p, t, FLOW_TRIGGER_EVENT, e->name, e->data);
    *told = (struct node_event_told){
        .schedules = counting.n, .runs = (int64_t)waiting.by_run.n, .tasks = waiting.n};
    waiting_done(&waiting);
    FAILPOINT("node.event.before");
    return code;
}

/* --- a webhook --- */

struct calling {
    const struct node_plan *plan;
    node_webhook_fn *fn;
    void *arg;
};

/* Others are passed over without a look at what they say: there may be many. */
static void call_one(void *arg, const struct schedule_row *row)
{
    const struct calling *c = arg;
    struct ff_err err;

    if (!span_is(row->kind, flow_trigger_names[FLOW_TRIGGER_WEBHOOK]))
        return;
    struct schedule *s = schedule_new(row, zones_find, c->plan->zones, &err);
    if (!s)
        log_error("schedule %.*s: %s", (int)row->name.len, row->name.s, err.msg);
    else
        c->fn(c->arg, s);
    schedule_free(s);
}

int node_webhooks(const struct node_plan *p, struct tenant t, node_webhook_fn *fn,
                  void *arg, struct ff_err *err)
{
    struct calling c = {.plan = p, .fn = fn, .arg = arg};

    return node_schedules(p->node, p->reader, t, NULL, call_one, &c, err);
}

void node_plan_call(const struct node_plan *p, struct tenant t, const char *schedule,
                    const json_t *data)
{
    put_occurrence(p, t, FLOW_TRIGGER_WEBHOOK, schedule, data);
}

/* --- a signal --- */

struct pending {
    int64_t run, n;
};

static int count_kept(void *arg, const void *row)
{
    (void)row;
    ((struct pending *)arg)->n++;
    return 0;
}

static int count_message(void *arg, const void *row)
{
    const struct inbox_row *r = row;
    struct pending *p = arg;

    p->n += r->run == p->run && span_is(r->kind, SIGNAL_KEPT);
    return 0;
}

/* The owner counts again, and refuses in the run's history; but here somebody hears it.
 */
static int check_room(const struct node_plan *plan, struct tenant t, int64_t root,
                      struct ff_err *err)
{
    const struct signal_row kept = {.tenant = t.no, .run = root};
    const struct inbox_row inbox = {.shard = NODE_SHARD};
    struct store *s = plan->node->store;
    struct pending p = {.run = root};
    int code = store_scan(
        s, plan->reader,
        &(struct store_query){.record = &record_signal, .like = &kept, .n_equal = 2},
        count_kept, &p, err);

    if (code == FF_OK)
        code = store_scan(s, plan->reader,
                          &(struct store_query){
                              .record = &record_inbox, .like = &inbox, .n_equal = 1},
                          count_message, &p, err);
    if (code != FF_OK || p.n < CONTROL_SIGNALS_MAX)
        return code;
    return ff_fail(err, FF_INVALID, 0,
                   "the run keeps %d signals already that no task has taken; is the "
                   "name right? `flowforge get` shows what it waits for",
                   CONTROL_SIGNALS_MAX);
}

int node_plan_signal(const struct node_plan *p, struct tenant t,
                     const struct run_row *run, const struct node_event *signal,
                     struct ff_err *err)
{
    struct run_row root = {.tenant = t.no,
                           .run = run_is_child(run) ? run->root : run->run};
    int code = check_room(p, t, root.run, err);

    if (code != FF_OK)
        return code;
    json_t *body = body_of(signal);
    code = node_plan_message(p, t, &root, SIGNAL_KEPT, body, err);
    json_decref(body);
    return code;
}

/* --- at once --- */

struct telling {
    struct tenant tenant;
    const struct run_row *run;
    const struct node_event *event;
    struct node_event_told *told;
};

static int plan_event(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct telling *x = arg;

    return node_plan_event(p, x->tenant, x->event, x->told, err);
}

int node_event(struct node *n, struct tenant t, const struct node_event *e,
               struct node_event_told *told, struct ff_err *err)
{
    struct telling x = {.tenant = t, .event = e, .told = told};

    return node_change_now(n, plan_event, &x, err);
}

static int plan_signal(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct telling *x = arg;

    return node_plan_signal(p, x->tenant, x->run, x->event, err);
}

int node_signal(struct node *n, struct tenant t, const struct run_row *run,
                const struct node_event *signal, struct ff_err *err)
{
    struct telling x = {.tenant = t, .run = run, .event = signal};

    return node_change_now(n, plan_signal, &x, err);
}
