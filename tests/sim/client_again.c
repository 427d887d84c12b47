/* client_again.c - people who have tasks of a run begin again while it goes on, as
 * `flowforge retry` and `flowforge rerun --from` of an open run do. */
#include "sim.h"

#include "node/node_priv.h"

#define SECOND UNITS_SECOND

static void knock(void *arg)
{
    (void)arg;
    nodes_wake();
}

static const struct mirror_run *any_open(void)
{
    for (int i = 0; i < 20; i++) {
        const struct mirror_run *r = client_any_run();
        if (r && !run_state_final(r->row.state) && !mirror_parent(r))
            return r;
    }
    return NULL;
}

static struct node_reset draw(const struct mirror_run *r)
{
    const uint64_t task = sim_rand(RAND_CLIENT, r->flow->n_main);
    const bool no_cache = sim_chance(RAND_CLIENT, 800);

    if (sim_chance(RAND_CLIENT, 300))
        return (struct node_reset){.how = NODE_RESET_FAILED};
    if (sim_chance(RAND_CLIENT, 150))
        return (struct node_reset){.how = NODE_RESET_ALL, .no_cache = no_cache};
    return (struct node_reset){.how = NODE_RESET_TASK,
                               .task = r->flow->tasks[task].name,
                               .no_cache = no_cache};
}

/* What is acknowledged is a row by then, which check_inbox.c follows. */
void client_reset_open(void)
{
    const struct mirror_run *r = any_open();
    struct arena arena = {0};
    struct run_row row;
    struct ff_err err;

    if (!r)
        return;
    const struct node_reset what = draw(r);
    const int64_t before = mirror.n_inbox;
    /* So that some come when the run is over, and others while it is being stopped. */
    const bool stops_first = sim_chance(RAND_CLIENT, 70);
    int code = store_run_by_id(client_node()->store, STORE_READER_CALLER, r->tenant,
                               r->id, &arena, &row, &err);
    if (code == FF_OK && stops_first)
        client_kill(r);
    if (code == FF_OK)
        code = node_reset(client_node(), r->tenant, &row, &what, &err);
    sim_trace("tasks of run %lld are to begin again: %d", (long long)r->no, code);
    sim_check(code != FF_OK || mirror.n_inbox > before,
              "I10: that tasks of run %lld begin again is acknowledged and not stored",
              (long long)r->no);
    if (code != FF_OK)
        sim_at(NULL, 5 * SECOND, knock, NULL); /* it may be there all the same */
    nodes_wake();
    arena_done(&arena);
}
