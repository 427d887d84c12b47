/* store/readers.c - the pool: who waits, who is at work, what comes back. All of it is
 * the loop thread's but what a lane is doing, so that there are no locks: a lane gets
 * one job, and the next when the loop has heard of the end of that one. */
#include "store/store_priv.h"

struct job {
    store_read_fn *read;
    ff_call_fn *done;
    void *arg;
};

struct worker {
    struct store_readers *pool;
    struct store_reader *reader;
    struct lane *lane;
    struct job job; /* while it is busy; borrowed by the lane */
    bool busy;
};

struct store_readers {
    struct loop *loop;
    struct worker *workers;
    size_t n_workers, n_busy;
    struct {
        struct job *items; /* a ring */
        size_t size, first, n;
    } waiting;
    size_t n_held;
    bool draining;
    ff_call_fn *drained; /* NULL: nobody is to be told, or he was */
    void *arg;
};

/* --- jobs --- */

static void on_lane(void *arg)
{
    const struct worker *w = arg;

    w->job.read(w->job.arg, w->reader);
}

static void on_done(void *arg);

static void begin(struct worker *w, struct job job)
{
    w->job = job;
    w->busy = true;
    w->pool->n_busy++;
    lane_do(w->lane, on_lane, on_done, w);
}

static void begin_next(struct worker *w)
{
    struct store_readers *p = w->pool;

    if (p->waiting.n == 0)
        return;
    const struct job job = p->waiting.items[p->waiting.first];

    p->waiting.first = (p->waiting.first + 1) % p->waiting.size;
    p->waiting.n--;
    begin(w, job);
}

/* Nothing that is the pool's is touched after that: it may be closed then. */
static void tell_drained(struct store_readers *p)
{
    ff_call_fn *drained = p->drained;

    if (p->n_busy > 0 || p->n_held > 0 || !drained)
        return;
    p->drained = NULL;
    loop_post(p->loop, drained, p->arg);
}

/* The next job goes before this one is answered: the lane and the loop work at the same
 * time. */
static void on_done(void *arg)
{
    struct worker *w = arg;
    struct store_readers *p = w->pool;
    const struct job job = w->job;

    w->busy = false;
    p->n_busy--;
    begin_next(w);
    job.done(job.arg);
    tell_drained(p);
}

static struct worker *idle_worker(struct store_readers *p)
{
    for (size_t i = 0; i < p->n_workers; i++)
        if (!p->workers[i].busy)
            return &p->workers[i];
    return NULL;
}

int store_readers_do(struct store_readers *p, store_read_fn *read, ff_call_fn *done,
                     void *arg, struct ff_err *err)
{
    const struct job job = {.read = read, .done = done, .arg = arg};
    struct worker *w = idle_worker(p);

    if (p->draining)
        return ff_fail(err, FF_CANCELLED, 0, "the readers of the store are closing");
    if (w) {
        begin(w, job);
        return FF_OK;
    }
    if (p->waiting.n == p->waiting.size)
        return ff_fail(err, FF_BUSY, 0,
                       "%zu requests read the store and %zu wait for it: try again in "
                       "a moment",
                       p->n_busy, p->waiting.n);
    p->waiting.items[(p->waiting.first + p->waiting.n) % p->waiting.size] = job;
    p->waiting.n++;
    return FF_OK;
}

void store_readers_hold(struct store_readers *p)
{
    p->n_held++;
}

void store_readers_release(struct store_readers *p)
{
    p->n_held--;
    tell_drained(p);
}

size_t store_readers_backlog(const struct store_readers *p)
{
    return p->n_busy + p->waiting.n;
}

/* --- opening --- */

static int check(const struct store_readers_setup *setup, struct ff_err *err)
{
    if (setup->n_lanes < 1 || setup->n_lanes > STORE_LANES_MAX ||
        setup->n_waiting > STORE_WAITING_MAX)
        return ff_fail(err, FF_INVALID, 0,
                       "%zu readers of the store and %zu that wait for them: give 1 to "
                       "%d, and at most %d",
                       setup->n_lanes, setup->n_waiting, STORE_LANES_MAX,
                       STORE_WAITING_MAX);
    return FF_OK;
}

static int open_worker(struct store_readers *p, struct store *s, const char *name,
                       struct ff_err *err)
{
    struct worker *w = &p->workers[p->n_workers];

    w->pool = p;
    w->reader = store_reader_open(s, err);
    if (!w->reader)
        return err->code;
    w->lane = lane_new(p->loop, name, err);
    if (w->lane) {
        p->n_workers++;
        return FF_OK;
    }
    store_reader_close(w->reader);
    return err->code;
}

static void pool_free(struct store_readers *p)
{
    for (size_t i = 0; i < p->n_workers; i++) {
        lane_free(p->workers[i].lane);
        store_reader_close(p->workers[i].reader);
    }
    mem_free(p->workers);
    mem_free(p->waiting.items);
    mem_free(p);
}

struct store_readers *store_readers_open(struct store *s,
                                         const struct store_readers_setup *setup,
                                         struct ff_err *err)
{
    if (check(setup, err) != FF_OK)
        return NULL;
    struct store_readers *p = mem_alloc(sizeof(*p));

    p->loop = s->loop;
    p->workers = mem_array(setup->n_lanes, sizeof(*p->workers));
    p->waiting.size = setup->n_waiting;
    p->waiting.items = mem_array(setup->n_waiting + 1, sizeof(*p->waiting.items));
    while (p->n_workers < setup->n_lanes)
        if (open_worker(p, s, setup->name, err) != FF_OK) {
            pool_free(p);
            return NULL;
        }
    return p;
}

/* --- closing --- */

void store_readers_drain(struct store_readers *p, ff_call_fn *fn, void *arg)
{
    p->draining = true;
    p->drained = fn;
    p->arg = arg;
    tell_drained(p);
}

static void stop_loop(void *arg)
{
    loop_stop(arg, 0);
}

void store_readers_close(struct store_readers *p)
{
    if (!p)
        return;
    if (p->n_busy > 0 || p->n_held > 0) {
        store_readers_drain(p, stop_loop, p->loop);
        loop_run(p->loop);
    }
    pool_free(p);
}
