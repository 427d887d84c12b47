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

void offer_add(struct offer *o, int64_t node, int64_t count)
{
    const struct range range = {
        .node = node, .count = count, .since_us = o->run->sched->now_us};

    ranges_add(&o->ranges, &range);
    if (o->item.at != 0)
        return;
    offer_take_turn(o);
    if (o->lane->blocked || o->lane->n_needs > 0 || o->lane->selector)
        offer_park(o);
    else
        offer_wake(o);
}

int64_t offer_take(struct offer *o)
{
    o->run->sched->picked_since_us = o->ranges.first.since_us;
    const int64_t node = ranges_take(&o->ranges);
    if (o->ranges.n_nodes == 0)
        offer_stop(o);
    return node;
}

int64_t offer_cut(struct offer *o, int64_t node, int64_t count)
{
    const int64_t gone = ranges_cut(&o->ranges, node, count);

    if (gone > 0 && o->ranges.n_nodes == 0)
        offer_stop(o);
    return gone;
}

void offer_free(struct offer *o)
{
    offer_stop(o);
    ranges_done(&o->ranges);
    mem_free(o);
}
