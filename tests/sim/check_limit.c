/* check_limit.c - what is held across runs (I24): never more places than there are,
 * each by an attempt that runs or a run that has begun, and by each of these all that
 * its file asks for; and no more starts in the time of a rate. */
#include "sim.h"

#include <string.h>

/* One name of one tenant, "1 semaphore:gpu". */
struct limit {
    char *name;
    int64_t held;
    int64_t size;      /* the most that there were */
    struct map tokens; /* place -> until, as a number */
};

struct held {
    struct limit *limit;
    int64_t run, node, attempt;
};

static struct map limits;
static struct map slots; /* "1 semaphore:gpu 0" -> struct held */

static struct limit *limit_of(int64_t tenant, const char *kind, const char *name)
{
    char text[300];

    snprintf(text, sizeof(text), "%lld %s%s", (long long)tenant, kind, name);
    struct limit *l = map_get_text(&limits, text);
    if (l)
        return l;
    l = mem_alloc(sizeof(*l));
    l->name = mem_text(text);
    map_set_text(&limits, l->name, l);
    return l;
}

static struct limit *limit_named(const struct ff_change *c, int tenant, int name)
{
    char text[256];

    snprintf(text, sizeof(text), "%.*s", (int)c->values[name].len, c->values[name].s);
    return limit_of(c->values[tenant].i, "", text);
}

/* --- places --- */

static void slot(const struct ff_change *c)
{
    struct limit *l = limit_named(c, COL_SLOT_TENANT, COL_SLOT_NAME);
    const int64_t place = c->values[COL_SLOT_PLACE].i;
    char text[320];

    snprintf(text, sizeof(text), "%s %lld", l->name, (long long)place);
    struct held *h = map_get_text(&slots, text);
    sim_check(c->kind != FF_PATCH && place >= 0, "I24: place %s is changed", text);
    if (c->kind == FF_DELETE) {
        sim_check(h, "I24: place %s is given back, and nobody holds it", text);
        map_del_text(&slots, text);
        mem_free(h);
        l->held--;
        return;
    }
    sim_check(!h, "I24: place %s is given away twice", text);
    h = mem_alloc(sizeof(*h));
    *h = (struct held){.limit = l,
                       .run = c->values[COL_SLOT_RUN].i,
                       .node = c->values[COL_SLOT_NODE].i,
                       .attempt = c->values[COL_SLOT_ATTEMPT].i};
    map_set_text(&slots, text, h);
    l->held++;
}

static void size(const struct ff_change *c)
{
    char name[64];

    snprintf(name, sizeof(name), "%.*s", (int)c->values[COL_LIMIT_SIZE_NAME].len,
             c->values[COL_LIMIT_SIZE_NAME].s);
    struct limit *l = limit_of(c->values[COL_LIMIT_SIZE_TENANT].i, "semaphore:", name);
    if (c->kind == FF_PUT && c->values[COL_LIMIT_SIZE_SIZE].i > l->size)
        l->size = c->values[COL_LIMIT_SIZE_SIZE].i;
}

/* --- rates --- */

/* As in flow_limit.c: the same for each key. */
static const struct {
    const char *key;
    int64_t limit, per_us;
} rates[] = {{"rate:r0", 1, 2 * UNITS_SECOND}, {"rate:r1", 3, 5 * UNITS_SECOND}};

/* A place may be taken again when its time is over, by clocks that differ. */
static void token(const struct ff_change *c)
{
    struct limit *l = limit_named(c, COL_RATE_TOKEN_TENANT, COL_RATE_TOKEN_NAME);
    const int64_t place = c->values[COL_RATE_TOKEN_PLACE].i;
    const int64_t until = c->values[COL_RATE_TOKEN_UNTIL_AT].i;
    const int64_t before = (int64_t)(intptr_t)map_get(&l->tokens, place);
    size_t i = 0;

    while (i < COUNT_OF(rates) && strcmp(strchr(l->name, ' ') + 1, rates[i].key) != 0)
        i++;
    sim_check(i < COUNT_OF(rates), "I24: a rate %s", l->name);
    if (c->kind != FF_PUT)
        return;
    sim_check(place >= 0 && place < rates[i].limit, "I24: place %lld of %s",
              (long long)place, l->name);
    sim_check(before == 0 || before <= until - rates[i].per_us + 2 * sim.o.skew_us,
              "I24: %s starts %lld ms too early", l->name,
              (long long)((before - until + rates[i].per_us) / 1000));
    if (before > 0)
        sim_seen(SEEN_RATE_AGAIN);
    sim_seen(SEEN_RATE);
    map_set(&l->tokens, place, (void *)(intptr_t)until);
}

