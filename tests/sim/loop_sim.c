/* loop_sim.c - loop.h in virtual time: one heap of events for all processes of the
 * simulation, in the order of their time.
 *
 * A lane is a queue of delayed events; its work happens at one moment, and the rest of
 * the process hears of it later, so a crash can fall between. A paused process keeps
 * its events until it goes on; a dead one loses them. */
#include "sim.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define TURN_US 50 /* most of the time between a post and its turn */

struct sim_event {
    struct heap_item item; /* first: the heap gives it back */
    struct loop *loop;     /* NULL: the world's */
    ff_call_fn *fn;        /* NULL: deleted while its process was paused */
    void *arg;
    struct loop_timer **slot;
};

struct call {
    ff_call_fn *fn;
    void *arg;
};

struct loop {
    int node;
    int64_t skew_us;
    uint64_t n_events;
    bool dead, paused, turn_set, stopped;
    int result;
    struct stack *apart; /* a call that waits in loop_run; or NULL */
    struct {
        struct call *items;
        size_t n, cap;
    } posts;
    struct {
        struct sim_event **items;
        size_t n, cap;
    } frozen;
};

static struct heap events;

/* --- events --- */

static struct sim_event *add_event(struct loop *l, int64_t delay_us, ff_call_fn *fn,
                                   void *arg)
{
    struct sim_event *e = mem_alloc(sizeof(*e));

    e->loop = l;
    e->fn = fn;
    e->arg = arg;
    e->item.when = sim.now + (delay_us > 0 ? delay_us : 0);
    heap_add(&events, &e->item);
    return e;
}

void sim_at(struct loop *l, int64_t delay_us, ff_call_fn *fn, void *arg)
{
    add_event(l, delay_us, fn, arg);
}

static void fire(struct sim_event *e)
{
    ff_call_fn *fn = e->fn;
    void *arg = e->arg;

    if (e->slot)
        *e->slot = NULL;
    sim.loop = e->loop;
    if (e->loop)
        e->loop->n_events++;
    mem_free(e);
    if (fn)
        fn(arg);
    sim.loop = NULL;
}

/* A call that waits in loop_run of this loop goes on where an event has stopped it. */
static void go_on(struct loop *l)
{
    if (!l || !l->apart || !l->stopped || l->dead || l->paused)
        return;
    sim.loop = l;
    if (stack_go(l->apart))
        l->apart = NULL;
    sim.loop = NULL;
}

void sim_apart(struct loop *l, ff_call_fn *fn, void *arg)
{
    sim_check(!l->apart, "two calls wait in one loop");
    l->apart = stack_new(fn, arg);
    l->stopped = false;
    if (stack_go(l->apart))
        l->apart = NULL;
}

int64_t sim_next_at(void)
{
    const struct heap_item *first = heap_first(&events);

    return first ? first->when : INT64_MAX;
}

bool sim_step(void)
{
    struct heap_item *first = heap_first(&events);
    struct sim_event *e = (struct sim_event *)(void *)first;

    if (!e)
        return false;
    struct loop *l = e->loop;
    heap_del(&events, first);
    sim.due = first->when;
    if (first->when > sim.now)
        sim.now = first->when;
    sim.n_events++;
    if (e->loop && e->loop->dead)
        mem_free(e);
    else if (e->loop && e->loop->paused)
        ARRAY_ADD(&e->loop->frozen, e);
    else
        fire(e);
    go_on(l);
    return true;
}

void sim_spend(int64_t us)
{
    sim.now += us;
}

void sim_hold_up(int64_t us)
{
    sim_spend(us);
    nodes_held_up();
}

/* store/shard.c waits with it between two tries of a blocking commit. */
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    (void)left;
    sim_spend(wanted->tv_sec * UNITS_SECOND + wanted->tv_nsec / 1000);
    return 0;
}

/* exec/artifacts.c between two tries of a put. */
int __wrap_usleep(useconds_t us);
int __wrap_usleep(useconds_t us)
{
    sim_hold_up(us);
    return 0;
}

/* --- loops --- */

struct loop *loop_new(struct ff_err *err)
{
    (void)err;
    return mem_alloc(sizeof(struct loop));
}

void sim_loop_init(struct loop *l, int node, int64_t skew_us)
{
    l->node = node;
    l->skew_us = skew_us;
}

/* Its memory stays: events may still name it. */
void loop_free(struct loop *l)
{
    if (l)
        sim_loop_kill(l);
}

void sim_loop_kill(struct loop *l)
{
    l->dead = true;
    for (size_t i = 0; i < l->frozen.n; i++)
        mem_free(l->frozen.items[i]);
    ARRAY_DONE(&l->frozen);
    ARRAY_DONE(&l->posts);
}

void sim_loop_pause(struct loop *l)
{
    l->paused = true;
}

void sim_loop_resume(struct loop *l)
{
    l->paused = false;
    for (size_t i = 0; i < l->frozen.n; i++) {
        struct sim_event *e = l->frozen.items[i];
        e->item.when = sim.now;
        heap_add(&events, &e->item);
    }
    l->frozen.n = 0;
}

bool sim_loop_is_dead(const struct loop *l)
{
    return l->dead;
}

bool sim_loop_is_paused(const struct loop *l)
{
    return l->paused;
}

void sim_loop_set_clock(struct loop *l, int64_t skew_us)
{
    l->skew_us = skew_us;
}

int sim_loop_node(const struct loop *l)
{
    return l->node;
}

uint64_t sim_loop_events(const struct loop *l)
{
    return l->n_events;
}

