/* model/records.c - the one table of columns per record. Everything else about records
 * (DDL, SQL, row mapping, JSON, command-line columns) is worked out from these.
 *
 * To add a column: append it to the row struct, to columns.h and here with its `since`,
 * nullable; raise MODEL_SCHEMA_VERSION unless no release has it yet; run the model's
 * tests, which say how to renew schema.sql. */
#include "model/access_rows.h"
#include "model/record_macros.h"

const char *const run_state_names[] = {
    [RUN_PENDING] = "pending",       [RUN_RUNNING] = "running",
    [RUN_CANCELLING] = "cancelling", [RUN_SUCCEEDED] = "succeeded",
    [RUN_FAILED] = "failed",         [RUN_CANCELLED] = "cancelled",
    [RUN_CANCELLED + 1] = NULL,
};

const char *const task_state_names[] = {
    [TASK_WAITING] = "waiting",     [TASK_QUEUED] = "queued",
    [TASK_RUNNING] = "running",     [TASK_RETRYING] = "retrying",
    [TASK_SUCCEEDED] = "succeeded", [TASK_FAILED] = "failed",
    [TASK_SKIPPED] = "skipped",     [TASK_CANCELLED] = "cancelled",
    [TASK_SUSPENDED] = "suspended", [N_TASK_STATES] = NULL,
};

static const char *const cancel_names[] = {"no", "gracefully", "kill", NULL};

/* --- run --- */

#define ROW run_row
static const struct ff_column run_columns[] = {
    [COL_RUN_TENANT] = INT(tenant),
    [COL_RUN_RUN] = INT(run),
    [COL_RUN_VERSION] = INT(version),
    [COL_RUN_ID] = TEXT(id),
    [COL_RUN_PROJECT] = INT(project),
    [COL_RUN_WORKFLOW] = TEXT(workflow),
    [COL_RUN_HASH] = TEXT(hash),
    [COL_RUN_KIND] = TEXT(kind),
    [COL_RUN_STATE] = ENUM(state, run_state_names),
    [COL_RUN_REASON] = TEXT_NULL(reason),
    [COL_RUN_MESSAGE] = TEXT_NULL(message),
    [COL_RUN_INPUTS] = JSON(inputs),
    [COL_RUN_DIR] = TEXT_NULL(dir),
    [COL_RUN_OUTPUTS] = JSON_NULL(outputs),
    [COL_RUN_CANCEL] = ENUM(cancel, cancel_names),
    [COL_RUN_CREATED_AT] = TIME(created_at),
    [COL_RUN_STARTED_AT] = TIME_NULL(started_at),
    [COL_RUN_FINISHED_AT] = TIME_NULL(finished_at),
    [COL_RUN_LABELS] = JSON_NULL_2(labels),
    [COL_RUN_SCHEDULE] = TEXT_NULL_2(schedule),
    [COL_RUN_NOMINAL_AT] = TIME_NULL_2(nominal_at),
    [COL_RUN_EVENT] = JSON_NULL_2(event),
    [COL_RUN_PARENT_RUN] = INT_NULL_2(parent_run),
    [COL_RUN_PARENT_NODE] = INT_NULL_2(parent_node),
    [COL_RUN_PARENT_ATTEMPT] = INT_NULL_2(parent_attempt),
    [COL_RUN_ENTRY] = TEXT_NULL_2(entry),
    [COL_RUN_DEPTH] = INT_NULL_2(depth),
    [COL_RUN_SCOPE] = JSON_NULL_2(scope),
    [COL_RUN_PINS] = JSON_NULL_2(pins),
    [COL_RUN_RESET] = JSON_NULL_2(reset),
    [COL_RUN_PRIORITY] = INT_NULL_2(priority),
    [COL_RUN_NO_CACHE] = INT_NULL_2(no_cache),
    [COL_RUN_ROOT] = INT_NULL_2(root),
    [COL_RUN_PAUSED] = JSON_NULL_2(paused),
};
#undef ROW
COMPLETE(run_columns, N_RUN_COLUMNS);

/* Within the tenant, so that looking for the prefix of an id never walks the rows of
 * another. */
