/* failpoint.c - see failpoint.h. Stands alone, since drivers and the supervisor compile
 * it in: nothing of the rooms is used here. */
#include "failpoint.h"

#ifdef FF_FAILPOINTS

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_POINTS  16
#define EXIT_STRUCK 99
#define PREFIX      "failpoint:"

struct point {
    char name[64];
    char action[16];
    long delay_ms;
    long wanted; /* the pass that is struck; 0: each */
    atomic_long n_passed;
};

/* Written before main, read by any thread. */
static struct point points[MAX_POINTS];
static size_t n_points;
static const char *trace, *hit; /* paths of files, or NULL */

static _Noreturn void refuse(const char *what)
{
    fprintf(stderr,
            "FF_FAILPOINT: %s: it is NAME:ACTION[:PASS], and an action is kill, exit, "
            "stop, error or delay=MILLISECONDS\n",
            what);
    _exit(EXIT_STRUCK);
}

static bool is_action(const char *action)
{
    static const char *const known[] = {"kill", "exit", "stop", "error", "delay"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i], action) == 0)
            return true;
    return false;
}

static void add_point(char *text)
{
    struct point *p = &points[n_points];
    char *rest = NULL;
    const char *name = strtok_r(text, ":", &rest);
    char *action = strtok_r(NULL, ":", &rest);
    const char *pass = strtok_r(NULL, ":", &rest);
    char *delay = action ? strchr(action, '=') : NULL;

    if (delay)
        *delay++ = '\0';
    if (!name || !action || !is_action(action))
        refuse(text);
    if (n_points == MAX_POINTS)
        refuse("too many points");
    snprintf(p->name, sizeof(p->name), "%s", name);
    snprintf(p->action, sizeof(p->action), "%s", action);
    p->delay_ms = delay ? strtol(delay, NULL, 10) : 0;
    p->wanted = pass ? strtol(pass, NULL, 10) : 1;
    n_points++;
}

/* Before main: no thread of ours is there yet. */
__attribute__((constructor)) static void read_environment(void)
{
    const char *text = getenv("FF_FAILPOINT");
    char *copy = text ? strdup(text) : NULL;
    char *rest = NULL;

    if (copy)
        for (char *one = strtok_r(copy, ",", &rest); one;
             one = strtok_r(NULL, ",", &rest))
            add_point(one);
    free(copy);
    trace = getenv("FF_FAILPOINT_TRACE");
    hit = getenv("FF_FAILPOINT_HIT");
}

/* One write each, so that lines of several processes do not mix. Opened anew each time:
 * the supervisor closes what it finds open when it begins. */
static void say(const char *name, const char *action)
{
    char line[128];
    const int len =
        snprintf(line, sizeof(line), "%s%s%s\n", name, action[0] ? " " : "", action);

    const int fd =
        trace ? open(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

    if (trace && (fd < 0 || write(fd, line, (size_t)len) != len))
        _exit(EXIT_STRUCK);
    if (fd >= 0)
        close(fd);
}

static bool is_first(void)
{
    const int fd = hit ? open(hit, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;

    if (fd >= 0)
        close(fd);
    return !hit || fd >= 0;
}

static bool strike(const struct point *p)
{
    const struct timespec delay = {.tv_sec = p->delay_ms / 1000,
                                   .tv_nsec = p->delay_ms % 1000 * 1000000};

    if (!is_first())
        return false;
    say(p->name, p->action);
    if (strcmp(p->action, "kill") == 0)
        kill(getpid(), SIGKILL);
    else if (strcmp(p->action, "exit") == 0)
        _exit(EXIT_STRUCK);
    else if (strcmp(p->action, "stop") == 0)
        raise(SIGSTOP);
    else if (strcmp(p->action, "delay") == 0)
        nanosleep(&delay, NULL);
    return strcmp(p->action, "error") == 0;
}

bool failpoint_pass(const char *name)
{
    bool fails = false;

    if (n_points == 0 && !trace)
        return false;
    name += sizeof(PREFIX) - 1;
    say(name, "");
    for (size_t i = 0; i < n_points; i++) {
        struct point *p = &points[i];
        if (strcmp(p->name, name) != 0)
            continue;
        const long pass = atomic_fetch_add(&p->n_passed, 1) + 1;
        if (p->wanted == 0 || p->wanted == pass)
            fails = strike(p) || fails;
    }
    return fails;
}

#endif
