/* node_sim.c - a process of FlowForge, wired as core/node/own.c does it: it waits for
 * the lock, takes the shard, leads its runs, and may crash, stop in order, or be paused
 * and robbed meanwhile. */
#include "sim.h"

#include <string.h>

#define SECOND UNITS_SECOND

struct sim_node sim_nodes[SIM_MAX_NODES];

static struct sim_node *lock_holder;
static struct driver *store_driver, *queue_driver, *runtime_driver, *blob_driver;

/* Who has what makes an owner, or nobody; he may not be one any more, or not yet. */
static struct sim_node *holder(void)
{
    return sim.o.hosts ? nodes_owner() : lock_holder;
}

#define FIRST_TENANT ((struct tenant){1})
#define LAST_TENANT  ((struct tenant){2})

struct sim_node *nodes_owner_of(struct tenant t)
{
    return sim.o.hosts ? host_owner_of(t) : nodes_owner();
}

bool nodes_lead_all(void)
{
    return nodes_owner_of(FIRST_TENANT) && nodes_owner_of(LAST_TENANT);
}

struct sim_node *nodes_owner(void)
{
    if (sim.o.hosts)
        return host_owner_of(FIRST_TENANT);
    return lock_holder && lock_holder->phase == NODE_OWNER ? lock_holder : NULL;
}

/* --- what the rooms tell each other --- */

static void sink_adopt(void *arg, const struct attempt_key *keys, size_t n)
{
    exec_adopt(((struct sim_node *)arg)->exec, keys, n);
}

static void sink_stop(void *arg, const struct attempt_key *key, int64_t grace_us)
{
    exec_stop(((struct sim_node *)arg)->exec, key, grace_us);
}

static void sink_settled(void *arg, const struct attempt_key *key)
{
    struct sim_node *n = arg;
    char text[ATTEMPT_KEY_TEXT];

    attempt_key_text(key, text);
    map_del_text(&n->unsettled, text);
    exec_settled(n->exec, key);
}

/* Each result is followed by a word that it is settled, sooner or later. */
static void note_result(struct sim_node *n, const struct attempt_key *key)
{
    char text[ATTEMPT_KEY_TEXT];

    attempt_key_text(key, text);
    map_set_text(&n->unsettled, text, n);
}

static int source_describe(void *arg, const struct attempt_key *key,
                           struct arena *arena, struct work *work,
                           const struct run_row **run, struct ff_err *err)
{
    return control_describe(((struct sim_node *)arg)->control, key, arena, work, run,
                            err);
}

static void source_silent(void *arg, const struct attempt_key *key)
{
    control_silent(((struct sim_node *)arg)->control, key);
}

static bool source_may_start(void *arg, const struct attempt_key *key)
{
    return control_may_start(((struct sim_node *)arg)->control, key);
}

static bool source_is_current(void *arg, const struct attempt_key *key)
{
    return control_is_current(((struct sim_node *)arg)->control, key);
}

static struct driver_instance *source_blob(void *arg, struct ff_err *err)
{
    struct sim_node *n = arg;

    if (!n->blob)
        n->blob = driver_instance_new(blob_driver, n->loop, NULL, "blob", err);
    return n->blob;
}

static void sink_all_adopted(void *arg)
{
    exec_adopted_all(((struct sim_node *)arg)->exec);
}

static void sink_abandon(void *arg, const struct attempt_key *key, const char *run_id,
                         const char *path)
{
    (void)arg;
    (void)key;
    sim_fail("%s of run %s is given up: its rows make no sense", path, run_id);
}

static int source_node_path(void *arg, const struct attempt_key *key, char *out,
                            size_t size)
{
    return control_node_path(((struct sim_node *)arg)->control, key, out, size);
}

static void on_changed(void *arg, const struct run_row *run)
{
    const struct sim_node *n = arg;

    if (n->trigger && run_state_final(run->state) && !run_is_child(run))
        trigger_run_ended(n->trigger, run);
}

