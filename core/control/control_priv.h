/* control/control_priv.h - the inside of the control room.
 *
 * control.c is the door; child.c is for runs that are tasks of others, cache.c for what
 * tasks gave before; scan.c finds open runs, load.c brings them into memory - made.c
 * those that were just made - or quarantine.c to an end; pump.c steps and commits;
 * effects.c carries out; timers.c keeps time; inbox.c reads messages of others, and
 * kept.c keeps those that nobody waits for yet; limits.c has what is held as rows;
 * queues.c which queues are paused; shares.c what tenants get of the slots, and names.c
 * what they are called; concurrency.c lets runs begin; values.c has large values
 * written before the rows that name them. */
#ifndef CONTROL_CONTROL_PRIV_H
#define CONTROL_CONTROL_PRIV_H

#include "control/control.h"

/* How often a start that nobody took is said again, and how often the store is searched
 * for work that nobody announced. */
#define REHINT_US (2 * UNITS_SECOND)
#define SWEEP_US  (30 * UNITS_SECOND)
#define RETRY_US  (1 * UNITS_SECOND) /* a scan or load that failed for a while */

/* An input that waits for its step, or whose step is in flight. Owns what it holds. */
struct queued {
    struct input in;
    struct result *result; /* copy, or NULL */
    struct signal *signal; /* copy, or NULL */
    bool foreign;          /* of another tenant: refused, and that is recorded */
    bool inner;            /* the result of a run inside it: no executor knows it */
    bool keeping;          /* its signal becomes a row in this step */
    bool taken;            /* ... which a node takes in this step: kept_no */
    int64_t kept_no;       /* of a signal that was kept and is offered; else 0 */
    bool is_void;          /* overtaken: nobody is to hear of it */
    int64_t place;         /* of INPUT_ADMIT, when it may begin */
    int64_t look_up;       /* of INPUT_FOUND: which one it answers */
    int64_t inbox_no;      /* message that asked for it, deleted in the same commit */
    store_done_fn *done;   /* called when it is durable, or NULL */
    void *arg;
};

struct queued_list {
    struct queued *items;
    size_t n, cap;
};

/* --- rows of limits as they were read; text in `arena` --- */

struct loaded_slots { /* of one run */
    /* The first that is none, and in which limit: the run cannot be trusted. */
    int64_t wrong_place;
    const char *wrong_name; /* or NULL */
    struct loaded_slot {
        int64_t node, attempt, place;
        const char *name;
    } * items;
    size_t n, cap;
    struct arena arena;
};

struct limit_rows { /* of all runs */
    struct {
        struct loaded_size {
            int64_t tenant, size;
            const char *name;
        } * items;
        size_t n, cap;
    } sizes;
    struct {
        struct loaded_token {
            int64_t tenant, place, until_us;
            const char *name;
        } * items;
        size_t n, cap;
    } tokens;
    struct arena arena;
};

/* --- queues that are paused, as they were read --- */

struct paused_queues {
    struct paused_queue {
        int64_t tenant;
        const char *name; /* in `arena` */
    } * items;
    size_t n, cap;
    struct arena arena;
};

/* --- what tenants and projects get of the slots, as it was read --- */

struct shares {
    struct {
        struct tenant_share {
            int64_t tenant, weight, max_running;
        } * items;
        size_t n, cap;
    } tenants;
    struct {
        struct project_share {
            int64_t tenant, project, weight;
        } * items;
        size_t n, cap;
    } projects;
};

/* --- signals as they were read --- */

struct loaded_signals {
    struct loaded_signal {
        int64_t no;
        json_t *body; /* {"name", "key", "data"} */
    } * items;
    size_t n, cap;
    bool read;
};

/* NULL: "default". */
struct run_names {
    char *tenant, *project;
};

