/* signals.c - see signals.h: the handler writes a byte that the loop reads. */
#include "cli/owner/signals.h"

#include "base/base.h"
#include "cli/frame/watchdog.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define NOTE_SECONDS 5 /* within which the loop must take note of a signal */

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};

struct signals {
    int fds[2];
    struct loop_watch *watch;
    signals_fn *fn;
    void *arg;
};

static volatile sig_atomic_t write_fd = -1;

static void on_signal(int signo)
{
    const int saved = errno;
    const unsigned char byte = (unsigned char)signo;
    /* A full pipe holds more signals than anybody can have meant. */
    const ssize_t ignored = write_fd >= 0 ? write(write_fd, &byte, 1) : 0;

    (void)ignored;
    if (signo != SIGWINCH)
        watchdog_set(WATCHDOG_SIGNAL, NOTE_SECONDS, 128 + signo);
    errno = saved;
}

static void on_readable(void *arg, int fd, uint32_t events)
{
    const struct signals *s = arg;
    unsigned char byte;

    (void)events;
    if (read(fd, &byte, 1) != 1)
        return;
    watchdog_clear(WATCHDOG_SIGNAL);
    s->fn(s->arg, byte);
}

static void set_handlers(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < COUNT_OF(caught); i++)
        sigaction(caught[i], &action, NULL);
}

struct signals *signals_open(struct loop *l, signals_fn *fn, void *arg,
                             struct ff_err *err)
{
    struct signals *s = mem_alloc(sizeof(*s));

    *s = (struct signals){.fn = fn, .arg = arg};
    if (pipe2(s->fds, O_CLOEXEC | O_NONBLOCK) != 0) {
        ff_fail(err, FF_UNAVAILABLE, errno, "cannot make a pipe: %s", strerror(errno));
        mem_free(s);
        return NULL;
    }
    s->watch = loop_watch_add(l, s->fds[0], FF_FD_READ, on_readable, s);
    write_fd = s->fds[1];
    set_handlers(on_signal);
    return s;
}

void signals_close(struct signals *s)
{
    if (!s)
        return;
    set_handlers(SIG_DFL);
    watchdog_clear(WATCHDOG_SIGNAL);
    write_fd = -1;
    loop_watch_del(s->watch);
    close(s->fds[0]);
    close(s->fds[1]);
    mem_free(s);
}
