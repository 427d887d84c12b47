/* shapes.c - what answers look like: columns of the model's records, and what handlers
 * add to them. The schemas of the OpenAPI document are made from these. */
#include "rest/rest_priv.h"

#include "blob/blob.h"

#define BIT(column) COLUMN_BIT(COL_##column)

static const struct rest_field health_fields[] = {
    {.name = "status", .type = REST_TEXT, .help = "ok, or what is wrong"},
    {.name = "checks", .type = REST_OBJECT, .help = "each part by its name"},
    {0},
};
const struct rest_shape shape_health = {.name = "Health", .more = health_fields};

static const struct rest_field auth_fields[] = {
    {.name = "oidc",
     .type = REST_OBJECT,
     .help = "issuer, client_id and scopes; absent: there is none"},
    {0},
};
const struct rest_shape shape_auth = {.name = "Auth", .more = auth_fields};

const struct rest_shape shape_document = {.name = "OpenAPI"};

static const struct rest_field me_fields[] = {
    {.name = "subject", .type = REST_TEXT, .help = "as the audit log names the caller"},
    {.name = "via",
     .type = REST_TEXT,
     .help = "how he was known: local, key, token, session"},
    {.name = "tenant", .type = REST_TEXT, .help = "null: of no tenant"},
    {.name = "role", .type = REST_TEXT, .help = "in all of the tenant"},
    {.name = "project", .type = REST_TEXT, .help = "where he has project_role as well"},
    {.name = "project_role", .type = REST_TEXT},
    {.name = "platform",
     .type = REST_BOOL,
     .help = "administers the whole installation"},
    {.name = "permissions",
     .type = REST_LIST,
     .help = "in the project default of the tenant"},
    {.name = "expires_at", .type = REST_TIME},
    {0},
};
const struct rest_shape shape_me = {.name = "Caller", .more = me_fields};

static const struct rest_field system_fields[] = {
    {.name = "version", .type = REST_TEXT},
    {.name = "schema", .type = REST_INT, .help = "version of the store's tables"},
    {.name = "leads", .type = REST_BOOL, .help = "whether this process leads runs"},
    {.name = "owner",
     .type = REST_OBJECT,
     .help = "of a process that leads: pid, version, open_runs, loading; else null"},
    {.name = "leader",
     .type = REST_OBJECT,
     .help = "whoever leads: pid, host, address, epoch, since, lease_left_ms, and low "
             "and high, between which the hashes of its tenants are; or null"},
    {.name = "leaders",
     .type = REST_LIST,
     .help = "all of them, where servers share the store"},
    {.name = "limits",
     .type = REST_OBJECT,
     .help = "semaphores that its configuration gives places"},
    {.name = "store", .type = REST_TEXT, .help = "driver"},
    {.name = "queue", .type = REST_TEXT, .help = "driver"},
    {.name = "runtime", .type = REST_TEXT, .help = "driver"},
    {0},
};
const struct rest_shape shape_system = {.name = "System", .more = system_fields};

static const struct rest_field executors_fields[] = {
    {.name = "executors",
     .type = REST_LIST,
     .help = "objects of id, name, version, places, attempts (that it has), silent_s "
             "(since it was heard of last), draining (it takes no more) and labels (an "
             "object of texts)"},
    {.name = "waiting",
     .type = REST_INT,
     .help =
         "tasks and items that are ready, and attempts that were started, for which "
         "there is no place yet"},
    {0},
};
const struct rest_shape shape_executors = {.name = "Executors",
                                           .more = executors_fields};

static const struct rest_field rows_fields[] = {
    {.name = "rows", .type = REST_LIST, .help = "objects of the record's columns"},
    {.name = "more", .type = REST_BOOL, .help = "the answer ends before the rows do"},
    {.name = "after",
     .type = REST_TEXT,
     .help =
         "with more: the cursor to go on from, where rows that are not shown stand"},
    {0},
};
const struct rest_shape shape_rows = {.name = "Rows", .more = rows_fields};

/* --- runs --- */

#define RUN_SHORT                                                                      \
    (BIT(RUN_ID) | BIT(RUN_WORKFLOW) | BIT(RUN_STATE) | BIT(RUN_REASON) |              \
     BIT(RUN_MESSAGE) | BIT(RUN_CREATED_AT) | BIT(RUN_STARTED_AT) |                    \
     BIT(RUN_FINISHED_AT) | BIT(RUN_LABELS) | BIT(RUN_PRIORITY) | BIT(RUN_SCHEDULE) |  \
     BIT(RUN_NOMINAL_AT) | BIT(RUN_PAUSED))
static const struct rest_field belonging[] = {
    {.name = "project", .type = REST_TEXT, .help = "its name"}, {0}};
