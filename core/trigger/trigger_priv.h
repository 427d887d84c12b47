/* trigger/trigger_priv.h - the inside of the room: trigger.c is the door and keeps the
 * time, trigger_load.c reads rows, trigger_turn.c decides and commits. */
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
    struct map open;            /* numbers of open runs */
    struct counter_row counter; /* of runs */
    struct counter_row made;    /* SCHEDULE_COUNTER, before schedules were read */
    struct arena arena;
};

struct trigger {
    struct trigger_setup setup;
    struct lane *lane;
    struct trigger_set set;
    struct {
        int64_t *items;
        size_t n, cap;
    } ended; /* runs of ours that have ended, not yet told */
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

/* trigger_turn.c */
void trigger_turn(struct trigger *t);

#endif
