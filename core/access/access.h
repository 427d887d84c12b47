/* access/access.h - who may do what where, and who did: roles, tenants, projects,
 * members, API keys, the audit log. No HTTP, and no settings: all of it is rows.
 *
 * Changes are planned, not made: a plan reads and judges, and adds what it changes to a
 * batch, together with the audit row that tells of it. The batch becomes durable by
 * access_commit, or with others by the committer. Everything blocks: lanes and the
 * command line. */
#ifndef ACCESS_ACCESS_H
#define ACCESS_ACCESS_H

#include "model/access_rows.h"
#include "store/store.h"

/* --- who may what (role.c; pure) --- */

enum permission {
    MAY_VIEW,         /* workflows, runs, logs, values */
    MAY_OPERATE,      /* run, cancel, retry, approve, pause */
    MAY_AUTHOR,       /* apply and delete workflows, schedules, limits */
    MAY_SECRET_NAMES, /* nobody may read a value */
    MAY_SECRETS,      /* set and delete them */
    MAY_MEMBERS,      /* and API keys; for a whole tenant its projects, too */
    MAY_AUDIT,        /* read who did what */
    MAY_TENANTS,      /* make, disable and limit them */
    N_PERMISSIONS
};
extern const char *const permission_names[]; /* end with NULL */

/* What concerns the whole installation is in no tenant. */
#define TENANT_PLATFORM ((struct tenant){0})
#define PROJECT_ALL     0

struct access_scope {
    struct tenant tenant;
    int64_t project; /* PROJECT_ALL: the whole tenant */
};

enum principal_kind {
    PRINCIPAL_LOCAL,   /* a user of this machine who may open the data directory */
    PRINCIPAL_KEY,     /* an API key */
    PRINCIPAL_USER,    /* a token that an auth driver has verified */
    PRINCIPAL_ATTEMPT, /* of a task; no role is its */
    PRINCIPAL_WEBHOOK, /* who knows a webhook's secret; the same */
    PRINCIPAL_SESSION  /* what one of KEY or USER has asked for, and shows instead */
};
extern const char *const principal_vias[]; /* "local" ... "session" */

#define SUBJECT_TEXT 320 /* with NUL; as principals of auth drivers have them */

/* Projects, beside his own; roles in others count nothing. */
#define PRINCIPAL_MORE 64

struct principal {
    enum principal_kind kind;
    char subject[SUBJECT_TEXT];
    struct tenant tenant;
    enum role role;    /* in all of the tenant */
    enum role claimed; /* the part of that which his token gives him */
    int64_t project;   /* in this one also project_role; PROJECT_ALL: in none */
    enum role project_role;
    struct {
        int64_t project;
        enum role role;
    } more[PRINCIPAL_MORE]; /* the same of other projects */
    size_t n_more;
    bool platform; /* administers the installation, which gives no role in a tenant */
    int64_t expires_us;  /* since 1970; 0: not by itself */
    int64_t key_ends_us; /* the API key that he shows, or had shown for his session */
};

bool role_may(enum role role, enum permission permission);
/* Of the installation: tenants, who is in them, and the log; nothing of their data. */
bool platform_may(enum permission permission);
bool access_may(const struct principal *p, enum permission permission,
                struct access_scope where);
/* In which projects he may, as runs are of one each: in any? In which when he names
 * none: the default one, or else the first; PROJECT_ALL: in none. */
bool access_may_somewhere(const struct principal *p, enum permission permission);
int64_t access_project_of(const struct principal *p, enum permission permission);
/* Nobody gives more than he has, or beyond where he has it. */
bool access_may_grant(const struct principal *p, enum role role,
                      struct access_scope where);
/* "viewer" ... "admin"; ROLE_NONE when the word is none of them. */
enum role access_role(const char *word);

/* --- one request --- */

#define ACCESS_NUMBERS "audit"

struct access_call {
    struct store *store;
    struct store_reader *reader;
    const struct principal *who;
    const char *origin, *request; /* address and id of the request, or NULL */
    int64_t now_us;
    struct store_numbers
        *numbers; /* ACCESS_NUMBERS, for audit rows; one of a process */
};

/* Makes a plan durable, again after a conflict, and seals it. A plan that ends with
 * FF_DENIED has put the audit row of that into its batch, which is committed too. */
typedef int access_plan_fn(const struct access_call *c, void *arg, struct batch *b,
                           struct ff_err *err);
int access_commit(const struct access_call *c, access_plan_fn *plan, void *arg,
                  struct ff_err *err);

/* --- tenants (tenant.c) --- */

/* As ff_err.sys of FF_FULL, which may be a disk's as well: no system or driver has this
 * number, and EDQUOT is the quota of a disk. */
#define ACCESS_SYS_QUOTA INT32_MIN
/* The same of what passes by itself: runs end. */
#define ACCESS_SYS_OPEN_RUNS (INT32_MIN + 2)