static const uint16_t run_id_columns[] = {COL_RUN_TENANT, COL_RUN_ID};
static const struct ff_index run_indexes[] = {
    {.name = "run_id",
     .columns = run_id_columns,
     .n_columns = COUNT_OF(run_id_columns),
     .unique = 1,
     .since = 1},
};

const struct ff_record record_run = {
    RECORD("run", run_columns, N_RUN_COLUMNS, 2),
    .indexes = run_indexes,
    .n_indexes = COUNT_OF(run_indexes),
};

/* --- open_run --- */

#define ROW open_run_row
static const struct ff_column open_run_columns[] = {
    [COL_OPEN_RUN_SHARD] = INT(shard),
    [COL_OPEN_RUN_TENANT] = INT(tenant),
    [COL_OPEN_RUN_RUN] = INT(run),
    [COL_OPEN_RUN_VERSION] = INT(version),
};
#undef ROW
COMPLETE(open_run_columns, N_OPEN_RUN_COLUMNS);

const struct ff_record record_open_run = {
    RECORD("open_run", open_run_columns, N_OPEN_RUN_COLUMNS, 3),
};

/* --- workflow --- */

#define ROW workflow_row
static const struct ff_column workflow_columns[] = {
    [COL_WORKFLOW_TENANT] = INT(tenant),          [COL_WORKFLOW_HASH] = TEXT(hash),
    [COL_WORKFLOW_VERSION] = INT(version),        [COL_WORKFLOW_NAME] = TEXT(name),
    [COL_WORKFLOW_SOURCE] = TEXT(source),         [COL_WORKFLOW_PATH] = TEXT_NULL(path),
    [COL_WORKFLOW_CREATED_AT] = TIME(created_at),
};
#undef ROW
COMPLETE(workflow_columns, N_WORKFLOW_COLUMNS);

const struct ff_record record_workflow = {
    RECORD("workflow", workflow_columns, N_WORKFLOW_COLUMNS, 2),
};

/* --- workflow_outline --- */

#define ROW workflow_outline_row
static const struct ff_column workflow_outline_columns[] = {
    [COL_WORKFLOW_OUTLINE_TENANT] = INT_3(tenant),
    [COL_WORKFLOW_OUTLINE_HASH] = TEXT_3(hash),
    [COL_WORKFLOW_OUTLINE_ENTRY] = TEXT_3(entry),
    [COL_WORKFLOW_OUTLINE_PART] = INT_3(part),
    [COL_WORKFLOW_OUTLINE_VERSION] = INT_3(version),
    [COL_WORKFLOW_OUTLINE_BODY] = JSON_3(body),
};
#undef ROW
COMPLETE(workflow_outline_columns, N_WORKFLOW_OUTLINE_COLUMNS);

const struct ff_record record_workflow_outline = {
    RECORD_SINCE("workflow_outline", workflow_outline_columns,
                 N_WORKFLOW_OUTLINE_COLUMNS, 4, 3),
};

/* --- workflow_version --- */

#define ROW workflow_version_row
static const struct ff_column workflow_version_columns[] = {
    [COL_WORKFLOW_VERSION_TENANT] = INT_2(tenant),
    [COL_WORKFLOW_VERSION_NAME] = TEXT_2(name),
    [COL_WORKFLOW_VERSION_NUMBER] = INT_2(number),
    [COL_WORKFLOW_VERSION_VERSION] = INT_2(version),
    [COL_WORKFLOW_VERSION_HASH] = TEXT_2(hash),
    [COL_WORKFLOW_VERSION_LABEL] = TEXT_NULL_2(label),
    [COL_WORKFLOW_VERSION_DIR] = TEXT_NULL_2(dir),
    [COL_WORKFLOW_VERSION_CREATED_AT] = TIME_2(created_at),
    [COL_WORKFLOW_VERSION_PROJECT] = INT_NULL_3(project),
};
#undef ROW
COMPLETE(workflow_version_columns, N_WORKFLOW_VERSION_COLUMNS);

const struct ff_record record_workflow_version = {
    RECORD_SINCE("workflow_version", workflow_version_columns,
                 N_WORKFLOW_VERSION_COLUMNS, 3, 2),
};

/* --- workflow_label --- */

