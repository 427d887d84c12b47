/* records_access.c - the columns of what says who may do what, and who did; how such
 * tables are made is said in records.c. */
#include "model/access_rows.h"
#include "model/record_macros.h"

const char *const role_names[] = {
    [ROLE_NONE] = "none",     [ROLE_VIEWER] = "viewer", [ROLE_OPERATOR] = "operator",
    [ROLE_AUTHOR] = "author", [ROLE_ADMIN] = "admin",   [N_ROLES] = NULL,
};

const char *const audit_decision_names[] = {
    [AUDIT_ALLOWED] = "allowed",
    [AUDIT_DENIED] = "denied",
    [AUDIT_DENIED + 1] = NULL,
};

/* --- tenant --- */

#define ROW tenant_row
static const struct ff_column tenant_columns[] = {
    [COL_TENANT_TENANT] = INT_2(tenant),
    [COL_TENANT_VERSION] = INT_2(version),
    [COL_TENANT_NAME] = TEXT_2(name),
    [COL_TENANT_TITLE] = TEXT_NULL_2(title),
    [COL_TENANT_CREATED_AT] = TIME_2(created_at),
    [COL_TENANT_DISABLED_AT] = TIME_NULL_2(disabled_at),
    [COL_TENANT_MAX_PROJECTS] = INT_NULL_2(max_projects),
    [COL_TENANT_MAX_MEMBERS] = INT_NULL_2(max_members),
    [COL_TENANT_MAX_KEYS] = INT_NULL_2(max_keys),
    [COL_TENANT_MAX_OPEN_RUNS] = INT_NULL_2(max_open_runs),
    [COL_TENANT_MAX_REQUESTS_PER_S] = INT_NULL_2(max_requests_per_s),
    [COL_TENANT_WEIGHT] = INT_NULL_2(weight),
    [COL_TENANT_MAX_RUNNING] = INT_NULL_2(max_running),
};
#undef ROW
COMPLETE(tenant_columns, N_TENANT_COLUMNS);

/* A name is one tenant's. */
static const uint16_t tenant_name_columns[] = {COL_TENANT_NAME};
static const struct ff_index tenant_indexes[] = {
    {.name = "tenant_name",
     .columns = tenant_name_columns,
     .n_columns = COUNT_OF(tenant_name_columns),
     .unique = 1,
     .since = 2},
};

const struct ff_record record_tenant = {
    RECORD_SINCE("tenant", tenant_columns, N_TENANT_COLUMNS, 1, 2),
    .indexes = tenant_indexes,
    .n_indexes = COUNT_OF(tenant_indexes),
};

/* --- project --- */

#define ROW project_row
static const struct ff_column project_columns[] = {
    [COL_PROJECT_TENANT] = INT_2(tenant),
    [COL_PROJECT_PROJECT] = INT_2(project),
    [COL_PROJECT_VERSION] = INT_2(version),
    [COL_PROJECT_NAME] = TEXT_2(name),
    [COL_PROJECT_CREATED_AT] = TIME_2(created_at),
    [COL_PROJECT_WEIGHT] = INT_NULL_2(weight),
};
#undef ROW
COMPLETE(project_columns, N_PROJECT_COLUMNS);

static const uint16_t project_name_columns[] = {COL_PROJECT_TENANT, COL_PROJECT_NAME};
static const struct ff_index project_indexes[] = {
    {.name = "project_name",
     .columns = project_name_columns,
     .n_columns = COUNT_OF(project_name_columns),
     .unique = 1,
     .since = 2},
};

const struct ff_record record_project = {
    RECORD_SINCE("project", project_columns, N_PROJECT_COLUMNS, 2, 2),
    .indexes = project_indexes,
    .n_indexes = COUNT_OF(project_indexes),
};

/* --- member --- */

#define ROW member_row
static const struct ff_column member_columns[] = {
    [COL_MEMBER_TENANT] = INT_2(tenant),
    [COL_MEMBER_PROJECT] = INT_2(project),
    [COL_MEMBER_SUBJECT] = TEXT_2(subject),
    [COL_MEMBER_VERSION] = INT_2(version),
    [COL_MEMBER_ROLE] = ENUM_2(role, role_names),
    [COL_MEMBER_CREATED_AT] = TIME_2(created_at),
    [COL_MEMBER_CREATED_BY] = TEXT_2(created_by),
};
#undef ROW
COMPLETE(member_columns, N_MEMBER_COLUMNS);

