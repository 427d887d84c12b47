/* host_sim.c - a process of FlowForge on a host of its own, which shares the store with
 * others: core/node itself leads, follows, renews its lease and gives it up. What is
 * here stands for the server around it (core/cli/serve), and wires nothing.
 *
 * What core/node asks of other rooms passes by here where the checks want to know of
 * it, or where a file of the machine would be read. */
#include "sim.h"

#include "node/node_priv.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SECOND       UNITS_SECOND
#define AGAIN_US     SECOND /* as a server that could not have the shard after all */
#define TASK_KEY     "task.key"
#define LINK_SLOW_US (8 * SECOND)

/* --- whose is it --- */

static struct sim_node *by_control(const struct control *c)
{
    for (int i = 0; sim.o.hosts && i < sim.o.n_nodes; i++)
        if (sim_nodes[i].node && sim_nodes[i].node->control == c)
            return &sim_nodes[i];
    return NULL;
}

static struct sim_node *by_trigger(const struct trigger *t)
{
    for (int i = 0; sim.o.hosts && i < sim.o.n_nodes; i++)
        if (sim_nodes[i].node && sim_nodes[i].node->trigger == t)
            return &sim_nodes[i];
    return NULL;
}

static struct sim_node *by_exec(const struct exec *x)
{
    for (int i = 0; sim.o.hosts && i < sim.o.n_nodes; i++)
        if (sim_nodes[i].node && sim_nodes[i].node->exec == x)
            return &sim_nodes[i];
    return NULL;
}

struct sim_node *host_owner_of(struct tenant t)
{
    const int owner = lead_owner(t);
    struct sim_node *n = owner == SIM_CLIENT ? NULL : &sim_nodes[owner];

    return n && n->phase == NODE_OWNER && range_has(n->node->range, t) ? n : NULL;
}

/* --- what core/node asks of others --- */

#define WRAP(type, name, params)                                                       \
    type __real_##name params;                                                         \
    type __wrap_##name params

WRAP(void, control_result,
     (struct control * c, const struct attempt_key *key, const struct result *result));
WRAP(bool, control_cancel_loaded,
     (struct control * c, struct tenant t, int64_t run, enum cancel_mode mode));
WRAP(void, exec_settled, (struct exec * x, const struct attempt_key *key));
WRAP(void, exec_abandon,
     (struct exec * x, const struct attempt_key *key, const char *run_id,
      const char *path));
WRAP(void, trigger_wake, (struct trigger * t));
WRAP(void, trigger_run_ending,
     (struct trigger * t, const struct run_row *run, struct batch *b));
WRAP(struct driver_instance *, driver_chain_new,
     (const char *dir, const char *name, const char *filters, uint32_t kind,
      struct loop *l, const struct config *config, struct ff_err *err));
WRAP(const struct zone *, zones_find,
     (void *arg, const char *name, struct ff_err *err));
WRAP(void, node_clock_open, (struct node * n));

void __wrap_control_result(struct control *c, const struct attempt_key *key,
                           const struct result *result)
{
    struct sim_node *n = by_control(c);

    if (n)
        node_sim_result(n, key, result);
    __real_control_result(c, key, result);
}

bool __wrap_control_cancel_loaded(struct control *c, struct tenant t, int64_t run,
                                  enum cancel_mode mode)
{
    const struct sim_node *n = by_control(c);

    if (n)
        schedule_cancels(n, run);
    return __real_control_cancel_loaded(c, t, run, mode);
}

void __wrap_exec_settled(struct exec *x, const struct attempt_key *key)
{
    struct sim_node *n = by_exec(x);
    char text[ATTEMPT_KEY_TEXT];

    attempt_key_text(key, text);
    if (n)
        map_del_text(&n->unsettled, text);
    __real_exec_settled(x, key);
}

void __wrap_exec_abandon(struct exec *x, const struct attempt_key *key,
                         const char *run_id, const char *path)
{
    (void)x;
    (void)key;
    sim_fail("%s of run %s is given up: its rows make no sense", path, run_id);
}

void __wrap_trigger_wake(struct trigger *t)
{
    struct sim_node *n = by_trigger(t);

    if (n)
        n->heard_at = mirror.n_commits;
    __real_trigger_wake(t);
}

void __wrap_trigger_run_ending(struct trigger *t, const struct run_row *run,
                               struct batch *b)
{
    const struct sim_node *n = by_trigger(t);