enum quota {
    QUOTA_PROJECTS,
    QUOTA_MEMBERS,
    QUOTA_KEYS,
    QUOTA_OPEN_RUNS,
    QUOTA_REQUESTS,
    QUOTA_WEIGHT,
    QUOTA_RUNNING
};
#define N_QUOTAS (QUOTA_RUNNING + 1)
struct access_quota {
    const char *name; /* as the column */
    size_t offset;    /* in struct tenant_row */
    uint32_t column;
    int64_t usual, min, max;
};
extern const struct access_quota access_quotas[N_QUOTAS];
int64_t access_quota_of(const struct tenant_row *row, enum quota quota);

/* The default one has version FF_ABSENT until something is said of it. FF_NOT_FOUND. */
int access_tenant(struct store *s, struct store_reader *r, const char *name,
                  struct arena *arena, struct tenant_row *row, struct ff_err *err);
int access_tenant_by_no(struct store *s, struct store_reader *r, struct tenant t,
                        struct arena *arena, struct tenant_row *row,
                        struct ff_err *err);
/* The default one first. */
int access_tenants(struct store *s, struct store_reader *r, store_row_fn *fn, void *arg,
                   struct ff_err *err);

int access_tenant_create(const struct access_call *c, const char *name,
                         const char *title, struct batch *b, struct ff_err *err);
/* Who is disabled is let in by nothing, until he is enabled again. */
int access_tenant_disable(const struct access_call *c, const char *name, bool disable,
                          struct batch *b, struct ff_err *err);
/* value MODEL_NULL: the usual one. */
int access_tenant_limit(const struct access_call *c, const char *name, enum quota quota,
                        int64_t value, struct batch *b, struct ff_err *err);

/* --- projects (project.c) --- */

int access_project(struct store *s, struct store_reader *r, struct tenant t,
                   const char *name, struct arena *arena, struct project_row *row,
                   struct ff_err *err);
int access_project_by_no(struct store *s, struct store_reader *r, struct tenant t,
                         int64_t no, struct arena *arena, struct project_row *row,
                         struct ff_err *err);
int access_projects(struct store *s, struct store_reader *r, struct tenant t,
                    store_row_fn *fn, void *arg, struct ff_err *err);
int access_project_create(const struct access_call *c, struct tenant t,
                          const char *name, struct batch *b, struct ff_err *err);
/* What it gets of the slots of its tenant beside others; from 1 to that of tenants. The
 * default one weighs 1. */
int access_project_weight(const struct access_call *c, struct tenant t,
                          const char *name, int64_t weight, struct batch *b,
                          struct ff_err *err);

/* --- members (member.c) --- */

/* Gives the role, or changes it. */
int access_member_set(const struct access_call *c, struct access_scope where,
                      const char *subject, enum role role, struct batch *b,
                      struct ff_err *err);
int access_member_remove(const struct access_call *c, struct access_scope where,
                         const char *subject, struct batch *b, struct ff_err *err);
int access_members(struct store *s, struct store_reader *r, struct tenant t,
                   store_row_fn *fn, void *arg, struct ff_err *err);

/* --- API keys (key.c) --- */

/* "ffk_", eight of a-z0-9, "_", 43 of a-zA-Z0-9: 256 random bits, of which only the
 * SHA-256 is stored. */
#define KEY_ID_TEXT     9
#define KEY_SECRET_TEXT 44
#define CREDENTIAL_TEXT 57
struct access_credential {
    char id[KEY_ID_TEXT];
    char text[CREDENTIAL_TEXT];
};
void access_credential_wipe(struct access_credential *k);

struct access_new_key {
    const char *name;
    enum role role;
    struct access_scope where;
    int64_t expires_at; /* MODEL_NULL: never */
};
/* Until when a key that he makes is valid at most; INT64_MAX: for ever. */
int64_t access_key_latest(const struct access_call *c);
int access_key_create(const struct access_call *c, const struct access_new_key *want,
                      struct access_credential *made, struct batch *b,
                      struct ff_err *err);
/* FF_NOT_FOUND, also when it is another tenant's; FF_INVALID when it is no id, which
 * may be a whole credential. Revoked twice, it is revoked since the first time. */
int access_key_revoke(const struct access_call *c, struct tenant t, const char *id,
                      struct batch *b, struct ff_err *err);
int access_keys(struct store *s, struct store_reader *r, struct tenant t,
                store_row_fn *fn, void *arg, struct ff_err *err);

/* Who shows this. FF_DENIED with a sentence that may be shown to him: it is none, or
 * revoked, or expired, or its tenant is disabled. That it was used goes into `used` (or
 * NULL), once a minute at most. */
int access_key_verify(struct store *s, struct store_reader *r, const char *credential,
                      int64_t now_us, struct principal *p, struct batch *used,
                      struct ff_err *err);

/* --- sessions (session.c) --- */

/* As the credential of a key, but that it begins with "ffs_". */

