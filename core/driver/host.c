/* driver/host.c - the services that a driver receives in open(), each a thin bridge
 * to the loop and the log. */
#include "driver/driver_priv.h"

#include <stdlib.h>

#ifdef FF_FAILPOINTS
bool driver_strict = true;
#else
bool driver_strict;
#endif

void driver_misuse(const struct driver_instance *i, const char *fmt, ...)
{
    char sentence[160];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(sentence, sizeof(sentence), fmt, ap);
    va_end(ap);
    log_line(LOG_ERROR, i->label, "the driver %s %s; that is ignored",
             i->driver->info.d.name, sentence);
    if (driver_strict)
        abort();
}

static void FF_PRINTF(5, 6) host_log(struct ff_core *self, int level, const char *file,
                                     int line, const char *fmt, ...)
{
    va_list ap;

    (void)file;
    (void)line;
    if (level < FF_ERROR)
        level = FF_ERROR;
    if (level > FF_DEBUG)
        level = FF_DEBUG;
    va_start(ap, fmt);
    log_vline(level, self->instance->label, fmt, ap);
    va_end(ap);
}

static int64_t host_now_us(struct ff_core *self)
{
    return loop_wall_us(self->instance->loop);
}

static uint64_t host_random(struct ff_core *self)
{
    return loop_random(self->instance->loop);
}

static bool on_loop_thread(const struct ff_core *self, const char *call)
{
    if (loop_is_thread(self->instance->loop))
        return true;
    driver_misuse(self->instance, "called %s outside the loop thread", call);
    return false;
}

/* The loop's handles go to the driver under the contract's names; nobody but the loop
 * looks into them. */
static struct ff_watch *host_watch_add(struct ff_core *self, int fd, uint32_t events,
                                       ff_fd_fn *fn, void *arg)
{
    if (!on_loop_thread(self, "watch_add"))
        return NULL;
    return (struct ff_watch *)loop_watch_add(self->instance->loop, fd, events, fn, arg);
}

static int host_watch_set(struct ff_core *self, struct ff_watch *watch, uint32_t events)
{
    if (!watch || !on_loop_thread(self, "watch_set"))
        return FF_INVALID;
    loop_watch_set((struct loop_watch *)watch, events);
    return FF_OK;
}

static void host_watch_del(struct ff_core *self, struct ff_watch *watch)
{
    (void)self;
    loop_watch_del((struct loop_watch *)watch);
}

static struct ff_timer *host_timer_add(struct ff_core *self, int64_t delay_us,
                                       ff_call_fn *fn, void *arg)
{
    if (!on_loop_thread(self, "timer_add"))
        return NULL;
    return (struct ff_timer *)loop_timer_add(
        self->instance->loop, delay_us > 0 ? delay_us : 0, fn, arg, NULL);
}

static void host_timer_del(struct ff_core *self, struct ff_timer *timer)
{
    (void)self;
    loop_timer_del((struct loop_timer *)timer);
}

static int host_post(struct ff_core *self, ff_call_fn *fn, void *arg)
{
    loop_post(self->instance->loop, fn, arg);
    return FF_OK;
}

static int host_work(struct ff_core *self, ff_call_fn *fn, ff_call_fn *after, void *arg)
{
    driver_lanes_do(self->instance->lanes, fn, after, arg);
    return FF_OK;
}

void driver_host_init(struct driver_instance *i)
{
    i->core.instance = i;
    i->host = (struct ff_host){
        .struct_size = sizeof(i->host),
        .abi_minor = FF_ABI_MINOR,
        .self = &i->core,
        .log = host_log,
        .now_us = host_now_us,
        .random = host_random,
        .watch_add = host_watch_add,
        .watch_set = host_watch_set,
        .watch_del = host_watch_del,
        .timer_add = host_timer_add,
        .timer_del = host_timer_del,
        .post = host_post,
        .work = host_work,
        .complete = driver_complete,
    };
}
