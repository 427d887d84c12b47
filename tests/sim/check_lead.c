/* check_lead.c - who leads where hosts share the store, by the row of the shard: epochs
 * grow and have one process each, whose commits are fenced (I8); a lease is taken from
 * nobody who has it (I45); somebody leads again soon (I46); who does not lead any more
 * starts nothing (I47). */
#include "sim.h"

#include "node/node_priv.h"

#define SECOND        UNITS_SECOND
#define LEASE_US      (3 * SECOND) /* docs/postgres.md: three seconds, up to a minute */
#define LEASE_MAX_US  (60 * SECOND)
#define LEAD_AGAIN_US (12 * SECOND) /* four, and what a process takes to begin */
#define LINK_LEFT_US  (20 * SECOND) /* what a slow link still holds up */
#define LATE_US       (SECOND / 10)

static struct {
    int64_t epoch;
    int node;            /* whose it is */
    bool given_up;       /* it has said so */
    int64_t lease_until; /* by the store's clock */
    int64_t written_at;  /* when nobody's clock is wrong, as the rest: */
    int64_t most_ahead;  /* the store's clock was it by so much, at most, since then */
    int64_t set_at;      /* when it was last set; 0: it never was */
    int64_t taken_at;    /* the epoch began */
    bool robbed; /* maybe by the store's clock, and not because time had passed */
    bool fenced; /* the commit that is judged */
    int64_t again_until; /* somebody is to lead; 0: somebody does */
} lead = {.node = SIM_CLIENT};

static int64_t clock_ahead(void)
{
    return store_sim_clock() - SIM_EPOCH_US - sim.now;
}

void lead_clock_set(void)
{
    lead.set_at = sim.now;
    if (clock_ahead() > lead.most_ahead)
        lead.most_ahead = clock_ahead();
}

/* --- the row --- */

static void write_lease(const struct ff_change *c)
{
    change_int(c, COL_SHARD_LEASE_UNTIL, &lead.lease_until);
    lead.written_at = sim.now;
    lead.most_ahead = clock_ahead();
    sim_trace(
        "the lease of epoch %lld has %lld us left, the store's clock is %lld us ahead",
        (long long)lead.epoch, (long long)(lead.lease_until - store_sim_clock()),
        (long long)clock_ahead());
    if (lead.lease_until - store_sim_clock() > LEASE_US + SECOND)
        sim_seen(SEEN_LEASE_LONG);
}

/* Whoever took it may have looked at the store's clock at any time since. */
static bool is_over_by_clock(void)
{
    return SIM_EPOCH_US + sim.now + lead.most_ahead >= lead.lease_until;
}

static bool is_over(void)
{
    return is_over_by_clock() || sim.now - lead.written_at >= LEASE_MAX_US;
}

static void judge_take(int node)
{
    if (lead.node == SIM_CLIENT)
        return;
    if (lead.given_up)
        sim_seen(SEEN_LED_FREE);
    else if (lead.node == node)
        sim_seen(SEEN_LED_AGAIN);
    else if (is_over())
        sim_seen(SEEN_LED_OVER);
    else
        sim_fail("I45: process %d takes the lead from %d, whose lease has %lld us left",
                 node, lead.node, (long long)(lead.lease_until - store_sim_clock()));
    if (lead.node != node)
        sim_seen(SEEN_LED_CHANGED);
}

/* It could not do anything at the end of its lease, or that came while the call that
 * takes it was under way. */
static bool is_excused(const struct sim_node *n)
{
    return lead.robbed || sim_loop_is_paused(n->loop) || sim.now - sim.due > LATE_US ||
           sim.now - n->calm_since < LATE_US;
}

/* By its own clock it has stopped before. */
static void judge_loser(void)
{
    const struct sim_node *n = &sim_nodes[lead.node];

    if (n->phase == NODE_OWNER && !is_excused(n))
        sim_check(n->node->lease.lost,
                  "I47: the lease of %d is over, and it does not know that", n->no);
}

static void take(int node, const struct ff_change *c)
{
    int64_t epoch = 0;

    change_int(c, COL_SHARD_EPOCH, &epoch);
    sim_check(epoch == lead.epoch + 1, "I8: epoch %lld comes after epoch %lld",
              (long long)epoch, (long long)lead.epoch);
    judge_take(node);
    /* A lease may be written late, by the clock of before. */
    lead.robbed = lead.set_at > 0 && sim.now - lead.set_at < LEASE_MAX_US;
    if (lead.node != SIM_CLIENT && lead.node != node && !lead.given_up)
        judge_loser();
    lead.epoch = epoch;
    lead.node = node;
    lead.given_up = false;
    lead.taken_at = sim.now;
    write_lease(c);
}

/* Renewed, or given up. */
static void change(int node, const struct ff_change *c)
{
    sim_check(node == lead.node,
              "I8: process %d writes the lease of epoch %lld, which is that of %d",
              node, (long long)lead.epoch, lead.node);
    sim_check(!lead.given_up, "I8: process %d renews what it has given up", node);
    sim_check(c->expect != FF_ANY_VERSION, "I8: a lease is written, whoever has it");
    sim_check(!change_value(c, COL_SHARD_EPOCH), "I8: an epoch is made another one");
    if (change_value(c, COL_SHARD_OWNER)) {
        lead.given_up = true;
        return;
    }
    sim_seen(SEEN_LEASE_RENEWED);
    write_lease(c);
}

void lead_begin(int node, const struct ff_change *changes, size_t n)
{
    lead.fenced = false;
    if (!sim.o.hosts)
        return;
    for (size_t i = 0; i < n; i++) {
        const struct ff_change *c = &changes[i];
        if (c->record != &record_shard)
            continue;
        if (c->kind == FF_CHECK)
            lead.fenced = true;
        else if (c->kind == FF_PUT)
            take(node, c);
        else
            change(node, c);
    }
}

void lead_check_fence(int node, const struct ff_change *c)
{
    sim_check(!sim.o.hosts || lead.fenced,
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

static int64_t bound(void)
{
    int64_t left = lead.given_up ? 0 : lead.lease_until - store_sim_clock();

    if (left < 0)
        left = 0;
    if (left > LEASE_MAX_US)
        left = LEASE_MAX_US;
    return left + LEAD_AGAIN_US + 20 * sim.o.lane_us +
           (sim.o.link_slow ? LINK_LEFT_US : 0);
}

void lead_check(void)
{
    if (!sim.o.hosts || sim.faults)
        return;
    if (host_owner()) {
        lead.again_until = 0;
        return;
    }
    if (lead.again_until == 0)
        lead.again_until = sim.now + bound();
    sim_check(sim.now <= lead.again_until,
              "I46: nobody leads, and epoch %lld was written %lld us ago",
              (long long)lead.epoch, (long long)(sim.now - lead.written_at));
}

/* By its own clock it gave up before another one could lead; unless it stood still, or
 * the store's clock is what made the lease end. */
void lead_check_start(int node, const char *id)
{
    const int64_t since = lead.taken_at > sim_nodes[node].calm_since
                              ? lead.taken_at
                              : sim_nodes[node].calm_since;

    sim_check(!sim.o.hosts || lead.robbed || sim.due <= since + LATE_US,
              "I47: %s is started by %d, and %d leads since %lld us", id, node,
              lead.node, (long long)(sim.now - lead.taken_at));
}

/* An idle leader renews its lease, and that is all. */
void lead_check_end(void)
{
    sim_check(!sim.o.hosts || sim.now - lead.written_at <= LEASE_MAX_US,
              "I46: the lease is not renewed in the end");
}
