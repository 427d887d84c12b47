/* flowforge/host.h - what the core offers a driver.
 *
 * A driver links against nothing of ours: it receives this table in open()
 * and calls through it.  `self` is one driver instance's handle on the core;
 * pass it back unchanged.  The table and everything behind it outlive the
 * instance.  In calls marked "any thread" the driver may come from a thread of
 * its own; in the others it MUST be on the loop thread. */
#ifndef FLOWFORGE_HOST_H
#define FLOWFORGE_HOST_H

#include <flowforge/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ff_core;  /* opaque: the core, seen from one driver instance */
struct ff_watch; /* opaque: one watched file descriptor */
struct ff_timer; /* opaque: one pending timer */
struct ff_op;    /* opaque: one asynchronous call that the core awaits */
struct ff_next;  /* see filter.h */

enum ff_level { FF_ERROR = 1, FF_WARN = 2, FF_INFO = 3, FF_DEBUG = 4 };

enum ff_fd_events { FF_FD_READ = 1, FF_FD_WRITE = 2 };

typedef void ff_fd_fn(void *arg, int fd, uint32_t events);
typedef void ff_call_fn(void *arg);

struct ff_host {
    uint32_t struct_size;
    uint32_t abi_minor;
    struct ff_core *self;

    /* Any thread. The core adds time and instance name, and drops lines above
     * its level. */
    void (*log)(struct ff_core *self, int level, const char *file, int line,
                const char *fmt, ...) FF_PRINTF(5, 6);

    /* Any thread. Wall clock in microseconds since 1970; tests replace it. */
    int64_t (*now_us)(struct ff_core *self);

    /* Any thread. Unpredictable bits; tests replace them by seeded ones. */
    uint64_t (*random)(struct ff_core *self);

    /* Loop thread only. fn is called on the loop thread while the condition
     * holds (level-triggered). Deleting inside the callback is allowed. */
    struct ff_watch *(*watch_add)(struct ff_core *self, int fd, uint32_t events,
                                  ff_fd_fn *fn, void *arg);
    int (*watch_set)(struct ff_core *self, struct ff_watch *watch, uint32_t events);
    void (*watch_del)(struct ff_core *self, struct ff_watch *watch);

    /* Loop thread only. One shot; the handle is dead once fn has begun. */
    struct ff_timer *(*timer_add)(struct ff_core *self, int64_t delay_us,
                                  ff_call_fn *fn, void *arg);
    void (*timer_del)(struct ff_core *self, struct ff_timer *timer);

    /* Any thread. post: run fn on the loop thread, in order, never inline.
     * work: run fn on a worker thread, then after on the loop thread. */
    int (*post)(struct ff_core *self, ff_call_fn *fn, void *arg);
    int (*work)(struct ff_core *self, ff_call_fn *fn, ff_call_fn *after, void *arg);

    /* Any thread, exactly once per op. err is NULL on success. The core's
     * continuation never runs inside this call. */
    void (*complete)(struct ff_core *self, struct ff_op *op, const struct ff_err *err);

    /* To a filter the driver that it stands in front of (see filter.h); NULL to all
     * others. */
    const struct ff_next *next;
};

#define ff_log(host, level, ...)                                                       \
    ((host)->log((host)->self, (level), __FILE__, __LINE__, __VA_ARGS__))

#ifdef __cplusplus
}
#endif

#endif
