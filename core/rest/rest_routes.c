/* rest_routes.c - the table of all routes. A row that does not say who may is no row:
 * ROUTE would lack an argument. */
#include "rest/rest_priv.h"

#define NOTHING    MAY_VIEW /* of routes for anybody, or for whoever is known */
#define SOURCE_MAX ((size_t)4 * 1024 * 1024)
#define RUN_MAX    ((size_t)8 * 1024 * 1024)
#define EVENT_MAX  ((size_t)128 * 1024)
#define HOOK_MAX   ((size_t)256 * 1024)
#define SMALL      ((size_t)64 * 1024)

#define ROUTE(verb, path, scoped, permission, operation, handler)                      \
    .method = (verb), .pattern = (path), .scope = REST_##scoped,                       \
    .needs = (permission), .id = (operation), .handle = (handler)

#define NAME_FIELD                                                                     \
    {                                                                                  \
        .name = "name", .type = REST_TEXT, .required = true, .min = 1, .max = 63,      \
        .pattern = REST_NAME, .help = "a-z, 0-9, _ and -, no digit or - first"         \
    }

static const struct rest_field source_body[] = {
    {.name = "source",
     .type = REST_TEXT,
     .required = true,
     .min = 1,
     .max = (int64_t)SOURCE_MAX,
     .help = "a workflow file"},
    {0},
};

static const char *const orders[] = {"newest", "oldest", NULL};
static const struct rest_field runs_query[] = {
    {.name = "state", .type = REST_WORD, .words = run_state_names},
    {.name = "workflow", .type = REST_TEXT, .min = 1, .max = 63},
    {.name = "schedule", .type = REST_TEXT, .min = 1, .max = 127},
    {.name = "label",
     .type = REST_LIST,
     .min = 1,
     .max = 512,
     .help = "NAME or NAME=VALUE; a run must have all of them"},
    {.name = "created_from", .type = REST_TIME, .help = "at this time or later"},
    {.name = "created_below", .type = REST_TIME, .help = "before this time"},
    {.name = "inside",
     .type = REST_BOOL,
     .help = "also those that are tasks of others"},
    {.name = "order", .type = REST_WORD, .words = orders, .help = "newest, if absent"},
    {0},
};

static const struct rest_field tasks_query[] = {
    {.name = "state", .type = REST_WORD, .words = task_state_names},
    {.name = "task",
     .type = REST_TEXT,
     .min = 1,
     .max = 63,
     .help = "this one with its items"},
    {0},
};

static const char *const log_sources[] = {"output", "sdk", NULL};
static const struct rest_field logs_query[] = {
    {.name = "attempt",
     .type = REST_INT,
     .min = 1,
     .max = INT32_MAX,
     .help = "the last one, if absent"},
    {.name = "source",
     .type = REST_WORD,
     .words = log_sources,
     .help = "output (standard output and error), if absent; or what the SDK was told"},
    {0},
};

#define PRIORITY_MAX 100
#define TASK_FIELD                                                                     \
    {                                                                                  \
        .name = "task", .type = REST_TEXT, .min = 1, .max = 63,                        \
        .help = "this one only"                                                        \
    }
