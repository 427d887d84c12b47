/* sched.c - the fair queue. A tenant is in the ring while something of it waits; each
 * visit of the ring gives it `weight` picks. Within a tenant the highest priority goes
 * first, and among equals the runs take turns. A turn is one pick, or with hundreds of
 * slots a small part of them: what one run starts together is written together, and
 * one event row for each task would cost half of what the task does. */
#include "sched/sched.h"

/* As many turns are taken with all slots. */
#define TURNS 64

struct range {
    int64_t node, count;
};

/* What one run offers at one priority. */
struct offer {
    struct list link; /* in its level's ring while something waits */
    struct sched_run *run;
    int32_t priority;
    struct {
        struct range *items;
        size_t n, cap;
    } ranges;
    size_t head;  /* first range that still has nodes */
    int64_t used; /* picks of this turn */
};

struct level { /* one priority of one tenant */
    int32_t priority;
    struct list offers;
};

struct fair_tenant {
    struct list link; /* in the ring while something waits */
    int64_t no;
    uint32_t weight;
    uint32_t credit; /* picks left on this visit */
    int64_t waiting;
    struct {
        struct level **items; /* highest priority first */
        size_t n, cap;
    } levels;
};

struct sched_run {
    struct sched *sched;
    struct fair_tenant *tenant;
    void *owner;
    struct {
        struct offer **items;
        size_t n, cap;
    } offers;
};

struct sched {
    struct list ring; /* of tenants for whom something waits */
    struct map tenants;
    int64_t slots; /* free ones; below zero: more adopted than there are */
    int64_t all_slots;
    int64_t waiting;
};

struct sched *sched_new(void)
{
    struct sched *s = mem_alloc(sizeof(*s));

    list_init(&s->ring);
    return s;
}

void sched_free(struct sched *s)
{
    void *value;

    if (!s)
        return;
    for (size_t i = 0; map_next(&s->tenants, &i, &value);) {
        struct fair_tenant *t = value;
        for (size_t k = 0; k < t->levels.n; k++)
            mem_free(t->levels.items[k]);
        ARRAY_DONE(&t->levels);
        mem_free(t);
    }
    map_done(&s->tenants);
    mem_free(s);
}

void sched_add_slots(struct sched *s, int64_t n)
{
    s->slots += n;
    s->all_slots += n;
}

int64_t sched_free_slots(const struct sched *s)
{
    return s->slots;
}

void sched_take_slot(struct sched *s)
{
    s->slots--;
}

void sched_return_slot(struct sched *s)
{
    s->slots++;
}

int64_t sched_waiting(const struct sched *s)
{
    return s->waiting;
}

/* --- runs and their offers --- */

static struct fair_tenant *tenant_of(struct sched *s, int64_t no)
{
    struct fair_tenant *t = map_get(&s->tenants, no);

    if (t)
        return t;
    t = mem_alloc(sizeof(*t));
    t->no = no;
    t->weight = 1;
    list_init(&t->link);
    map_set(&s->tenants, no, t);
    return t;
}

struct sched_run *sched_run_new(struct sched *s, int64_t tenant, uint32_t weight,
                                void *owner)
{
    struct sched_run *r = mem_alloc(sizeof(*r));

    r->sched = s;
    r->tenant = tenant_of(s, tenant);
    r->tenant->weight = weight > 0 ? weight : 1;
    r->owner = owner;
    return r;
}

static void count(struct sched_run *r, int64_t n)
{
    struct fair_tenant *t = r->tenant;

    t->waiting += n;
    r->sched->waiting += n;
    if (t->waiting > 0 && list_empty(&t->link)) {
        t->credit = t->weight;
        list_add_tail(&r->sched->ring, &t->link);
    } else if (t->waiting == 0) {
        list_del(&t->link);
    }
}

static int64_t offer_waiting(const struct offer *o)
{
    int64_t n = 0;

    for (size_t i = o->head; i < o->ranges.n; i++)
        n += o->ranges.items[i].count;
    return n;
}

void sched_run_free(struct sched_run *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->offers.n; i++) {
        struct offer *o = r->offers.items[i];
        list_del(&o->link);
        count(r, -offer_waiting(o));
        ARRAY_DONE(&o->ranges);
        mem_free(o);
    }
    ARRAY_DONE(&r->offers);
    mem_free(r);
}

static struct level *level_of(struct fair_tenant *t, int32_t priority)
{
    size_t at = 0;

