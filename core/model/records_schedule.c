/* model/records_schedule.c - the columns of what starts runs by itself; how such tables
 * are made is said in records.c. */
#include "model/model.h"

#define COLUMN(field, column_type, column_flags, column_names)                         \
    {                                                                                  \
        .name = #field, .type = (column_type), .flags = (column_flags),                \
        .names = (column_names), .since = 2, .offset = offsetof(struct ROW, field)     \
    }

#define INT(field)       COLUMN(field, FF_INT, 0, NULL)
#define INT_NULL(field)  COLUMN(field, FF_INT, FF_COL_NULLABLE, NULL)
#define TEXT(field)      COLUMN(field, FF_TEXT, 0, NULL)
#define TEXT_NULL(field) COLUMN(field, FF_TEXT, FF_COL_NULLABLE, NULL)
#define JSON(field)      COLUMN(field, FF_JSON, 0, NULL)
#define JSON_NULL(field) COLUMN(field, FF_JSON, FF_COL_NULLABLE, NULL)
#define TIME(field)      COLUMN(field, FF_TIME, 0, NULL)
#define TIME_NULL(field) COLUMN(field, FF_TIME, FF_COL_NULLABLE, NULL)
#define ENUM(field, of)  COLUMN(field, FF_ENUM, 0, of)

#define RECORD(table, table_columns, count, keys)                                      \
    .struct_size = sizeof(struct ff_record), .name = (table),                          \
    .columns = (table_columns), .n_columns = (count), .n_key = (keys), .since = 2

#define COMPLETE(table_columns, count)                                                 \
    _Static_assert(COUNT_OF(table_columns) == (count), #count)

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
    [COL_SCHEDULE_TENANT] = INT(tenant),
    [COL_SCHEDULE_NAME] = TEXT(name),
    [COL_SCHEDULE_VERSION] = INT(version),
    [COL_SCHEDULE_WORKFLOW] = TEXT(workflow),
    [COL_SCHEDULE_KIND] = TEXT(kind),
    [COL_SCHEDULE_SPEC] = JSON(spec),
    [COL_SCHEDULE_HASH] = TEXT(hash),
    [COL_SCHEDULE_PINNED] = INT(pinned),
    [COL_SCHEDULE_DIR] = TEXT_NULL(dir),
    [COL_SCHEDULE_CREATED_AT] = TIME(created_at),
    [COL_SCHEDULE_CHANGED_AT] = TIME(changed_at),
    [COL_SCHEDULE_PAUSED_AT] = TIME_NULL(paused_at),
    [COL_SCHEDULE_LAST_AT] = TIME(last_at),
    [COL_SCHEDULE_NEXT_AT] = TIME_NULL(next_at),
    [COL_SCHEDULE_ACTIVE_RUN] = INT_NULL(active_run),
    [COL_SCHEDULE_WAITING] = JSON_NULL(waiting),
    [COL_SCHEDULE_LAST_RUN] = TEXT_NULL(last_run),
};
#undef ROW
COMPLETE(schedule_columns, N_SCHEDULE_COLUMNS);

const struct ff_record record_schedule = {
    RECORD("schedule", schedule_columns, N_SCHEDULE_COLUMNS, 2),
};

/* --- schedule_run --- */

#define ROW schedule_run_row
static const struct ff_column schedule_run_columns[] = {
    [COL_SCHEDULE_RUN_TENANT] = INT(tenant),
    [COL_SCHEDULE_RUN_SCHEDULE] = TEXT(schedule),
    [COL_SCHEDULE_RUN_NOMINAL_AT] = TIME(nominal_at),
    [COL_SCHEDULE_RUN_VERSION] = INT(version),
    [COL_SCHEDULE_RUN_STATE] = ENUM(state, schedule_run_state_names),
    [COL_SCHEDULE_RUN_CAUSE] = TEXT(cause),
    [COL_SCHEDULE_RUN_RUN] = INT_NULL(run),
    [COL_SCHEDULE_RUN_RUN_ID] = TEXT_NULL(run_id),
    [COL_SCHEDULE_RUN_REASON] = TEXT_NULL(reason),
    [COL_SCHEDULE_RUN_MESSAGE] = TEXT_NULL(message),
    [COL_SCHEDULE_RUN_EVENT] = JSON_NULL(event),
    [COL_SCHEDULE_RUN_DECIDED_AT] = TIME(decided_at),
};
#undef ROW
COMPLETE(schedule_run_columns, N_SCHEDULE_RUN_COLUMNS);

const struct ff_record record_schedule_run = {
    RECORD("schedule_run", schedule_run_columns, N_SCHEDULE_RUN_COLUMNS, 3),
};

/* --- backfill --- */

#define ROW backfill_row
static const struct ff_column backfill_columns[] = {
    [COL_BACKFILL_TENANT] = INT(tenant),
    [COL_BACKFILL_SCHEDULE] = TEXT(schedule),
    [COL_BACKFILL_NO] = INT(no),
    [COL_BACKFILL_VERSION] = INT(version),
    [COL_BACKFILL_STATE] = ENUM(state, backfill_state_names),
    [COL_BACKFILL_FROM_AT] = TIME(from_at),
    [COL_BACKFILL_BELOW_AT] = TIME(below_at),
    [COL_BACKFILL_LAST_AT] = TIME(last_at),
    [COL_BACKFILL_MAX_PARALLEL] = INT(max_parallel),
    [COL_BACKFILL_ACTIVE] = JSON_NULL(active),
    [COL_BACKFILL_N_STARTED] = INT(n_started),
    [COL_BACKFILL_CREATED_AT] = TIME(created_at),
    [COL_BACKFILL_FINISHED_AT] = TIME_NULL(finished_at),
};
#undef ROW
COMPLETE(backfill_columns, N_BACKFILL_COLUMNS);

const struct ff_record record_backfill = {
    RECORD("backfill", backfill_columns, N_BACKFILL_COLUMNS, 3),
};

/* --- occurrence --- */

#define ROW occurrence_row
static const struct ff_column occurrence_columns[] = {
    [COL_OCCURRENCE_TENANT] = INT(tenant),   [COL_OCCURRENCE_ID] = TEXT(id),
    [COL_OCCURRENCE_VERSION] = INT(version), [COL_OCCURRENCE_KIND] = TEXT(kind),
    [COL_OCCURRENCE_NAME] = TEXT(name),      [COL_OCCURRENCE_RUN] = INT_NULL(run),
    [COL_OCCURRENCE_BODY] = JSON_NULL(body), [COL_OCCURRENCE_AT] = TIME(at),
};
#undef ROW
COMPLETE(occurrence_columns, N_OCCURRENCE_COLUMNS);

const struct ff_record record_occurrence = {
    RECORD("occurrence", occurrence_columns, N_OCCURRENCE_COLUMNS, 2),
};
