/* sched/sched_priv.h - the inside of the room: sched.c has tenants, runs, offers and
 * picks; sched_lane.c who waits for the same limits; sched_limit.c places and rates;
 * sched_hold.c which node has which place; sched_queue.c which queues are paused. */
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

/* Nodes of one tenant, queue and priority that want the same. */
struct lane {
    struct heap_item item; /* in its level, by the stamp of its first offer, while it is
                            * not blocked and something waits */
    struct level *level;
    char *key;
    char *queue;
    struct list offers; /* in the order of their turns */
    uint32_t n_offers;  /* that belong to it, also empty ones */
    int64_t waiting;    /* nodes */
    bool blocked;       /* found that it may not go */
    bool queued;        /* was, and has not been granted anything since */
    bool overdue;       /* was overtaken too often: its limits are kept for it */
    bool rated;         /* wants something of a rate */
    bool paused;        /* its queue is */
    uint32_t n_needs;
    struct lane_need needs[];
};

struct level { /* one priority of one tenant */
    struct fair_tenant *tenant;
    int32_t priority;
    struct heap open;   /* of lanes */
    struct map lanes;   /* by key */
    struct lane *plain; /* that wants nothing, in the default queue */
};

struct fair_tenant {
    struct list link; /* in the ring while something of it may go */
    struct sched *sched;
    int64_t no;
    uint32_t weight;
    uint32_t credit; /* picks left on this visit */
    int64_t open;    /* nodes in lanes that are not blocked */
    struct {
        struct level **items; /* highest priority first */
        size_t n, cap;
    } levels;
    struct map limits; /* by name */
    struct map paused; /* names of queues */
};

struct range {
    int64_t node, count;
};

/* What one run offers in one lane. */
struct offer {
    struct list link; /* in its lane while something waits */
    struct sched_run *run;
    struct lane *lane;
    int64_t stamp; /* of its turn */
    struct {
        struct range *items;
        size_t n, cap;
    } ranges;
    size_t head;  /* first range that still has nodes */
    int64_t used; /* picks of this turn */
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
    struct fair_tenant *tenant;
    void *owner;
    struct map offers;  /* lane -> struct offer */
    struct list holds;  /* not ending */
    struct list ending; /* free when that is durable: few, however many there are */
    struct map by_node; /* node -> struct hold, not ending */
};

struct sched {
    struct list ring; /* of tenants of whom something may go */
    struct map tenants;
    int64_t slots; /* free ones; below zero: more adopted than there are */
    int64_t all_slots;
    int64_t waiting, open;
    int64_t stamp; /* of the last turn that was given */
    int64_t now_us;
    struct heap tokens;
    size_t n_rated;    /* blocked lanes that want something of a rate */
    struct list spare; /* holds to be used again */
    size_t n_spare;
};

/* sched.c */
struct fair_tenant *sched_tenant(struct sched *s, int64_t no);
void sched_count_open(struct fair_tenant *t, int64_t n); /* of lanes not blocked */

/* sched_lane.c */
struct lane *lane_of(struct fair_tenant *t, const char *queue, int32_t priority,
                     const struct sched_need *needs, size_t n);
void lane_unref(struct lane *lane); /* one offer less belongs to it */
bool lane_may_go(struct lane *lane);
void lane_block(struct lane *lane);
void lane_pause(struct lane *lane, bool paused);
void lane_granted(struct lane *lane);
void lane_changed(struct lane *lane); /* its first offer is another, or there is none */
struct lane *lane_next(const struct fair_tenant *t);
void lane_wake(struct limit *limit); /* something of it is free */

/* sched_limit.c */
struct limit *limit_of(struct fair_tenant *t, const char *name); /* one more user */
void limit_unref(struct limit *limit);
void limit_forget(struct limit *limit);  /* whoever uses it */
int64_t limit_take(struct limit *limit); /* the lowest place that is free */
void limit_take_place(struct limit *limit, int64_t place);
void limit_return(struct limit *limit, int64_t place);
struct token *limit_take_token(struct limit *limit);
void limit_return_token(struct token *token);

/* sched_hold.c */
void hold_take(struct sched_run *r, int64_t node, const struct lane *lane);
void hold_forget_spare(struct sched *s);

#endif
