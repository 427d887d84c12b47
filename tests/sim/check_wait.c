/* check_wait.c - tasks that wait for an event, and what they are told (I28, I29), as
 * the commits show it and without the engine: such a task ends with one message that
 * was sent and fits, or when its time is over; a signal is kept until a task takes it,
 * and none takes it after that. */
#include "sim.h"

#include <string.h>

#define NAME 16

/* A message in the inbox, or a signal that is kept. */
struct told {
    int64_t no, run, tenant, n_ends;
    int64_t at, kept_in; /* of a signal: virtual time, and number of the commit */
    char name[NAME], key[NAME];
    bool has_key, is_signal;
    json_t *data;
    json_t *to; /* of an event: [[node, attempt], ...] */
    bool taken; /* in this commit */
};

/* A row of a task that waits. */
struct await {
    const struct mirror_run *run;
    int64_t node, attempt, at;
    char name[NAME], key[NAME]; /* "": any */
};

static struct map messages; /* number -> struct told */
static struct map kept;     /* the same */
static struct map awaits;   /* "run node" -> struct await */
static struct map stored;   /* the n of each message that ever was in the inbox */
static struct map spent;    /* numbers of signals that a task took */
static const struct ff_change *changes;
static size_t n_changes;

static const struct flow_await *await_of(const struct mirror_run *r, int64_t node)
{
    const struct flow_work *work = r->flow->tasks[NODE_TASK(node)].work;

    return work->kind == FLOW_WAIT_EVENT ? work->await : NULL;
}

static const struct mirror_run *root_of(const struct mirror_run *r)
{
    while (mirror_parent(r))
        r = mirror_parent(r);
    return r;
}

static const char *task_name(const struct mirror_run *r, int64_t node)
{
    return r->flow->tasks[NODE_TASK(node)].name;
}

/* --- does it fit? --- */

struct names {
    json_t *index, *inputs, *event;
};

static json_t *look_up(void *arg, const char *name)
{
    const struct names *names = arg;

    if (strcmp(name, "index") == 0)
        return names->index;
    if (strcmp(name, "inputs") == 0)
        return names->inputs;
    return strcmp(name, "event") == 0 ? names->event : NULL;
}

json_t *wait_key(const struct mirror_run *r, const struct mirror_task *t)
{
    const struct flow_await *await = await_of(r, t->row.node);
    struct names names = {.index = json_integer(NODE_ITEM(t->row.node)),
                          .inputs = json_pack("{ss}", "word", "magic")};
    const struct expr_scope scope = {.lookup = look_up, .arg = &names};
    struct expr_err err;
    json_t *key = await->key ? flow_value_eval(await->key, &scope, &err) : NULL;

    json_decref(names.index);
    json_decref(names.inputs);
    return key;
}

/* What its `if` comes to by the words of flow_wait.c: there is only this one. */
static bool wants(const struct flow_await *await, const json_t *data)
{
    return !await->condition || json_is_true(json_object_get(data, "ok"));
}

static bool is_for(const struct told *m, const char *name, const char *key)
{
    return strcmp(m->name, name) == 0 &&
           (!key[0] || (m->has_key && strcmp(m->key, key) == 0));
}

static bool fits(const struct told *m, const struct await *w)
{
    return is_for(m, w->name, w->key) && wants(await_of(w->run, w->node), m->data);
}

static bool names_node(const struct told *m, int64_t node, int64_t attempt)
{
    for (size_t i = 0; i < json_array_size(m->to); i++) {
        const json_t *pair = json_array_get(m->to, i);
        if (json_integer_value(json_array_get(pair, 0)) == node &&
            json_integer_value(json_array_get(pair, 1)) == attempt)
            return true;
    }
    return false;
}

/* --- rows of those who wait --- */

struct key {
    char text[64];
};

static struct key key_of(int64_t run, int64_t node)
{
    struct key k;

    snprintf(k.text, sizeof(k.text), "%lld %lld", (long long)run, (long long)node);
    return k;
}

static struct await *find_await(int64_t run, int64_t node)
{
    return map_get_text(&awaits, key_of(run, node).text);
}

