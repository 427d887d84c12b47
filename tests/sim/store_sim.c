/* store_sim.c - a store driver with faults around plugins/store-memory, or around
 * plugins/store-sqlite (store_pair.c). What became durable is judged by check_commit at
 * that moment, whoever wrote it. */
#include "sim.h"

#include <string.h>

#define SECOND  UNITS_SECOND
#define TOLD_US 3000 /* most of the time until others are told of a commit */

const struct ff_driver *ff_driver_entry(void); /* of plugins/store-memory */

struct session {
    void *inner;
    int node;
    struct loop *loop;
    struct session *next; /* of those that are open */
    bool dead;            /* it said FATAL: it says so for ever */
    int64_t down_until;   /* its link broke inside a commit */
};

static const struct ff_store_ops *inner_ops;
static struct session *sessions;
static void *plain; /* a session of the simulator's own */
static struct {
    int node;
    struct loop *loop;
} opening;
static int64_t untold_until[SIM_MAX_NODES];
static int64_t clock_skew_us;            /* the store's, from what is true */
static int64_t cut_until[SIM_MAX_NODES]; /* a host does not reach the store */

void sim_opening(int node, struct loop *l)
{
    opening.node = node;
    opening.loop = l;
}

/* The memory driver asks its host for the time only, and we do not ask it. */
static const struct ff_host no_host = {.struct_size = sizeof(no_host)};
static const char *const no_config[1]; /* its option "name" is not set */

void store_sim_init(void)
{
    struct ff_err err;

    inner_ops = sim.o.sqlite ? store_pair_open() : ff_driver_entry()->ops.store;
    if (inner_ops->open(&no_host, no_config, &plain, &err) != FF_OK ||
        inner_ops->setup(plain, &model_schema, &err) != FF_OK)
        sim_fail("the store cannot be opened: %s", err.msg);
}

int64_t store_sim_clock(void)
{
    return SIM_EPOCH_US + sim.now + clock_skew_us;
}

void store_sim_set_clock(int64_t skew_us)
{
    clock_skew_us = skew_us;
    lead_clock_set();
}

void store_sim_cut(int node, int64_t for_us)
{
    cut_until[node] = sim.now + for_us;
}

static bool is_cut(const struct session *s)
{
    return s->node >= 0 && cut_until[s->node] > sim.now;
}

void store_sim_check_end(void)
{
    if (!sim.o.sqlite)
        return;
    sim_seen(SEEN_SQLITE);
    store_pair_check(plain);
}

void store_sim_done(void)
{
    if (!sim.o.sqlite)
        return;
    inner_ops->close(plain);
    store_pair_done();
}

/* The kernel closes what a dead process had open. */
void store_sim_crash(int node)
{
    for (struct session *s = sessions; s; s = s->next)
        if (s->node == node && s->inner) {
            inner_ops->close(s->inner);
            s->inner = NULL;
        }
}

bool store_sim_untold(int node)
{
    return untold_until[node] > sim.now;
}

/* --- who is told of commits --- */

struct told {
    struct list link; /* kept to the end of the seed */
    const struct session *session;
    const struct ff_record *record;
    ff_call_fn *fn;
    void *arg;
};

static struct list tolds = {&tolds, &tolds};

static void on_told(void *arg)
{
    const struct told *t = arg;

    if (t->session)
        t->fn(t->arg);
}

/* A host that was not there is told when it is back. */
static void tell_of(const struct ff_record *record)
{
    for (struct list *at = tolds.next; at != &tolds; at = at->next) {
        struct told *t = LIST_OF(at, struct told, link);
        if (t->record != record || !t->session || sim_loop_is_dead(t->session->loop))
            continue;
        const int64_t away_us = cut_until[t->session->node] - sim.now;
        sim_at(t->session->loop,
               (away_us > 0 ? away_us : 0) + sim_between(RAND_HOSTS, 0, TOLD_US),
               on_told, t);
    }
}

static void tell_watches(const struct ff_change *changes, size_t n)
{
    const struct ff_record *before = NULL;

    for (size_t i = 0; i < n; i++) {
        if (changes[i].kind != FF_CHECK && changes[i].record != before)
            tell_of(changes[i].record);
        before = changes[i].kind != FF_CHECK ? changes[i].record : before;
    }
}

