/* client_again.c - people who have tasks of a run begin again while it goes on, as
 * `flowforge retry` and `flowforge rerun --from` of an open run do, who begin new ones
 * with what others have done, and who clear the cache. */
#include "sim.h"

#include "node/node_priv.h"

#define SECOND UNITS_SECOND

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
    client_knock_after(code);
    arena_done(&arena);
}

/* What is kept for others is forgotten, as by `flowforge cache clear`. */
void client_clear_cache(void)
{
    const struct tenant tenant = {1 + (int64_t)sim_rand(RAND_CLIENT, 2)};
    struct ff_err err;
    int64_t n;
    const int code = node_clear_cache(client_node(), tenant, NULL, NULL, &n, &err);

    sim_trace("the cache of tenant %lld is cleared: %d", (long long)tenant.no, code);
}

/* --- a new run from an old one --- */

static void submit_from(const struct mirror_run *r, const struct run_row *row,
                        const struct workflow_row *workflow)
{
    const uint64_t task = sim_rand(RAND_CLIENT, r->flow->n_main);
    MEM_AUTO char *source = mem_text_len(workflow->source.s, workflow->source.len);
    char id[ID_TEXT];
    struct ff_err err = {0};
    int64_t run = 0;
    json_t *inputs = json_parse(row->inputs.s, row->inputs.len, &err);
    const struct node_submit what = {.source = source,
                                     .source_len = workflow->source.len,
                                     .dir = "/",
                                     .workflow = r->flow->name,
                                     .hash = r->flow->hash,
                                     .inputs = inputs,
                                     .flow = r->flow,
                                     .reuse = row,
                                     .from = r->flow->tasks[task].name};

    reuse_asked(what.from);
    const int code = node_submit(client_node(), r->tenant, &what, id, &run, &err);
    reuse_asked(NULL);
    sim_trace("run %lld from %s on of run %lld: %d", (long long)run, what.from,
              (long long)r->no, code);
    json_decref(inputs);
    client_submitted(code, run);
}

/* As `flowforge rerun --new --from TASK`, of a run that is over or not. */
void client_reuse(void)
{
    const struct mirror_run *r = client_any_run();
    struct workflow_row workflow;
    struct arena arena = {0};
    struct run_row row;
    struct ff_err err;

    if (!r || mirror_parent(r))
        return;
    int code = store_run_by_id(client_node()->store, STORE_READER_CALLER, r->tenant,
                               r->id, &arena, &row, &err);
    if (code == FF_OK)
        code = store_workflow(client_node()->store, STORE_READER_CALLER, r->tenant,
                              row.hash, &arena, &workflow, &err);
    if (code == FF_OK)
        submit_from(r, &row, &workflow);
    arena_done(&arena);
}