const struct rest_shape shape_run_short = {.name = "RunSummary",
                                           .record = &record_run,
                                           .columns = RUN_SHORT,
                                           .more = belonging};
const struct rest_shape shape_run = {.name = "Run",
                                     .record = &record_run,
                                     .columns = RUN_SHORT | BIT(RUN_HASH) |
                                                BIT(RUN_INPUTS) | BIT(RUN_OUTPUTS) |
                                                BIT(RUN_CANCEL),
                                     .more = belonging};

#define TASK_SHORT                                                                     \
    (BIT(TASK_TASK) | BIT(TASK_ITEM) | BIT(TASK_STATE) | BIT(TASK_ATTEMPT) |           \
     BIT(TASK_EXIT_CODE) | BIT(TASK_REASON) | BIT(TASK_MESSAGE) | BIT(TASK_ITEMS) |    \
     BIT(TASK_DUE_AT) | BIT(TASK_QUEUED_AT) | BIT(TASK_STARTED_AT) |                   \
     BIT(TASK_FINISHED_AT) | BIT(TASK_ITERATION) | BIT(TASK_AWAITS))
const struct rest_shape shape_task = {
    .name = "TaskSummary", .record = &record_task, .columns = TASK_SHORT};
const struct rest_shape shape_task_full = {.name = "Task",
                                           .record = &record_task,
                                           .columns = TASK_SHORT | BIT(TASK_LOST) |
                                                      BIT(TASK_OUTPUTS)};

static const struct rest_field attempt_fields[] = {
    {.name = "attempt", .type = REST_INT, .help = "from 1"},
    {.name = "state",
     .type = REST_TEXT,
     .help = "as a task's; failed where another one follows, lost where nothing tells"},
    {.name = "started_at", .type = REST_TIME},
    {.name = "finished_at", .type = REST_TIME},
    {.name = "exit_code", .type = REST_INT},
    {.name = "reason", .type = REST_TEXT, .help = "why it failed: one word"},
    {.name = "message", .type = REST_TEXT},
    {0},
};
const struct rest_shape shape_attempt = {.name = "Attempt", .more = attempt_fields};

static const struct rest_field artifact_fields[] = {
    {.name = "task", .type = REST_TEXT},
    {.name = "item", .type = REST_INT, .help = "of a list"},
    {.name = "name", .type = REST_TEXT, .help = "of the output"},
    {.name = "type", .type = REST_WORD, .words = artifact_type_names},
    {.name = "size", .type = REST_INT, .help = "bytes; of a folder those of its tar"},
    {.name = "sha256", .type = REST_TEXT, .help = "of them, and the ETag"},
    {.name = "executable", .type = REST_BOOL, .help = "true of a file that is"},
    {0},
};
const struct rest_shape shape_artifact = {.name = "Artifact", .more = artifact_fields};

static const struct rest_field event_fields[] = {
    {.name = "events", .type = REST_LIST, .help = "what one step of the run did"},
    {0},
};
const struct rest_shape shape_event = {.name = "Step",
                                       .record = &record_event,
                                       .columns = BIT(EVENT_SEQ) | BIT(EVENT_AT),
                                       .more = event_fields};

static const struct rest_field record_fields[] = {
    {.name = "at", .type = REST_TIME, .help = "when it was read from the task"},
    {.name = "stream", .type = REST_TEXT, .help = "stdout, stderr, system, or sdk"},
    {.name = "text",
     .type = REST_TEXT,
     .help = "without the end of the line; what is no UTF-8 is U+FFFD"},
    {.name = "whole",
     .type = REST_BOOL,
     .help = "false: the line goes on in the next record of its stream"},
    {0},
};
static const struct rest_field log_of_fields[] = {
    {.name = "task", .type = REST_TEXT, .help = "fetch, or of an item fetch.3"},
    {.name = "attempt", .type = REST_INT},
    {.name = "sdk", .type = REST_BOOL, .help = "it said something through the SDK"},
    {0},
};
const struct rest_shape shape_log_of_attempt = {.name = "LogOfAttempt",
                                                .more = log_of_fields};

const struct rest_shape shape_record = {.name = "LogRecord", .more = record_fields};

const struct rest_shape shape_new_run = {.name = "NewRun",
                                         .record = &record_run,
                                         .columns = BIT(RUN_ID) | BIT(RUN_WORKFLOW) |
                                                    BIT(RUN_HASH) | BIT(RUN_STATE)};
const struct rest_shape shape_run_id = {
    .name = "RunId", .record = &record_run, .columns = BIT(RUN_ID)};

