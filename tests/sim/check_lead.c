/* check_lead.c - who leads where hosts share the store, by the row of the shard: epochs
 * grow and have one process each, whose commits are fenced (I8); a lease is taken from
 * nobody who has it (I45); somebody leads again soon (I46); who does not lead any more
 * starts nothing (I47); each tenant is in the range of one row, and its epochs grow
 * whichever that is (I48). */
#include "sim.h"

#include "node/node_priv.h"

#include <string.h>

#define SECOND        UNITS_SECOND
#define LEASE_US      (3 * SECOND) /* docs/postgres.md: three seconds, up to a minute */
#define LEASE_MAX_US  (60 * SECOND)
#define LEAD_AGAIN_US (12 * SECOND) /* four, and what a process takes to begin */
#define LINK_LEFT_US  (20 * SECOND) /* what a slow link still holds up */
#define LATE_US       (SECOND / 10)
#define MAX_SHARDS    16

#define N_TENANTS 2 /* client.c */

/* A row of the shards. */
struct lead {
    bool is_there;
    int64_t epoch;
    int node;      /* whose it is */
    bool given_up; /* it has said so, or others have, of one that was over */
    struct tenant_range range;
    int64_t lease_until; /* by the store's clock */
    int64_t written_at;  /* when nobody's clock is wrong, as the rest: */
    int64_t most_ahead;  /* the store's clock was it by so much, at most, since then */
    int64_t taken_at;    /* the epoch began */
    int64_t taken_in;    /* the commit by which it did */
    bool robbed;  /* maybe by the store's clock, and not because time had passed */
    bool checked; /* by the commit that is judged */
};

static struct lead leads[MAX_SHARDS];
static int64_t set_at; /* when the store's clock was last set; 0: it never was */
static struct {
    int64_t epoch;       /* of whoever led the tenant last */
    int64_t again_until; /* somebody is to lead it; 0: somebody does */
} tenants[N_TENANTS];

static struct tenant tenant_of(int i)
{
    return (struct tenant){1 + i};
}

static struct lead *lead_of(struct tenant t)
{
    for (int i = 0; i < MAX_SHARDS; i++)
        if (leads[i].is_there && range_has(leads[i].range, t))
            return &leads[i];
    return NULL;
}

int lead_owner(struct tenant t)
{
    const struct lead *l = lead_of(t);

    if (!sim.o.hosts)
        return mirror.owner;
    return l ? l->node : SIM_CLIENT;
}

int64_t lead_owned_in(struct tenant t)
{
    const struct lead *l = lead_of(t);

    return sim.o.hosts && l ? l->taken_in : mirror.owned_in;
}

int64_t lead_owned_at(struct tenant t)
{
    const struct lead *l = lead_of(t);

    return sim.o.hosts && l ? l->taken_at : mirror.owned_at;
}

bool lead_leads_any(int node)
{
    for (int i = 0; i < N_TENANTS; i++)
        if (lead_owner(tenant_of(i)) == node)
            return true;
    return false;
}

static int64_t clock_ahead(void)
{
    return store_sim_clock() - SIM_EPOCH_US - sim.now;
}

void lead_clock_set(void)
{
    set_at = sim.now;
    for (int i = 0; i < MAX_SHARDS; i++)
        if (clock_ahead() > leads[i].most_ahead)
            leads[i].most_ahead = clock_ahead();
}

/* --- the row --- */

static void write_lease(struct lead *l, const struct ff_change *c)
{
    change_int(c, COL_SHARD_LEASE_UNTIL, &l->lease_until);
    l->written_at = sim.now;
    l->most_ahead = clock_ahead();
    sim_trace(
        "the lease of epoch %lld has %lld us left, the store's clock is %lld us ahead",
        (long long)l->epoch, (long long)(l->lease_until - store_sim_clock()),
        (long long)clock_ahead());
    if (l->lease_until - store_sim_clock() > LEASE_US + SECOND)
        sim_seen(SEEN_LEASE_LONG);
}

/* Whoever took it may have looked at the store's clock at any time since. */
static bool is_over_by_clock(const struct lead *l)
{
    return SIM_EPOCH_US + sim.now + l->most_ahead >= l->lease_until;
}

static bool is_over(const struct lead *l)
{
    return is_over_by_clock(l) || sim.now - l->written_at >= LEASE_MAX_US;
}

static void judge_take(const struct lead *l, int node)
{
    if (!l->is_there)
        return;
    if (l->given_up)
        sim_seen(SEEN_LED_FREE);
    else if (l->node == node)
        sim_seen(SEEN_LED_AGAIN);
    else if (is_over(l))
        sim_seen(SEEN_LED_OVER);
    else
        sim_fail("I45: process %d takes the lead from %d, whose lease has %lld us left",
                 node, l->node, (long long)(l->lease_until - store_sim_clock()));
    if (l->node != node)
        sim_seen(SEEN_LED_CHANGED);
}

/* It could not do anything at the end of its lease, or that came while the call that
 * takes it was under way. */