    __real_trigger_run_ending(t, run, b);
    if (n)
        schedule_run_ends(n, run, b);
}

/* Drivers of the simulation are no files. */
struct driver_instance *__wrap_driver_chain_new(const char *dir, const char *name,
                                                const char *filters, uint32_t kind,
                                                struct loop *l,
                                                const struct config *config,
                                                struct ff_err *err)
{
    const struct ff_driver *d = kind == FF_QUEUE ? &queue_sim_driver : &blob_sim_driver;

    (void)dir;
    (void)filters;
    (void)config;
    sim_check(kind == FF_QUEUE || kind == FF_BLOB, "a driver of kind %u", kind);
    return driver_instance_new(driver_from(d, err), l, NULL, name, err);
}

/* Files of zones differ from host to host. */
const struct zone *__wrap_zones_find(void *arg, const char *name, struct ff_err *err)
{
    (void)arg;
    (void)name;
    (void)err;
    return zone_utc;
}

/* The clocks of hosts are not the machine's. */
void __wrap_node_clock_open(struct node *n)
{
    (void)n;
}

/* --- one process --- */

static void must(int code, const struct ff_err *err)
{
    if (code != FF_OK)
        sim_fail("a process cannot start: %s", err->msg);
}

/* A host keeps its directory when its processes die. */
static char *make_data_dir(const struct sim_node *n)
{
    char name[16];
    MEM_AUTO char *key = file_join(sim.data_dir, TASK_KEY);

    snprintf(name, sizeof(name), "host%d", n->no);
    MEM_AUTO char *dir = file_join(sim.data_dir, name);
    if (file_make_dirs(dir, 0700) != 0)
        sim_fail("%s cannot be made", dir);
    MEM_AUTO char *own_key = file_join(dir, TASK_KEY);
    if (link(key, own_key) != 0 && errno != EEXIST)
        sim_fail("%s cannot be made", own_key);
    return file_real(dir);
}

static struct node *make_node(const struct sim_node *n)
{
    struct node *node = mem_alloc(sizeof(*node));
    struct ff_err err = {0};

    *node = (struct node){
        .loop = n->loop,
        .lock_fd = -1,
        .clock_fd = -1,
        .settings = {.slots = sim.o.slots,
                     .sdk = "/",
                     .queue = "queue",
                     .blob = "blob",
                     .artifact_max_bytes = INT64_C(1) << 20},
        .auth = {.task_token_us = INT64_C(24) * 3600 * SECOND},
        .data_dir = make_data_dir(n),
        .files_dir = file_real(sim.data_dir),
        .socket = mem_text("/nowhere"),
        .given_runtime = driver_from(&runtime_sim_driver, &err),
    };
    node->lease.joins = sim.o.joins;
    node_numbers_init(node);
    node_open_runs_init(node);
    node->store_driver = driver_instance_new(driver_from(&store_hosts_driver, &err),
                                             n->loop, NULL, "store", &err);
    node->store =
        node->store_driver ? store_open(n->loop, node->store_driver, &err) : NULL;
    must(node->store ? FF_OK : err.code, &err);
    return node;
}

static void note_parts(struct sim_node *n)
{
    n->control = n->node ? n->node->control : NULL;
    n->exec = n->node ? n->node->exec : NULL;
    n->trigger = n->node ? n->node->trigger : NULL;
}

static void may_lead(void *arg);

static void follow(struct sim_node *n, int64_t pause_us)
{
    struct ff_err err = {0};

    n->phase = NODE_STANDBY;
    sim_opening(n->no, n->loop);
    must(node_follow(n->node, pause_us, may_lead, n, &err), &err);
}

static void leads_no_more(void *arg)
{
    struct sim_node *n = arg;

    node_disown(n->node);
    sim_trace("process %d follows", n->no);
    map_done(&n->unsettled);
    n->unsettled = (struct map){0};
    note_parts(n);
    follow(n, 0);
}

static void step_down(void *arg)
{
    struct sim_node *n = arg;

    if (n->phase != NODE_OWNER)
        return;
    n->phase = NODE_DRAINING;
    sim_apart(n->loop, leads_no_more, n);
}

static void on_fatal(void *arg, const struct ff_err *err)
{
    struct sim_node *n = arg;

    if (err->code != FF_DENIED) {
        node_sim_fatal(n, err);
        return;
    }
    sim_trace("process %d has lost the lead: %s", n->no, err->msg);
    sim_seen(strstr(err->msg, "not renewed") ? SEEN_LEASE_LOST : SEEN_LEASE_DENIED);
    sim_at(n->loop, 0, step_down, n);
}

