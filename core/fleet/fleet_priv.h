/* fleet/fleet_priv.h - the inside of the fleet.
 *
 * fleet.c is the whole of it; runtime.c what the core asks of a runtime; member.c the
 * executors there are; place.c who gets what; attempt.c the attempts; door.c the routes
 * that executors ask; files.c what they send to be kept; wire.c, token.c what both ends
 * share. */
#ifndef FLEET_FLEET_PRIV_H
#define FLEET_FLEET_PRIV_H

#include "fleet/fleet.h"

#define SESSION_TEXT 33

enum fleet_state {
    FLEET_IS_WAITING,  /* for an executor with room */
    FLEET_IS_SENT,     /* one is given it, and has not said that it runs */
    FLEET_IS_RUNNING,  /* an executor holds it */
    FLEET_IS_EXPECTED, /* the core names it: who holds it will register */
    FLEET_IS_ENDED
};

struct member;

struct fleet_attempt {
    struct fleet *fleet;
    char *id;
    enum fleet_state state;
    bool named;            /* by the core: not only by an executor */
    struct member *member; /* who has it; NULL: nobody, or who had it is gone */
    struct list waiting;   /* fleet->waiting */
    char *spec;            /* JSON, until an executor runs it */
    size_t spec_len;
    uint64_t start; /* the command by which its member was told; 0: by none */
    bool masked;    /* needs an executor that can mask */
    bool has_files; /* and one that can bring files */
    char *selector; /* and one with these labels; or NULL: with any */
    int64_t tenant_hash;
    struct ff_op *op; /* of its start; NULL: answered */
    char *log_dir;    /* NULL: not asked yet */
    char *files_dir;  /* the same */
    bool stop;        /* as soon as somebody has it */
    int64_t grace_us;
    struct ff_run_event end;
    char *message; /* of the end, or NULL */
};

enum command_kind { COMMAND_START, COMMAND_CANCEL, COMMAND_DROP };

/* What an executor is to do. Stays until it says that it has it. */
struct command {
    struct list link; /* member->commands */
    uint64_t seq;
    enum command_kind kind;
    char *attempt_id;
    int64_t grace_us;
};

struct member {
    struct fleet *fleet;
    char *id, *name, *version, *address;
    char *labels; /* as labels_read writes them */
    size_t n_labels;
    char session[SESSION_TEXT];
    int64_t places;
    int64_t n_held;   /* attempts, when places were counted last */
    int64_t credit;   /* free places when it last said so */
    uint64_t request; /* the number of its newest request */
    uint64_t ack;     /* the last command that it has */
    uint64_t seq;     /* of the last command */
    struct list commands;
    bool draining, masks, files;
    bool shared;    /* other leaders have places of it, too: `credit` is what is ours */
    int64_t wanted; /* as it was told */
    json_t *others; /* ids that it named and others lead, until it is greeted */
    bool noting, noted;          /* it is being kept that it is there; it is */
    struct http_reply *greeting; /* to its registration, which waits for that */
    struct http_reply *pull;     /* NULL: none waits */
    struct loop_timer *poll;     /* answers it */
    bool hung_up;                /* it had closed the one before, and asks no more */
    struct loop_timer *lease;
    int64_t heard_at; /* monotonic */
    bool spared;      /* this process stood still, and may not have listened */
    uint64_t turn;    /* of its last start: who waits longest is first among equals */
};

/* Executors with the same labels. */
struct fleet_pool {
    int64_t n_places, told;
};

struct fleet {
    struct fleet_setup setup;
    char *dir;
    struct fleet_tokens tokens;
    char controller[SESSION_TEXT]; /* of this process */
    struct map attempts;           /* by id */
    struct map members;            /* by id */
    struct list waiting;
    struct map awaited;         /* names by ids: of before, and not heard of yet */
    const struct ff_host *host; /* NULL: no session */
    ff_run_event_fn *fn;
    void *fn_arg;
    int64_t opened_at; /* monotonic */
    bool all_named;    /* by the core: of others it knows nothing */
    bool all_back;     /* who was known to hold some, or all had a lease's time: where
                        * nobody was known, anybody may */
    struct loop_timer *turn;      /* no post: that could not be taken back */
    struct loop_timer *expecting; /* until nobody else can hold what is expected */
    bool spared;                  /* as in struct member */
    struct {
        char **items; /* ids of ends that the core is to hear */
        size_t n, cap;
    } tells;
    struct lane *lane; /* NULL: closed */
    uint64_t turns;
    int64_t n_places, n_stuck; /* as they were told */
    struct map pools;          /* struct fleet_pool, by labels */
    uint64_t n_registered, n_gone, n_lost;
};

/* --- fleet.c --- */

void fleet_random_text(char out[SESSION_TEXT]);
/* Soon: attempts are placed, pulls answered, ends told. */
void fleet_later(struct fleet *f);
/* A timer of a lease that was due at that time is called so late that this process
 * cannot have listened meanwhile: whoever is silent is waited for a while more. */