static const struct rest_field submit_body[] = {
    {.name = "workflow",
     .type = REST_TEXT,
     .min = 1,
     .max = 160,
     .help = "NAME, NAME@LABEL or NAME@sha256:HASH of one that was applied"},
    {.name = "source",
     .type = REST_TEXT,
     .min = 1,
     .max = (int64_t)SOURCE_MAX,
     .help = "or a workflow file, for which the permission author is needed"},
    {.name = "inputs", .type = REST_OBJECT},
    {.name = "labels", .type = REST_OBJECT, .help = "texts, over those of the file"},
    {.name = "priority", .type = REST_INT, .min = -PRIORITY_MAX, .max = PRIORITY_MAX},
    {.name = "no_cache", .type = REST_BOOL, .help = "all tasks run"},
    {0},
};
static const char *const what_runs[] = {"workflow", "source", NULL};
static const struct rest_field rerun_body[] = {
    {.name = "inputs", .type = REST_OBJECT, .help = "over those of that run"},
    {.name = "labels", .type = REST_OBJECT, .help = "texts, over those of that run"},
    {.name = "from",
     .type = REST_TEXT,
     .min = 1,
     .max = 63,
     .help = "what is before this task is taken over"},
    {.name = "priority", .type = REST_INT, .min = -PRIORITY_MAX, .max = PRIORITY_MAX},
    {.name = "no_cache", .type = REST_BOOL, .help = "all tasks run"},
    {0},
};
static const struct rest_field pause_body[] = {TASK_FIELD, {0}};
static const struct rest_field retry_body[] = {
    {.name = "task",
     .type = REST_TEXT,
     .min = 1,
     .max = 63,
     .help = "it, and all behind it; absent: what failed"},
    {.name = "no_cache", .type = REST_BOOL, .help = "for all of the run from now on"},
    {0},
};
static const struct rest_field event_body[] = {
    {.name = "name", .type = REST_TEXT, .required = true, .min = 1, .max = 127},
    {.name = "key",
     .type = REST_TEXT,
     .min = 1,
     .max = 255,
     .help = "tasks that wait for another one go on waiting"},
    {.name = "data", .type = REST_ANY, .help = "what `event` is where it is told"},
    {0},
};
static const struct rest_field approve_body[] = {
    {.name = "inputs", .type = REST_OBJECT, .help = "that the approval asks for"},
    {.name = "comment", .type = REST_TEXT, .min = 0, .max = 4096},
    {0},
};
static const struct rest_field reject_body[] = {
    {.name = "comment", .type = REST_TEXT, .min = 0, .max = 4096},
    {0},
};
static const struct rest_field label_body[] = {
    {.name = "hash",
     .type = REST_TEXT,
     .required = true,
     .min = 6,
     .max = 71,
     .pattern = "^(sha256:)?[0-9a-f]{6,64}$",
     .help = "of the version, or its beginning"},
    {0},
};
static const struct rest_field limit_body[] = {
    {.name = "size",
     .type = REST_INT,
     .required = true,
     .min = 0,
     .max = NODE_LIMIT_MAX,
     .help = "places; with 0 nothing that wants it begins"},
    {0},
};
static const struct rest_field secret_body[] = {
    {.name = "value", .type = REST_TEXT, .required = true, .min = 4, .max = 32768},
    {0},
};

static const struct rest_field tenant_body[] = {
    NAME_FIELD,
    {.name = "title", .type = REST_TEXT, .min = 0, .max = 200, .pattern = REST_LINE},
    {0},
};
static const struct rest_field tenant_change[] = {
    {.name = "disabled", .type = REST_BOOL, .help = "true: lets nobody in"},
    {.name = "max_projects", .type = REST_INT, .min = 0, .max = 10000},
    {.name = "max_members", .type = REST_INT, .min = 0, .max = 100000},
    {.name = "max_keys", .type = REST_INT, .min = 0, .max = 10000},
    {.name = "max_open_runs", .type = REST_INT, .min = 0, .max = 10000000},
    {.name = "max_requests_per_s", .type = REST_INT, .min = 1, .max = 1000000},
    {.name = "weight",
     .type = REST_INT,
     .min = 1,
     .max = 1000,
     .help = "of what it gets of the slots beside other tenants"},
    {.name = "max_running", .type = REST_INT, .min = 0, .max = 1000000},
    {0},
};
static const struct rest_field name_body[] = {NAME_FIELD, {0}};

static const char *const roles[] = {"viewer", "operator", "author", "admin", NULL};
#define ROLE_FIELD                                                                     \
    {                                                                                  \
        .name = "role", .type = REST_WORD, .required = true, .words = roles            \
    }
static const struct rest_field project_query[] = {
    {.name = "project",
     .type = REST_TEXT,
     .min = 1,
     .max = 63,
     .help = "the role is held there; absent: in all of the tenant"},
    {0},
};
static const struct rest_field member_body[] = {ROLE_FIELD, {0}};
static const struct rest_field key_body[] = {
    NAME_FIELD,
    ROLE_FIELD,
    {.name = "project",
     .type = REST_TEXT,
     .min = 1,
     .max = 63,
     .help = "that it is confined to"},
    {.name = "expires_at", .type = REST_TIME, .help = "absent: in 90 days"},
    {.name = "never_expires", .type = REST_BOOL},
    {0},
};

