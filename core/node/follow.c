/* node/follow.c - where hosts share the store: who leads whom, as the rows of the
 * shards say, and when a process that does not lead may do so.
 *
 * How much of a lease was left is read once for each renewal, and counted from there by
 * this process's own clock: the store's may be set. Where the store was away, or stood
 * still, nobody could renew, and whoever led may come back first. */
#include "node/node_priv.h"

#include <string.h>

/* Who has lost the store tries again within two seconds, with each of two sessions. */
#define PATIENCE_US (4 * UNITS_SECOND)

/* --- rows --- */

int node_read_shards(struct node *n, struct store_reader *r, struct node_shards *out,
                     struct ff_err *err)
{
    arena_reset(&out->text);
    const int code = store_read_shards(n->store, r, &out->rows, &out->text, err);

    return code == FF_OK ? store_clock(n->store, r, &out->now_us, err) : code;
}

void node_shards_done(struct node_shards *s)
{
    ARRAY_DONE(&s->rows);
    arena_done(&s->text);
}

static void copy_text(char *out, size_t size, struct span text)
{
    snprintf(out, size, "%.*s", (int)text.len, text.s ? text.s : "");
}

static struct node_leader leader_of(const struct shard_row *row, int64_t now_us)
{
    struct node_leader out = {
        .shard = row->shard,
        .range = range_of(row),
        .epoch = row->epoch,
        .since_us = row->since,
        .leads = row->owner.s && (row->lease_until == 0 || row->lease_until > now_us),
        .lease_left_us = row->owner.s && row->lease_until > 0
                             ? row->lease_until - now_us
                             : MODEL_NULL,
    };

    copy_text(out.owner, sizeof(out.owner), row->owner);
    copy_text(out.address, sizeof(out.address), row->address);
    return out;
}

void node_leads(struct node *n, const struct shard_row *row)
{
    struct node_lease *l = &n->lease;

    l->leader = leader_of(row, row->since != MODEL_NULL ? row->since : 0);
    l->leader.leads = l->leader.here = true;
    if (l->leader.since_us == MODEL_NULL)
        l->leader.since_us = loop_wall_us(n->loop);
}

/* --- who leads, for those who ask --- */

int node_read_leaders(struct node *n, struct store_reader *r, node_leader_fn *fn,
                      void *arg, struct ff_err *err)
{
    struct node_shards s = {0};
    const int code = node_read_shards(n, r, &s, err);

    for (size_t i = 0; code == FF_OK && i < s.rows.n; i++) {
        const struct node_leader leader = leader_of(&s.rows.items[i], s.now_us);

        fn(arg, &leader);
    }
    node_shards_done(&s);
    return code;
}

/* Its lease goes on ending. */
static struct node_leader as_of_now(const struct node *n, struct node_leader leader,
                                    int64_t since_us)
{
    if (leader.lease_left_us == MODEL_NULL)
        return leader;
    leader.lease_left_us -= loop_mono_us(n->loop) - since_us;
    if (leader.lease_left_us <= 0) {
        leader.lease_left_us = 0;
        leader.leads = false;
    }
    return leader;
}

static struct node_leader leader_here(const struct node *n)
{
    struct node_leader leader = as_of_now(n, n->lease.leader, n->lease.held_us);

    leader.here = true;
    return leader;
}

void node_each_leader(const struct node *n, node_leader_fn *fn, void *arg)
{
    const struct node_lease *l = &n->lease;

    for (size_t i = 0; i < l->leaders.n; i++) {
        const bool here = n->owner && l->leaders.items[i].shard == l->leader.shard;
        const struct node_leader leader =
            here ? leader_here(n) : as_of_now(n, l->leaders.items[i], l->seen_us);

        fn(arg, &leader);
    }
}

/* The first that leads anybody, or else the first. */
static struct node_leader leader_elsewhere(const struct node *n)
{
    const struct node_lease *l = &n->lease;
    struct node_leader found = {.lease_left_us = MODEL_NULL, .since_us = MODEL_NULL};

