/* model/records_schedule.c - the columns of what starts runs by itself; how such tables
 * are made is said in records.c. */
#include "model/record_macros.h"

const char *const schedule_run_state_names[] = {
    [SCHEDULE_RUN_STARTED] = "started", [SCHEDULE_RUN_WAITING] = "waiting",
    [SCHEDULE_RUN_SKIPPED] = "skipped", [SCHEDULE_RUN_MISSED] = "missed",
    [SCHEDULE_RUN_FAILED] = "failed",   [SCHEDULE_RUN_FAILED + 1] = NULL,
};

const char *const backfill_state_names[] = {
    [BACKFILL_RUNNING] = "running",
    [BACKFILL_DONE] = "done",
    [BACKFILL_STOPPED] = "stopped",
    [BACKFILL_STOPPED + 1] = NULL,
};

/* --- schedule --- */

#define ROW schedule_row
static const struct ff_column schedule_columns[] = {
    [COL_SCHEDULE_TENANT] = INT_2(tenant),
    [COL_SCHEDULE_NAME] = TEXT_2(name),
    [COL_SCHEDULE_VERSION] = INT_2(version),
    [COL_SCHEDULE_WORKFLOW] = TEXT_2(workflow),
    [COL_SCHEDULE_KIND] = TEXT_2(kind),
    [COL_SCHEDULE_SPEC] = JSON_2(spec),
    [COL_SCHEDULE_HASH] = TEXT_2(hash),
    [COL_SCHEDULE_PINNED] = INT_2(pinned),
    [COL_SCHEDULE_DIR] = TEXT_NULL_2(dir),
    [COL_SCHEDULE_CREATED_AT] = TIME_2(created_at),
    [COL_SCHEDULE_CHANGED_AT] = TIME_2(changed_at),
    [COL_SCHEDULE_PAUSED_AT] = TIME_NULL_2(paused_at),
    [COL_SCHEDULE_LAST_AT] = TIME_2(last_at),
    [COL_SCHEDULE_NEXT_AT] = TIME_NULL_2(next_at),
    [COL_SCHEDULE_ACTIVE_RUN] = INT_NULL_2(active_run),
    [COL_SCHEDULE_WAITING] = JSON_NULL_2(waiting),
    [COL_SCHEDULE_LAST_RUN] = TEXT_NULL_2(last_run),
    [COL_SCHEDULE_HELD_AT] = TIME_NULL_2(held_at),
    [COL_SCHEDULE_HELD_SINCE] = TIME_NULL_2(held_since),
    [COL_SCHEDULE_PROJECT] = INT_NULL_3(project),
};
#undef ROW
COMPLETE(schedule_columns, N_SCHEDULE_COLUMNS);

const struct ff_record record_schedule = {
    RECORD_SINCE("schedule", schedule_columns, N_SCHEDULE_COLUMNS, 2, 2),
};

/* --- schedule_run --- */

#define ROW schedule_run_row
static const struct ff_column schedule_run_columns[] = {
    [COL_SCHEDULE_RUN_TENANT] = INT_2(tenant),
    [COL_SCHEDULE_RUN_SCHEDULE] = TEXT_2(schedule),
    [COL_SCHEDULE_RUN_NOMINAL_AT] = TIME_2(nominal_at),
    [COL_SCHEDULE_RUN_VERSION] = INT_2(version),
    [COL_SCHEDULE_RUN_STATE] = ENUM_2(state, schedule_run_state_names),
    [COL_SCHEDULE_RUN_CAUSE] = TEXT_2(cause),
    [COL_SCHEDULE_RUN_RUN] = INT_NULL_2(run),
    [COL_SCHEDULE_RUN_RUN_ID] = TEXT_NULL_2(run_id),
    [COL_SCHEDULE_RUN_REASON] = TEXT_NULL_2(reason),
    [COL_SCHEDULE_RUN_MESSAGE] = TEXT_NULL_2(message),
    [COL_SCHEDULE_RUN_EVENT] = JSON_NULL_2(event),
    [COL_SCHEDULE_RUN_DECIDED_AT] = TIME_2(decided_at),
};
#undef ROW
COMPLETE(schedule_run_columns, N_SCHEDULE_RUN_COLUMNS);

const struct ff_record record_schedule_run = {
    RECORD_SINCE("schedule_run", schedule_run_columns, N_SCHEDULE_RUN_COLUMNS, 3, 2),
};

/* --- backfill --- */

#define ROW backfill_row
static const struct ff_column backfill_columns[] = {
    [COL_BACKFILL_TENANT] = INT_2(tenant),
    [COL_BACKFILL_SCHEDULE] = TEXT_2(schedule),
    [COL_BACKFILL_NO] = INT_2(no),
    [COL_BACKFILL_VERSION] = INT_2(version),
    [COL_BACKFILL_STATE] = ENUM_2(state, backfill_state_names),
    [COL_BACKFILL_FROM_AT] = TIME_2(from_at),
    [COL_BACKFILL_BELOW_AT] = TIME_2(below_at),
    [COL_BACKFILL_LAST_AT] = TIME_2(last_at),
    [COL_BACKFILL_MAX_PARALLEL] = INT_2(max_parallel),
    [COL_BACKFILL_ACTIVE] = JSON_NULL_2(active),
    [COL_BACKFILL_N_STARTED] = INT_2(n_started),
    [COL_BACKFILL_CREATED_AT] = TIME_2(created_at),
    [COL_BACKFILL_FINISHED_AT] = TIME_NULL_2(finished_at),
};
#undef ROW
COMPLETE(backfill_columns, N_BACKFILL_COLUMNS);

const struct ff_record record_backfill = {
    RECORD_SINCE("backfill", backfill_columns, N_BACKFILL_COLUMNS, 3, 2),
};

/* --- occurrence --- */

#define ROW occurrence_row
static const struct ff_column occurrence_columns[] = {
    [COL_OCCURRENCE_TENANT] = INT_2(tenant),
    [COL_OCCURRENCE_ID] = TEXT_2(id),
    [COL_OCCURRENCE_VERSION] = INT_2(version),
    [COL_OCCURRENCE_KIND] = TEXT_2(kind),
    [COL_OCCURRENCE_NAME] = TEXT_2(name),
    [COL_OCCURRENCE_RUN] = INT_NULL_2(run),
    [COL_OCCURRENCE_BODY] = JSON_NULL_2(body),
    [COL_OCCURRENCE_AT] = TIME_2(at),
    [COL_OCCURRENCE_PROJECT] = INT_NULL_3(project),
};
#undef ROW
COMPLETE(occurrence_columns, N_OCCURRENCE_COLUMNS);

const struct ff_record record_occurrence = {
    RECORD_SINCE("occurrence", occurrence_columns, N_OCCURRENCE_COLUMNS, 2, 2),
};
