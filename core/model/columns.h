/* model/columns.h - column numbers by record, in the order of the row structs: for
 * patches (bit i writes column i) and for queries. records.c builds its tables by these
 * names and asserts that none is missing. Included by model.h. */
#ifndef MODEL_COLUMNS_H
#define MODEL_COLUMNS_H

#include <stdint.h>

/* COLUMN_BIT(COL_RUN_STATE) | COLUMN_BIT(COL_RUN_REASON) */
#define COLUMN_BIT(column) (UINT64_C(1) << (column))

enum run_column {
    COL_RUN_TENANT,
    COL_RUN_RUN,
    COL_RUN_VERSION,
    COL_RUN_ID,
    COL_RUN_PROJECT,
    COL_RUN_WORKFLOW,
    COL_RUN_HASH,
    COL_RUN_KIND,
    COL_RUN_STATE,
    COL_RUN_REASON,
    COL_RUN_MESSAGE,
    COL_RUN_INPUTS,
    COL_RUN_DIR,
    COL_RUN_OUTPUTS,
    COL_RUN_CANCEL,
    COL_RUN_CREATED_AT,
    COL_RUN_STARTED_AT,
    COL_RUN_FINISHED_AT,
    N_RUN_COLUMNS
};

enum open_run_column {
    COL_OPEN_RUN_SHARD,
    COL_OPEN_RUN_TENANT,
    COL_OPEN_RUN_RUN,
    COL_OPEN_RUN_VERSION,
    N_OPEN_RUN_COLUMNS
};

enum workflow_column {
    COL_WORKFLOW_TENANT,
    COL_WORKFLOW_HASH,
    COL_WORKFLOW_VERSION,
    COL_WORKFLOW_NAME,
    COL_WORKFLOW_SOURCE,
    COL_WORKFLOW_PATH,
    COL_WORKFLOW_CREATED_AT,
    N_WORKFLOW_COLUMNS
};

enum task_column {
    COL_TASK_TENANT,
    COL_TASK_RUN,
    COL_TASK_NODE,
    COL_TASK_VERSION,
    COL_TASK_TASK,
    COL_TASK_ITEM,
    COL_TASK_STATE,
    COL_TASK_ATTEMPT,
    COL_TASK_LOST,
    COL_TASK_EXIT_CODE,
    COL_TASK_REASON,
    COL_TASK_MESSAGE,
    COL_TASK_OUTPUTS,
    COL_TASK_ITEMS,
    COL_TASK_DUE_AT,
    COL_TASK_QUEUED_AT,
    COL_TASK_STARTED_AT,
    COL_TASK_FINISHED_AT,
    N_TASK_COLUMNS
};

enum event_column {
    COL_EVENT_TENANT,
    COL_EVENT_RUN,
    COL_EVENT_SEQ,
    COL_EVENT_VERSION,
    COL_EVENT_AT,
    COL_EVENT_BODY,
    N_EVENT_COLUMNS
};

enum log_column {
    COL_LOG_TENANT,
    COL_LOG_RUN,
    COL_LOG_NODE,
    COL_LOG_ATTEMPT,
    COL_LOG_VERSION,
    COL_LOG_CHUNKS,
    COL_LOG_BYTES,
    COL_LOG_DROPPED,
    COL_LOG_AT,
    N_LOG_COLUMNS
};

enum inbox_column {
    COL_INBOX_SHARD,
    COL_INBOX_NO,
    COL_INBOX_VERSION,
    COL_INBOX_TENANT,
    COL_INBOX_RUN,
    COL_INBOX_KIND,
    COL_INBOX_BODY,
    COL_INBOX_AT,
    N_INBOX_COLUMNS
};

enum shard_column {
    COL_SHARD_SHARD,
    COL_SHARD_VERSION,
    COL_SHARD_EPOCH,
    COL_SHARD_OWNER,
    COL_SHARD_ENDPOINT,
    COL_SHARD_LEASE_UNTIL,
    N_SHARD_COLUMNS
};

enum counter_column {
    COL_COUNTER_NAME,
    COL_COUNTER_VERSION,
    COL_COUNTER_NEXT,
    N_COUNTER_COLUMNS
};

#endif
