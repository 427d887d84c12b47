/* rest/rest_priv.h - what the files of the room share: a row of the table of routes,
 * and one request on its way through it.
 *
 * let.c lets requests in, serve.c has them done, answer.c answers; work.c takes them
 * beside the loop; flows.c keeps parsed files; who.c knows who asks, bucket.c how much
 * he may ask, cursor.c where a page goes on, problem.c what went wrong, field.c what a
 * request may say, once.c that nothing is done twice, denied.c what the log is spared,
 * openapi.c what there is; the others are handlers. */
#ifndef REST_REST_PRIV_H
#define REST_REST_PRIV_H

#include "access/access.h"
#include "rest/bucket.h"
#include "rest/cursor.h"
#include "rest/problem.h"
#include "rest/rest.h"

#include <pthread.h>

struct rest_call;
struct live_kind;
struct live_ask;
struct live_streams;

/* --- the table of routes --- */

/* Where the permission is asked for. */
enum rest_scope {
    REST_OPEN,    /* nowhere: anybody may */
    REST_SELF,    /* whoever is known may */
    REST_RUNS,    /* the projects of the caller's tenant: each run, workflow or schedule
                   * is looked at */
    REST_PROJECT, /* the caller's tenant, project `default`: limits and the rest */
    REST_TENANT,  /* a whole tenant: the caller's, or by ?tenant=NAME another one */
    REST_PLATFORM /* the installation */
};

enum rest_type {
    REST_TEXT,
    REST_INT,
    REST_BOOL,
    REST_WORD, /* one of `words` */
    REST_TIME, /* RFC 3339 */
    REST_OBJECT,
    REST_ANY, /* of a body: any JSON */
    REST_LIST /* in a query: may be given several times */
};

#define REST_LINE "^[^\\u0000-\\u001f\\u007f]*$" /* no control characters */
#define REST_NAME "^[a-z_][a-z0-9_-]*$"          /* text_is_name, with dashes */

/* What a request may say, and what else than columns an answer does. */
struct rest_field {
    const char *name; /* NULL ends a table */
    enum rest_type type;
    bool required;
    int64_t min, max; /* of a number; of a text its bytes; both 0: any */
    const char *const *words;
    const char *help;
    const char *pattern; /* of a text, for the document: who takes it checks it */
};

/* What answers look like: columns of a record, and more. */
struct rest_shape {
    const char *name; /* of the schema */
    const struct ff_record *record;
    uint64_t columns;
    const struct rest_field *more; /* or NULL */
};

enum rest_flag {
    REST_PAGE = 1,       /* answers with a page of its shape */
    REST_CHANGES = 2,    /* changes something: takes an Idempotency-Key */
    REST_AT_ONCE = 4,    /* the handler runs on the loop and never blocks */
    REST_YAML = 8,       /* the body may be YAML: its text is the field `source` */
    REST_ONE_TIME = 16,  /* what it answers is shown once: it is not kept for repeats */
    REST_ONE_FIELD = 32, /* the body has exactly one of its fields */
    REST_HOOK = 64,  /* the handler finds out who asks, by the body, which is its own as
                      * is the query; it says by which name a repeat is known */
    REST_FILE = 128, /* answers with a file (artifacts.c) */
    REST_QUICK = 256, /* reads a row or two: on the loop, where that takes no time. Its
                       * handler looks at on_loop before it does more */
    REST_TAGGED = 512 /* what it answers has an ETag, where it has a version */
};

/* Runs on a lane; where it changes something it is a plan (node/change.h) and may run
 * again: all that it leaves behind is in the call. FF_OK, or the problem that err tells
 * of. */
typedef int rest_handle_fn(struct rest_call *c, struct ff_err *err);

struct rest_route {
    const char *method, *pattern; /* below /api/v1, but for REST_OPEN */
    const char *id;               /* operationId */
    const char *tag;
    enum rest_scope scope;
    enum permission needs; /* nothing in REST_OPEN and REST_SELF */
    rest_handle_fn *handle;
    const char *summary;
    unsigned flags;
    int status;                /* of success; 0: 200 */
    int status_unchanged;      /* of one that had nothing to change; 0: the same */
    const char *const *one_of; /* fields of which a body has exactly one; or NULL */
    const struct rest_field *query, *body;
    size_t body_max;
    const struct rest_shape *answer; /* NULL: no body */
    const struct live_kind *live;    /* it may be asked for as a stream: live.h */
    /* What If-Match is about: its handler finds a row of it (rest_match). NULL: it has
     * no version, and the route takes no If-Match. */
    const struct ff_record *match;
};
extern const struct rest_route rest_routes[];
extern const size_t rest_n_routes;

