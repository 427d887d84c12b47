/* sched.c - the fair queue. A turn goes from tenant to tenant, within one from project
 * to project, there to the highest priority of which something may go, and among equals
 * from run to run. A run's turn is one pick, or with hundreds of slots a small part of
 * them: what one run starts together is written together, and one event row for each
 * task would cost half of what the task does. */
#include "sched/sched_priv.h"

#include <string.h>

struct sched *sched_new(void)
{
    struct sched *s = mem_alloc(sizeof(*s));

    ring_init(&s->ring);
    list_init(&s->spare);
    return s;
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
        sched_tenant_free(value);
    map_done(&s->tenants);
    pools_free(s);
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

int64_t sched_waiting(const struct sched *s)
{
    return s->waiting;
}

int64_t sched_picked_since_us(const struct sched *s)
{
    return s->picked_since_us;
}

/* --- runs --- */

struct sched_run *sched_run_new(struct sched *s, int64_t tenant, int64_t project,
                                void *owner)
{
    struct sched_run *r = mem_alloc(sizeof(*r));

    r->sched = s;
    r->project = sched_project(sched_tenant(s, tenant), project);
    r->owner = owner;
    list_init(&r->holds);
    list_init(&r->ending);
    return r;
}

void sched_run_project(struct sched_run *r, int64_t project)
{
    sched_run_clear(r);
    r->project = sched_project(r->project->tenant, project);
}

void sched_run_clear(struct sched_run *r)
{
    void *value;

    for (size_t i = 0; map_next(&r->offers, &i, &value);) {
        struct offer *o = value;
        struct lane *lane = o->lane;
        r->sched->waiting -= o->ranges.n_nodes;
        offer_free(o);
        lane_changed(lane);
        lane_unref(lane);
    }
    map_done(&r->offers);
    r->offers = (struct map){0};
    for (size_t i = 0; i < COUNT_OF(r->plain); i++)
        r->plain[i] = NULL;
    for (size_t i = 0; i < COUNT_OF(r->wanting); i++)
        r->wanting[i] = NULL;
    r->n_wanting = 0;
    for (size_t i = 0; map_next(&r->flows, &i, &value);) {
        heap_done(&((struct flow *)value)->awake);
        mem_free(value);
    }
    map_done(&r->flows);
    r->flows = (struct map){0};
}

void sched_run_free(struct sched_run *r)
{
    if (!r)
        return;
    sched_run_clear(r);
    sched_drop_holds(r);
    places_free(r);
    map_done(&r->by_node);
    mem_free(r);
}

int64_t sched_run_waiting(const struct sched_run *r, int64_t *since_us)
{
    int64_t n = 0;
    void *value;

    for (size_t i = 0; map_next(&r->offers, &i, &value);) {
        const struct offer *o = value;

        n += o->ranges.n_nodes;
        /* They stand in the order in which they came. */
        if (o->ranges.n_nodes > 0 && o->ranges.first.since_us < *since_us)
            *since_us = o->ranges.first.since_us;
    }
    return n;
}

/* --- offers --- */

static struct flow *flow_of(struct sched_run *r, struct level *level)
{
    struct flow *f = map_get(&r->flows, level->priority);

    if (f)
        return f;
    f = mem_alloc(sizeof(*f));
    flow_init(f, level);
    map_set(&r->flows, level->priority, f);
    return f;
}

/* A lane's address is as good as a name: it stays as long as an offer belongs to it. */
static struct offer *offer_of(struct sched_run *r, struct lane *lane)
{
    struct offer *o = map_get(&r->offers, (int64_t)(intptr_t)lane);

    if (o)
        return o;
    o = mem_alloc(sizeof(*o));
    o->run = r;
    o->lane = lane;
    o->flow = flow_of(r, lane->level);
    ranges_init(&o->ranges);
    lane->n_offers++;
    map_set(&r->offers, (int64_t)(intptr_t)lane, o);
    return o;
}

bool sched_is_plain(const struct sched_wants *wants)
{
    return wants->n_needs == 0 && !wants->labels &&
           strcmp(wants->queue, SCHED_QUEUE_DEFAULT) == 0;
}

static struct offer *plain_offer(struct sched_run *r, const struct sched_wants *wants)
{
    const int32_t priority = wants->priority;
    struct offer **known = &r->plain[(uint32_t)priority % COUNT_OF(r->plain)];