const struct rest_route rest_routes[] = {
    /* --- of the server --- */
    {ROUTE("GET", "/livez", OPEN, NOTHING, "getLive", rest_live), .tag = "system",
     .summary = "Is the process alive?", .flags = REST_AT_ONCE,
     .answer = &shape_health},
    {ROUTE("GET", "/readyz", OPEN, NOTHING, "getReady", rest_ready), .tag = "system",
     .summary = "Should requests be sent here? 503 while it leaves, or the store fails",
     .flags = REST_AT_ONCE, .answer = &shape_health},
    {ROUTE("GET", "/healthz", OPEN, NOTHING, "getHealthz", rest_live), .tag = "system",
     .summary = "As /livez", .flags = REST_AT_ONCE, .answer = &shape_health},
    {ROUTE("GET", "/health", OPEN, NOTHING, "getHealth", rest_health), .tag = "system",
     .summary = "As /readyz", .flags = REST_AT_ONCE, .answer = &shape_health},
    {ROUTE("GET", REST_PREFIX "/openapi.json", OPEN, NOTHING, "getOpenapi",
           rest_document),
     .tag = "system", .summary = "This document", .flags = REST_AT_ONCE,
     .answer = &shape_document},
    {ROUTE("GET", "/me", SELF, NOTHING, "getMe", rest_me), .tag = "system",
     .summary = "Who the caller is, and what he may do", .answer = &shape_me},
    {ROUTE("GET", "/system", PROJECT, MAY_VIEW, "getSystem", rest_system),
     .tag = "system", .summary = "What this server is made of", .flags = REST_AT_ONCE,
     .answer = &shape_system},

    /* --- workflows --- */
    {ROUTE("GET", "/workflows", PROJECT, MAY_VIEW, "listWorkflows",
           rest_workflows_list),
     .tag = "workflows", .summary = "The newest version of each workflow, by name",
     .flags = REST_PAGE, .answer = &shape_workflow},
    {ROUTE("POST", "/workflows/validate", PROJECT, MAY_VIEW, "validateWorkflow",
           rest_workflow_validate),
     .tag = "workflows", .summary = "What is wrong with a workflow file",
     .flags = REST_YAML, .body = source_body, .body_max = SOURCE_MAX,
     .answer = &shape_verdict},
    {ROUTE("POST", "/workflows", PROJECT, MAY_AUTHOR, "applyWorkflow",
           rest_workflow_apply),
     .tag = "workflows",
     .summary = "Makes a workflow known, or a new version of it; 200: it was so before",
     .flags = REST_CHANGES | REST_YAML, .status = 201, .status_unchanged = 200,
     .body = source_body, .body_max = SOURCE_MAX, .answer = &shape_applied},
    {ROUTE("GET", "/workflows/{workflow}", PROJECT, MAY_VIEW, "getWorkflow",
           rest_workflow_get),
     .tag = "workflows", .summary = "One version: NAME, NAME@LABEL or NAME@sha256:HASH",
     .answer = &shape_workflow_full},
    {ROUTE("GET", "/workflows/{workflow}/versions", PROJECT, MAY_VIEW,
           "listWorkflowVersions", rest_versions_list),
     .tag = "workflows", .summary = "All versions of a workflow, the newest first",
     .flags = REST_PAGE, .answer = &shape_version},

    {ROUTE("DELETE", "/workflows/{workflow}", PROJECT, MAY_AUTHOR, "deleteWorkflow",
           rest_workflow_delete),
     .tag = "workflows", .summary = "Forgets a name with its versions; runs stay",
     .flags = REST_CHANGES, .status = 204},
    {ROUTE("PUT", "/workflows/{workflow}/labels/{label}", PROJECT, MAY_AUTHOR,
           "labelWorkflow", rest_workflow_label),
     .tag = "workflows", .summary = "Gives a version a label, or moves it there",
     .flags = REST_CHANGES, .status = 204, .body = label_body, .body_max = SMALL},

    /* --- runs --- */
    {ROUTE("GET", "/runs", PROJECT, MAY_VIEW, "listRuns", rest_runs_list),
     .tag = "runs", .summary = "Runs, the newest first", .flags = REST_PAGE,
     .query = runs_query, .answer = &shape_run_short},
    {ROUTE("POST", "/runs", PROJECT, MAY_OPERATE, "submitRun", rest_run_submit),
     .tag = "runs", .summary = "Starts a run", .flags = REST_CHANGES, .status = 201,
     .body = submit_body, .one_of = what_runs, .body_max = RUN_MAX,
     .answer = &shape_new_run},
    {ROUTE("GET", "/runs/{id}", PROJECT, MAY_VIEW, "getRun", rest_run_get),
     .tag = "runs", .summary = "One run", .answer = &shape_run},
    {ROUTE("GET", "/runs/{id}/tasks", PROJECT, MAY_VIEW, "listTasks", rest_tasks_list),
     .tag = "runs", .summary = "Tasks of a run and items of lists, in the file's order",
     .flags = REST_PAGE, .query = tasks_query, .answer = &shape_task},
    {ROUTE("GET", "/runs/{id}/tasks/{task}", PROJECT, MAY_VIEW, "getTask",
           rest_task_get),
     .tag = "runs", .summary = "One task, or one item: fetch, fetch.3",
     .answer = &shape_task_full},
    {ROUTE("GET", "/runs/{id}/tasks/{task}/logs", PROJECT, MAY_VIEW, "listLogs",
           rest_logs_list),
     .tag = "runs",
     .summary = "What an attempt wrote; while it goes on there is a next page",
     .flags = REST_PAGE, .query = logs_query, .answer = &shape_record},
    {ROUTE("GET", "/runs/{id}/history", PROJECT, MAY_VIEW, "listHistory",
           rest_run_events),
     .tag = "runs", .summary = "What happened in a run, step by step",
     .flags = REST_PAGE, .answer = &shape_event},

    {ROUTE("POST", "/runs/{id}/cancel", PROJECT, MAY_OPERATE, "cancelRun",
           rest_run_cancel),
     .tag = "runs", .summary = "Asks a run to end: tasks get time to",
     .flags = REST_CHANGES, .status = 202, .answer = &shape_run_id},
    {ROUTE("POST", "/runs/{id}/terminate", PROJECT, MAY_OPERATE, "terminateRun",
           rest_run_terminate),
     .tag = "runs", .summary = "Ends a run at once", .flags = REST_CHANGES,
     .status = 202, .answer = &shape_run_id},
    {ROUTE("POST", "/runs/{id}/pause", PROJECT, MAY_OPERATE, "pauseRun",
           rest_run_pause),
     .tag = "runs", .summary = "Lets a run, or a task of it, start nothing",
     .flags = REST_CHANGES, .status = 202, .body = pause_body, .body_max = SMALL,
     .answer = &shape_run_id},
    {ROUTE("POST", "/runs/{id}/unpause", PROJECT, MAY_OPERATE, "unpauseRun",
           rest_run_unpause),
     .tag = "runs", .summary = "Ends a pause", .flags = REST_CHANGES, .status = 202,
     .body = pause_body, .body_max = SMALL, .answer = &shape_run_id},
    {ROUTE("POST", "/runs/{id}/retry", PROJECT, MAY_OPERATE, "retryRun",
           rest_run_retry),
     .tag = "runs",
     .summary = "Has what failed begin again, or a task and all behind it",
     .flags = REST_CHANGES, .status = 202, .body = retry_body, .body_max = SMALL,
     .answer = &shape_run_id},
    {ROUTE("POST", "/runs/{id}/rerun", PROJECT, MAY_OPERATE, "rerunRun",
           rest_run_rerun),
     .tag = "runs", .summary = "Starts a new run as that one was",
     .flags = REST_CHANGES, .status = 201, .body = rerun_body, .body_max = RUN_MAX,
     .answer = &shape_new_run},
    {ROUTE("POST", "/runs/{id}/signal", PROJECT, MAY_OPERATE, "signalRun",
           rest_run_signal),
     .tag = "runs", .summary = "Tells a run that something has happened",
     .flags = REST_CHANGES, .status = 202, .body = event_body, .body_max = EVENT_MAX,
     .answer = &shape_run_id},
    {ROUTE("POST", "/runs/{id}/tasks/{task}/approve", PROJECT, MAY_OPERATE,
           "approveTask", rest_task_approve),
     .tag = "runs", .summary = "Approves what a task waits for", .flags = REST_CHANGES,
     .status = 202, .body = approve_body, .body_max = SMALL, .answer = &shape_run_id},
    {ROUTE("POST", "/runs/{id}/tasks/{task}/reject", PROJECT, MAY_OPERATE, "rejectTask",
           rest_task_reject),
     .tag = "runs", .summary = "Rejects what a task waits for", .flags = REST_CHANGES,
     .status = 202, .body = reject_body, .body_max = SMALL, .answer = &shape_run_id},
    {ROUTE("POST", "/events", PROJECT, MAY_OPERATE, "sendEvent", rest_event),
     .tag = "runs", .summary = "Tells all schedules and tasks that wait for it",
     .flags = REST_CHANGES, .body = event_body, .body_max = EVENT_MAX,
     .answer = &shape_told},

    /* --- what begins and holds back runs --- */
    {ROUTE("GET", "/schedules", PROJECT, MAY_VIEW, "listSchedules",
           rest_schedules_list),
     .tag = "schedules", .summary = "Schedules, by name", .flags = REST_PAGE,
     .answer = &shape_schedule},
    {ROUTE("GET", "/schedules/{schedule}", PROJECT, MAY_VIEW, "getSchedule",
           rest_schedule_get),
     .tag = "schedules", .summary = "One schedule: WORKFLOW.TRIGGER",
     .answer = &shape_schedule},
    {ROUTE("DELETE", "/schedules/{schedule}", PROJECT, MAY_AUTHOR, "deleteSchedule",
           rest_schedule_delete),
     .tag = "schedules", .summary = "Deletes a schedule", .flags = REST_CHANGES,
     .status = 204},
    {ROUTE("POST", "/schedules/{schedule}/pause", PROJECT, MAY_OPERATE, "pauseSchedule",
           rest_schedule_pause),
     .tag = "schedules", .summary = "Starts no runs", .flags = REST_CHANGES,
     .status = 204},
    {ROUTE("POST", "/schedules/{schedule}/resume", PROJECT, MAY_OPERATE,
           "resumeSchedule", rest_schedule_resume),
     .tag = "schedules", .summary = "Starts runs again", .flags = REST_CHANGES,
     .status = 204},
    {ROUTE("POST", "/schedules/{schedule}/trigger", PROJECT, MAY_OPERATE,
           "triggerSchedule", rest_schedule_trigger),
     .tag = "schedules", .summary = "Starts a run now, whatever else goes on",
     .flags = REST_CHANGES, .status = 201, .answer = &shape_run_id},
    {ROUTE("POST", REST_PREFIX "/webhooks/{tenant}/{path}", OPEN, NOTHING,
           "callWebhook", rest_webhook),
     .tag = "schedules",
     .summary = "A call from outside, by who knows a webhook's secret",
     .flags = REST_CHANGES | REST_HOOK, .status = 202, .body_max = HOOK_MAX,
     .answer = &shape_called},
    {ROUTE("GET", "/limits", PROJECT, MAY_VIEW, "listLimits", rest_limits_list),
     .tag = "limits", .summary = "Semaphores whose size was set", .flags = REST_PAGE,
     .answer = &shape_limit},
    {ROUTE("PUT", "/limits/{limit}", PROJECT, MAY_AUTHOR, "setLimit", rest_limit_put),
     .tag = "limits", .summary = "Says how many places a semaphore has",
     .flags = REST_CHANGES, .status = 204, .body = limit_body, .body_max = SMALL},
    {ROUTE("DELETE", "/limits/{limit}", PROJECT, MAY_AUTHOR, "deleteLimit",
           rest_limit_delete),
     .tag = "limits", .summary = "As configured again", .flags = REST_CHANGES,
     .status = 204},
    {ROUTE("GET", "/queues", PROJECT, MAY_VIEW, "listPausedQueues", rest_queues_list),
     .tag = "limits", .summary = "Queues that are paused", .flags = REST_PAGE,
     .answer = &shape_queue},
    {ROUTE("POST", "/queues/{queue}/pause", PROJECT, MAY_OPERATE, "pauseQueue",
           rest_queue_pause),
     .tag = "limits", .summary = "Lets no task of a queue start", .flags = REST_CHANGES,
     .status = 204},
    {ROUTE("POST", "/queues/{queue}/unpause", PROJECT, MAY_OPERATE, "unpauseQueue",
           rest_queue_unpause),
     .tag = "limits", .summary = "Lets them start again", .flags = REST_CHANGES,
     .status = 204},
    {ROUTE("GET", "/secrets", PROJECT, MAY_SECRET_NAMES, "listSecrets",
           rest_secrets_list),
     .tag = "secrets", .summary = "Which secrets there are; nobody reads a value",
     .flags = REST_PAGE, .answer = &shape_secret},
    {ROUTE("PUT", "/secrets/{secret}", PROJECT, MAY_SECRETS, "setSecret",
           rest_secret_put),
     .tag = "secrets", .summary = "Sets a secret, or changes it", .flags = REST_CHANGES,
     .status = 204, .body = secret_body, .body_max = SMALL},
    {ROUTE("DELETE", "/secrets/{secret}", PROJECT, MAY_SECRETS, "deleteSecret",
           rest_secret_delete),
     .tag = "secrets", .summary = "Deletes a secret", .flags = REST_CHANGES,
     .status = 204},

    /* --- access --- */
    {ROUTE("GET", "/tenants", PLATFORM, MAY_TENANTS, "listTenants", rest_tenants_list),
     .tag = "access", .summary = "All tenants", .flags = REST_PAGE,
     .answer = &shape_tenant},
    {ROUTE("POST", "/tenants", PLATFORM, MAY_TENANTS, "createTenant",
           rest_tenant_create),
     .tag = "access", .summary = "Makes a tenant", .flags = REST_CHANGES, .status = 201,
     .body = tenant_body, .body_max = SMALL, .answer = &shape_tenant},
    {ROUTE("GET", "/tenants/{name}", PLATFORM, MAY_TENANTS, "getTenant",
           rest_tenant_get),
     .tag = "access", .summary = "One tenant", .answer = &shape_tenant},
    {ROUTE("PATCH", "/tenants/{name}", PLATFORM, MAY_TENANTS, "changeTenant",
           rest_tenant_change),
     .tag = "access", .summary = "Disables, enables or limits a tenant",
     .flags = REST_CHANGES | REST_ONE_FIELD, .status = 204, .body = tenant_change,
     .body_max = SMALL},
    {ROUTE("GET", "/projects", TENANT, MAY_MEMBERS, "listProjects", rest_projects_list),
     .tag = "access", .summary = "Projects of a tenant", .flags = REST_PAGE,
     .answer = &shape_project},
    {ROUTE("POST", "/projects", TENANT, MAY_MEMBERS, "createProject",
           rest_project_create),
     .tag = "access", .summary = "Makes a project", .flags = REST_CHANGES,
     .status = 201, .body = name_body, .body_max = SMALL, .answer = &shape_project},
    {ROUTE("GET", "/members", TENANT, MAY_MEMBERS, "listMembers", rest_members_list),
     .tag = "access", .summary = "Who has which role", .flags = REST_PAGE,
     .answer = &shape_member},
    {ROUTE("PUT", "/members/{subject}", TENANT, MAY_MEMBERS, "setMember",
           rest_member_put),
     .tag = "access", .summary = "Gives somebody a role, or changes it",
     .flags = REST_CHANGES, .status = 204, .query = project_query, .body = member_body,
     .body_max = SMALL},
    {ROUTE("DELETE", "/members/{subject}", TENANT, MAY_MEMBERS, "removeMember",
           rest_member_delete),
     .tag = "access", .summary = "Takes somebody's role away", .flags = REST_CHANGES,
     .status = 204, .query = project_query},
    {ROUTE("GET", "/keys", TENANT, MAY_MEMBERS, "listKeys", rest_keys_list),
     .tag = "access", .summary = "API keys, without what they are shown by",
     .flags = REST_PAGE, .answer = &shape_key},
    {ROUTE("POST", "/keys", TENANT, MAY_MEMBERS, "createKey", rest_key_create),
     .tag = "access", .summary = "Makes an API key", .status = 201,
     .flags = REST_CHANGES | REST_ONE_TIME, .body = key_body, .body_max = SMALL,
     .answer = &shape_new_key},
    {ROUTE("DELETE", "/keys/{id}", TENANT, MAY_MEMBERS, "revokeKey", rest_key_revoke),
     .tag = "access", .summary = "Revokes an API key", .flags = REST_CHANGES,
     .status = 204},
    {ROUTE("GET", "/audit", TENANT, MAY_AUDIT, "listAudit", rest_audit_list),
     .tag = "access", .summary = "Who did what, the newest first", .flags = REST_PAGE,
     .answer = &shape_audit},
};
const size_t rest_n_routes = COUNT_OF(rest_routes);
