/* node/node_priv.h - the inside of the node room: node.c opens, own.c owns, change.c
 * makes plans durable, submit.c plans new runs, message.c what runs are told, reset.c
 * opens them again, reuse.c takes over what another run has done, given.c large inputs,
 * open_runs.c how many may be open,
 * limits.c sizes of limits, queues.c pauses of queues, retention.c deletes old runs,
 * keeper.c has it do so while this process leads; apply.c registers workflows by name,
 * workflow.c finds, labels and forgets them. */
#ifndef NODE_NODE_PRIV_H
#define NODE_NODE_PRIV_H

#include "access/access.h"
#include "blob/blob.h"
#include "node/node.h"
#include "node/ranges.h"
#include "node/zones.h"
#include "trigger/trigger.h"

#include <stdatomic.h>

/* In the keys of what is of all who lead: open runs, messages, knocks, executors. The
 * rows of `shard` have numbers of their own. */
#define NODE_SHARD 0

/* A look at all finished runs, and what came of it. */
struct node_pass {
    const atomic_bool *stop; /* looked at between two runs; or NULL */
    int64_t runs_max;        /* that go; 0: no limit */
    int64_t n_runs;          /* that went */
    int64_t next_at; /* when the first that was kept will be too old; 0: never */
    bool hindered;   /* by what may be gone in a moment */
};

/* What a commit means for whoever leads: news.c. */
struct node_opened {
    struct tenant tenant;
    int64_t run;
    const struct run_row *row; /* NULL: it is not told */
};
struct node_news {
    bool all; /* more than the runs that were made: he looks for everything */
    struct node_opened *items;
    size_t n, cap;
    struct arena arena; /* of the rows */
};
/* Before the batch is committed. */
void node_note_news(const struct node *n, const struct batch *b,
                    struct node_news *news);
void node_news_done(struct node_news *news);
/* After that; the rows are borrowed. */
void node_wake_for(struct node *n, const struct node_news *news);

/* keeper.c */
struct keeper {
    bool keeps;          /* it was asked for, and this process leads */
    bool busy;           /* a pass is under way on the lane */
    bool ended;          /* a run has, since that pass began */
    unsigned n_hindered; /* passes in a row; the next one comes soon */
    struct lane *lane;
    struct loop_timer *timer;
    atomic_bool stop;
    struct node_pass pass;
    int code;
    struct ff_err err;
};

/* follow.c: the rows of all shards, as they were read */
struct node_shards {
    struct store_shards rows;
    struct arena text;
    int64_t now_us; /* of the store */
};
struct node_seen { /* of one row, by our own clock */
    int64_t shard, version;
    int64_t over_us;       /* when its lease is over if it is not renewed */
    int64_t free_since_us; /* 0: it is not */
};

/* lease.c, follow.c, give.c */
#define NODE_LEASE_US     (3 * UNITS_SECOND)
#define NODE_LEASE_MAX_US (60 * UNITS_SECOND)
#define NODE_RENEW_US     NODE_LOOK_US
#define PLACE_TEXT        128
#define NODE_AGAIN_US     (UNITS_SECOND / 4)  /* after a refusal */
#define NODE_BEHIND_US    (UNITS_SECOND / 50) /* the end of the lease of another one */
struct node_lease {
    struct lane *lane;            /* NULL: not opened, or the store is this host's */
    struct store_reader *reader;  /* the lane's */
    bool watches;                 /* the store tells of commits */
    char place[PLACE_TEXT];       /* this data directory; "": not known yet */
    char *address;                /* of the HTTP API, or NULL */
    bool joins;                   /* it leads beside others */
    bool serves;                  /* all tenants alike: a server */
    struct loop_timer *next;      /* a renewal, or a look */
    struct loop_timer *end;       /* this process leads no longer */
    bool looking;                 /* on the lane */
    bool renewing;                /* being committed */
    bool again;                   /* it is to look once more */
    bool lost;                    /* it led, and does not any more */
    bool reshaping;               /* it gives up only to lead others than before */
    bool mixed;                   /* another place may run attempts */
    int64_t asked_us, renewed_us; /* by our own clock, before it was asked */
    int64_t length_us, wanted_us; /* of the lease; of the one that is asked for */
    int64_t end_us;               /* when it is over, by our own clock */
    int64_t slow_us;              /* how long renewals took of late, at most */
    int64_t look_us;              /* how long the last look took */
    bool away;                    /* the store did not answer what was last asked */
    int64_t patient_until_us;     /* whoever led gets the time to come back */
    struct {
        struct node_seen *items;
        size_t n, cap;
    } seen;
    int64_t over_next_us; /* of those that lead: when the first lease is over */
    struct {
        struct ranges_row *items;
        size_t n, cap;
    } view; /* of a look, while it is looked at */
    struct {
        struct node_leader *items;
        size_t n, cap;
    } leaders;                 /* as they were seen: */
    int64_t seen_us;           /* by our own clock */
    struct node_leader leader; /* this process, where it leads, since: */
    int64_t held_us;           /* by our own clock */
    struct node_shards found;  /* the lane's, as the next two */
    int code;
    struct ff_err err;
    ff_call_fn *may_lead; /* NULL: it does not follow */
    void *may_lead_arg;
    atomic_bool shard_told, knock_told; /* the loop will hear of it */
    struct ranges_gift gift;            /* of the row that it takes next */
    struct {
        struct ranges_gift what;
        int64_t since_us, until_us; /* by our own clock */
        int64_t again_us;           /* the same; not before */
        unsigned n_failed;          /* in a row */
        bool holds;                 /* nothing starts, see slots_of */
        struct loop_timer *timer;
    } giving;
};