static void on_ending(void *arg, const struct run_row *run, struct batch *b)
{
    const struct sim_node *n = arg;

    if (!n->trigger || run_is_child(run))
        return;
    trigger_run_ending(n->trigger, run, b);
    schedule_run_ends(n, run, b);
}

static void on_gone(void *arg)
{
    const struct sim_node *n = arg;

    if (n->trigger)
        trigger_wake(n->trigger);
}

static void trigger_started(void *arg)
{
    control_wake(((struct sim_node *)arg)->control);
}

static bool trigger_cancel(void *arg, struct tenant t, int64_t run)
{
    const struct sim_node *n = arg;

    schedule_cancels(n, run);
    return control_cancel_loaded(n->control, t, run, CANCEL_GRACEFUL);
}

/* Nobody here waits for nothing to be left. */
static void trigger_loaded(void *arg)
{
    (void)arg;
}

/* Files of zones differ from host to host. */
static const struct zone *find_zone(void *arg, const char *name, struct ff_err *err)
{
    (void)arg;
    (void)name;
    (void)err;
    return zone_utc;
}

struct again {
    const struct sim_node *first; /* it was said to this one */
    struct sim_node *owner;       /* when it is said again */
    struct attempt_key key;
    struct result result;
};

static void again_free(struct again *a)
{
    json_decref(a->result.outputs);
    mem_free((void *)(uintptr_t)a->result.stored);
    mem_free(a);
}

static void report_to_owner(void *arg)
{
    struct again *a = arg;

    if (a->owner->phase == NODE_OWNER) {
        note_result(a->owner, &a->key);
        control_result(a->owner->control, &a->key, &a->result);
    }
    again_free(a);
}

static void report_again(void *arg)
{
    struct again *a = arg;

    a->owner = nodes_owner_of(a->key.tenant);
    if (a->owner && (!sim.o.apart || a->owner == a->first))
        sim_at(a->owner->loop, 0, report_to_owner, a);
    else
        again_free(a);
}

/* As an executor would that did not hear the answer: it says so to whoever leads then;
 * one of a host only to that host. */
static void report_twice(const struct sim_node *n, const struct attempt_key *key,
                         const struct result *result)
{
    struct again *a = mem_alloc(sizeof(*a));

    sim_seen(SEEN_RESULT_DOUBLE);
    *a = (struct again){.first = n, .key = *key, .result = *result};
    a->result.outputs = json_incref(result->outputs);
    a->result.stored = mem_text(result->stored);
    a->result.message = "said again";
    sim_at(NULL, sim_between(RAND_NODES, 0, 5 * SECOND), report_again, a);
}

void node_sim_result(struct sim_node *n, const struct attempt_key *key,
                     const struct result *result)
{
    if (sim.faults && sim_chance(RAND_NODES, sim.o.result_double))
        report_twice(n, key, result);
    note_result(n, key);
}

static void source_result(void *arg, const struct attempt_key *key,
                          const struct result *result)
{
    struct sim_node *n = arg;

    node_sim_result(n, key, result);
    control_result(n->control, key, result);
}

static json_t *resolve(void *arg, const char *run_id, struct span stored,
                       struct ff_err *err)
{
    (void)arg;
    return exec_resolve(sim.data_dir, run_id, stored, err);
}

static json_t *resolve_run(void *arg, const char *run_id, struct span column,
                           struct ff_err *err)
{
    (void)arg;
    return exec_resolve_run(sim.data_dir, run_id, column, err);
}

static int keep(void *arg, const char *run_id, enum control_column column,
                struct span text, char **kept, struct ff_err *err)
{
    static const enum exec_column columns[] = {
        [CONTROL_TASK_OUTPUTS] = EXEC_TASK_OUTPUTS,
        [CONTROL_RUN_OWN] = EXEC_RUN_OWN,
        [CONTROL_RUN_INSIDE] = EXEC_RUN_INSIDE,
    };

