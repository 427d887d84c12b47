/* test_fair_model.c - random use against a model that looks at every node: what is
 * picked may go, and goes before what it must; nothing that may go is left; and of
 * those that could have gone all the time none gets less than its share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "sched/sched.h"

enum {
    TENANTS = 4,
    PROJECTS = 2, /* of each */
    RUNS = 3,     /* of each of these */
    NODES = 24,
    LIMITS = 2, /* of each project, so that what is kept for one is kept from itself */
    QUEUES = 2,
    PRIORITIES = 2
};

enum state { IDLE, OFFERED, RUNNING };

struct node {
    enum state state;
    int priority, queue, limit; /* the last -1: none */
};

/* How often it was picked since it, and all above it, may go without a break. */
struct served {
    bool may_go;
    int64_t picks, passed; /* its own, and those that others got meanwhile */
};

struct model_run {
    struct sched_run *run;
    struct node nodes[NODES];
    struct served served[PRIORITIES]; /* by nodes that want nothing */
};

struct model_project {
    struct model_run runs[RUNS];
    int64_t held[LIMITS], sizes[LIMITS];
    int64_t weight;
    struct served served;
};

struct model_tenant {
    struct model_project projects[PROJECTS];
    bool paused[QUEUES];
    int64_t running, max, weight;
    struct served served;
};

static struct sched *sched;
static struct model_tenant tenants[TENANTS];
static int64_t slots;
static struct rand rnd;

static int64_t below(int64_t n)
{
    return (int64_t)rand_below(&rnd, (uint64_t)n);
}

/* --- what may go --- */

static bool node_may_go(const struct model_tenant *t, const struct model_project *p,
                        const struct node *n)
{
    return n->state == OFFERED && !t->paused[n->queue] &&
           (n->limit < 0 || p->held[n->limit] < p->sizes[n->limit]);
}

/* The highest priority of what may go; -1: nothing. */
static int project_top(const struct model_tenant *t, const struct model_project *p)
{
    int top = -1;

    for (int r = 0; r < RUNS; r++)
        for (int i = 0; i < NODES; i++) {
            const struct node *n = &p->runs[r].nodes[i];
            if (n->priority > top && node_may_go(t, p, n))
                top = n->priority;
        }
    return top;
}

static bool run_may_go(const struct model_tenant *t, const struct model_project *p,
                       const struct model_run *r, int priority)
{
    for (int i = 0; i < NODES; i++) {
        const struct node *n = &r->nodes[i];
        if (n->priority == priority && n->limit < 0 && node_may_go(t, p, n))
            return true;
    }
    return false;
}

static void see(struct served *s, bool may_go)
{
    if (!may_go || !s->may_go)
        *s = (struct served){.may_go = may_go};
}

static bool see_project(const struct model_tenant *t, struct model_project *p)
{
    const bool may_go = project_top(t, p) >= 0;

    see(&p->served, may_go && t->running < t->max);
    for (int r = 0; r < RUNS; r++)
        for (int priority = 0; priority < PRIORITIES; priority++)
            see(&p->runs[r].served[priority],
                run_may_go(t, p, &p->runs[r], priority) && t->running < t->max);
    return may_go;
}

/* Is there any that may go? Before each pick. */
static bool see_all(void)
{
    bool any = false;

    for (int i = 0; i < TENANTS; i++) {
        struct model_tenant *t = &tenants[i];
        bool may_go = false;
        for (int k = 0; k < PROJECTS; k++)
            may_go = see_project(t, &t->projects[k]) || may_go;
        see(&t->served, may_go && t->running < t->max);
        any = any || t->served.may_go;
    }
    return any;
}

/* --- what was picked --- */

/* Within two rounds each gets its weight at least once. */
static void serve(struct served *s, bool is_it, int64_t weight, int64_t all)
{
    if (!s->may_go)
        return;
    s->picks += is_it;
    s->passed++;
    assert_true(s->picks >= weight * (s->passed / all - 1));
}

static void serve_runs(struct model_project *p, int run, int priority)
{
    for (int r = 0; r < RUNS; r++)
        serve(&p->runs[r].served[priority], r == run, 1, RUNS);
}

static void serve_all(int tenant, int project)
{
    int64_t all = 0, all_projects = 0;
    struct model_tenant *t = &tenants[tenant];

    for (int i = 0; i < TENANTS; i++)
        all += tenants[i].weight;
    for (int i = 0; i < PROJECTS; i++)
        all_projects += t->projects[i].weight;
    for (int i = 0; i < TENANTS; i++)
        serve(&tenants[i].served, i == tenant, tenants[i].weight, all);
    for (int i = 0; i < PROJECTS; i++)
        serve(&t->projects[i].served, i == project, t->projects[i].weight,
              all_projects);
}

static void pick(void)
{
    const bool any = see_all();
    void *owner;
    int64_t at;

    if (!sched_pick(sched, &owner, &at)) {
        assert_true(slots == 0 || !any);
        return;
    }
    const int no = (int)(intptr_t)owner;
    const int tenant = no / (PROJECTS * RUNS), project = no / RUNS % PROJECTS;
    struct model_tenant *t = &tenants[tenant];
    struct model_project *p = &t->projects[project];
    struct node *n = &p->runs[no % RUNS].nodes[at];

    assert_true(slots-- > 0 && t->running < t->max && node_may_go(t, p, n));
    assert_int_equal(n->priority, project_top(t, p));
    serve_all(tenant, project);
    serve_runs(p, no % RUNS, n->priority);
    n->state = RUNNING;
    t->running++;
    if (n->limit >= 0)
        p->held[n->limit]++;
}