/* --- the room's state --- */

#define REST_FILES_MAX  32
#define REST_ARENAS_MAX 64

/* What bytes are known again by in this process: 128 bits that nobody can aim at who
 * does not know the keys, at a tenth of the time of SHA-256. */
struct rest_name {
    uint64_t words[2];
};

#define REST_HASHED_MAX 32

struct rest {
    struct rest_setup setup;
    struct store *store;
    struct rest_mount *mounts; /* rest.c */
    struct store_readers *readers;
    struct store_readers *fetchers; /* of files; NULL until one is asked for */
    struct store_reader *quick;     /* the loop's */
    uint32_t quick_history; /* of REST_QUICK: 1: it was quick; the last is bit 0 */
    size_t n_working;       /* calls on their lanes */
    size_t n_changing;      /* calls that are being made durable */
    /* Tenants whose files are fetched or sent, each with a copy on the disk; 0: room
     * for one more. */
    int64_t files[REST_FILES_MAX];
    struct arena spare[REST_ARENAS_MAX]; /* of calls that are over, and empty */
    size_t n_spare;
    bool stopping;
    bool draining;
    struct rest_flows {
        pthread_mutex_t mutex; /* of lanes */
        struct flow **items;
        size_t n, cap;
        size_t n_tasks; /* in all of them */
        struct rest_hashed {
            struct rest_name name;
            char hash[SHA256_TEXT];
        } hashed[REST_HASHED_MAX]; /* of texts that came lately */
        size_t n_hashed;           /* ever */
    } flows;
    struct rest_answers {
        bool told; /* that moment */
        struct store_moment moment;
        struct map by_id; /* runs as they were at that moment */
    } answers;
    struct rest_who_cache {
        struct map by_hash;
        uint64_t n_forgotten; /* times */
    } cache;
    struct sip_key keys[2]; /* of rest_name */
    void *auth;             /* session of the driver, or NULL */
    pthread_mutex_t auth_mutex;
    struct principal local;
    struct buckets buckets;
    struct buckets shared; /* of lanes: rest_take */
    pthread_mutex_t shared_mutex;
    struct { /* denied.c */
        pthread_mutex_t mutex;
        struct map all;
        struct loop_timer *timer;
    } denied;
    char cursor_key[SHA256_TEXT];
    struct store_numbers numbers; /* of audit rows */
    struct sealer *sealer;
    struct live_streams *live;
    struct buf openapi;
};

/* --- one request --- */

#define REQUEST_ID_TEXT 65

struct rest_call {
    struct rest *rest;
    const struct rest_route *route;
    struct http_reply *reply;
    const struct http_request *request;
    char request_id[REQUEST_ID_TEXT];

    /* who asks: who.c */
    bool known;
    struct principal who;
    int64_t rate_per_s;        /* that the tenant may */
    char credential[33];       /* by which it is known again */
    const char *token;         /* NULL: none was shown */
    bool here_only;            /* it is taken from this machine only */
    uint64_t n_forgotten;      /* before it was looked at */
    struct access_scope scope; /* in which the permission was asked for */
    struct bucket_state limit;

    /* the work, on a lane: work.c */
    ff_call_fn *on_lane, *back;
    struct store *store;
    struct store_reader *reader;
    bool on_loop;    /* of REST_QUICK: it must not block */
    bool takes_long; /* and would: it is to be done again on a lane */
    int64_t took_us;
    int64_t now_us;
    struct arena arena; /* for all of the request */
    json_t *body;       /* an object, or NULL */
    int code;
    struct ff_err err;
    bool was_read;
    struct node_plan plan;  /* of what changes something, while its handler runs */
    struct batch *batch;    /* the same: what it changes */
    size_t n_guards;        /* how many of these only say that If-Match holds */
    struct batch aside;     /* what is noted whatever becomes of it */
    bool audits;            /* the batch holds audit rows */
    bool denied;            /* and that is to stand in the log */
    enum permission needed; /* the one that he lacked */
    bool forgets;           /* who is known may have changed */