static bool is_excused(const struct lead *l, const struct sim_node *n)
{
    return l->robbed || sim_loop_is_paused(n->loop) || sim.now - sim.due > LATE_US ||
           sim.now - n->calm_since < LATE_US;
}

/* By its own clock it has stopped before. */
static void judge_loser(const struct lead *l)
{
    const struct sim_node *n = &sim_nodes[l->node];

    if (n->phase == NODE_OWNER && !is_excused(l, n))
        sim_check(n->node->lease.lost || store_get_fence(n->store).shard != l - leads,
                  "I47: the lease of %d is over, and it does not know that", n->no);
}

/* Another process takes it, or what there is of it. */
static void leave(struct lead *l, int node)
{
    judge_take(l, node);
    /* A lease may be written late, by the clock of before. */
    l->robbed = set_at > 0 && sim.now - set_at < LEASE_MAX_US;
    if (l->is_there && l->node != node && !l->given_up)
        judge_loser(l);
}

static struct tenant_range range_in(const struct ff_change *c)
{
    struct shard_row row = {.low = MODEL_NULL, .high = MODEL_NULL};

    change_int(c, COL_SHARD_LOW, &row.low);
    change_int(c, COL_SHARD_HIGH, &row.high);
    return range_of(&row);
}

/* A host keeps its directory; what its process wrote may come when that is gone. */
static const char *place_of(int node)
{
    static char places[SIM_MAX_NODES][PLACE_TEXT];
    const struct node *n = sim_nodes[node].node;

    if (!places[node][0] && n && n->lease.place[0])
        snprintf(places[node], PLACE_TEXT, "%s", n->lease.place);
    return places[node];
}

static bool is_own(int node, const struct ff_change *c)
{
    char place[PLACE_TEXT];

    change_text(c, COL_SHARD_PLACE, place, sizeof(place));
    return node >= 0 && strcmp(place, place_of(node)) == 0;
}

/* By whoever has it from now on. */
static void take(struct lead *l, int node, const struct ff_change *c)
{
    leave(l, node);
    l->node = node;
    l->given_up = false;
    l->taken_at = sim.now;
    l->taken_in = mirror.n_commits;
    write_lease(l, c);
}

static bool runs_any(const struct mirror_run *r)
{
    void *value;

    for (size_t i = 0; map_next(&r->tasks, &i, &value);) {
        const struct mirror_task *t = value;

        if (t->row.state == TASK_RUNNING && t->row.items == MODEL_NULL &&
            is_attempt(&r->flow->tasks[NODE_TASK(t->row.node)]))
            return true;
    }
    return false;
}

/* An attempt is never handed over. What a commit said that arrived late the giver could
 * not know. */
static void check_calm(const struct lead *l)
{
    void *value;

    for (size_t i = 0; sim.o.store_doubt == 0 && map_next(&mirror.runs, &i, &value);) {
        const struct mirror_run *r = value;

        sim_check(!range_has(l->range, r->tenant) || !r->open || !runs_any(r),
                  "I48: run %lld is given away, and something of it runs",
                  (long long)r->no);
    }
}

/* By one that takes what there was of it, or gives it something. */
static void change_other(struct lead *l, int node, struct tenant_range before)
{
    sim_check(l->is_there, "I48: process %d makes a row for somebody else", node);
    if (range_is_empty(l->range)) {
        leave(l, node);
        l->given_up = true;
        sim_seen(SEEN_RANGE_JOINED);
        return;
    }
    sim_check(range_is_empty(before), "I48: process %d changes what %d leads", node,
              l->node);
    check_calm(l);
    l->taken_at = sim.now;
    l->taken_in = mirror.n_commits;
    sim_seen(SEEN_RANGE_GIVEN);
}

static void put(struct lead *l, int node, const struct ff_change *c)
{
    const struct tenant_range before = l->range;
    int64_t epoch = 0;

    change_int(c, COL_SHARD_EPOCH, &epoch);
    sim_check(epoch > l->epoch, "I8: epoch %lld comes after epoch %lld",
              (long long)epoch, (long long)l->epoch);
    l->range = range_in(c);
    if (is_own(node, c))
        take(l, node, c);
    else
        change_other(l, node, before);
    l->is_there = true;
    l->epoch = epoch;
}

/* Renewed, or given up. */
static void change(struct lead *l, int node, const struct ff_change *c)
{
    sim_check(node == l->node,
              "I8: process %d writes the lease of epoch %lld, which is that of %d",
              node, (long long)l->epoch, l->node);
    sim_check(!l->given_up, "I8: process %d renews what it has given up", node);
    sim_check(c->expect != FF_ANY_VERSION, "I8: a lease is written, whoever has it");
    sim_check(!change_value(c, COL_SHARD_EPOCH), "I8: an epoch is made another one");
    sim_check(!change_value(c, COL_SHARD_LOW) && !change_value(c, COL_SHARD_HIGH),
              "I48: a range is made another one, and its epoch is not");
    if (change_value(c, COL_SHARD_OWNER)) {
        l->given_up = true;
        return;
    }
    sim_seen(SEEN_LEASE_RENEWED);
    write_lease(l, c);
}

