/* loop/loop.h - the one event loop of a process: descriptors, timers, calls from
 * other threads, and lanes of work beside it.
 *
 * The production half stands on libevent (loop.c); the simulator links its own
 * half with virtual time behind the same functions. The core asks for the time
 * only here. When nothing is due the loop sleeps in one system call without a
 * timeout: it polls nothing. */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <flowforge/host.h>
#include <stdbool.h>

struct loop;
struct loop_watch;
struct loop_timer;
struct lane;

struct loop *loop_new(struct ff_err *err);

/* A loop in virtual time, for rehearsals: its clock stands still while anything is left
 * to do, and then jumps to the next timer; the same calls and seed give the same times
 * and random words. One thread: lanes do their work inside lane_do, descriptors are not
 * watched. loop_run
 * returns FF_NOT_FOUND when nothing is left that could happen. */
struct loop *loop_new_virtual(int64_t wall_us, uint64_t seed);
/* Lanes first. Takes NULL. Pending timers and calls are dropped, the timers' slots are
 * not written. */
void loop_free(struct loop *l);

/* Runs until loop_stop and returns what was given to it; may be called again. Calls
 * posted before the stop may still run, those posted after it wait for the next run. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int result); /* loop thread, or before loop_run */

/* Any thread. Wall clock and monotonic clock in microseconds. wall never goes back
 * within one process: a step backwards is smoothed until real time catches up. */
int64_t loop_wall_us(struct loop *l);
int64_t loop_mono_us(struct loop *l);
uint64_t loop_random(struct loop *l);      /* any thread; seeded in the simulator */
bool loop_is_thread(const struct loop *l); /* am I on the loop thread? */

/* Loop thread. Level-triggered; deleting inside the callback is allowed. NULL where the
 * descriptor cannot be watched, as a regular file. events may be 0: suspended. */
struct loop_watch *loop_watch_add(struct loop *l, int fd, uint32_t events, ff_fd_fn *fn,
                                  void *arg);
void loop_watch_set(struct loop_watch *w, uint32_t events);
void loop_watch_del(struct loop_watch *w); /* takes NULL; does not close the fd */

/* Loop thread. One shot; *slot (may be NULL) is set to the handle and to NULL
 * again when the timer fires or is deleted. */
struct loop_timer *loop_timer_add(struct loop *l, int64_t delay_us, ff_call_fn *fn,
                                  void *arg, struct loop_timer **slot);
void loop_timer_del(struct loop_timer *t); /* takes NULL */

/* Any thread: run fn on the loop thread, in order, never inline. */
void loop_post(struct loop *l, ff_call_fn *fn, void *arg);

/* A lane is one worker thread that does one thing after the other. */
struct lane *lane_new(struct loop *l, const char *name, struct ff_err *err);
/* Any thread. fn on the lane, then after (may be NULL) on the loop thread. */
void lane_do(struct lane *ln, ff_call_fn *fn, ff_call_fn *after, void *arg);
void lane_free(struct lane *ln); /* finishes what is queued, then joins; takes NULL;
                                  * `after` calls still run if the loop does */

/* The libevent base behind it, for the HTTP server (production half only). */
struct event_base;
struct event_base *loop_event_base(struct loop *l);

#endif