    /* the answer */
    int status;                /* 0: the route's */
    enum rest_problem problem; /* PROBLEM_BY_CODE: by err */
    struct buf out;
    struct buf errors; /* items of a problem's errors[] */
    int n_errors;
    char etag[80];
    const char *location; /* in the arena */
    const char *type;     /* of out; NULL: JSON */
    bool replayed;
    /* Of REST_FILE: */
    struct blobs *blobs;
    int file; /* a copy of it, open; -1: none */
    int64_t file_size;
    char file_name[72];   /* "": it is none */
    int64_t *file_place;  /* of rest->files, or NULL */
    const char *delivery; /* of REST_HOOK: what a repeat has too; NULL: nothing */
    const char *caller;   /* the same: the secret that he knows, by name */
    const struct idempotency_row *before; /* of the same key: once.c */
    struct node_submitted made;           /* a run, from one try to the next */
    const struct live_ask *ask_live;      /* in the arena */
};

/* --- a call's way --- */

/* One row of the table, as the HTTP server takes it. */
struct rest_mount {
    struct rest *rest;
    const struct rest_route *route;
    struct http_route http;
    char pattern[128];
};

http_admit_fn rest_admit;   /* let.c */
http_handle_fn rest_handle; /* serve.c */
/* Has the log say so, and answers. False: it was answered already, as busy. */
bool rest_deny(struct rest_call *c);
/* Answers; the call is gone. */
void rest_end(struct rest_call *c);
void rest_answer(struct rest_call *c); /* answer.c */
/* NULL is none. */
bool rest_is_traceparent(const char *header);
void rest_add_headers(struct rest_call *c); /* those that all answers have */
void rest_answer_busy(struct rest_call *c);
void rest_tell_stop(struct rest *r); /* was it waited for? */
/* As bucket_take, on any thread. */
bool rest_take(struct rest *r, const char *name, int64_t per_s,
               struct bucket_state *state);

bool rest_is_unchanged(const struct rest_call *c); /* for who has it already */

/* Of REST_FILE (artifacts.c), on the loop. begin: false: it was answered, as busy.
 * send: answers; the call is gone. done: before the call goes. */
bool rest_file_begin(struct rest_call *c);
void rest_file_send(struct rest_call *c);
void rest_file_done(struct rest_call *c);

/* --- what handlers use (call.c) --- */

const char *rest_path(const struct rest_call *c, const char *name); /* never NULL */
/* A parameter of the query, checked before; NULL, or the other value: not given. */
const char *rest_ask(const struct rest_call *c, const char *name);
int64_t rest_ask_int(const struct rest_call *c, const char *name, int64_t other);
bool rest_ask_bool(const struct rest_call *c, const char *name);
/* A field of the body, checked before. */
const char *rest_text(const struct rest_call *c, const char *name);
int64_t rest_int(const struct rest_call *c, const char *name, int64_t other);
bool rest_bool(const struct rest_call *c, const char *name);
json_t *rest_value(const struct rest_call *c, const char *name); /* borrowed */

#define REST_ERRORS_MAX 100

/* Another problem than the code says. Returns its code. */
int FF_PRINTF(4, 5) rest_fail(struct rest_call *c, enum rest_problem problem,
                              struct ff_err *err, const char *fmt, ...);
/* One more of a problem's errors[], up to REST_ERRORS_MAX: `where` is "pointer" (of the
 * body: "/inputs/n"), "parameter" (of the query) or NULL. */
void FF_PRINTF(4, 5) rest_add_error(struct rest_call *c, const char *where,
                                    const char *what, const char *fmt, ...);

/* The row as an object of the shape, open, so that more can be added. */
void rest_add_row(struct jsonw *w, const struct rest_shape *shape, const void *row);
/* "v17" */
void rest_set_version(struct rest_call *c, int64_t version);
/* Of routes that take If-Match: does it, where it is given, name the version of this
 * row? Then the batch holds the row to it, so that it still has it when the rest
 * becomes durable: called before anything else is in the batch, since changes see those
 * before them. FF_OK as well where the route's If-Match is about another record.
 * PROBLEM_PRECONDITION. */
int rest_match(struct rest_call *c, const struct ff_record *record, const void *row,
               int64_t version, struct ff_err *err);
/* The same for who knows the ETag, NULL if there is none, and what to hold himself. */
int rest_match_etag(struct rest_call *c, const char *etag, struct ff_err *err);
/* Does the batch change anything so far? */
bool rest_has_changes(const struct rest_call *c);
/* Path of something that was made: fmt below /api/v1. */
void FF_PRINTF(2, 3) rest_set_location(struct rest_call *c, const char *fmt, ...);

