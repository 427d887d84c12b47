/* answers.c - what people and programs outside tell a rehearsed run, when its mocks say
 * so: decisions and events for single tasks from when they wait, signals and events for
 * all at their times. They go the way that the commands go, through the inbox. */
#include "simulate/simulate_priv.h"

#include <string.h>

struct answer {
    struct answers *answers;
    void (*tell)(const struct answer *a);
    struct loop_timer *timer;
    int64_t run;
    const char *word;
    json_t *body; /* owned */
};

struct answers {
    struct node *node;
    struct loop *loop;
    const struct mocks *mocks;
    struct map heard;    /* run -> seq of its last event that was looked at */
    struct map answered; /* "run/node/attempt" -> anything */
    struct {
        struct answer **items;
        size_t n, cap;
    } given;
};

/* --- telling --- */

/* A run that is over is told nothing, as people would find: that is no mistake. */
static void note(const struct answer *a, int code, const struct ff_err *err)
{
    if (code != FF_OK && code != FF_CONFLICT)
        log_warn("the %s of the mocks: %s", a->word, err->msg);
    node_wake(a->answers->node);
}

static void tell_task(const struct answer *a)
{
    const struct run_row run = {.tenant = TENANT_DEFAULT.no, .run = a->run};
    struct ff_err err;

    note(a,
         node_leave_signal(a->answers->node, TENANT_DEFAULT, &run, a->word, a->body,
                           &err),
         &err);
}

static struct node_event event_of(const struct answer *a)
{
    return (struct node_event){
        .name = json_string_value(json_object_get(a->body, "name")),
        .key = json_string_value(json_object_get(a->body, "key")),
        .data = json_object_get(a->body, "data"),
    };
}

static void tell_run(const struct answer *a)
{
    const struct run_row run = {
        .tenant = TENANT_DEFAULT.no, .run = a->run, .parent_run = MODEL_NULL};
    const struct node_event event = event_of(a);
    struct ff_err err;

    note(a, node_signal(a->answers->node, TENANT_DEFAULT, &run, &event, &err), &err);
}

static void tell_all(const struct answer *a)
{
    const struct node_event event = event_of(a);
    struct node_event_told told;
    struct ff_err err;

    note(a, node_event(a->answers->node, TENANT_DEFAULT, &event, &told, &err), &err);
}

static void on_time(void *arg)
{
    struct answer *a = arg;

    a->tell(a);
}

/* Takes the body over. */
static void plan(struct answers *as, const struct answer *like, int64_t delay_us)
{
    struct answer *a = mem_alloc(sizeof(*a));

    *a = *like;
    a->answers = as;
    ARRAY_ADD(&as->given, a);
    loop_timer_add(as->loop, delay_us, on_time, a, &a->timer);
}

/* --- what waits --- */

/* {"task", "item", "by", "comment", "inputs"}, as core/engine takes decisions. */
static json_t *decision(const struct task_row *t, const json_t *said)
{
    static const struct {
        const char *said, *told;
    } members[] = {{"by", "by"},
                   {"comment", "comment"},
                   {"reason", "comment"},
                   {"inputs", "inputs"}};
    json_t *body = json_object();

    json_object_set_new(body, "task", json_stringn(t->task.s, t->task.len));
    if (t->item != MODEL_NULL)
        json_object_set_new(body, "item", json_integer((json_int_t)t->item));
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        json_t *value = json_object_get(said, members[i].said);
        if (value)
            json_object_set(body, members[i].told, value);
    }
    return body;
}

/* An event of that name and key, for this task alone. NULL: it awaits none. */
static json_t *event_for(const struct task_row *t, const json_t *said)
{
    struct ff_err ignored;
    json_t *body =
        t->awaits.s ? json_parse(t->awaits.s, t->awaits.len, &ignored) : NULL;
    json_t *data = json_object_get(said, "data");

    if (!body)
        return NULL;
    if (data)
        json_object_set(body, "data", data);
    json_object_set_new(
        body, "to", json_pack("[[II]]", (json_int_t)t->node, (json_int_t)t->attempt));
    return body;
}

static const struct {
    const char *reason; /* of a suspended task */
    const char *key, *word;
    json_t *(*body)(const struct task_row *t, const json_t *said);
} kinds[] = {
    {"approval", "approve", "approve", decision},
    {"approval", "reject", "reject", decision},
    {"event", "event", "event", event_for},
};

static void answer(struct answers *as, const struct task_row *t, const char *path)
{
    json_t *entry = mock_entry(as->mocks, path, t->attempt);

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const json_t *said = json_object_get(entry, kinds[i].key);
        json_t *body =
            said && span_is(t->reason, kinds[i].reason) ? kinds[i].body(t, said) : NULL;
        if (!body)
            continue;
        const struct answer a = {
            .tell = tell_task, .run = t->run, .word = kinds[i].word, .body = body};
        const json_t *after = json_object_get(said, "after");
        plan(as, &a, after ? mock_draw(as->mocks, after, path, t->attempt) : 0);
    }
    json_decref(entry);
}

struct look {
    struct answers *answers;
    struct buf prefix; /* of the run */
};

static int look_at_task(void *arg, const void *row)
{
    struct look *l = arg;
    const struct task_row *t = row;
    struct buf path = {0};
    char name[96];

    if (t->state != TASK_SUSPENDED)
        return 0;
    snprintf(name, sizeof(name), "%lld/%lld/%lld", (long long)t->run,
             (long long)t->node, (long long)t->attempt);
    if (map_get_text(&l->answers->answered, name))
        return 0;
    map_set_text(&l->answers->answered, name, l->answers);
    buf_add(&path, buf_text(&l->prefix), l->prefix.len);
    buf_add(&path, t->task.s, t->task.len);
    if (t->item != MODEL_NULL)
        buf_printf(&path, ".%lld", (long long)t->item);
    answer(l->answers, t, buf_text(&path));
    buf_done(&path);
    return 0;
}

