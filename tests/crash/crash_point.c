/* crash_point.c - preloaded into one program, it counts the calls that change files or
 * speak to others, over all threads, and at the N-th ends the process by SIGKILL:
 * before the call, after it, or half-way through a write. Or it lets calls fail from
 * then on.
 *
 * strace can inject the same, but counts for each thread by itself: of two threads that
 * write, the slower one's calls are never reached. It also tears no write.
 *
 * FF_POINT_AT=N       the call; 0: count only
 * FF_POINT_HOW=WORD   before, after, torn, or error:NUMBER for an errno
 * FF_POINT_CALL=NAME  counts this call only
 * FF_POINT_FAIL=N     so many of them fail; without it all
 * FF_POINT_HIT=FILE   made when it strikes; where it exists nothing is done
 * FF_POINT_TRACE=FILE a line for each call that is counted
 * FF_POINT_CLOCK=N:S  from its N-th look on the wall clock is S seconds off
 *
 * What this process starts is left alone: the variables are taken out. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum how { HOW_BEFORE, HOW_AFTER, HOW_TORN, HOW_ERROR };

static struct {
    bool on;
    enum how how;
    int error; /* errno of HOW_ERROR */
    long at;
    long n_fail;
    char call[32];
    char hit[512];
    char trace[512];
    atomic_long n;
    long clock_at, clock_off_s; /* 0: the clock is right */
    atomic_long n_looks;
} point;

static void read_how(const char *how)
{
    if (!how || strcmp(how, "before") == 0)
        point.how = HOW_BEFORE;
    else if (strcmp(how, "after") == 0)
        point.how = HOW_AFTER;
    else if (strcmp(how, "torn") == 0)
        point.how = HOW_TORN;
    else if (sscanf(how, "error:%d", &point.error) == 1)
        point.how = HOW_ERROR;
    else
        abort();
}

__attribute__((constructor)) static void point_begin(void)
{
    static const char *const names[] = {
        "LD_PRELOAD",    "FF_POINT_AT",  "FF_POINT_HOW",   "FF_POINT_CALL",
        "FF_POINT_FAIL", "FF_POINT_HIT", "FF_POINT_TRACE", "FF_POINT_CLOCK"};
    const char *at = getenv("FF_POINT_AT");
    const char *call = getenv("FF_POINT_CALL");
    const char *n_fail = getenv("FF_POINT_FAIL");
    const char *hit = getenv("FF_POINT_HIT");
    const char *trace = getenv("FF_POINT_TRACE");
    const char *clock = getenv("FF_POINT_CLOCK");

    if (!at || !hit)
        return;
    read_how(getenv("FF_POINT_HOW"));
    point.at = strtol(at, NULL, 10);
    point.n_fail = n_fail ? strtol(n_fail, NULL, 10) : LONG_MAX;
    snprintf(point.call, sizeof(point.call), "%s", call ? call : "");
    snprintf(point.hit, sizeof(point.hit), "%s", hit);
    snprintf(point.trace, sizeof(point.trace), "%s", trace ? trace : "");
    if (clock && sscanf(clock, "%ld:%ld", &point.clock_at, &point.clock_off_s) != 2)
        abort();
    point.on = access(hit, F_OK) != 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
}

static void append(const char *path, const char *text)
{
    const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    const long fd = syscall(SYS_openat, AT_FDCWD, path, flags, 0600);

    if (fd < 0)
        return;
    syscall(SYS_write, fd, text, strlen(text));
    syscall(SYS_close, fd);
}

/* Opened for each line: the supervisor closes what it finds open when it begins. */
static void note(long n, const char *name)
{
    char line[64];

    snprintf(line, sizeof(line), "%ld %s\n", n, name);
    append(point.trace, line);
}

static void mark(void)
{
    append(point.hit, "");
}

static void die(void)
{
    mark();
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        pause(); /* the signal ends all threads at any moment now */
}

/* Is this call the one, or with HOW_ERROR one of those? */
static bool counted(const char *name)
{
    if (!point.on || (point.call[0] && strcmp(point.call, name) != 0))
        return false;
    const long n = atomic_fetch_add(&point.n, 1) + 1;
    if (point.trace[0])
        note(n, name);
    if (point.how == HOW_ERROR)
        return point.at > 0 && n >= point.at && n - point.at < point.n_fail;
    return n == point.at;
}

/* True: the call is not made and fails with errno. */
static bool strikes_before(bool is_it)
{
    if (!is_it || point.how == HOW_AFTER || point.how == HOW_TORN)
        return false;
    if (point.how == HOW_BEFORE)
        die();
    mark();
    errno = point.error;
    return true;
}

