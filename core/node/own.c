/* own.c - becoming the owner of the shard, and giving it up.
 *
 * On one host the kernel knows best who lives: owner.lock is held with flock for as
 * long as the owner's process is there, so a dead owner is followed at once and a
 * stopped one is not robbed. The shard row's epoch still fences every commit, so the
 * lease in it has length zero and is never renewed: an idle owner does nothing. Where
 * hosts share the store the owner has the lock and a lease (lease.c). */
#include "node/node_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int take_lock(struct node *n, struct ff_err *err)
{
    MEM_AUTO char *path = file_join(n->data_dir, "owner.lock");
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return ff_fail(err, FF_UNAVAILABLE, errno, "%.160s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return ff_fail(err, FF_BUSY, errno, "another process leads the runs of %.160s",
                       n->data_dir);
    }
    n->lock_fd = fd;
    return FF_OK;
}

static void drop_lock(struct node *n)
{
    if (n->lock_fd >= 0)
        close(n->lock_fd);
    n->lock_fd = -1;
}

#define TRIES 20 /* others write the same rows at the same time */

static struct store_claim claim_of(struct node *n, const char *owner)
{
    return (struct store_claim){
        .owner = owner,
        .endpoint = n->socket,
        .address = n->lease.address,
        .place = node_is_leased(n) ? n->lease.place : NULL,
        .lease_us = node_lease_choose(n),
    };
}

static int take_as_it_is(struct node *n, int64_t shard, struct store_claim *claim,
                         struct shard_row *row, struct ff_err *err)
{
    claim->over = node_is_leased(n) ? node_seen_over(n, shard) : FF_ABSENT;
    return store_acquire_shard(n->store, shard, claim, row, err);
}

/* It is read once more, and may be another one by then than what was planned with. */
static int take_unchanged(struct node *n, const struct ranges_plan *p,
                          struct store_claim *claim, struct shard_row *row,
                          struct ff_err *err)
{
    const struct tenant_range meant = p->row ? range_of(p->row) : range_all;
    const int code = take_as_it_is(n, p->shard, claim, row, err);

    if (code != FF_OK)
        return code;
    const struct tenant_range got = range_of(row);

    if (got.low == meant.low && got.high == meant.high)
        return FF_OK;
    return ff_fail(err, FF_CONFLICT, 0, "shard %lld has changed meanwhile",
                   (long long)p->shard);
}

static int take_changed(struct node *n, const struct ranges_plan *p,
                        const struct store_claim *claim, struct shard_row *row,
                        struct ff_err *err)
{
    const struct shard_row fresh = {
        .shard = p->shard, .version = FF_ABSENT, .since = MODEL_NULL};
    const struct store_reshape how = {
        .row = p->row ? p->row : &fresh,
        .range = p->range,
        .epoch = p->epoch,
        .mixed = p->mixed,
        .other = p->other,
        .other_range = p->other_range,
    };

    return store_reshape_shard(n->store, &how, claim, row, err);
}

static int take_planned(struct node *n, const struct node_shards *s,
                        struct store_claim *claim, struct shard_row *row,
                        struct ff_err *err)
{
    const struct ranges_view view = node_view(n, s);
    const struct ranges_plan p = ranges_plan(&view);

    switch (p.act) {
    case RANGES_TAKE:
        return take_unchanged(n, &p, claim, row, err);
    case RANGES_MAKE:
        return take_changed(n, &p, claim, row, err);
    case RANGES_WAIT:
        break;
    }
    return ff_fail(err, FF_BUSY, 0, "another process leads the runs");
}

static int take_from_all(struct node *n, struct store_claim *claim,
                         struct shard_row *row, struct ff_err *err)
{
    struct node_shards s = {0};
    int code = FF_CONFLICT;

    for (int i = 0; i < TRIES && code == FF_CONFLICT; i++) {
        code = node_read_shards(n, STORE_READER_CALLER, &s, err);
        if (code == FF_OK)
            code = take_planned(n, &s, claim, row, err);
    }
    node_shards_done(&s);
    return code;
}

static int take_shard(struct node *n, struct shard_row *row, struct ff_err *err)
{
    char owner[128], host[64] = "";

    gethostname(host, sizeof(host) - 1);
    snprintf(owner, sizeof(owner), "%ld@%s", (long)getpid(), host);
    struct store_claim claim = claim_of(n, owner);
    return node_is_leased(n) ? take_from_all(n, &claim, row, err)
                             : take_as_it_is(n, NODE_SHARD, &claim, row, err);
}