struct news {
    int64_t seq;
    bool waits; /* a task began to wait */
};

static int take_news(void *arg, const void *row)
{
    static const char suspended[] = "\"task.suspended\"";
    const struct event_row *e = row;
    struct news *n = arg;

    n->seq = e->seq;
    n->waits = n->waits ||
               memmem(e->body.s, e->body.len, suspended, sizeof(suspended) - 1) != NULL;
    return 0;
}

/* Only the new part of the history is read, so a long run costs no more for each of its
 * steps; its tasks only when one of them began to wait. */
static int look_for_news(struct answers *as, const struct run_row *run,
                         struct news *news, struct ff_err *err)
{
    const struct event_row like = {
        .tenant = run->tenant,
        .run = run->run,
        .seq = (int64_t)(intptr_t)map_get(&as->heard, run->run)};
    const struct store_query query = {.record = &record_event,
                                      .like = &like,
                                      .n_equal = 2,
                                      .after = like.seq > 0 ? &like : NULL};
    const int code = store_scan(node_store(as->node), STORE_READER_CALLER, &query,
                                take_news, news, err);

    if (news->seq > 0)
        map_set(&as->heard, run->run, (void *)(intptr_t)news->seq);
    return code;
}

void answers_look(struct answers *as, const struct run_row *run)
{
    const struct task_row like = {.tenant = run->tenant, .run = run->run};
    const struct store_query query = {
        .record = &record_task, .like = &like, .n_equal = 2};
    struct look look = {.answers = as};
    MEM_AUTO char *id = mem_text_len(run->id.s, run->id.len);
    struct news news = {0};
    struct ff_err err = {0};
    int code = look_for_news(as, run, &news, &err);

    if (code == FF_OK && news.waits) {
        result_prefix(as->node, id, &look.prefix);
        code = store_scan(node_store(as->node), STORE_READER_CALLER, &query,
                          look_at_task, &look, &err);
    }
    if (code != FF_OK)
        log_warn("what waits for an answer: %s", err.msg);
    buf_done(&look.prefix);
}

/* --- what is told at a time --- */

static void plan_list(struct answers *as, const json_t *list, const struct answer *like)
{
    json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        struct answer a = *like;
        int64_t at_us = 0;
        a.body = json_incref(one);
        mock_duration(json_object_get(one, "at"), &at_us);
        plan(as, &a, at_us);
    }
}

struct answers *answers_new(struct node *n, struct loop *l, const struct mocks *m,
                            const json_t *mocks, int64_t run)
{
    struct answers *as = mem_alloc(sizeof(*as));
    const struct answer signal = {.tell = tell_run, .run = run, .word = "signal"};
    const struct answer event = {.tell = tell_all, .run = run, .word = "event"};

    *as = (struct answers){.node = n, .loop = l, .mocks = m};
    plan_list(as, json_object_get(mocks, "signals"), &signal);
    plan_list(as, json_object_get(mocks, "events"), &event);
    return as;
}

void answers_free(struct answers *as)
{
    if (!as)
        return;
    for (size_t i = 0; i < as->given.n; i++) {
        loop_timer_del(as->given.items[i]->timer);
        json_decref(as->given.items[i]->body);
        mem_free(as->given.items[i]);
    }
    ARRAY_DONE(&as->given);
    map_done(&as->heard);
    map_done(&as->answered);
    mem_free(as);
}

/* --- what went unanswered --- */

/* New reference. */
static json_t *hint_for(const char *path, const char *reason, const json_t *awaits)
{
    const char *name = json_string_value(json_object_get(awaits, "name"));
    const char *key = json_string_value(json_object_get(awaits, "key"));

    if (strcmp(reason, "approval") == 0)
        return json_sprintf("a mock answers it, as tasks: {%s: {approve: {by: ada, "
                            "after: 10m}}}, or reject",
                            path);
    return json_sprintf("a mock answers it, as tasks: {%s: {event: {data: {}, after: "
                        "10m}}}, or signals: [{at: 10m, name: %s%s%s%s}]",
                        path, name ? name : "", key ? ", key: '" : "", key ? key : "",
                        key ? "'" : "");
}

static bool has_answer(const struct mocks *m, const struct task_row *t,
                       const char *path)
{
    json_t *entry = mock_entry(m, path, t->attempt);
    bool found = false;

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        found = found || (span_is(t->reason, kinds[i].reason) &&
                          json_object_get(entry, kinds[i].key));
    json_decref(entry);
    return found;
}

json_t *answers_missing(const struct mocks *m, const struct task_row *t,
                        const char *path)
{
    MEM_AUTO char *reason = mem_text_len(t->reason.s ? t->reason.s : "", t->reason.len);
    struct ff_err ignored;

    if (t->state != TASK_SUSPENDED ||
        (strcmp(reason, "approval") != 0 && strcmp(reason, "event") != 0))
        return NULL;
    json_t *awaits =
        t->awaits.s ? json_parse(t->awaits.s, t->awaits.len, &ignored) : NULL;
    json_t *one = json_pack("{s:s, s:s}", "task", path, "for", reason);
    if (t->message.s)
        json_object_set_new(one, "message", json_stringn(t->message.s, t->message.len));
    json_object_set_new(
        one, "hint",
        has_answer(m, t, path)
            ? json_string("the answer of its mock came too late, or the task did not "
                          "take it: inputs must fit the approval, and an event its if")
            : hint_for(path, reason, awaits));
    json_decref(awaits);
    return one;
}
