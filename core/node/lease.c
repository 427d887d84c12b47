/* lease.c - where hosts share the store: the lease of the shard, by the store's clock.
 *
 * Whoever leads renews it each second. It is about liveness only: what fences commits
 * is the epoch in the same row. By its own clock, counted from before the request that
 * last renewed, it stops before anybody else can have the shard. Where the store
 * is this host's nothing of this is there: no thread, no session, no timer.
 *
 * A store that is slow shall not move the lead about, because attempts of the host that
 * led are lost with it. So the lease is as long as some renewals take. */
#include "node/node_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define SILENT_US  (5 * UNITS_SECOND) /* a question that has no answer yet */
#define N_RENEWALS 8 /* that a lease has time for, where they are slow */
#define MARGIN_US  (UNITS_SECOND / 4) /* for timers that come late, and slow clocks */

#define PLACE_FILE "place.id"
#define BOOT_FILE  "/proc/sys/kernel/random/boot_id"

bool node_is_leased(const struct node *n)
{
    return driver_instance_info(n->store_driver)->d.caps & FF_STORE_REMOTE;
}

void node_join(struct node *n)
{
    n->lease.serves = true;
    n->lease.joins = n->settings.leaders == NODE_LEADERS_ALL && node_is_leased(n);
}

/* --- which data directory this is, for other hosts --- */

static int read_id(const char *path, char id[ID_TEXT])
{
    struct buf text = {0};
    const int sys = file_read(path, ID_TEXT, &text);

    if (sys == 0)
        snprintf(id, ID_TEXT, "%.*s", ID_TEXT - 1, buf_text(&text));
    buf_done(&text);
    return sys == 0 && !id_valid(id) ? -EINVAL : sys;
}

static int make_id(struct node *n, const char *path, char id[ID_TEXT])
{
    id_make(loop_wall_us(n->loop), loop_random(n->loop), loop_random(n->loop), id);
    return file_write_durable(path, id, strlen(id), 0600);
}

/* With the start of the machine, and where the file stands: a copy of the disk that
 * runs elsewhere is another place, and so is a copy of the directory, which has a lock
 * of its own. Two that make it at the same time are two places for once, which costs
 * whoever follows the other one the rest of a lease. */