/* May the caller do what the route does in this project of his tenant? */
bool rest_sees(const struct rest_call *c, int64_t project);
/* The run that {id} names, and may the caller do there what the route does? One that is
 * not seen is not there. */
int rest_find_run(struct rest_call *c, struct run_row *run, struct ff_err *err);
/* The same of one that is there, in this project. */
int rest_judge_run(struct rest_call *c, int64_t project, struct ff_err *err);
/* The same of anything: FF_NOT_FOUND without a sentence. */
int rest_judge(struct rest_call *c, int64_t project, struct ff_err *err);

/* For plans of core/access; after it, audit rows of the batch are sealed once they are
 * durable. */
void rest_access(struct rest_call *c, struct access_call *call);
/* FF_DENIED, for a handler that needs more than its route does; the log says so. */
int rest_fail_denied(struct rest_call *c, enum permission needed, struct ff_err *err);
/* Where a request is about: the caller's tenant, unless ?tenant=NAME or ?platform=true
 * says otherwise. */
int rest_find_tenant(struct rest_call *c, struct ff_err *err);
/* The path as logs may hold it: cut, and without the secret of a key that somebody took
 * for its id. */
#define REST_OBJECT_TEXT 400
void rest_object(const struct rest_call *c, char out[REST_OBJECT_TEXT]);
/* An audit row of the route, in the batch. */
int rest_audit(struct rest_call *c, const char *action, const char *object,
               struct ff_err *err);

/* --- pages (page.c) --- */

#define PAGE_USUAL 100
#define PAGE_MAX   1000
#define PAGE_LOOKS 20000 /* rows that are looked at for one page */

/* One page of a list, while its rows are read. */
struct rest_page {
    struct rest_call *c;
    struct jsonw w;
    int64_t limit, n, n_looks;
    bool more;        /* there is, or may be */
    struct buf last;  /* the row that was looked at last */
    struct buf after; /* that of the page before; len 0: this is the first */
};

/* `next` of a page of the same list: what stands in it. */
bool rest_page_cursor(const struct rest_call *c, const char *cursor, struct buf *after);
/* FF_INVALID: the cursor is not of this list. Then rest_page_end, also after a failed
 * scan. */
int rest_page_begin(struct rest_call *c, struct rest_page *p, struct ff_err *err);
/* A row was read; key: what finds it again. False: the page ends before it. */
bool rest_page_step(struct rest_page *p, bool wanted, const void *key, size_t len);
/* Writes the answer if code is FF_OK. Returns code. */
int rest_page_end(struct rest_page *p, int code);

/* --- field.c --- */

/* Query and body of the call against the tables of its route. */
int rest_read(struct rest_call *c, struct ff_err *err);
/* Parameters that a route has beside its own: of pages, or of tenants; or NULL. */
const struct rest_field *rest_common_fields(const struct rest_route *route,
                                            bool of_tenant);
/* What a part of a path is, for the document. */
struct rest_field rest_path_field(const char *name);

struct rest_name rest_name(const struct rest *r, const char *bytes,
                           size_t len); /* call.c */

/* --- who.c --- */

enum who_answer { WHO_KNOWN, WHO_MUST_ASK, WHO_NOBODY };
int who_open(struct rest *r, struct ff_err *err);
void who_close(struct rest *r);
/* On the loop, at once. WHO_NOBODY: c->err says why. */
enum who_answer who_is(struct rest_call *c);
void who_ask(struct rest_call *c);     /* on a lane: fills c->who, or c->code */
void who_learn(struct rest_call *c);   /* back on the loop */
void who_refused(struct rest_call *c); /* the same, where c->code says no */
void who_forget(struct rest *r);       /* all that was learnt */

/* --- denied.c --- */

void denied_open(struct rest *r);
void denied_close(struct rest *r);
/* May the log have a row of what this caller was not let do? If not it is counted. On
 * any thread; then denied_arm on the loop. */
bool denied_may_note(struct rest_call *c);
void denied_arm(struct rest *r);
void denied_tell(struct rest *r); /* at once; n_changing counts it */

/* --- work.c --- */

int work_open(struct rest *r, struct ff_err *err);
void work_close(struct rest *r);
/* False: there is too much to do already. */
bool work_begin(struct rest_call *c, ff_call_fn *on_lane, ff_call_fn *back);
/* Of REST_QUICK, on the loop. False: on a lane, please; it may have begun already. */
bool work_at_once(struct rest_call *c, ff_call_fn *do_it);
void work_took(const struct rest_call *c); /* c->took_us, wherever */
void work_note(struct rest *r); /* n_working or n_changing is another one now */