    (void)arg;
    return exec_keep(sim.data_dir, run_id, columns[column], text, kept, err);
}

/* --- the end of a process --- */

static void boot(void *arg);

static void boot_later(struct sim_node *n)
{
    sim_at(NULL, sim_between(RAND_NODES, 0, 2 * SECOND), boot, n);
}

static void is_down(struct sim_node *n)
{
    if (lock_holder == n)
        lock_holder = NULL;
    n->phase = NODE_DOWN;
    n->life++;
    boot_later(n);
}

void node_sim_ended(struct sim_node *n)
{
    sim_trace("process %d has ended in order", n->no);
    sim_seen(SEEN_DRAIN);
    sim_loop_kill(n->loop);
    is_down(n);
}

/* kill -9: nothing of it is freed, its events never come. */
void node_sim_crash(struct sim_node *n)
{
    if (n->phase == NODE_DOWN)
        return;
    sim_trace("process %d dies", n->no);
    sim_seen(SEEN_CRASH);
    if (store_sim_untold(n->no))
        sim_seen(SEEN_CRASH_WITH_COMMIT_UNTOLD);
    sim_loop_kill(n->loop);
    store_sim_crash(n->no);
    queue_sim_crash(n->no);
    runtime_sim_crash(n->no);
    if (sim.o.hosts)
        host_crash(n);
    is_down(n);
}

static void crash_now(void *arg)
{
    node_sim_crash(arg);
}

void node_sim_fatal(void *arg, const struct ff_err *err)
{
    struct sim_node *n = arg;

    sim_trace("process %d gives up: %s", n->no, err->msg);
    if (err->code == FF_DENIED)
        sim_seen(SEEN_ZOMBIE_DENIED);
    sim_at(NULL, 0, crash_now, n);
}

static void close_parts(struct sim_node *n)
{
    trigger_free(n->trigger);
    control_free(n->control);
    exec_free(n->exec);
    driver_instance_free(n->queue);
    driver_instance_free(n->runtime);
    driver_instance_free(n->blob);
    n->blob = NULL;
    n->trigger = NULL;
    n->control = NULL;
    n->exec = NULL;
    n->queue = n->runtime = NULL;
}

static void close_node(void *arg)
{
    struct sim_node *n = arg;
    struct ff_err err;

    close_parts(n);
    if (store_release_shard(n->store, &err) != FF_OK)
        sim_trace("the shard is left without a word: %s", err.msg);
    store_close(n->store);
    driver_instance_free(n->store_driver);
    node_sim_ended(n);
}

static void exec_drained(void *arg)
{
    struct sim_node *n = arg;

    loop_post(n->loop, close_node, n);
}

/* The executor last: until control is drained it still hears of settled attempts. */
static void control_drained(void *arg)
{
    struct sim_node *n = arg;

    exec_drain(n->exec, exec_drained, n);
}

static void trigger_drained(void *arg)
{
    struct sim_node *n = arg;

    control_drain(n->control, control_drained, n);
}

static void drain(void *arg)
{
    struct sim_node *n = arg;

    if (sim.o.hosts) {
        host_drain(n);
        return;
    }
    if (n->phase != NODE_OWNER)
        return;
    sim_trace("process %d is told to end", n->no);
    n->phase = NODE_DRAINING;
    trigger_drain(n->trigger, trigger_drained, n);
}

/* --- owning --- */

static void must(int code, const struct ff_err *err)
{
    if (code != FF_OK)
        sim_fail("a process cannot start: %s", err->msg);
}

static void open_drivers(struct sim_node *n)
{
    struct ff_err err = {0};

    n->queue = driver_instance_new(queue_driver, n->loop, NULL, "queue", &err);
    n->runtime = driver_instance_new(runtime_driver, n->loop, NULL, "runtime", &err);
    must(err.code, &err);
}

