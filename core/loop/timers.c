/* loop/timers.c - the pending timers: a heap behind one timerfd, so that they come in
 * exact order, to the microsecond, and cost a system call only when the first changes.
 * libevent's own timers round up to its coarse clock, 4 ms here and there. */
#include "loop/loop_priv.h"

#include "base/base.h"
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* So many at most before descriptors and posts have their turn again. */
#define BATCH 1024

#define NOT_ARMED INT64_MAX

struct loop_timer {
    struct heap_item item;
    struct timers *timers;
    struct loop_timer **slot;
    ff_call_fn *fn;
    void *arg;
};

struct timers {
    struct heap heap;
    int64_t armed_us; /* when the timerfd will wake us; NOT_ARMED: never */
    bool firing;      /* it is set once, after the batch */
    struct event *event;
    int fd;
    int64_t *virtual_us; /* NULL: the time is the machine's */
};

int64_t mono_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t now_of(const struct timers *t)
{
    return t->virtual_us ? *t->virtual_us : mono_now_us();
}

static struct loop_timer *first_of(const struct timers *t)
{
    return (struct loop_timer *)(void *)heap_first(&t->heap); /* item comes first */
}

/* Waking for a timer that was deleted meanwhile does no harm and happens once; taking
 * it back would cost a system call for every timeout that did not come to pass. */
static void arm(struct timers *t)
{
    const struct loop_timer *first = first_of(t);

    if (t->virtual_us || t->firing || !first || first->item.when >= t->armed_us)
        return;
    const int64_t when = first->item.when;
    const struct itimerspec spec = {
        .it_value = {.tv_sec = when / 1000000, .tv_nsec = when % 1000000 * 1000}};

    timerfd_settime(t->fd, TFD_TIMER_ABSTIME, &spec, NULL);
    t->armed_us = when;
}

static void fire(struct loop_timer *timer)
{
    ff_call_fn *const fn = timer->fn;
    void *const arg = timer->arg;

    loop_timer_del(timer);
    fn(arg);
}

/* Edge-triggered, as each setting of the timerfd makes a new edge: no reading. */
static void on_due(evutil_socket_t fd, short what, void *arg)
{
    struct timers *t = arg;
    const int64_t now_us = mono_now_us();

    (void)fd;
    (void)what;
    t->armed_us = NOT_ARMED;
    t->firing = true;
    for (int i = 0; i < BATCH; i++) {
        struct loop_timer *first = first_of(t);

        if (!first || first->item.when > now_us)
            break;
        fire(first);
    }
    t->firing = false;
    arm(t);
}

struct timers *timers_new(struct event_base *base, struct ff_err *err)
{
    struct timers *t = mem_alloc(sizeof(*t));

    t->armed_us = NOT_ARMED;
    t->fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (t->fd < 0) {
        ff_fail(err, FF_UNAVAILABLE, errno, "event loop: timerfd: %s", strerror(errno));
        timers_free(t);
        return NULL;
    }
    t->event = event_new(base, t->fd, EV_READ | EV_PERSIST | EV_ET, on_due, t);
    if (!t->event || event_add(t->event, NULL) != 0) {
        ff_fail(err, FF_UNAVAILABLE, errno,
                "event loop: the timerfd cannot be watched");
        timers_free(t);
        return NULL;
    }
    return t;
}

struct timers *timers_new_virtual(int64_t *now_us)
{
    struct timers *t = mem_alloc(sizeof(*t));

    t->fd = -1;
    t->virtual_us = now_us;
    return t;
}

bool timers_fire_next(struct timers *t)
{
    struct loop_timer *first = first_of(t);

    if (!first)
        return false;
    if (first->item.when > *t->virtual_us)
        *t->virtual_us = first->item.when;
    fire(first);
    return true;
}

struct loop_timer *timers_add(struct timers *t, int64_t delay_us, ff_call_fn *fn,
                              void *arg, struct loop_timer **slot)
{
    struct loop_timer *timer = mem_alloc(sizeof(*timer));

    *timer = (struct loop_timer){.timers = t, .slot = slot, .fn = fn, .arg = arg};
    if (delay_us < 0)
        delay_us = 0;
    if (__builtin_add_overflow(now_of(t), delay_us, &timer->item.when))
        timer->item.when = NOT_ARMED - 1;
    heap_add(&t->heap, &timer->item);
    if (slot)
        *slot = timer;
    arm(t);
    return timer;
}

void loop_timer_del(struct loop_timer *timer)
{
    if (!timer)
        return;
    heap_del(&timer->timers->heap, &timer->item);
    if (timer->slot)
        *timer->slot = NULL;
    mem_free(timer);
}

void timers_free(struct timers *t)
{
    if (!t)
        return;
    /* Their slots are left alone: who set them may be gone already. */
    for (struct loop_timer *timer = first_of(t); timer; timer = first_of(t)) {
        heap_del(&t->heap, &timer->item);
        mem_free(timer);
    }
    heap_done(&t->heap);
    if (t->event)
        event_free(t->event);
    if (t->fd >= 0)
        close(t->fd);
    mem_free(t);
}
