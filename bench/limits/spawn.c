/* bench/limits/spawn.c - the least a durable local process costs: the ceiling of G5.
 * For each: a directory for its outputs named by $FF_OUT, two pipes whose bytes go to a
 * file when there are any, vfork, limits, execve, its end by pidfd, one record flushed
 * with those that came meanwhile, and only then the slot is free again.
 *
 * usage: spawn DIR PROCESSES SLOTS PROGRAM */
#include "limit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORD    64
#define LOG_BYTES ((off_t)64 << 20)
#define MAX_SLOTS 64
#define LANES     3 /* of a slot: its stdout, its stderr, its pidfd */

/* --- the log: one thread writes and flushes what came while it did so --- */

struct record_log {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    char waiting[MAX_SLOTS * RECORD];
    size_t len;
    uint64_t given; /* records, by mutex */
    _Atomic uint64_t durable;
    bool ending;
    int fd;
    int event_fd; /* written when durable has grown */
};

static void *write_log(void *arg)
{
    struct record_log *log = arg;
    char taken[sizeof(log->waiting)];
    off_t at = 0;

    for (;;) {
        pthread_mutex_lock(&log->mutex);
        while (log->len == 0 && !log->ending)
            pthread_cond_wait(&log->changed, &log->mutex);
        const size_t len = log->len;
        const uint64_t given = log->given;
        memcpy(taken, log->waiting, len);
        log->len = 0;
        pthread_mutex_unlock(&log->mutex);
        if (len == 0)
            return NULL;
        if (pwrite(log->fd, taken, len, at) != (ssize_t)len || fdatasync(log->fd) != 0)
            DIE("log: %s", strerror(errno));
        at = (at + (off_t)len) % (LOG_BYTES / 2);
        atomic_store(&log->durable, given);
        const uint64_t one = 1;
        if (write(log->event_fd, &one, sizeof(one)) != sizeof(one))
            DIE("eventfd: %s", strerror(errno));
    }
}

static uint64_t record(struct record_log *log)
{
    pthread_mutex_lock(&log->mutex);
    memset(log->waiting + log->len, 1, RECORD);
    log->len += RECORD;
    const uint64_t given = ++log->given;
    pthread_cond_signal(&log->changed);
    pthread_mutex_unlock(&log->mutex);
    return given;
}

static void open_log(struct record_log *log, const char *dir)
{
    static const char zeros[1 << 20];
    char path[4096];

    snprintf(path, sizeof(path), "%s/log", dir);
    log->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (off_t at = 0; log->fd >= 0 && at < LOG_BYTES; at += (off_t)sizeof(zeros))
        if (pwrite(log->fd, zeros, sizeof(zeros), at) != sizeof(zeros))
            DIE("%s: %s", path, strerror(errno));
    if (log->fd < 0 || fsync(log->fd) != 0)
        DIE("%s: %s", path, strerror(errno));
    log->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_mutex_init(&log->mutex, NULL);
    pthread_cond_init(&log->changed, NULL);
}

/* --- processes --- */

struct slot {
    int fds[LANES]; /* -1: at its end */
    char out_dir[256];
    char log_path[256];
    uint64_t recorded; /* 0: still running or free */
};

struct bench {
    struct record_log log;
    const char *dir;
    char *program;
    int epoll_fd;
    struct slot slots[MAX_SLOTS];
    int free_slots[MAX_SLOTS];
    int n_slots, n_free;
    long started, done, total;
};

static void watch(struct bench *b, int slot, int lane)
{
    struct epoll_event event = {.events = EPOLLIN,
                                .data.u32 = (uint32_t)(slot * LANES + lane)};

    if (epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, b->slots[slot].fds[lane], &event) != 0)
        DIE("epoll: %s", strerror(errno));
}

static _Noreturn void become(char *program, char *env, const int out[2],
                             const int err[2])
{
    static const struct rlimit files = {1024, 1024};
    char *const argv[] = {program, NULL};
    char *const envp[] = {(char *)"PATH=/usr/bin:/bin", env, NULL};

    setsid();
    dup2(out[1], 1);
    dup2(err[1], 2);
    setrlimit(RLIMIT_NOFILE, &files);
    execve(program, argv, envp);
    _exit(127);
}