/* A run in memory. */
struct live {
    struct control *control;
    struct tenant tenant;
    int64_t no;
    struct run *run; /* NULL while it is loaded */
    struct run_names names;
    struct sched_run *sched;
    struct admit_run *admit; /* where its workflow limits its runs, else NULL */
    char *admit_name;        /* of the limit, as in the row */
    int64_t admit_place;     /* that it holds by a row; -1: none */
    int64_t granted;         /* slots it holds */
    struct list dirty;       /* it has inputs to step */
    struct list stepped;     /* its step is to be committed */
    bool busy;               /* its step is being committed */
    bool loading;
    bool first;    /* was open at the start and is not loaded yet */
    bool standing; /* was open at the start and its attempts are not adopted yet */
    struct step step;
    size_t n_effects;           /* of the step's effects, those already looked at */
    size_t n_put, n_put_inside; /* the same of its changes and of runs inside */
    struct queued_list inputs;  /* wait for the next step */
    size_t n_taken;             /* of those, how many this step has had */
    struct queued_list applied; /* are in the step */
    struct map timers;          /* node and kind -> struct run_timer */
    struct map untaken;         /* node -> attempt whose start nobody took yet */
    int64_t loaded_seq;         /* how many loads were tried */
    int64_t root;      /* the outermost of the runs around it, or itself; 0: not
                        * known before it is loaded */
    struct map awaits; /* node -> kept.c's own */
    struct map asked;  /* node -> number of the look-up whose answer it waits for */
    int64_t paused_by; /* the look that said last whether what is around it is paused */
};

struct run_timer {
    struct heap_item item; /* first: the heap gives it back */
    struct live *live;
    int64_t node;
    enum timer_kind kind;
};

struct control {
    struct control_setup setup;
    struct tenant_range whole;  /* that it leads */
    struct tenant_range range;  /* of which new runs are loaded, and attempts start */
    struct control_watch watch; /* none: its functions are NULL */
    struct lane *lane;          /* loads and scans */
    struct sched *sched;
    struct admit *admit;
    void *queue;
    const struct ff_queue_ops *queue_ops;
    struct map lives; /* run number -> struct live */
    struct map posts; /* number of an outermost run -> kept.c's own */
    struct map plans; /* hash -> struct plan; the lane's, nobody else looks */
    struct map known; /* whose and hash -> made.c's own; the loop's */
    struct list dirty, stepped;
    struct list unput; /* their values could not be written, for now */
    size_t n_putting;  /* steps that wait for their values, with those in `unput` */
    bool pump_posted;
    int64_t told_wanted; /* see control_wanted */
    struct {
        struct attempt_key *items;
        size_t n, cap;
    } starts, adopts; /* durable, to be told in this turn */
    struct heap timers;
    struct loop_timer *timer, *rehint, *sweep, *reload, *again, *rate_timer;
    int64_t timer_at, rate_at;
    struct limit_rows sizes;     /* as last read */
    struct paused_queues queues; /* as last read */
    struct {
        int64_t next, left; /* for runs inside others, taken in advance */
        int64_t wanted;
        bool taking;
    } numbers;
    struct look_ups *look_ups; /* to be made in this turn, or NULL */
    int64_t n_look_ups;        /* made in all */
    struct looks {
        struct look **items;
        size_t n, cap;
    } looks; /* that failed, to be tried again */
    int64_t n_looks;
    bool scanning, scan_again;
    struct {
        int64_t *items;
        size_t n, cap;
    } carried_out;     /* messages, while that scan may still have seen them */
    bool began;        /* it is known which runs were open at the start */
    size_t n_first;    /* of those, how many are not loaded yet */
    size_t n_standing; /* how many of them have attempts that nobody adopted */
    bool told_adopted;
    size_t n_busy, n_lane; /* commits and publishes, lane jobs in flight */
    bool draining, dead, was_idle;
    ff_call_fn *drained;
    void *drained_arg;
};

/* pump.c */
void control_queue(struct live *l, const struct queued *q); /* takes over q's things */
void control_post_pump(struct control *c);
bool control_gives_slots(const struct control *c); /* to those that wait for one */
void control_queued_done(struct queued *q, int code);
/* Changes that belong to no run in memory. */
void control_commit_aside(struct control *c, struct batch *b);
void control_fatal(struct control *c, const struct ff_err *err);
/* What a commit that failed came to: true for a conflict, where rows have to be read
 * again. What is neither that nor the store closing is fatal. */