    for (size_t i = 0; i < l->leaders.n; i++) {
        const struct node_leader leader = as_of_now(n, l->leaders.items[i], l->seen_us);
        const bool leads = leader.leads && !range_is_empty(leader.range);

        if (i == 0 || leads)
            found = leader;
        if (leads)
            break;
    }
    return found;
}

void node_leader(const struct node *n, struct node_leader *out)
{
    *out = n->owner ? leader_here(n) : leader_elsewhere(n);
}

struct led {
    bool all, any;
};

static void note_led(void *arg, const struct node_leader *leader)
{
    struct led *led = arg;

    led->any = true;
    led->all = led->all && (leader->leads || range_is_empty(leader->range));
}

bool node_is_led(const struct node *n)
{
    struct led led = {.all = true};
    struct node_leader leader;

    node_each_leader(n, note_led, &led);
    if (led.any)
        return led.all;
    node_leader(n, &leader);
    return leader.leads;
}

bool node_leads_all(const struct node *n)
{
    return n->owner && range_is_all(n->range);
}

bool node_leads_tenant(const struct node *n, struct tenant t)
{
    return n->owner && range_has(n->range, t);
}

/* --- what was seen --- */

static struct node_seen *seen_of(struct node_lease *l, int64_t shard)
{
    for (size_t i = 0; i < l->seen.n; i++)
        if (l->seen.items[i].shard == shard)
            return &l->seen.items[i];
    ARRAY_ADD(&l->seen, ((struct node_seen){.shard = shard}));
    return &l->seen.items[l->seen.n - 1];
}

/* A row that is still the same was not renewed, whatever the store's clock says. */
static void note_lease(struct node_seen *seen, const struct shard_row *row,
                       int64_t store_us, int64_t now_us)
{
    int64_t left_us =
        row->owner.s && row->lease_until > 0 ? row->lease_until - store_us : 0;

    if (row->version == seen->version)
        return;
    if (left_us > NODE_LEASE_MAX_US)
        left_us = NODE_LEASE_MAX_US;
    seen->version = row->version;
    seen->over_us = now_us + left_us;
}

static bool is_free(const struct node *n, const struct shard_row *row,
                    const struct node_seen *seen, int64_t now_us)
{
    /* That its time is over is not for the store's clock to say. */
    if (store_shard_is_free(row, n->lease.place, INT64_MIN))
        return true;
    return now_us >= seen->over_us && now_us >= n->lease.patient_until_us;
}

/* As of this process's own clock; `s` is borrowed for as long as the view is. */
static void note_rows(struct node *n, const struct node_shards *s)
{
    struct node_lease *l = &n->lease;
    const int64_t now_us = loop_mono_us(n->loop);

    l->view.n = 0;
    l->over_next_us = now_us + NODE_LEASE_US;
    for (size_t i = 0; i < s->rows.n; i++) {
        const struct shard_row *row = &s->rows.items[i];
        struct node_seen *seen = seen_of(l, row->shard);

        note_lease(seen, row, s->now_us, now_us);
        const bool free = is_free(n, row, seen, now_us);
        if (!free)
            seen->free_since_us = 0;
        else if (seen->free_since_us == 0)
            seen->free_since_us = now_us;
        if (!free && seen->over_us < l->over_next_us)
            l->over_next_us = seen->over_us;
        ARRAY_ADD(&l->view, ((struct ranges_row){
                                .row = row,
                                .is_free = free,
                                .free_us = free ? now_us - seen->free_since_us : 0}));
    }
}

int64_t node_seen_over(struct node *n, int64_t shard)
{
    const struct node_seen *seen = seen_of(&n->lease, shard);

    return loop_mono_us(n->loop) >= seen->over_us ? seen->version : FF_ABSENT;
}

static void note_leaders(struct node *n, const struct node_shards *s)
{
    struct node_lease *l = &n->lease;

    l->leaders.n = 0;
    for (size_t i = 0; i < s->rows.n; i++)
        ARRAY_ADD(&l->leaders, leader_of(&s->rows.items[i], s->now_us));
    l->seen_us = l->asked_us;
}

/* The runs of the command line are of that one: who leads only others would wait for
 * them for ever. */
static struct tenant whom(const struct node_lease *l)
{
    const struct tenant any = {0};