const struct ff_record record_member = {
    RECORD_SINCE("member", member_columns, N_MEMBER_COLUMNS, 3, 2),
};

/* --- api_key --- */

#define ROW api_key_row
static const struct ff_column api_key_columns[] = {
    [COL_API_KEY_TENANT] = INT_2(tenant),
    [COL_API_KEY_ID] = TEXT_2(id),
    [COL_API_KEY_VERSION] = INT_2(version),
    [COL_API_KEY_NAME] = TEXT_2(name),
    [COL_API_KEY_HASH] = TEXT_2(hash),
    [COL_API_KEY_ROLE] = ENUM_2(role, role_names),
    [COL_API_KEY_PROJECT] = INT_2(project),
    [COL_API_KEY_CREATED_AT] = TIME_2(created_at),
    [COL_API_KEY_CREATED_BY] = TEXT_2(created_by),
    [COL_API_KEY_EXPIRES_AT] = TIME_NULL_2(expires_at),
    [COL_API_KEY_REVOKED_AT] = TIME_NULL_2(revoked_at),
    [COL_API_KEY_REVOKED_BY] = TEXT_NULL_2(revoked_by),
    [COL_API_KEY_LAST_USED_AT] = TIME_NULL_2(last_used_at),
};
#undef ROW
COMPLETE(api_key_columns, N_API_KEY_COLUMNS);

/* Who shows a key names no tenant: the key's id leads to it. Not unique, or SQLite
 * would take it for what the primary key is asked for. */
static const uint16_t api_key_id_columns[] = {COL_API_KEY_ID};
static const struct ff_index api_key_indexes[] = {
    {.name = "api_key_id",
     .columns = api_key_id_columns,
     .n_columns = COUNT_OF(api_key_id_columns),
     .since = 2},
};

const struct ff_record record_api_key = {
    RECORD_SINCE("api_key", api_key_columns, N_API_KEY_COLUMNS, 2, 2),
    .indexes = api_key_indexes,
    .n_indexes = COUNT_OF(api_key_indexes),
};

/* --- session --- */

#define ROW session_row
static const struct ff_column session_columns[] = {
    [COL_SESSION_TENANT] = INT_2(tenant),
    [COL_SESSION_ID] = TEXT_2(id),
    [COL_SESSION_VERSION] = INT_2(version),
    [COL_SESSION_HASH] = TEXT_2(hash),
    [COL_SESSION_SUBJECT] = TEXT_2(subject),
    [COL_SESSION_KEY] = TEXT_NULL_2(key),
    [COL_SESSION_ROLE] = ENUM_2(role, role_names),
    [COL_SESSION_HERE_ONLY] = INT_2(here_only),
    [COL_SESSION_CREATED_AT] = TIME_2(created_at),
    [COL_SESSION_EXPIRES_AT] = TIME_2(expires_at),
};
#undef ROW
COMPLETE(session_columns, N_SESSION_COLUMNS);

static const uint16_t session_id_columns[] = {COL_SESSION_ID};
static const uint16_t session_subject_columns[] = {COL_SESSION_TENANT,
                                                   COL_SESSION_SUBJECT};
static const uint16_t session_expires_columns[] = {COL_SESSION_EXPIRES_AT};
static const struct ff_index session_indexes[] = {
    {.name = "session_id",
     .columns = session_id_columns,
     .n_columns = COUNT_OF(session_id_columns),
     .since = 2},
    {.name = "session_subject",
     .columns = session_subject_columns,
     .n_columns = COUNT_OF(session_subject_columns),
     .since = 2},
    {.name = "session_expires_at",
     .columns = session_expires_columns,
     .n_columns = COUNT_OF(session_expires_columns),
     .since = 2},
};

const struct ff_record record_session = {
    RECORD_SINCE("session", session_columns, N_SESSION_COLUMNS, 2, 2),
    .indexes = session_indexes,
    .n_indexes = COUNT_OF(session_indexes),
};

/* --- idempotency --- */

