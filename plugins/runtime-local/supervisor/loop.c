/* loop.c - epoll and a binary heap of timers, see loop.h. */
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#define MAX_EVENTS 64

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t mono_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

int64_t wall_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

bool loop_init(struct loop *loop)
{
    *loop =
        (struct loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC), .now_us = mono_us()};
    return loop->epoll_fd >= 0 && loop_reserve_timers(loop, 64);
}

bool loop_watch(struct loop *loop, struct source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, source->fd, &event))
        return false;
    source->watched = true;
    return true;
}

void loop_events(struct loop *loop, struct source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event);
}

void loop_unwatch(struct loop *loop, struct source *source)
{
    if (source->watched)
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
    source->watched = false;
}

bool loop_reserve_timers(struct loop *loop, size_t n)
{
    if (n <= loop->heap_cap)
        return true;
    size_t cap = loop->heap_cap ? loop->heap_cap : 64;
    while (cap < n)
        cap *= 2;
    struct timer **heap = realloc(loop->heap, cap * sizeof(struct timer *));
    if (!heap)
        return false;
    loop->heap = heap;
    loop->heap_cap = cap;
    return true;
}

static void place(struct loop *loop, struct timer *timer, size_t at)
{
    loop->heap[at - 1] = timer;
    timer->place = at;
}

static void sift(struct loop *loop, struct timer *timer, size_t at)
{
    while (at > 1 && loop->heap[at / 2 - 1]->due_us > timer->due_us) {
        place(loop, loop->heap[at / 2 - 1], at);
        at /= 2;
    }
    for (;;) {
        size_t child = at * 2;
        if (child > loop->n_timers)
            break;
        if (child < loop->n_timers &&
            loop->heap[child]->due_us < loop->heap[child - 1]->due_us)
            child++;
        if (loop->heap[child - 1]->due_us >= timer->due_us)
            break;
        place(loop, loop->heap[child - 1], at);
        at = child;
    }
    place(loop, timer, at);
}

void loop_timer(struct loop *loop, struct timer *timer, int64_t due_us)
{
    timer->due_us = due_us;
    if (!timer->place) {
        if (loop->n_timers == loop->heap_cap)
            abort(); /* the owner did not reserve */
        timer->place = ++loop->n_timers;
    }
    sift(loop, timer, timer->place);
}

void loop_timer_del(struct loop *loop, struct timer *timer)
{
    const size_t at = timer->place;

    if (!at)
        return;
    struct timer *last = loop->heap[--loop->n_timers];
    timer->place = 0;
    if (last != timer)
        sift(loop, last, at);
}

static int wait_ms(const struct loop *loop)
{
    if (!loop->n_timers)
        return -1;
    const int64_t left_us = loop->heap[0]->due_us - mono_us();
    if (left_us <= 0)
        return 0;
    const int64_t left_ms = (left_us + 999) / 1000;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

void loop_round(struct loop *loop, bool busy)
{
    struct epoll_event events[MAX_EVENTS];
    const int n =
        epoll_wait(loop->epoll_fd, events, MAX_EVENTS, busy ? 0 : wait_ms(loop));

    loop->now_us = mono_us();
    for (int i = 0; i < n; i++) {
        struct source *source = events[i].data.ptr;
        if (source->watched)
            source->fn(source, events[i].events);
    }
    while (loop->n_timers && loop->heap[0]->due_us <= loop->now_us) {
        struct timer *timer = loop->heap[0];
        loop_timer_del(loop, timer);
        timer->fn(timer);
    }
}