bool control_conflicts(struct control *c, int code, const struct ff_err *err);
void control_check_drained(struct control *c);

/* child.c */
/* Gives the runs that begin with this step their numbers and rows. False: there are no
 * numbers yet; the pump is posted when there are. */
bool control_name_children(struct live *l);
void control_load_children(struct live *l); /* when they are durable */
void control_take_numbers(struct control *c);
/* How the run inside `parent` stands: an end becomes its result; else it is stopped or
 * paused, as the effect says. */
void control_look(struct live *parent, const struct effect *e);
void control_tell_parent(struct control *c, const struct run_row *child);
void control_arm_again(struct control *c);
void control_looks_free(struct control *c);

/* values.c */
/* False: the step has values that are too large for rows. They are being written, and
 * the run comes back into the list of those that have stepped. */
bool control_put_values(struct live *l);
void control_put_again(struct control *c);
bool control_may_refer(struct span column); /* it may be by reference */
/* Of a row that was read: inputs and scope as they were given. */
int control_open_row(struct control *c, struct run_row *row, struct arena *arena,
                     struct ff_err *err); /* lane */
/* New reference, or NULL with err. */
json_t *control_open_column(struct control *c, struct span id, struct span column,
                            struct ff_err *err); /* lane */

/* cache.c */
/* What the cache has under `hash` becomes an input of the node: all that are wanted in
 * one turn are looked up together. */
/* The node asks in the step in the making: no answer counts that is on its way. */
void control_asks(struct live *l, int64_t node);
void control_look_up(struct live *l, int64_t node, const char *hash);
/* Makes an answer void that is not to what its node asked last. */
void control_take_answer(struct live *l, struct queued *q);
void control_look_ups_go(struct control *c);
void control_look_ups_free(struct control *c);

/* control.c */
struct result *control_copy_result(const struct result *from);

/* effects.c */
void control_now_effects(struct live *l); /* those that touch memory only */
/* Those of a step that is durable. False: the run was final and is gone. */
bool control_after_effects(struct live *l);
void control_stands_no_more(struct live *l); /* its attempts are with the executor */
/* Of a run that is over: their attempts are settled. */
void control_refuse_inputs(struct live *l);
void control_flush(struct control *c); /* starts and adoptions collected so far */
void control_check_idle(struct control *c);

/* limits.c */
void control_offer(struct live *l, const struct effect *e);
void control_limits_started(struct live *l, int64_t node, int64_t attempt);
void control_limits_freed(struct live *l, int64_t node);
void control_limits_resumed(
    struct live *l); /* every attempt that is there was adopted */
int control_limits_read(struct control *c, struct tenant t, int64_t run,
                        struct loaded_slots *slots, struct ff_err *err); /* lane */
void control_limits_loaded(struct live *l, const struct loaded_slots *slots);
/* Deletes what a run holds that is set aside. */
void control_limits_forget(struct batch *b, struct tenant t,
                           const struct loaded_slots *slots);
void control_slots_done(struct loaded_slots *slots);
int control_limits_scan(struct control *c, bool tokens, struct limit_rows *rows,
                        struct ff_err *err); /* lane */
void control_limits_take(struct control *c, struct limit_rows *rows);
void control_limit_rows_done(struct limit_rows *rows);
void control_rates_arm(struct control *c);

/* queues.c */
int control_queues_scan(struct control *c, struct paused_queues *queues,
                        struct ff_err *err); /* lane */
void control_queues_take(struct control *c, struct paused_queues *queues);
void control_queues_done(struct paused_queues *queues);

/* On the lane; control_names_done the names in either case. */
int control_names_read(struct control *c, const struct run_row *run,
                       struct run_names *names, struct ff_err *err);
void control_names_tell(const struct run_names *names, struct arena *arena,
                        struct work *work);
void control_names_done(struct run_names *names);