    if (!*known || (*known)->lane->level->priority != priority)
        *known = offer_of(r, lane_of(r->project, wants));
    return *known;
}

static struct offer *wanting_offer(struct sched_run *r, const struct sched_wants *wants)
{
    for (size_t i = 0; i < COUNT_OF(r->wanting) && r->wanting[i]; i++)
        if (lane_is_for(r->wanting[i]->lane, wants))
            return r->wanting[i];
    struct offer *o = offer_of(r, lane_of(r->project, wants));

    r->wanting[r->n_wanting++ % COUNT_OF(r->wanting)] = o;
    return o;
}

void sched_offer_wanting(struct sched_run *r, int64_t node, int64_t n,
                         const struct sched_wants *wants)
{
    struct offer *o =
        sched_is_plain(wants) ? plain_offer(r, wants) : wanting_offer(r, wants);

    offer_add(o, node, n);
    r->sched->waiting += n;
    lane_changed(o->lane);
}

void sched_offer_queued(struct sched_run *r, const char *queue, int64_t node, int64_t n,
                        int32_t priority, const struct sched_need *needs,
                        size_t n_needs)
{
    const struct sched_wants wants = {
        .queue = queue, .priority = priority, .needs = needs, .n_needs = n_needs};

    sched_offer_wanting(r, node, n, &wants);
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

void sched_retract(struct sched_run *r, int64_t node, int64_t n)
{
    void *value;

    for (size_t i = 0; map_next(&r->offers, &i, &value);) {
        struct offer *o = value;
        const int64_t gone = offer_cut(o, node, n);
        if (gone == 0)
            continue;
        r->sched->waiting -= gone;
        lane_changed(o->lane);
    }
}

/* --- picks --- */

static struct offer *first_offer(struct sched *s)
{
    struct fair_share *share = ring_first(&s->ring);

    if (!share)
        return NULL;
    share = ring_first(&LIST_OF(share, struct fair_tenant, share)->projects);

    const struct fair_project *p = LIST_OF(share, struct fair_project, share);
    struct level *level = (struct level *)(void *)heap_first(&p->open);

    share = ring_first(&level->runs);
    return (struct offer *)(void *)heap_first(
        &LIST_OF(share, struct flow, share)->awake);
}

/* Those whose lanes may not go stand aside as they are met. */
static struct offer *next_offer(struct sched *s)
{
    struct offer *o;

    while (s->slots > 0 && (o = first_offer(s))) {
        if (!o->lane->blocked) {
            if (lane_may_go(o->lane))
                return o;
            lane_block(o->lane);
        }
        offer_park(o);
    }
    return NULL;
}

/* The turn of its run may be over: then the others in its lane, if there is not room
 * for all of them, are asked before it is asked again. */
static void spend_turn(struct offer *o)
{
    struct level *level = o->lane->level;
    struct fair_project *p = level->project;
    const bool over = ring_spend(&level->runs, &o->flow->share);

    ring_spend(&p->tenant->projects, &p->share);
    ring_spend(&p->tenant->sched->ring, &p->tenant->share);
    if (!over)
        return;
    offer_take_turn(o);
    if (o->lane->parked.n > 0)
        offer_park(o);
}

bool sched_pick(struct sched *s, void **owner, int64_t *node)
{
    struct offer *o = next_offer(s);

    if (!o)
        return false;
    struct lane *lane = o->lane;

    spend_turn(o);
    *owner = o->run->owner;
    *node = offer_take(o);
    s->waiting--;
    lane->level->project->tenant->picks++;
    tenant_takes_slot(lane->level->project->tenant);
    if (lane->n_needs > 0)
        hold_take(o->run, *node, lane);
    if (s->pools.n > 0)
        pool_take(o->run, *node, lane);
    lane_granted(lane);
    lane_changed(lane);
    return true;
}
