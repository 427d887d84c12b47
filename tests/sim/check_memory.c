/* check_memory.c - what a process holds in memory against what is stored: slots (I17),
 * and that nothing is left when all is over. */
#include "sim.h"

#include "control/control_priv.h"
#include "exec/exec_priv.h"

static bool leads(const struct sim_node *n)
{
    return n == (sim.o.hosts ? n : nodes_owner()) && n->phase == NODE_OWNER &&
           n->control && !n->control->dead && !n->control->draining;
}

static int64_t granted(const struct control *c)
{
    int64_t n = 0;
    void *value;

    for (size_t i = 0; map_next(&c->lives, &i, &value);)
        n += ((struct live *)value)->granted;
    return n;
}

static int64_t running(const struct mirror_run *r)
{
    int64_t n = 0;
    void *value;

    for (size_t i = 0; map_next(&r->tasks, &i, &value);) {
        const struct mirror_task *t = value;
        n += t->row.state == TASK_RUNNING && t->row.items == MODEL_NULL &&
             is_attempt(&r->flow->tasks[NODE_TASK(t->row.node)]);
    }
    return n;
}

/* An attempt of a run that was stopped is told so, by whoever leads now. */
#define TELL_US (3 * UNITS_SECOND)

/* By a cancel, and for long enough. */
static bool is_stopped(const struct mirror_run *r, const struct flow_task *ft)
{
    return r->stopped_at && sim.now - TELL_US >= r->stopped_at &&
           (r->killed || (r->cancelled_main && ft->part == FLOW_MAIN));
}

static void check_told(const struct sim_node *n, const struct mirror_run *r,
                       const struct mirror_task *t)
{
    const struct flow_task *ft = &r->flow->tasks[NODE_TASK(t->row.node)];
    const struct attempt_key key = {.tenant = r->tenant,
                                    .run = r->no,
                                    .node = t->row.node,
                                    .attempt = t->row.attempt};
    const struct attempt *a = attempt_by_key(n->exec, &key);

    if (t->row.state != TASK_RUNNING || !a || a->state != ATTEMPT_RUNNING)
        return;
    if (is_stopped(r, ft))
        sim_check(a->stop_sent, "I13: %s was not told to stop", a->id);
    if (sim.now - TELL_US >= open_reset_since(r, t))
        sim_check(a->stop_sent, "I32: %s was not told to stop, and begins again",
                  a->id);
}

/* A run inside one that was stopped is stopped as well, when both are loaded; the lane
 * that asks how it stands loads others, too. */
#define TELL_INNER_US (20 * UNITS_SECOND)

static void check_inner_told(const struct sim_node *n, const struct mirror_run *r,
                             const struct mirror_task *t)
{
    const struct flow_task *ft = &r->flow->tasks[NODE_TASK(t->row.node)];

    if (sim.o.lane_us > 1000 || t->row.state != TASK_RUNNING ||
        t->row.items != MODEL_NULL || !is_inner(ft) ||
        sim.now - TELL_INNER_US < n->calm_since ||
        !((is_stopped(r, ft) && sim.now - TELL_INNER_US >= r->stopped_at) ||
          sim.now - TELL_INNER_US >= open_reset_since(r, t)))
        return;
    const struct mirror_run *inner = mirror_child(r, t->row.node, t->row.attempt);
    sim_check(run_state_final(inner->row.state) || inner->row.cancel != CANCEL_NONE,
              "I13: run %lld was not told to stop with run %lld", (long long)inner->no,
              (long long)r->no);
}

/* A lane that is slow loads runs late. */
static void check_served(void)
{
    int64_t calm_since = 0;

    if (!sim_is_calm() || sim.o.lane_us > 1000 || !nodes_lead_all())
        return;
    for (int i = 0; i < sim.o.n_nodes; i++) {
        if (!leads(&sim_nodes[i]))
            continue;
        if (sim_loop_is_paused(sim_nodes[i].loop))
            return;
        if (sim_nodes[i].calm_since > calm_since)
            calm_since = sim_nodes[i].calm_since;
    }
    wait_check_served(calm_since);
    pause_check_inner(calm_since);
}