static void await_put(const struct ff_change *c)
{
    const int64_t run = c->values[COL_EVENT_WAIT_RUN].i;
    const int64_t node = c->values[COL_EVENT_WAIT_NODE].i;
    struct await *w = mem_alloc(sizeof(*w));

    sim_check(!find_await(run, node), "I29: run %lld: %s waits twice", (long long)run,
              task_name(mirror_run(run), node));
    w->run = mirror_run(run);
    w->node = node;
    w->attempt = c->values[COL_EVENT_WAIT_ATTEMPT].i;
    w->at = sim.now;
    change_text(c, COL_EVENT_WAIT_NAME, w->name, NAME);
    change_text(c, COL_EVENT_WAIT_KEY, w->key, NAME);
    map_set_text(&awaits, key_of(run, node).text, w);
}

static void await_delete(const struct ff_change *c)
{
    const struct key key =
        key_of(c->values[COL_EVENT_WAIT_RUN].i, c->values[COL_EVENT_WAIT_NODE].i);
    struct await *w = map_get_text(&awaits, key.text);
    char name[NAME];

    snprintf(name, NAME, "%.*s", (int)c->values[COL_EVENT_WAIT_NAME].len,
             c->values[COL_EVENT_WAIT_NAME].s);
    sim_check(w && strcmp(name, w->name) == 0, "I29: %s: a row goes that is not there",
              key.text);
    map_del_text(&awaits, key.text);
    mem_free(w);
}

static bool waits(const struct mirror_task *t)
{
    return t && t->row.state == TASK_SUSPENDED && strcmp(t->reason, "event") == 0;
}

static void check_await(const struct mirror_run *r, const struct mirror_task *t)
{
    const struct await *w = find_await(r->no, t->row.node);
    json_t *key = wait_key(r, t);

    sim_check(w && w->attempt == t->row.attempt &&
                  strcmp(w->name, await_of(r, t->row.node)->name) == 0 &&
                  strcmp(w->key, key ? json_string_value(key) : "") == 0,
              "I29: run %lld: %s waits, and nobody who tells of an event finds it",
              (long long)r->no, task_name(r, t->row.node));
    json_decref(key);
}

void wait_check_run(const struct mirror_run *r)
{
    int64_t n = 0;
    void *value;

    for (size_t i = 0; map_next(&r->tasks, &i, &value);) {
        if (!waits(value))
            continue;
        check_await(r, value);
        n++;
    }
    for (size_t i = 0; map_next(&awaits, &i, &value);)
        n -= ((const struct await *)value)->run == r;
    sim_check(n == 0, "I29: run %lld: %lld rows of tasks that do not wait",
              (long long)r->no, (long long)-n);
    for (size_t i = 0; run_state_final(r->row.state) && map_next(&kept, &i, &value);)
        sim_check(((const struct told *)value)->run != r->no,
                  "I29: run %lld is over and keeps a signal", (long long)r->no);
}

int64_t wait_count(struct tenant t, const char *name, const char *key)
{
    int64_t n = 0;
    void *value;

    for (size_t i = 0; map_next(&awaits, &i, &value);) {
        const struct await *w = value;
        n += w->run->tenant.no == t.no && strcmp(w->name, name) == 0 &&
             (!w->key[0] || (key && strcmp(w->key, key) == 0));
    }
    return n;
}

/* --- messages and signals --- */

static json_t *parse(const struct ff_value *v)
{
    struct ff_err err;

    return v->type ? json_parse(v->s, v->len, &err) : NULL;
}

static int64_t number_of(const json_t *data)
{
    return json_integer_value(json_is_array(data) ? json_array_get(data, 0)
                                                  : json_object_get(data, "n"));
}

bool wait_is_told(int64_t n)
{
    return map_get(&stored, n) != NULL;
}

