/* node/schedule_priv.h - what the files of this room share about schedules. */
#ifndef NODE_SCHEDULE_PRIV_H
#define NODE_SCHEDULE_PRIV_H

#include "node/node_priv.h"
#include "node/schedule.h"

struct apply;
struct forget;

/* Parts of node_apply and node_workflow_delete. */
int node_apply_schedules(struct apply *apply, struct ff_err *err);
int node_forget_schedules(struct forget *f, struct ff_err *err);

/* Adds that what is changed was read of schedules that are still the same; made: read
 * by node_schedules_made before them. */
int node_schedules_made(const struct node_plan *p, struct counter_row *made,
                        struct ff_err *err);
void node_check_made(struct batch *b, const struct counter_row *made);

/* Adds that the backfills of a schedule, of all of a workflow, or of all there are
 * (NULL) stop: they go with it. */
int node_stop_backfills(const struct node_plan *p, struct tenant t, const char *word,
                        int64_t *n_stopped, struct ff_err *err);

/* Adds that the times which wait for a run of this schedule never begin: it goes. */
void node_skip_waiting(struct batch *b, const struct schedule_row *row, int64_t now_us);

/* The one schedule that the word means; FF_INVALID where it means several. */
struct schedule *node_schedule_only(const struct node_plan *p, struct tenant t,
                                    const char *word, struct ff_err *err);

#endif
