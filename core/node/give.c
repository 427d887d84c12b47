/* node/give.c - half of what this process leads goes to one that leads nobody yet.
 *
 * An attempt belongs to the host that started it. Where that is this one, nothing of
 * those tenants starts here from now on, and they are given away when nothing of them
 * runs any more. Where that takes too long they stay, and it is tried again later: each
 * time after twice as long, since nothing of them starts meanwhile; but at once where
 * nothing of them happens to run, which costs nothing.
 *
 * Where executors run them they go on, and their executors say so to whoever leads
 * next. Only what no executor is known to have would be lost: so nothing of anybody
 * starts for a moment, until each attempt has been heard of. */
#include "node/node_priv.h"

#include <stdlib.h>
#include <string.h>

#define CALM_US (10 * UNITS_SECOND)
#define HOLD_US (2 * UNITS_SECOND) /* for attempts to be heard of */
#define QUEUE_US                                                                       \
    (UNITS_SECOND / 5) /* for what was granted to come out of the queue                \
                        */
#define LOOK_US  (UNITS_SECOND / 10)
#define AGAIN_US (60 * UNITS_SECOND)
#define AGAIN_N  6 /* times twice as long: about an hour */

/* --- where to cut --- */

struct tally {
    struct weighed {
        int64_t hash, weight;
    } * items;
    size_t n, cap;
    int64_t weight;
    struct tenant_range range;
};

/* By what it was given here so far; one that did nothing yet may do something. */
static void weigh(void *arg, int64_t tenant, int64_t picks)
{
    const struct tenant t = {tenant};
    const struct weighed w = {range_hash(t), picks + 1};
    struct tally *tally = arg;

    if (!range_has(tally->range, t))
        return;
    ARRAY_ADD(tally, w);
    tally->weight += w.weight;
}

static int compare(const void *a, const void *b)
{
    const int64_t x = ((const struct weighed *)a)->hash;
    const int64_t y = ((const struct weighed *)b)->hash;

    return (x > y) - (x < y);
}

/* The place between two tenants that is nearest to the middle; -1: there is none. */
static int64_t middle(const struct tally *t)
{
    int64_t at = -1, below = 0, best = t->weight;

    for (size_t i = 1; i < t->n; i++) {
        below += t->items[i - 1].weight;
        const int64_t off = llabs(2 * below - t->weight);

        if (t->items[i].hash == t->items[i - 1].hash || off >= best)
            continue;
        at = t->items[i].hash;
        best = off;
    }
    return at;
}

static int64_t choose_cut(const struct node *n)
{
    struct tally tally = {.range = n->range};

    control_each_tenant(n->control, weigh, &tally);
    if (tally.n > 1)
        qsort(tally.items, tally.n, sizeof(*tally.items), compare);
    const int64_t at = middle(&tally);
    ARRAY_DONE(&tally);
    return at;
}

/* --- giving --- */

static void stop_giving(struct node *n)
{
    loop_timer_del(n->lease.giving.timer);
    n->lease.giving.what.shard = -1;
}

void node_give_no_more(struct node *n)
{
    loop_timer_del(n->lease.giving.timer);
    n->lease.giving.holds = false;
}

static bool is_giving(const struct node *n)
{
    return n->lease.giving.timer != NULL;
}

/* For all tenants, as those that stay are read anew as well. */
static void hold_starts(struct node *n, bool holds)
{
    n->lease.giving.holds = holds;
    node_set_places(n, n->n_places, n->n_stuck);
}

static void on_calm(struct node *n)
{
    struct node_lease *l = &n->lease;

    l->giving.n_failed = 0;
    l->gift = l->giving.what;
    stop_giving(n);
    node_reshape(n, "another process leads some of the tenants from now on");
}

static void give_up(struct node *n)
{
    struct node_lease *l = &n->lease;
    const int64_t delay = AGAIN_US << l->giving.n_failed;

    stop_giving(n);
    if (l->giving.n_failed < AGAIN_N)
        l->giving.n_failed++;
    l->giving.again_us = loop_mono_us(n->loop) + delay;
    control_lead(n->control, n->range);
    if (l->giving.holds)
        hold_starts(n, false);
    log_info("%s: it is tried again in %lld s, or as soon as nothing of them runs",
             n->elsewhere ? "tasks wait for their executors whose tenants another "
                            "process could lead"
                          : "tasks go on whose tenants another process could lead",
             (long long)(delay / UNITS_SECOND));
}

static struct tenant_range kept(const struct node *n, int64_t at)
{
    return (struct tenant_range){n->range.low, at};
}

static bool all_are_heard_of(const struct node *n)
{
    return n->lease.giving.holds &&
           loop_mono_us(n->loop) >= n->lease.giving.since_us + QUEUE_US &&
           exec_starting(n->exec) == 0;
}

static void is_calm_yet(void *arg)
{
    struct node *n = arg;
    struct node_lease *l = &n->lease;

    if (!n->owner || l->lost)
        return;
    if (control_is_calm(n->control, kept(n, l->giving.what.at)) || all_are_heard_of(n))
        on_calm(n);
    else if (loop_mono_us(n->loop) >= l->giving.until_us)
        give_up(n);
    else
        node_lease_arm(n, loop_mono_us(n->loop) + LOOK_US, is_calm_yet,
                       &l->giving.timer);
}

static void begin(struct node *n, int64_t shard, int64_t at)
{
    struct node_lease *l = &n->lease;
    const int64_t now_us = loop_mono_us(n->loop);

    l->giving.what = (struct ranges_gift){shard, at};
    l->giving.since_us = now_us;
    l->giving.until_us = now_us + (n->elsewhere ? HOLD_US : CALM_US);
    control_lead(n->control, kept(n, at));
    if (n->elsewhere)
        hold_starts(n, true);
    node_lease_arm(n, now_us, is_calm_yet, &l->giving.timer);
}

void node_give(struct node *n, const struct ranges_view *v)
{
    const struct ranges_row *to = ranges_empty_one(v);

    if (!n->lease.joins || range_is_empty(n->range) || is_giving(n) || !to ||
        !control_is_settled(n->control))
        return;
    const int64_t at = choose_cut(n);
    if (at <= n->range.low || at >= n->range.high)
        return;
    if (loop_mono_us(n->loop) >= n->lease.giving.again_us ||
        control_is_calm(n->control, kept(n, at)))
        begin(n, to->row->shard, at);
}