/* --- flows.c: on any thread --- */

void flows_open(struct rest *r);
void flows_close(struct rest *r);
/* One that nobody else has meanwhile; NULL: none is kept, so parse it. flows_put. */
struct flow *flows_take(struct rest *r, struct span hash);
/* Takes it, or one that was just parsed, and NULL; nothing of it is used any more. */
void flows_put(struct rest *r, struct flow *flow);
/* The SHA-256 that files are known by. */
void flows_hash(struct rest *r, const char *text, size_t len, char out[SHA256_TEXT]);

/* --- answers.c: on the loop --- */

void answers_close(struct rest *r);
/* Was the run that {id} names read before, and nothing committed since? Then c->out and
 * the ETag are what they were, or *code says why the caller may not see them. */
bool answers_take(struct rest_call *c, int *code, struct ff_err *err);
/* It was just read, after answers_take has said no; c->out is the answer. */
void answers_keep(struct rest_call *c, const struct run_row *run);

/* --- once.c --- */

/* What repeats of the request are known by; NULL: nothing. */
const char *once_key(const struct rest_call *c);
/* Was this request answered before? Then that is the answer (c->replayed). */
int once_look(struct rest_call *c, struct ff_err *err);
/* Has the batch remember the answer. */
int once_note(struct rest_call *c, struct ff_err *err);

/* --- shapes.c: what answers look like --- */

extern const struct rest_shape shape_health, shape_auth, shape_me, shape_system,
    shape_executors, shape_document, shape_run, shape_run_short, shape_task,
    shape_task_full, shape_attempt, shape_artifact, shape_event, shape_workflow,
    shape_workflow_full, shape_version, shape_verdict, shape_tenant, shape_project,
    shape_member, shape_key, shape_new_key, shape_session, shape_new_session,
    shape_audit, shape_new_run, shape_run_id, shape_told, shape_called, shape_record,
    shape_applied, shape_schedule, shape_backfill, shape_new_backfill, shape_stopped,
    shape_cleared, shape_limit, shape_queue, shape_secret, shape_rows,
    shape_log_of_attempt;

/* --- handlers, by file --- */

rest_handle_fn rest_webhook; /* webhooks.c */
bool rest_webhook_admit(struct rest_call *c);

rest_handle_fn rest_live, rest_ready, rest_health, rest_document,
    rest_auth; /* system.c */
rest_handle_fn rest_me, rest_system, rest_executors;
rest_handle_fn rest_runs_list, rest_run_get;                    /* runs.c */
rest_handle_fn rest_tasks_list, rest_task_get, rest_run_events; /* tasks.c */
rest_handle_fn rest_workflows_list, rest_workflow_get, rest_versions_list,
    rest_workflow_validate; /* workflows.c */
rest_handle_fn rest_tenants_list, rest_tenant_get, rest_tenant_create,
    rest_tenant_change; /* tenants.c */
rest_handle_fn rest_projects_list, rest_project_create, rest_project_change;
rest_handle_fn rest_members_list, rest_member_put, rest_member_delete; /* members.c */
rest_handle_fn rest_keys_list, rest_key_get, rest_key_create,
    rest_key_revoke; /* keys.c */
rest_handle_fn rest_audit_list;
rest_handle_fn rest_sessions_list, rest_session_create,
    rest_session_end; /* sessions.c */

rest_handle_fn rest_artifacts_list, rest_artifact_get; /* artifacts.c */
rest_handle_fn rest_attempts_list, rest_attempt_get;   /* attempts.c */
rest_handle_fn rest_logs_list, rest_logs_of_run;       /* logs.c */
rest_handle_fn rest_run_submit, rest_run_rerun;        /* submit.c */
rest_handle_fn rest_run_cancel, rest_run_terminate, rest_run_pause, rest_run_unpause,
    rest_run_retry, rest_run_signal, rest_event, rest_task_approve,
    rest_task_reject; /* steer.c */
rest_handle_fn rest_workflow_apply, rest_workflow_delete, rest_workflow_label;
rest_handle_fn rest_schedules_list, rest_schedule_get, rest_schedule_pause,
    rest_schedule_resume, rest_schedule_trigger, rest_schedule_delete,
    rest_schedule_pin, rest_schedule_unpin;