/* For who asks (c->who), who shows a token or a key; FF_DENIED: he shows another
 * session, or nothing. here_only: as what he shows, it is taken from this machine
 * alone. FF_FULL: he has too many. */
int access_session_create(const struct access_call *c, int64_t expires_at,
                          bool here_only, struct access_credential *made,
                          struct batch *b, struct ff_err *err);
/* His own, or anybody's of the tenant for who may MAY_MEMBERS. FF_NOT_FOUND, also when
 * it is none of these. */
int access_session_end(const struct access_call *c, struct tenant t, const char *id,
                       struct batch *b, struct ff_err *err);
/* Who shows this: who asked for it, with what he may by now; he ends with what he had
 * shown. FF_DENIED as with keys. */
struct access_session_look {
    int64_t now_us;
    int64_t
        most_us; /* how long one may live, those too that were made to live longer */
};
int access_session_verify(struct store *s, struct store_reader *r,
                          const char *credential,
                          const struct access_session_look *look, struct principal *p,
                          bool *here_only, struct ff_err *err);
/* Deletes those that have expired. */
int access_sessions_sweep(struct store *s, struct store_reader *r, int64_t now_us,
                          struct ff_err *err);

/* --- who is asking (resolve.c) --- */

/* Who may open the data directory administers it, and the default tenant. */
void access_local(const char *user, struct principal *p);

/* What an auth driver has verified. */
struct access_identity {
    const char *subject, *tenant;
    const char *const *roles; /* for all of the tenant; words that are no roles count
                               * nothing. Ends with NULL */
    int64_t expires_us;
};
/* With what rows of members add. project: that whose role is project_role, or
 * PROJECT_ALL; roles in others are in `more`.
 * FF_DENIED: there is no such tenant, or it is disabled. FF_INVALID: nobody is called
 * so. */
int access_user(struct store *s, struct store_reader *r,
                const struct access_identity *who, int64_t project, struct principal *p,
                struct ff_err *err);

/* --- the audit log (audit.c, seal.c, verify.c) --- */

struct access_entry {
    struct access_scope where;
    const char *action; /* "key.create" */
    const char *object; /* "key/4f1k2m9z" */
    enum audit_decision decision;
    const char *detail; /* JSON object, or NULL */
};
int access_audit_add(const struct access_call *c, const struct access_entry *e,
                     struct batch *b, struct ff_err *err);
/* The newest first. */
struct access_page {
    int64_t before; /* only those before this number; 0: all */
    uint32_t limit; /* at most so many; 0: all */
};
int access_audit(struct store *s, struct store_reader *r, struct tenant t,
                 const struct access_page *page, store_row_fn *fn, void *arg,
                 struct ff_err *err);

/* Seals all rows that no seal covers yet, of all tenants by turns; those that are added
 * meanwhile, perhaps. Any process may, at any time; of two one has nothing left to
 * do. */
int access_seal(struct store *s, struct store_reader *r, int64_t now_us,
                int64_t *n_rows, struct ff_err *err);

/* Does so on a lane, for a process that adds rows all the time: at most once a second,
 * and nothing when nobody wakes it. Loop thread. NULL with a sentence. */
struct sealer;
struct sealer *sealer_new(struct loop *l, struct store *s, struct store_reader *r,
                          struct ff_err *err);
void sealer_wake(struct sealer *s); /* rows that are durable now were added */
/* Calls fn when all that it was woken for is sealed, or could not be: then it may be
 * freed. Not woken after that. */
void sealer_drain(struct sealer *s, ff_call_fn *fn, void *arg);
void sealer_free(struct sealer *s); /* takes NULL, and what was never woken */

enum audit_fault {
    AUDIT_WHOLE,
    AUDIT_SEAL_MISSING,
    AUDIT_SEAL_CHANGED,
    AUDIT_EDITED,
    AUDIT_DELETED,
    AUDIT_INSERTED,
    AUDIT_REORDERED, /* the row `no` holds what the row `other` held */
    AUDIT_CUT        /* the seal that was remembered is not there, or another one */
};
extern const char *const audit_fault_names[]; /* end with NULL */

struct access_verdict {
    enum audit_fault fault; /* the first: in the seals, else in the rows by number */
    int64_t no;             /* of the row, or of the seal */
    int64_t other;
    int64_t n_rows, n_seals;
    int64_t n_open; /* rows that no seal covers yet */
    int64_t head;   /* number of the last seal, 0: none */
    char head_hash[SHA256_TEXT];
};
/* Whether the log of a tenant is as it was sealed. Who can write the store can write
 * all seals anew: that is seen by a seal that was remembered elsewhere (kept_no, 0:
 * none; and its hash). */
int access_verify(struct store *s, struct store_reader *r, struct tenant t,
                  int64_t kept_no, const char *kept_hash,
                  struct access_verdict *verdict, struct ff_err *err);

#endif