    while (at < t->levels.n && t->levels.items[at]->priority > priority)
        at++;
    if (at < t->levels.n && t->levels.items[at]->priority == priority)
        return t->levels.items[at];
    struct level *level = mem_alloc(sizeof(*level));
    level->priority = priority;
    list_init(&level->offers);
    ARRAY_ADD(&t->levels, level);
    for (size_t i = t->levels.n - 1; i > at; i--)
        t->levels.items[i] = t->levels.items[i - 1];
    t->levels.items[at] = level;
    return level;
}

static struct offer *offer_of(struct sched_run *r, int32_t priority)
{
    for (size_t i = 0; i < r->offers.n; i++)
        if (r->offers.items[i]->priority == priority)
            return r->offers.items[i];
    struct offer *o = mem_alloc(sizeof(*o));
    o->run = r;
    o->priority = priority;
    list_init(&o->link);
    ARRAY_ADD(&r->offers, o);
    return o;
}

/* Ranges that were handed out stand before `head`; at the latest when they are half
 * of all they go, so that a long run does not grow. */
static void close_gap(struct offer *o)
{
    if (o->head == 0 || o->head < o->ranges.n / 2)
        return;
    for (size_t i = o->head; i < o->ranges.n; i++)
        o->ranges.items[i - o->head] = o->ranges.items[i];
    o->ranges.n -= o->head;
    o->head = 0;
}

void sched_offer(struct sched_run *r, int64_t node, int64_t n, int32_t priority)
{
    struct offer *o = offer_of(r, priority);
    const struct range range = {.node = node, .count = n};

    close_gap(o);
    ARRAY_ADD(&o->ranges, range);
    if (list_empty(&o->link))
        list_add_tail(&level_of(r->tenant, priority)->offers, &o->link);
    count(r, n);
}

/* Takes [from, to) out of range `i`; what remains on both sides stays in its place. */
static int64_t cut(struct offer *o, size_t i, int64_t from, int64_t to)
{
    const struct range old = o->ranges.items[i];
    const int64_t end = old.node + old.count;

    if (from < old.node)
        from = old.node;
    if (to > end)
        to = end;
    if (from >= to)
        return 0;
    o->ranges.items[i].count = from - old.node;
    if (to < end) {
        const struct range rest = {.node = to, .count = end - to};
        ARRAY_ADD(&o->ranges, rest);
        for (size_t k = o->ranges.n - 1; k > i + 1; k--)
            o->ranges.items[k] = o->ranges.items[k - 1];
        o->ranges.items[i + 1] = rest;
    }
    return to - from;
}

static void skip_empty(struct offer *o)
{
    while (o->head < o->ranges.n && o->ranges.items[o->head].count == 0)
        o->head++;
    if (o->head == o->ranges.n)
        list_del(&o->link);
}

void sched_retract(struct sched_run *r, int64_t node, int64_t n)
{
    for (size_t i = 0; i < r->offers.n; i++) {
        struct offer *o = r->offers.items[i];
        int64_t gone = 0;
        /* No node is offered twice: with the last one found the rest is not searched,
         * or a cancel of 100,000 tasks would take a minute. */
        for (size_t k = o->head; k < o->ranges.n && gone < n; k++)
            gone += cut(o, k, node, node + n);
        skip_empty(o);
        count(r, -gone);
    }
}

/* --- picks --- */

static struct offer *next_offer(const struct fair_tenant *t)
{
    for (size_t i = 0; i < t->levels.n; i++) {
        struct list *link = list_first(&t->levels.items[i]->offers);
        if (link)
            return LIST_OF(link, struct offer, link);
    }
    return NULL;
}

static struct fair_tenant *next_tenant(struct sched *s)
{
    struct fair_tenant *t = LIST_OF(list_first(&s->ring), struct fair_tenant, link);

    if (t->credit > 0)
        return t;
    t->credit = t->weight;
    list_del(&t->link);
    list_add_tail(&s->ring, &t->link);
    return LIST_OF(list_first(&s->ring), struct fair_tenant, link);
}

/* The run goes to the end of its ring. */
static void end_turn(struct fair_tenant *t, struct offer *o)
{
    o->used = 0;
    list_del(&o->link);
    list_add_tail(&level_of(t, o->priority)->offers, &o->link);
}

bool sched_pick(struct sched *s, void **owner, int64_t *node)
{
    if (s->slots <= 0 || s->waiting == 0)
        return false;
    struct fair_tenant *t = next_tenant(s);
    struct offer *o = next_offer(t);
    struct range *range = &o->ranges.items[o->head];

    *owner = o->run->owner;
    *node = range->node++;
    range->count--;
    t->credit--;
    s->slots--;
    if (++o->used >= s->all_slots / TURNS)
        end_turn(t, o);
    skip_empty(o);
    count(o->run, -1);
    return true;
}
