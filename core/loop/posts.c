/* loop/posts.c - calls from any thread to the loop thread, in order. */
#include "loop/loop_priv.h"

#include "base/base.h"
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define KEEP_CAP 4096 /* calls; a longer list's memory is given back */

struct call {
    ff_call_fn *fn;
    void *arg;
};

struct calls {
    struct call *items;
    size_t n, cap;
};

struct posts {
    pthread_mutex_t mutex;
    struct calls waiting; /* by mutex */
    bool woken;           /* by mutex: waiting will be looked at */
    struct calls running; /* loop thread */
    struct event *event;  /* the eventfd, written by other threads */
    struct event *again;  /* loop thread: in the next round */
    int fd;
};

static void run(struct calls *calls)
{
    for (size_t i = 0; i < calls->n; i++)
        calls->items[i].fn(calls->items[i].arg);
    calls->n = 0;
    if (calls->cap > KEEP_CAP)
        ARRAY_DONE(calls);
}

/* The event is edge-triggered: each write to the eventfd is an edge, so its counter
 * needs no reading. What the calls post comes in the next round, after descriptors and
 * timers had their turn. */
static void on_woken(evutil_socket_t fd, short what, void *arg)
{
    struct posts *p = arg;

    (void)fd;
    (void)what;
    pthread_mutex_lock(&p->mutex);
    const struct calls swapped = p->waiting;

    p->waiting = p->running;
    p->running = swapped;
    p->woken = false;
    pthread_mutex_unlock(&p->mutex);
    run(&p->running);
}

struct posts *posts_new_virtual(void)
{
    struct posts *p = mem_alloc(sizeof(*p));

    pthread_mutex_init(&p->mutex, NULL);
    p->fd = -1;
    return p;
}

bool posts_run(struct posts *p)
{
    const bool any = p->waiting.n > 0;

    if (any)
        on_woken(-1, 0, p);
    return any;
}

struct posts *posts_new(struct event_base *base, struct ff_err *err)
{
    struct posts *p = mem_alloc(sizeof(*p));

    pthread_mutex_init(&p->mutex, NULL);
    p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->fd < 0) {
        ff_fail(err, FF_UNAVAILABLE, errno, "event loop: eventfd: %s", strerror(errno));
        posts_free(p);
        return NULL;
    }
    p->again = evtimer_new(base, on_woken, p);
    p->event = event_new(base, p->fd, EV_READ | EV_PERSIST | EV_ET, on_woken, p);
    if (!p->again || !p->event || event_add(p->event, NULL) != 0) {
        ff_fail(err, FF_UNAVAILABLE, errno,
                "event loop: the eventfd cannot be watched");
        posts_free(p);
        return NULL;
    }
    return p;
}

void posts_add(struct posts *p, bool on_loop_thread, ff_call_fn *fn, void *arg)
{
    const struct call call = {.fn = fn, .arg = arg};
    const uint64_t one = 1;

    pthread_mutex_lock(&p->mutex);
    const bool wake = !p->woken;

    ARRAY_ADD(&p->waiting, call);
    p->woken = true;
    pthread_mutex_unlock(&p->mutex);
    if (!wake || !p->event)
        return;
    if (on_loop_thread) {
        /* No system call. event_active would do without one too, but then calls that
         * post calls keep libevent in one round for ever. */
        evtimer_add(p->again, &(const struct timeval){0});
        return;
    }
    /* Fails only when 2^64 calls were counted. */
    const ssize_t ignored = write(p->fd, &one, sizeof(one));

    (void)ignored;
}

void posts_free(struct posts *p)
{
    if (!p)
        return;
    if (p->event)
        event_free(p->event);
    if (p->again)
        event_free(p->again);
    if (p->fd >= 0)
        close(p->fd);
    ARRAY_DONE(&p->waiting);
    ARRAY_DONE(&p->running);
    pthread_mutex_destroy(&p->mutex);
    mem_free(p);
}
