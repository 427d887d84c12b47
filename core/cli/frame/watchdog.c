/* watchdog.c - see watchdog.h. */
#include "cli/frame/watchdog.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

static const char said[] =
    "flowforge: the store does not come back from a call, or nobody reads the output: "
    "leaving without it; what was acknowledged is safe\n";

/* Seconds of the monotonic clock, 0: not set. What a handler may touch. */
static volatile sig_atomic_t due[N_WATCHDOGS], codes[N_WATCHDOGS];

static int now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int)now.tv_sec;
}

static int first_due(void)
{
    int first = 0;

    for (size_t i = 0; i < N_WATCHDOGS; i++)
        if (due[i] > 0 && (first == 0 || due[i] < first))
            first = due[i];
    return first;
}

/* A signal may set another one in between: then once more. */
static void arm(void)
{
    int first;

    do {
        first = first_due();
        const int left = first - now_seconds();
        alarm(first == 0 ? 0 : (unsigned)(left > 0 ? left : 1));
    } while (first != first_due());
}

/* Not where it would wait: who stands still may do so because nobody reads what he
 * says, and the errors often go where the output goes. */
static void say_why(void)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

    if (poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT))
        return;
    const ssize_t ignored = write(STDERR_FILENO, said, sizeof(said) - 1);
    (void)ignored;
}

static void on_alarm(int signo)
{
    const int saved = errno;

    (void)signo;
    for (size_t i = 0; i < N_WATCHDOGS; i++) {
        if (due[i] == 0 || due[i] > now_seconds())
            continue;
        say_why();
        _exit(codes[i]);
    }
    arm();
    errno = saved;
}

void watchdog_set(enum watchdog which, int seconds, int exit_code)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    codes[which] = exit_code;
    due[which] = now_seconds() + seconds;
    arm();
}

void watchdog_clear(enum watchdog which)
{
    due[which] = 0;
    arm();
}
