/* sched/sched_priv.h - the inside of the room: sched.c has runs and picks; sched_ring.c
 * whose turn it is; sched_tenant.c tenants and projects; sched_offer.c which nodes
 * wait, sched_range.c in which memory; sched_lane.c who waits for the same limits;
 * sched_limit.c places and rates; sched_hold.c which node has which place; sched_pool.c
 * where attempts run; sched_queue.c which queues are paused.
 *
 * A turn goes down a tree: sched -> tenant -> project -> level -> flow -> offer. Of
 * each only those are linked to what is above of which something may go, as far as is
 * known: so a pick looks at nothing that waits, however much that is. */
#ifndef SCHED_SCHED_PRIV_H
#define SCHED_SCHED_PRIV_H

#include "sched/sched.h"

struct limit {
    struct sched *sched;
    struct fair_tenant *tenant;
    char *name;
    int64_t size; /* as told, or -1 */
    int64_t held; /* places taken */
    struct {
        uint64_t *items;
        size_t n, cap;
    } taken;             /* a bit a place */
    size_t low;          /* no free place is in a word before this one */
    uint64_t n_grants;   /* ever, to see who is overtaken */
    struct list waiters; /* struct lane_need, the longest waiting first */
    uint32_t n_refs;     /* of lanes, holds, taken places, of a size that was told */
};

/* A place of a rate, until its time is over. */
struct token {
    struct heap_item item; /* when it is free; INT64_MAX before the start */
    struct limit *limit;
    int64_t place;
};

struct lane_need {
    struct list link; /* in the limit's waiters */
    struct lane *lane;
    struct limit *limit;
    int64_t amount, size, per_us;
    uint64_t mark; /* the limit's n_grants when the lane began to wait */
};

/* --- where attempts run --- */

struct pool { /* executors with the same labels */
    struct sched *sched;
    char *labels;
    size_t n_labels;
    int64_t places;
    int64_t used; /* more than there are, where executors have gone */
};

struct selector { /* labels that somebody asks for */
    struct sched *sched;
    char *labels;
    struct list lanes; /* that ask for them */
    uint32_t n_refs;   /* of these */
};

/* --- turns --- */

/* Of a tenant among all, of a project in its tenant, of a run in its level. */
struct fair_share {
    struct list link; /* in its ring while something of it may go */
    uint32_t weight;  /* picks a round */
    uint32_t credit;  /* of them left in `round` */
    uint64_t round;
};

struct fair_ring {
    struct list now;   /* have picks left in this round */
    struct list later; /* have not */
    uint64_t round;
};

struct fair_tenant {
    struct fair_share share;
    struct sched *sched;
    int64_t no;
    struct fair_ring projects;
    struct map by_no; /* all of them */
    int64_t running, max_running, picks;
    int64_t turns;     /* times that it came into turn */
    struct map limits; /* by name */
    struct map paused; /* names of queues */
    bool held;
};

struct fair_project {
    struct fair_share share;
    struct fair_tenant *tenant;
    struct heap open;  /* of levels, the highest priority first */
    struct map levels; /* by priority */
};

struct level {             /* one priority of one project */
    struct heap_item item; /* in its project while something of it may go */
    struct fair_project *project;
    int32_t priority;
    struct fair_ring runs; /* of struct flow */
    struct map lanes;      /* by key */
    struct lane *plain;    /* that wants nothing, in the default queue */
};

/* One run in one level. */
struct flow {
    struct fair_share share;
    struct level *level;
    struct heap awake; /* of offers, by turn */
};

/* --- what waits --- */

/* Nodes of one project, queue and priority that want the same. */
struct lane {
    struct level *level;
    char *key;
    char *queue;
    struct selector *selector; /* or NULL: they run anywhere */
    struct list alike;         /* in its selector */
    struct heap parked;        /* of offers that are not asked, by turn */
    int64_t n_awake;           /* those that are */
    uint32_t n_offers;         /* that belong to it, also empty ones */
    bool blocked;              /* found that it may not go */
    bool queued;               /* was, and has not been granted anything since */
    bool overdue;              /* was overtaken too often: its limits are kept for it */
    bool rated;                /* wants something of a rate */
    bool paused;               /* its queue is */
    uint32_t n_needs;
    struct lane_need needs[];
};

struct range {
    int64_t node, count;
    int64_t since_us; /* they were offered */
};

/* Ranges in the order in which they came, each of one node at least. */
struct ranges {
    int64_t n_nodes;    /* of all */
    struct range first; /* count 0: there is none */
    struct range last;  /* it may still grow; count 0: none behind the others */
    struct list chunks; /* those between, as they are written down */
};

/* What one run offers in one lane. */
struct offer {
    struct heap_item item; /* by its turn: in its flow, or parked in its lane, while
                            * something waits */
    struct sched_run *run;
    struct lane *lane;
    struct flow *flow;
    bool awake; /* in its flow */
    struct ranges ranges;
};

/* What one node holds. */
struct hold {
    struct list link; /* in its run, by whether it is ending; or among the spare ones */
    int64_t node;
    bool started, ending, confirmed;
    uint32_t n;
    struct held {
        struct limit *limit;
        int64_t place;
        struct token *token; /* of a rate, until the start; else NULL */
        int64_t per_us;
    } * places;
    struct held few[2]; /* where `places` are, while they fit */
};

