/* exec/exec.h - the executor: takes start messages, runs attempts through a runtime
 * driver under one task contract, collects what they leave, and reports results.
 *
 * The contract (docs/task-contract.md) is the same in every runtime: the eight
 * FLOWFORGE_* variables, FF_*, $FF_OUT files, exit code decides. Loop thread; files are
 * touched on a lane. */
#ifndef EXEC_EXEC_H
#define EXEC_EXEC_H

#include "driver/driver.h"
#include "engine/engine.h"
#include "loop/loop.h"
#include "store/store.h"

struct exec;

/* With a NUL behind it; by mem_alloc, the receiver wipes and frees it. */
struct exec_secret {
    char *text;
    size_t len;
};

/* Whom the executor asks and tells; loop thread. */
struct exec_source {
    void *arg;
    int (*describe)(void *arg, const struct attempt_key *key, struct arena *arena,
                    struct work *work, const struct run_row **run, struct ff_err *err);
    /* The id of the run around all others of this one, its own where it is inside none;
     * the null span: it is not known here. */
    struct span (*outermost)(void *arg, const struct run_row *run);
    bool (*is_current)(void *arg, const struct attempt_key *key);
    /* Granted by this owner, and nobody asked for it by describe yet. */
    bool (*may_start)(void *arg, const struct attempt_key *key);
    int (*node_path)(void *arg, const struct attempt_key *key, char *out, size_t size);
    void (*result)(void *arg, const struct attempt_key *key, const struct result *r);
    /* It said nothing for as long as it may: it is to be stopped, by exec_stop. */
    void (*silent)(void *arg, const struct attempt_key *key);
    /* On a lane. FF_NOT_FOUND: there is none of this name. */
    int (*secret)(void *arg, struct tenant tenant, const char *name,
                  struct exec_secret *out, struct ff_err *err);
    const char *topic; /* of start messages; their body is an attempt_key_text */
    /* The driver for artifacts, asked for when the first attempt has some; the
     * source's. NULL with a sentence; or NULL itself: there is none. */
    struct driver_instance *(*blob)(void *arg, struct ff_err *err);
};

struct exec_setup {
    struct loop *loop;
    struct driver_instance *queue;
    struct driver_instance *runtime;
    struct store *store; /* where it stands which tickets have been used */
    uint32_t slots;
    const char *data_dir;        /* sdk/ stands below it */
    const char *files_dir;       /* runs/ stands below it, and task.key in it */
    const char *api_endpoint;    /* "unix:///..." for FLOWFORGE_API_ENDPOINT */
    const char *sdk_path;        /* folder of the Python package, or NULL */
    const char *http_program;    /* carries out tasks with http; absolute */
    const char *http_allow;      /* private addresses they may ask, or NULL */
    const char *const *pass_env; /* names (or PREFIX*) handed on to tasks; NULL ends */
    int64_t log_max_bytes;
    int64_t artifact_max_bytes; /* of one */
    int64_t token_life_us;      /* of a task, from its start or last heartbeat on */
    /* Is nobody to wait for signs of life of this attempt? Where the runtime's attempts
     * cannot give any; NULL: they can. */
    bool (*is_mute)(const char *attempt_id);
    /* Attempts run on other hosts: what of their environment is of a host - the
     * variables above, PATH, where the API and the SDK are, a folder to work in - is
     * added there. A start may wait there for room, and be stopped while it does. */
    bool elsewhere;
    /* Spans are made of attempts: they get TRACEPARENT. */
    bool traced;
    /* Attempts that stand may be of another host: of one that is unknown here it is
     * never out of the question that it runs there. */
    bool another_place;
    struct exec_source source;
};

struct exec *exec_new(const struct exec_setup *setup, struct ff_err *err);
/* Begins nothing any more: what was not asked of the runtime yet is left to the next
 * owner. What runs is heard of as before. Loop thread. */
void exec_begin_no_more(struct exec *x);
/* The same; fn is called on the loop thread once nothing is in flight; then
 * it may be freed. Attempts go on. */
void exec_drain(struct exec *x, ff_call_fn *fn, void *arg);
void exec_free(struct exec *x); /* drained, or its loop never runs again; takes NULL */

/* From control, see control_sink. */
void exec_adopt(struct exec *x, const struct attempt_key *keys, size_t n);
void exec_adopted_all(struct exec *x); /* every one that stood was named */
void exec_stop(struct exec *x, const struct attempt_key *key, int64_t grace_us);
/* Of a run that cannot be loaded: it is stopped, and released when it has ended. */
void exec_abandon(struct exec *x, const struct attempt_key *key, const char *run_id,
                  const char *path);
void exec_settled(struct exec *x, const struct attempt_key *key);

/* How many were granted of which the runtime has not said yet that it has them. */
size_t exec_starting(const struct exec *x);

/* Whose attempt it is; false: of none that is in its charge. */
bool exec_key_of(const struct exec *x, const char *attempt_id, struct attempt_key *key);

/* Live, not stored: what a running attempt last said of itself. */
struct exec_progress {
    int progress;        /* 0..100, -1: never said */
    const char *status;  /* or NULL */
    const char *message; /* or NULL */
};
/* False: not running here. Borrowed until the next turn of the loop. */
bool exec_progress_of(const struct exec *x, const struct attempt_key *key,
                      struct exec_progress *out);
