/* client_people.c - people beside those of client.c: who set up what workflows need,
 * who decide where a task waits for that, and who open runs again that are over. */
#include "sim.h"

#include "node/node_priv.h"

#include <string.h>

#define SECOND UNITS_SECOND

/* --- before all --- */

static void apply_kid(struct tenant tenant, const char *source)
{
    struct flow *f = client_parse(source);
    struct node_applied applied;
    struct ff_err err;

    const struct node_apply what = {
        .source = source, .source_len = strlen(source), .dir = "/", .flow = f};
    if (node_apply(client_node(), tenant, &what, &applied, &err) != FF_OK)
        sim_fail("a workflow cannot be applied: %s", err.msg);
    flow_unref(f);
}

static void set_limit(struct tenant tenant, const char *name, int64_t size)
{
    struct ff_err err;

    if (node_set_limit(client_node(), tenant, name, size, &err) != FF_OK)
        sim_fail("a limit cannot be set: %s", err.msg);
}

void client_set_up(void)
{
    const bool faults = sim.faults;

    sim.faults = false;
    for (int i = 0; i < SIM_KIDS; i++) {
        MEM_AUTO char *source = flow_gen_kid(i);
        if (sim.verbose)
            fprintf(stderr, "%s\n", source);
        apply_kid((struct tenant){1}, source);
        apply_kid((struct tenant){2}, source);
    }
    for (int64_t tenant = 1; tenant <= 2; tenant++) {
        if (sim_chance(RAND_CLIENT, 500))
            set_limit((struct tenant){tenant}, "gpu", sim_between(RAND_CLIENT, 1, 3));
        set_limit((struct tenant){tenant}, "db", sim_between(RAND_CLIENT, 2, 4));
    }
    fair_set_up();
    sim.faults = faults;
}

/* --- decisions --- */

struct gate {
    int64_t run, node;
};

static json_t *body_of(const struct mirror_run *r, int64_t node)
{
    const struct flow_task *t = &r->flow->tasks[NODE_TASK(node)];
    json_t *body = json_pack("{ss ss}", "task", t->name, "by", "ada");

    if (NODE_ITEM(node) >= 0)
        json_object_set_new(body, "item", json_integer(NODE_ITEM(node)));
    if ((t->work->approve->n_inputs > 0) != sim_chance(RAND_CLIENT, 100))
        json_object_set_new(body, "inputs", json_pack("{si}", "n", 7));
    return body;
}

static void tell(const struct mirror_run *r, int64_t node, const char *word)
{
    const struct tenant other = {3 - r->tenant.no};
    const struct tenant tenant = sim_chance(RAND_CLIENT, 50) ? other : r->tenant;
    const struct run_row row = {.tenant = r->tenant.no, .run = r->no};
    struct ff_err err;
    json_t *body = body_of(r, node);
    const int code = node_leave_signal(client_node(), tenant, &row, word, body, &err);

    sim_trace("%s run %lld node %lld: %d", word, (long long)r->no, (long long)node,
              code);
    json_decref(body);
    client_knock_after(code);
}

/* Until something comes of it. */
static void decide(void *arg)
{
    struct gate *g = arg;
    const struct mirror_run *r = mirror_run(g->run);
    const struct mirror_task *t = mirror_task(r, g->node);
    const bool approves = sim_chance(RAND_CLIENT, 700);

    if (t->row.state != TASK_SUSPENDED) {
        mem_free(g);
        return;
    }
    tell(r, g->node, approves ? "approve" : "reject");
    if (sim_chance(RAND_CLIENT, 200))
        tell(r, g->node, approves ? "reject" : "approve");
    sim_at(NULL, sim_between(RAND_CLIENT, SECOND, 15 * SECOND), decide, g);
}

void client_gate(const struct mirror_run *r, const struct mirror_task *t)
{
    struct gate *g;

    if (t->row.due_at != MODEL_NULL && sim_chance(RAND_CLIENT, 300))
        return; /* nobody decides */
    g = mem_alloc(sizeof(*g));
    *g = (struct gate){.run = r->no, .node = t->row.node};
    sim_at(NULL, sim_between(RAND_CLIENT, 0, 15 * SECOND), decide, g);
}

/* --- runs again --- */

static const struct mirror_run *any_over(void)
{
    for (int i = 0; i < 20; i++) {
        const struct mirror_run *r = client_any_run();
        if (r && run_state_final(r->row.state) && !mirror_parent(r))
            return r;
    }
    return NULL;
}

void client_reset(void)
{
    const struct mirror_run *r = any_over();
    struct node_reset what = {.how = NODE_RESET_FAILED};
    struct arena arena = {0};
    struct run_row row;
    struct ff_err err;

    if (!r)
        return;
    const int64_t before = r->n_resets;
    const uint64_t task = sim_rand(RAND_CLIENT, r->flow->n_main);
    if (sim_chance(RAND_CLIENT, 400) || r->row.state == RUN_SUCCEEDED)
        what = (struct node_reset){.how = NODE_RESET_TASK,
                                   .task = r->flow->tasks[task].name};
    if (sim_chance(RAND_CLIENT, 200))
        what = (struct node_reset){.how = NODE_RESET_ALL};
    int code = store_run_by_id(client_node()->store, STORE_READER_CALLER, r->tenant,
                               r->id, &arena, &row, &err);
    if (code == FF_OK)
        code = node_reset(client_node(), r->tenant, &row, &what, &err);
    sim_trace("run %lld is opened again: %d", (long long)r->no, code);
    sim_check(code != FF_OK || r->n_resets > before,
              "I10: that run %lld begins again is acknowledged and not stored",
              (long long)r->no);
    client_knock_after(code);
    arena_done(&arena);
}
