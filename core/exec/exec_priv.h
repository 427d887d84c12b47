/* exec/exec_priv.h - the inside of the executor.
 *
 * exec.c is the door and takes start messages; attempt.c keeps attempts; spec.c turns
 * work into what the runtime is told; events.c hears the runtime; collect.c picks up
 * outputs on a lane; silence.c waits for signs of life; values.c keeps large ones;
 * artifacts.c fetches and keeps files and folders, luggage.c those of attempts that run
 * elsewhere; report.c hears the tasks; token.c makes and checks their tokens, and
 * ticket.c exchanges tickets for them. */
#ifndef EXEC_EXEC_PRIV_H
#define EXEC_EXEC_PRIV_H

#include "blob/blob.h"
#include "exec/exec.h"
#include "traces/traces.h"

#define VALUE_MAX          ((size_t)16 << 20) /* of one text or JSON output */
#define TOKEN_KEY_SIZE     32
#define TOKEN_MAX          256
#define TOKEN_WORD         "ff1"
#define TICKET_WORD        "fft1"
#define START_DELAY_US     (200 * 1000) /* first wait after the runtime had no room */
#define START_DELAY_MAX_US (5 * UNITS_SECOND)
#define START_TRIES        60
#define ABANDON_GRACE_US                                                               \
    (10 * UNITS_SECOND) /* its own stands in what cannot be read                       \
                         */
#define SPOOL_NAME                                                                     \
    ".flowforge-spool.jsonl" /* what the SDK leaves when it met no API                 \
                              */

/* Texts that must not be seen, the longest first, with a NULL at the end. */
struct masks {
    char **items;
    size_t n, cap;
};

/* The values that an attempt was given, and what hides them. */
struct attempt_secrets {
    struct {
        char **items; /* "NAME=value" */
        size_t n, cap;
    } pairs;
    struct exec_secret input; /* or none */
    struct masks masks;
};

enum attempt_state {
    ATTEMPT_STARTING, /* the runtime was asked, or is asked again later */
    ATTEMPT_RUNNING,
    ATTEMPT_COLLECTING, /* it ended; its outputs are picked up on the lane */
    ATTEMPT_REPORTED    /* the result is with control; waits to be settled */
};

struct attempt {
    struct exec *exec;
    struct attempt_key key;
    char key_text[ATTEMPT_KEY_TEXT];
    int64_t handle;
    enum attempt_state state;
    struct arena arena; /* everything below that is text, and the outputs */
    struct work work;
    const char *id, *task_id, *run_id, *tenant, *project;
    char traceparent[TRACE_PARENT_TEXT]; /* or "" */
    const char *dir;                     /* absolute working directory; see elsewhere */
    struct attempt_secrets *secrets;     /* NULL: none, or not read yet */
    char *run_dir, *log_dir;
    char *artifact_dir; /* $FF_ARTIFACTS, or files_dir of one that runs elsewhere; or
                         * NULL */
    bool prepared;      /* what it is given lies there */
    char *sdk_file;     /* outputs that the SDK reported; exists once used */
    bool sdk_used;
    int sdk_log_fd; /* -1 until the SDK logs */
    int64_t sdk_log_bytes;
    int tries;
    struct loop_timer *retry;
    struct loop_timer *silence; /* NULL: it may be silent */
    int64_t heard_at;           /* monotonic: its last sign of life */
    bool stop_asked, stop_sent;
    bool never_began; /* so it was said while its start was on its way */
    bool settled;     /* its end is recorded */
    int64_t grace_us;
    bool shown_again; /* its ticket, and that was noted */
    int progress;     /* -1: never said */
    char *status, *message;
};

#define EXEC_ARTIFACT_LANES 2
#define EXEC_ARTIFACTS      "artifacts" /* in the folder of the run */
#define EXEC_LOGS           "logs"