static int sim_watch(void *store, const struct ff_record *record, ff_call_fn *fn,
                     void *arg, struct ff_err *err)
{
    struct told *t = mem_alloc(sizeof(*t));

    if (!sim.o.watches)
        return ff_fail(err, FF_UNSUPPORTED, 0, "this store tells of no commits");
    *t = (struct told){.session = store, .record = record, .fn = fn, .arg = arg};
    list_add_tail(&tolds, &t->link);
    sim_seen(SEEN_WATCHED);
    return FF_OK;
}

static void watch_no_more(const struct session *s)
{
    for (struct list *at = tolds.next; at != &tolds; at = at->next) {
        struct told *t = LIST_OF(at, struct told, link);
        if (t->session == s)
            t->session = NULL;
    }
}

/* --- commits that arrive after their sender gave up --- */

struct late {
    struct list link;
    struct batch batch;
    int node;
    size_t broken; /* the change whose guard a rival broke; SIZE_MAX: none */
};

static struct list lates = {&lates, &lates};

bool store_sim_quiet(void)
{
    return list_empty(&lates);
}

static void keep_change(struct batch *b, const struct ff_change *c)
{
    struct ff_change copy = *c;
    const size_t n = c->record->n_columns;
    struct ff_value *values = arena_alloc(&b->arena, n * sizeof(*values));

    for (size_t i = 0; i < n; i++) {
        const bool is_key = i <= c->record->n_key;
        const bool used =
            c->kind == FF_PUT || is_key || (c->kind == FF_PATCH && c->set >> i & 1);
        values[i] = used ? c->values[i] : (struct ff_value){0};
        if (values[i].type && values[i].s)
            values[i].s = arena_text(&b->arena, values[i].s, values[i].len);
    }
    copy.values = values;
    told_copied(c->values, values);
    ARRAY_ADD(b, copy);
}

static int execute(void *session, int node, const struct ff_change *changes, size_t n,
                   size_t *failed, struct ff_err *err)
{
    const int code = inner_ops->commit(session, changes, n, failed, err);

    if (node >= 0)
        untold_until[node] = sim.now + sim.o.lane_us / 2;
    if (code == FF_OK) {
        told_written(changes, n);
        check_commit(node, changes, n);
        tell_watches(changes, n);
    } else {
        if (code == FF_CONFLICT) {
            told_at_fault(changes, n, *failed);
            lead_refused(node, changes, n, *failed);
        }
        sim_trace("commit of %d refused: %d at %zu of %zu", node, code, *failed, n);
    }
    return code;
}

static int execute_late(struct late *late)
{
    const struct ff_change *changes = late->batch.items;
    struct ff_err err;
    size_t failed = 0;

    if (late->broken == SIZE_MAX)
        return execute(plain, late->node, changes, late->batch.n, &failed, &err);
    told_at_fault(changes, late->batch.n, late->broken);
    return FF_CONFLICT;
}

static void on_late(void *arg)
{
    struct late *late = arg;
    const int code = execute_late(late);

    sim_trace("late commit of %d arrives: %d", late->node, code);
    sim_seen(code == FF_OK ? SEEN_LATE_WRITTEN : SEEN_LATE_REFUSED);
    if (late->node == SIM_CLIENT)
        nodes_wake(); /* a message that was carried out may be there again */
    for (size_t i = 0; i < late->batch.n; i++)
        told_copy_gone(late->batch.items[i].values);
    if (code == FF_OK)
        told_came_late(&late->batch); /* kept to the end of the seed */
    else
        batch_done(&late->batch);
    list_del(&late->link);
    mem_free(late);
}

static void commit_later(const struct session *s, const struct ff_change *changes,
                         size_t n)
{
    struct late *late = mem_alloc(sizeof(*late));

    late->node = s->node;
    late->broken = SIZE_MAX;
    list_add_tail(&lates, &late->link);
    for (size_t i = 0; i < n; i++)
        keep_change(&late->batch, &changes[i]);
    sim_at(NULL, sim_between(RAND_STORE, 1, 3 * SECOND), on_late, late);
}

/* --- faults --- */