#define FLEET_SPARE_SHARE 3 /* of a lease */
bool fleet_stood_still(const struct fleet *f, int64_t due_at);

/* --- attempt.c --- */

struct fleet_attempt *fleet_attempt_new(struct fleet *f, const char *id,
                                        enum fleet_state state);
void fleet_attempt_free(struct fleet_attempt *a); /* an op that is due is cancelled */
/* Answers the start; err NULL: it is known for good. Nothing is due: nothing. */
void fleet_attempt_answer(struct fleet_attempt *a, const struct ff_err *err);
/* The core hears of it, now or when it names it. Copies what it is given. */
void fleet_attempt_end(struct fleet_attempt *a, const struct ff_run_event *event);
void fleet_attempt_lost(struct fleet_attempt *a, const char *why);
void fleet_attempt_cancelled(struct fleet_attempt *a);
/* Back among those that wait, before the others. */
void fleet_attempt_wait(struct fleet_attempt *a);
/* It runs there. */
void fleet_attempt_runs(struct fleet_attempt *a, struct member *m);
/* Where it is, and its end, if there is one, is told to the core again. */
void fleet_attempt_tell(const struct fleet_attempt *a);
void fleet_tell_ends(struct fleet *f);
/* Its start never came to anybody: the core may start it. */
void fleet_attempt_unknown(struct fleet_attempt *a);
/* Where its chunks go; NULL: nowhere. */
const char *fleet_attempt_log_dir(struct fleet_attempt *a);
/* Where its files are; NULL: it has none. */
const char *fleet_attempt_files_dir(struct fleet_attempt *a);
/* Its folder below dir; mem_free it. */
char *fleet_attempt_dir(const struct fleet *f, const char *id);

/* --- member.c --- */

struct member *fleet_member_by_session(const struct fleet *f, const char *session);
/* FF_INVALID: that is no registration. */
int fleet_member_register(struct fleet *f, const json_t *said, const char *address,
                          struct member **out, struct ff_err *err);
void fleet_member_heard(struct member *m);
/* What every request says: the number, what it has, what is free. */
void fleet_member_note(struct member *m, const json_t *said);
/* All places that this process has of it, once its attempts are counted: n_held. */
int64_t fleet_member_places(const struct member *m);
bool fleet_member_is_whole(const struct member *m); /* its places are all ours */
int64_t fleet_member_room(const struct member *m);
/* The connection that it asked by last has ended: it has died, most likely. */
bool fleet_member_hung_up(const struct member *m);
int64_t fleet_member_attempts(const struct member *m);
/* Its number. */
uint64_t fleet_member_command(struct member *m, enum command_kind kind, const char *id,
                              int64_t grace_us);
void fleet_member_free(struct member *m); /* nothing is its any more */
/* Its registration is answered, once it is kept that it is there. */
void fleet_member_greet(struct member *m, struct http_reply *reply);
/* It holds nothing any more, and is not waited for. */
void fleet_member_left(struct member *m);
/* Its attempts are lost. */
void fleet_member_gone(struct member *m, const char *why);

/* --- place.c --- */

void fleet_place(struct fleet *f);
/* How many could use a place of it, beside those that are ours. */
int64_t fleet_wanted_of(const struct member *m);
/* Attempts for whose labels no place is left: executors have gone since they were
 * started. */
int64_t fleet_count_stuck(const struct fleet *f);
void fleet_pull_begin(struct member *m, struct http_reply *reply);
void fleet_pull_answer(struct member *m); /* with what there is, if it waits */
void fleet_pull_refuse(struct member *m);

/* --- files.c --- */

void fleet_take_log(void *arg, const struct http_request *r, struct http_reply *reply);
void fleet_take_output(void *arg, const struct http_request *r,
                       struct http_reply *reply);
void fleet_give_file(void *arg, const struct http_request *r, struct http_reply *reply);
void fleet_take_file(void *arg, const struct http_request *r, struct http_reply *reply);
void fleet_forget_files(struct fleet *f, const char *id);
/* What a process before this one left behind. */
void fleet_sweep_files(struct fleet *f);
/* On worker threads. */
int fleet_output(void *runtime, const char *id, const char *name, ff_bytes_fn *fn,
                 void *arg, struct ff_err *err);
int fleet_outputs(void *runtime, const char *id, ff_bytes_fn *fn, void *arg,
                  struct ff_err *err);
int fleet_output_take(void *runtime, const char *id, const char *name, const char *to,
                      struct ff_err *err);

/* --- door.c --- */

/* The member and its attempt of a request about files; NULL: it is answered. */
struct fleet_attempt *fleet_door_attempt(struct fleet *f, const struct http_request *r,
                                         struct http_reply *reply);

/* --- runtime.c --- */

void fleet_expect(struct fleet *f); /* for a lease at most */
/* What the core expects, and nobody who may hold it has named, is lost. */
void fleet_give_up(struct fleet *f);

extern const struct ff_runtime_ops fleet_ops;

#endif
