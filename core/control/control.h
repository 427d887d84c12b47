/* control/control.h - leads the runs of one shard: loads them, steps them, commits
 * what they decide, and carries out the effects of what is durable.
 *
 * One batch is in flight per run; inputs that come meanwhile wait and go together into
 * the next step. When a commit fails by conflict the run in memory is thrown away and
 * loaded again. New runs are found the same way as interrupted ones: as open_run rows
 * that are not in memory. Loop thread only. */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "driver/driver.h"
#include "engine/engine.h"
#include "sched/sched.h"
#include "store/store.h"

struct control;

/* What control tells the executor; called on the loop thread, only about what is
 * durable. (Starts go through the queue driver: topic "start", body an
 * attempt_key_text.) */
struct control_sink {
    void *arg;
    /* Take charge again of attempts that were running when the last owner died. */
    void (*adopt)(void *arg, const struct attempt_key *keys, size_t n);
    void (*stop)(void *arg, const struct attempt_key *key, int64_t grace_us);
    /* The attempt's result is recorded, or nobody wants it: forget it. */
    void (*settled)(void *arg, const struct attempt_key *key);
    /* Once: every attempt that the owners before us left running was handed to adopt().
     * May be NULL. */
    void (*all_adopted)(void *arg);
    /* Stop this attempt of a run that cannot be loaded, and forget it: its end changes
     * nothing. May be NULL. */
    void (*abandon)(void *arg, const struct attempt_key *key, const char *run_id,
                    const char *path);
};

/* What the rest of the process may hear; any may be NULL. */
struct control_listener {
    void *arg;
    /* Something of this run became durable; the row is borrowed. */
    void (*changed)(void *arg, const struct run_row *run);
    /* A run has ended in the step that this batch commits: rows may be added to it. */
    void (*ending)(void *arg, const struct run_row *run, struct batch *b);
    /* A run that was open is over, and who ended it was not told so: the commit was in
     * doubt, or another process made it. */
    void (*gone)(void *arg);
    /* No open run is left (or all are loaded and done); once, and again after each
     * control_wake. */
    void (*idle)(void *arg);
    /* The store is dead or the shard lost: stop the process. */
    void (*fatal)(void *arg, const struct ff_err *err);
    /* control_wanted says another number; or NULL. */
    void (*wanted)(void *arg);
};

/* How many places a semaphore of the default tenant has where no row says it. */
struct control_size {
    const char *name;
    int64_t size;
};

/* What is in a column that is to be written. */
enum control_column {
    CONTROL_TASK_OUTPUTS,
    CONTROL_RUN_OWN,   /* outputs of the run that writes */
    CONTROL_RUN_INSIDE /* what one is given that begins as a task of it */
};

struct control_setup {
    struct loop *loop;
    struct store *store; /* its fence is set: the shard is ours */
    struct driver_instance *queue;
    const char *topic; /* of starts, for as long as control lives; NULL: the usual */
    int64_t shard;     /* in the keys of open runs and of messages */
    const struct tenant_range *range; /* whose runs; copied. NULL: everybody's */
    int64_t slots;
    bool by_labels; /* tasks choose where they run: control_set_pool says from what */
    const struct control_size *sizes; /* live as long as control */
    size_t n_sizes;
    /* Turns stored outputs (large values by reference) into values; blocking, on a
     * lane. NULL: plain JSON. New reference or NULL with err. */
    json_t *(*resolve)(void *arg, const char *run_id, struct span stored,
                       struct ff_err *err);
    /* The same for inputs and scope of a run's own row. NULL: plain JSON. */
    json_t *(*resolve_run)(void *arg, const char *run_id, struct span column,
                           struct ff_err *err);
    /* Makes values of a column durable that are too large for a row, before the batch
     * that holds it is committed: *kept is what to write instead, mem_free it, or NULL
     * to leave it as it is. Blocking, on a lane; tried again for as long as it fails.
     * Asked for columns above inline_max bytes. NULL: rows hold everything. */
    int (*keep)(void *arg, const char *run_id, enum control_column column,
                struct span text, char **kept, struct ff_err *err);
    size_t inline_max;
    void *resolve_arg; /* of these three */
    struct control_sink sink;
    struct control_listener listener;
};

/* Starts at once to load every open run of the shard. */
struct control *control_new(const struct control_setup *setup, struct ff_err *err);
/* Takes no more inputs; fn is called on the loop thread once nothing is in flight.
 * Then it may be freed. Attempts go on. */