static int in_doubt(struct session *s, const struct ff_change *changes, size_t n,
                    size_t *failed, struct ff_err *err)
{
    const uint64_t what = sim_rand(RAND_STORE, 4);

    if (what < 2 && execute(s->inner, s->node, changes, n, failed, err) != FF_OK)
        return err->code;
    if (what < 2)
        sim_seen(SEEN_DOUBT_WRITTEN);
    else
        sim_seen(SEEN_DOUBT_NOT_WRITTEN);
    if (what == 3)
        commit_later(s, changes, n);
    if (sim_chance(RAND_STORE, 300))
        s->down_until = sim.now + sim_between(RAND_STORE, 0, 4 * SECOND);
    sim_trace("commit in doubt: %llu", (unsigned long long)what);
    return ff_fail(err, FF_IN_DOUBT, 0, "the link broke inside the commit");
}

/* Of a change without a guard there is nothing to break. */
static bool rival_comes(const struct ff_change *changes, size_t n, size_t *failed)
{
    if (!sim_chance(RAND_STORE, sim.o.store_conflict))
        return false;
    *failed = sim_rand(RAND_STORE, n);
    return changes[*failed].expect != FF_ANY_VERSION;
}

static bool is_same_value(const struct ff_value *a, const struct ff_value *b)
{
    if (a->type == FF_INT)
        return a->i == b->i;
    return a->len == b->len && (a->len == 0 || memcmp(a->s, b->s, a->len) == 0);
}

static bool is_same_guard(const struct ff_change *a, const struct ff_change *b)
{
    if (a->record != b->record || a->expect != b->expect)
        return false;
    for (uint16_t i = 0; i < a->record->n_key; i++)
        if (!is_same_value(&a->values[i], &b->values[i]))
            return false;
    return true;
}

/* A guard that is broken stays so: what is to come late, and has it too, is refused. */
static void break_late(const struct ff_change *guard)
{
    for (struct list *at = lates.next; at != &lates; at = at->next) {
        struct late *late = LIST_OF(at, struct late, link);
        for (size_t i = 0; i < late->batch.n; i++)
            if (is_same_guard(&late->batch.items[i], guard))
                late->broken = i;
    }
}

static int rival(const struct ff_change *changes, size_t n, size_t *failed,
                 struct ff_err *err)
{
    sim_seen(changes[*failed].kind == FF_CHECK ? SEEN_FENCE_CONFLICT
                                               : SEEN_RIVAL_CONFLICT);
    sim_trace("a rival breaks the guard of change %zu", *failed);
    break_late(&changes[*failed]);
    if (changes[*failed].kind != FF_CHECK && sim_chance(RAND_STORE, 200)) {
        sim_seen(SEEN_UNNAMED_CONFLICT);
        *failed = SIZE_MAX; /* some drivers cannot tell */
    }
    told_at_fault(changes, n, *failed);
    return ff_fail(err, FF_CONFLICT, 0, "a rival was here");
}

static int down(struct ff_err *err)
{
    if (sim_chance(RAND_STORE, 300)) {
        sim_seen(SEEN_STORE_FULL);
        return ff_fail(err, FF_FULL, 0, "the disk is full");
    }
    sim_seen(SEEN_STORE_UNAVAILABLE);
    return ff_fail(err, FF_UNAVAILABLE, 0, "the store is down");
}

static int sim_commit(void *store, const struct ff_change *changes, size_t n,
                      size_t *failed, struct ff_err *err)
{
    struct session *s = store;
    const bool faults = sim.faults;

    sim_spend(sim_between(RAND_STORE, 0, sim.o.commit_us));
    if (faults && sim_chance(RAND_STORE, sim.o.store_stall)) {
        sim_seen(SEEN_STORE_STALL);
        sim_spend(sim_between(RAND_STORE, 0, 5 * SECOND));
    }
    if (!s->dead && faults && s->node >= 0 &&
        sim_chance(RAND_STORE, sim.o.store_fatal)) {
        sim_seen(SEEN_STORE_FATAL);
        s->dead = true;
        sim_trace("the store is dead for %d", s->node);
    }
    if (s->dead)
        return ff_fail(err, FF_FATAL, 0, "a flush failed");
    if (faults && sim_chance(RAND_STORE, sim.o.store_busy)) {
        sim_seen(SEEN_STORE_BUSY);
        return ff_fail(err, FF_BUSY, 0, "somebody else writes");
    }
    if (faults && is_cut(s))
        return ff_fail(err, FF_UNAVAILABLE, 0, "the store is not to be reached");
    if (faults && (s->down_until > sim.now || sim_chance(RAND_STORE, sim.o.store_down)))
        return down(err);
    if (faults && rival_comes(changes, n, failed))
        return rival(changes, n, failed, err);
    if (faults && sim_chance(RAND_STORE, sim.o.store_doubt))
        return in_doubt(s, changes, n, failed, err);
    return execute(s->inner, s->node, changes, n, failed, err);
}