struct sched_run {
    struct sched *sched;
    struct fair_project *project;
    void *owner;
    struct map offers; /* lane -> struct offer */
    /* Those in plain lanes, by the last bits of the priority: nearly all that is
     * offered goes to the one that was offered to before. */
    struct offer *plain[4];
    /* The last ones in others, so that the text by which a lane is found is not made
     * anew for each node. */
    struct offer *wanting[4];
    size_t n_wanting;   /* ever */
    struct map flows;   /* priority -> struct flow */
    struct list holds;  /* not ending */
    struct list ending; /* free when that is durable: few, however many there are */
    struct map by_node; /* node -> struct hold, not ending */
    struct map placed;  /* node -> the place of a pool that it has */
};

struct sched {
    struct fair_ring ring; /* of tenants */
    struct map tenants;
    int64_t slots; /* free ones; below zero: more adopted than there are */
    int64_t all_slots;
    int64_t waiting;
    int64_t stamp; /* of the last turn that was given */
    int64_t now_us;
    int64_t picked_since_us; /* the node that was picked last was offered */
    struct heap tokens;
    size_t n_rated;              /* blocked lanes that want something of a rate */
    struct map pools, selectors; /* by labels */
    struct list spare;           /* holds to be used again */
    size_t n_spare;
};

/* sched_ring.c */
void ring_init(struct fair_ring *ring);
void share_init(struct fair_share *share);
void ring_add(struct fair_ring *ring,
              struct fair_share *share); /* once, however often */
void ring_del(struct fair_share *share); /* likewise */
bool ring_empty(const struct fair_ring *ring);
struct fair_share *ring_first(struct fair_ring *ring); /* whose turn it is, or NULL */
/* It is the next one of this round, unless it has had its picks, or is not there. */
void ring_to_front(struct fair_ring *ring, struct fair_share *share);
/* The first one has had a pick; true: it was its last one of this round. */
bool ring_spend(struct fair_ring *ring, struct fair_share *share);

/* sched_tenant.c */
struct fair_tenant *sched_tenant(struct sched *s, int64_t no);
struct fair_project *sched_project(struct fair_tenant *t, int64_t no);
void sched_tenant_free(struct fair_tenant *t);
void project_changed(struct fair_project *p); /* the levels that are open */
void tenant_takes_slot(struct fair_tenant *t);

/* sched_range.c */
void ranges_init(struct ranges *q);
void ranges_done(struct ranges *q);
void ranges_add(struct ranges *q, const struct range *range);
int64_t ranges_take(struct ranges *q); /* its first node; there is one */
/* What is in it of these goes; how many that were. */
int64_t ranges_cut(struct ranges *q, int64_t node, int64_t count);

/* sched_offer.c */
void flow_init(struct flow *f, struct level *level);
void offer_add(struct offer *o, int64_t node, int64_t count);
int64_t offer_take(struct offer *o);                             /* its first node */
int64_t offer_cut(struct offer *o, int64_t node, int64_t count); /* how many it had */
void offer_take_turn(struct offer *o); /* the others of its run and lane go before it */
void offer_wake(struct offer *o);
void offer_park(struct offer *o);
void offer_free(struct offer *o);

/* sched_lane.c */
struct lane *lane_of(struct fair_project *p, const struct sched_wants *wants);
bool lane_is_for(const struct lane *lane, const struct sched_wants *wants);
void lane_unref(struct lane *lane); /* one offer less belongs to it */
bool lane_may_go(struct lane *lane);
/* Of one with a selector: it would go, were there a place with these labels. */
bool lane_lacks_place(struct lane *lane);
void lane_block(struct lane *lane);
void lane_pause(struct lane *lane, bool paused);
void lane_granted(struct lane *lane);
void lane_changed(struct lane *lane); /* what waits in it, or is asked */
void lane_wake(struct limit *limit);  /* something of it is free */
/* The same of a pool: and its turn, which passed meanwhile, is the next of its round.
 */
void lane_wake_first(struct lane *lane);

/* sched_limit.c */
struct limit *limit_of(struct fair_tenant *t, const char *name); /* one more user */
void limit_unref(struct limit *limit);
void limit_forget(struct limit *limit);  /* whoever uses it */
int64_t limit_take(struct limit *limit); /* the lowest place that is free */
void limit_take_place(struct limit *limit, int64_t place);
void limit_return(struct limit *limit, int64_t place);
struct token *limit_take_token(struct limit *limit);
void limit_return_token(struct token *token);

/* sched.c */
bool sched_is_plain(const struct sched_wants *wants);

/* sched_pool.c */
struct selector *selector_of(struct sched *s, const char *labels); /* one more user */
void selector_unref(struct selector *sel);                         /* takes NULL */
bool selector_has_room(const struct selector *sel);
int64_t selector_room(const struct selector *sel); /* places that are free */
void pool_take(struct sched_run *r, int64_t node, const struct lane *lane);
void pools_free(struct sched *s);
void place_leave(struct sched_run *r, int64_t node); /* it has none any more */
/* The run is loaded again: what is not confirmed then has no place any more. */
void places_doubt(struct sched_run *r);
void places_confirm(struct sched_run *r, int64_t node);
void places_end_strays(struct sched_run *r);
void places_free(struct sched_run *r);

/* sched_hold.c */
void hold_take(struct sched_run *r, int64_t node, const struct lane *lane);
void hold_forget_spare(struct sched *s);

#endif