/* Messages of each shard are its owner's. */
static void note_shard(struct node *n, const struct shard_row *row)
{
    n->range = node_is_leased(n) ? range_of(row) : range_all;
    snprintf(n->topic, sizeof(n->topic), row->shard == 0 ? "%s" : "%s.%lld",
             CONTROL_TOPIC_START, (long long)row->shard);
    n->lease.gift = (struct ranges_gift){.shard = -1};
    n->lease.reshaping = false;
}

/* What a slow store has left of the lease may be too little: it is taken once more. */
static int acquire(struct node *n, struct ff_err *err)
{
    struct shard_row row = {0};
    int64_t asked_us;
    int code;

    do {
        asked_us = loop_mono_us(n->loop);
        code = take_shard(n, &row, err);
    } while (code == FF_OK && node_lease_is_short(n, asked_us));
    if (code != FF_OK)
        return code;
    store_set_fence(n->store, &row);
    probe_lead(row.shard, row.epoch);
    note_shard(n, &row);
    node_lease_took(n, &row, asked_us);
    return FF_OK;
}

/* --- what the rooms tell each other --- */

static void sink_adopt(void *arg, const struct attempt_key *keys, size_t n)
{
    exec_adopt(((struct node *)arg)->exec, keys, n);
}

static void sink_stop(void *arg, const struct attempt_key *key, int64_t grace_us)
{
    exec_stop(((struct node *)arg)->exec, key, grace_us);
}

static void sink_settled(void *arg, const struct attempt_key *key)
{
    exec_settled(((struct node *)arg)->exec, key);
}

static void sink_all_adopted(void *arg)
{
    exec_adopted_all(((struct node *)arg)->exec);
}

static void sink_abandon(void *arg, const struct attempt_key *key, const char *run_id,
                         const char *path)
{
    exec_abandon(((struct node *)arg)->exec, key, run_id, path);
}

static int source_describe(void *arg, const struct attempt_key *key,
                           struct arena *arena, struct work *work,
                           const struct run_row **run, struct ff_err *err)
{
    return control_describe(((struct node *)arg)->control, key, arena, work, run, err);
}

static bool source_may_start(void *arg, const struct attempt_key *key)
{
    return control_may_start(((struct node *)arg)->control, key);
}

/* A run around others is open for as long as they are. */
static struct span source_outermost(void *arg, const struct run_row *run)
{
    struct control *control = ((struct node *)arg)->control;
    const struct run_row *root =
        run->root == MODEL_NULL
            ? run
            : control_run_row(control, (struct tenant){run->tenant}, run->root);

    return root ? root->id : (struct span){0};
}

static bool source_is_current(void *arg, const struct attempt_key *key)
{
    return control_is_current(((struct node *)arg)->control, key);
}

static int source_node_path(void *arg, const struct attempt_key *key, char *out,
                            size_t size)
{
    return control_node_path(((struct node *)arg)->control, key, out, size);
}

static void source_result(void *arg, const struct attempt_key *key,
                          const struct result *result)
{
    control_result(((struct node *)arg)->control, key, result);
}

static void source_silent(void *arg, const struct attempt_key *key)
{
    control_silent(((struct node *)arg)->control, key);
}

/* A value that is not there may be on the host that led before: then its run waits
 * until the folder is shared, or that host leads again. It is not given up. */
static json_t *or_wait(const struct node *n, json_t *value, struct ff_err *err)
{
    char said[sizeof(err->msg)];

    if (value || err->code != FF_CORRUPT || err->sys != ENOENT || !node_is_leased(n))
        return value;
    snprintf(said, sizeof(said), "%s", err->msg);
    ff_fail(err, FF_UNAVAILABLE, ENOENT,
            "%.150s: is engine.files_dir the same folder for all servers?", said);
    log_warn("%s", err->msg);
    return NULL;
}

static json_t *resolve(void *arg, const char *run_id, struct span stored,
                       struct ff_err *err)
{
    const struct node *n = arg;

    return or_wait(n, exec_resolve(n->files_dir, run_id, stored, err), err);
}

static json_t *resolve_run(void *arg, const char *run_id, struct span column,
                           struct ff_err *err)
{
    const struct node *n = arg;

    return or_wait(n, exec_resolve_run(n->files_dir, run_id, column, err), err);
}

