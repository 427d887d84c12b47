/* trigger/trigger_priv.h - the inside of the room: trigger.c is the door and keeps the
 * time, trigger_load.c reads rows, trigger_turn.c decides and commits, trigger_room.c
 * counts open runs. */
#ifndef TRIGGER_TRIGGER_PRIV_H
#define TRIGGER_TRIGGER_PRIV_H

#include "trigger/trigger.h"

#define TRIGGER_RETRY_US (1 * UNITS_SECOND) /* after a load or commit that failed */
#define TRIGGER_RUNS_MAX 200                /* that begin in one batch, about */

/* Something that schedules may wait for; its row is deleted when they were told. */
struct happened {
    struct occurrence_row row; /* text is owned by the set's arena */
    enum flow_trigger_kind kind;
    int64_t state; /* of a run */
};

/* How many runs of a tenant are open, and may be. */
struct trigger_room {
    int64_t n_open, most;
};

/* What was read in one go. */
struct trigger_set {
    struct {
        struct schedule **items;
        size_t n, cap;
    } schedules;
    struct {
        struct backfill **items;
        size_t n, cap;
    } backfills;
    struct {
        struct happened *items;
        size_t n, cap;
    } happened;
    struct map open;            /* numbers of open runs -> struct trigger_room */
    struct map rooms;           /* of tenants; the arena's */
    int64_t usual_room;         /* of a tenant that has no row */
    struct counter_row counter; /* of runs */
    struct counter_row made;    /* SCHEDULE_COUNTER, before schedules were read */
    struct arena arena;
};

struct trigger {
    struct trigger_setup setup;
    struct tenant_range range;
    struct lane *lane;
    struct trigger_set set;
    struct {
        int64_t *items;
        size_t n, cap;
    } ended,  /* runs of ours that have ended, not yet told */
        gone; /* runs that have ended since what is being read was asked for */
    struct {
        struct trigger_come {
            int64_t tenant, run;
        } * items;
        size_t n, cap;
    } come; /* the same of those that were opened */
    struct schedule_step step;
    struct { /* what setup.keep did for the step */
        void *kept;
        int code;
        struct ff_err err;
    } keeping;
    struct loop_timer *timer, *retry, *cancel;
    bool loaded; /* set is what the store says */
    bool loading, load_again;
    bool stale; /* somebody has changed rows since what is in memory was read */
    bool busy;  /* a commit is in flight */
    bool turn_posted;
    bool draining, dead;
    size_t n_failed; /* conflicts in a row */
    int64_t n_taken; /* numbers from the counter's on that runs may have already */
    ff_call_fn *drained;
    void *drained_arg;
};

/* trigger.c */
void trigger_post_turn(struct trigger *t);
void trigger_arm(struct trigger *t);
void trigger_retry(struct trigger *t); /* load again in a while */
/* Cancels runs whose place is to be taken: all of that is durable. */
void trigger_cancel_replaced(struct trigger *t);
void trigger_check_drained(struct trigger *t);

/* trigger_load.c */
void trigger_load(struct trigger *t);
void trigger_set_done(struct trigger_set *set);

/* trigger_room.c */
struct trigger_room *trigger_room(struct trigger_set *set, int64_t tenant);
bool trigger_room_take(struct trigger_set *set, int64_t tenant,
                       int64_t run); /* false: it is in there */
void trigger_room_leave(struct trigger_set *set, int64_t run); /* if it is in there */
/* What a step asks; arg: the trigger. */
bool trigger_has_room(void *arg, int64_t tenant);
void trigger_took_room(void *arg, int64_t tenant, int64_t run);

/* trigger_turn.c */
void trigger_turn(struct trigger *t);

#endif
