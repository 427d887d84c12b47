/* store/readers.c - the pool: who waits, who is at work, what comes back. Lanes take
 * the next job themselves, so that a loop that has much else to do does not keep them
 * from work: only the jobs that wait, and who sleeps, are shared with them. */
#include "store/store_priv.h"

struct job {
    struct list link;
    struct store_readers *pool;
    store_read_fn *read;
    ff_call_fn *done;
    void *arg;
};

struct worker {
    struct store_readers *pool;
    struct store_reader *reader;
    struct lane *lane;
    bool awake; /* by mutex: it looks for a job before it sleeps */
};

struct store_readers {
    struct loop *loop;
    struct worker *workers;
    size_t n_workers;
    pthread_mutex_t mutex;
    struct list waiting; /* by mutex: struct job */
    /* The loop thread's: */
    size_t n_max;
    size_t n_given; /* and not answered */
    size_t n_held;
    bool draining;
    ff_call_fn *drained; /* NULL: nobody is to be told, or he was */
    void *arg;
};

/* --- on a lane --- */

static struct job *next_job(struct worker *w)
{
    struct store_readers *p = w->pool;

    pthread_mutex_lock(&p->mutex);
    struct list *link = list_first(&p->waiting);

    if (link)
        list_del(link);
    else
        w->awake = false;
    pthread_mutex_unlock(&p->mutex);
    return link ? LIST_OF(link, struct job, link) : NULL;
}

static void on_done(void *arg);

static void on_lane(void *arg)
{
    struct worker *w = arg;
    struct job *job;

    while ((job = next_job(w))) {
        job->read(job->arg, w->reader);
        loop_post(w->pool->loop, on_done, job);
    }
}

/* --- on the loop --- */

/* Nothing that is the pool's is touched after that: it may be closed then. */
static void tell_drained(struct store_readers *p)
{
    ff_call_fn *drained = p->drained;

    if (p->n_given > 0 || p->n_held > 0 || !drained)
        return;
    p->drained = NULL;
    loop_post(p->loop, drained, p->arg);
}

static void on_done(void *arg)
{
    struct job *job = arg;
    struct store_readers *p = job->pool;

    p->n_given--;
    job->done(job->arg);
    mem_free(job);
    tell_drained(p);
}

/* One that sleeps, to be woken; NULL: all of them look before they do. */
static struct worker *wait_in_line(struct store_readers *p, struct job *job)
{
    struct worker *sleeper = NULL;

    pthread_mutex_lock(&p->mutex);
    list_add_tail(&p->waiting, &job->link);
    for (size_t i = 0; i < p->n_workers && !sleeper; i++)
        if (!p->workers[i].awake)
            sleeper = &p->workers[i];
    if (sleeper)
        sleeper->awake = true;
    pthread_mutex_unlock(&p->mutex);
    return sleeper;
}

int store_readers_do(struct store_readers *p, store_read_fn *read, ff_call_fn *done,
                     void *arg, struct ff_err *err)
{
    if (p->draining)
        return ff_fail(err, FF_CANCELLED, 0, "the readers of the store are closing");
    if (p->n_given == p->n_max)
        return ff_fail(err, FF_BUSY, 0,
                       "%zu requests read the store or wait for it: try again in a "
                       "moment",
                       p->n_given);
    struct job *job = mem_alloc(sizeof(*job));

    *job = (struct job){.pool = p, .read = read, .done = done, .arg = arg};
    p->n_given++;

    struct worker *w = wait_in_line(p, job);

    if (w)
        lane_do(w->lane, on_lane, NULL, w);
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
    return p->n_given;
}

struct store_readers_counts store_readers_counts(struct store_readers *p)
{
    struct store_readers_counts n = {.n_lanes = p->n_workers};

    pthread_mutex_lock(&p->mutex);
    for (size_t i = 0; i < p->n_workers; i++)
        n.n_busy += p->workers[i].awake;
    for (const struct list *l = p->waiting.next; l != &p->waiting; l = l->next)
        n.n_waiting++;
    pthread_mutex_unlock(&p->mutex);
    return n;
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
    pthread_mutex_destroy(&p->mutex);
    mem_free(p->workers);
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
    p->n_max = setup->n_lanes + setup->n_waiting;
    pthread_mutex_init(&p->mutex, NULL);
    list_init(&p->waiting);
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
    if (p->n_given > 0 || p->n_held > 0) {
        store_readers_drain(p, stop_loop, p->loop);
        loop_run(p->loop);
    }
    pool_free(p);
}