void control_drain(struct control *c, ff_call_fn *fn, void *arg);
void control_free(struct control *c); /* drained, or its loop never runs again */

/* There may be new runs or inbox messages: look. Coalesced. */
void control_wake(struct control *c);

/* This run was made, which whoever tells knows: nothing else is looked for. `row`: as
 * the commit has left it, where all there is of the run is that, open_run and the first
 * event; or NULL. Nothing of it is read again then if that can be done without. */
void control_opened(struct control *c, struct tenant t, int64_t run,
                    const struct run_row *row);

/* Cancels; done is called when the request is durable (FF_OK), FF_NOT_FOUND when the
 * run is not open. */
void control_cancel(struct control *c, struct tenant t, int64_t run,
                    enum cancel_mode mode, store_done_fn *done, void *arg);

/* The same without waiting; false: it is not in memory yet, or not any more. */
bool control_cancel_loaded(struct control *c, struct tenant t, int64_t run,
                           enum cancel_mode mode);

/* An attempt has ended. The result is copied. sink.settled follows once it is durable
 * or known to be late. */
void control_result(struct control *c, const struct attempt_key *key,
                    const struct result *result);

/* An attempt gave no sign of life for as long as it may: sink.stop follows. */
void control_silent(struct control *c, const struct attempt_key *key);

/* What the executor asks. describe also gives the run's row (borrowed). */
int control_describe(struct control *c, const struct attempt_key *key,
                     struct arena *arena, struct work *work, const struct run_row **run,
                     struct ff_err *err);
/* The row of a run that is open here, or NULL. Borrowed until the next turn. */
const struct run_row *control_run_row(struct control *c, struct tenant t, int64_t run);
bool control_is_current(struct control *c, const struct attempt_key *key);
/* Its start has been published by this owner, and describe was not asked for it yet. */
bool control_may_start(struct control *c, const struct attempt_key *key);
/* "fetch.3" of a live run; FF_NOT_FOUND. */
int control_node_path(struct control *c, const struct attempt_key *key, char *out,
                      size_t size);

/* For who measures; loop thread, none may be NULL. */
struct control_watch {
    void *arg;
    /* A node has a slot that it waited for so long. */
    void (*picked)(void *arg, int64_t waited_us);
    /* It is durable that attempts start, and that one has ended with this result. */
    void (*started)(void *arg, size_t n);
    void (*ended)(void *arg, const struct result *result);
};
/* NULL: nobody does. Copied. */
void control_set_watch(struct control *c, const struct control_watch *w);

/* What of each run in memory waits for slots: how many nodes, and if there are any,
 * since when the first of them has. */
typedef void control_waiting_fn(void *arg, struct tenant t, int64_t n,
                                int64_t since_us);
void control_waiting(const struct control *c, control_waiting_fn *fn, void *arg);
/* All slots that there are; those that are free, below zero where more attempts were
 * adopted than there are; those that a tenant has. */
int64_t control_slots(const struct control *c);
/* From now on there are so many: what has more goes on, and none starts before less
 * than that run. */
void control_set_slots(struct control *c, int64_t slots);
/* So many of them are places of executors with these labels (see base/labels.h). */
void control_set_pool(struct control *c, const char *labels, int64_t places);
/* See sched_wanted; 0 while nothing starts whatever is free. */
int64_t control_wanted(const struct control *c, const char *labels);
/* The attempt is at an executor with these labels. */
void control_placed(struct control *c, const struct attempt_key *key,
                    const char *labels);
int64_t control_free_slots(const struct control *c);
int64_t control_tenant_slots(const struct control *c, struct tenant t);
/* The tenants that have a row or had a run here, with the slots that each was given. */
void control_each_tenant(const struct control *c, sched_tenant_fn *fn, void *arg);
/* From now on only what is of these tenants starts; of the others nothing new is taken
 * up. Within what it had at first, so that it can be said again. */
void control_lead(struct control *c, struct tenant_range range);
/* Does no attempt run that is of any tenant outside of the range, and is that durable?
 */
bool control_is_calm(const struct control *c, struct tenant_range range);
/* Have all runs been loaded that were open at the start, and their attempts adopted?
 * Before that nobody knows what runs. */
bool control_is_settled(const struct control *c);

/* Runs in memory that are not final. */
size_t control_open_runs(const struct control *c);
bool control_loading(const struct control *c);

/* Signals that are kept for one outermost run. */
#define CONTROL_SIGNALS_MAX 1000

/* Start messages: their body is an attempt_key_text. */
#define CONTROL_TOPIC_START "start"

#endif