#define ROW workflow_label_row
static const struct ff_column workflow_label_columns[] = {
    [COL_WORKFLOW_LABEL_TENANT] = INT_2(tenant),
    [COL_WORKFLOW_LABEL_NAME] = TEXT_2(name),
    [COL_WORKFLOW_LABEL_LABEL] = TEXT_2(label),
    [COL_WORKFLOW_LABEL_VERSION] = INT_2(version),
    [COL_WORKFLOW_LABEL_HASH] = TEXT_2(hash),
    [COL_WORKFLOW_LABEL_AT] = TIME_2(at),
};
#undef ROW
COMPLETE(workflow_label_columns, N_WORKFLOW_LABEL_COLUMNS);

const struct ff_record record_workflow_label = {
    RECORD_SINCE("workflow_label", workflow_label_columns, N_WORKFLOW_LABEL_COLUMNS, 3,
                 2),
};

/* --- child_run --- */

#define ROW child_run_row
static const struct ff_column child_run_columns[] = {
    [COL_CHILD_RUN_TENANT] = INT_2(tenant),   [COL_CHILD_RUN_PARENT] = INT_2(parent),
    [COL_CHILD_RUN_NODE] = INT_2(node),       [COL_CHILD_RUN_ATTEMPT] = INT_2(attempt),
    [COL_CHILD_RUN_VERSION] = INT_2(version), [COL_CHILD_RUN_RUN] = INT_2(run),
};
#undef ROW
COMPLETE(child_run_columns, N_CHILD_RUN_COLUMNS);

const struct ff_record record_child_run = {
    RECORD_SINCE("child_run", child_run_columns, N_CHILD_RUN_COLUMNS, 4, 2),
};

/* --- task --- */

#define ROW task_row
static const struct ff_column task_columns[] = {
    [COL_TASK_TENANT] = INT(tenant),
    [COL_TASK_RUN] = INT(run),
    [COL_TASK_NODE] = INT(node),
    [COL_TASK_VERSION] = INT(version),
    [COL_TASK_TASK] = TEXT(task),
    [COL_TASK_ITEM] = INT_NULL(item),
    [COL_TASK_STATE] = ENUM(state, task_state_names),
    [COL_TASK_ATTEMPT] = INT(attempt),
    [COL_TASK_LOST] = INT(lost),
    [COL_TASK_EXIT_CODE] = INT_NULL(exit_code),
    [COL_TASK_REASON] = TEXT_NULL(reason),
    [COL_TASK_MESSAGE] = TEXT_NULL(message),
    [COL_TASK_OUTPUTS] = JSON_NULL(outputs),
    [COL_TASK_ITEMS] = INT_NULL(items),
    [COL_TASK_DUE_AT] = TIME_NULL(due_at),
    [COL_TASK_QUEUED_AT] = TIME_NULL(queued_at),
    [COL_TASK_STARTED_AT] = TIME_NULL(started_at),
    [COL_TASK_FINISHED_AT] = TIME_NULL(finished_at),
    [COL_TASK_ATTEMPT_BASE] = INT_NULL_2(attempt_base),
    [COL_TASK_ITERATION] = INT_NULL_2(iteration),
    [COL_TASK_AWAITS] = JSON_NULL_2(awaits),
    [COL_TASK_DEADLINE_AT] = TIME_NULL_2(deadline_at),
};
#undef ROW
COMPLETE(task_columns, N_TASK_COLUMNS);

const struct ff_record record_task = {
    RECORD("task", task_columns, N_TASK_COLUMNS, 3),
};

/* --- event --- */

#define ROW event_row
static const struct ff_column event_columns[] = {
    [COL_EVENT_TENANT] = INT(tenant),
    [COL_EVENT_RUN] = INT(run),
    [COL_EVENT_SEQ] = INT(seq),
    [COL_EVENT_VERSION] = INT(version),
    [COL_EVENT_AT] = TIME(at),
    [COL_EVENT_BODY] = JSON(body),
    [COL_EVENT_POSITION] = INT_NULL_2(position),
};
#undef ROW
COMPLETE(event_columns, N_EVENT_COLUMNS);

static const uint16_t event_position_columns[] = {COL_EVENT_TENANT, COL_EVENT_POSITION};
static const struct ff_index event_indexes[] = {
    {.name = "event_position",
     .columns = event_position_columns,
     .n_columns = COUNT_OF(event_position_columns),
     .since = 2},
};