struct exec {
    struct exec_setup setup;
    struct lane *lane;
    struct artifact_lane {
        struct lane *lane; /* NULL until the first attempt needs it */
        struct driver_instance *driver;
        struct blobs *blobs; /* the lane's thread */
    } artifact_lanes[EXEC_ARTIFACT_LANES];
    void *queue, *runtime;
    const struct ff_queue_ops *queue_ops;
    const struct ff_runtime_ops *runtime_ops;
    struct map by_key, by_id, by_handle;
    struct arena spare;   /* empty, for the next attempt */
    struct map stops;     /* key text -> itself: stop asked before the start came */
    struct map abandoned; /* attempt id -> itself: released when its end is heard */
    int64_t next_handle;
    uint8_t token_key[TOKEN_KEY_SIZE];
    struct list redeems; /* tickets that are being exchanged */
    struct {
        char **items;
        size_t n, cap;
    } receipts, releases; /* told to the drivers once a turn */
    bool flush_posted;
    size_t n_adopting; /* asked of the runtime, which has not answered yet */
    size_t n_pending;  /* lane jobs, driver calls and posts that will come back */
    bool all_named;    /* by control: every attempt that stood when this began */
    bool draining;
    bool is_drained; /* nothing that happens now is heard */
    ff_call_fn *drained;
    void *drained_arg;
    void (*on_progress)(void *arg, const struct attempt_key *key);
    void *on_progress_arg;
};

/* attempt.c */
struct attempt *attempt_by_key(const struct exec *x, const struct attempt_key *key);
struct attempt *attempt_by_id(const struct exec *x, const char *id);
struct attempt *attempt_by_handle(const struct exec *x, int64_t handle);
/* Asks the source what it is to do; NULL with a code, FF_OK: nothing, and that is done.
 */
struct attempt *attempt_new(struct exec *x, const struct attempt_key *key,
                            struct ff_err *err);
void attempt_free(struct attempt *a);
/* Hands the result to control. a may be NULL for one that never began. */
void attempt_report(struct exec *x, struct attempt *a, const struct attempt_key *key,
                    const struct result *result);
void exec_later_release(struct exec *x, const char *id);
void exec_later_ack(struct exec *x, const char *receipt);
/* Around everything that comes back later. */
void exec_pending(struct exec *x);
void exec_came_back(struct exec *x);

/* spec.c */
void attempt_start(struct attempt *a); /* asks the runtime; comes back by events */
void attempt_never_began(struct attempt *a); /* says the runtime */
void attempt_send_stop(struct attempt *a);
/* The answer to what a start wanted first, secrets or artifacts: it goes on, or ends
 * for this reason; later, for what is not the attempt's fault. */
void attempt_go_on(struct attempt *a, bool ready, const char *reason,
                   const struct ff_err *err);

/* secrets.c */
/* On the lane: NULL with a code. */
struct attempt_secrets *secrets_read(const struct exec *x, struct tenant tenant,
                                     const struct work_secret *wanted, size_t n,
                                     struct ff_err *err);
void secrets_free(struct attempt_secrets *s); /* takes NULL */
/* Reads what the attempt wants; one that is starting goes on by itself then. */
void attempt_ask_secrets(struct attempt *a);
/* What it says may be kept: nothing has to be hidden, or it is known what. */
bool attempt_is_masked(const struct attempt *a);

/* mask.c */
/* The text, and the forms that it is commonly printed in. */
void masks_add(struct masks *m, const char *text, size_t len);
const char *const *masks_list(const struct masks *m); /* ends with NULL */
void masks_done(struct masks *m);                     /* and wipes them */
/* Appends the text with "***" for each; true when there was one. */
bool masks_text(const struct masks *m, const char *text, size_t len, struct buf *out);
/* The value with its texts and keys masked; new reference. */
json_t *masks_json(const struct masks *m, json_t *v);

/* events.c */
void exec_on_event(void *arg, const struct ff_run_event *event);

/* spool.c (blocking): what the SDK said, over HTTP or by file. */
struct spool_words {
    json_t *outputs; /* by name, the last value of each */
    char *status;    /* the last one in the file, or NULL */
};
/* masks, for the log: may be NULL */
void spool_read(struct attempt *a, const struct masks *masks,
                struct spool_words *words);
void spool_words_done(struct spool_words *words);

/* report.c */
/* masks may be NULL */
void sdk_log_line(struct buf *b, const struct exec_log_line *line,
                  const struct masks *masks);
/* silence.c */
/* It runs: from now on it must be heard of, if its task says so. */
void attempt_listen(struct attempt *a);
void attempt_heard(struct attempt *a);

/* Who may speak: NULL with FF_CONFLICT where another attempt is the current one, or
 * with FF_UNAVAILABLE where nobody can say yet. */
struct attempt *attempt_current(const struct exec *x, const struct attempt_key *key,
                                struct ff_err *err);

