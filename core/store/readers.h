/* store/readers.h - a pool of readers: what has to read, and may take its time, does so
 * beside the loop.
 *
 * A job is two functions. The first runs on one of the pool's lanes, with a reader that
 * no other job has meanwhile, and may block: it reads, parses, writes files, plans a
 * batch. The second runs on the loop thread when the first is done: it answers, or
 * hands the batch to store_commit. Jobs begin in the order in which they were given;
 * those that run at the same time end in any.
 *
 * So many run as there are lanes, and so many wait as was said: one more is refused at
 * once, which is where a server says "busy, come again" instead of growing. */
#ifndef STORE_READERS_H
#define STORE_READERS_H

#include "loop/loop.h"

struct store;
struct store_reader;
struct store_readers;

#define STORE_LANES_MAX   64
#define STORE_WAITING_MAX 65536

struct store_readers_setup {
    const char *name; /* of the threads, at most 15 letters */
    size_t n_lanes;   /* 1 to STORE_LANES_MAX: a thread and a session each */
    size_t n_waiting; /* jobs that may wait; 0 to STORE_WAITING_MAX */
};

/* Loop thread; the store must outlive it. Blocks while it opens its readers. NULL with
 * a sentence. */
struct store_readers *store_readers_open(struct store *s,
                                         const struct store_readers_setup *setup,
                                         struct ff_err *err);

/* On a lane; the reader is the job's until this returns. */
typedef void store_read_fn(void *arg, struct store_reader *reader);

/* Loop thread. FF_OK: `read` will be called, and then `done`, exactly once, neither
 * from inside this call. Otherwise neither ever is: FF_BUSY: as many wait as may;
 * FF_CANCELLED: the pool is being drained. `done` may give more jobs. */
int store_readers_do(struct store_readers *p, store_read_fn *read, ff_call_fn *done,
                     void *arg, struct ff_err *err);

/* Jobs that were given and have not been answered: for back-pressure and metrics. */
size_t store_readers_backlog(const struct store_readers *p);

/* How it stands: threads, those of them at work, and jobs that wait for one. */
struct store_readers_counts {
    size_t n_lanes, n_busy, n_waiting;
};
struct store_readers_counts store_readers_counts(struct store_readers *p);

/* Loop thread. Whoever has more to ask when something else comes back holds the pool
 * meanwhile: it is not drained before that was released. */
void store_readers_hold(struct store_readers *p);
void store_readers_release(struct store_readers *p);

/* Loop thread. Takes no more jobs; calls fn when those that were taken are answered, at
 * once (but never from inside) if there are none. Then the pool may be closed, from fn,
 * too. */
void store_readers_drain(struct store_readers *p, ff_call_fn *fn, void *arg);

/* Takes NULL. Runs the loop until all that was taken is answered, if anything is left
 * (so not from a callback of the loop then; who waits for a drain is not told). */
void store_readers_close(struct store_readers *p);

#endif
