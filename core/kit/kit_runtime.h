/* kit/kit_runtime.h - a session of a runtime driver as the checks use it, and jobs for
 * it: mostly shell scripts, which talk to the check through fifos in $D.
 *
 * What holds always is judged here, in every check: operations complete once and never
 * inside their call, events come on the loop thread, never inside a call, in order, and
 * a final one once for each start or adoption. */
#ifndef KIT_KIT_RUNTIME_H
#define KIT_KIT_RUNTIME_H

#include "base/base.h"
#include "kit/kit.h"
#include "kit/kit_wait.h"

#include <flowforge/runtime.h>

/* --- sessions --- */

struct kitr_seen {
    struct ff_run_event event; /* its texts are copies */
    char *id, *message;
};

/* One attempt that this session asked for. */
struct kitr_known {
    char *id;
    unsigned n_adopted;
    unsigned n_asked; /* starts and adoptions since: so many final events may come */
    unsigned n_final;
    bool started; /* FF_RUN_STARTED was told */
};

struct kitr {
    struct kit *k;
    struct driver_instance *instance;
    const struct ff_runtime_ops *ops;
    struct loop *loop;
    struct lane *lane; /* for the functions of worker threads */
    void *runtime;
    struct {
        struct kitr_seen **items;
        size_t n, cap;
    } seen;
    struct {
        struct kitr_known **items;
        size_t n, cap;
    } known;
    int tell_fd, go_fd; /* the fifos, -1 until they are used */
    struct loop_watch *tell_watch;
    struct buf told;
};

struct kitr *kitr_open(struct kit *k);
void kitr_close(struct kitr *r); /* attempts go on */
void kitr_shut(struct kitr *r);  /* closes the session; kitr_close does the rest */
void kitr_fifos_done(struct kitr *r);

/* One operation. Must last until it is done. */
struct kitr_op {
    struct kitr *r;
    const char *what;
    bool in_call, done;
    int code;
    struct ff_err err;
};
void kitr_begin_start(struct kitr *r, struct kitr_op *op,
                      const struct ff_run_spec *spec);
void kitr_begin_cancel(struct kitr *r, struct kitr_op *op, const char *id,
                       int64_t grace_us);
void kitr_begin_adopt(struct kitr *r, struct kitr_op *op, const char *const *ids,
                      size_t n);
void kitr_begin_release(struct kitr *r, struct kitr_op *op, const char *const *ids,
                        size_t n);
int kitr_wait_op(struct kitr_op *op); /* the code; a failure has its sentence */

/* --- jobs --- */

#define KITR_GRACE_US INT64_C(20000000) /* longer than any check waits */

struct kitr_job {
    struct ff_run_spec spec;
    const char *argv[8];
    const char *env[8]; /* PATH and D, then free places */
    char d[600];
    char log_dir[700];
};

/* A shell that runs the script, with $D in its environment: the directory of the check,
 * with the fifos `tell` (scripts to the check) and `go`. */
void kitr_job(struct kitr_job *job, struct kitr *r, const char *id, const char *script);
/* These must succeed. */
void kitr_start(struct kitr *r, const struct ff_run_spec *spec);
void kitr_sh(struct kitr *r, const char *id, const char *script);
const struct ff_run_event *kitr_run_sh(struct kitr *r, const char *id,
                                       const char *script);
void kitr_cancel(struct kitr *r, const char *id, int64_t grace_us);
void kitr_adopt(struct kitr *r, const char *id);
void kitr_release(struct kitr *r, const char *id);

/* The final event of an attempt: the newest one so far, or NULL; and waiting for it. */
const struct ff_run_event *kitr_final(const struct kitr *r, const char *id);
const struct ff_run_event *kitr_end(struct kitr *r, const char *id);
size_t kitr_n_final(const struct kitr *r, const char *id);
/* It was told how it ended: with this exit code. */
void kitr_expect_exit(struct kitr *r, const struct ff_run_event *event, int exit_code);
/* Neither exit nor refusal: there is no such attempt, or none any more. */
void kitr_expect_nobody(struct kitr *r, const struct ff_run_event *event);
/* Gives the driver every chance to do what it must not. */
void kitr_quiet(struct kitr *r);

/* --- scripts and the check (FF_RUNTIME_LOCAL_FILES) --- */

#define KITR_TELL(what) "echo " what " >$D/tell; "
#define KITR_WAIT_GO    "read go <$D/go; "
/* Waits for a line "WORD NUMBER" of a script; the number. */
int64_t kitr_hear(struct kitr *r, const char *word);
void kitr_go(struct kitr *r);                      /* one script may go on */
char *kitr_path(struct kitr *r, const char *name); /* in $D; mem_free it */
void kitr_read(struct kitr *r, const char *path, struct buf *out);
void kitr_expect_gone(struct kitr *r, int64_t pid, const char *what);

/* What the log says that the stream was, record by record judged by docs/logs.md. */
void kitr_log(struct kitr *r, const char *log_dir, const char *stream, struct buf *out);

/* --- outputs, on a worker thread --- */

int kitr_output(struct kitr *r, const char *id, const char *name, struct buf *out,
                struct ff_err *err);
int kitr_take(struct kitr *r, const char *id, const char *name, const char *to,
              struct ff_err *err);
/* Runs fn(arg) on a worker thread while the loop turns. */
void kitr_on_worker(struct kitr *r, ff_call_fn *fn, void *arg);

extern const struct kit_check kit_runtime_start_checks[];
extern const struct kit_check kit_runtime_input_checks[];
extern const struct kit_check kit_runtime_event_checks[];
extern const struct kit_check kit_runtime_adopt_checks[];
extern const struct kit_check kit_runtime_cancel_checks[];
extern const struct kit_check kit_runtime_log_checks[];
extern const struct kit_check kit_runtime_output_checks[];

#endif
