/* client.c - those who submit runs and ask for cancels, through the same code as the
 * command line (core/node/submit.c); and what was promised to them. */
#include "sim.h"

#include "node/node_priv.h"

#include <string.h>

#define SECOND       UNITS_SECOND
#define IMPATIENT_US (100 * 1000)

enum what { SUBMIT, CANCEL, RESET, SIGNAL, RESET_OPEN, PAUSE, CLEAR, REUSE, SCHEDULE };

struct act {
    enum what what;
    bool done;
    int64_t at;
};

/* A cancel that was acknowledged. */
struct promise {
    int64_t run;
    enum cancel_mode mode;
    bool was_final;
};

static struct node client; /* only its loop and store are used */
static struct {
    struct act *items;
    size_t n, cap;
} acts;
static struct {
    int64_t *items;
    size_t n, cap;
} submitted; /* numbers of acknowledged runs */
static struct {
    struct promise *items;
    size_t n, cap;
} promises;
static bool acting;

struct node *client_node(void)
{
    return &client;
}

void client_open(void)
{
    struct ff_err err = {0};

    client.loop = loop_new(&err);
    node_numbers_init(&client);
    sim_loop_init(client.loop, SIM_CLIENT, 0);
    sim_opening(SIM_CLIENT, client.loop);
    client.store_driver = driver_instance_new(
        driver_from(sim.o.hosts ? &store_hosts_driver : &store_sim_driver, &err),
        client.loop, NULL, "store", &err);
    client.store = store_open(client.loop, client.store_driver, &err);
    if (!client.store)
        sim_fail("the client cannot open the store: %s", err.msg);
}

struct flow *client_parse(const char *source)
{
    struct flow_problems problems = {0};
    struct flow *f = flow_parse(source, strlen(source), &problems);

    if (!f)
        sim_fail("the generated workflow is wrong: line %d: %s (%s)\n%s",
                 problems.items[0].line, problems.items[0].msg, problems.items[0].at,
                 source);
    flow_problems_done(&problems);
    return f;
}

void client_knock(void *arg)
{
    (void)arg;
    nodes_wake();
}

void client_knock_after(int code)
{
    if (code != FF_OK)
        sim_at(NULL, 5 * SECOND, client_knock, NULL);
    nodes_wake();
}

/* --- submit --- */

void client_submitted(int code, int64_t run)
{
    if (code != FF_OK) {
        sim_at(NULL, 5 * SECOND, client_knock,
               NULL); /* it would ask what became of it */
        return;
    }
    sim_check(mirror_run(run), "I10: run %lld is acknowledged and not stored",
              (long long)run);
    ARRAY_ADD(&submitted, run);
    nodes_wake();
}

/* A new one, or that of the run before: what it does may be known already. */
static char *next_source(void)
{
    static char *last;

    if (last && sim_chance(RAND_CLIENT, sim.o.same_again))
        return mem_text(last);
    mem_free(last);
    last = flow_gen();
    return mem_text(last);
}

static void submit(void)
{
    const struct tenant tenant = {1 + (int64_t)sim_rand(RAND_CLIENT, 2)};
    char *source = next_source();
    struct flow_problems problems = {0};
    struct flow *f = client_parse(source);
    char id[ID_TEXT];
    struct ff_err err = {0};
    int64_t run = 0;
    json_t *inputs = flow_inputs(f, NULL, false, &problems);
    const struct node_submit what = {
        .source = source,
        .source_len = strlen(source),
        .dir = "/",
        .workflow = f->name,
        .hash = f->hash,
        .inputs = inputs,
        .flow = f,
        .priority = (int64_t)sim_rand(RAND_CLIENT, 5) - 2,
    };
    const int code = node_submit(&client, tenant, &what, id, &run, &err);
    sim_trace("submit: run %lld of tenant %lld: %d", (long long)run,
              (long long)tenant.no, code);
    if (sim.verbose)
        fprintf(stderr, "%s\n", source);
    client_submitted(code, run);
    if (code == FF_OK)
        client_made(tenant, id, run);
    json_decref(inputs);
    flow_problems_done(&problems);
    flow_unref(f);
    mem_free(source);
}

/* --- cancel --- */