/* sources.c: workflow files that the store has. */
struct node_sources {
    pthread_mutex_t mutex;
    struct map known; /* tenant and hash -> no matter */
    int64_t since_us; /* all of them were read after that */
};
void node_sources_init(struct node *n);
void node_sources_done(struct node *n);

struct node {
    struct loop *loop;
    struct config *config;
    struct node_settings settings;
    struct node_auth auth;
    char *data_dir, *files_dir, *driver_dir;
    struct {
        struct control_size *items;
        size_t n, cap;
    } sizes;
    struct driver_instance *store_driver, *queue_driver, *runtime_driver;
    struct driver_instance *blob_driver;     /* NULL until it is needed */
    struct driver *given_store;              /* or NULL: by the settings */
    struct driver *given_runtime;            /* the same */
    bool (*is_mute)(const char *attempt_id); /* its attempts; or NULL */
    bool elsewhere;                          /* they run on other hosts */
    bool traced;                             /* see node_trace */
    int64_t n_places;                        /* that these have */
    int64_t n_stuck;                         /* attempts that none of them can have */
    ff_call_fn *wanted;                      /* see node_on_wanted; or NULL */
    void *wanted_arg;
    bool no_secrets; /* what stands for them is enough */
    struct store *store;
    struct store_numbers run_numbers, inbox_numbers;
    struct { /* see open_runs.c */
        pthread_mutex_t mutex;
        struct map by_tenant; /* struct open_count */
        struct open_bounds {  /* that were read last */
            bool told;
            struct store_moment moment;
            int64_t tenant, most, next_run;
        } bounds;
    } open_runs;
    struct node_sources sources;
    atomic_int n_changes; /* that are under way (change.c) */
    struct {              /* of those whose plans say `alone`; loop thread */
        struct change *now, *first, *last;
    } turn;
    /* while it is the owner */
    int lock_fd; /* -1: not */
    bool owner;
    struct tenant_range range; /* whose runs it leads */
    char topic[32];            /* of its queue */
    struct control *control;
    struct exec *exec;
    struct trigger *trigger;
    struct control_listener listener; /* of who became the owner */
    struct zones zones, lane_zones;   /* of callers (on one thread), of the trigger's
                                       * lane; plans have their own */
    int clock_fd;                     /* -1: none */
    struct loop_watch *clock_watch;
    char *socket, *endpoint, *sdk, *http_program;
    char **pass_env;
    bool drained; /* control and exec have nothing under way */
    struct keeper keeper;
    struct node_lease lease;
};

/* lease.c; where the store is this host's these do nothing. */
int node_lease_open(struct node *n, struct ff_err *err); /* for who leads or follows */
void node_lease_close(struct node *n);
/* The shard was taken, with what was asked at that time by our own clock. */
void node_lease_took(struct node *n, const struct shard_row *row, int64_t asked_us);
void node_lease_begin(struct node *n); /* to renew it */
void node_lease_end(struct node *n);
bool node_lease_is_busy(const struct node *n); /* a commit is under way: node_left */
void node_lease_came_back(struct node *n);
/* Commits nothing any more, and tells whoever made this process the owner. */
void node_lose(struct node *n, const struct ff_err *why);
/* What this batch brings is new for whoever leads. */
void node_knock(const struct node *n, struct batch *b);
/* Gives up in order, and leads again at once, others than before. */
void node_reshape(struct node *n, const char *why);
void node_lease_arm(struct node *n, int64_t at_us, ff_call_fn *fn,
                    struct loop_timer **slot);

/* follow.c */
int node_read_shards(struct node *n, struct store_reader *r, struct node_shards *out,
                     struct ff_err *err); /* blocking */
void node_shards_done(struct node_shards *s);
/* Into lease.found and lease.code; arg: struct node. */
void node_look_on_lane(void *arg);
/* What there is for this process; borrowed from both until the next view. */
struct ranges_view node_view(struct node *n, const struct node_shards *s);
/* The version of a row that was seen, and not renewed in time; or FF_ABSENT. */
int64_t node_seen_over(struct node *n, int64_t shard);
/* What the lane found: false, it did not. */
bool node_note_look(struct node *n);
void node_leads(struct node *n, const struct shard_row *row); /* from now on */
void node_look_now(struct node *n);

