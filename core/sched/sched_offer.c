/* sched_offer.c - what one run offers in one lane: which nodes, in the order in which
 * they came, and whether it takes part in the turns of its run or stands aside with its
 * lane. */
#include "sched/sched_priv.h"

/* --- who takes part --- */

/* A new run begins with the next round. There may always be one more of them, and a
 * round that each of them could still enter would not end for those that were there. */
void flow_init(struct flow *f, struct level *level)
{
    share_init(&f->share);
    f->share.round = level->runs.round;
    f->level = level;
}

/* As many turns are taken with all slots. */
#define TURNS 64

static void flow_enter(struct flow *f)
{
    struct level *level = f->level;
    const int64_t turn = level->project->tenant->sched->all_slots / TURNS;

    f->share.weight = turn > 1 ? (uint32_t)turn : 1;
    ring_add(&level->runs, &f->share);
    if (level->item.at == 0) {
        level->item.when = -(int64_t)level->priority;
        heap_add(&level->project->open, &level->item);
        project_changed(level->project);
    }
}

static void flow_leave(struct flow *f)
{
    struct level *level = f->level;

    ring_del(&f->share);
    if (ring_empty(&level->runs)) {
        heap_del(&level->project->open, &level->item);
        project_changed(level->project);
    }
}

void offer_wake(struct offer *o)
{
    struct flow *f = o->flow;

    heap_del(&o->lane->parked, &o->item);
    heap_add(&f->awake, &o->item);
    o->awake = true;
    o->lane->n_awake++;
    if (f->awake.n == 1)
        flow_enter(f);
}

static void sleep_now(struct offer *o)
{
    struct flow *f = o->flow;

    heap_del(&f->awake, &o->item);
    o->awake = false;
    o->lane->n_awake--;
    if (f->awake.n == 0)
        flow_leave(f);
}

void offer_park(struct offer *o)
{
    if (o->awake)
        sleep_now(o);
    heap_add(&o->lane->parked, &o->item);
}

static void offer_stop(struct offer *o)
{
    if (o->awake)
        sleep_now(o);
    else
        heap_del(&o->lane->parked, &o->item);
}

void offer_take_turn(struct offer *o)
{
    o->item.when = ++o->lane->level->project->tenant->sched->stamp;
    if (o->awake)
        heap_add(&o->flow->awake, &o->item);
}

/* --- its nodes --- */

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

static bool goes_on(const struct offer *o, const struct range *range)
{
    if (o->head == o->ranges.n)
        return false;
    const struct range *last = &o->ranges.items[o->ranges.n - 1];
    return last->node + last->count == range->node && last->since_us == range->since_us;
}

void offer_add(struct offer *o, int64_t node, int64_t count)
{
    const struct range range = {
        .node = node, .count = count, .since_us = o->run->sched->now_us};

    close_gap(o);
    if (goes_on(o, &range))
        o->ranges.items[o->ranges.n - 1].count += count;
    else
        ARRAY_ADD(&o->ranges, range);
    if (o->item.at != 0)
        return;
    offer_take_turn(o);
    if (o->lane->blocked || o->lane->n_needs > 0 || o->lane->selector)
        offer_park(o);
    else
        offer_wake(o);
}

int64_t offer_waiting(const struct offer *o)
{
    int64_t n = 0;

    for (size_t i = o->head; i < o->ranges.n; i++)
        n += o->ranges.items[i].count;
    return n;
}

static void skip_empty(struct offer *o)
{
    while (o->head < o->ranges.n && o->ranges.items[o->head].count == 0)
        o->head++;
    if (o->head == o->ranges.n)
        offer_stop(o);
}

int64_t offer_take(struct offer *o)
{
    struct range *range = &o->ranges.items[o->head];
    const int64_t node = range->node++;

    o->run->sched->picked_since_us = range->since_us;
    if (--range->count == 0)
        skip_empty(o);
    return node;
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
        const struct range rest = {
            .node = to, .count = end - to, .since_us = old.since_us};
        ARRAY_ADD(&o->ranges, rest);
        for (size_t k = o->ranges.n - 1; k > i + 1; k--)
            o->ranges.items[k] = o->ranges.items[k - 1];
        o->ranges.items[i + 1] = rest;
    }
    return to - from;
}

int64_t offer_cut(struct offer *o, int64_t node, int64_t count)
{
    int64_t gone = 0;

    /* No node is offered twice: with the last one found the rest is not searched, or a
     * cancel of 100,000 tasks would take a minute. */
    for (size_t i = o->head; i < o->ranges.n && gone < count; i++)
        gone += cut(o, i, node, node + count);
    if (gone > 0)
        skip_empty(o);
    return gone;
}

void offer_free(struct offer *o)
{
    offer_stop(o);
    ARRAY_DONE(&o->ranges);
    mem_free(o);
}
