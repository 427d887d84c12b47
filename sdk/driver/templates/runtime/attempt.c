/* attempt.c - follows an attempt: its output, its end, its timeout. All on the loop
 * thread; the loop's callbacks are the only places from where events are sent. */
#include "attempt.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t now_us(const struct attempt *a)
{
    return a->runtime->host->now_us(a->runtime->host->self);
}

struct attempt *attempt_find(const struct runtime *r, const char *id)
{
    struct attempt *a = r->attempts;

    while (a && strcmp(a->id, id) != 0)
        a = a->next;
    return a;
}

static struct attempt *attempt_new(struct runtime *r, const char *id)
{
    struct attempt *a = calloc(1, sizeof(*a));

    if (a)
        a->id = strdup(id);
    if (!a || !a->id) {
        free(a);
        return NULL;
    }
    a->runtime = r;
    a->pidfd = -1;
    a->logs.fd = -1;
    a->streams[STREAM_OUT] = (struct stream_end){a, "stdout", -1, NULL};
    a->streams[STREAM_ERR] = (struct stream_end){a, "stderr", -1, NULL};
    a->event.struct_size = sizeof(a->event);
    a->event.attempt_id = a->id;
    a->next = r->attempts;
    r->attempts = a;
    return a;
}

/* --- events --- */

static void say(struct attempt *a)
{
    a->runtime->fn(a->runtime->arg, &a->event);
}

static void say_later(void *arg)
{
    struct attempt *a = arg;

    a->timer = NULL;
    say(a);
}

/* Never from inside the call that brought it about. */
void attempt_say_again(struct attempt *a)
{
    const struct ff_host *host = a->runtime->host;

    if (!a->timer)
        a->timer = host->timer_add(host->self, 0, say_later, a);
}

static void end_without_running(struct attempt *a, uint32_t state)
{
    a->event.state = state;
    a->event.message = a->message;
    a->event.ended_us = now_us(a);
    attempt_say_again(a);
}

/* --- output --- */

static void close_stream(struct stream_end *s)
{
    const struct ff_host *host = s->attempt->runtime->host;

    if (s->fd < 0)
        return;
    host->watch_del(host->self, s->watch);
    close(s->fd);
    s->fd = -1;
}

/* True while there is more to come. */
static int read_some(struct stream_end *s)
{
    char part[16 * 1024];
    const ssize_t n = read(s->fd, part, sizeof(part));

    if (n > 0)
        logs_add(&s->attempt->logs, now_us(s->attempt), s->name, part, (size_t)n);
    return n > 0 || (n < 0 && errno == EINTR);
}

static void on_output(void *arg, int fd, uint32_t events)
{
    struct stream_end *s = arg;

    (void)fd;
    (void)events;
    if (!read_some(s) && errno != EAGAIN)
        close_stream(s);
}

/* --- the end --- */

static void take_status(struct attempt *a, int status)
{
    struct ff_run_event *e = &a->event;

    e->state = FF_RUN_EXITED;
    e->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    e->exit_code = e->signal ? 128 + e->signal : WEXITSTATUS(status);
    e->reason = a->reason;
    e->ended_us = now_us(a);
}

static void stop_watching(struct attempt *a)
{
    const struct ff_host *host = a->runtime->host;

    host->timer_del(host->self, a->timer);
    a->timer = NULL;
    if (a->exit_watch)
        host->watch_del(host->self, a->exit_watch);
    a->exit_watch = NULL;
    if (a->pidfd >= 0)
        close(a->pidfd);
    a->pidfd = -1;
}

static void on_exit_of(void *arg, int fd, uint32_t events)
{
    struct attempt *a = arg;
    int status;

    (void)fd;
    (void)events;
    if (waitpid(a->pid, &status, WNOHANG) != a->pid)
        return;
    kill(-a->pid, SIGKILL); /* what it has left in its session */
    a->pid = 0;
    stop_watching(a);
    take_status(a, status);
    for (int i = 0; i < N_STREAMS; i++) {
        while (a->streams[i].fd >= 0 && read_some(&a->streams[i]))
            ;
        close_stream(&a->streams[i]);
    }
    logs_close(&a->logs, now_us(a));
    a->event.log_chunks = a->logs.n_chunks;
    a->event.log_bytes = a->logs.kept;
    a->event.log_dropped = a->logs.dropped;
    say(a);
}

