/* support.h - a small engine for the runtime-local driver: a poll loop as its host,
 * the driver loaded from FLOWFORGE_LIB, and the events that it sent. */
#ifndef RUNTIME_LOCAL_SUPPORT_H
#define RUNTIME_LOCAL_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <flowforge/runtime.h>

#include <stdbool.h>
#include <sys/types.h>

#define DEADLINE_US INT64_C(60000000) /* of every wait; only a failure takes it */

/* Stands behind an ff_op. */
struct asked {
    bool done;
    int code;
    char msg[248];
};

struct seen {
    struct seen *next;
    struct ff_run_event event;
    char id[256];
    char message[300];
};

struct engine;

struct engine *engine_new(const char *dir); /* dir NULL: a fresh one */
struct engine *engine_with(const char *dir, int64_t idle_exit_us,
                           const char *supervisor);
void engine_free(struct engine *engine);       /* closes; attempts run on */
void engine_close_keep(struct engine *engine); /* the same, and keeps the directory */
const char *engine_dir(const struct engine *engine);
const char *engine_logs(const struct engine *engine);
const struct ff_runtime_ops *engine_ops(const struct engine *engine);
void *engine_runtime(const struct engine *engine);

/* One pass of the loop, waiting for at most that long. */
void engine_pass(struct engine *engine, int timeout_ms);

int64_t clock_us(void);

#define WAIT_FOR(engine, condition)                                                    \
    do {                                                                               \
        const int64_t until_us = clock_us() + DEADLINE_US;                             \
        while (!(condition)) {                                                         \
            if (clock_us() > until_us)                                                 \
                fail_msg("waited in vain for: %s", #condition);                        \
            engine_pass(engine, 20);                                                   \
        }                                                                              \
    } while (0)

/* A spec that runs the shell with this script, logs into LOGS/id, no limits. */
struct job {
    struct ff_run_spec spec;
    char log_dir[600];
    const char *argv[4];
    const char *env[4];
};
void job_sh(struct job *job, const struct engine *engine, const char *id,
            const char *script);

/* Start and wait for the answer, which is returned. */
int start(struct engine *engine, const struct ff_run_spec *spec);
void begin(struct engine *engine, const struct ff_run_spec *spec, struct asked *asked);
int start_sh(struct engine *engine, const char *id, const char *script);
int cancel(struct engine *engine, const char *id, int64_t grace_us);
void begin_adopt(struct engine *engine, const char *id, struct asked *asked);
int adopt(struct engine *engine, const char *id);
int adopt_rest(struct engine *engine); /* there is none: all were named */
int release(struct engine *engine, const char *id);
int await(struct engine *engine, struct asked *asked);

/* The final event of an attempt, or NULL so far; and how many came. */
const struct seen *seen(const struct engine *engine, const char *id);
size_t n_seen(const struct engine *engine);
const struct seen *wait_end(struct engine *engine, const char *id);
void forget_seen(struct engine *engine);

/* Runs the script to its end and returns its event. */
const struct seen *run_sh(struct engine *engine, const char *id, const char *script);

/* What the attempt wrote, joined from its chunks: of one stream, or "system". */
char *log_text(const struct engine *engine, const char *id, const char *stream,
               size_t *len);

pid_t supervisor_pid(const struct engine *engine);  /* 0: there is none */
pid_t live_supervisor(const struct engine *engine); /* there must be one */
bool is_gone(pid_t pid);                            /* no such process, or a zombie */
char *read_all(const char *path, size_t *len); /* NULL when there is no such file */
pid_t read_pid(struct engine *engine, const char *path); /* waits for it */

#endif
