/* flowforge/runtime.h - runs task attempts somewhere and reports on them.
 *
 * An attempt is named by its attempt_id, which is unique for ever: starting it
 * twice starts it once, whoever asks. The runtime object (process, pod) lives
 * on when the core dies; adopt() finds it again.
 * Threads: all calls and callbacks on the loop thread and MUST NOT block,
 * except output, take and those marked "worker thread".
 * Required: open, close, start, cancel, adopt, release, output, take. */
#ifndef FLOWFORGE_RUNTIME_H
#define FLOWFORGE_RUNTIME_H

#include <flowforge/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ff_runtime_caps {
    FF_RUNTIME_LOCAL_FILES = 1, /* log_dir and take() name files of this host */
    FF_RUNTIME_IMAGES = 2,      /* obeys image */
    FF_RUNTIME_LIMITS = 4,      /* obeys cpu_milli and memory_bytes */
    FF_RUNTIME_MASKS = 8,       /* obeys masks; without it no attempt gets secrets */
    FF_RUNTIME_FILES = 16,      /* obeys files_dir: for attempts on other hosts */
    FF_RUNTIME_SHOWS_ENV = 32,  /* others than the attempt's own user can read env, as
                                 * in the description of a pod: attempts get a start
                                 * ticket in place of a token. It binds: it is true of
                                 * a chain of which it is true of one layer */
    FF_RUNTIME_LABELS = 64      /* obeys node_selector */
};

enum ff_run_state {
    FF_RUN_STARTED = 1, /* optional; once; a hint for people */
    FF_RUN_EXITED = 2,  /* final: exit_code or signal tells how */
    FF_RUN_LOST = 3,    /* final: gone without an exit status */
    FF_RUN_REFUSED = 4, /* final: never started; message says why */
    FF_RUN_UNKNOWN = 5  /* from adopt() only: its start never came; start it now */
};

/* Why a final event came about, where the runtime knows better than the exit
 * code. The words appear in histories and in retry.on. */
enum ff_run_reason {
    FF_REASON_NONE = 0,
    FF_REASON_TIMEOUT = 1,   /* killed at timeout_us */
    FF_REASON_CANCELLED = 2, /* killed by cancel() */
    FF_REASON_OOM = 3,
    FF_REASON_EVICTED = 4
};

/* Borrowed until start() returns. */
struct ff_run_spec {
    uint32_t struct_size;
    uint32_t flags;          /* 0 */
    const char *attempt_id;  /* printable, no spaces, at most 255 bytes; '/' allowed */
    const char *image;       /* or NULL */
    const char *const *argv; /* ends with NULL; argv[0] is looked up in env's PATH */
    const char *const *env;  /* "KEY=value", ends with NULL; the whole environment.
                              * The runtime adds FF_OUT, a directory of its own */
    const char *dir;         /* working directory, or NULL for the runtime's choice */
    const void *input;       /* standard input; NULL: /dev/null */
    size_t input_len;
    const char *log_dir;   /* where log chunks go (docs/logs.md), made if absent */
    int64_t log_max_bytes; /* beyond it output is dropped and counted; 0: no cap */
    int64_t timeout_us;    /* from the start of the process; 0: none */
    int64_t grace_us;      /* between SIGTERM and SIGKILL at timeout or cancel */
    int64_t cpu_milli;     /* 0: no limit */
    int64_t memory_bytes;  /* 0: no limit */
    /* Texts of 4 bytes or more that MUST NOT stand in the log: each becomes "***"
     * there, also where it was written in pieces; the longest counts where several
     * begin. Ends with NULL; NULL: none. Not to be kept longer than the attempt runs.
     */
    const char *const *masks;
    /* NULL, or a folder of this host: what lies in its folder `given` is brought to
     * where the attempt runs before it starts, and what that leaves comes into its
     * folder `left` before the final event. `given/files.json` says what is what. */
    const char *files_dir;
    /* NULL, or labels that the host where it runs MUST have, all of them: "gpu=a100",
     * more of them with commas between. The attempt waits for such a host. A runtime
     * without hosts of several kinds ignores it, and has not FF_RUNTIME_LABELS: the
     * core says so to people. */
    const char *node_selector;
};