static int keep(void *arg, const char *run_id, enum control_column column,
                struct span text, char **kept, struct ff_err *err)
{
    static const enum exec_column columns[] = {
        [CONTROL_TASK_OUTPUTS] = EXEC_TASK_OUTPUTS,
        [CONTROL_RUN_OWN] = EXEC_RUN_OWN,
        [CONTROL_RUN_INSIDE] = EXEC_RUN_INSIDE,
    };

    return exec_keep(((struct node *)arg)->files_dir, run_id, columns[column], text,
                     kept, err);
}

static int source_no_secret(const char *name, struct exec_secret *out)
{
    struct buf text = {0};

    buf_printf(&text, "(secret %s)", name);
    out->len = text.len;
    out->text = buf_take(&text);
    return FF_OK;
}

static int source_secret(void *arg, struct tenant tenant, const char *name,
                         struct exec_secret *out, struct ff_err *err)
{
    if (((const struct node *)arg)->no_secrets)
        return source_no_secret(name, out);
    const struct secret_place place = node_secrets(arg, STORE_READER_LANE);
    struct secret_value value;
    const int code = secret_get(&place, tenant, name, &value, err);

    if (code == FF_OK)
        *out = (struct exec_secret){.text = value.text, .len = value.len};
    return code;
}

/* Loaded by the first that needs it: most runs have no artifacts. */
static struct driver_instance *source_blob(void *arg, struct ff_err *err)
{
    return node_blob_driver(arg, err);
}

/* --- schedules --- */

static void on_changed(void *arg, const struct run_row *run)
{
    struct node *n = arg;
    const bool ended = run_state_final(run->state);

    /* Those that tasks start are open runs of their tenant, too. */
    if (n->trigger && !ended)
        trigger_run_opened(n->trigger, (struct tenant){run->tenant}, run->run);
    if (n->trigger && ended)
        trigger_run_ended(n->trigger, run);
    if (ended && !run_is_child(run))
        node_keeper_run_ended(n);
    if (n->listener.changed)
        n->listener.changed(n->listener.arg, run);
}

static void on_ending(void *arg, const struct run_row *run, struct batch *b)
{
    const struct node *n = arg;

    if (n->trigger && !run_is_child(run))
        trigger_run_ending(n->trigger, run, b);
}

/* Whether a schedule waited for it stands in the rows. */
static void on_gone(void *arg)
{
    struct node *n = arg;

    if (n->trigger)
        trigger_wake(n->trigger);
    node_keeper_run_ended(n);
}

static void on_idle(void *arg)
{
    const struct node *n = arg;

    if (n->listener.idle)
        n->listener.idle(n->listener.arg);
}

static void on_fatal(void *arg, const struct ff_err *err)
{
    struct node *n = arg;

    if (err->code == FF_DENIED && node_is_leased(n))
        node_lose(n, err);
    else if (n->listener.fatal)
        n->listener.fatal(n->listener.arg, err);
}

static void on_wanted(void *arg)
{
    const struct node *n = arg;

    if (n->wanted)
        n->wanted(n->wanted_arg);
}

static void trigger_started(void *arg)
{
    control_wake(((struct node *)arg)->control);
}

static bool trigger_cancel(void *arg, struct tenant t, int64_t run)
{
    return control_cancel_loaded(((struct node *)arg)->control, t, run,
                                 CANCEL_GRACEFUL);
}

/* Who waits for nothing to be left may be done now. */
static void trigger_loaded(void *arg)
{
    const struct node *n = arg;

    if (n->control && control_open_runs(n->control) == 0 &&
        !control_loading(n->control))
        on_idle(arg);
}

/* --- wiring --- */

static int open_drivers(struct node *n, struct ff_err *err)
{
    n->queue_driver = node_instance(n, FF_QUEUE, err);
    if (!n->queue_driver)
        return err->code;
    n->runtime_driver = node_instance(n, FF_RUNTIME, err);
    return n->runtime_driver ? FF_OK : err->code;
}

