/* loop/loop_priv.h - between the files of this room, and for its tests. */
#ifndef LOOP_LOOP_PRIV_H
#define LOOP_LOOP_PRIV_H

#include "loop/loop.h"
#include <stdatomic.h>

/* Wall time that never goes back. real and mono are what the two clocks say now; *lead
 * is zeroed before the first call and kept between calls. Any thread, no lock. */
int64_t wall_smooth(_Atomic int64_t *lead, int64_t real_us, int64_t mono_us);

/* What other threads, or callbacks, want run on the loop thread. */
struct posts;
struct posts *posts_new(struct event_base *base, struct ff_err *err);
/* Behind no descriptor, for virtual time: posts_run does what waits, false if none. */
struct posts *posts_new_virtual(void);
bool posts_run(struct posts *p);
void posts_add(struct posts *p, bool on_loop_thread, ff_call_fn *fn, void *arg);
void posts_free(struct posts *p); /* takes NULL; drops what is left */

/* The pending timers behind one timerfd. */
struct timers;
struct timers *timers_new(struct event_base *base, struct ff_err *err);
struct loop_timer *timers_add(struct timers *t, int64_t delay_us, ff_call_fn *fn,
                              void *arg, struct loop_timer **slot);
/* Behind no timerfd: *now_us is the time, which timers_fire_next moves on. */
struct timers *timers_new_virtual(int64_t *now_us);
bool timers_fire_next(struct timers *t); /* false: there is none */
void timers_free(struct timers *t);      /* takes NULL; drops what is left */

bool loop_is_virtual(const struct loop *l);

/* CLOCK_BOOTTIME: it goes on while a laptop sleeps. */
int64_t mono_now_us(void);

#endif
