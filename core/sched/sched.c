/* sched.c - the fair queue. A tenant is in the ring while something of it may go; each
 * visit of the ring gives it `weight` picks. Within a tenant the highest priority goes
 * first, and among equals the runs take turns. A turn is one pick, or with hundreds of
 * slots a small part of them: what one run starts together is written together, and
 * one event row for each task would cost half of what the task does. */
#include "sched/sched_priv.h"

/* As many turns are taken with all slots. */
#define TURNS 64

struct sched *sched_new(void)
{
    struct sched *s = mem_alloc(sizeof(*s));

    list_init(&s->ring);
    list_init(&s->spare);
    return s;
}

static void tenant_free(struct fair_tenant *t)
{
    void *value;

    for (size_t i = 0; map_next(&t->limits, &i, &value);)
        limit_forget(value);
    map_done(&t->limits);
    map_done(&t->paused);
    ARRAY_DONE(&t->levels);
    mem_free(t);
}

void sched_free(struct sched *s)
{
    void *value;

    if (!s)
        return;
    while (heap_first(&s->tokens))
        limit_return_token((struct token *)(void *)heap_first(&s->tokens));
    heap_done(&s->tokens);
    for (size_t i = 0; map_next(&s->tenants, &i, &value);)
        tenant_free(value);
    map_done(&s->tenants);
    hold_forget_spare(s);
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

/* --- tenants and runs --- */

struct fair_tenant *sched_tenant(struct sched *s, int64_t no)
{
    struct fair_tenant *t = map_get(&s->tenants, no);

    if (t)
        return t;
    t = mem_alloc(sizeof(*t));
    t->sched = s;
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
    r->tenant = sched_tenant(s, tenant);
    r->tenant->weight = weight > 0 ? weight : 1;
    r->owner = owner;
    list_init(&r->holds);
    list_init(&r->ending);
    return r;
}

void sched_count_open(struct fair_tenant *t, int64_t n)
{
    t->open += n;
    t->sched->open += n;
    if (t->open > 0 && list_empty(&t->link)) {
        t->credit = t->weight;
        list_add_tail(&t->sched->ring, &t->link);
    } else if (t->open == 0) {
        list_del(&t->link);
    }
}

static void count(struct lane *lane, int64_t n)
{
    lane->waiting += n;
    lane->level->tenant->sched->waiting += n;
    if (!lane->blocked)
        sched_count_open(lane->level->tenant, n);
}

static int64_t offer_waiting(const struct offer *o)
{
    int64_t n = 0;

    for (size_t i = o->head; i < o->ranges.n; i++)
        n += o->ranges.items[i].count;
    return n;
}

void sched_run_clear(struct sched_run *r)
{
    void *value;

    for (size_t i = 0; map_next(&r->offers, &i, &value);) {
        struct offer *o = value;
        struct lane *lane = o->lane;
        list_del(&o->link);
        count(lane, -offer_waiting(o));
        lane_changed(lane);
        ARRAY_DONE(&o->ranges);
        mem_free(o);
        lane_unref(lane);
    }
    map_done(&r->offers);
    r->offers = (struct map){0};
}

void sched_run_free(struct sched_run *r)
{
    if (!r)
        return;
    sched_run_clear(r);
    sched_drop_holds(r);
    map_done(&r->by_node);
    mem_free(r);
}

/* --- offers --- */

/* A lane's address is as good as a name: it stays as long as an offer belongs to it. */
static struct offer *offer_of(struct sched_run *r, struct lane *lane)
{
    struct offer *o = map_get(&r->offers, (int64_t)(intptr_t)lane);

    if (o)
        return o;
    o = mem_alloc(sizeof(*o));
    o->run = r;
    o->lane = lane;
    list_init(&o->link);
    lane->n_offers++;
    map_set(&r->offers, (int64_t)(intptr_t)lane, o);
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

/* To the end of its lane. */
static void take_turn(struct offer *o)
{
    o->stamp = ++o->run->sched->stamp;
    list_del(&o->link);
    list_add_tail(&o->lane->offers, &o->link);
}

void sched_offer_queued(struct sched_run *r, const char *queue, int64_t node, int64_t n,
                        int32_t priority, const struct sched_need *needs,
                        size_t n_needs)
{
    struct offer *o = offer_of(r, lane_of(r->tenant, queue, priority, needs, n_needs));
    const struct range range = {.node = node, .count = n};

    close_gap(o);
    ARRAY_ADD(&o->ranges, range);
    if (list_empty(&o->link))
        take_turn(o);
    count(o->lane, n);
    lane_changed(o->lane);
}

void sched_offer_limited(struct sched_run *r, int64_t node, int64_t n, int32_t priority,
                         const struct sched_need *needs, size_t n_needs)
{
    sched_offer_queued(r, SCHED_QUEUE_DEFAULT, node, n, priority, needs, n_needs);
}

void sched_offer(struct sched_run *r, int64_t node, int64_t n, int32_t priority)
{
    sched_offer_limited(r, node, n, priority, NULL, 0);
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
    void *value;

    for (size_t i = 0; map_next(&r->offers, &i, &value);) {
        struct offer *o = value;
        int64_t gone = 0;
        /* No node is offered twice: with the last one found the rest is not searched,
         * or a cancel of 100,000 tasks would take a minute. */
        for (size_t k = o->head; k < o->ranges.n && gone < n; k++)
            gone += cut(o, k, node, node + n);
        if (gone == 0)
            continue;
        skip_empty(o);
        count(o->lane, -gone);
        lane_changed(o->lane);
    }
}

/* --- picks --- */

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

/* Lanes that may not go stand aside as they are met. */
static struct lane *next_lane(struct sched *s)
{
    while (s->slots > 0 && s->open > 0) {
        struct fair_tenant *t = next_tenant(s);
        struct lane *lane = lane_next(t);
        if (lane_may_go(lane)) {
            t->credit--;
            return lane;
        }
        lane_block(lane);
    }
    return NULL;
}

bool sched_pick(struct sched *s, void **owner, int64_t *node)
{
    struct lane *lane = next_lane(s);

    if (!lane)
        return false;
    struct offer *o = LIST_OF(list_first(&lane->offers), struct offer, link);
    struct range *range = &o->ranges.items[o->head];

    *owner = o->run->owner;
    *node = range->node++;
    range->count--;
    s->slots--;
    if (lane->n_needs > 0)
        hold_take(o->run, *node, lane);
    if (++o->used >= s->all_slots / TURNS) {
        o->used = 0;
        take_turn(o);
    }
    skip_empty(o);
    count(lane, -1);
    lane_granted(lane);
    lane_changed(lane);
    return true;
}