/* report.c: where the outputs stand that the SDK reports */
void attempt_sdk_path(struct attempt *a);

/* collect.c */
void attempt_collect(struct attempt *a, const struct ff_run_event *event);

/* values.c (blocking) */
/* Where large values go. */
struct values_place {
    const char *run_dir;
    const char *run_id; /* written into references: they stand in rows of other runs;
                         * or NULL */
};
char *exec_artifact_dir(const char *data_dir, const char *run_id, const char *path,
                        int64_t attempt);
/* The stored form of one value. */
int values_add(struct jsonw *w, const struct values_place *place, const json_t *value,
               struct ff_err *err);
/* Is it a reference, or a value that was wrapped since it looks like one? */
bool values_is_ours(const json_t *value);
/* By name, from their stored forms. New reference or NULL. */
json_t *values_resolve(const char *data_dir, const char *run_id, json_t *stored,
                       struct ff_err *err);
/* The stored form of an outputs object; mem_free it. */
char *values_store(const char *run_dir, const json_t *outputs, struct ff_err *err);
/* Keeps the file $FF_OUT/name of an attempt: {path, size, sha256}. */
json_t *values_keep_file(const struct attempt *a, const char *name, struct ff_err *err);

/* artifacts.c */
/* Puts what the attempt is given where it is to find it, and starts it. */
void attempt_prepare(struct attempt *a);
/* Where it is collected. */
struct lane *artifacts_lane(struct attempt *a);
/* On that lane: keeps one that it has left. FF_NOT_FOUND: it has left none. */
int artifact_collect(struct attempt *a, const struct work_output *o, json_t **value,
                     struct ff_err *err);
const char *artifact_reason(int code);
void artifacts_forget(struct attempt *a); /* its folder may go */
void artifacts_close(struct exec *x);

/* luggage.c (blocking): files_dir of an attempt that runs elsewhere */
struct luggage {
    const char *dir;
    int64_t max_bytes;         /* of one file that it leaves */
    bool artifacts;            /* it has a $FF_ARTIFACTS */
    json_t *in, *out, *script; /* as given/files.json has them; script may be NULL */
};
int luggage_begin(struct luggage *l,
                  struct ff_err *err); /* dir and max_bytes are set */
/* It finds this artifact there, at `path` in $FF_ARTIFACTS. */
int luggage_add(struct luggage *l, struct blobs *b, struct tenant t,
                const struct artifact *a, const char *path, struct ff_err *err);
void luggage_add_folder(struct luggage *l, const char *path); /* an empty one */
int luggage_add_script(struct luggage *l, const char *script, struct ff_err *err);
/* It is to leave this there. */
void luggage_want(struct luggage *l, const char *name, const char *path);
int luggage_write(struct luggage *l, struct ff_err *err); /* given/files.json */
void luggage_done(struct luggage *l);
/* What it has left under this name, and its content to be read. FF_NOT_FOUND: nothing;
 * else as it was said where it ran. */
int luggage_open(const char *dir, const char *name, struct artifact *a, int *fd,
                 struct ff_err *err);

/* token.c */
int token_load_key(struct exec *x, struct ff_err *err);
void token_make(const struct exec *x, const struct attempt *a, int64_t expires_us,
                char out[TOKEN_MAX]);
int token_check(const struct exec *x, const char *token, struct attempt_key *key,
                struct ff_err *err);

/* How long a token of this attempt is good: not for long where its environment might
 * have told others, and who has it renews it. */
int64_t token_life_us(const struct attempt *a);
/* What the attempt exchanges for a token when it has started. */
void ticket_make(const struct exec *x, const struct attempt *a, int64_t expires_us,
                 char out[TOKEN_MAX]);
/* It may have expired. */
int ticket_check(const struct exec *x, const char *ticket, struct attempt_key *key,
                 int64_t *expires_us, struct ff_err *err);

/* ticket.c */
bool attempt_wants_ticket(const struct attempt *a);
void tickets_close(struct exec *x);

/* stdout_read.c (blocking): what an attempt wrote to stdout, from its log chunks. */
int stdout_read(const char *log_dir, uint64_t chunks, struct buf *out,
                struct ff_err *err);
/* The last line it wrote to stderr, shortened; "" when there is none. */
void stderr_last_line(const char *log_dir, uint64_t chunks, char *out, size_t size);

#endif