rest_handle_fn rest_cache_clear;
rest_handle_fn rest_backfills_list, rest_backfill_create, rest_backfills_stop;
rest_handle_fn rest_limits_list, rest_limit_put, rest_limit_delete; /* limits.c */
rest_handle_fn rest_queues_list, rest_queue_pause, rest_queue_unpause;
rest_handle_fn rest_secrets_list, rest_secret_put, rest_secret_delete;
rest_handle_fn rest_rows_list; /* rows.c */

/* --- names that the caller sees (names.c) --- */

/* Rows that say only the name of a workflow or schedule are seen with what has that
 * name. */
struct rest_names {
    const struct rest_call *c;
    bool all;       /* he sees the whole tenant */
    struct map map; /* name -> when it was made, or first applied; the call's arena */
};
int rest_names_read(struct rest_call *c, const struct ff_record *record,
                    struct rest_names *names, struct ff_err *err);
bool rest_names_see(const struct rest_names *names, const struct ff_record *record,
                    const void *row);
void rest_names_done(struct rest_names *names);

/* --- projects by name (tenants.c) --- */

/* Names of the projects of the call's tenant by number as text; json_decref it. NULL
 * with a sentence. */
json_t *rest_project_names(struct rest_call *c, struct ff_err *err);
/* names: NULL will do for the default one. */
void rest_add_project(struct jsonw *w, const json_t *names, int64_t project);
/* The field or parameter `project`, or PROJECT_ALL; FF_NOT_FOUND. */
int rest_find_project(struct rest_call *c, const char *name, int64_t *project,
                      struct ff_err *err);
/* What a list is of: the parameter `project`, or PROJECT_ALL; one in which he sees
 * nothing is not there. */
int rest_ask_project(struct rest_call *c, int64_t *project, struct ff_err *err);
/* Where something new belongs, of which it is the scope then: the field `project`, else
 * `usual`, or without that (PROJECT_ALL) where the caller may. */
int rest_choose_project(struct rest_call *c, enum permission needed, int64_t usual,
                        int64_t *project, struct ff_err *err);

/* The schedule that the path names, for who may (schedules.c). */
int rest_judge_schedule(struct rest_call *c, struct ff_err *err);

/* Those that {id} and {task} name (logs.c). */
int rest_find_run_task(struct rest_call *c, struct run_row *run, struct task_row *row,
                       struct ff_err *err);

/* As a problem's errors[] (workflows.c). */
void rest_add_flow_problems(struct rest_call *c, const struct flow_problems *problems);
/* Large inputs and outputs stand beside the row; what is gone stays a reference. */
struct span rest_open_column(struct rest_call *c, const struct run_row *run,
                             struct span column);
/* The task that {task} names, "fetch" or "fetch.3" (tasks.c). */
int rest_find_task(struct rest_call *c, const struct run_row *run, struct flow *flow,
                   struct task_row *row, struct ff_err *err);
/* The plan that a run is pinned to; flows_put it (runs.c). */
struct flow *rest_flow_of(struct rest_call *c, const struct run_row *run,
                          struct ff_err *err);
/* The same where it need not be parsed; or NULL. */
struct flow *rest_flow_kept(struct rest_call *c, const struct run_row *run);

/* --- waiting.c --- */

/* Tasks of a run that have no row, as far as one request asks. */
struct rest_waiting {
    struct rest_call *c;
    const struct run_row *run;
    struct flow *flow;        /* of the run, or NULL */
    struct flow_outline part; /* without it: the part of its outline read last */
    int64_t n_main;           /* main tasks of it; -1: not known yet */
};
/* flow: of the run where it is there already, or NULL. waiting_done gives it back. */
struct rest_waiting waiting_of(struct rest_call *c, const struct run_row *run,
                               struct flow *flow);
void waiting_done(struct rest_waiting *w);
/* The task with this index as it would be told of, if no row of it is there; its name
 * is w's, until more is read. *there is false: it is no main task, or the run is over,
 * so all that there is from there on has rows. */
int waiting_read(struct rest_waiting *w, int64_t index, struct task_row *row,
                 bool *there, struct ff_err *err);

/* A task's own row, if it is `found`, with its text in the call's arena. */
struct waiting_need {
    struct task_row row;
    struct arena *arena;
    bool found;
};
int waiting_read_row(struct rest_call *c, const struct run_row *run, int64_t node,
                     struct waiting_need *need, struct ff_err *err);

#endif
