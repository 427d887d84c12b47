/* check_pause.c - runs, tasks and queues that are to start nothing for a while, as the
 * commits show it and without the engine: a pause begins and ends when somebody said so
 * (I30), nothing starts in it (I31), and runs inside are paused with what is around. */
#include "sim.h"

#include <string.h>

#define check(holds, no, ...)                                                          \
    do {                                                                               \
        if (!(holds))                                                                  \
            fail("I" no ": ", __VA_ARGS__);                                            \
    } while (0)

static _Noreturn void FF_PRINTF(2, 3) fail(const char *no, const char *fmt, ...)
{
    char what[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    sim.invariant = no[2] == '0' ? "I30: pauses" : "I31: starts in pauses";
    sim_fail("%s%s", no, what);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What its row says of a run, and has said before this commit. */
struct pause {
    struct mirror_run *run;
    json_t *before, *now; /* or NULL */
    int64_t written_in;   /* number of the commit that wrote it last */
    int64_t written_at;   /* virtual time of that */
    int64_t began_in;     /* of the commit with which it was paused at all */
    bool watched;         /* somebody will end it */
    struct {
        int64_t in, at; /* the commit that let it go, or begin again, the last time */
    } * let_go;         /* by task */
};

/* A message that asks for it. */
struct asked {
    int64_t no, run, tenant, n_ends;
    bool begins; /* pause; else unpause */
    char task[64];
};

struct queue {
    int64_t tenant, put_in, put_at;
    int64_t read_at; /* virtual time of the first look at it by its owner; 0: none */
    char name[32];
    bool watched;
};

static struct map pauses;   /* run -> struct pause */
static struct map messages; /* number -> struct asked */
static struct map queues;   /* "tenant name" -> struct queue */
static const struct ff_change *changes;
static size_t n_changes;

static struct pause *pause_of(const struct mirror_run *r)
{
    return map_get(&pauses, r->no);
}

static struct pause *make_pause(int64_t run)
{
    struct pause *p = map_get(&pauses, run);

    if (p)
        return p;
    p = mem_alloc(sizeof(*p));
    p->run = mirror_run(run);
    p->let_go = mem_array(p->run->flow->n_tasks, sizeof(*p->let_go));
    map_set(&pauses, run, p);
    return p;
}

static const char *task_name(const struct mirror_run *r, int64_t node)
{
    return r->flow->tasks[NODE_TASK(node)].name;
}

/* --- what a row says --- */

static bool has_own(const json_t *paused, const char *task)
{
    if (!task[0])
        return json_object_get(paused, "run") != NULL;
    return json_object_get(json_object_get(paused, "tasks"), task) != NULL;
}

static bool is_outer(const json_t *paused)
{
    return json_object_get(paused, "outer") != NULL;
}

static bool covers(const json_t *paused, const char *task)
{
    return has_own(paused, "") || is_outer(paused) || has_own(paused, task);
}

/* In this commit it may have been so for a part of the step only. */
static bool is_paused(const struct mirror_run *r, int64_t node)
{
    const struct pause *p = pause_of(r);

    return p && p->written_in != mirror.n_commits && covers(p->now, task_name(r, node));
}

bool pause_own(const struct mirror_run *r, const char **task)
{
    const struct pause *p = pause_of(r);
    json_t *tasks = p ? json_object_get(p->now, "tasks") : NULL;

    *task = json_object_iter_key(json_object_iter(tasks));
    return *task || (p && has_own(p->now, ""));
}

/* --- messages --- */

static bool is_word(const struct ff_value *v, const char *word)
{
    return v->len == strlen(word) && memcmp(v->s, word, v->len) == 0;
}

static void message_put(const struct ff_change *c)
{
    const struct ff_value *kind = &c->values[COL_INBOX_KIND];
    const struct ff_value *body = &c->values[COL_INBOX_BODY];
    const bool begins = is_word(kind, "pause");
    struct ff_err err;

    if (!begins && !is_word(kind, "unpause"))
        return;
    struct asked *a = mem_alloc(sizeof(*a));
    json_t *j = json_parse(body->s, body->len, &err);
    const char *task = json_string_value(json_object_get(j, "task"));
    *a = (struct asked){.no = c->values[COL_INBOX_NO].i,
                        .run = c->values[COL_INBOX_RUN].i,
                        .tenant = c->values[COL_INBOX_TENANT].i,
                        .begins = begins};
    a->n_ends = mirror_run(a->run)->n_ends;
    snprintf(a->task, sizeof(a->task), "%s", task ? task : "");
    json_decref(j);
    map_set(&messages, a->no, a);
}

/* Is there a message in this commit that begins, or ends, this pause? */
static bool is_asked(const struct mirror_run *r, const char *task, bool begins)
{
    for (size_t i = 0; i < n_changes; i++) {
        const struct asked *a;
        if (changes[i].record != &record_inbox || changes[i].kind != FF_DELETE)
            continue;
        a = map_get(&messages, changes[i].values[COL_INBOX_NO].i);
        if (a && a->run == r->no && a->tenant == r->tenant.no && a->begins == begins &&
            strcmp(a->task, task) == 0)
            return true;
    }
    return false;
}

/* Can it be carried out? */
static bool is_good(const struct mirror_run *r, const struct asked *a)
{
    return a->tenant == r->tenant.no && r->n_ends == a->n_ends &&
           !run_state_final(r->row.state) && r->row.cancel == CANCEL_NONE &&
           (!a->task[0] || flow_task_index(r->flow, a->task) >= 0);
}

static void message_delete(const struct ff_change *c)
{
    struct asked *a = map_get(&messages, c->values[COL_INBOX_NO].i);
    const struct mirror_run *r;

    if (!a)
        return;
    r = mirror_run(a->run);
    const struct pause *p = pause_of(r);
    if (!is_good(r, a))
        sim_seen(SEEN_PAUSE_REFUSED);
    else if (!is_asked(r, a->task, !a->begins))
        check(has_own(p ? p->now : NULL, a->task) == a->begins, "30",
              "run %lld: to %s %s is thrown away", (long long)r->no,
              a->begins ? "pause" : "unpause", a->task);
    map_del(&messages, a->no);
    mem_free(a);
}

/* --- rows of runs --- */

static void check_own(const struct pause *p, const char *task)
{
    const bool before = has_own(p->before, task), now = has_own(p->now, task);

    check(before == now || is_asked(p->run, task, now), "30",
          "run %lld: %s %s, and nobody asked for it", (long long)p->run->no,
          task[0] ? task : "it", now ? "is paused" : "goes on");
    if (now && !before)
        sim_seen(task[0] ? SEEN_PAUSED_TASK : SEEN_PAUSED_RUN);
    if (before && !now)
        sim_seen(p->began_in < lead_owned_in(p->run->tenant) ? SEEN_PAUSE_OUTLIVES
                                                             : SEEN_UNPAUSED);
}

static void note_let_go(const struct pause *p, uint32_t task)
{
    const char *name = p->run->flow->tasks[task].name;

    if (!covers(p->before, name) || covers(p->now, name))
        return;
    p->let_go[task].in = mirror.n_commits;
    p->let_go[task].at = sim.now;
}

/* A cancel ends every pause, and so does the end of the run. */
static void check_row(struct pause *p)
{
    const struct mirror_run *r = p->run;
    const bool is_over = run_state_final(r->row.state);

    for (uint32_t i = 0; i < r->flow->n_tasks; i++)
        note_let_go(p, i);
    if (is_over || r->row.cancel != CANCEL_NONE) {
        check(json_object_size(p->now) == 0, "30", "run %lld is %s and paused",
              (long long)r->no, run_state_names[r->row.state]);
        if (json_object_size(p->before) > 0)
            sim_seen(is_over ? SEEN_PAUSED_TO_THE_END : SEEN_PAUSE_CANCELLED);
        return;
    }
    check_own(p, "");
    for (uint32_t i = 0; i < r->flow->n_tasks; i++)
        check_own(p, r->flow->tasks[i].name);
    check(!is_outer(p->now) || mirror_parent(r), "30",
          "run %lld is paused by what is around it", (long long)r->no);
    if (is_outer(p->now))
        sim_seen(SEEN_PAUSED_INNER);
}

static void set_row(const struct ff_change *c)
{
    const struct ff_value *v = change_value(c, COL_RUN_PAUSED);
    struct ff_err err;
    struct pause *p;

    if (!v || c->kind != FF_PATCH)
        return;
    p = make_pause(c->values[COL_RUN_RUN].i);
    if (p->written_in != mirror.n_commits) {
        json_decref(p->before);
        p->before = p->now;
    } else {
        json_decref(p->now);
    }
    p->now = v->type ? json_parse(v->s, v->len, &err) : NULL;
    p->written_in = mirror.n_commits;
    p->written_at = sim.now;
    if (!p->before)
        p->began_in = mirror.n_commits;
}

static void watch(struct pause *p)
{
    const char *task;

    if (p->watched || !pause_own(p->run, &task))
        return;
    p->watched = true;
    client_paused(p->run);
}

void pause_watched(const struct mirror_run *r)
{
    pause_of(r)->watched = false;
}

/* --- queues --- */

struct key {
    char text[48];
};

static struct key key_of(int64_t tenant, const char *name)
{
    struct key k;

    snprintf(k.text, sizeof(k.text), "%lld %s", (long long)tenant, name);
    return k;
}

bool pause_of_queue(struct tenant t, const char *name)
{
    return map_get_text(&queues, key_of(t.no, name).text) != NULL;
}

size_t pause_n_queues(void)
{
    return queues.n;
}

void pause_queue_change(const struct ff_change *c)
{
    const struct ff_value *v = &c->values[COL_QUEUE_PAUSE_NAME];
    struct queue *q = mem_alloc(sizeof(*q));

    q->tenant = c->values[COL_QUEUE_PAUSE_TENANT].i;
    q->put_in = mirror.n_commits;
    q->put_at = sim.now;
    snprintf(q->name, sizeof(q->name), "%.*s", (int)v->len, v->s);
    const struct key key = key_of(q->tenant, q->name);
    struct queue *before = map_get_text(&queues, key.text);
    if (c->kind == FF_PUT) {
        sim_seen(SEEN_PAUSED_QUEUE);
        map_set_text(&queues, key.text, q);
        client_paused_queue((struct tenant){q->tenant}, q->name);
        return;
    }
    mem_free(q);
    if (!before)
        return;
    sim_seen(before->put_in < lead_owned_in((struct tenant){before->tenant})
                 ? SEEN_QUEUE_OUTLIVES
                 : SEEN_UNPAUSED_QUEUE);
    map_del_text(&queues, key.text);
    mem_free(before);
}

void pause_queues_read(int node)
{
    void *value;

    for (size_t i = 0; map_next(&queues, &i, &value);) {
        struct queue *q = value;
        const struct sim_node *n = nodes_owner_of((struct tenant){q->tenant});

        if (n && n->no == node && q->read_at == 0)
            q->read_at = sim.now;
    }
}

/* A look at the store, and what was granted before it. */
#define LOOK_US  (10 * UNITS_SECOND)
#define SWEEP_US (45 * UNITS_SECOND) /* by itself: nobody was heard who knocked */

/* From a look until what was granted before it is durable: the lane tells of the look,
 * and two steps of a run, of which the second has the grant, go through another lane,
 * each behind the group that is under way. */
static int64_t granted_us(void)
{
    return 2 * UNITS_SECOND + 20 * sim.o.lane_us;
}

/* Whoever becomes the owner looks before it starts anything; who was it already hears
 * of it. When it does so on a lane that is slow hangs on how many runs are loaded on it
 * first. */
static bool must_know(const struct queue *q)
{
    const struct tenant tenant = {q->tenant};
    const struct sim_node *n = nodes_owner_of(tenant);
    const int64_t within = q->put_at > sim.healed_at ? LOOK_US : SWEEP_US;

    if (q->put_in < lead_owned_in(tenant))
        return true;
    if (sim.faults || !n)
        return false;
    if (q->read_at > 0 &&
        sim.now - granted_us() > later(q->read_at, later(sim.healed_at, n->calm_since)))
        return true;
    return sim.o.lane_us <= 1000 &&
           sim.now - within > later(q->put_at, later(sim.healed_at, n->calm_since));
}

static void check_queue(const struct mirror_run *r, const struct mirror_task *t)
{
    const struct flow_task *ft = &r->flow->tasks[NODE_TASK(t->row.node)];
    const char *name = ft->policy->queue ? ft->policy->queue : "default";
    const struct queue *q = map_get_text(&queues, key_of(r->tenant.no, name).text);

    check(!q || !is_attempt(ft) || !must_know(q), "31",
          "run %lld: %s starts, and its queue is paused", (long long)r->no, ft->name);
}

/* --- starts --- */

void pause_check_start(const struct mirror_run *r, const struct mirror_task *t)
{
    check(!is_paused(r, t->row.node), "31", "run %lld: %s starts, and it is paused",
          (long long)r->no, task_name(r, t->row.node));
    check_queue(r, t);
}

void pause_check_due(const struct mirror_run *r, const struct mirror_task *t)
{
    check(!is_paused(r, t->row.node), "31",
          "run %lld: the time of %s is over, and it is paused", (long long)r->no,
          task_name(r, t->row.node));
}

/* Since when: it was decided at most so long before it was durable, once faults are
 * over and what waited for the store has come through. */
#define DURABLE_US (10 * UNITS_SECOND)

void pause_begin_again(const struct mirror_run *r, const uint8_t *marks)
{
    const struct pause *p = make_pause(r->no);

    for (uint32_t i = 0; i < r->flow->n_tasks; i++) {
        if (marks[i] == RESET_MARK_NONE)
            continue;
        p->let_go[i].in = mirror.n_commits;
        p->let_go[i].at = sim.now;
    }
}

/* It waits for a slot anew when it is let go or begins again. A process that loads the
 * run later does not know when that was. */
void pause_check_queue_timeout(const struct mirror_run *r, const struct mirror_task *t)
{
    const struct pause *p = pause_of(r);
    const int64_t task = NODE_TASK(t->row.node);
    const int64_t most = r->flow->tasks[task].policy->queue_timeout_us;

    pause_check_due(r, t);
    const bool quiet =
        p &&
        (sim.faults ? sim_is_calm() : p->let_go[task].at >= sim.healed_at + DURABLE_US);
    if (!quiet || p->let_go[task].in <= lead_owned_in(r->tenant))
        return;
    check(sim.now - p->let_go[task].at + UNITS_SECOND >= most, "31",
          "run %lld: %s has waited for a slot for %lld ms since it may begin",
          (long long)r->no, task_name(r, t->row.node),
          (long long)((sim.now - p->let_go[task].at) / 1000));
}

/* --- a commit --- */

void pause_begin(const struct ff_change *all, size_t n)
{
    changes = all;
    n_changes = n;
    for (size_t i = 0; i < n; i++) {
        if (all[i].record == &record_run)
            set_row(&all[i]);
        else if (all[i].record == &record_inbox && all[i].kind == FF_PUT)
            message_put(&all[i]);
    }
}

void pause_end(void)
{
    void *value;

    for (size_t i = 0; map_next(&pauses, &i, &value);) {
        struct pause *p = value;
        if (p->written_in != mirror.n_commits)
            continue;
        check_row(p);
        watch(p);
    }
    for (size_t i = 0; i < n_changes; i++)
        if (changes[i].record == &record_inbox && changes[i].kind == FF_DELETE)
            message_delete(&changes[i]);
}

/* --- runs inside --- */

#define TELL_US (8 * UNITS_SECOND)

static void check_inner(const struct mirror_run *r, int64_t calm_since)
{
    const struct mirror_run *parent;

    if (run_state_final(r->row.state) || r->row.cancel != CANCEL_NONE)
        return; /* first: of thousands of runs most are over */
    parent = mirror_parent(r);
    if (!parent || parent->row.cancel != CANCEL_NONE)
        return;
    const struct pause *of = pause_of(parent);
    const struct pause *p = pause_of(r);
    const bool expected = of && covers(of->now, task_name(parent, r->row.parent_node));
    const int64_t since =
        later(of ? of->written_at : 0, later(r->created_at, calm_since));
    check(expected == (p && is_outer(p->now)) || sim.now - TELL_US < since, "30",
          "run %lld is %s paused with run %lld", (long long)r->no,
          expected ? "not" : "still", (long long)parent->no);
}

void pause_check_inner(int64_t calm_since)
{
    void *value;

    for (size_t i = 0; pauses.n > 0 && map_next(&mirror.runs, &i, &value);)
        check_inner(value, calm_since);
}