static int find_place(struct node *n, struct ff_err *err)
{
    MEM_AUTO char *path = file_join(n->data_dir, PLACE_FILE);
    char id[ID_TEXT], boot[ID_TEXT] = "";
    struct stat st = {0};
    int sys = read_id(path, id);

    if (sys == -ENOENT || sys == -EINVAL)
        sys = make_id(n, path, id);
    if (sys == 0 && stat(path, &st) != 0)
        sys = -errno;
    if (sys != 0)
        return ff_fail(err, FF_UNAVAILABLE, -sys, "%.160s: %s", path, strerror(-sys));
    if (read_id(BOOT_FILE, boot) != 0)
        boot[0] = '\0';
    snprintf(n->lease.place, sizeof(n->lease.place), "%s@%s/%llx-%llx", id, boot,
             (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    return FF_OK;
}

/* --- how long it is --- */

/* The last one counts, and those before it less and less. */
static void note_pace(struct node_lease *l, int64_t took_us)
{
    l->slow_us = took_us > l->slow_us / 2 ? took_us : l->slow_us / 2;
}

/* A renewal waits for the commit before it, which may have waited for others. */
static int64_t lease_us(const struct node_lease *l)
{
    const int64_t us = l->slow_us * N_RENEWALS;

    if (l->slow_us <= NODE_RENEW_US)
        return NODE_LEASE_US;
    return us < NODE_LEASE_MAX_US ? us : NODE_LEASE_MAX_US;
}

int64_t node_lease_choose(struct node *n)
{
    return n->lease.length_us = node_is_leased(n) ? lease_us(&n->lease) : 0;
}

bool node_lease_is_short(struct node *n, int64_t asked_us)
{
    struct node_lease *l = &n->lease;
    const int64_t took_us = loop_mono_us(n->loop) - asked_us;

    if (l->length_us == 0)
        return false;
    note_pace(l, took_us);
    return took_us + NODE_RENEW_US > l->length_us && l->length_us < NODE_LEASE_MAX_US;
}

/* --- leading --- */

void node_lease_took(struct node *n, const struct shard_row *row, int64_t asked_us)
{
    struct node_lease *l = &n->lease;

    node_leads(n, row);
    l->mixed = row->mixed == 1;
    l->held_us = l->asked_us = asked_us;
}

bool node_store_answers(const struct node *n)
{
    const struct node_lease *l = &n->lease;
    const bool is_asked = l->looking || l->renewing;

    return !l->away && (!is_asked || loop_mono_us(n->loop) - l->asked_us < SILENT_US);
}

void node_set_address(struct node *n, const char *url)
{
    mem_free(n->lease.address);
    n->lease.address = mem_text(url);
}

void node_lose(struct node *n, const struct ff_err *why)
{
    struct node_lease *l = &n->lease;

    if (l->lost || !n->owner)
        return;
    l->lost = true;
    l->leader = (struct node_leader){.lease_left_us = MODEL_NULL};
    loop_timer_del(l->next);
    loop_timer_del(l->end);
    store_lose_shard(n->store);
    exec_begin_no_more(n->exec);
    if (n->listener.fatal)
        n->listener.fatal(n->listener.arg, why);
}

static void on_end(void *arg)
{
    struct ff_err err;

    ff_fail(&err, FF_DENIED, 0,
            "the lease was not renewed in time: another process may lead from now on");
    node_lose(arg, &err);
}

/* All else goes on until those who wait for that have given up what is led. */
void node_reshape(struct node *n, const char *why)
{
    struct ff_err err;

    if (n->lease.lost || n->lease.reshaping || !n->owner)
        return;
    n->lease.reshaping = true;
    ff_fail(&err, FF_DENIED, 0, "%s", why);
    if (n->listener.fatal)
        n->listener.fatal(n->listener.arg, &err);
}

bool node_is_reshaping(const struct node *n)
{
    return n->lease.reshaping && !n->lease.lost;
}

void node_lease_arm(struct node *n, int64_t at_us, ff_call_fn *fn,
                    struct loop_timer **slot)
{
    const int64_t left_us = at_us - loop_mono_us(n->loop);

    loop_timer_del(*slot);
    loop_timer_add(n->loop, left_us > 0 ? left_us : 0, fn, n, slot);
}

static void ask_clock(void *arg);

static void renew_at(struct node *n, int64_t at_us)
{
    node_lease_arm(n, at_us, ask_clock, &n->lease.next);
}

static void end_at(struct node *n, int64_t over_us)
{
    n->lease.end_us = over_us;
    node_lease_arm(n, over_us - MARGIN_US, on_end, &n->lease.end);
}

/* Sooner where the lease of another one is over before that: somebody waits for whoever
 * leads next. */
static int64_t next_look(const struct node_lease *l, int64_t asked_us)
{
    const int64_t over_us = l->over_next_us + NODE_BEHIND_US;
    const int64_t renew_us = asked_us + NODE_RENEW_US;

    return l->joins && asked_us < over_us && over_us < renew_us ? over_us : renew_us;
}

/* It ends so long after we asked for it, or later. */
static void hold(struct node *n, int64_t asked_us)
{
    struct node_lease *l = &n->lease;

    l->held_us = asked_us;
    l->leader.lease_left_us = l->length_us;
    end_at(n, asked_us + l->length_us);
    renew_at(n, next_look(l, asked_us));
}

/* Where nothing else is committed nobody else would hear of it. */
static void tell_dead(const struct node *n, const struct ff_err *why)
{
    if (n->listener.fatal)
        n->listener.fatal(n->listener.arg, why);
}

static void on_renewed(void *arg, int code, size_t failed, const struct ff_err *err)
{
    struct node *n = arg;
    struct node_lease *l = &n->lease;

    (void)failed;
    l->renewing = false;
    if (!n->owner) {
        node_left(n);
        return;
    }
    if (l->lost)
        return;
    if (code == FF_OK) {
        note_pace(l, loop_mono_us(n->loop) - l->renewed_us);
        l->length_us = l->wanted_us;
        hold(n, l->renewed_us);
        if (!l->watches)
            node_wake(n); /* nobody told it of what is new */
    } else if (code == FF_DENIED) {
        node_lose(n, err);
    } else if (code == FF_FATAL || code == FF_CORRUPT) {
        tell_dead(n, err);
    } else {
        log_debug("the lease: %s", err->msg);
        renew_at(n, loop_mono_us(n->loop) + NODE_AGAIN_US);
    }
}

/* A shorter one may be durable long before that is heard, and also where it is said to
 * have failed. */
static void end_sooner(struct node *n)
{
    const struct node_lease *l = &n->lease;

    if (l->renewed_us + l->wanted_us < l->end_us)
        end_at(n, l->renewed_us + l->wanted_us);
}

/* Somebody wrote it who gave this process others to lead, or could take it. Our own
 * renewals are over when this is asked. */
static bool is_another(const struct node *n)
{
    const struct store_fence fence = store_get_fence(n->store);
    const struct store_shards *rows = &n->lease.found.rows;

    for (size_t i = 0; i < rows->n; i++)
        if (rows->items[i].shard == fence.shard)
            return rows->items[i].version != fence.version;
    return true;
}

/* Who leads nobody has nothing to lose: it was given something. */
static void lose_to_another(struct node *n)
{
    struct ff_err err;

    if (range_is_empty(n->range)) {
        node_reshape(n, "this process leads some tenants from now on");
        return;
    }
    ff_fail(&err, FF_DENIED, 0, "another process has changed what this one leads");
    node_lose(n, &err);
}

/* Is there more to lead, or somebody to share it with? */
static void look_around(struct node *n)
{
    const struct ranges_view view = node_view(n, &n->lease.found);

    if (ranges_plan(&view).act == RANGES_MAKE)
        node_reshape(n, "what another process led is added to what this one leads");
    else
        node_give(n, &view);
}

static void on_clock(void *arg)
{
    struct node *n = arg;
    struct node_lease *l = &n->lease;

    l->looking = false;
    if (!n->owner || l->lost) {
        l->away = l->code != FF_OK;
        node_lease_came_back(n);
        return;
    }
    if (!node_note_look(n)) {
        log_debug("the lease: %s", l->err.msg);
        renew_at(n, loop_mono_us(n->loop) + NODE_AGAIN_US);
        return;
    }
    if (is_another(n)) {
        lose_to_another(n);
        return;
    }
    look_around(n);
    l->renewing = true;
    l->renewed_us = l->asked_us;
    l->wanted_us = lease_us(l);
    end_sooner(n);
    store_renew(n->store, l->found.now_us + l->wanted_us, on_renewed, n);
}

static void ask_clock(void *arg)
{
    struct node *n = arg;
    struct node_lease *l = &n->lease;

    if (l->looking || l->renewing) { /* what was asked before is on its way yet */
        renew_at(n, loop_mono_us(n->loop) + NODE_AGAIN_US);
        return;
    }
    l->looking = true;
    l->asked_us = loop_mono_us(n->loop);
    lane_do(l->lane, node_look_on_lane, on_clock, n);
}

void node_lease_begin(struct node *n)
{
    n->lease.lost = false;
    if (node_is_leased(n))
        hold(n, n->lease.asked_us);
}

void node_lease_end(struct node *n)
{
    n->lease.leader = (struct node_leader){.lease_left_us = MODEL_NULL};
    loop_timer_del(n->lease.next);
    loop_timer_del(n->lease.end);
    node_give_no_more(n);
}

bool node_lease_is_busy(const struct node *n)
{
    return n->lease.renewing;
}

/* --- what other processes tell --- */

static void on_shard(void *arg)
{
    struct node *n = arg;

    atomic_store(&n->lease.shard_told, false);
    node_look_now(n);
}

static void on_knock(void *arg)
{
    struct node *n = arg;

    atomic_store(&n->lease.knock_told, false);
    if (n->owner && !n->lease.lost)
        node_wake(n);
}

/* On any thread. */
static void shard_changed(void *arg)
{
    struct node *n = arg;

    if (!atomic_exchange(&n->lease.shard_told, true))
        loop_post(n->loop, on_shard, n);
}

static void somebody_knocks(void *arg)
{
    struct node *n = arg;

    if (!atomic_exchange(&n->lease.knock_told, true))
        loop_post(n->loop, on_knock, n);
}

void node_knock(const struct node *n, struct batch *b)
{
    const struct knock_row row = {.shard = NODE_SHARD, .at = loop_wall_us(n->loop)};

    batch_put(b, &record_knock, &row, FF_ANY_VERSION);
}

/* --- opening and closing --- */

static int watch(struct node *n, struct ff_err *err)
{
    struct node_lease *l = &n->lease;
    const int code =
        store_reader_watch(l->reader, &record_shard, shard_changed, n, err);

    if (code != FF_OK)
        return code;
    l->watches = true;
    return store_reader_watch(l->reader, &record_knock, somebody_knocks, n, err);
}

int node_lease_open(struct node *n, struct ff_err *err)
{
    struct node_lease *l = &n->lease;

    if (!node_is_leased(n) || l->lane)
        return FF_OK;
    if (find_place(n, err) != FF_OK)
        return err->code;
    l->reader = store_reader_open(n->store, err);
    if (l->reader && (watch(n, err) == FF_OK || err->code == FF_UNSUPPORTED))
        l->lane = lane_new(n->loop, "lease", err);
    if (l->lane)
        return FF_OK;
    node_lease_close(n);
    return err->code;
}

void node_lease_close(struct node *n)
{
    struct node_lease *l = &n->lease;

    loop_timer_del(l->next);
    loop_timer_del(l->end);
    lane_free(l->lane);
    store_reader_close(l->reader);
    node_shards_done(&l->found);
    ARRAY_DONE(&l->seen);
    ARRAY_DONE(&l->view);
    ARRAY_DONE(&l->leaders);
    l->lane = NULL;
    l->reader = NULL;
    mem_free(l->address);
    l->address = NULL;
}