/* --- what else happens --- */

static const char *limit_name(int project, int limit)
{
    static const char *const names[PROJECTS][LIMITS] = {{"a", "b"}, {"c", "d"}};

    return names[project][limit];
}

static void offer(struct model_run *r, int project, int64_t at)
{
    struct node *n = &r->nodes[at];

    if (n->state != IDLE)
        return;
    *n = (struct node){.state = OFFERED,
                       .priority = (int)below(PRIORITIES),
                       .queue = (int)below(QUEUES),
                       .limit = (int)below(LIMITS + 2) - 2};
    if (n->limit < 0)
        n->limit = -1;
    const struct sched_need need = {
        .name = n->limit < 0 ? "" : limit_name(project, n->limit), .amount = 1};
    sched_offer_queued(r->run, n->queue == 0 ? SCHED_QUEUE_DEFAULT : "other", at, 1,
                       n->priority, &need, n->limit >= 0);
}

static void retract(struct model_run *r, int64_t at, int64_t count)
{
    sched_retract(r->run, at, count);
    for (int64_t i = at; i < at + count && i < NODES; i++)
        if (r->nodes[i].state == OFFERED)
            r->nodes[i].state = IDLE;
}

static void ignore(void *arg, const struct sched_place *place)
{
    (void)arg;
    (void)place;
}

static void end(struct model_tenant *t, struct model_project *p, struct model_run *r,
                int64_t at)
{
    struct node *n = &r->nodes[at];

    if (n->state != RUNNING)
        return;
    n->state = IDLE;
    t->running--;
    slots++;
    if (n->limit >= 0)
        p->held[n->limit]--;
    if (below(2))
        sched_started(r->run, at, 1, ignore, NULL);
    sched_ended(r->run, at, ignore, NULL);
    sched_settled(r->run);
    sched_return_slot(r->run);
}

/* What it offers then is that of a new run. */
static void clear(struct model_run *r)
{
    sched_run_clear(r->run);
    for (int i = 0; i < NODES; i++)
        if (r->nodes[i].state == OFFERED)
            r->nodes[i].state = IDLE;
    for (int i = 0; i < PRIORITIES; i++)
        r->served[i] = (struct served){0};
}

static void change(struct model_tenant *t, int tenant, int project)
{
    struct model_project *p = &t->projects[project];
    const int limit = (int)below(LIMITS), queue = (int)below(QUEUES);

    switch (below(4)) {
    case 0:
        p->sizes[limit] = below(4);
        sched_set_size(sched, tenant, limit_name(project, limit), p->sizes[limit]);
        break;
    case 1:
        t->paused[queue] = !t->paused[queue];
        sched_set_paused(sched, tenant, queue == 0 ? SCHED_QUEUE_DEFAULT : "other",
                         t->paused[queue]);
        break;
    case 2:
        t->max = below(8) == 0 ? 0 : 1 + below(20);
        sched_set_tenant(sched, tenant, t->weight, t->max);
        break;
    default:
        clear(&p->runs[0]);
    }
}

static void step(void)
{
    const int tenant = (int)below(TENANTS), project = (int)below(PROJECTS);
    struct model_tenant *t = &tenants[tenant];
    struct model_project *p = &t->projects[project];
    struct model_run *r = &p->runs[below(RUNS)];
    const int64_t what = below(200), at = below(NODES);

    if (what == 0)
        change(t, tenant, project);
    else if (what < 10)
        retract(r, at, 1 + below(4));
    else if (what < 80)
        offer(r, project, at);
    else if (what < 140)
        end(t, p, r, at);
    else
        pick();
}

static void begin(void)
{
    sched = sched_new();
    slots = 20;
    sched_add_slots(sched, slots);
    for (int i = 0; i < TENANTS; i++) {
        struct model_tenant *t = &tenants[i];
        *t = (struct model_tenant){.max = 1 + below(20), .weight = 1 + below(4)};
        sched_set_tenant(sched, i, t->weight, t->max);
        for (int k = 0; k < PROJECTS; k++) {
            struct model_project *p = &t->projects[k];
            p->weight = 1 + below(3);
            sched_set_project(sched, i, k, p->weight);
            for (int n = 0; n < LIMITS; n++)
                p->sizes[n] = 1;
            for (int n = 0; n < RUNS; n++)
                p->runs[n].run = sched_run_new(
                    sched, i, k, (void *)(intptr_t)((i * PROJECTS + k) * RUNS + n));
        }
    }
}

static void finish(void)
{
    for (int i = 0; i < TENANTS; i++)
        for (int k = 0; k < PROJECTS; k++)
            for (int n = 0; n < RUNS; n++)
                sched_run_free(tenants[i].projects[k].runs[n].run);
    assert_int_equal(sched_waiting(sched), 0);
    sched_free(sched);
}

static void random_use_agrees_with_the_model(void **state)
{
    (void)state;
    const char *given = getenv("FF_SEED");
    const uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

    print_message("seed %llu\n", (unsigned long long)seed);
    rand_seed(&rnd, seed);
    for (int i = 0; i < 10; i++) {
        begin();
        for (int k = 0; k < 4000; k++)
            step();
        finish();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_use_agrees_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