static void promise(int64_t run, enum cancel_mode mode, bool was_final)
{
    const struct promise p = {.run = run, .mode = mode, .was_final = was_final};

    ARRAY_ADD(&promises, p);
}

struct asked {
    struct list link;
    int64_t run;
    enum cancel_mode mode;
    const struct sim_node *node; /* that was asked, in this life of it */
    uint64_t life;
};

static struct list unanswered = {&unanswered, &unanswered};

static void asked_done(struct asked *asked)
{
    list_del(&asked->link);
    mem_free(asked);
}

/* Only a death excuses. */
static void check_answered(void)
{
    for (const struct list *at = unanswered.next; at != &unanswered; at = at->next) {
        const struct asked *asked = LIST_OF(at, struct asked, link);
        sim_check(asked->node->life != asked->life,
                  "I10: the cancel of run %lld was never answered by process %d",
                  (long long)asked->run, asked->node->no);
    }
}

static void on_cancelled(void *arg, int code, size_t failed, const struct ff_err *err)
{
    struct asked *asked = arg;
    const struct mirror_run *r = mirror_run(asked->run);

    (void)failed;
    (void)err;
    sim_trace("cancel of run %lld: %d", (long long)asked->run, code);
    if (code == FF_OK) {
        sim_check(run_state_final(r->row.state) || r->n_ends > 0 ||
                      r->row.cancel >= (int64_t)asked->mode,
                  "I10: the cancel of run %lld is acknowledged and not stored",
                  (long long)asked->run);
        promise(asked->run, asked->mode, false);
    }
    if (code == FF_NOT_FOUND)
        sim_seen(SEEN_CANCEL_OVER);
    sim_check(
        code != FF_CANCELLED || asked->node->phase != NODE_OWNER,
        "I10: the cancel of run %lld is dropped by who leads, and nobody told why",
        (long long)asked->run);
    asked_done(asked);
}

struct direct {
    struct sim_node *node;
    struct tenant tenant;
    struct asked asked;
};

static void cancel_there(void *arg)
{
    struct direct *d = arg;
    struct asked *asked = mem_alloc(sizeof(*asked));

    *asked = d->asked;
    asked->node = d->node;
    asked->life = d->node->life;
    list_add_tail(&unanswered, &asked->link);
    sim_seen(SEEN_CANCEL_DIRECT);
    if (d->node->phase == NODE_OWNER)
        control_cancel(d->node->control, d->tenant, asked->run, asked->mode,
                       on_cancelled, asked);
    else
        asked_done(asked);
    mem_free(d);
}

static void cancel_direct(const struct mirror_run *r, enum cancel_mode mode)
{
    struct sim_node *owner = nodes_owner_of(r->tenant);
    const int times = sim_chance(RAND_LATER, 300) ? 3 : 1; /* they are impatient */

    for (int i = 0; i < times; i++) {
        struct direct *d = mem_alloc(sizeof(*d));
        *d = (struct direct){
            .node = owner, .tenant = r->tenant, .asked = {.run = r->no, .mode = mode}};
        sim_at(owner->loop, i * IMPATIENT_US, cancel_there, d);
    }
}

static void cancel_by_row(const struct mirror_run *r, enum cancel_mode mode)
{
    struct ff_err err;
    const struct run_row row = {.tenant = r->tenant.no, .run = r->no};
    const bool was_final = run_state_final(r->row.state);
    const int code = node_leave_cancel(&client, r->tenant, &row, mode, &err);

    sim_trace("cancel of run %lld left: %d", (long long)r->no, code);
    if (code != FF_OK) {
        sim_at(NULL, 5 * SECOND, client_knock, NULL);
        return;
    }
    sim_seen(SEEN_CANCEL_INBOX);
    promise(r->no, mode, was_final);
    nodes_wake();
}

void client_kill(const struct mirror_run *r)
{
    cancel_by_row(r, CANCEL_KILL);
}

const struct mirror_run *client_any_run(void)
{
    size_t left = mirror.runs.n > 0 ? sim_rand(RAND_CLIENT, mirror.runs.n) : 0;
    void *value = NULL;

    for (size_t i = 0; map_next(&mirror.runs, &i, &value);)
        if (left-- == 0)
            break;
    return value;
}