static void message_put(const struct ff_change *c)
{
    struct told *m = mem_alloc(sizeof(*m));
    json_t *body = parse(&c->values[COL_INBOX_BODY]);
    const char *key = json_string_value(json_object_get(body, "key"));
    const struct mirror_run *r;

    m->no = c->values[COL_INBOX_NO].i;
    m->run = c->values[COL_INBOX_RUN].i;
    m->tenant = c->values[COL_INBOX_TENANT].i;
    r = mirror_run(m->run);
    m->n_ends = r->n_ends;
    m->is_signal = c->values[COL_INBOX_KIND].s[0] == SIGNAL_KEPT[0];
    m->has_key = key;
    snprintf(m->name, NAME, "%s", json_string_value(json_object_get(body, "name")));
    snprintf(m->key, NAME, "%s", key ? key : "");
    m->data = json_incref(json_object_get(body, "data"));
    m->to = json_incref(json_object_get(body, "to"));
    json_decref(body);
    sim_check(!m->is_signal || m->tenant != r->tenant.no || !mirror_parent(r),
              "I29: a signal is left for run %lld, which is inside another one",
              (long long)m->run);
    map_set(&messages, m->no, m);
    map_set(&stored, number_of(m->data), &stored);
}

static bool is_of_waits(const struct ff_change *c)
{
    const struct ff_value *kind = &c->values[COL_INBOX_KIND];

    return (kind->len == strlen(SIGNAL_KEPT) &&
            memcmp(kind->s, SIGNAL_KEPT, kind->len) == 0) ||
           (kind->len == strlen("event") && memcmp(kind->s, "event", kind->len) == 0);
}

/* Kept as it was sent. */
static void signal_put(const struct ff_change *c)
{
    const int64_t no = c->values[COL_SIGNAL_NO].i;
    const struct told *m = map_get(&messages, no);
    struct told *k = mem_alloc(sizeof(*k));

    sim_check(m && m->is_signal && !map_get(&kept, no),
              "I29: signal %lld is kept, and nobody sent it", (long long)no);
    /* Where a commit in doubt may arrive late, a message comes again. */
    sim_check(sim.o.store_doubt > 0 || !map_get(&spent, no),
              "I29: signal %lld is kept again, and a task took it", (long long)no);
    *k = *m;
    k->at = sim.now;
    k->kept_in = mirror.n_commits;
    k->data = parse(&c->values[COL_SIGNAL_BODY]);
    change_text(c, COL_SIGNAL_NAME, k->name, NAME);
    change_text(c, COL_SIGNAL_KEY, k->key, NAME);
    k->has_key = c->values[COL_SIGNAL_KEY].type;
    sim_check(c->values[COL_SIGNAL_RUN].i == m->run && strcmp(k->name, m->name) == 0 &&
                  strcmp(k->key, m->key) == 0 && k->has_key == m->has_key &&
                  json_equal(k->data, m->data),
              "I29: signal %lld is not kept as it was sent", (long long)no);
    sim_check(m->tenant == mirror_run(m->run)->tenant.no,
              "I29: signal %lld is kept for a run of another tenant", (long long)no);
    map_set(&kept, no, k);
    sim_seen(SEEN_SIGNAL_KEPT);
}

static void free_told(struct map *of, struct told *m)
{
    map_del(of, m->no);
    json_decref(m->data);
    json_decref(m->to);
    mem_free(m);
}

static void signal_delete(const struct ff_change *c)
{
    struct told *k = map_get(&kept, c->values[COL_SIGNAL_NO].i);

    if (!k)
        return;
    sim_check(k->taken || run_state_final(mirror_run(k->run)->row.state),
              "I29: signal %lld to run %lld is thrown away", (long long)k->no,
              (long long)k->run);
    if (!k->taken)
        sim_seen(SEEN_SIGNAL_OVER);
    free_told(&kept, k);
}

/* A task that waited for it when it was told, and does so still. */
static void check_not_missed(const struct told *m)
{
    for (size_t i = 0; i < json_array_size(m->to); i++) {
        const json_t *pair = json_array_get(m->to, i);
        const int64_t node = json_integer_value(json_array_get(pair, 0));
        const struct await *w = find_await(m->run, node);
        if (!w || w->attempt != json_integer_value(json_array_get(pair, 1)))
            continue;
        sim_check(!fits(m, w), "I29: run %lld: an event passes by %s",
                  (long long)m->run, task_name(w->run, node));
        sim_seen(SEEN_EVENT_NOT_WANTED);
    }
}