static const struct rest_field told_fields[] = {
    {.name = "schedules", .type = REST_INT, .help = "that it triggers"},
    {.name = "runs", .type = REST_INT, .help = "in which tasks waited for it"},
    {.name = "tasks", .type = REST_INT, .help = "that waited for it"},
    {0},
};
const struct rest_shape shape_told = {.name = "Told", .more = told_fields};

static const struct rest_field called_fields[] = {
    {.name = "schedules", .type = REST_INT, .help = "that it calls and are not paused"},
    {0},
};
const struct rest_shape shape_called = {.name = "Called", .more = called_fields};

/* --- workflows --- */

#define VERSION_COLUMNS                                                                \
    (BIT(WORKFLOW_VERSION_NAME) | BIT(WORKFLOW_VERSION_NUMBER) |                       \
     BIT(WORKFLOW_VERSION_HASH) | BIT(WORKFLOW_VERSION_LABEL) |                        \
     BIT(WORKFLOW_VERSION_CREATED_AT))
const struct rest_shape shape_version = {.name = "WorkflowVersion",
                                         .record = &record_workflow_version,
                                         .columns = VERSION_COLUMNS};
const struct rest_shape shape_workflow = {.name = "WorkflowSummary",
                                          .record = &record_workflow_version,
                                          .columns = VERSION_COLUMNS,
                                          .more = belonging};
static const struct rest_field workflow_fields[] = {
    {.name = "project", .type = REST_TEXT, .help = "its name"},
    {.name = "source", .type = REST_TEXT, .help = "the file as it was given"},
    {0},
};
const struct rest_shape shape_workflow_full = {.name = "Workflow",
                                               .record = &record_workflow_version,
                                               .columns = VERSION_COLUMNS,
                                               .more = workflow_fields};

static const struct rest_field verdict_fields[] = {
    {.name = "valid", .type = REST_BOOL},
    {.name = "name", .type = REST_TEXT, .help = "of the workflow, where it is valid"},
    {.name = "hash", .type = REST_TEXT, .help = "SHA-256 of the source"},
    {.name = "problems", .type = REST_LIST, .help = "each with code, line and column"},
    {.name = "more", .type = REST_INT, .help = "problems beyond those"},
    {0},
};
const struct rest_shape shape_verdict = {.name = "Verdict", .more = verdict_fields};

static const struct rest_field applied_fields[] = {
    {.name = "new", .type = REST_BOOL, .help = "false: it was so before"},
    {0},
};
const struct rest_shape shape_applied = {.name = "AppliedWorkflow",
                                         .more = applied_fields,
                                         .record = &record_workflow_version,
                                         .columns = BIT(WORKFLOW_VERSION_NAME) |
                                                    BIT(WORKFLOW_VERSION_NUMBER) |
                                                    BIT(WORKFLOW_VERSION_HASH)};

/* --- what begins and holds back runs --- */

const struct rest_shape shape_schedule = {
    .name = "Schedule",
    .record = &record_schedule,
    .columns = BIT(SCHEDULE_NAME) | BIT(SCHEDULE_WORKFLOW) | BIT(SCHEDULE_KIND) |
               BIT(SCHEDULE_SPEC) | BIT(SCHEDULE_HASH) | BIT(SCHEDULE_CREATED_AT) |
               BIT(SCHEDULE_CHANGED_AT) | BIT(SCHEDULE_PAUSED_AT) |
               BIT(SCHEDULE_LAST_AT) | BIT(SCHEDULE_NEXT_AT) | BIT(SCHEDULE_LAST_RUN),
    .more = belonging};
const struct rest_shape shape_backfill = {
    .name = "Backfill",
    .record = &record_backfill,
    .columns = BIT(BACKFILL_NO) | BIT(BACKFILL_STATE) | BIT(BACKFILL_FROM_AT) |
               BIT(BACKFILL_BELOW_AT) | BIT(BACKFILL_LAST_AT) |
               BIT(BACKFILL_MAX_PARALLEL) | BIT(BACKFILL_N_STARTED) |
               BIT(BACKFILL_CREATED_AT) | BIT(BACKFILL_FINISHED_AT)};
static const struct rest_field new_backfill_fields[] = {
    {.name = "no", .type = REST_INT, .help = "absent: nothing was begun"},
    {.name = "times", .type = REST_INT, .help = "of the range that have no run yet"},
    {0},
};
const struct rest_shape shape_new_backfill = {.name = "NewBackfill",
                                              .more = new_backfill_fields};
static const struct rest_field stopped_fields[] = {
    {.name = "stopped", .type = REST_INT, .help = "how many went on until now"},
    {0},
};
const struct rest_shape shape_stopped = {.name = "StoppedBackfills",
                                         .more = stopped_fields};
