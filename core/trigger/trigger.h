/* trigger/trigger.h - who fires: the schedules of a shard, led by its owner.
 *
 * All schedules are in memory; one timer stands on the nearest time. What has happened
 * (that time, the end of a run, an event) is decided by core/schedule, and one batch at
 * a time is committed: the runs, the rows of their times, the schedules' own rows, and
 * the counter that numbers runs, each guarded by the version that was read. When that
 * conflicts, because somebody paused a schedule or took a number at the same moment,
 * everything is loaded again and decided anew. Loop thread only. */
#ifndef TRIGGER_TRIGGER_H
#define TRIGGER_TRIGGER_H

#include "loop/loop.h"
#include "model/access_rows.h"
#include "schedule/schedule.h"
#include "store/store.h"

struct trigger;

struct trigger_setup {
    struct loop *loop;
    struct store *store; /* its fence is set: the shard is ours */
    int64_t shard;
    const struct tenant_range *range; /* whose schedules; copied. NULL: everybody's */
    /* Finds time zones; called on a lane, one call at a time. */
    schedule_zone_fn *zone;
    void *zone_arg;
    void *arg;
    /* Before a batch of more than inline_max bytes is committed, on a lane: inputs of
     * the runs that it makes and that are too large for rows go elsewhere, and the
     * batch names them. `kept`: whatever is to be told then whether it became durable;
     * in doubt it did not. NULL: rows may be as large as they like. */
    int (*keep)(void *arg, struct batch *b, void **kept, struct ff_err *err);
    void (*kept)(void *arg, void *kept, bool durable);
    size_t inline_max;
    /* How many runs of a tenant may be open; row: NULL where it has none. NULL: as many
     * as they like. */
    int64_t (*max_open_runs)(const struct tenant_row *row);
    /* What follows, once it is durable; none may be NULL. */
    void (*started)(void *arg); /* there are new runs */
    /* False: the run is not in memory yet; it is asked again. */
    bool (*cancel)(void *arg, struct tenant t, int64_t run);
    void (*loaded)(void *arg); /* it is known what there is: trigger_is_needed */
    void (*fatal)(void *arg, const struct ff_err *err);
};

/* Starts at once to load the schedules. */
struct trigger *trigger_new(const struct trigger_setup *setup, struct ff_err *err);
/* Fires no more; fn is called on the loop thread once nothing is in flight. */
void trigger_drain(struct trigger *t, ff_call_fn *fn, void *arg);
void trigger_free(struct trigger *t); /* drained; takes NULL */

/* Rows may have changed: read them again. Coalesced. */
void trigger_wake(struct trigger *t);
/* The machine's clock was set, or the machine slept: look at the time again. */
void trigger_clock_changed(struct trigger *t);

/* A run is open, whoever began it; cheap when it is said again of the same one. */
void trigger_run_opened(struct trigger *t, struct tenant tenant, int64_t run);
/* A run is about to end: adds a row to the same batch where a schedule waits for that,
 * so that neither can be without the other. */
void trigger_run_ending(struct trigger *t, const struct run_row *run, struct batch *b);
/* That is durable; of each run, also those that are tasks of others. */
void trigger_run_ended(struct trigger *t, const struct run_row *run);

/* Is there anything to stay for: a schedule that is not paused, a backfill? True until
 * it is known. */
bool trigger_is_needed(const struct trigger *t);

/* Tells the backfill which of its times have a run already. Any thread that may use the
 * reader. */
int trigger_read_done(struct store *store, struct store_reader *reader,
                      struct backfill *b, struct ff_err *err);

#endif
