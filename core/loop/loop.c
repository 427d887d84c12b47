/* loop/loop.c - the loop itself on libevent: running, clocks, descriptors. Timers,
 * posts and lanes are files of their own. */
#include "loop/loop.h"

#include "base/base.h"
#include "loop/loop_priv.h"
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define POOL_WORDS 64 /* one getrandom for so many loop_random */

struct loop {
    struct event_base *base;
    struct posts *posts;
    struct timers *timers;
    _Atomic pthread_t thread;
    atomic_bool running; /* on that thread */
    _Atomic int64_t wall_lead;
    bool stop;
    int result;
    bool is_virtual;
    int64_t virtual_us; /* since the loop was made */
    int64_t epoch_us;   /* wall time of that */
    struct rand rand;

    pthread_mutex_t random_mutex;
    uint64_t random[POOL_WORDS]; /* by random_mutex, as n_random */
    size_t n_random;
};

struct loop_watch {
    struct event *event;
    ff_fd_fn *fn;
    void *arg;
};

static void on_libevent_log(int severity, const char *msg)
{
    log_line(severity >= EVENT_LOG_WARN ? LOG_WARN : LOG_DEBUG, "libevent", "%s", msg);
}

static void *alloc_plain(size_t size)
{
    return mem_grow(NULL, size, 1);
}

static void *alloc_again(void *old, size_t size)
{
    return mem_grow(old, size, 1);
}

/* For the whole process, and before libevent allocates anything. */
static void set_up_libevent(void)
{
    event_set_mem_functions(alloc_plain, alloc_again, mem_free);
    event_set_log_callback(on_libevent_log);
}

/* No locks: nothing of libevent is called from two threads. No cached time: a timeout
 * begins when it is asked for, not when its round began. */
static struct event_base *base_new(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, set_up_libevent);
    struct event_config *config = event_config_new();

    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV |
                                      EVENT_BASE_FLAG_NO_CACHE_TIME);
    event_config_require_features(config, EV_FEATURE_ET);
    struct event_base *base = event_base_new_with_config(config);

    event_config_free(config);
    return base;
}

struct loop *loop_new(struct ff_err *err)
{
    struct loop *l = mem_alloc(sizeof(*l));

    pthread_mutex_init(&l->random_mutex, NULL);
    atomic_store(&l->thread, pthread_self());
    l->base = base_new();
    if (!l->base) {
        ff_fail(err, FF_UNAVAILABLE, errno, "event loop: %s", strerror(errno));
        loop_free(l);
        return NULL;
    }
    l->posts = posts_new(l->base, err);
    if (l->posts)
        l->timers = timers_new(l->base, err);
    if (!l->timers) {
        loop_free(l);
        return NULL;
    }
    return l;
}

struct loop *loop_new_virtual(int64_t wall_us, uint64_t seed)
{
    struct loop *l = mem_alloc(sizeof(*l));

    pthread_mutex_init(&l->random_mutex, NULL);
    atomic_store(&l->thread, pthread_self());
    l->is_virtual = true;
    l->epoch_us = wall_us;
    rand_seed(&l->rand, seed);
    l->posts = posts_new_virtual();
    l->timers = timers_new_virtual(&l->virtual_us);
    return l;
}

bool loop_is_virtual(const struct loop *l)
{
    return l->is_virtual;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    timers_free(l->timers);
    posts_free(l->posts);
    if (l->base)
        event_base_free(l->base);
    pthread_mutex_destroy(&l->random_mutex);
    explicit_bzero(l->random, sizeof(l->random));
    mem_free(l);
}

/* One timer at a time: what it posts comes before the next, at the same moment. */
static void run_virtual(struct loop *l)
{
    while (!l->stop)
        if (!posts_run(l->posts) && !timers_fire_next(l->timers))
            loop_stop(l, FF_NOT_FOUND);
}

