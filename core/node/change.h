/* node/change.h - how what people ask for becomes durable: it is planned, then
 * committed.
 *
 * A plan reads and judges, and adds rows to a batch; it blocks, changes nothing by
 * itself, and may be made again from the start when somebody else was faster. The
 * functions node_plan_X (node.h, schedule.h) are plans, or parts of them: who has more
 * rows for the same commit (of an audit log, of a key that makes a request idempotent)
 * writes a node_plan_fn that adds them, too.
 *
 * A commit is either one of its own, for which the caller waits (the command line), or
 * shared with all that are asked for at the same time (a server). */
#ifndef NODE_CHANGE_H
#define NODE_CHANGE_H

#include "store/store.h"

struct node;
struct zones;

/* What a plan is made with. All of it is the plan's alone while it runs. */
struct node_plan {
    struct node *node;
    struct store_reader *reader;
    struct batch *batch; /* gets the rows; empty at first */
    struct zones *zones; /* of the node room */
    int tries;    /* before this one, which were refused: what was read was changed by
                   * others, so all of it is to be read again */
    bool doubted; /* one of them may have been carried out. Who can, finds out; who
                   * cannot ends with FF_IN_DOUBT. The functions node_plan_X do so */
    bool *keep;   /* set it to have the batch committed though the plan has failed, when
                   * it holds nothing but the audit row of who was denied what */
    bool *alone; /* set it where others of this process who set it change the same rows:
                  * they take turns, else most of them would plan for nothing */
};

/* FF_OK: the batch is to be committed; it may be empty, then that is all. Other codes:
 * nothing is committed (but see `keep`), and that is the answer. `arg` is nobody else's
 * until the change is over. */
typedef int node_plan_fn(void *arg, const struct node_plan *p, struct ff_err *err);

/* Plans and commits, and plans again when others were faster. Blocking; with
 * STORE_READER_CALLER, and as store_commit_now. The owner must be woken after it. */
int node_change_now(struct node *n, node_plan_fn *plan, void *arg, struct ff_err *err);

/* The same beside the loop: planned on a lane of the pool, and committed with others.
 * Loop thread. FF_OK: `done` will be called once, on the loop thread, never from inside
 * this; the pool is not drained before. Otherwise it never is: FF_BUSY: as many wait as
 * may, or commits do not keep up; FF_CANCELLED: the pool is being drained; FF_FULL,
 * FF_UNAVAILABLE and so on: commits do not get through at present (store_health).
 *
 * Of done: FF_OK: durable, and if this process leads it has been woken (else whoever
 * leads must be). FF_BUSY: others were faster all the time, or there was no room to
 * plan again. FF_IN_DOUBT: nobody can say. FF_UNAVAILABLE: also when this process has
 * lost its shard. FF_CANCELLED: the store or the pool was closed first. The plan's own
 * answers; err is NULL with FF_OK. */
typedef void node_changed_fn(void *arg, int code, const struct ff_err *err);
int node_change(struct node *n, struct store_readers *pool, node_plan_fn *plan,
                void *arg, node_changed_fn *done, struct ff_err *err);

#endif
