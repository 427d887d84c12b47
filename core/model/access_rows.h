/* model/access_rows.h - tenants, who may do what in them, and who did. Not included by
 * model.h: few files need them. */
#ifndef MODEL_ACCESS_ROWS_H
#define MODEL_ACCESS_ROWS_H

#include "model/span.h"
#include <stdint.h>

/* Each may do what those before it may. */
enum role { ROLE_NONE, ROLE_VIEWER, ROLE_OPERATOR, ROLE_AUTHOR, ROLE_ADMIN, N_ROLES };
extern const char *const role_names[]; /* end with NULL */

enum audit_decision { AUDIT_ALLOWED, AUDIT_DENIED };
extern const char *const audit_decision_names[]; /* end with NULL */

/* Those who share nothing. Tenant 1, "default", is there without a row. */
struct tenant_row {
    int64_t tenant; /* key; from the counter "tenant" */
    int64_t version;
    struct span name;  /* unique */
    struct span title; /* for people, or null */
    int64_t created_at;
    int64_t disabled_at; /* MODEL_NULL: it is not */
    /* Quotas; MODEL_NULL: the usual one. */
    int64_t max_projects, max_members, max_keys;
    int64_t max_open_runs, max_requests_per_s;
    int64_t weight, max_running; /* what it gets of the slots, see sched/sched.h */
};

/* A part of a tenant that roles can be given for. Project 1, "default", is there
 * without a row. */
struct project_row {
    int64_t tenant, project; /* key; from the counter "project" */
    int64_t version;
    struct span name; /* unique in the tenant */
    int64_t created_at;
    int64_t weight; /* of what the tenant gets of the slots; MODEL_NULL: 1 */
};

/* The role of a subject. Tenant 0: of the whole installation; project 0: of the whole
 * tenant. */
struct member_row {
    int64_t tenant, project;
    struct span subject; /* key; as tokens name it */
    int64_t version;
    int64_t role; /* enum role */
    int64_t created_at;
    struct span created_by;
};

/* A credential for programs, without what it is shown by: see access/key_text.c. */
struct api_key_row {
    int64_t tenant;
    struct span id; /* key */
    int64_t version;
    struct span name;
    struct span hash; /* SHA-256 of its secret half */
    int64_t role;     /* enum role */
    int64_t project;  /* that it is confined to; 0: none */
    int64_t created_at;
    struct span created_by;
    int64_t expires_at; /* MODEL_NULL: never */
    int64_t revoked_at; /* MODEL_NULL: it is not */
    struct span revoked_by;
    int64_t last_used_at; /* to the minute; MODEL_NULL: never */
};

/* What somebody shows for a short while who has shown a token or an API key: without
 * what it is shown by, as api_key. Expired ones are deleted. */
struct session_row {
    int64_t tenant;
    struct span id; /* key */
    int64_t version;
    struct span hash;    /* SHA-256 of its secret half */
    struct span subject; /* of who asked for it */
    struct span key;     /* id of the API key that he showed; or null: a token */
    int64_t role;        /* enum role: that his token gave him */
    int64_t here_only;   /* it is taken from this machine only */
    int64_t created_at;
    int64_t expires_at;
};

/* What a request was answered, so that the same one again takes no effect. Put in the
 * batch of what it did. */
struct idempotency_row {
    int64_t tenant;
    struct span hash; /* key: SHA-256 of the three that follow, which may be long */
    int64_t version;
    struct span principal, route, key;
    struct span digest; /* SHA-256 of the request */
    int64_t status;     /* of HTTP */
    struct span answer; /* JSON, or null */
    int64_t at;
};

/* Who did what, or was not let. Put in the batch of what was done, and never changed.
 * Tenant 0: what concerns the whole installation. */
struct audit_row {
    int64_t tenant, no; /* key; no from the counter "audit" */
    int64_t version;
    int64_t at;
    struct span who;     /* subject */
    struct span via;     /* how he was known: local, key, token */
    struct span origin;  /* address, or null */
    struct span request; /* its id, or null */
    int64_t project;     /* MODEL_NULL: all of the tenant */
    struct span action;  /* "key.create" */
    struct span object;  /* "key/4f1k2m9z" */
    int64_t decision;    /* enum audit_decision */
    struct span detail;  /* JSON object, or null */
};

/* An audit row that no seal covers yet: found without an index on a column that
 * changes. Deleted in the commit of the seal. */
struct audit_open_row {
    int64_t tenant, no; /* key */
    int64_t version;
};

/* Makes the audit rows that it names one link of a chain: see access/seal.c. */
struct audit_seal_row {
    int64_t tenant, no; /* key; no from 1 without gaps */
    int64_t version;
    int64_t at;
    int64_t n;             /* how many rows */
    struct span rows;      /* JSON: [[number, SHA-256], ...] */
    struct span prev_hash; /* of the seal before it */
    struct span hash;      /* of all the above */
};