/* --- all rows --- */

/* Each hash is in one range: as many as there are, and none in two. */
static void check_ranges(void)
{
    int64_t size = 0;

    for (int i = 0; i < MAX_SHARDS; i++) {
        const struct tenant_range a = leads[i].range;

        if (!leads[i].is_there || range_is_empty(a))
            continue;
        size += a.high - a.low;
        for (int k = 0; k < i; k++) {
            const struct tenant_range b = leads[k].range;

            sim_check(!leads[k].is_there || range_is_empty(b) || a.high <= b.low ||
                          b.high <= a.low,
                      "I48: rows %d and %d both have some tenants", k, i);
        }
    }
    sim_check(size == RANGE_END, "I48: %lld tenants are nobody's",
              (long long)(RANGE_END - size));
}

/* The places of a tenant's steps begin with the epoch. */
static void check_epochs(void)
{
    for (int i = 0; i < N_TENANTS; i++) {
        const int64_t epoch = lead_of(tenant_of(i))->epoch;

        sim_check(epoch >= tenants[i].epoch,
                  "I48: tenant %d is led under epoch %lld after %lld", i + 1,
                  (long long)epoch, (long long)tenants[i].epoch);
        tenants[i].epoch = epoch;
    }
}

static struct lead *row_of(const struct ff_change *c)
{
    const int64_t shard = c->values[COL_SHARD_SHARD].i;

    sim_check(0 <= shard && shard < MAX_SHARDS, "there are too many shards");
    return &leads[shard];
}

void lead_begin(int node, const struct ff_change *changes, size_t n)
{
    bool changed = false;

    for (int i = 0; i < MAX_SHARDS; i++)
        leads[i].checked = false;
    if (!sim.o.hosts)
        return;
    if (node >= 0)
        place_of(node);
    for (size_t i = 0; i < n; i++) {
        const struct ff_change *c = &changes[i];
        if (c->record != &record_shard)
            continue;
        if (c->kind == FF_CHECK)
            row_of(c)->checked = true;
        else if (c->kind == FF_PUT)
            put(row_of(c), node, c);
        else
            change(row_of(c), node, c);
        changed = changed || c->kind == FF_PUT;
    }
    if (!changed)
        return;
    check_ranges();
    check_epochs();
}

void lead_check_fence(int node, const struct ff_change *c)
{
    const struct lead *l = lead_of(change_tenant(c));

    sim_check(!sim.o.hosts || (l && l->checked),
              "I8: process %d writes %s, and does not ask whether it leads", node,
              c->record->name);
}

void lead_refused(int node, const struct ff_change *changes, size_t n, size_t failed)
{
    if (!sim.o.hosts || node < 0 || failed >= n ||
        changes[failed].record != &record_shard)
        return;
    if (changes[failed].kind == FF_CHECK)
        sim_seen(SEEN_EPOCH_REFUSED);
    else
        sim_seen(SEEN_LEASE_REFUSED);
}

/* --- who leads --- */

static int64_t bound(const struct lead *l)
{
    int64_t left = l->given_up ? 0 : l->lease_until - store_sim_clock();

    if (left < 0)
        left = 0;
    if (left > LEASE_MAX_US)
        left = LEASE_MAX_US;
    return left + LEAD_AGAIN_US + 20 * sim.o.lane_us +
           (sim.o.link_slow ? LINK_LEFT_US : 0);
}

void lead_check(void)
{
    for (int i = 0; sim.o.hosts && i < sim.o.n_nodes; i++)
        place_of(i);
    for (int i = 0; sim.o.hosts && !sim.faults && i < N_TENANTS; i++) {
        const struct lead *l = lead_of(tenant_of(i));
        int64_t *again_until = &tenants[i].again_until;

        if (!l)
            continue;
        if (nodes_owner_of(tenant_of(i))) {
            *again_until = 0;
            continue;
        }
        if (*again_until == 0)
            *again_until = sim.now + bound(l);
        sim_check(sim.now <= *again_until,
                  "I46: nobody leads tenant %d, and epoch %lld was written %lld us ago",
                  i + 1, (long long)l->epoch, (long long)(sim.now - l->written_at));
    }
}

/* By its own clock it gave up before another one could lead; unless it stood still, or
 * the store's clock is what made the lease end. */
void lead_check_start(int node, const char *id, struct tenant t)
{
    const struct lead *l = lead_of(t);

    if (!sim.o.hosts || !l || l->robbed)
        return;
    const int64_t since = l->taken_at > sim_nodes[node].calm_since
                              ? l->taken_at
                              : sim_nodes[node].calm_since;
    sim_check(sim.due <= since + LATE_US,
              "I47: %s is started by %d, and %d leads since %lld us", id, node, l->node,
              (long long)(sim.now - l->taken_at));
}

/* An idle leader renews its lease, and that is all. */
void lead_check_end(void)
{
    for (int i = 0; sim.o.hosts && i < N_TENANTS; i++)
        sim_check(sim.now - lead_of(tenant_of(i))->written_at <= LEASE_MAX_US,
                  "I46: the lease is not renewed in the end");
}