void limit_change(const struct ff_change *c)
{
    if (c->record == &record_slot)
        slot(c);
    else if (c->record == &record_rate_token)
        token(c);
    else if (c->record == &record_limit_size)
        size(c);
}

/* --- who holds what --- */

static const char *key_of(const struct mirror_run *r, char out[64])
{
    const json_t *constant = r->flow->concurrency->key->constant;

    /* The only expression there is ends so. */
    snprintf(out, 64, "concurrency:%s",
             constant ? json_string_value(constant) : "k0-magic");
    if (!constant)
        out[13] = (char)('0' + r->flow->concurrency->limit - 1);
    return out;
}

/* What an attempt of this task holds besides rates. */
static int64_t wanted(const struct flow_task *t)
{
    const struct flow_limits *l = t->policy->limits;
    int64_t n = 0;

    for (uint32_t i = 0; l && i < l->n; i++)
        n += l->items[i].kind == FLOW_RATE ? 0 : l->items[i].amount;
    return n;
}

static int64_t held_by(const struct mirror_run *r, int64_t node, int64_t attempt)
{
    int64_t n = 0;
    void *value;

    for (size_t i = 0; map_next(&slots, &i, &value);) {
        const struct held *h = value;
        n += h->run == r->no && h->node == node && h->attempt == attempt;
    }
    return n;
}

static void check_attempts(const struct mirror_run *r)
{
    void *value;
    int64_t total = 0;

    for (size_t i = 0; map_next(&r->tasks, &i, &value);) {
        const struct mirror_task *t = value;
        const struct flow_task *ft = &r->flow->tasks[NODE_TASK(t->row.node)];
        const bool runs = t->row.state == TASK_RUNNING && t->row.items == MODEL_NULL;
        const int64_t n = runs ? wanted(ft) : 0;
        if (n == 0)
            continue;
        const int64_t holds = held_by(r, t->row.node, t->row.attempt);
        sim_check(holds == n, "I24: run %lld: attempt %lld of %s holds %lld of %lld",
                  (long long)r->no, (long long)t->row.attempt, ft->name,
                  (long long)holds, (long long)n);
        total += n;
    }
    for (size_t i = 0; map_next(&slots, &i, &value);) {
        const struct held *h = value;
        total -= h->run == r->no && h->attempt > 0;
    }
    sim_check(total == 0, "I24: run %lld: %lld places are held by no attempt",
              (long long)r->no, (long long)-total);
}

static void check_begun(const struct mirror_run *r)
{
    const struct flow_concurrency *c = r->flow->concurrency;
    const bool is_under_way =
        r->row.started_at != MODEL_NULL && (!r->reset || r->open_reset) &&
        r->row.state != RUN_PENDING && !run_state_final(r->row.state);
    const int64_t holds = held_by(r, 0, 0);
    char key[64];

    sim_check(holds == (c && is_under_way), "I24: run %lld is %s and holds %lld places",
              (long long)r->no, run_state_names[r->row.state], (long long)holds);
    if (holds == 0)
        return;
    struct limit *l = limit_of(r->tenant.no, "", key_of(r, key));
    sim_seen(SEEN_ADMITTED);
    l->size = c->limit;
    if (l->held == l->size)
        sim_seen(SEEN_ADMIT_FULL);
}

void check_places(const struct mirror_run *r)
{
    check_attempts(r);
    check_begun(r);
}