static void cancel(void)
{
    const struct mirror_run *r = client_any_run();
    const enum cancel_mode mode =
        sim_chance(RAND_CLIENT, 300) ? CANCEL_KILL : CANCEL_GRACEFUL;
    const bool direct = sim_chance(RAND_CLIENT, 500);

    if (!r)
        return;
    if (direct && nodes_owner_of(r->tenant))
        cancel_direct(r, mode);
    else
        cancel_by_row(r, mode);
}

/* --- when --- */

static void do_act(struct act *a)
{
    if (a->done)
        return;
    a->done = true;
    acting = true;
    static void (*const does[])(void) = {
        [SUBMIT] = submit,
        [CANCEL] = cancel,
        [RESET] = client_reset,
        [SIGNAL] = client_signal,
        [RESET_OPEN] = client_reset_open,
        [PAUSE] = client_pause,
        [CLEAR] = client_clear_cache,
        [REUSE] = client_reuse,
        [SCHEDULE] = client_schedule_act,
    };
    does[a->what]();
    acting = false;
}

static void on_due(void *arg)
{
    do_act(&acts.items[(size_t)(uintptr_t)arg]);
}

/* Whatever is due soonest happens while somebody else reads. */
void client_act_now(void)
{
    struct act *next = NULL;

    if (acting)
        return;
    for (size_t i = 0; i < acts.n; i++) {
        struct act *a = &acts.items[i];
        if (!a->done && (!next || a->at < next->at))
            next = a;
    }
    if (!next)
        return;
    const size_t before = submitted.n;
    do_act(next);
    /* And of a run that came in between, its cancel as well. */
    if (submitted.n > before && sim_chance(RAND_CLIENT, 300))
        cancel_by_row(mirror_run(submitted.items[before]), CANCEL_GRACEFUL);
}

static void plan(enum what what, int64_t within)
{
    const struct act act = {.what = what, .at = sim_between(RAND_CLIENT, 0, within)};

    sim_at(client.loop, act.at, on_due, (void *)(uintptr_t)acts.n);
    ARRAY_ADD(&acts, act);
}

void client_plan(void)
{
    for (int64_t i = 0; i < sim.o.n_runs; i++)
        plan(SUBMIT, sim.o.submit_us);
    for (int64_t i = 0; i < sim.o.cancels; i++)
        plan(CANCEL, sim.o.submit_us + 20 * SECOND);
    for (int64_t i = 0; i < sim.o.resets; i++)
        plan(RESET, sim.o.submit_us + 90 * SECOND);
    for (int64_t i = 0; i < sim.o.signals; i++)
        plan(SIGNAL, sim.o.submit_us + 30 * SECOND);
    for (int64_t i = 0; i < sim.o.open_resets; i++)
        plan(RESET_OPEN, sim.o.submit_us + 40 * SECOND);
    for (int64_t i = 0; i < sim.o.pauses; i++)
        plan(PAUSE, sim.o.submit_us + 60 * SECOND);
    for (int64_t i = 0; i < sim.o.clears; i++)
        plan(CLEAR, sim.o.submit_us + 40 * SECOND);
    for (int64_t i = 0; i < sim.o.reuses; i++)
        plan(REUSE, sim.o.submit_us + 60 * SECOND);
    client_schedule_plan();
    for (int64_t i = 0; sim.o.schedules > 0 && i < sim.o.schedule_acts; i++)
        plan(SCHEDULE, sim.o.faults_us + 20 * SECOND);
}

bool client_is_done(void)
{
    for (size_t i = 0; i < acts.n; i++)
        if (!acts.items[i].done)
            return false;
    return pause_n_queues() == 0 && client_schedule_is_done();
}

void client_check(void)
{
    for (size_t i = 0; i < submitted.n; i++)
        sim_check(mirror_run(submitted.items[i]), "I10: run %lld is gone",
                  (long long)submitted.items[i]);
    for (size_t i = 0; i < promises.n; i++) {
        const struct promise *p = &promises.items[i];
        const struct mirror_run *r = mirror_run(p->run);
        sim_check(p->was_final || run_state_final(r->row.state),
                  "I10: the cancel of run %lld had no effect", (long long)p->run);
    }
    check_answered();
}