int loop_run(struct loop *l)
{
    atomic_store(&l->thread, pthread_self());
    atomic_store(&l->running, true);
    if (l->is_virtual)
        run_virtual(l);
    while (!l->stop)
        if (event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0) {
            log_error("event loop: %s", strerror(errno));
            loop_stop(l, FF_INTERNAL);
        }
    l->stop = false;
    atomic_store(&l->running, false);
    return l->result;
}

void loop_stop(struct loop *l, int result)
{
    l->stop = true;
    l->result = result;
    if (l->base)
        event_base_loopbreak(l->base);
}

int64_t loop_mono_us(struct loop *l)
{
    return l->is_virtual ? l->virtual_us : mono_now_us();
}

int64_t loop_wall_us(struct loop *l)
{
    struct timespec now;

    if (l->is_virtual)
        return l->epoch_us + l->virtual_us;
    const int64_t mono_us = mono_now_us();
    clock_gettime(CLOCK_REALTIME, &now);
    return wall_smooth(&l->wall_lead,
                       (int64_t)now.tv_sec * UNITS_SECOND + now.tv_nsec / 1000,
                       mono_us);
}

uint64_t loop_random(struct loop *l)
{
    if (l->is_virtual)
        return rand_next(&l->rand);
    pthread_mutex_lock(&l->random_mutex);
    if (l->n_random == 0) {
        rand_system(l->random, sizeof(l->random));
        l->n_random = POOL_WORDS;
    }
    const uint64_t word = l->random[--l->n_random];

    l->random[l->n_random] = 0; /* what was given out is not kept */
    pthread_mutex_unlock(&l->random_mutex);
    return word;
}

bool loop_is_thread(const struct loop *l)
{
    return pthread_equal(atomic_load(&l->thread), pthread_self());
}

void loop_post(struct loop *l, ff_call_fn *fn, void *arg)
{
    /* While it does not run yet, the thread that will run it is not known. */
    const bool inside = atomic_load(&l->running) && loop_is_thread(l);

    posts_add(l->posts, inside, fn, arg);
}

struct loop_timer *loop_timer_add(struct loop *l, int64_t delay_us, ff_call_fn *fn,
                                  void *arg, struct loop_timer **slot)
{
    return timers_add(l->timers, delay_us, fn, arg, slot);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    const struct loop_watch *w = arg;

    w->fn(w->arg, fd,
          (what & EV_READ ? FF_FD_READ : 0U) | (what & EV_WRITE ? FF_FD_WRITE : 0U));
}

static short to_libevent(uint32_t events)
{
    return (short)(EV_PERSIST | (events & FF_FD_READ ? EV_READ : 0) |
                   (events & FF_FD_WRITE ? EV_WRITE : 0));
}

struct loop_watch *loop_watch_add(struct loop *l, int fd, uint32_t events, ff_fd_fn *fn,
                                  void *arg)
{
    if (l->is_virtual)
        return NULL;
    struct loop_watch *w = mem_alloc(sizeof(*w));

    *w = (struct loop_watch){.fn = fn, .arg = arg};
    w->event = event_new(l->base, fd, to_libevent(events), on_ready, w);
    if (events && event_add(w->event, NULL) != 0) {
        loop_watch_del(w);
        return NULL;
    }
    return w;
}

void loop_watch_set(struct loop_watch *w, uint32_t events)
{
    const short wanted = to_libevent(events);

    if (wanted == event_get_events(w->event) &&
        (events == 0 || event_pending(w->event, EV_READ | EV_WRITE, NULL)))
        return;
    struct event_base *base = event_get_base(w->event);
    const int fd = event_get_fd(w->event);

    event_del(w->event);
    event_assign(w->event, base, fd, wanted, on_ready, w);
    if (events && event_add(w->event, NULL) != 0)
        log_warn("event loop: descriptor %d cannot be watched: %s", fd,
                 strerror(errno));
}

void loop_watch_del(struct loop_watch *w)
{
    if (!w)
        return;
    event_free(w->event);
    mem_free(w);
}

struct event_base *loop_event_base(struct loop *l)
{
    return l->base;
}
