/* kind_wait_event.c - something has to happen outside. What the wait is for is worked
 * out once, when it begins, and stored with the task; a row under the name of the event
 * lets those find it who tell of one. Which signal is offered to which wait, and what
 * is kept until somebody waits for it, is the shell's: see EFFECT_AWAIT. */
#include "engine/dag_kind.h"

#include <stdlib.h>
#include <string.h>

/* What is kept in memory of a wait: of few units at a time. */
struct awaited {
    char *key; /* or NULL: any */
};

static const struct flow_await *await_of(const struct run *r, int64_t node)
{
    return flow_of(r)->tasks[NODE_TASK(node)].work->await;
}

static void free_awaited(struct awaited *a)
{
    mem_free(a->key);
    mem_free(a);
}

void dag_awaited_done(struct dag *d)
{
    void *value;

    for (size_t i = 0; map_next(&d->awaited, &i, &value);)
        free_awaited(value);
    map_done(&d->awaited);
}

/* --- begins --- */

/* A key of the file or of an expression as text; freed with free(). NULL with err. */
static char *key_text(json_t *value, struct ff_err *err)
{
    const json_type type = json_typeof(value);
    int failed = EXPR_OK;
    char *text = NULL;

    if (type != JSON_OBJECT && type != JSON_ARRAY && type != JSON_NULL)
        text = expr_to_text(value, &failed);
    if (failed == EXPR_E_NOMEM)
        mem_exhausted();
    if (text && text[0] && strlen(text) <= FLOW_EVENT_KEY_MAX)
        return text;
    free(text);
    ff_fail(err, FF_INVALID, 0, "key: gives no text of 1 to %d bytes",
            FLOW_EVENT_KEY_MAX);
    return NULL;
}

/* False: the task has failed. *key is NULL where the wait has none. */
static bool make_key(struct run *r, struct step *s, int64_t node, char **key)
{
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];
    struct ff_err err = {0};
    struct dag_scope sc;

    *key = NULL;
    if (!t->work->await->key)
        return true;
    dag_scope_init(&sc, r, t, NODE_ITEM(node), dag_unit(dag_of(r), node)->attempt,
                   s->now_us);
    json_t *value = dag_eval(&sc, t->work->await->key, &err);
    dag_scope_done(&sc);
    if (value)
        *key = key_text(value, &err);
    json_decref(value);
    if (!*key)
        dag_fail_expression(r, s, node, &err);
    return *key != NULL;
}

static void keep(struct run *r, int64_t node, const char *key)
{
    struct awaited *a = mem_alloc(sizeof(*a));

    a->key = key ? mem_text(key) : NULL;
    map_set(&dag_of(r)->awaited, node, a);
}

static struct event_wait_row row_of(const struct run *r, int64_t node, const char *key)
{
    return (struct event_wait_row){
        .tenant = r->row.tenant,
        .name = span_of(await_of(r, node)->name),
        .key = span_of(key ? key : ""),
        .run = r->row.run,
        .node = node,
        .attempt = dag_unit(dag_of(r), node)->attempt,
    };
}

/* The wait as the shell is told of it. */
static void announce(struct run *r, struct step *s, int64_t node)
{
    const struct awaited *a = map_get(&dag_of(r)->awaited, node);
    struct effect e = {.type = EFFECT_AWAIT,
                       .node = node,
                       .attempt = dag_unit(dag_of(r), node)->attempt,
                       .name = await_of(r, node)->name};

    if (a->key)
        e.key = arena_text(&s->batch.arena, a->key, strlen(a->key));
    step_effect(s, e);
}

static void suspend(struct run *r, struct step *s, int64_t node, const char *key)
{
    const struct flow_await *await = await_of(r, node);
    struct buf message = {0};
    json_t *awaits = json_pack("{ss}", "name", await->name);

    buf_add_text(&message, await->name);
    if (key) {
        buf_printf(&message, " (key %s)", key);
        json_object_set_new(awaits, "key", json_string(key));
    }
    MEM_AUTO char *text = json_text(awaits);
    const struct dag_wait wait = {
        .reason = "event",
        .message = buf_text(&message),
        .awaits = text,
        .due_at = await->timeout_us > 0 ? s->now_us + await->timeout_us : MODEL_NULL};
    dag_suspend(r, s, node, &wait);
    json_decref(awaits);
    buf_done(&message);
}