#define ROW idempotency_row
static const struct ff_column idempotency_columns[] = {
    [COL_IDEMPOTENCY_TENANT] = INT_2(tenant),
    [COL_IDEMPOTENCY_HASH] = TEXT_2(hash),
    [COL_IDEMPOTENCY_VERSION] = INT_2(version),
    [COL_IDEMPOTENCY_PRINCIPAL] = TEXT_2(principal),
    [COL_IDEMPOTENCY_ROUTE] = TEXT_2(route),
    [COL_IDEMPOTENCY_KEY] = TEXT_2(key),
    [COL_IDEMPOTENCY_DIGEST] = TEXT_2(digest),
    [COL_IDEMPOTENCY_STATUS] = INT_2(status),
    [COL_IDEMPOTENCY_ANSWER] = JSON_NULL_2(answer),
    [COL_IDEMPOTENCY_AT] = TIME_2(at),
};
#undef ROW
COMPLETE(idempotency_columns, N_IDEMPOTENCY_COLUMNS);

/* What is a day old is deleted. */
static const uint16_t idempotency_at_columns[] = {COL_IDEMPOTENCY_AT};
static const struct ff_index idempotency_indexes[] = {
    {.name = "idempotency_at",
     .columns = idempotency_at_columns,
     .n_columns = COUNT_OF(idempotency_at_columns),
     .since = 2},
};

const struct ff_record record_idempotency = {
    RECORD_SINCE("idempotency", idempotency_columns, N_IDEMPOTENCY_COLUMNS, 2, 2),
    .indexes = idempotency_indexes,
    .n_indexes = COUNT_OF(idempotency_indexes),
};

/* --- audit --- */

#define ROW audit_row
static const struct ff_column audit_columns[] = {
    [COL_AUDIT_TENANT] = INT_2(tenant),
    [COL_AUDIT_NO] = INT_2(no),
    [COL_AUDIT_VERSION] = INT_2(version),
    [COL_AUDIT_AT] = TIME_2(at),
    [COL_AUDIT_WHO] = TEXT_2(who),
    [COL_AUDIT_VIA] = TEXT_2(via),
    [COL_AUDIT_ORIGIN] = TEXT_NULL_2(origin),
    [COL_AUDIT_REQUEST] = TEXT_NULL_2(request),
    [COL_AUDIT_PROJECT] = INT_NULL_2(project),
    [COL_AUDIT_ACTION] = TEXT_2(action),
    [COL_AUDIT_OBJECT] = TEXT_2(object),
    [COL_AUDIT_DECISION] = ENUM_2(decision, audit_decision_names),
    [COL_AUDIT_DETAIL] = JSON_NULL_2(detail),
};
#undef ROW
COMPLETE(audit_columns, N_AUDIT_COLUMNS);

const struct ff_record record_audit = {
    RECORD_SINCE("audit", audit_columns, N_AUDIT_COLUMNS, 2, 2),
};

/* --- audit_open --- */

#define ROW audit_open_row
static const struct ff_column audit_open_columns[] = {
    [COL_AUDIT_OPEN_TENANT] = INT_2(tenant),
    [COL_AUDIT_OPEN_NO] = INT_2(no),
    [COL_AUDIT_OPEN_VERSION] = INT_2(version),
};
#undef ROW
COMPLETE(audit_open_columns, N_AUDIT_OPEN_COLUMNS);

const struct ff_record record_audit_open = {
    RECORD_SINCE("audit_open", audit_open_columns, N_AUDIT_OPEN_COLUMNS, 2, 2),
};

/* --- audit_seal --- */

#define ROW audit_seal_row
static const struct ff_column audit_seal_columns[] = {
    [COL_AUDIT_SEAL_TENANT] = INT_2(tenant),
    [COL_AUDIT_SEAL_NO] = INT_2(no),
    [COL_AUDIT_SEAL_VERSION] = INT_2(version),
    [COL_AUDIT_SEAL_AT] = TIME_2(at),
    [COL_AUDIT_SEAL_N] = INT_2(n),
    [COL_AUDIT_SEAL_ROWS] = JSON_2(rows),
    [COL_AUDIT_SEAL_PREV_HASH] = TEXT_2(prev_hash),
    [COL_AUDIT_SEAL_HASH] = TEXT_2(hash),
};
#undef ROW
COMPLETE(audit_seal_columns, N_AUDIT_SEAL_COLUMNS);

const struct ff_record record_audit_seal = {
    RECORD_SINCE("audit_seal", audit_seal_columns, N_AUDIT_SEAL_COLUMNS, 2, 2),
};
