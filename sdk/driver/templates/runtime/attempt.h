/* attempt.h - one attempt from its start to its release. */
#ifndef ATTEMPT_H
#define ATTEMPT_H

#include <flowforge/runtime.h>

#include <sys/types.h>

#define MAX_PATH 4096

/* logs.c: what a task writes, as docs/logs.md of FlowForge wants it in files. */
struct logs {
    char dir[MAX_PATH]; /* empty: none */
    int fd;             /* of the chunk that is being written; -1: none */
    int64_t max_bytes;  /* 0: no cap */
    uint64_t chunk_bytes, n_chunks, kept, dropped;
};

void logs_add(struct logs *l, int64_t now_us, const char *stream, const char *bytes,
              size_t len);
void logs_close(struct logs *l, int64_t now_us);

/* outputs.c: the private folder of an attempt, DIR/... with `out` ($FF_OUT) in it. */
void attempt_folder(const char *dir, const char *attempt_id, char out[MAX_PATH]);
int outputs_read(const char *folder, const char *name, ff_bytes_fn *fn, void *arg,
                 struct ff_err *err);
int outputs_take(const char *folder, const char *name, const char *to,
                 struct ff_err *err);
int outputs_list(const char *folder, ff_bytes_fn *fn, void *arg, struct ff_err *err);
void folder_remove(const char *folder);

/* spawn.c: starts the process, alone in a session of its own. */
struct spawned {
    pid_t pid;
    int pidfd, out, err; /* readable when it has ended; its output */
};
enum spawn_result {
    SPAWN_STARTED,
    SPAWN_FAILED, /* `why` says why */
    SPAWN_TWICE   /* a process that is gone has started it */
};
enum spawn_result spawn(const struct ff_run_spec *spec, const char *folder,
                        struct spawned *s, char why[200]);
/* Kills what a process that is gone has left running for this folder. */
void spawn_kill_left(const char *folder);

/* attempt.c */
enum stream { STREAM_OUT, STREAM_ERR, N_STREAMS };

struct attempt;

struct stream_end {
    struct attempt *attempt;
    const char *name;
    int fd; /* -1: closed */
    struct ff_watch *watch;
};

struct runtime {
    const struct ff_host *host;
    const char *dir;
    ff_run_event_fn *fn;
    void *arg;
    struct attempt *attempts;
};

struct attempt {
    struct attempt *next;
    struct runtime *runtime;
    char *id;
    pid_t pid; /* 0: it never ran, or has ended */
    int pidfd;
    int64_t grace_us;
    struct ff_watch *exit_watch;
    struct ff_timer *timer; /* the timeout, then the grace; or the event of a refusal */
    struct stream_end streams[N_STREAMS];
    struct logs logs;
    uint32_t reason;           /* why it is being killed */
    struct ff_run_event event; /* the final one, once state is not 0 */
    char message[200];
};

struct attempt *attempt_find(const struct runtime *r, const char *id);
/* FF_OK also where it could not be started: then the final event says so. */
int attempt_start(struct runtime *r, const struct ff_run_spec *spec);
/* SIGTERM now and SIGKILL after the grace; reason: enum ff_run_reason. */
void attempt_stop(struct attempt *a, int64_t grace_us, uint32_t reason);
/* An attempt of a process that is gone: lost. */
int attempt_lose(struct runtime *r, const char *id);
/* The final event, soon. */
void attempt_say_again(struct attempt *a);
void attempt_free(struct attempt *a); /* takes it out of the list */

#endif