const struct ff_record record_event = {
    RECORD("event", event_columns, N_EVENT_COLUMNS, 3),
    .indexes = event_indexes,
    .n_indexes = COUNT_OF(event_indexes),
};

/* --- log --- */

#define ROW log_row
static const struct ff_column log_columns[] = {
    [COL_LOG_TENANT] = INT(tenant),   [COL_LOG_RUN] = INT(run),
    [COL_LOG_NODE] = INT(node),       [COL_LOG_ATTEMPT] = INT(attempt),
    [COL_LOG_VERSION] = INT(version), [COL_LOG_CHUNKS] = INT(chunks),
    [COL_LOG_BYTES] = INT(bytes),     [COL_LOG_DROPPED] = INT(dropped),
    [COL_LOG_AT] = TIME(at),
};
#undef ROW
COMPLETE(log_columns, N_LOG_COLUMNS);

const struct ff_record record_log = {
    RECORD("log", log_columns, N_LOG_COLUMNS, 4),
};

/* --- inbox --- */

#define ROW inbox_row
static const struct ff_column inbox_columns[] = {
    [COL_INBOX_SHARD] = INT(shard),     [COL_INBOX_NO] = INT(no),
    [COL_INBOX_VERSION] = INT(version), [COL_INBOX_TENANT] = INT(tenant),
    [COL_INBOX_RUN] = INT(run),         [COL_INBOX_KIND] = TEXT(kind),
    [COL_INBOX_BODY] = JSON_NULL(body), [COL_INBOX_AT] = TIME(at),
};
#undef ROW
COMPLETE(inbox_columns, N_INBOX_COLUMNS);

const struct ff_record record_inbox = {
    RECORD("inbox", inbox_columns, N_INBOX_COLUMNS, 2),
};

/* --- shard --- */

#define ROW shard_row
static const struct ff_column shard_columns[] = {
    [COL_SHARD_SHARD] = INT(shard),
    [COL_SHARD_VERSION] = INT(version),
    [COL_SHARD_EPOCH] = INT(epoch),
    [COL_SHARD_OWNER] = TEXT_NULL(owner),
    [COL_SHARD_ENDPOINT] = TEXT_NULL(endpoint),
    [COL_SHARD_LEASE_UNTIL] = TIME(lease_until),
    [COL_SHARD_PLACE] = TEXT_NULL_2(place),
    [COL_SHARD_ADDRESS] = TEXT_NULL_2(address),
    [COL_SHARD_SINCE] = TIME_NULL_2(since),
    [COL_SHARD_MIXED] = INT_NULL_3(mixed),
    [COL_SHARD_LOW] = INT_NULL_3(low),
    [COL_SHARD_HIGH] = INT_NULL_3(high),
};
#undef ROW
COMPLETE(shard_columns, N_SHARD_COLUMNS);

const struct ff_record record_shard = {
    RECORD("shard", shard_columns, N_SHARD_COLUMNS, 1),
};

/* --- knock --- */

#define ROW knock_row
static const struct ff_column knock_columns[] = {
    [COL_KNOCK_SHARD] = INT_2(shard),
    [COL_KNOCK_VERSION] = INT_2(version),
    [COL_KNOCK_AT] = TIME_2(at),
};
#undef ROW
COMPLETE(knock_columns, N_KNOCK_COLUMNS);

const struct ff_record record_knock = {
    RECORD_SINCE("knock", knock_columns, N_KNOCK_COLUMNS, 1, 2),
};

/* --- executor --- */

#define ROW executor_row
static const struct ff_column executor_columns[] = {
    [COL_EXECUTOR_SHARD] = INT_3(shard),     [COL_EXECUTOR_ID] = TEXT_3(id),
    [COL_EXECUTOR_VERSION] = INT_3(version), [COL_EXECUTOR_NAME] = TEXT_3(name),
    [COL_EXECUTOR_SINCE] = TIME_3(since),
};
#undef ROW
COMPLETE(executor_columns, N_EXECUTOR_COLUMNS);

const struct ff_record record_executor = {
    RECORD_SINCE("executor", executor_columns, N_EXECUTOR_COLUMNS, 2, 3),
};

