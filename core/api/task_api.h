/* api/task_api.h - the routes that tasks talk to, under /api/v1/task. They know no
 * engine: the executor gives them a table. Everything runs on the loop thread.
 *
 * docs/task-api.md describes the routes for people. */
#ifndef API_TASK_API_H
#define API_TASK_API_H

#include "http/http.h"

struct task_api;

/* The attempt that a token stands for. */
struct task_api_who {
    char attempt_id[256];
    char task_id[256];
    char run_id[64];
    char tenant[64];
    char project[64];
    int64_t attempt; /* 1, 2, ... */
    int64_t handle;  /* the executor's own */
};

struct task_api_line {
    int64_t time_us;
    const char *level; /* "debug", "info", "warn" or "error" */
    const char *text;  /* one line, UTF-8, no line break */
    size_t len;        /* of the text */
};

/* The answer to a sign of life. */
struct task_api_beat {
    bool cancel;      /* the task should stop */
    char token[4096]; /* the one to use from now on; "": the same */
    int64_t expires_us;
    int64_t interval_us; /* until the next; comes with what the server would say */
};

/* What an attempt shows when it begins; see exec_task_start. */
struct task_api_start {
    const char *ticket, *attempt_id;
    const char *nonce; /* or NULL */
};
struct task_api_token {
    const char *text;
    int64_t expires_us;
};
/* err NULL: there is a token. */
typedef void task_api_started_fn(void *arg, const struct task_api_token *token,
                                 const struct ff_err *err);

/* All return an ff_code at once and fill err on failure. FF_UNAVAILABLE makes the task
 * try again later. All but `authorize` may answer FF_CONFLICT too: fenced meanwhile. */
struct task_api_ops {
    /* FF_OK fills who; FF_DENIED: no such token, or expired; FF_CONFLICT: its attempt
     * is no longer the current one; FF_UNAVAILABLE: nobody can say yet. Called for each
     * request, before its body is read: it MUST be cheap. */
    int (*authorize)(void *arg, const char *token, struct task_api_who *who,
                     struct ff_err *err);
    /* Stores lines in order. Each process of a task numbers its batches: repeated ones
     * are dropped before they get here, and lost ones become a line of level "warn" in
     * the next. The memory of that is this server's: after a restart the first batch of
     * each process is taken as it comes. */
    int (*log)(void *arg, const struct task_api_who *who, int64_t seq,
               const struct task_api_line *lines, size_t n, struct ff_err *err);
    /* progress -1 and message NULL: not given. *cancel: the task should stop. */
    int (*status)(void *arg, const struct task_api_who *who, const char *status,
                  int progress, const char *message, bool *cancel, struct ff_err *err);
    /* value is borrowed; at most 1 MiB of text. The last value of a name counts. */
    int (*output)(void *arg, const struct task_api_who *who, const char *name,
                  const json_t *value, struct ff_err *err);
    /* Renews the token: writes the one to use from now on ("": the same) and when it
     * ends. The old one MUST stay good until its own end: the answer may be lost, and
     * other processes of the task still use it. */
    int (*heartbeat)(void *arg, const struct task_api_who *who,
                     struct task_api_beat *beat, struct ff_err *err);
    /* Exchanges a ticket for a token. FF_OK: fn will be called, never from inside this.
     * FF_DENIED: no ticket, or expired; FF_CANCELLED: used before. */
    int (*start)(void *arg, const struct task_api_start *start, task_api_started_fn *fn,
                 void *fn_arg, struct ff_err *err);
};

/* Mounts the routes. heartbeat_us: the interval that tasks are told. ops and arg must
 * outlive it. */
struct task_api *task_api_new(struct loop *l, struct http_server *server,
                              const struct task_api_ops *ops, void *arg,
                              int64_t heartbeat_us);
/* After http_server_free. Takes NULL. */
void task_api_free(struct task_api *api);

#endif
