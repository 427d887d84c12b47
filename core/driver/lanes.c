/* driver/lanes.c - the worker threads behind host->work: a few for each loop, shared
 * by its driver instances, made when all that exist are busy.
 *
 * All but the counting happens on the loop thread; a call from another thread goes
 * there first. So there is no lock. */
#include "driver/driver_priv.h"

#define MAX_LANES 4

struct driver_lanes {
    struct list link;
    struct list jobs; /* under way, so that they can be found */
    struct loop *loop;
    size_t n_users;
    atomic_size_t n_jobs; /* counted where they are asked for, on any thread */
    size_t n;
    struct lane *lanes[MAX_LANES];
    size_t busy[MAX_LANES]; /* jobs that wait or run there */
};

struct job {
    struct list link;
    struct driver_lanes *lanes;
    size_t lane;
    ff_call_fn *fn;
    ff_call_fn *after;
    void *arg;
};

/* One for each loop with instances, and those that jobs still come back to. */
static struct list all = {&all, &all};

struct driver_lanes *driver_lanes_get(struct loop *l)
{
    struct driver_lanes *lanes;

    for (struct list *at = all.next; at != &all; at = at->next) {
        lanes = LIST_OF(at, struct driver_lanes, link);
        if (lanes->loop == l) {
            lanes->n_users++;
            return lanes;
        }
    }
    lanes = mem_alloc(sizeof(*lanes));
    lanes->loop = l;
    lanes->n_users = 1;
    list_init(&lanes->jobs);
    list_add_tail(&all, &lanes->link);
    return lanes;
}

static void settle(struct driver_lanes *lanes)
{
    if (lanes->n_users > 0 || atomic_load(&lanes->n_jobs) > 0)
        return;
    list_del(&lanes->link);
    mem_free(lanes);
}

void driver_lanes_put(struct driver_lanes *lanes)
{
    if (!lanes || --lanes->n_users > 0)
        return;
    for (size_t i = 0; i < lanes->n; i++)
        lane_free(lanes->lanes[i]);
    lanes->n = 0;
    /* The loop may go before its last calls came, and another take its address. */
    lanes->loop = NULL;
    settle(lanes);
}

static void run(void *arg)
{
    const struct job *job = arg;

    job->fn(job->arg);
}

static void finish(void *arg)
{
    struct job *job = arg;
    struct driver_lanes *lanes = job->lanes;

    lanes->busy[job->lane]--;
    atomic_fetch_sub(&lanes->n_jobs, 1);
    list_del(&job->link);
    if (job->after)
        job->after(job->arg);
    mem_free(job);
    settle(lanes);
}

static size_t idlest(const struct driver_lanes *lanes)
{
    size_t best = 0;

    for (size_t i = 1; i < lanes->n; i++)
        if (lanes->busy[i] < lanes->busy[best])
            best = i;
    return best;
}

static void grow(struct driver_lanes *lanes)
{
    struct ff_err err;
    struct lane *lane = lane_new(lanes->loop, "ff-driver", &err);

    if (lane)
        lanes->lanes[lanes->n++] = lane;
    else
        log_warn("driver: no further worker thread: %s", err.msg);
}

static void dispatch(void *arg)
{
    struct job *job = arg;
    struct driver_lanes *lanes = job->lanes;

    list_add_tail(&lanes->jobs, &job->link);
    if (lanes->loop && lanes->n < MAX_LANES &&
        (lanes->n == 0 || lanes->busy[idlest(lanes)] > 0))
        grow(lanes);
    if (lanes->n == 0) {
        /* No thread to be had, or the instance is gone: late and here beats never. */
        lanes->busy[0]++;
        run(job);
        finish(job);
        return;
    }
    job->lane = idlest(lanes);
    lanes->busy[job->lane]++;
    lane_do(lanes->lanes[job->lane], run, finish, job);
}

void driver_lanes_do(struct driver_lanes *lanes, ff_call_fn *fn, ff_call_fn *after,
                     void *arg)
{
    struct job *job = mem_alloc(sizeof(*job));

    *job = (struct job){.lanes = lanes, .fn = fn, .after = after, .arg = arg};
    list_init(&job->link);
    atomic_fetch_add(&lanes->n_jobs, 1);
    if (loop_is_thread(lanes->loop))
        dispatch(job);
    else
        loop_post(lanes->loop, dispatch, job);
}