static void wire(struct sim_node *n)
{
    const struct exec_setup exec = {
        .loop = n->loop,
        .queue = n->queue,
        .runtime = n->runtime,
        .slots = (uint32_t)sim.o.slots,
        .data_dir = sim.data_dir,
        .files_dir = sim.data_dir,
        .api_endpoint = "unix:///nowhere",
        .artifact_max_bytes = INT64_C(1) << 20,
        .token_life_us = INT64_C(24) * 3600 * UNITS_SECOND,
        .source = {.arg = n,
                   .describe = source_describe,
                   .is_current = source_is_current,
                   .may_start = source_may_start,
                   .node_path = source_node_path,
                   .result = source_result,
                   .silent = source_silent,
                   .blob = source_blob,
                   .topic = CONTROL_TOPIC_START},
    };
    const struct control_setup control = {
        .loop = n->loop,
        .store = n->store,
        .queue = n->queue,
        .shard = SIM_SHARD,
        .slots = sim.o.slots,
        .resolve = resolve,
        .resolve_run = resolve_run,
        .keep = keep,
        .inline_max = EXEC_INLINE_MAX,
        .sink = {.arg = n,
                 .adopt = sink_adopt,
                 .stop = sink_stop,
                 .settled = sink_settled,
                 .all_adopted = sink_all_adopted,
                 .abandon = sink_abandon},
        .listener = {.arg = n,
                     .changed = on_changed,
                     .ending = on_ending,
                     .gone = on_gone,
                     .fatal = node_sim_fatal},
    };
    const struct trigger_setup trigger = {
        .loop = n->loop,
        .store = n->store,
        .shard = SIM_SHARD,
        .zone = find_zone,
        .arg = n,
        .started = trigger_started,
        .cancel = trigger_cancel,
        .loaded = trigger_loaded,
        .fatal = node_sim_fatal,
    };
    struct ff_err err = {0};

    n->exec = exec_new(&exec, &err);
    must(n->exec ? FF_OK : err.code, &err);
    n->control = control_new(&control, &err);
    must(n->control ? FF_OK : err.code, &err);
    n->trigger = trigger_new(&trigger, &err);
    must(n->trigger ? FF_OK : err.code, &err);
    n->heard_at = mirror.n_commits;
}

/* Where owners are known by leases and not by a lock of the kernel, a process that
 * stands still for too long is robbed. */
static bool may_take_lock(const struct sim_node *n)
{
    if (!lock_holder || lock_holder == n)
        return true;
    if (!sim.o.steal || !sim_loop_is_paused(lock_holder->loop))
        return false;
    sim_seen(SEEN_STEAL);
    sim_trace("process %d robs %d", n->no, lock_holder->no);
    return true;
}

static void try_to_own(void *arg)
{
    const struct store_claim claim = {.owner = "sim"};
    struct sim_node *n = arg;
    struct shard_row row = {0};
    struct ff_err err;

    if (may_take_lock(n)) {
        lock_holder = n;
        if (store_acquire_shard(n->store, SIM_SHARD, &claim, &row, &err) == FF_OK) {
            sim_trace("process %d owns the shard: epoch %lld", n->no,
                      (long long)row.epoch);
            store_set_fence(n->store, &row);
            n->phase = NODE_OWNER;
            n->calm_since = sim.now;
            open_drivers(n);
            wire(n);
            return;
        }
        lock_holder = NULL;
        if (err.code == FF_FATAL) {
            sim_at(NULL, 0, crash_now, n);
            return;
        }
    }
    sim_at(n->loop, sim_between(RAND_NODES, SECOND / 10, SECOND), try_to_own, n);
}

static void open_store(void *arg)
{
    struct sim_node *n = arg;
    struct ff_err err = {0};

    sim_opening(n->no, n->loop);
    n->store_driver = driver_instance_new(store_driver, n->loop, NULL, "store", &err);
    n->store = n->store_driver ? store_open(n->loop, n->store_driver, &err) : NULL;
    must(n->store ? FF_OK : err.code, &err);
    n->phase = NODE_STANDBY;
    try_to_own(n);
}

