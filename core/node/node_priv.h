/* node/node_priv.h - the inside of the node room: node.c opens, own.c owns, submit.c
 * stores new runs, reset.c opens them again, reuse.c takes over
 * what another run has done, limits.c sizes of limits, queues.c pauses of queues,
 * retention.c deletes old runs, keeper.c has it do so while this process leads; apply.c
 * registers workflows by name, workflow.c finds, labels and forgets them. */
#ifndef NODE_NODE_PRIV_H
#define NODE_NODE_PRIV_H

#include "blob/blob.h"
#include "node/node.h"
#include "node/zones.h"
#include "trigger/trigger.h"

#include <stdatomic.h>

#define NODE_SHARD 0 /* one host has one shard */

/* A look at all finished runs, and what came of it. */
struct node_pass {
    const atomic_bool *stop; /* looked at between two runs; or NULL */
    int64_t runs_max;        /* that go; 0: no limit */
    int64_t n_runs;          /* that went */
    int64_t next_at; /* when the first that was kept will be too old; 0: never */
};

/* keeper.c */
struct keeper {
    bool keeps; /* it was asked for, and this process leads */
    bool busy;  /* a pass is under way on the lane */
    bool ended; /* a run has, since that pass began */
    struct lane *lane;
    struct loop_timer *timer;
    atomic_bool stop;
    struct node_pass pass;
    int code;
    struct ff_err err;
};

struct node {
    struct loop *loop;
    struct config *config;
    struct node_settings settings;
    struct node_auth {
        const char *encryption_key; /* or NULL: the file */
    } auth;
    char *data_dir, *driver_dir;
    struct {
        struct control_size *items;
        size_t n, cap;
    } sizes;
    struct driver_instance *store_driver, *queue_driver, *runtime_driver;
    struct driver_instance *blob_driver;     /* NULL until it is needed */
    struct driver *given_runtime;            /* or NULL: by the settings */
    bool (*is_mute)(const char *attempt_id); /* its attempts; or NULL */
    bool no_secrets;                         /* what stands for them is enough */
    struct store *store;
    int64_t next_run, numbers_left, numbers_block; /* run numbers taken in advance */
    /* while it is the owner */
    int lock_fd; /* -1: not */
    bool owner;
    struct control *control;
    struct exec *exec;
    struct trigger *trigger;
    struct control_listener listener; /* of who became the owner */
    struct zones zones, lane_zones;   /* of callers, of the trigger's lane */
    int clock_fd;                     /* -1: none */
    struct loop_watch *clock_watch;
    char *socket, *endpoint, *sdk, *http_program;
    char **pass_env;
    bool drained; /* control and exec have nothing under way */
    struct keeper keeper;
};

/* Adds the row of the source to the batch, if the store has none. */
int node_add_source(struct node *n, const struct workflow_row *row, struct batch *b,
                    struct ff_err *err);

/* clock.c: the owner hears when the clock is set. */
void node_clock_open(struct node *n);
void node_clock_close(struct node *n);

/* The driver of this kind that the settings choose, behind its filters. */
struct driver_instance *node_instance(struct node *n, uint32_t kind,
                                      struct ff_err *err);

/* retention.c */
int node_retention_pass(struct node *n, struct node_pass *p, struct ff_err *err);
/* Is it a run that is being deleted, or what is left of one? */
bool node_is_claimed(const struct run_row *run);

/* keeper.c */
void node_keeper_run_ended(struct node *n);
void node_keeper_stop(struct node *n); /* no pass begins any more */
void node_left(struct node *n); /* own.c: a pass is over while the shard is given up */

/* cache.c */
int node_sweep_cache(struct node *n, struct ff_err *err); /* what has expired */

/* reuse.c: the rows of tasks that `what` takes over for the run. */
int node_reuse(struct node *n, const struct node_submit *what, int64_t run,
               struct batch *b, struct ff_err *err);

/* Loop thread; the node's. NULL with a sentence. */
struct driver_instance *node_blob_driver(struct node *n, struct ff_err *err);

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