static struct exec *wire_exec(struct node *n, struct ff_err *err)
{
    const struct exec_setup setup = {
        .loop = n->loop,
        .queue = n->queue_driver,
        .runtime = n->runtime_driver,
        .store = n->store,
        .slots = (uint32_t)n->settings.slots,
        .data_dir = n->data_dir,
        .files_dir = n->files_dir,
        .api_endpoint = n->endpoint,
        .sdk_path = n->sdk,
        .http_program = n->http_program,
        .http_allow = n->settings.http_allow,
        .pass_env = (const char *const *)n->pass_env,
        .log_max_bytes = n->settings.log_max_bytes,
        .artifact_max_bytes = n->settings.artifact_max_bytes,
        .token_life_us = n->auth.task_token_us,
        .is_mute = n->is_mute,
        .elsewhere = n->elsewhere,
        .traced = n->traced,
        .another_place = n->lease.mixed,
        .source = {.arg = n,
                   .describe = source_describe,
                   .outermost = source_outermost,
                   .is_current = source_is_current,
                   .may_start = source_may_start,
                   .node_path = source_node_path,
                   .result = source_result,
                   .silent = source_silent,
                   .secret = source_secret,
                   .blob = source_blob,
                   .topic = n->topic},
    };

    return exec_new(&setup, err);
}

/* What is stuck runs nowhere: it takes none of those that may run. */
static int64_t slots_of(const struct node *n)
{
    const int64_t most = n->settings.slots;

    if (n->lease.giving.holds)
        return 0;
    if (!n->elsewhere)
        return most;
    return (n->n_places < most ? n->n_places : most) + n->n_stuck;
}

void node_trace(struct node *n)
{
    n->traced = true;
}

void node_set_places(struct node *n, int64_t n_places, int64_t n_stuck)
{
    n->n_places = n_places;
    n->n_stuck = n_stuck;
    if (n->control)
        control_set_slots(n->control, slots_of(n));
}

static struct control *wire_control(struct node *n, struct ff_err *err)
{
    const struct control_setup setup = {
        .loop = n->loop,
        .store = n->store,
        .queue = n->queue_driver,
        .topic = n->topic,
        .shard = NODE_SHARD,
        .range = &n->range,
        .slots = slots_of(n),
        .by_labels = n->elsewhere,
        .sizes = n->sizes.items,
        .n_sizes = n->sizes.n,
        .resolve = resolve,
        .resolve_run = resolve_run,
        .keep = keep,
        .inline_max = EXEC_INLINE_MAX,
        .resolve_arg = n,
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
                     .idle = on_idle,
                     .fatal = on_fatal,
                     .wanted = on_wanted},
    };

    return control_new(&setup, err);
}

static int trigger_keep(void *arg, struct batch *b, void **kept, struct ff_err *err)
{
    struct node_given *given;
    const int code = node_keep_given(arg, b, &given, err);

    *kept = given;
    return code;
}

static void trigger_kept(void *arg, void *kept, bool durable)
{
    (void)arg;
    node_given_done(kept, durable);
}

static struct trigger *wire_trigger(struct node *n, struct ff_err *err)
{
    const struct trigger_setup setup = {
        .loop = n->loop,
        .store = n->store,
        .shard = NODE_SHARD,
        .range = &n->range,
        .zone = zones_find,
        .zone_arg = &n->lane_zones,
        .arg = n,
        .keep = trigger_keep,
        .kept = trigger_kept,
        .inline_max = EXEC_INLINE_MAX,
        .max_open_runs = node_max_open_runs,
        .started = trigger_started,
        .cancel = trigger_cancel,
        .loaded = trigger_loaded,
        .fatal = on_fatal,
    };

    return trigger_new(&setup, err);
}

static int wire(struct node *n, struct ff_err *err)
{
    n->exec = wire_exec(n, err);
    if (!n->exec)
        return err->code;
    n->control = wire_control(n, err);
    if (!n->control)
        return err->code;
    n->trigger = wire_trigger(n, err);
    return n->trigger ? FF_OK : err->code;
}

static void close_parts(struct node *n)
{
    node_clock_close(n);
    trigger_free(n->trigger);
    control_free(n->control);
    exec_free(n->exec);
    driver_instance_free(n->queue_driver);
    driver_instance_free(n->runtime_driver);
    mem_free(n->endpoint);
    free(n->sdk);
    mem_free(n->http_program);
    if (n->pass_env)
        mem_free(n->pass_env[0]);
    mem_free(n->pass_env);
    zones_done(&n->lane_zones);
    n->lane_zones = (struct zones){0};
    n->trigger = NULL;
    n->control = NULL;
    n->exec = NULL;
    n->queue_driver = n->runtime_driver = NULL;
    n->endpoint = n->sdk = n->http_program = NULL;
    n->pass_env = NULL;
}

