/* client_wait.c - people and programs that tell of events: by a signal to one run,
 * also before anything waits for it, or by an event to all. Not all of what they say is
 * what a task waits for, and who is not heard says it again. Each message carries a
 * number of its own, by which check_wait.c knows it. */
#include "sim.h"

#include "node/node_priv.h"

#include <string.h>

#define SECOND UNITS_SECOND

static int64_t n_told;

/* --- what is told --- */

static json_t *new_data(bool ok)
{
    n_told++;
    if (!ok && sim_chance(RAND_CLIENT, 300))
        return json_pack("[I]", (json_int_t)n_told); /* of another shape */
    return json_pack("{sI sb}", "n", (json_int_t)n_told, "ok", ok);
}

/* Whoever asks for a run finds its row first. */
static int signal_row(const struct mirror_run *r, const struct node_event *e)
{
    struct arena arena = {0};
    struct run_row row;
    struct ff_err err;
    int code = store_run_by_id(client_node()->store, STORE_READER_CALLER, r->tenant,
                               r->id, &arena, &row, &err);

    if (code == FF_OK)
        code = node_signal(client_node(), r->tenant, &row, e, &err);
    arena_done(&arena);
    return code;
}

/* By somebody whose run it is not: he finds no row of it, but may know its number. */
static int signal_foreign(const struct mirror_run *r, const struct node_event *e)
{
    const struct tenant other = {3 - r->tenant.no};
    const struct run_row row = {.tenant = r->tenant.no, .run = r->no};
    struct ff_err err;
    json_t *body = json_pack("{ss sO}", "name", e->name, "data", e->data);
    const int code =
        node_leave_signal(client_node(), other, &row, SIGNAL_KEPT, body, &err);

    json_decref(body);
    return code;
}

/* Mistakes are faults, too: when those are over a few must not follow one another for
 * longer than a run may take. */
static bool mistakes(int64_t permille)
{
    return sim_chance(RAND_CLIENT, permille) && sim.faults;
}

static void tell_run(const struct mirror_run *r, const struct node_event *e)
{
    const bool foreign = !mirror_parent(r) && mistakes(50);
    const int64_t n = n_told;
    const int code = foreign ? signal_foreign(r, e) : signal_row(r, e);

    sim_trace("signal %lld %s %s to run %lld: %d", (long long)n, e->name,
              e->key ? e->key : "-", (long long)r->no, code);
    sim_check(code != FF_OK || wait_is_told(n),
              "I29: signal %lld to run %lld is acknowledged and not stored",
              (long long)n, (long long)r->no);
    client_knock_after(code);
}

static void tell_all(struct tenant t, const struct node_event *e)
{
    const int64_t expected = wait_count(t, e->name, e->key);
    struct node_event_told told;
    struct ff_err err;
    const int code = node_event(client_node(), t, e, &told, &err);

    sim_trace("event %lld %s %s of tenant %lld: %d", (long long)n_told, e->name,
              e->key ? e->key : "-", (long long)t.no, code);
    sim_check(code != FF_OK || told.tasks == expected,
              "I29: event %lld is told to %lld tasks, and %lld wait for it",
              (long long)n_told, (long long)told.tasks, (long long)expected);
    sim_check(code != FF_OK || expected == 0 || wait_is_told(n_told),
              "I29: event %lld is acknowledged and not stored", (long long)n_told);
    client_knock_after(code);
}

static void tell(const struct mirror_run *r, const char *name, const char *key)
{
    const bool one = sim_chance(RAND_CLIENT, 600);
    json_t *data = new_data(!mistakes(300));
    const struct node_event e = {.name = name, .key = key, .data = data};

    if (one)
        tell_run(r, &e);
    else
        tell_all(r->tenant, &e);
    json_decref(data);
}

/* --- unasked --- */

void client_signal(void)
{
    static const char *const names[] = {"ping", "pong"};
    static const char *const keys[] = {NULL, "k0", "k1", "k2", "magic"};
    const struct mirror_run *r = client_any_run();
    const char *name = names[sim_rand(RAND_CLIENT, COUNT_OF(names))];
    const char *key = keys[sim_rand(RAND_CLIENT, COUNT_OF(keys))];

    if (r && !run_state_final(r->row.state))
        tell(r, name, key);
}

/* --- to a task that waits --- */

struct teller {
    int64_t run, node, attempt;
    bool patient; /* what was told before must do, if it fits */
};

static void tell_task(const struct mirror_run *r, const struct mirror_task *t)
{
    const struct flow_await *await = r->flow->tasks[NODE_TASK(t->row.node)].work->await;
    json_t *key = wait_key(r, t);
    const char *other = sim_chance(RAND_CLIENT, 500) ? "other" : NULL;
    const bool right = !mistakes(150);

    /* What any key will do for is told without one, or with any. */
    tell(r, await->name, right && key ? json_string_value(key) : other);
    json_decref(key);
}

static void on_tell(void *arg)
{
    struct teller *teller = arg;
    const struct mirror_run *r = mirror_run(teller->run);
    const struct mirror_task *t = mirror_task(r, teller->node);

    if (t->row.state != TASK_SUSPENDED || t->row.attempt != teller->attempt) {
        mem_free(teller);
        return;
    }
    tell_task(r, t);
    if (sim_chance(RAND_CLIENT, 200))
        tell_task(r, t);
    sim_at(NULL, sim_between(RAND_CLIENT, SECOND, (teller->patient ? 60 : 15) * SECOND),
           on_tell, teller);
}

void client_await(const struct mirror_run *r, const struct mirror_task *t)
{
    struct teller *teller;

    if (t->row.due_at != MODEL_NULL && sim_chance(RAND_CLIENT, 300))
        return; /* nobody tells it */
    teller = mem_alloc(sizeof(*teller));
    *teller = (struct teller){.run = r->no,
                              .node = t->row.node,
                              .attempt = t->row.attempt,
                              .patient = sim_chance(RAND_CLIENT, 300)};
    sim_at(NULL, sim_between(RAND_CLIENT, 0, 15 * SECOND), on_tell, teller);
}