void check_limit_sizes(void)
{
    void *value;

    for (size_t i = 0; map_next(&limits, &i, &value);) {
        const struct limit *l = value;
        const char *name = strchr(l->name, ' ') + 1;
        const bool semaphore = strncmp(name, "semaphore:", 10) == 0;
        const int64_t size = l->size > 0 ? l->size : 1;
        if (l->held == 0)
            continue;
        sim_check(l->held <= size, "I24: %lld hold %s, which has %lld places",
                  (long long)l->held, name, (long long)size);
        if (strncmp(name, "mutex:", 6) == 0)
            sim_seen(SEEN_MUTEX);
        if (semaphore)
            sim_seen(l->held == size ? SEEN_SEMAPHORE_FULL : SEEN_SEMAPHORE);
    }
}

/* --- runs that never began --- */

/* Was it under way or waiting when that one came? A commit in doubt that ended it may
 * have been durable long before its owner knew. */
static bool was_there(const struct mirror_run *o, const struct mirror_run *when)
{
    const int64_t unknown_us = sim.o.store_doubt ? 60 * UNITS_SECOND : 0;

    return o->ended_at == 0 || o->ended_at + unknown_us >= when->created_at ||
           o->n_resets > 0;
}

/* Of its key, and there when it came: older ones, and those that began while it could
 * not be loaded. */
static int64_t others(const struct mirror_run *r)
{
    char key[64], other[64];
    int64_t n = 0;
    void *value;

    key_of(r, key);
    for (size_t i = 0; map_next(&mirror.runs, &i, &value);) {
        const struct mirror_run *o = value;
        n += o != r && (o->no < r->no || o->row.state != RUN_PENDING) &&
             o->tenant.no == r->tenant.no && o->flow->concurrency &&
             strcmp(key, key_of(o, other)) == 0 && was_there(o, r);
    }
    return n;
}

/* For the sake of a newer one, whatever it says of those that come after others. */
static void check_ousted(const struct mirror_run *r)
{
    char key[64], other[64];
    void *value;

    key_of(r, key);
    for (size_t i = 0; map_next(&mirror.runs, &i, &value);) {
        const struct mirror_run *o = value;
        if (o->no > r->no && o->tenant.no == r->tenant.no && o->flow->concurrency &&
            o->flow->concurrency->overflow == FLOW_CANCEL_OLDEST &&
            strcmp(key, key_of(o, other)) == 0 &&
            others(o) >= o->flow->concurrency->limit)
            return;
    }
    sim_check(false, "I24: run %lld was cancelled for a newer one, and there is none",
              (long long)r->no);
}

/* Why a run that has not begun is over is told by its message alone. */
static bool is_ousted(const struct mirror_run *r)
{
    return r->row.state == RUN_CANCELLED && strncmp(r->message, "it had not", 10) == 0;
}

static void check_denied(const struct mirror_run *r)
{
    const enum flow_overflow overflow = r->flow->concurrency->overflow;
    const bool failed = r->row.state == RUN_FAILED;

    if (is_ousted(r)) {
        sim_seen(SEEN_OUSTED);
        check_ousted(r);
        return;
    }
    sim_check(overflow == (failed ? FLOW_OVERFLOW_FAIL : FLOW_CANCEL_NEWEST),
              "I24: run %lld must not be %s so", (long long)r->no,
              run_state_names[r->row.state]);
    sim_seen(failed ? SEEN_ADMIT_FAILED : SEEN_ADMIT_CANCELLED);
    sim_check(others(r) >= r->flow->concurrency->limit,
              "I24: run %lld was not let in, and only %lld others were there",
              (long long)r->no, (long long)others(r));
}

bool check_not_begun(const struct mirror_run *r)
{
    if (r->row.started_at != MODEL_NULL)
        return false;
    void *value;

    for (size_t i = 0; map_next(&r->tasks, &i, &value);)
        sim_check(((struct mirror_task *)value)->reused,
                  "run %lld never began, and has a task of its own", (long long)r->no);
    sim_check(r->row.state == RUN_FAILED || r->row.state == RUN_CANCELLED,
              "run %lld never began, and is %s", (long long)r->no,
              run_state_names[r->row.state]);
    if (strcmp(r->reason, "concurrency") == 0)
        check_denied(r);
    else
        sim_seen(SEEN_CANCELLED_PENDING);
    return true;
}