enum tenant_column {
    COL_TENANT_TENANT,
    COL_TENANT_VERSION,
    COL_TENANT_NAME,
    COL_TENANT_TITLE,
    COL_TENANT_CREATED_AT,
    COL_TENANT_DISABLED_AT,
    COL_TENANT_MAX_PROJECTS,
    COL_TENANT_MAX_MEMBERS,
    COL_TENANT_MAX_KEYS,
    COL_TENANT_MAX_OPEN_RUNS,
    COL_TENANT_MAX_REQUESTS_PER_S,
    COL_TENANT_WEIGHT,
    COL_TENANT_MAX_RUNNING,
    N_TENANT_COLUMNS
};

enum project_column {
    COL_PROJECT_TENANT,
    COL_PROJECT_PROJECT,
    COL_PROJECT_VERSION,
    COL_PROJECT_NAME,
    COL_PROJECT_CREATED_AT,
    COL_PROJECT_WEIGHT,
    N_PROJECT_COLUMNS
};

enum member_column {
    COL_MEMBER_TENANT,
    COL_MEMBER_PROJECT,
    COL_MEMBER_SUBJECT,
    COL_MEMBER_VERSION,
    COL_MEMBER_ROLE,
    COL_MEMBER_CREATED_AT,
    COL_MEMBER_CREATED_BY,
    N_MEMBER_COLUMNS
};

enum api_key_column {
    COL_API_KEY_TENANT,
    COL_API_KEY_ID,
    COL_API_KEY_VERSION,
    COL_API_KEY_NAME,
    COL_API_KEY_HASH,
    COL_API_KEY_ROLE,
    COL_API_KEY_PROJECT,
    COL_API_KEY_CREATED_AT,
    COL_API_KEY_CREATED_BY,
    COL_API_KEY_EXPIRES_AT,
    COL_API_KEY_REVOKED_AT,
    COL_API_KEY_REVOKED_BY,
    COL_API_KEY_LAST_USED_AT,
    N_API_KEY_COLUMNS
};

enum session_column {
    COL_SESSION_TENANT,
    COL_SESSION_ID,
    COL_SESSION_VERSION,
    COL_SESSION_HASH,
    COL_SESSION_SUBJECT,
    COL_SESSION_KEY,
    COL_SESSION_ROLE,
    COL_SESSION_HERE_ONLY,
    COL_SESSION_CREATED_AT,
    COL_SESSION_EXPIRES_AT,
    N_SESSION_COLUMNS
};

enum idempotency_column {
    COL_IDEMPOTENCY_TENANT,
    COL_IDEMPOTENCY_HASH,
    COL_IDEMPOTENCY_VERSION,
    COL_IDEMPOTENCY_PRINCIPAL,
    COL_IDEMPOTENCY_ROUTE,
    COL_IDEMPOTENCY_KEY,
    COL_IDEMPOTENCY_DIGEST,
    COL_IDEMPOTENCY_STATUS,
    COL_IDEMPOTENCY_ANSWER,
    COL_IDEMPOTENCY_AT,
    N_IDEMPOTENCY_COLUMNS
};

enum audit_column {
    COL_AUDIT_TENANT,
    COL_AUDIT_NO,
    COL_AUDIT_VERSION,
    COL_AUDIT_AT,
    COL_AUDIT_WHO,
    COL_AUDIT_VIA,
    COL_AUDIT_ORIGIN,
    COL_AUDIT_REQUEST,
    COL_AUDIT_PROJECT,
    COL_AUDIT_ACTION,
    COL_AUDIT_OBJECT,
    COL_AUDIT_DECISION,
    COL_AUDIT_DETAIL,
    N_AUDIT_COLUMNS
};

enum audit_open_column {
    COL_AUDIT_OPEN_TENANT,
    COL_AUDIT_OPEN_NO,
    COL_AUDIT_OPEN_VERSION,
    N_AUDIT_OPEN_COLUMNS
};

enum audit_seal_column {
    COL_AUDIT_SEAL_TENANT,
    COL_AUDIT_SEAL_NO,
    COL_AUDIT_SEAL_VERSION,
    COL_AUDIT_SEAL_AT,
    COL_AUDIT_SEAL_N,
    COL_AUDIT_SEAL_ROWS,
    COL_AUDIT_SEAL_PREV_HASH,
    COL_AUDIT_SEAL_HASH,
    N_AUDIT_SEAL_COLUMNS
};

extern const struct ff_record record_tenant, record_project, record_member,
    record_api_key, record_session, record_idempotency, record_audit, record_audit_open,
    record_audit_seal;

#endif