static void message_delete(const struct ff_change *c)
{
    struct told *m = map_get(&messages, c->values[COL_INBOX_NO].i);
    const struct mirror_run *r;

    if (!m)
        return;
    r = mirror_run(m->run);
    if (!m->is_signal)
        check_not_missed(m);
    else if (m->tenant != r->tenant.no)
        sim_seen(SEEN_SIGNAL_REFUSED);
    else /* one that comes again, late, after a task took it is not kept again */
        sim_check(map_get(&kept, m->no) || run_state_final(r->row.state) ||
                      map_get(&spent, m->no) || r->n_ends != m->n_ends,
                  "I29: signal %lld to run %lld is not kept", (long long)m->no,
                  (long long)m->run);
    free_told(&messages, m);
}

/* --- a commit --- */

void wait_begin(const struct ff_change *all, size_t n)
{
    changes = all;
    n_changes = n;
    for (size_t i = 0; i < n; i++)
        if (all[i].record == &record_inbox && all[i].kind == FF_PUT &&
            is_of_waits(&all[i]))
            message_put(&all[i]);
}

/* What is told goes when those are judged who took it. */
void wait_change(const struct ff_change *c)
{
    if (c->kind == FF_CHECK)
        return;
    if (c->record == &record_signal && c->kind == FF_PUT)
        signal_put(c);
    else if (c->record == &record_event_wait && c->kind == FF_PUT)
        await_put(c);
    else if (c->record == &record_event_wait)
        await_delete(c);
}

void wait_end(void)
{
    for (size_t i = 0; i < n_changes; i++)
        if (changes[i].record == &record_inbox && changes[i].kind == FF_DELETE)
            message_delete(&changes[i]);
    for (size_t i = 0; i < n_changes; i++)
        if (changes[i].record == &record_signal && changes[i].kind == FF_DELETE)
            signal_delete(&changes[i]);
}

/* --- the life of a task that waits --- */

#define check(holds, what)                                                             \
    sim_check(holds, "I28: run %lld: %s: %s", (long long)r->no,                        \
              task_name(r, t->row.node), what)

void wait_begun(const struct mirror_run *r, const struct mirror_task *t)
{
    const struct flow_await *await = await_of(r, t->row.node);

    check(await, "it waits for an event, and is of another kind");
    check((t->row.due_at == MODEL_NULL) == (await->timeout_us == 0),
          "its time is not what its file says");
    sim_seen(await->key ? SEEN_KEY_AWAITED : SEEN_EVENT_AWAITED);
}

/* The signal whose row goes with this commit and whose data it has, or NULL. */
static struct told *signal_for(const struct mirror_run *r, const struct await *w,
                               const json_t *event)
{
    for (size_t i = 0; i < n_changes; i++) {
        struct told *k;
        if (changes[i].record != &record_signal || changes[i].kind != FF_DELETE)
            continue;
        k = map_get(&kept, changes[i].values[COL_SIGNAL_NO].i);
        if (k && !k->taken && k->run == root_of(r)->no && fits(k, w) &&
            json_equal(k->data, event))
            return k;
    }
    return NULL;
}

static struct told *event_for(const struct mirror_run *r, const struct await *w,
                              const json_t *event)
{
    for (size_t i = 0; i < n_changes; i++) {
        struct told *m;
        if (changes[i].record != &record_inbox || changes[i].kind != FF_DELETE)
            continue;
        m = map_get(&messages, changes[i].values[COL_INBOX_NO].i);
        if (m && !m->is_signal && m->run == r->no && m->tenant == r->tenant.no &&
            names_node(m, w->node, w->attempt) && fits(m, w) &&
            json_equal(m->data, event))
            return m;
    }
    return NULL;
}