/* shares.c */
int control_shares_scan(struct control *c, struct shares *shares,
                        struct ff_err *err); /* lane */
void control_shares_take(struct control *c, const struct shares *shares);
void control_shares_done(struct shares *shares);
/* Its range is another one. */
void control_shares_lead(struct control *c);

/* concurrency.c */
#define CONTROL_CONCURRENCY "concurrency:"
void control_admit(struct live *l, const struct effect *e);
void control_give_admissions(struct control *c);
void control_admitted(struct live *l, const struct queued *q); /* before its effects */
void control_admit_stopping(struct live *l);                   /* after each step */
void control_admit_ended(struct live *l);
void control_admit_loaded(struct live *l, const char *name, int64_t place);

/* scan.c */
void control_scan(struct control *c);

/* load.c */
struct live *control_live_new(struct control *c, struct tenant t, int64_t no);
void control_load(struct live *l); /* comes back as INPUT_RESUME, or not at all */
void control_load_later(struct control *c); /* those whose load has failed */
void control_reload(struct live *l); /* memory is ahead of the store: load it again */
struct live *control_live(struct control *c, int64_t run);
void control_live_free(struct live *l);
void control_loaded(struct live *l, const struct loaded_slots *slots); /* has its run */

/* made.c */
/* False: it is to be loaded. */
bool control_take_up(struct live *l, const struct run_row *row);
/* It was loaded: the next run of its file need not be. */
void control_know(const struct live *l);
void control_known_free(struct control *c);

/* quarantine.c: a run that cannot be loaded */
struct set_aside { /* what its rows still tell */
    char id[ID_TEXT];
    char workflow[96];
    int64_t seq; /* of its last event; 0: not known */
    int64_t parent_run, parent_node, parent_attempt;
    struct {
        struct left_task {
            int64_t node, attempt, item;
            char task[96];
            char *awaits; /* task_row.awaits, or NULL */
            bool running; /* an attempt of it */
        } * items;
        size_t n, cap;
    } left; /* tasks that are not final */
    struct loaded_slots slots;
};
void control_read_left(struct control *c, struct tenant t, int64_t no,
                       struct set_aside *aside); /* on the lane */
void control_quarantine(struct live *l, const struct set_aside *aside,
                        const struct ff_err *err);
void control_left_done(struct set_aside *aside);

/* timers.c */
void control_timer_set(struct live *l, int64_t node, enum timer_kind kind, int64_t at);
void control_timers_clear(struct live *l);
void control_timers_arm(struct control *c);
void control_arm_rehint(struct control *c);
void control_arm_sweep(struct control *c);
void control_arm_rescan(struct control *c);

/* kept.c */
void control_await(struct live *l, const struct effect *e);
void control_awaits_clear(struct live *l);
/* Keeps the signal of a message with this step; NULL, or one word that says why not. */
const char *control_keep(struct live *l, struct queued *q);
/* What becomes of an input that is kept, or was, when its step is durable; when its run
 * is loaded again; and when it is over. */
void control_kept_durable(struct live *l, struct queued *q);
bool control_kept_undone(struct live *l, struct queued *q);
void control_kept_refused(struct live *l, struct queued *q);
void control_kept_ending(struct live *l); /* rows that go with the run, in its batch */
void control_kept_ended(struct live *l);
void control_kept_loading(struct control *c, int64_t root, bool begins);
int control_kept_read(struct control *c, struct tenant t, int64_t root,
                      struct loaded_signals *signals, struct ff_err *err); /* lane */
void control_kept_loaded(struct live *l, const struct loaded_signals *signals);
void control_signals_done(struct loaded_signals *signals);
void control_posts_free(struct control *c);

/* inbox.c */
struct inbox_item {
    int64_t no, run;
    struct tenant tenant;
    char kind[16];
    json_t *body; /* or NULL */
};
/* `seen`: whose open runs were looked for. */
void control_inbox(struct control *c, const struct inbox_item *items, size_t n,
                   struct tenant_range seen);
void control_inbox_durable(struct control *c, int64_t no); /* its row is gone */

#endif
