/* clock.c - hears when the machine's clock is set, or the machine has slept: a timer of
 * the kernel that never comes due, and is cancelled by just that. Without it, schedules
 * are as late as timers are that count time that passes. */
#include "node/node_priv.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define FAR_SECONDS (INT64_C(100) * 366 * 86400)

static void arm(int fd)
{
    struct itimerspec far = {0};
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    far.it_value.tv_sec = now.tv_sec + FAR_SECONDS;
    timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

static void on_set(void *arg, int fd, uint32_t events)
{
    struct node *n = arg;
    uint64_t ignored;

    (void)events;
    if (read(fd, &ignored, sizeof(ignored)) < 0 && errno != ECANCELED)
        return;
    arm(fd);
    if (n->trigger)
        trigger_clock_changed(n->trigger);
}

void node_clock_open(struct node *n)
{
    n->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (n->clock_fd < 0) {
        log_debug("no word of the clock being set: no timer of the kernel");
        return;
    }
    arm(n->clock_fd);
    n->clock_watch = loop_watch_add(n->loop, n->clock_fd, FF_FD_READ, on_set, n);
}

void node_clock_close(struct node *n)
{
    loop_watch_del(n->clock_watch);
    n->clock_watch = NULL;
    if (n->clock_fd >= 0)
        close(n->clock_fd);
    n->clock_fd = -1;
}