static void host_boot(void *arg)
{
    host_open(arg);
}

static int64_t any_skew(void)
{
    return sim.o.skew_us ? sim_between(RAND_NODES, -sim.o.skew_us, sim.o.skew_us) : 0;
}

static void boot(void *arg)
{
    struct sim_node *n = arg;
    struct ff_err err;

    sim_trace("process %d begins", n->no);
    n->loop = loop_new(&err);
    sim_loop_init(n->loop, n->no, any_skew());
    n->phase = NODE_STANDBY;
    n->blob = NULL;
    map_done(&n->unsettled);
    n->unsettled = (struct map){0};
    sim_at(n->loop, 0, sim.o.hosts ? host_boot : open_store, n);
}

/* --- what happens to processes --- */

/* Exponential would be truer; this has the same mean and no floating point. */
static int64_t next_in(int64_t mean)
{
    return sim_between(RAND_NODES, 0, 2 * mean);
}

static struct sim_node *any_node(void)
{
    /* The owner has more to lose. */
    struct sim_node *first = holder();

    if (first && sim_chance(RAND_NODES, 700))
        return first;
    return &sim_nodes[sim_rand(RAND_NODES, (uint64_t)sim.o.n_nodes)];
}

/* The machine falls: all processes, and what the runtime ran. */
static void fall(void)
{
    sim_trace("the machine falls");
    sim_seen(SEEN_FALL);
    for (int i = 0; i < sim.o.n_nodes; i++)
        if (sim_nodes[i].phase != NODE_DOWN)
            node_sim_crash(&sim_nodes[i]);
    runtime_sim_wipe(true);
}

static void plague_crash(void *arg)
{
    (void)arg;
    if (!sim.faults)
        return;
    if (sim.o.wipe_us > 0 && sim_chance(RAND_NODES, 300))
        fall();
    else
        node_sim_crash(any_node());
    sim_at(NULL, next_in(sim.o.crash_us), plague_crash, NULL);
}

static void plague_drain(void *arg)
{
    struct sim_node *n = any_node();

    (void)arg;
    if (!sim.faults)
        return;
    if (n->phase == NODE_OWNER || (sim.o.hosts && n->phase == NODE_STANDBY))
        sim_at(n->loop, 0, drain, n);
    sim_at(NULL, next_in(sim.o.drain_us), plague_drain, NULL);
}

struct pause {
    struct sim_node *node;
    uint64_t life;
};

static void resume(void *arg)
{
    struct pause *p = arg;

    if (p->node->life == p->life && sim_loop_is_paused(p->node->loop)) {
        sim_trace("process %d goes on", p->node->no);
        p->node->calm_since = sim.now;
        if (sim.o.hosts && p->node->phase == NODE_OWNER && !lead_leads_any(p->node->no))
            sim_seen(SEEN_STOOD_STILL);
        sim_loop_resume(p->node->loop);
    }
    mem_free(p);
}

static void plague_pause(void *arg)
{
    struct sim_node *n = any_node();

    (void)arg;
    if (!sim.faults)
        return;
    if (n->phase != NODE_DOWN && !sim_loop_is_paused(n->loop)) {
        struct pause *p = mem_alloc(sizeof(*p));
        *p = (struct pause){.node = n, .life = n->life};
        sim_trace("process %d stands still", n->no);
        sim_seen(SEEN_PAUSE);
        sim_loop_pause(n->loop);
        sim_at(NULL, sim_between(RAND_NODES, 1000, 20 * SECOND), resume, p);
    }
    sim_at(NULL, next_in(sim.o.pause_us), plague_pause, NULL);
}

static void plague_wipe(void *arg)
{
    (void)arg;
    if (!sim.faults)
        return;
    sim_trace("the runtime loses all");
    runtime_sim_wipe(sim_chance(RAND_RUNTIME, 500));
    sim_at(NULL, next_in(sim.o.wipe_us), plague_wipe, NULL);
}