int loop_run(struct loop *l)
{
    while (!l->stopped)
        stack_wait();
    l->stopped = false;
    return l->result;
}

void loop_stop(struct loop *l, int result)
{
    l->stopped = true;
    l->result = result;
}

int64_t loop_wall_us(struct loop *l)
{
    return SIM_EPOCH_US + sim.now + l->skew_us;
}

int64_t loop_mono_us(struct loop *l)
{
    (void)l;
    return sim.now;
}

uint64_t loop_random(struct loop *l)
{
    (void)l;
    return rand_next(&sim.streams[RAND_IDS]);
}

bool loop_is_thread(const struct loop *l)
{
    return sim.loop == l && !sim.on_lane;
}

/* --- descriptors: there are none --- */

struct loop_watch *loop_watch_add(struct loop *l, int fd, uint32_t wanted, ff_fd_fn *fn,
                                  void *arg)
{
    (void)l;
    (void)fd;
    (void)wanted;
    (void)fn;
    (void)arg;
    return NULL;
}

void loop_watch_set(struct loop_watch *w, uint32_t wanted)
{
    (void)w;
    (void)wanted;
}

void loop_watch_del(struct loop_watch *w)
{
    (void)w;
}

struct event_base *loop_event_base(struct loop *l)
{
    (void)l;
    return NULL;
}

/* --- timers --- */

struct loop_timer *loop_timer_add(struct loop *l, int64_t delay_us, ff_call_fn *fn,
                                  void *arg, struct loop_timer **slot)
{
    struct sim_event *e = add_event(l, delay_us, fn, arg);

    e->slot = slot;
    if (slot)
        *slot = (struct loop_timer *)(void *)e;
    return (struct loop_timer *)(void *)e;
}

void loop_timer_del(struct loop_timer *t)
{
    struct sim_event *e = (struct sim_event *)(void *)t;

    if (!e)
        return;
    if (e->slot)
        *e->slot = NULL;
    if (e->item.at == 0) { /* frozen with its process */
        e->fn = NULL;
        e->slot = NULL;
        return;
    }
    heap_del(&events, &e->item);
    mem_free(e);
}

/* --- posts --- */

static void turn(void *arg)
{
    struct loop *l = arg;
    struct call *calls = l->posts.items;
    const size_t n = l->posts.n;

    l->turn_set = false;
    l->posts.items = NULL;
    l->posts.n = l->posts.cap = 0;
    for (size_t i = 0; i < n && !l->dead; i++)
        calls[i].fn(calls[i].arg);
    mem_free(calls);
}

void loop_post(struct loop *l, ff_call_fn *fn, void *arg)
{
    const struct call call = {.fn = fn, .arg = arg};

    if (l->dead)
        return;
    ARRAY_ADD(&l->posts, call);
    if (l->turn_set)
        return;
    l->turn_set = true;
    add_event(l, sim_between(RAND_LOOP, 0, TURN_US), turn, l);
}

/* --- lanes --- */

struct job {
    ff_call_fn *fn, *after;
    void *arg;
};

struct lane {
    struct loop *loop;
    struct {
        struct job *items;
        size_t n, cap;
    } jobs;
    bool busy, closed;
};

struct lane *lane_new(struct loop *l, const char *name, struct ff_err *err)
{
    struct lane *ln = mem_alloc(sizeof(*ln));

    (void)name;
    (void)err;
    ln->loop = l;
    return ln;
}

static int64_t lane_delay(void)
{
    return sim_between(RAND_LOOP, 0, sim.o.lane_us) + host_link_delay();
}

static struct job take_job(struct lane *ln)
{
    const struct job job = ln->jobs.items[0];

    memmove(ln->jobs.items, ln->jobs.items + 1, --ln->jobs.n * sizeof(job));
    return job;
}

static void run_job(const struct lane *ln, const struct job *job)
{
    struct loop *before = sim.loop;
    const bool was = sim.on_lane;

    sim.loop = ln->loop;
    sim.on_lane = true;
    job->fn(job->arg);
    sim.on_lane = was;
    sim.loop = before;
}

struct told {
    struct lane *lane;
    struct job job;
};

static void work(void *arg);

static void tell(void *arg)
{
    struct told *told = arg;
    struct lane *ln = told->lane;

    if (told->job.after)
        loop_post(ln->loop, told->job.after, told->job.arg);
    mem_free(told);
    ln->busy = false;
    if (ln->jobs.n > 0 && !ln->closed) {
        ln->busy = true;
        add_event(ln->loop, lane_delay(), work, ln);
    }
}

static void work(void *arg)
{
    struct lane *ln = arg;

    if (ln->closed || ln->jobs.n == 0)
        return; /* lane_free did it */
    struct told *told = mem_alloc(sizeof(*told));
    told->lane = ln;
    told->job = take_job(ln);
    run_job(ln, &told->job);
    add_event(ln->loop, lane_delay(), tell, told);
}

void lane_do(struct lane *ln, ff_call_fn *fn, ff_call_fn *after, void *arg)
{
    const struct job job = {.fn = fn, .after = after, .arg = arg};

    ARRAY_ADD(&ln->jobs, job);
    if (ln->busy)
        return;
    ln->busy = true;
    add_event(ln->loop, lane_delay(), work, ln);
}

void lane_free(struct lane *ln)
{
    if (!ln)
        return;
    while (ln->jobs.n > 0) {
        const struct job job = take_job(ln);
        run_job(ln, &job);
        if (job.after)
            loop_post(ln->loop, job.after, job.arg);
    }
    ARRAY_DONE(&ln->jobs);
    ln->closed = true; /* an event may still name it */
}