    return l->joins || l->serves ? any : TENANT_DEFAULT;
}

struct ranges_view node_view(struct node *n, const struct node_shards *s)
{
    struct node_lease *l = &n->lease;

    note_rows(n, s);
    return (struct ranges_view){.rows = l->view.items,
                                .n = l->view.n,
                                .place = l->place,
                                .joins = l->joins,
                                .whom = whom(l),
                                .gift = l->gift};
}

/* Nobody could renew while the store was away, or stood still. */
bool node_note_look(struct node *n)
{
    struct node_lease *l = &n->lease;
    const int64_t now_us = loop_mono_us(n->loop);
    const int64_t took_us = now_us - l->asked_us;

    if (l->code != FF_OK) {
        l->away = true;
        return false;
    }
    if (l->away || (took_us > NODE_RENEW_US && took_us > 2 * l->look_us))
        l->patient_until_us = now_us + PATIENCE_US;
    l->away = false;
    l->look_us = took_us;
    note_leaders(n, &l->found);
    return true;
}

/* --- following --- */

static void look(void *arg);

void node_look_on_lane(void *arg)
{
    struct node *n = arg;
    struct node_lease *l = &n->lease;

    l->code = node_read_shards(n, l->reader, &l->found, &l->err);
}

static void look_again(struct node *n)
{
    const struct node_lease *l = &n->lease;
    const int64_t now_us = loop_mono_us(n->loop);
    int64_t pause_us = NODE_AGAIN_US;

    if (l->code == FF_OK && l->over_next_us > now_us)
        pause_us = l->over_next_us - now_us + NODE_BEHIND_US;
    if (pause_us > NODE_LEASE_US + NODE_BEHIND_US)
        pause_us = NODE_LEASE_US + NODE_BEHIND_US;
    node_lease_arm(n, now_us + pause_us, look, &n->lease.next);
}

static void tell_free(struct node *n)
{
    struct node_lease *l = &n->lease;
    ff_call_fn *fn = l->may_lead;

    l->may_lead = NULL;
    fn(l->may_lead_arg);
}

static bool may_lead(struct node *n)
{
    struct node_lease *l = &n->lease;

    if (l->code != FF_OK)
        return false;
    const struct ranges_view view = node_view(n, &l->found);
    return ranges_plan(&view).act != RANGES_WAIT;
}

static void on_looked(void *arg)
{
    struct node *n = arg;
    struct node_lease *l = &n->lease;

    l->looking = false;
    if (!l->may_lead || n->owner) {
        node_lease_came_back(n);
        return;
    }
    if (!node_note_look(n))
        log_debug("who leads: %s", l->err.msg);
    if (may_lead(n))
        tell_free(n);
    else if (l->again)
        look(n);
    else
        look_again(n);
}

static void look(void *arg)
{
    struct node *n = arg;
    struct node_lease *l = &n->lease;

    l->again = l->looking; /* what was asked for may have been another thing */
    if (l->looking || !l->may_lead)
        return;
    loop_timer_del(l->next);
    l->looking = true;
    l->asked_us = loop_mono_us(n->loop);
    lane_do(l->lane, node_look_on_lane, on_looked, n);
}

/* From the lane, when this process has another part by now. */
void node_lease_came_back(struct node *n)
{
    if (n->lease.may_lead && !n->owner && !n->lease.next)
        look(n);
}

void node_look_now(struct node *n)
{
    if (!n->owner && n->lease.may_lead)
        look(n);
}

int node_follow(struct node *n, int64_t pause_us, ff_call_fn *may_lead_fn, void *arg,
                struct ff_err *err)
{
    struct node_lease *l = &n->lease;

    if (node_lease_open(n, err) != FF_OK)
        return err->code;
    l->may_lead = may_lead_fn;
    l->may_lead_arg = arg;
    node_lease_arm(n, loop_mono_us(n->loop) + pause_us, look, &l->next);
    return FF_OK;
}

void node_follow_no_more(struct node *n)
{
    n->lease.may_lead = NULL;
    if (!n->owner)
        loop_timer_del(n->lease.next);
}
