/* sched_tenant.c - tenants and their projects: whose turn it is among them, and what of
 * a tenant may run at a time. Each stands in the ring above it while something in it
 * may go, so who waits for its own limits costs the others nothing. */
#include "sched/sched_priv.h"

struct fair_tenant *sched_tenant(struct sched *s, int64_t no)
{
    struct fair_tenant *t = map_get(&s->tenants, no);

    if (t)
        return t;
    t = mem_alloc(sizeof(*t));
    t->sched = s;
    t->no = no;
    t->max_running = INT64_MAX;
    share_init(&t->share);
    ring_init(&t->projects);
    map_set(&s->tenants, no, t);
    return t;
}

struct fair_project *sched_project(struct fair_tenant *t, int64_t no)
{
    struct fair_project *p = map_get(&t->by_no, no);

    if (p)
        return p;
    p = mem_alloc(sizeof(*p));
    p->tenant = t;
    share_init(&p->share);
    map_set(&t->by_no, no, p);
    return p;
}

void sched_tenant_free(struct fair_tenant *t)
{
    void *value;

    for (size_t i = 0; map_next(&t->by_no, &i, &value);) {
        struct fair_project *p = value;
        heap_done(&p->open);
        map_done(&p->levels);
        mem_free(p);
    }
    map_done(&t->by_no);
    for (size_t i = 0; map_next(&t->limits, &i, &value);)
        limit_forget(value);
    map_done(&t->limits);
    map_done(&t->paused);
    mem_free(t);
}

/* --- who may go --- */

static void look_at_tenant(struct fair_tenant *t)
{
    if (t->held || ring_empty(&t->projects) || t->running >= t->max_running) {
        ring_del(&t->share);
        return;
    }
    t->turns += list_empty(&t->share.link);
    ring_add(&t->sched->ring, &t->share);
}

void project_changed(struct fair_project *p)
{
    if (heap_first(&p->open))
        ring_add(&p->tenant->projects, &p->share);
    else
        ring_del(&p->share);
    look_at_tenant(p->tenant);
}

/* --- slots --- */

void tenant_takes_slot(struct fair_tenant *t)
{
    t->sched->slots--;
    t->running++;
    look_at_tenant(t);
}

void sched_take_slot(struct sched_run *r)
{
    tenant_takes_slot(r->project->tenant);
}

void sched_return_slot(struct sched_run *r)
{
    struct fair_tenant *t = r->project->tenant;

    t->sched->slots++;
    t->running--;
    look_at_tenant(t);
}

/* --- what is told from outside --- */

/* One that weighs less from now on does so in this round, too. */
static void weigh(struct fair_share *share, int64_t weight)
{
    if (weight < 1)
        weight = 1;
    share->weight = weight < SCHED_WEIGHT_MAX ? (uint32_t)weight : SCHED_WEIGHT_MAX;
    if (share->credit > share->weight)
        share->credit = share->weight;
}

void sched_set_tenant(struct sched *s, int64_t tenant, int64_t weight,
                      int64_t max_running)
{
    struct fair_tenant *t = sched_tenant(s, tenant);

    weigh(&t->share, weight);
    t->max_running = max_running >= 0 ? max_running : INT64_MAX;
    look_at_tenant(t);
}

void sched_hold_tenant(struct sched *s, int64_t tenant, bool held)
{
    struct fair_tenant *t = sched_tenant(s, tenant);

    t->held = held;
    look_at_tenant(t);
}

void sched_set_project(struct sched *s, int64_t tenant, int64_t project, int64_t weight)
{
    weigh(&sched_project(sched_tenant(s, tenant), project)->share, weight);
}

struct sched_standing sched_standing(const struct sched *s, int64_t tenant)
{
    const struct fair_tenant *t = map_get(&s->tenants, tenant);

    if (!t)
        return (struct sched_standing){0};
    return (struct sched_standing){.running = t->running,
                                   .picks = t->picks,
                                   .turns = t->turns,
                                   .in_turn = !list_empty(&t->share.link)};
}

void sched_each_tenant(const struct sched *s, sched_tenant_fn *fn, void *arg)
{
    void *value;

    for (size_t i = 0; map_next(&s->tenants, &i, &value);) {
        const struct fair_tenant *t = value;

        fn(arg, t->no, (int64_t)t->picks);
    }
}