/* Of who died while it made runs: maybe the owner before. */
static void sweep_given(struct node *n)
{
    struct ff_err err = {0};

    if (node_sweep_given(n, &err) != FF_OK)
        log_warn("inputs of a run that never came about stay for now: %s", err.msg);
}

int node_own(struct node *n, const struct control_listener *listener, char **endpoint,
             struct ff_err *err)
{
    int code = take_lock(n, err);

    if (code == FF_BUSY && endpoint)
        *endpoint = mem_text(n->socket);
    if (code != FF_OK)
        return code;
    FAILPOINT("node.own.locked");
    code = node_lease_open(n, err);
    struct buf url = {0};
    buf_printf(&url, "unix://%s", n->socket);
    n->endpoint = buf_take(&url);
    n->sdk = node_find_sdk(n->settings.sdk, n->driver_dir);
    n->http_program = node_http_program();
    n->listener = *listener;
    n->pass_env = node_pass_env(n->settings.pass_env);
    if (code == FF_OK)
        code = acquire(n, err);
    FAILPOINT("node.own.acquired");
    if (code == FF_OK)
        code = open_drivers(n, err);
    if (code == FF_OK)
        code = wire(n, err);
    if (code != FF_OK) {
        struct ff_err ignored;
        close_parts(n);
        store_release_shard(n->store, &ignored);
        store_set_fence(n->store, NULL);
        drop_lock(n);
        return code;
    }
    FAILPOINT("node.own.wired");
    n->owner = true;
    n->drained = false;
    node_lease_begin(n);
    node_clock_open(n);
    sweep_given(n);
    return FF_OK;
}

void node_wake(struct node *n)
{
    control_wake(n->control);
    trigger_wake(n->trigger);
}

bool node_is_needed(const struct node *n)
{
    return n->trigger && trigger_is_needed(n->trigger);
}

/* --- giving up --- */

static bool is_left(const struct node *n)
{
    return n->drained && !n->keeper.busy && !node_lease_is_busy(n);
}

void node_left(struct node *n)
{
    if (is_left(n))
        loop_stop(n->loop, 0);
}

static void exec_drained(void *arg)
{
    struct node *n = arg;

    n->drained = true;
    node_left(n);
}

/* The executor last: until control is drained it still hears of settled attempts, and
 * tells queue and runtime of them. */
static void control_drained(void *arg)
{
    struct node *n = arg;

    exec_drain(n->exec, exec_drained, n);
}

static void trigger_drained(void *arg)
{
    struct node *n = arg;

    control_drain(n->control, control_drained, n);
}

static void posts_done(void *arg)
{
    loop_stop(((struct node *)arg)->loop, 0);
}

/* The loop may go on, and what was posted names what is freed now. */
static void run_posts(struct node *n)
{
    loop_post(n->loop, posts_done, n);
    loop_run(n->loop);
}

static void settled(void *arg, int code, size_t failed, const struct ff_err *err)
{
    (void)code;
    (void)failed;
    (void)err;
    posts_done(arg);
}

/* What is committed for users while this process takes other tenants goes without a
 * fence; and what was on its way with one comes first, since it would find another row
 * than that which it knows, and be refused. */
static void settle_commits(struct node *n)
{
    struct batch b = {0};

    store_set_fence(n->store, NULL);
    node_knock(n, &b);
    store_commit(n->store, &b, settled, n);
    loop_run(n->loop);
}

void node_disown(struct node *n)
{
    struct ff_err err = {0};

    if (!n->owner)
        return;
    const struct store_fence fence = store_get_fence(n->store);

    n->owner = false;
    n->drained = false;
    node_keeper_stop(n);
    node_lease_end(n);
    exec_begin_no_more(n->exec); /* the lease may be over before all is durable */
    trigger_drain(n->trigger, trigger_drained, n);
    if (!is_left(n))
        loop_run(n->loop);
    run_posts(n);
    FAILPOINT("node.disown.drained");
    probe_lose(fence.shard, fence.epoch);
    close_parts(n);
    if (node_is_reshaping(n))
        settle_commits(n);
    else if (store_release_shard(n->store, &err) != FF_OK)
        log_debug("the shard is left without a word: %s", err.msg);
    store_set_fence(n->store, NULL); /* what this process commits now is anybody's */
    drop_lock(n);
}
