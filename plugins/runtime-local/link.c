/* link.c - the connection to the supervisor: made when something is to be said, made
 * again when it breaks while something is awaited. */
#include "local_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAUSE_MIN_US   INT64_C(5000)
#define PAUSE_MAX_US   INT64_C(2000000)
#define GREET_LIMIT_US INT64_C(10000000)
#define READS          8  /* in one pass of the loop */
#define MAX_PIECES     32 /* requests in one send */

static void hang_up(struct local *local)
{
    const struct ff_host *host = local->host;

    if (local->watch)
        host->watch_del(host->self, local->watch);
    if (local->retry)
        host->timer_del(host->self, local->retry);
    if (local->flush)
        host->timer_del(host->self, local->flush);
    if (local->fd >= 0)
        close(local->fd);
    local->watch = NULL;
    local->retry = NULL;
    local->flush = NULL;
    local->fd = -1;
    local->want_write = false;
    local->state = LINK_DOWN;
    rl_rx_done(&local->rx);
    rl_out_done(&local->hello);
}

void link_close(struct local *local)
{
    hang_up(local);
}

static void on_retry(void *arg)
{
    struct local *local = arg;

    local->retry = NULL;
    link_connect(local);
}

void link_lost(struct local *local, const char *why)
{
    const struct ff_host *host = local->host;

    hang_up(local);
    /* Where the engine is process 1 a supervisor that ended is its to wait for. */
    if (local->supervisor > 0)
        waitpid(local->supervisor, NULL, WNOHANG);
    local->supervisor = 0;
    if (!calls_pending(local))
        return;
    if (local->pause_us) /* the first retry is at once and not worth a word */
        ff_log(host, FF_WARN, "%s: %s; trying again", local->dir, why);
    const int64_t pause_us = local->pause_us;
    local->pause_us = pause_us < PAUSE_MIN_US ? PAUSE_MIN_US : pause_us * 2;
    if (local->pause_us > PAUSE_MAX_US)
        local->pause_us = PAUSE_MAX_US;
    const int64_t jitter =
        (int64_t)(host->random(host->self) % (uint64_t)(pause_us / 2 + 1));
    local->retry = host->timer_add(host->self, pause_us + jitter, on_retry, local);
}

static void on_greet_limit(void *arg)
{
    struct local *local = arg;

    local->retry = NULL;
    link_lost(local, "the supervisor does not answer");
}

static void on_hello(struct local *local, struct rl_frame *frame)
{
    const struct ff_host *host = local->host;

    const uint32_t magic = rl_get_u32(&frame->body);
    const uint32_t major = rl_get_u32(&frame->body);
    rl_get_u32(&frame->body);
    const int32_t pid = rl_get_i32(&frame->body);
    const uint64_t lineage = rl_get_u64(&frame->body);
    if (frame->body.bad || magic != RL_MAGIC || major != RL_MAJOR) {
        link_lost(local, "what answers is no supervisor of this version");
        return;
    }
    if (local->retry)
        host->timer_del(host->self, local->retry);
    local->retry = NULL;
    local->state = LINK_UP;
    local->supervisor = pid;
    local->lineage = lineage;
    if (calls_again(local, lineage))
        local->pause_us = 0;
    else
        link_lost(local, "out of memory");
}

static void on_refused(struct local *local, struct rl_frame *frame)
{
    rl_get_i32(&frame->body);
    rl_get_i32(&frame->body);
    const char *message = rl_get_str(&frame->body);
    char why[240];

    snprintf(why, sizeof(why), "%s", message ? message : "refused by the supervisor");
    calls_refuse(local, why);
    link_lost(local, why);
}

static void on_frame(struct local *local, struct rl_frame *frame)
{
    if (local->state == LINK_GREETING && frame->type == RL_HELLO)
        on_hello(local, frame);
    else if (local->state == LINK_GREETING && frame->type == RL_DONE)
        on_refused(local, frame);
    else if (local->state == LINK_UP && frame->type == RL_DONE)
        calls_answer(local, frame);
    else if (local->state == LINK_UP && frame->type == RL_EVENT)
        calls_event(local, frame);
}