/* give.c: the owner has looked at all rows. */
void node_give(struct node *n, const struct ranges_view *v);
void node_give_no_more(struct node *n);

/* lease.c */
/* How long the next lease is; 0 where there is none. */
int64_t node_lease_choose(struct node *n);
/* Has it been asked for so long ago that it can hardly be renewed in time? */
bool node_lease_is_short(struct node *n, int64_t asked_us);

/* Between node_open's beginning and node_close's end. */
void node_numbers_init(struct node *n);
void node_numbers_done(struct node *n);

/* open_runs.c. FF_FULL with ACCESS_SYS_OPEN_RUNS: the tenant has as many as it may. On
 * any thread, once for each run that the plan opens. */
void node_open_runs_init(struct node *n);
void node_open_runs_done(struct node *n);
int node_check_open_runs(const struct node_plan *p, struct tenant t,
                         struct ff_err *err);
int64_t node_max_open_runs(const struct tenant_row *row); /* NULL: the usual */

/* A new id for a run. A plan names it once and keeps that while there is a doubt: a try
 * that comes late is then refused, or found, but is never a second run. */
void node_name_run(struct node *n, char id[ID_TEXT]);

/* Adds the row of the source to the batch, if the store has none; with its outline
 * where it is large. flow: of that text; NULL: it gets none, and lists of its tasks
 * wait until it is parsed. */
int node_add_source(const struct node_plan *p, const struct workflow_row *row,
                    const struct flow *flow, struct ff_err *err);
/* The same, whatever the store has. */
void node_put_source(struct batch *b, const struct workflow_row *row,
                     const struct flow *flow);

/* Says that nobody knows whether it was done. */
int node_fail_doubt(struct ff_err *err);

/* clock.c: the owner hears when the clock is set. */
void node_clock_open(struct node *n);
void node_clock_close(struct node *n);

/* The driver of this kind that the settings choose, behind its filters. */
struct driver_instance *node_instance(struct node *n, uint32_t kind,
                                      struct ff_err *err);

/* retention.c */
/* What the row of a run that is over says once it is being deleted. */
#define NODE_CLAIM "{\"what\":\"delete\"}"
int node_retention_pass(struct node *n, struct node_pass *p, struct ff_err *err);
/* Is it a run that is being deleted, or what is left of one? */
bool node_is_claimed(const struct run_row *run);

/* keeper.c */
void node_keeper_run_ended(struct node *n);
void node_keeper_stop(struct node *n); /* no pass begins any more */
void node_left(struct node *n); /* own.c: a pass is over while the shard is given up */

/* given.c: large inputs of the runs that the batch makes go to files, and the batch
 * names them. node_keep_given: on any thread that has the batch; then given_done, which
 * takes NULL, says whether it became durable. What is left of others the sweep takes
 * away. */
struct node_given;
int node_keep_given(const struct node *n, struct batch *b, struct node_given **given,
                    struct ff_err *err);
void node_given_done(struct node_given *g, bool durable);
/* Instead of that, on any thread but the loop: the commit has failed, or nobody can
 * say. No sweep gets to the folders before it is known whose they are. Takes NULL. */
int node_settle_given(struct node *n, struct node_given *g, struct ff_err *err);
int node_sweep_given(struct node *n, struct ff_err *err);

/* cache.c */
int node_sweep_cache(struct node *n, struct ff_err *err); /* what has expired */

/* reuse.c: the rows of tasks that `what` takes over for the run. */
int node_reuse(const struct node_plan *p, const struct node_submit *what, int64_t run,
               struct ff_err *err);

/* Loop thread; the node's. NULL with a sentence. */
struct driver_instance *node_blob_driver(struct node *n, struct ff_err *err);

/* hold.c: around the deleting of a file that rows may name. FF_BUSY: somebody holds
 * them, see node_hold_files. node_deleted takes what the other gave. */
int node_deleting(const struct node *n, int *fd, struct ff_err *err);
void node_deleted(int fd);
/* Best asked before the rows go which alone tell of the files. */
bool node_is_held(const struct node *n);

/* blobs.c: deletes those of `hashes` that no run names any more. */
struct node_hashes {
    char **items; /* mem_free each */
    size_t n, cap;
};
int node_drop_blobs(struct node *n, struct tenant t, const struct node_hashes *hashes,
                    struct ff_err *err);
/* Once a day, a part at a time. */
int node_sweep_blobs(struct node *n, struct ff_err *err);

/* limits.c */
int node_read_sizes(struct node *n, struct ff_err *err);
void node_forget_sizes(struct node *n);
/* Deletes what counted for a rate long ago. */
int node_sweep_tokens(struct node *n, int64_t now, struct ff_err *err);

/* retention_times.c: rows of times of schedules whose runs are gone. */
int node_sweep_times(struct node *n, int64_t now, struct ff_err *err);

/* check.c: FF_OK, or why the first time zone that is not there could not be had. */
int node_check_zones(const struct flow *f, struct zones *zones,
                     struct flow_problems *problems);

#endif