static void clock_changed(void *arg)
{
    const struct sim_node *n = arg;

    if (n->phase == NODE_OWNER)
        trigger_clock_changed(n->trigger);
}

static void plague_clock(void *arg)
{
    struct sim_node *n = any_node();

    (void)arg;
    if (!sim.faults)
        return;
    if (n->phase != NODE_DOWN) {
        sim_trace("the clock of process %d is set", n->no);
        sim_seen(SEEN_CLOCK_SET);
        sim_loop_set_clock(n->loop, any_skew());
        sim_at(n->loop, 0, clock_changed, n);
    }
    sim_at(NULL, next_in(sim.o.clock_us), plague_clock, NULL);
}

static void begin_plague(int64_t mean, ff_call_fn *fn)
{
    if (mean > 0)
        sim_at(NULL, next_in(mean), fn, NULL);
}

void nodes_boot(void)
{
    struct ff_err err = {0};

    store_driver = driver_from(&store_sim_driver, &err);
    queue_driver = driver_from(&queue_sim_driver, &err);
    runtime_driver = driver_from(&runtime_sim_driver, &err);
    blob_driver = driver_from(&blob_sim_driver, &err);
    must(err.code, &err);
    for (int i = 0; i < sim.o.n_nodes; i++) {
        sim_nodes[i].no = i;
        sim_at(NULL, sim_between(RAND_NODES, 0, SECOND), boot, &sim_nodes[i]);
    }
    begin_plague(sim.o.crash_us, plague_crash);
    begin_plague(sim.o.drain_us, plague_drain);
    begin_plague(sim.o.pause_us, plague_pause);
    begin_plague(sim.o.wipe_us, plague_wipe);
    if (sim.o.skew_us > 0)
        begin_plague(sim.o.clock_us, plague_clock);
    if (sim.o.hosts)
        hosts_begin();
}

void nodes_heal(void)
{
    for (int i = 0; i < sim.o.n_nodes; i++)
        if (sim_nodes[i].phase != NODE_DOWN && sim_loop_is_paused(sim_nodes[i].loop))
            sim_loop_resume(sim_nodes[i].loop);
    nodes_held_up();
}

void nodes_held_up(void)
{
    for (int i = 0; i < sim.o.n_nodes; i++)
        sim_nodes[i].calm_since = sim.now;
}

/* A knock that nobody hears is one at the door of control, which sweeps now and then
 * while it leads a run; whoever changes a schedule knocks until it is heard. */
static void wake_trigger(void *arg)
{
    struct sim_node *n = arg;

    if (n->phase != NODE_OWNER)
        return;
    n->heard_at = mirror.n_commits;
    trigger_wake(n->trigger);
}

static void wake(void *arg)
{
    struct sim_node *n = arg;

    if (n->phase == NODE_OWNER)
        control_wake(n->control);
    wake_trigger(arg);
}

/* An idle owner has nothing but the knock; one that leads a run sweeps now and then. */
static bool wake_is_lost(const struct sim_node *owner)
{
    if (!sim.faults || control_open_runs(owner->control) == 0 ||
        !sim_chance(RAND_CLIENT, sim.o.wake_lost))
        return false;
    sim_seen(SEEN_WAKE_LOST);
    return true;
}

static void wake_soon(struct sim_node *owner)
{
    ff_call_fn *fn = wake_is_lost(owner) ? wake_trigger : wake;

    sim_at(owner->loop, sim_between(RAND_CLIENT, 0, 3000), fn, owner);
}

/* A process that is not there yet looks by itself when it comes. */
void nodes_wake(void)
{
    struct sim_node *first = nodes_owner_of(FIRST_TENANT);
    struct sim_node *last = nodes_owner_of(LAST_TENANT);

    if (first)
        wake_soon(first);
    if (last && last != first)
        wake_soon(last);
}