static const struct rest_field cleared_fields[] = {
    {.name = "deleted", .type = REST_INT, .help = "entries"},
    {.name = "more",
     .type = REST_BOOL,
     .help = "there are others: ask again, with another Idempotency-Key"},
    {0},
};
const struct rest_shape shape_cleared = {.name = "ClearedCache",
                                         .more = cleared_fields};
const struct rest_shape shape_limit = {.name = "Limit",
                                       .record = &record_limit_size,
                                       .columns = BIT(LIMIT_SIZE_NAME) |
                                                  BIT(LIMIT_SIZE_SIZE) |
                                                  BIT(LIMIT_SIZE_CHANGED_AT)};
const struct rest_shape shape_queue = {.name = "PausedQueue",
                                       .record = &record_queue_pause,
                                       .columns = BIT(QUEUE_PAUSE_NAME) |
                                                  BIT(QUEUE_PAUSE_PAUSED_AT) |
                                                  BIT(QUEUE_PAUSE_PAUSED_BY)};
const struct rest_shape shape_secret = {
    .name = "SecretName",
    .record = &record_secret,
    .columns = BIT(SECRET_NAME) | BIT(SECRET_CREATED_AT) | BIT(SECRET_UPDATED_AT)};

/* --- access --- */

const struct rest_shape shape_tenant = {
    .name = "Tenant",
    .record = &record_tenant,
    .columns = BIT(TENANT_NAME) | BIT(TENANT_TITLE) | BIT(TENANT_CREATED_AT) |
               BIT(TENANT_DISABLED_AT) | BIT(TENANT_MAX_PROJECTS) |
               BIT(TENANT_MAX_MEMBERS) | BIT(TENANT_MAX_KEYS) |
               BIT(TENANT_MAX_OPEN_RUNS) | BIT(TENANT_MAX_REQUESTS_PER_S) |
               BIT(TENANT_WEIGHT) | BIT(TENANT_MAX_RUNNING)};

const struct rest_shape shape_project = {
    .name = "Project",
    .record = &record_project,
    .columns = BIT(PROJECT_NAME) | BIT(PROJECT_CREATED_AT) | BIT(PROJECT_WEIGHT)};

static const struct rest_field project_field[] = {
    {.name = "project", .type = REST_TEXT, .help = "absent: all of the tenant"},
    {0},
};
const struct rest_shape shape_member = {
    .name = "Member",
    .record = &record_member,
    .columns = BIT(MEMBER_SUBJECT) | BIT(MEMBER_ROLE) | BIT(MEMBER_CREATED_AT) |
               BIT(MEMBER_CREATED_BY),
    .more = project_field};

#define KEY_COLUMNS                                                                    \
    (BIT(API_KEY_ID) | BIT(API_KEY_NAME) | BIT(API_KEY_ROLE) |                         \
     BIT(API_KEY_CREATED_AT) | BIT(API_KEY_CREATED_BY) | BIT(API_KEY_EXPIRES_AT) |     \
     BIT(API_KEY_REVOKED_AT) | BIT(API_KEY_REVOKED_BY) | BIT(API_KEY_LAST_USED_AT))
const struct rest_shape shape_key = {.name = "ApiKey",
                                     .record = &record_api_key,
                                     .columns = KEY_COLUMNS,
                                     .more = project_field};
const struct rest_shape shape_session = {
    .name = "Session",
    .record = &record_session,
    .columns = BIT(SESSION_ID) | BIT(SESSION_SUBJECT) | BIT(SESSION_KEY) |
               BIT(SESSION_CREATED_AT) | BIT(SESSION_EXPIRES_AT)};

static const struct rest_field new_session_fields[] = {
    {.name = "id", .type = REST_TEXT},
    {.name = "credential", .type = REST_TEXT, .help = "shown this once"},
    {.name = "expires_at", .type = REST_TIME},
    {0},
};
const struct rest_shape shape_new_session = {.name = "NewSession",
                                             .more = new_session_fields};

static const struct rest_field new_key_fields[] = {
    {.name = "id", .type = REST_TEXT},
    {.name = "credential", .type = REST_TEXT, .help = "shown now, and never again"},
    {.name = "expires_at", .type = REST_TIME, .help = "absent: never"},
    {0},
};
const struct rest_shape shape_new_key = {.name = "NewApiKey", .more = new_key_fields};

const struct rest_shape shape_audit = {
    .name = "AuditEntry",
    .record = &record_audit,
    .columns = BIT(AUDIT_NO) | BIT(AUDIT_AT) | BIT(AUDIT_WHO) | BIT(AUDIT_VIA) |
               BIT(AUDIT_ORIGIN) | BIT(AUDIT_REQUEST) | BIT(AUDIT_ACTION) |
               BIT(AUDIT_OBJECT) | BIT(AUDIT_DECISION) | BIT(AUDIT_DETAIL),
    .more = project_field};
