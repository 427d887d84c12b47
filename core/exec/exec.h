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

struct exec;

/* Whom the executor asks and tells; loop thread. */
struct exec_source {
    void *arg;
    int (*describe)(void *arg, const struct attempt_key *key, struct arena *arena,
                    struct work *work, const struct run_row **run, struct ff_err *err);
    bool (*is_current)(void *arg, const struct attempt_key *key);
    int (*node_path)(void *arg, const struct attempt_key *key, char *out, size_t size);
    void (*result)(void *arg, const struct attempt_key *key, const struct result *r);
    bool (*parse_start)(const void *body, size_t len, struct attempt_key *key);
    const char *topic;
};

struct exec_setup {
    struct loop *loop;
    struct driver_instance *queue;
    struct driver_instance *runtime;
    uint32_t slots;
    const char *data_dir; /* logs, blobs, files, sdk reports stand below it */
    const char *api_endpoint; /* "unix:///..." for FLOWFORGE_API_ENDPOINT */
    const char *sdk_path;     /* folder of the Python package, or NULL */
    const char *const *pass_env; /* names (or PREFIX*) handed on to tasks; NULL ends */
    int64_t log_max_bytes;
    struct exec_source source;
};

struct exec *exec_new(const struct exec_setup *setup, struct ff_err *err);
void exec_free(struct exec *x); /* attempts go on; takes NULL */

/* From control, see control_sink. */
void exec_adopt(struct exec *x, const struct attempt_key *keys, size_t n);
void exec_stop(struct exec *x, const struct attempt_key *key, int64_t grace_us);
void exec_settled(struct exec *x, const struct attempt_key *key);

/* Live, not stored: what a running attempt last said of itself. */
struct exec_progress {
    int progress;         /* 0..100, -1: never said */
    const char *status;   /* or NULL */
    const char *message;  /* or NULL */
};
/* False: not running here. Borrowed until the next turn of the loop. */
bool exec_progress(const struct exec *x, const struct attempt_key *key,
                   struct exec_progress *out);
/* Called whenever some attempt says something new of itself; may be NULL. */
void exec_on_progress(struct exec *x, void (*fn)(void *arg, const struct attempt_key *),
                      void *arg);

/* --- what tasks ask through the task API (see api/task_api.h) --- */

struct exec_caller { /* who a token belongs to; text lives until the attempt ends */
    const char *attempt_id, *task_id, *run_id;
    struct attempt_key key;
};
int exec_authorize(struct exec *x, const char *token, struct exec_caller *who,
                   struct ff_err *err); /* FF_DENIED bad or expired, FF_CONFLICT fenced */
int exec_task_log(struct exec *x, const struct attempt_key *key, int64_t seq,
                  const char *time, const char *level, const char *text,
                  struct ff_err *err);
int exec_task_status(struct exec *x, const struct attempt_key *key, const char *status,
                     int progress, const char *message, struct ff_err *err);
int exec_task_output(struct exec *x, const struct attempt_key *key, const char *name,
                     const json_t *value, struct ff_err *err);
/* Renews: a new token with its expiry. */
int exec_task_heartbeat(struct exec *x, const struct attempt_key *key, bool *cancel,
                        char *token, size_t size, int64_t *expires_us,
                        struct ff_err *err);

/* --- values and logs on disk (any process; blocking) --- */

/* Stored outputs -> values: what is above EXEC_INLINE_MAX stands as a reference
 * {"$blob": sha256, "size": n} and is read from data_dir/blobs. */
#define EXEC_INLINE_MAX (64 * 1024)
json_t *exec_resolve(const char *data_dir, struct span stored, struct ff_err *err);

/* The log directory of an attempt: data_dir/logs/RUN_ID/PATH.ATTEMPT; mem_free it. */
char *exec_log_dir(const char *data_dir, const char *run_id, const char *path,
                   int64_t attempt);

#endif