#define CALL(type, name, number, params, ...)                                          \
    type name params                                                                   \
    {                                                                                  \
        const bool is_it = counted(#name);                                             \
        if (strikes_before(is_it))                                                     \
            return (type)-1;                                                           \
        const type result = (type)syscall(number, __VA_ARGS__);                        \
        if (is_it)                                                                     \
            die();                                                                     \
        return result;                                                                 \
    }

/* The same, and HOW_TORN writes the first half of it. */
#define WRITE_CALL(name, number, params, half, ...)                                    \
    ssize_t name params                                                                \
    {                                                                                  \
        const bool is_it = counted(#name);                                             \
        if (strikes_before(is_it))                                                     \
            return -1;                                                                 \
        if (is_it && point.how == HOW_TORN && (half) > 0) {                            \
            len = (half);                                                              \
            syscall(number, __VA_ARGS__);                                              \
            die();                                                                     \
        }                                                                              \
        const ssize_t result = syscall(number, __VA_ARGS__);                           \
        if (is_it)                                                                     \
            die();                                                                     \
        return result;                                                                 \
    }

WRITE_CALL(write, SYS_write, (int fd, const void *bytes, size_t len), len / 2, fd,
           bytes, len)
WRITE_CALL(pwrite, SYS_pwrite64, (int fd, const void *bytes, size_t len, off_t at),
           len / 2, fd, bytes, len, at)
WRITE_CALL(pwrite64, SYS_pwrite64, (int fd, const void *bytes, size_t len, off_t at),
           len / 2, fd, bytes, len, at)
WRITE_CALL(send, SYS_sendto, (int fd, const void *bytes, size_t len, int flags),
           len / 2, fd, bytes, len, flags, NULL, 0)
CALL(ssize_t, writev, SYS_writev, (int fd, const struct iovec *parts, int n), fd, parts,
     n)
CALL(ssize_t, sendmsg, SYS_sendmsg, (int fd, const struct msghdr *message, int flags),
     fd, message, flags)
CALL(int, fsync, SYS_fsync, (int fd), fd)

/* Which file it was is noted too, since an error of one says nothing of another. */
int fdatasync(int fd)
{
    char link[32];
    char path[400];
    char line[450];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    const ssize_t n =
        point.on && point.trace[0] ? readlink(link, path, sizeof(path) - 1) : -1;
    const bool is_it = counted("fdatasync");
    if (n > 0) {
        path[n] = '\0';
        snprintf(line, sizeof(line), "file %s\n", path);
        append(point.trace, line);
    }
    if (strikes_before(is_it))
        return -1;
    const int result = (int)syscall(SYS_fdatasync, fd);
    if (is_it)
        die();
    return result;
}

CALL(int, ftruncate, SYS_ftruncate, (int fd, off_t len), fd, len)
CALL(int, ftruncate64, SYS_ftruncate, (int fd, off_t len), fd, len)
CALL(int, rename, SYS_rename, (const char *from, const char *to), from, to)
CALL(int, renameat, SYS_renameat, (int a, const char *from, int b, const char *to), a,
     from, b, to)
CALL(int, renameat2, SYS_renameat2,
     (int a, const char *from, int b, const char *to, unsigned flags), a, from, b, to,
     flags)
CALL(int, link, SYS_link, (const char *from, const char *to), from, to)
CALL(int, linkat, SYS_linkat,
     (int a, const char *from, int b, const char *to, int flags), a, from, b, to, flags)
CALL(int, unlink, SYS_unlink, (const char *path), path)
CALL(int, unlinkat, SYS_unlinkat, (int dir, const char *path, int flags), dir, path,
     flags)
CALL(int, rmdir, SYS_rmdir, (const char *path), path)
CALL(int, mkdir, SYS_mkdir, (const char *path, mode_t mode), path, mode)
CALL(int, mkdirat, SYS_mkdirat, (int dir, const char *path, mode_t mode), dir, path,
     mode)

/* Only the wall clock is ever set. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    const int result = (int)syscall(SYS_clock_gettime, clock, now);

    if (result != 0 || clock != CLOCK_REALTIME || !point.on || !point.clock_at)
        return result;
    const long n = atomic_fetch_add(&point.n_looks, 1) + 1;

    if (n == point.clock_at)
        mark();
    if (n >= point.clock_at)
        now->tv_sec += point.clock_off_s;
    return result;
}

/* How the supervisor starts a task. Its child shares our memory until it is another
 * program, and has a stack of its own, so the real one can be called as any other. */
int clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
    static int (*real)(int (*)(void *), void *, int, void *, ...);
    const bool is_it = counted("clone");

    if (strikes_before(is_it))
        return -1;
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clone");
    const int result = real(fn, stack, flags, arg);
    if (is_it)
        die();
    return result;
}