static void leads(struct sim_node *n)
{
    sim_trace("process %d leads: epoch %lld", n->no,
              (long long)store_get_fence(n->node->store).epoch);
    n->phase = NODE_OWNER;
    n->calm_since = sim.now;
    n->heard_at = mirror.n_commits;
    note_parts(n);
}

static void try_to_lead(void *arg)
{
    struct sim_node *n = arg;
    const struct control_listener listener = {.arg = n, .fatal = on_fatal};
    struct ff_err err = {0};

    if (n->phase != NODE_STANDBY)
        return;
    sim_opening(n->no, n->loop);
    const int code = node_own(n->node, &listener, NULL, &err);
    if (code == FF_OK) {
        leads(n);
        return;
    }
    sim_trace("process %d does not lead: %d", n->no, code);
    if (code == FF_FATAL)
        node_sim_fatal(n, &err);
    else if (code != FF_BUSY && code != FF_UNAVAILABLE && code != FF_FULL &&
             code != FF_CONFLICT && code != FF_IN_DOUBT)
        must(code, &err);
    else
        follow(n, AGAIN_US);
}

static void may_lead(void *arg)
{
    struct sim_node *n = arg;

    sim_at(n->loop, 0, try_to_lead, n);
}

void host_open(struct sim_node *n)
{
    sim_opening(n->no, n->loop);
    n->node = make_node(n);
    n->store = n->node->store;
    note_parts(n);
    follow(n, 0);
}

static void end(void *arg)
{
    struct sim_node *n = arg;

    node_follow_no_more(n->node);
    node_close(n->node);
    n->node = NULL;
    note_parts(n);
    node_sim_ended(n);
}

void host_drain(struct sim_node *n)
{
    if (!n->node || (n->phase != NODE_OWNER && n->phase != NODE_STANDBY))
        return;
    sim_trace("process %d is told to end", n->no);
    if (n->phase == NODE_STANDBY)
        sim_seen(SEEN_LEFT_FOLLOWING);
    n->phase = NODE_DRAINING;
    sim_apart(n->loop, end, n);
}

/* The kernel lets go of the lock; all else is simply left in memory. */
void host_crash(struct sim_node *n)
{
    if (n->node && n->node->lock_fd >= 0)
        close(n->node->lock_fd);
    n->node = NULL;
    note_parts(n);
}

/* --- what happens between hosts and the store --- */

static int64_t next_in(int64_t mean)
{
    return sim_between(RAND_HOSTS, 0, 2 * mean);
}

int64_t host_link_delay(void)
{
    if (!sim.o.hosts || !sim.faults || !sim_chance(RAND_HOSTS, sim.o.link_slow))
        return 0;
    sim_seen(SEEN_LINK_SLOW);
    return sim_between(RAND_HOSTS, 0, LINK_SLOW_US);
}

/* The one that leads has more to lose. */
static void plague_link(void *arg)
{
    const struct sim_node *n = nodes_owner();

    (void)arg;
    if (!sim.faults)
        return;
    if (!n || sim_chance(RAND_HOSTS, 300))
        n = &sim_nodes[sim_rand(RAND_HOSTS, (uint64_t)sim.o.n_nodes)];
    sim_trace("process %d does not reach the store", n->no);
    sim_seen(SEEN_LINK_CUT);
    store_sim_cut(n->no, sim_between(RAND_HOSTS, SECOND / 10, 15 * SECOND));
    sim_at(NULL, next_in(sim.o.link_us), plague_link, NULL);
}

static void plague_store_clock(void *arg)
{
    (void)arg;
    if (!sim.faults)
        return;
    sim_trace("the clock of the store is set");
    sim_seen(SEEN_STORE_CLOCK_SET);
    store_sim_set_clock(sim_between(RAND_HOSTS, -600 * SECOND, 600 * SECOND));
    sim_at(NULL, next_in(sim.o.store_clock_us), plague_store_clock, NULL);
}

void hosts_begin(void)
{
    if (sim.o.link_us > 0)
        sim_at(NULL, next_in(sim.o.link_us), plague_link, NULL);
    if (sim.o.store_clock_us > 0)
        sim_at(NULL, next_in(sim.o.store_clock_us), plague_store_clock, NULL);
}