static void enter(struct run *r, struct step *s, int64_t node)
{
    char *key;

    if (!make_key(r, s, node, &key))
        return;
    const struct event_wait_row row = row_of(r, node, key);
    batch_put(&s->batch, &record_event_wait, &row, FF_ANY_VERSION);
    suspend(r, s, node, key);
    keep(r, node, key);
    announce(r, s, node);
    free(key);
}

static int load(struct run *r, const struct task_row *row, struct ff_err *err)
{
    json_t *awaits =
        row->awaits.s ? json_parse(row->awaits.s, row->awaits.len, err) : NULL;

    if (!awaits)
        return ff_fail(err, FF_CORRUPT, 0, "row of a task that waits for no event");
    keep(r, row->node, json_string_value(json_object_get(awaits, "key")));
    json_decref(awaits);
    return FF_OK;
}

/* --- ends --- */

static void left(struct run *r, struct step *s, int64_t node)
{
    struct awaited *a = map_del(&dag_of(r)->awaited, node);
    const struct event_wait_row row = row_of(r, node, a->key);

    batch_delete(&s->batch, &record_event_wait, &row, FF_ANY_VERSION);
    step_effect(s, (struct effect){.type = EFFECT_AWAIT, .node = node});
    free_awaited(a);
}

static void succeed(struct run *r, struct step *s, int64_t node, json_t *event)
{
    const struct dag_end end = {
        .state = TASK_SUCCEEDED,
        .outputs = json_pack("{sO}", "event", event ? event : json_null())};

    dag_finish(r, s, node, &end);
    json_decref(end.outputs);
}

static void due(struct run *r, struct step *s, int64_t node)
{
    const struct flow_await *await = await_of(r, node);
    struct buf message = {0};

    if (await->on_timeout == FLOW_NO_EVENT_SUCCEED) {
        succeed(r, s, node, NULL);
    } else if (await->on_timeout == FLOW_NO_EVENT_SKIP) {
        dag_end_unit(r, s, node, TASK_SKIPPED, "event_timeout", NULL);
    } else {
        buf_printf(&message, "no event %s has come within its timeout", await->name);
        dag_end_unit(r, s, node, TASK_FAILED, "timeout", buf_text(&message));
    }
    buf_done(&message);
}

/* What its `if` says of this event. */
static const char *judge(struct run *r, struct step *s, int64_t node, json_t *event)
{
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];
    struct ff_err err = {0};
    struct dag_scope sc;
    bool holds = true;

    if (!t->work->await->condition)
        return NULL;
    dag_scope_init(&sc, r, t, NODE_ITEM(node), dag_unit(dag_of(r), node)->attempt,
                   s->now_us);
    sc.more = json_pack("{sO}", "event", event ? event : json_null());
    const int code = dag_truth(&sc, t->work->await->condition, &holds, &err);
    json_decref(sc.more);
    dag_scope_done(&sc);
    if (code != FF_OK)
        return "expression";
    return holds ? NULL : DAG_NOT_WANTED;
}

static const char *text_of(const struct signal *signal, const char *key)
{
    return json_string_value(json_object_get(signal->body, key));
}

/* Looked at before, where it was told; but this is what everybody relies on. */
static bool is_meant(const struct run *r, int64_t node, const struct signal *signal)
{
    const struct awaited *a = map_get(&dag_of(r)->awaited, node);
    const char *name = text_of(signal, "name");
    const char *key = text_of(signal, "key");

    if (!name || strcmp(name, await_of(r, node)->name) != 0)
        return false;
    return !a->key || (key && strcmp(key, a->key) == 0);
}

static const char *on_signal(struct run *r, struct step *s, int64_t node,
                             const struct signal *signal)
{
    json_t *event = json_object_get(signal->body, "data");
    const char *why =
        is_meant(r, node, signal) ? judge(r, s, node, event) : DAG_NOT_WANTED;

    if (!why)
        succeed(r, s, node, event);
    return why;
}

const struct dag_kind dag_kind_wait_event = {.enter = enter,
                                             .due = due,
                                             .signal = on_signal,
                                             .load = load,
                                             .again = announce,
                                             .left = left};
