/* fleet/fleet.h - the runtime whose attempts run elsewhere: executors register by HTTP,
 * pull attempts for as many places as they have free, and tell what came of them. They
 * come and go; who is silent for longer than the lease is gone, and its attempts with
 * it.
 *
 * What an executor says it holds is believed, what a connection does is not: all that
 * is sent to one is sent again until it says that it has it. docs/executor.md describes
 * the protocol. Loop thread; files are written on a lane.
 *
 * Several processes may lead at once, each the runs of some tenants. An executor is
 * with all of them, names to each all that it holds, and tells each how many of its
 * free places are for it; what waits elsewhere is said in each answer. */
#ifndef FLEET_FLEET_H
#define FLEET_FLEET_H

#include "driver/driver.h"
#include "http/http.h"

struct fleet;

#define FLEET_RUNTIME    "remote" /* what engine.runtime says then */
#define FLEET_TOKEN_MIN  32       /* bytes of a service credential */
#define FLEET_LEASE_MIN  UNITS_SECOND
#define FLEET_LEASE_MAX  (INT64_C(3600) * UNITS_SECOND)
#define FLEET_NAME_MAX   63
#define FLEET_PLACES_MAX 10000

struct fleet_setup {
    struct loop *loop;
    const char *dir;        /* what attempts leave lies here until it is collected */
    const char *token_file; /* see fleet_read_tokens */
    int64_t lease_us;
    /* Where the chunks of an attempt go that an earlier process started; mem_free it.
     * NULL: that is no attempt. */
    char *(*log_dir)(void *arg, const char *attempt_id);
    char *(*files_dir)(void *arg, const char *attempt_id); /* the same, of its files */
    /* How many attempts the executors can have at once by now, and how many wait here
     * for labels which no free place has; at first none. Called from the loop when that
     * changes. */
    void (*places)(void *arg, int64_t n_places, int64_t n_stuck);
    /* How many of these are of executors with these labels, and that an attempt which
     * the core has named is at one of them. The same; labels as in base/labels.h. */
    void (*pool)(void *arg, const char *labels, int64_t n_places);
    void (*placed)(void *arg, const char *attempt_id, const char *labels);
    /* Whoever leads next has to know who may hold attempts: keep this one; fleet_noted
     * says that it is kept, and it is given nothing before. forget: it holds none.
     * all_back: all that were awaited have come back, or are waited for no more. */
    void (*note)(void *arg, const char *id, const char *name);
    void (*forget)(void *arg, const char *id);
    void (*all_back)(void *arg);
    /* The hash of the tenant of an attempt that the core starts, which its executor
     * says to whoever leads next; and whether an attempt with this one, below 0: of
     * which that is not known, is led here. */
    int64_t (*tenant_hash)(void *arg, const char *attempt_id);
    bool (*is_ours)(void *arg, int64_t tenant_hash);
    /* Does this process lead anybody? Executors are sent away where it does not. */
    bool (*leads)(void *arg);
    /* How many, tenants above all, wait only for a place with these labels. */
    int64_t (*wanted)(void *arg, const char *labels);
    void *arg;
};

/* NULL with a sentence: the credential is not there, weak, or others can read it. */
struct fleet *fleet_new(const struct fleet_setup *setup, struct ff_err *err);
/* The runtime driver over it; one fleet at a time in a process. */
struct driver *fleet_driver(struct fleet *f, struct ff_err *err);
/* It may hold attempts of whoever led before: kept by his `note`. Before the routes; of
 * one that is awaited already: nothing. */
void fleet_await(struct fleet *f, const char *id, const char *name);
/* err NULL: it is durable. Not from inside `note`. */
void fleet_noted(struct fleet *f, const char *id, const struct ff_err *err);
/* `wanted` may say another number. */
void fleet_wanted(struct fleet *f);
/* The routes for executors; the server goes first. */
void fleet_mount(struct fleet *f, struct http_server *server);
/* Waits for files that are being written; their requests are answered by the loop.
 * Starts that nobody has answered are cancelled, as those that come later. */
void fleet_close(struct fleet *f); /* takes NULL */
void fleet_free(struct fleet *f);  /* after the runtime's session; takes NULL */

/* --- for who shows them --- */

struct fleet_executor {
    const char *id, *name, *version, *address;
    const char *labels; /* see base/labels.h */
    int64_t places, n_attempts;
    int64_t heard_us; /* so long ago */
    bool draining;
};
typedef void fleet_executor_fn(void *arg, const struct fleet_executor *e);
void fleet_each(const struct fleet *f, fleet_executor_fn *fn, void *arg);

struct fleet_counts {
    size_t n_executors;
    int64_t n_places, n_attempts; /* of all executors */
    size_t n_waiting;             /* attempts that no executor has room for */
    uint64_t n_registered, n_gone, n_lost;
};
void fleet_count(const struct fleet *f, struct fleet_counts *out);

/* --- what both ends share --- */

/* Section "executor" of the configuration. */
struct executor_settings {
    const char *servers; /* URLs, comma separated */
    const char *ca;      /* or NULL: those of the system */
    const char *name;    /* or NULL: that of the host */
    const char *dir;     /* or NULL: below HOME */
    const char *labels;  /* as people write them, or NULL */
    const char *runtime, *driver_dir, *pass_env, *sdk;
    const char *metrics_listen; /* or NULL: nowhere */
    int64_t places;
    int64_t insecure, metrics_exposed; /* 0 or 1 */
};
extern const struct ff_opt executor_options[];

/* The credentials of a file: one a line, the first is the one that is sent. Each has
 * FLEET_TOKEN_MIN bytes at least, and nobody but its owner may read the file. */
struct fleet_tokens {
    char **items;
    size_t n, cap;
};
int fleet_read_tokens(const char *path, struct fleet_tokens *out, struct ff_err *err);
/* Who comes shows one of those that the file holds now. When it cannot be read, as
 * standard input cannot be twice, those there were stay. */
int fleet_reload_tokens(struct fleet *f, struct ff_err *err);
void fleet_tokens_done(struct fleet_tokens *t); /* and wipes them */

#define FLEET_FILES "files.json"      /* of what is brought to an attempt: all of it */
#define FLEET_LEFT  "left.json"       /* the same, of what comes back */
#define FLEET_PIECE ((size_t)1 << 20) /* of a file; a shorter one is the last */

/* An attempt as JSON, and back; texts of any bytes are base64. */
struct fleet_spec {
    struct ff_run_spec spec; /* its texts stand in the arena */
    bool files;              /* it is given files, or leaves some: FLEET_FILES says */
    struct arena arena;
};
void fleet_spec_write(struct buf *out, const struct ff_run_spec *spec);
int fleet_spec_read(const json_t *value, struct fleet_spec *out, struct ff_err *err);
void fleet_spec_done(struct fleet_spec *s); /* and wipes it */

/* What an executor says of an attempt. */
enum fleet_word {
    FLEET_STARTED,
    FLEET_UNSTARTED, /* no room after all, or it never began: another may have it */
    FLEET_FAILED,    /* cannot be started: event.exit_code is the ff_code */
    FLEET_ENDED      /* the event tells how */
};
struct fleet_event {
    enum fleet_word word;
    uint64_t seq; /* of the command that was to start it; 0: of another session */
    struct ff_run_event event;
};
json_t *fleet_event_json(const struct fleet_event *e);
/* Its text is borrowed from the value. */
int fleet_event_read(const json_t *value, struct fleet_event *out, struct ff_err *err);

#endif