static void start(struct bench *b, int at)
{
    struct slot *s = &b->slots[at];
    char env[300];
    int out[2], err[2];

    snprintf(s->out_dir, sizeof(s->out_dir), "%s/out/%ld", b->dir, b->started);
    snprintf(s->log_path, sizeof(s->log_path), "%s/%ld.log", b->dir, b->started);
    snprintf(env, sizeof(env), "FF_OUT=%s", s->out_dir);
    if (mkdir(s->out_dir, 0700) != 0 || pipe2(out, O_CLOEXEC | O_NONBLOCK) != 0 ||
        pipe2(err, O_CLOEXEC | O_NONBLOCK) != 0)
        DIE("%s: %s", s->out_dir, strerror(errno));
    const pid_t pid = vfork(); /* NOLINT: what is measured */
    if (pid == 0)              /* NOLINTNEXTLINE(clang-analyzer-unix.Vfork) */
        become(b->program, env, out, err);
    if (pid < 0)
        DIE("vfork: %s", strerror(errno));
    close(out[1]);
    close(err[1]);
    s->fds[0] = out[0];
    s->fds[1] = err[0];
    s->fds[2] = (int)syscall(SYS_pidfd_open, pid, 0);
    s->recorded = 0;
    for (int lane = 0; lane < LANES; lane++)
        watch(b, at, lane);
    b->started++;
}

static void spool(const struct slot *s, const char *bytes, size_t len)
{
    const int fd = open(s->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
        DIE("%s: %s", s->log_path, strerror(errno));
    close(fd);
}

/* Not by close alone: a child that is just being started may hold a copy until its
 * execve is through, and epoll would go on to tell of it. */
static void close_lane(const struct bench *b, struct slot *s, int lane)
{
    epoll_ctl(b->epoll_fd, EPOLL_CTL_DEL, s->fds[lane], NULL);
    close(s->fds[lane]);
    s->fds[lane] = -1;
}

static void on_lane(struct bench *b, struct slot *s, int lane)
{
    char bytes[65536];
    siginfo_t info = {0};
    ssize_t n = 0;

    if (lane == 2) {
        if (waitid(P_PIDFD, (id_t)s->fds[lane], &info, WEXITED) != 0 || info.si_status)
            DIE("%s failed", b->program);
    } else {
        n = read(s->fds[lane], bytes, sizeof(bytes));
    }
    if (n > 0)
        spool(s, bytes, (size_t)n);
    else if (n == 0)
        close_lane(b, s, lane);
    if (s->fds[0] < 0 && s->fds[1] < 0 && s->fds[2] < 0)
        s->recorded = record(&b->log);
}

static void free_durable(struct bench *b)
{
    const uint64_t durable = atomic_load(&b->log.durable);

    for (int i = 0; i < b->n_slots; i++) {
        struct slot *s = &b->slots[i];

        if (s->recorded == 0 || s->recorded > durable)
            continue;
        rmdir(s->out_dir);
        s->recorded = 0;
        b->free_slots[b->n_free++] = i;
        b->done++;
    }
}

static void run(struct bench *b)
{
    struct epoll_event events[MAX_SLOTS];

    while (b->done < b->total) {
        while (b->n_free > 0 && b->started < b->total)
            start(b, b->free_slots[--b->n_free]);
        const int n = epoll_wait(b->epoll_fd, events, MAX_SLOTS, -1);
        for (int i = 0; i < n; i++) {
            const uint32_t which = events[i].data.u32;
            uint64_t counted;

            if (which == UINT32_MAX)
                (void)!read(b->log.event_fd, &counted, sizeof(counted));
            else
                on_lane(b, &b->slots[which / LANES], (int)(which % LANES));
        }
        free_durable(b);
    }
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    pthread_t thread;
    char path[4096];

    if (argc < 5)
        DIE("usage: spawn DIR PROCESSES SLOTS PROGRAM");
    b.dir = argv[1];
    b.total = atol(argv[2]);
    b.n_slots = atoi(argv[3]) < MAX_SLOTS ? atoi(argv[3]) : MAX_SLOTS;
    b.program = argv[4];
    snprintf(path, sizeof(path), "%s/out", b.dir);
    mkdir(b.dir, 0700);
    mkdir(path, 0700);
    open_log(&b.log, b.dir);
    b.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(b.epoll_fd, EPOLL_CTL_ADD, b.log.event_fd, &event);
    pthread_create(&thread, NULL, write_log, &b.log);
    for (int i = 0; i < b.n_slots; i++)
        b.free_slots[b.n_free++] = i;

    const int64_t begun = now_ns();
    run(&b);
    const double seconds = (double)(now_ns() - begun) / 1e9;
    pthread_mutex_lock(&b.log.mutex);
    b.log.ending = true;
    pthread_cond_signal(&b.log.changed);
    pthread_mutex_unlock(&b.log.mutex);
    pthread_join(thread, NULL);
    printf("{\"seconds\":%.6f,\"processes\":%ld,\"per_s\":%.0f}\n", seconds, b.total,
           (double)b.total / seconds);
    return 0;
}