/* It has its output from a message that goes with it. */
static bool was_told(const struct await *w, const struct mirror_task *before,
                     const json_t *event)
{
    const struct mirror_run *r = w->run;
    struct told *m = signal_for(r, w, event);

    if (m) {
        m->taken = true;
        map_set(&spent, m->no, &spent);
        sim_seen(m->kept_in < before->changed_in ? SEEN_SIGNAL_WAITED
                                                 : SEEN_SIGNAL_TAKEN);
        if (root_of(r) != r)
            sim_seen(SEEN_SIGNAL_BY_INNER);
        return true;
    }
    m = event_for(r, w, event);
    if (!m)
        return false;
    sim_seen(m->taken ? SEEN_EVENT_TAKEN_BY_MANY : SEEN_EVENT_TAKEN);
    m->taken = true;
    return true;
}

static void check_timeout(const struct mirror_run *r, const struct mirror_task *before,
                          const struct mirror_task *t, bool is_null)
{
    static const struct {
        int64_t state;
        const char *reason;
        enum sim_seen seen;
    } ends[] = {
        [FLOW_NO_EVENT_FAIL] = {TASK_FAILED, "timeout", SEEN_EVENT_TIMEOUT},
        [FLOW_NO_EVENT_SKIP] = {TASK_SKIPPED, "event_timeout", SEEN_EVENT_SKIPPED},
        [FLOW_NO_EVENT_SUCCEED] = {TASK_SUCCEEDED, "", SEEN_EVENT_NULL},
    };
    const enum flow_on_no_event on = await_of(r, t->row.node)->on_timeout;

    check(before->row.due_at != MODEL_NULL &&
              SIM_EPOCH_US + sim.now + 2 * sim.o.skew_us >= before->row.due_at,
          "it ends, and nobody told it anything");
    pause_check_due(r, t);
    check(t->row.state == ends[on].state && strcmp(t->reason, ends[on].reason) == 0,
          "it does not end as its on_timeout says");
    check(is_null || t->row.state != TASK_SUCCEEDED, "it was told what nobody sent");
    sim_seen(ends[on].seen);
}

/* Its row may be gone by now, in the order of the changes. */
static struct await await_before(const struct mirror_run *r,
                                 const struct mirror_task *before)
{
    struct await w = {
        .run = r, .node = before->row.node, .attempt = before->row.attempt};
    json_t *key = wait_key(r, before);

    snprintf(w.name, NAME, "%s", await_of(r, w.node)->name);
    snprintf(w.key, NAME, "%s", key ? json_string_value(key) : "");
    json_decref(key);
    return w;
}

void wait_ended(const struct mirror_run *r, const struct mirror_task *before,
                const struct mirror_task *t)
{
    struct ff_err err;
    const struct await w = await_before(r, before);
    json_t *outputs =
        t->outputs ? json_parse(t->outputs, strlen(t->outputs), &err) : NULL;
    const json_t *event = json_object_get(outputs, "event");

    if (t->row.state != TASK_SUCCEEDED || !event || !was_told(&w, before, event))
        check_timeout(r, before, t, json_is_null(event));
    json_decref(outputs);
}

/* --- whoever waits is served, where nothing fails --- */

#define SERVE_US (8 * UNITS_SECOND)

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void check_served(const struct await *w, int64_t calm_since)
{
    void *value;

    for (size_t i = 0; map_next(&kept, &i, &value);) {
        const struct told *k = value;
        if (k->run != root_of(w->run)->no || !is_for(k, w->name, w->key))
            continue;
        if (!fits(k, w)) {
            sim_seen(SEEN_SIGNAL_NOT_WANTED);
            continue;
        }
        sim_check(sim.now - later(later(k->at, w->at), calm_since) < SERVE_US,
                  "I29: run %lld: signal %lld is kept, and %s waits for it",
                  (long long)w->run->no, (long long)k->no, task_name(w->run, w->node));
    }
}

void wait_check_served(int64_t calm_since)
{
    void *value;

    for (size_t i = 0; kept.n > 0 && map_next(&awaits, &i, &value);)
        check_served(value, calm_since);
}