/* --- stopping --- */

static void on_grace_over(void *arg)
{
    struct attempt *a = arg;

    a->timer = NULL;
    kill(-a->pid, SIGKILL);
}

void attempt_stop(struct attempt *a, int64_t grace_us, uint32_t reason)
{
    const struct ff_host *host = a->runtime->host;

    if (a->pid <= 1)
        return;
    if (a->reason == FF_REASON_NONE)
        a->reason = reason;
    kill(-a->pid, grace_us > 0 ? SIGTERM : SIGKILL);
    host->timer_del(host->self, a->timer);
    a->timer = NULL;
    if (grace_us > 0)
        a->timer = host->timer_add(host->self, grace_us, on_grace_over, a);
}

static void on_timeout(void *arg)
{
    struct attempt *a = arg;

    a->timer = NULL;
    attempt_stop(a, a->grace_us, FF_REASON_TIMEOUT);
}

/* --- the beginning --- */

static void follow(struct attempt *a, const struct ff_run_spec *spec,
                   const struct spawned *s)
{
    const struct ff_host *host = a->runtime->host;

    a->pid = s->pid;
    a->pidfd = s->pidfd;
    a->grace_us = spec->grace_us;
    a->event.started_us = now_us(a);
    a->streams[STREAM_OUT].fd = s->out;
    a->streams[STREAM_ERR].fd = s->err;
    for (int i = 0; i < N_STREAMS; i++)
        a->streams[i].watch = host->watch_add(host->self, a->streams[i].fd, FF_FD_READ,
                                              on_output, &a->streams[i]);
    a->exit_watch = host->watch_add(host->self, a->pidfd, FF_FD_READ, on_exit_of, a);
    if (spec->timeout_us > 0)
        a->timer = host->timer_add(host->self, spec->timeout_us, on_timeout, a);
}

/* What a former process has left running is ended first, so that nothing runs twice. */
static void lose(struct attempt *a, const char *folder)
{
    spawn_kill_left(folder);
    snprintf(a->message, sizeof(a->message), "the process that ran it is gone");
    end_without_running(a, FF_RUN_LOST);
}

int attempt_start(struct runtime *r, const struct ff_run_spec *spec)
{
    char folder[MAX_PATH];
    struct spawned s;
    struct attempt *a;
    enum spawn_result result;

    if (attempt_find(r, spec->attempt_id))
        return FF_OK;
    a = attempt_new(r, spec->attempt_id);
    if (!a)
        return FF_NO_MEMORY;
    a->logs.max_bytes = spec->log_max_bytes;
    if (spec->log_dir)
        snprintf(a->logs.dir, sizeof(a->logs.dir), "%s", spec->log_dir);
    attempt_folder(r->dir, a->id, folder);
    result = spawn(spec, folder, &s, a->message);
    if (result == SPAWN_STARTED)
        follow(a, spec, &s);
    else if (result == SPAWN_TWICE)
        lose(a, folder);
    else
        end_without_running(a, FF_RUN_REFUSED);
    return FF_OK;
}

int attempt_lose(struct runtime *r, const char *id)
{
    struct attempt *a = attempt_new(r, id);
    char folder[MAX_PATH];

    if (!a)
        return FF_NO_MEMORY;
    attempt_folder(r->dir, id, folder);
    lose(a, folder);
    return FF_OK;
}

/* What still runs is left alone. */
void attempt_free(struct attempt *a)
{
    struct attempt **at = &a->runtime->attempts;

    stop_watching(a);
    for (int i = 0; i < N_STREAMS; i++)
        close_stream(&a->streams[i]);
    logs_close(&a->logs, 0);
    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    free(a->id);
    free(a);
}