static void check_stops(const struct sim_node *n)
{
    void *run, *task;

    if (sim.now - TELL_US < n->calm_since || !sim_is_calm() ||
        sim_loop_is_paused(n->loop))
        return;
    for (size_t i = 0; map_next(&mirror.runs, &i, &run);) {
        const struct mirror_run *r = run;
        if (!r->open || (!r->stopped_at && !r->open_reset) ||
            lead_owner(r->tenant) != n->no)
            continue;
        for (size_t k = 0; map_next(&r->tasks, &k, &task);) {
            check_told(n, r, task);
            check_inner_told(n, r, task);
        }
    }
}

/* A run of which nothing is under way holds one slot for each of its RUNNING rows. */
static void check_live(const struct live *l)
{
    const struct mirror_run *r = mirror_run(l->no);

    if (!r || !l->run || l->busy || l->loading || l->inputs.n > 0 || l->applied.n > 0)
        return;
    sim_check(l->granted == running(r), "I17: run %lld holds %lld slots, %lld rows run",
              (long long)l->no, (long long)l->granted, (long long)running(r));
}

static void check_leader(const struct sim_node *n)
{
    const struct control *c = n->control;
    void *value;

    sim_check(granted(c) + sched_free_slots(c->sched) == sim.o.slots,
              "I17: %lld slots granted, %lld free, of %lld", (long long)granted(c),
              (long long)sched_free_slots(c->sched), (long long)sim.o.slots);
    check_fair(c);
    /* A commit that arrives late is behind the back of whoever leads. */
    if (sim.o.store_doubt > 0 || !lead_leads_any(n->no) || sim.n_events % 16 != 0)
        return;
    for (size_t i = 0; map_next(&c->lives, &i, &value);)
        check_live(value);
    check_stops(n);
}

void check_memory(void)
{
    for (int i = 0; i < sim.o.n_nodes; i++)
        if (leads(&sim_nodes[i]))
            check_leader(&sim_nodes[i]);
    if (sim.o.store_doubt == 0 && sim.n_events % 16 == 0)
        check_served();
}

static bool nobody_died(void)
{
    const struct sim_options *o = &sim.o;

    return !o->hosts && !o->crash_us && !o->pause_us && !o->drain_us &&
           !o->store_fatal && !o->store_conflict && !o->store_doubt;
}

static void check_leader_end(const struct sim_node *n)
{
    const struct control *c = n->control;
    sim_check(c->lives.n == 0, "%zu runs are in memory in the end", c->lives.n);
    sim_check(sched_waiting(c->sched) == 0, "%lld nodes wait in the end",
              (long long)sched_waiting(c->sched));
    sim_check(sched_free_slots(c->sched) == sim.o.slots, "I17: %lld of %lld slots free",
              (long long)sched_free_slots(c->sched), (long long)sim.o.slots);
    sim_check(c->timers.n == 0, "%zu timers are set in the end", c->timers.n);
    sim_check(c->posts.n == 0, "I16: signals of %zu runs are in memory in the end",
              c->posts.n);
    sim_check(n->exec->by_key.n == 0, "I16: %zu attempts are in memory in the end",
              n->exec->by_key.n);
    sim_check(n->exec->stops.n == 0, "I16: %zu stops are in memory in the end",
              n->exec->stops.n);
    sim_check(n->unsettled.n == 0, "%zu results were never settled", n->unsettled.n);
}

void check_memory_end(void)
{
    sim_check(nodes_lead_all(), "I6: nobody leads in the end");
    for (int i = 0; i < sim.o.n_nodes; i++)
        if (leads(&sim_nodes[i]))
            check_leader_end(&sim_nodes[i]);
    if (nobody_died())
        sim_check(runtime_sim_known() == 0, "%zu attempts were never released",
                  runtime_sim_known());
}