struct ff_run_event {
    uint32_t struct_size;
    uint32_t state; /* enum ff_run_state */
    const char *attempt_id;
    int32_t exit_code; /* EXITED: 0..255; 128+signal where killed by one */
    int32_t signal;    /* EXITED: the signal, or 0 */
    uint32_t reason;   /* enum ff_run_reason */
    uint32_t reserved;
    int64_t started_us; /* wall clock; 0 if it never started */
    int64_t ended_us;
    const char *message;  /* a sentence for people, or NULL */
    uint64_t log_chunks;  /* numbered files in log_dir */
    uint64_t log_bytes;   /* bytes of output kept */
    uint64_t log_dropped; /* bytes of output dropped over log_max_bytes */
};

/* Loop thread. Events of one attempt come in order. A final event is repeated
 * by adopt() until release(); otherwise it comes once. Never called from
 * inside start, cancel, adopt or release. */
typedef void ff_run_event_fn(void *arg, const struct ff_run_event *event);

/* Return 0 to go on, anything else to stop. */
typedef int ff_bytes_fn(void *arg, const void *bytes, size_t len);

struct ff_runtime_ops {
    int (*open)(const struct ff_host *host, const void *config, ff_run_event_fn *fn,
                void *arg, void **runtime, struct ff_err *err);

    /* Takes NULL. Attempts go on running. */
    void (*close)(void *runtime);

    /* Completes when the attempt is known to the runtime for good: from then on
     * a final event comes, whatever dies in between. Completes with
     * UNAVAILABLE or BUSY when nothing was started and later may be better. */
    void (*start)(void *runtime, const struct ff_run_spec *spec, struct ff_op *op);

    /* End the whole process tree: SIGTERM, grace_us, SIGKILL. The final event
     * follows. FF_NOT_FOUND when there is no such attempt. */
    void (*cancel)(void *runtime, const char *attempt_id, int64_t grace_us,
                   struct ff_op *op);

    /* After a restart: take charge of these attempts again. For each comes a
     * final event at once (EXITED if it ended meanwhile) or later (it still runs,
     * or its loss is recorded first).
     * One that is unknown here is LOST: it may have run, and what knew of it is
     * gone. Only where that is out of the question it is UNKNOWN: its start got
     * lost on the way, and the core starts it under the same id. A runtime that
     * is not sure MUST say LOST. To be sure is easy after a call with n == 0: the
     * core has now named every attempt that was granted before it came, so one
     * that was neither named then nor started since never ran. An attempt that
     * was called LOST stays so until release(). A start that a core left on its
     * way when it died MUST NOT begin after the next one was told UNKNOWN. */
    void (*adopt)(void *runtime, const char *const *attempt_ids, size_t n,
                  struct ff_op *op);

    /* The core has recorded the final events of these for good: forget them
     * and delete their private files. Unknown ids are ignored. */
    void (*release)(void *runtime, const char *const *attempt_ids, size_t n,
                    struct ff_op *op);

    /* Worker thread, between final event and release. Reads the file
     * $FF_OUT/name in pieces; FF_NOT_FOUND when there is none. name has no '/'. */
    int (*output)(void *runtime, const char *attempt_id, const char *name,
                  ff_bytes_fn *fn, void *arg, struct ff_err *err);

    /* Worker thread, between final event and release. Puts the file
     * $FF_OUT/name at `to` on this host, durably, by rename where it can. */
    int (*take)(void *runtime, const char *attempt_id, const char *name, const char *to,
                struct ff_err *err);

    /* Optional, worker thread. Calls fn with each name in $FF_OUT (len bytes). */
    int (*outputs)(void *runtime, const char *attempt_id, ff_bytes_fn *fn, void *arg,
                   struct ff_err *err);
};

#ifdef __cplusplus
}
#endif

#endif
