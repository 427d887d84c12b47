/* node/schedule.h - schedules as people handle them: made by applying a workflow, found
 * by name, paused, triggered, filled in. Each change is one commit, guarded by what was
 * read; the owner hears of it by node_wake, or POST /api/v1/wake at its socket.
 * Blocking. Plans: see change.h. */
#ifndef NODE_SCHEDULE_H
#define NODE_SCHEDULE_H

#include "schedule/schedule.h"

struct node;
struct node_plan;
struct store_reader;

/* Calls fn with each schedule that the word means: WORKFLOW.TRIGGER is one, WORKFLOW
 * all of that workflow, NULL all there are. FF_NOT_FOUND where the word means none. The
 * row is borrowed. */
typedef void node_schedule_fn(void *arg, const struct schedule_row *row);
int node_schedules(struct node *n, struct store_reader *r, struct tenant t,
                   const char *word, node_schedule_fn *fn, void *arg,
                   struct ff_err *err);

/* Is there one that is not paused, or a backfill that goes on? Of any tenant. */
bool node_has_schedules(struct node *n);

/* A schedule in memory, for its times; schedule_free it. NULL with err. One thread of
 * the process. */
struct schedule *node_schedule_open(struct node *n, const struct schedule_row *row,
                                    struct ff_err *err);

/* What is done to each schedule that the word means; *n_changed: to how many it was
 * not done before. */
enum node_schedule_action {
    NODE_SCHEDULE_PAUSE,
    NODE_SCHEDULE_RESUME,
    NODE_SCHEDULE_PIN,
    NODE_SCHEDULE_UNPIN,
    NODE_SCHEDULE_DELETE
};
int node_plan_schedule_do(const struct node_plan *p, struct tenant t, const char *word,
                          enum node_schedule_action action, int64_t *n_changed,
                          struct ff_err *err);
int node_schedule_do(struct node *n, struct tenant t, const char *word,
                     enum node_schedule_action action, int64_t *n_changed,
                     struct ff_err *err);

/* Begins a run now, whatever else goes on. `id` is the plan's from one try to the
 * next. */
int node_plan_trigger(const struct node_plan *p, struct tenant t, const char *word,
                      char id[ID_TEXT], struct ff_err *err);
int node_schedule_trigger(struct node *n, struct tenant t, const char *word,
                          char id[ID_TEXT], struct ff_err *err);

/* The times from `from` on and below `below` that have no run yet. *n_times: how many
 * there are. dry: nothing is written. */
struct node_backfill {
    const char *schedule;
    int64_t from_us, below_us;
    int64_t max_parallel;
    bool dry;
};
int node_plan_backfill(const struct node_plan *p, struct tenant t,
                       const struct node_backfill *what, int64_t *no, int64_t *n_times,
                       struct ff_err *err);
int node_schedule_backfill(struct node *n, struct tenant t,
                           const struct node_backfill *what, int64_t *no,
                           int64_t *n_times, struct ff_err *err);
/* Stops those of a schedule that go on; their runs go on. */
int node_plan_stop_backfills(const struct node_plan *p, struct tenant t,
                             const char *word, int64_t *n_stopped, struct ff_err *err);
int node_schedule_stop_backfills(struct node *n, struct tenant t, const char *word,
                                 int64_t *n_stopped, struct ff_err *err);

#endif
