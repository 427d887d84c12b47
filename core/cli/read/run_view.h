/* cli/read/run_view.h - runs and their tasks as people and programs read them. */
#ifndef CLI_READ_RUN_VIEW_H
#define CLI_READ_RUN_VIEW_H

#include "cli/frame/frame.h"
#include "flow/flow.h"

/* Columns of a run that are shown; the rest is the store's own. */
#define RUN_KEYS_SHORT                                                                 \
    (COLUMN_BIT(COL_RUN_ID) | COLUMN_BIT(COL_RUN_WORKFLOW) |                           \
     COLUMN_BIT(COL_RUN_STATE) | COLUMN_BIT(COL_RUN_REASON) |                          \
     COLUMN_BIT(COL_RUN_MESSAGE) | COLUMN_BIT(COL_RUN_CREATED_AT) |                    \
     COLUMN_BIT(COL_RUN_STARTED_AT) | COLUMN_BIT(COL_RUN_FINISHED_AT) |                \
     COLUMN_BIT(COL_RUN_LABELS) | COLUMN_BIT(COL_RUN_PAUSED))
#define RUN_KEYS                                                                       \
    (RUN_KEYS_SHORT | COLUMN_BIT(COL_RUN_HASH) | COLUMN_BIT(COL_RUN_INPUTS) |          \
     COLUMN_BIT(COL_RUN_DIR) | COLUMN_BIT(COL_RUN_OUTPUTS) |                           \
     COLUMN_BIT(COL_RUN_CANCEL))

/* Inputs and outputs of a row as they are, in the arena, where some stand beside it; a
 * value whose file is gone stays the reference that it is stored as. */
void run_view_open(const struct cli_session *s, struct run_row *run,
                   struct arena *arena);

/* The plan that a run is pinned to; flow_unref it. NULL: has printed why. */
struct flow *run_view_flow(const struct cli_session *s, const struct run_row *run);

/* One task of a run: its row, or what follows from the others where it has none yet. */
struct task_view {
    struct task_row row;           /* version 0: it has none */
    int64_t counts[N_TASK_STATES]; /* of the items of a foreach, by state */
    struct {
        struct task_row *items;
        size_t n, cap;
    } items; /* those asked for, in order */
};
struct run_view {
    struct flow *flow;
    struct run_row run;
    struct task_view *tasks; /* by task index */
    struct arena arena;      /* owns the text */
};

/* Which items are kept; the others are only counted. */
enum view_items {
    VIEW_ITEMS_FAILED,
    VIEW_ITEMS_RUNNING,
    VIEW_ITEMS_OF_TASK,
    VIEW_ITEMS_ALL
};
#define VIEW_FAILED_MAX 10 /* items of one task */

/* Exit code; has printed why. `task` counts for VIEW_ITEMS_OF_TASK. */
int run_view_read(struct run_view *v, const struct cli_session *s,
                  const struct run_row *run, enum view_items items, int64_t task);
void run_view_done(struct run_view *v);
/* Is there anything to show of this task? */
bool run_view_has(const struct run_view *v, uint32_t task);

/* Pure, for tests. What tasks without a row are: waiting, or queued. */
void run_view_fill_in(struct run_view *v);

#endif
