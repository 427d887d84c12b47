/* world.c - one seed: a time of faults, then all heals, and everything must come to its
 * end and leave nothing behind. */
#include "sim.h"

#define SECOND     UNITS_SECOND
#define STUCK_US   (240 * SECOND) /* longer than anything may take without faults */
#define SETTLE_US  (40 * SECOND)  /* the last sweep */
#define IDLE_US    (600 * SECOND)
#define MAX_EVENTS 5000000 /* I19: more is a hot loop */

struct sim sim;

uint64_t sim_rand(enum stream s, uint64_t n)
{
    return rand_below(&sim.streams[s], n);
}

int64_t sim_between(enum stream s, int64_t low, int64_t high)
{
    return low + (int64_t)sim_rand(s, (uint64_t)(high - low) + 1);
}

bool sim_chance(enum stream s, int64_t permille)
{
    return permille > 0 && (int64_t)sim_rand(s, 1000) < permille;
}

bool sim_is_calm(void)
{
    const struct sim_options *o = &sim.o;

    return !sim.faults || (!o->store_stall && !o->store_busy && !o->store_down &&
                           !o->store_doubt && !o->store_conflict && !o->read_down);
}

static void heal(void *arg)
{
    (void)arg;
    sim_trace("faults are over");
    sim.faults = false;
    sim.healed_at = sim.progress_at = sim.now;
    nodes_heal();
    client_schedule_calm();
}

static bool is_over(void)
{
    return !sim.faults && client_is_done() && mirror.n_open == 0 &&
           mirror.n_inbox == 0 && store_sim_quiet() && nodes_lead_all() &&
           schedule_is_over();
}

static void step(void)
{
    sim_check(sim_step(), "I6: nothing more will happen");
    check_memory();
    lead_check();
    schedule_check_now();
    sim_check(sim.n_events < MAX_EVENTS, "I19: it does not come to rest");
}

static void lead(void)
{
    while (!is_over()) {
        step();
        sim_check(sim.faults || sim.now - sim.progress_at < STUCK_US,
                  "I6: stuck with %lld open runs and %lld messages",
                  (long long)mirror.n_open, (long long)mirror.n_inbox);
    }
}

static void pass(int64_t us)
{
    const int64_t until = sim.now + us;

    while (sim_next_at() <= until)
        step();
    sim.now = until;
}

/* An idle owner does nothing. */
static void check_idle(void)
{
    const struct sim_node *n = nodes_owner();
    /* Tenants that one could not give away before may go now. */
    if (sim.o.joins)
        return;
    const uint64_t before = sim_loop_events(n->loop);

    pass(IDLE_US);
    sim_check(nodes_owner() == n, "the owner changes, and there are no faults");
    sim_check(sim.o.hosts || sim_loop_events(n->loop) == before,
              "an idle owner did %llu things",
              (unsigned long long)(sim_loop_events(n->loop) - before));
}

void sim_run(void)
{
    sim.hash = UINT64_C(0xcbf29ce484222325);
    sim.faults = true;
    store_sim_init();
    client_open();
    client_set_up();
    nodes_boot();
    client_plan();
    sim_at(NULL, sim.o.faults_us, heal, NULL);
    lead();
    pass(SETTLE_US);
    while (sim.o.joins && !nodes_lead_all()) /* one is taking what it was given */
        step();
    client_check();
    check_memory_end();
    schedule_check_end();
    large_check_end();
    store_sim_check_end();
    sim_check(runtime_sim_strays() || runtime_sim_running() == 0,
              "%zu processes run in the end", runtime_sim_running());
    check_idle();
    lead_check_end();
    store_sim_done();
}