/* --- counter --- */

#define ROW counter_row
static const struct ff_column counter_columns[] = {
    [COL_COUNTER_NAME] = TEXT(name),
    [COL_COUNTER_VERSION] = INT(version),
    [COL_COUNTER_NEXT] = INT(next),
};
#undef ROW
COMPLETE(counter_columns, N_COUNTER_COLUMNS);

const struct ff_record record_counter = {
    RECORD("counter", counter_columns, N_COUNTER_COLUMNS, 1),
};

/* --- secret --- */

#define ROW secret_row
static const struct ff_column secret_columns[] = {
    [COL_SECRET_TENANT] = INT_2(tenant),
    [COL_SECRET_NAME] = TEXT_2(name),
    [COL_SECRET_VERSION] = INT_2(version),
    [COL_SECRET_KEY_ID] = TEXT_2(key_id),
    [COL_SECRET_SEALED] = TEXT_2(sealed),
    [COL_SECRET_CREATED_AT] = TIME_2(created_at),
    [COL_SECRET_UPDATED_AT] = TIME_2(updated_at),
};
#undef ROW
COMPLETE(secret_columns, N_SECRET_COLUMNS);

const struct ff_record record_secret = {
    RECORD_SINCE("secret", secret_columns, N_SECRET_COLUMNS, 2, 2),
};

/* --- slot, rate_token, limit_size --- */

#define ROW slot_row
static const struct ff_column slot_columns[] = {
    [COL_SLOT_TENANT] = INT_2(tenant),   [COL_SLOT_NAME] = TEXT_2(name),
    [COL_SLOT_PLACE] = INT_2(place),     [COL_SLOT_VERSION] = INT_2(version),
    [COL_SLOT_RUN] = INT_2(run),         [COL_SLOT_NODE] = INT_2(node),
    [COL_SLOT_ATTEMPT] = INT_2(attempt), [COL_SLOT_TAKEN_AT] = TIME_2(taken_at),
};
#undef ROW
COMPLETE(slot_columns, N_SLOT_COLUMNS);

/* What a run holds is asked for when it is loaded. */
static const uint16_t slot_run_columns[] = {COL_SLOT_TENANT, COL_SLOT_RUN};
static const struct ff_index slot_indexes[] = {
    {.name = "slot_run",
     .columns = slot_run_columns,
     .n_columns = COUNT_OF(slot_run_columns),
     .since = 2},
};

const struct ff_record record_slot = {
    RECORD_SINCE("slot", slot_columns, N_SLOT_COLUMNS, 3, 2),
    .indexes = slot_indexes,
    .n_indexes = COUNT_OF(slot_indexes),
};

#define ROW rate_token_row
static const struct ff_column rate_token_columns[] = {
    [COL_RATE_TOKEN_TENANT] = INT_2(tenant),
    [COL_RATE_TOKEN_NAME] = TEXT_2(name),
    [COL_RATE_TOKEN_PLACE] = INT_2(place),
    [COL_RATE_TOKEN_VERSION] = INT_2(version),
    [COL_RATE_TOKEN_UNTIL_AT] = TIME_2(until_at),
};
#undef ROW
COMPLETE(rate_token_columns, N_RATE_TOKEN_COLUMNS);

const struct ff_record record_rate_token = {
    RECORD_SINCE("rate_token", rate_token_columns, N_RATE_TOKEN_COLUMNS, 3, 2),
};

#define ROW limit_size_row
static const struct ff_column limit_size_columns[] = {
    [COL_LIMIT_SIZE_TENANT] = INT_2(tenant),
    [COL_LIMIT_SIZE_NAME] = TEXT_2(name),
    [COL_LIMIT_SIZE_VERSION] = INT_2(version),
    [COL_LIMIT_SIZE_SIZE] = INT_2(size),
    [COL_LIMIT_SIZE_CHANGED_AT] = TIME_2(changed_at),
};
#undef ROW
COMPLETE(limit_size_columns, N_LIMIT_SIZE_COLUMNS);

const struct ff_record record_limit_size = {
    RECORD_SINCE("limit_size", limit_size_columns, N_LIMIT_SIZE_COLUMNS, 2, 2),
};

