/* loop.h - the supervisor's event loop: descriptors by epoll, timers by a heap.
 * One thread. Time is the monotonic clock in microseconds, read once per round. */
#ifndef SUPERVISOR_LOOP_H
#define SUPERVISOR_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source;
struct timer;
typedef void source_fn(struct source *source, uint32_t events);
typedef void timer_fn(struct timer *timer);

/* Embedded in its owner; the owner closes fd. */
struct source {
    source_fn *fn;
    int fd;
    bool watched;
};

struct timer {
    timer_fn *fn;
    int64_t due_us;
    size_t place; /* in the heap, counted from 1; 0: not set */
};

struct loop {
    int epoll_fd;
    int64_t now_us;
    struct timer **heap;
    size_t n_timers;
    size_t heap_cap;
};

bool loop_init(struct loop *loop);

/* Level-triggered. False with errno set when the kernel refuses. */
bool loop_watch(struct loop *loop, struct source *source, uint32_t events);
void loop_events(struct loop *loop, struct source *source, uint32_t events);
void loop_unwatch(struct loop *loop, struct source *source);

/* Sees to it that n timers can be set; false when out of memory. */
bool loop_reserve_timers(struct loop *loop, size_t n);

/* Setting a set timer moves it. Never fails within what was reserved. */
void loop_timer(struct loop *loop, struct timer *timer, int64_t due_us);
void loop_timer_del(struct loop *loop, struct timer *timer);

/* Waits for events, or not at all when `busy`; then calls what is due. A source
 * must not be freed while it is watched; one callback may unwatch another's
 * source, whose event of this round is then dropped. */
void loop_round(struct loop *loop, bool busy);

int64_t mono_us(void);
int64_t wall_us(void);

#endif