static void receive(struct local *local)
{
    struct rl_frame frame;

    for (int i = 0; i < READS; i++) {
        const int fd = local->fd;
        const int got = rl_rx_read(&local->rx, fd);
        if (got < 0)
            link_lost(local, errno ? strerror(errno) : "the supervisor hung up");
        if (got <= 0)
            return;
        int found;
        while ((found = rl_rx_next(&local->rx, &frame)) > 0) {
            on_frame(local, &frame);
            if (local->fd != fd || local->state < LINK_GREETING)
                return; /* it was lost */
        }
        if (found < 0) {
            link_lost(local, "the supervisor sent what is no frame");
            return;
        }
    }
}

static void note_sent(struct local *local, struct request *request, size_t n)
{
    while (n && request) {
        const size_t left = request->frame.len - request->sent;
        const size_t some = n < left ? n : left;
        request->sent += some;
        request->lineage = local->lineage;
        n -= some;
        request = request->next;
    }
}

/* One send. 1: all is sent; 0: the socket is full; -1: broken. */
static int send_some(struct local *local)
{
    struct iovec pieces[MAX_PIECES];
    struct msghdr message = {.msg_iov = pieces};
    struct request *request = local->first;

    while (request && request->sent == request->frame.len)
        request = request->next;
    struct request *first = request;
    for (; request && message.msg_iovlen < MAX_PIECES; request = request->next)
        pieces[message.msg_iovlen++] = (struct iovec){
            .iov_base = request->frame.data + request->sent,
            .iov_len = request->frame.len - request->sent,
        };
    if (!first)
        return 1;
    const ssize_t n = sendmsg(local->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    note_sent(local, first, (size_t)n);
    return send_some(local);
}

static void flush(struct local *local)
{
    const struct ff_host *host = local->host;
    int sent = rl_out_send(&local->hello, &local->hello_sent, local->fd);

    if (sent == 1 && local->state == LINK_UP)
        sent = send_some(local);
    if (sent < 0) {
        /* What it said before it went may still be there. */
        if (errno == EPIPE || errno == ECONNRESET)
            receive(local);
        if (local->state != LINK_DOWN)
            link_lost(local, "the supervisor is gone");
        return;
    }
    const bool want_write = sent == 0;
    if (want_write != local->want_write)
        host->watch_set(host->self, local->watch,
                        want_write ? FF_FD_READ | FF_FD_WRITE : FF_FD_READ);
    local->want_write = want_write;
}

static void on_socket(void *arg, int fd, uint32_t events)
{
    struct local *local = arg;

    if (events & FF_FD_READ)
        receive(local);
    if (local->fd == fd && local->state >= LINK_GREETING)
        flush(local);
}

static void on_flush(void *arg)
{
    struct local *local = arg;

    local->flush = NULL;
    if (local->state == LINK_UP)
        flush(local);
}

void link_need(struct local *local)
{
    const struct ff_host *host = local->host;

    if (local->state == LINK_UP && !local->flush && !local->want_write)
        local->flush = host->timer_add(host->self, 0, on_flush, local);
    if (local->state == LINK_DOWN && !local->retry)
        local->retry = host->timer_add(host->self, 0, on_retry, local);
}

static int dial(const struct local *local)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t size = sizeof(address.sun_path);

    /* A deep directory is longer than an address may be; its descriptor is not. */
    int len = snprintf(address.sun_path, size, "%s/" RL_SOCKET, local->dir);
    if (len < 0 || (size_t)len >= size)
        snprintf(address.sun_path, size, "/proc/self/fd/%d/" RL_SOCKET, local->dir_fd);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
        return fd;
    const int failed = errno;
    close(fd);
    errno = failed;
    return -1;
}

void link_connect(struct local *local)
{
    const struct ff_host *host = local->host;

    const int fd = dial(local);
    if (fd < 0 && (errno == ENOENT || errno == ECONNREFUSED)) {
        launch(local);
        return;
    }
    local->fd = fd;
    if (fd >= 0)
        local->watch = host->watch_add(host->self, fd, FF_FD_READ, on_socket, local);
    if (!local->watch) {
        link_lost(local, strerror(errno));
        return;
    }
    local->state = LINK_GREETING;
    local->retry = host->timer_add(host->self, GREET_LIMIT_US, on_greet_limit, local);
    local->hello = (struct rl_out){.max = 4096};
    local->hello_sent = 0;
    const size_t begun = rl_frame_begin(&local->hello, RL_HELLO, 0);
    rl_put_u32(&local->hello, RL_MAGIC);
    rl_put_u32(&local->hello, RL_MAJOR);
    rl_put_u32(&local->hello, RL_MINOR);
    rl_frame_end(&local->hello, begun);
    flush(local);
}