/* --- cache --- */

#define ROW cache_row
static const struct ff_column cache_columns[] = {
    [COL_CACHE_TENANT] = INT_2(tenant),
    [COL_CACHE_HASH] = TEXT_2(hash),
    [COL_CACHE_VERSION] = INT_2(version),
    [COL_CACHE_WORKFLOW] = TEXT_2(workflow),
    [COL_CACHE_TASK] = TEXT_2(task),
    [COL_CACHE_CACHE_KEY] = TEXT_2(cache_key),
    [COL_CACHE_OUTPUTS] = JSON_NULL_2(outputs),
    [COL_CACHE_RUN_ID] = TEXT_2(run_id),
    [COL_CACHE_CREATED_AT] = TIME_2(created_at),
    [COL_CACHE_EXPIRES_AT] = TIME_2(expires_at),
    [COL_CACHE_ARTIFACTS] = JSON_NULL_2(artifacts),
};
#undef ROW
COMPLETE(cache_columns, N_CACHE_COLUMNS);

const struct ff_record record_cache = {
    RECORD_SINCE("cache", cache_columns, N_CACHE_COLUMNS, 2, 2),
};

/* --- artifact --- */

#define ROW artifact_row
static const struct ff_column artifact_columns[] = {
    [COL_ARTIFACT_TENANT] = INT_2(tenant), [COL_ARTIFACT_RUN] = INT_2(run),
    [COL_ARTIFACT_HASH] = TEXT_2(hash),    [COL_ARTIFACT_VERSION] = INT_2(version),
    [COL_ARTIFACT_SIZE] = INT_2(size),     [COL_ARTIFACT_AT] = TIME_2(at),
};
#undef ROW
COMPLETE(artifact_columns, N_ARTIFACT_COLUMNS);

/* Who names this blob? Asked before it is deleted. */
static const uint16_t artifact_hash_columns[] = {COL_ARTIFACT_TENANT,
                                                 COL_ARTIFACT_HASH};
static const struct ff_index artifact_indexes[] = {
    {.name = "artifact_hash",
     .columns = artifact_hash_columns,
     .n_columns = COUNT_OF(artifact_hash_columns),
     .since = 2},
};

const struct ff_record record_artifact = {
    RECORD_SINCE("artifact", artifact_columns, N_ARTIFACT_COLUMNS, 3, 2),
    .indexes = artifact_indexes,
    .n_indexes = COUNT_OF(artifact_indexes),
};

/* --- all of them --- */

static const struct ff_record *const records[] = {
    &record_run,
    &record_open_run,
    &record_workflow,
    &record_task,
    &record_event,
    &record_log,
    &record_inbox,
    &record_shard,
    &record_knock,
    &record_executor,
    &record_counter,
    &record_workflow_version,
    &record_workflow_label,
    &record_secret,
    &record_slot,
    &record_rate_token,
    &record_limit_size,
    &record_schedule,
    &record_schedule_run,
    &record_backfill,
    &record_occurrence,
    &record_child_run,
    &record_cache,
    &record_signal,
    &record_event_wait,
    &record_artifact,
    &record_queue_pause,
    &record_workflow_outline,
    &record_tenant,
    &record_project,
    &record_member,
    &record_api_key,
    &record_session,
    &record_idempotency,
    &record_audit,
    &record_audit_open,
    &record_audit_seal,
    NULL,
};

const struct ff_schema model_schema = {
    .struct_size = sizeof(struct ff_schema),
    .version = MODEL_SCHEMA_VERSION,
    .records = records,
    .min_version = MODEL_SCHEMA_MIN,
};

bool run_state_final(int64_t state)
{
    return state == RUN_SUCCEEDED || state == RUN_FAILED || state == RUN_CANCELLED;
}

int64_t model_project(int64_t stored)
{
    return stored > 0 ? stored : PROJECT_DEFAULT;
}

/* Numbers of runs begin with 1. */
bool run_is_child(const struct run_row *row)
{
    return row->parent_run > 0;
}

bool task_state_final(int64_t state)
{
    return state == TASK_SUCCEEDED || state == TASK_FAILED || state == TASK_SKIPPED ||
           state == TASK_CANCELLED;
}