/* --- reads --- */

static int read_faults(const struct session *s, struct ff_err *err)
{
    if (sim.faults && s->node >= 0 && sim_chance(RAND_STORE, sim.o.interleave)) {
        sim_seen(SEEN_INTERLEAVED);
        for (int64_t n = sim_between(RAND_STORE, 1, 3); n > 0; n--)
            client_act_now();
    }
    if (sim.faults && (s->down_until > sim.now || is_cut(s)))
        return ff_fail(err, FF_UNAVAILABLE, 0, "the link is down");
    if (!sim.faults || !sim_chance(RAND_STORE, sim.o.read_down))
        return FF_OK;
    sim_seen(SEEN_READ_DOWN);
    sim_trace("a read of %d fails", s->node);
    if (sim_chance(RAND_STORE, 500))
        return ff_fail(err, FF_BUSY, 0, "the store is busy");
    return ff_fail(err, FF_UNAVAILABLE, 0, "the store is down");
}

static int sim_scan(void *store, const struct ff_query *query, ff_row_fn *fn, void *arg,
                    struct ff_err *err)
{
    const struct session *s = store;
    int code = read_faults(s, err);

    if (code != FF_OK)
        return code;
    code = inner_ops->scan(s->inner, query, fn, arg, err);
    if (code == FF_OK && query->record == &record_queue_pause)
        pause_queues_read(s->node);
    return code;
}

static int sim_count(void *store, const struct ff_query *query, uint64_t *n,
                     struct ff_err *err)
{
    const struct session *s = store;
    const int code = read_faults(s, err);

    return code == FF_OK ? inner_ops->count(s->inner, query, n, err) : code;
}

/* --- the rest --- */

static int sim_open(const struct ff_host *host, const void *config, void **store,
                    struct ff_err *err)
{
    struct session *s = mem_alloc(sizeof(*s));

    (void)config;
    s->node = opening.node;
    s->loop = opening.loop;
    s->next = sessions;
    sessions = s;
    *store = s;
    return inner_ops->open(host, no_config, &s->inner, err);
}

static void sim_close(void *store)
{
    struct session *s = store;

    if (!s)
        return;
    if (s->inner)
        inner_ops->close(s->inner);
    s->inner = NULL;
    watch_no_more(s);
    for (struct session **link = &sessions; *link; link = &(*link)->next)
        if (*link == s) {
            *link = s->next;
            break;
        }
    mem_free(s);
}

static int sim_setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    return inner_ops->setup(((struct session *)store)->inner, schema, err);
}

static int sim_ping(void *store, struct ff_err *err)
{
    (void)store;
    (void)err;
    return FF_OK;
}

static int sim_now(void *store, int64_t *now_us, struct ff_err *err)
{
    /* Elsewhere nobody leads by it. */
    const int code = sim.o.hosts ? read_faults(store, err) : FF_OK;

    *now_us = store_sim_clock();
    return code;
}

static const struct ff_store_ops ops = {
    .open = sim_open,
    .close = sim_close,
    .setup = sim_setup,
    .commit = sim_commit,
    .scan = sim_scan,
    .count = sim_count,
    .ping = sim_ping,
    .now = sim_now,
};

const struct ff_driver store_sim_driver = {
    FF_DRIVER_HEAD(FF_STORE, FF_PARALLEL, ops), .name = "sim",     .version = "1",
    .summary = "the memory store with faults",  .ops.store = &ops,
};

static const struct ff_store_ops hosts_ops = {
    .open = sim_open,
    .close = sim_close,
    .setup = sim_setup,
    .commit = sim_commit,
    .scan = sim_scan,
    .count = sim_count,
    .ping = sim_ping,
    .now = sim_now,
    .watch = sim_watch,
};

const struct ff_driver store_hosts_driver = {
    FF_DRIVER_HEAD(FF_STORE, FF_PARALLEL, hosts_ops),
    .name = "sim",
    .version = "1",
    .caps = FF_STORE_SHARED | FF_STORE_WATCH | FF_STORE_REMOTE,
    .summary = "the same, of several hosts",
    .ops.store = &hosts_ops,
};