/* Called whenever some attempt says something new of itself; may be NULL. */
void exec_on_progress(struct exec *x, void (*fn)(void *arg, const struct attempt_key *),
                      void *arg);

/* --- what tasks ask (the API's routes are elsewhere; loop thread) --- */

struct exec_caller { /* who a token belongs to; text lives until the attempt is settled
                      */
    const char *attempt_id, *task_id, *run_id;
    const char *tenant, *project; /* names */
    int64_t attempt;
    int64_t handle; /* for the calls below */
};
struct exec_log_line {
    int64_t time_us;
    const char *level, *text;
    size_t len;
};
/* FF_DENIED: bad or expired; FF_CONFLICT: no longer the current attempt;
 * FF_UNAVAILABLE: of what stood when this began not all is known yet. */
int exec_authorize(struct exec *x, const char *token, struct exec_caller *who,
                   struct ff_err *err);
int exec_task_log(struct exec *x, int64_t handle, const struct exec_log_line *lines,
                  size_t n, struct ff_err *err);
int exec_task_status(struct exec *x, int64_t handle, const char *status, int progress,
                     const char *message, bool *cancel, struct ff_err *err);
int exec_task_output(struct exec *x, int64_t handle, const char *name,
                     const json_t *value, struct ff_err *err);
/* Renews: a new token and when it ends. The old one stays good until its own end. */
struct exec_beat {
    bool cancel;
    char token[256];
    int64_t expires_us;
    int64_t within_us; /* the next one is wanted so soon; 0: whenever */
};
int exec_task_heartbeat(struct exec *x, int64_t handle, struct exec_beat *beat,
                        struct ff_err *err);

/* Exchanges the ticket that an attempt began with for a token. That it was is a row
 * before the token is given, so a ticket is good once, over restarts and whoever leads.
 * The same `nonce`, which the caller chooses and nobody else knows, stands for the same
 * exchange: whoever did not hear its answer, or shares it, asks again. NULL or "": then
 * nobody can.
 *
 * FF_OK: fn is called once, never from inside this. Codes, here or there: FF_DENIED: no
 * ticket, or expired; FF_CONFLICT: it is of another attempt than attempt_id, or of one
 * that is not the current one; FF_CANCELLED: it was used; FF_UNAVAILABLE: later. */
struct exec_start {
    const char *ticket, *attempt_id, *nonce;
};
typedef void exec_started_fn(void *arg, const struct exec_beat *beat,
                             const struct ff_err *err); /* err NULL: beat says what */
int exec_task_start(struct exec *x, const struct exec_start *start, exec_started_fn *fn,
                    void *arg, struct ff_err *err);

/* --- what runs leave on disk (any process; blocking) ---
 *
 * Everything of a run stands in one folder, files_dir/runs/RUN_ID, and goes with it:
 *   logs/PATH.ATTEMPT/   000001.log ... from the runtime, sdk.log from the SDK, both
 *                        in the format of docs/logs.md
 *   values/HASH          values above EXEC_INLINE_MAX; the row has
 *                        {"$value_at": HASH, "size": n} in their place. With "run": ID
 *                        it stands in the folder of that run: the one around it
 *   files/HASH/NAME      outputs kept `as: file`
 *   artifacts/PATH.ATTEMPT/  $FF_ARTIFACTS of an attempt, until it is settled; of one
 *                        that runs elsewhere what it is given, and leaves */
#define EXEC_INLINE_MAX ((size_t)64 << 10)
char *exec_run_dir(const char *data_dir, const char *run_id); /* mem_free these */
char *exec_log_dir(const char *data_dir, const char *run_id, const char *path,
                   int64_t attempt);
/* The same for RUN/PATH/ATTEMPT; NULL: that is no id of an attempt. */
char *exec_log_dir_of(const char *data_dir, const char *attempt_id);
char *exec_files_dir_of(const char *data_dir, const char *attempt_id);
/* Of which tenant the attempt is that speaks by this token, or has this start ticket,
 * if it is true: nobody has looked at its signature. */
bool exec_token_tenant(const char *token, struct tenant *t);

/* Do some of these outputs stand in the run's folder, and go with it? */
bool exec_in_run(const char *stored);

/* The outputs of a row, values by reference read in. New reference or NULL. */
json_t *exec_resolve(const char *data_dir, const char *run_id, struct span stored,
                     struct ff_err *err);

/* The same for inputs, scope and outputs of a run's own row. Those with a value by
 * reference are {"$values": {NAME: as in outputs of a task}}, which no inputs or
 * outputs can look like: their names begin with a letter. All others stand there as
 * they are. */
bool exec_is_kept(struct span column);
json_t *exec_resolve_run(const char *data_dir, const char *run_id, struct span column,
                         struct ff_err *err);

/* The same within an event of a run's history. What is lost stays a reference. */
void exec_open_event(const char *data_dir, const char *run_id, json_t *event);

/* Large values of a column that is to be written go to the folder of the run, durably.
 * *kept is what the column is to hold instead, mem_free it; NULL: it stays as it is. */
enum exec_column {
    EXEC_TASK_OUTPUTS,
    EXEC_RUN_OWN,   /* a column of the run itself */
    EXEC_RUN_INSIDE /* of one that is a task of it, and may not be there yet */
};
int exec_keep(const char *data_dir, const char *run_id, enum exec_column column,
              struct span text, char **kept, struct ff_err *err);

#endif
