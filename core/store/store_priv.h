/* store/store_priv.h - what the files of this room share. */
#ifndef STORE_STORE_PRIV_H
#define STORE_STORE_PRIV_H

#include "store/store.h"

#include <pthread.h>

/* One open() of the driver. The writer's is used by one thread after the other, handed
 * on with the group; the readers' by whoever holds the mutex. */
struct session {
    void *handle;
    pthread_mutex_t mutex;
};

struct store_reader {
    struct store *store; /* NULL: it stands for one of the store's own */
    struct session session;
};

struct committer;

struct store {
    struct loop *loop;
    struct driver_instance *instance;
    const struct ff_store_ops *ops;
    struct session writer, lane, caller;
    struct committer *committer;
    struct arena shard_text; /* of the row that store_acquire_shard gave */
    store_step_fn *on_step;
    void *step_arg;
    struct store_watch watch; /* none: its functions are NULL */
};

struct session *store_session(struct store *s, struct store_reader *reader);

/* Brings the schema up to date, too. The mutex is there already, and session_close
 * takes both away, also after a failure. */
int session_open(struct store *s, struct session *session, struct ff_err *err);
void session_close(const struct store *s, struct session *session);

/* --- batches on their way --- */

/* Nobody has said anything about it yet. */
#define PENDING_UNDECIDED (-1)

struct pending {
    struct list link;
    struct batch batch;
    store_done_fn *fn;
    void *arg;
    int64_t given_us; /* by the clock that nobody sets, for who measures */
    bool renewal;     /* of the lease: guarded with the fence's version */
    int code;         /* enum ff_code, or PENDING_UNDECIDED */
    size_t failed;    /* position in its batch */
    struct ff_err err;
    size_t begin; /* of its changes in the attempt under way */
    bool taken;   /* part of that attempt */
    bool written; /* that attempt was in doubt, and this part of it is there */
};

/* The shard whose row every group checks. */
enum fence_state { FENCE_NONE, FENCE_HELD, FENCE_LOST };

struct fence {
    enum fence_state state;
    int64_t shard;
    int64_t version;
    int64_t epoch;
    uint64_t generation; /* changes with store_set_fence */
    int64_t next_position;
    struct tenant_range range; /* whose steps have positions */
};

/* --- positions.c --- */

int64_t position_first(int64_t epoch);
/* Gives the steps in the batch their positions, if the shard is held. */
void position_batch(struct fence *f, struct batch *b);
/* Tells the listener of the steps in the batch. */
void position_tell(const struct store *s, const struct batch *b);

/* --- group.c: batches that become durable together --- */

struct pending_list {
    struct pending **items;
    size_t n, cap;
};

struct group {
    const struct ff_store_ops *ops;
    void *session;
    struct fence fence;
    struct pending_list batches;
    size_t bytes;
    struct {
        struct ff_change *items;
        size_t n, cap;
    } changes;                              /* of the attempt under way */
    struct ff_value shard[N_SHARD_COLUMNS]; /* key of the check */
    bool one_by_one; /* an attempt takes one batch: to find the one at fault */
    bool in_doubt;   /* the last attempt may have been committed */
    bool doubted;    /* one of them was: what seemed lost may still come late */
    int code;        /* what group_run gave */
    struct ff_err err;
    int64_t took_us;
};

/* Do its commits check that the shard is still held? */
bool group_is_fenced(const struct group *g);
/* Blocking. FF_OK: every batch is decided. FF_BUSY, FF_UNAVAILABLE, FF_FULL: run it
 * again later; some may be decided already. FF_FATAL, FF_CORRUPT: the store is dead.
 * Touches nothing but the group, its batches and the session. */
int group_run(struct group *g);
void group_reset(struct group *g);
void group_done(struct group *g);

/* --- doubt.c --- */

/* After FF_IN_DOUBT: marks the batches of the attempt that were committed. FF_DENIED:
 * the shard was taken meanwhile; other codes: it could not be read. */
int group_find_written(struct group *g, struct ff_err *err);

/* --- committer.c --- */

struct committer *committer_new(struct store *s);
void committer_close(struct committer *c); /* takes NULL */
bool committer_is_idle(const struct committer *c);

#endif
