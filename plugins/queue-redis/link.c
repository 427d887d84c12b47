/* queue-redis/link.c - see the header. libhiredis 0.14 knows no TLS and blocks in its
 * own connections, so of it only the parser of replies is used. */
#include "link.h"

#include "redis.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define CHUNK       ((size_t)64 * 1024)
#define MAX_REPLY   ((size_t)32 * 1024 * 1024) /* twice what a take may give */
#define MAX_UNSENT  ((size_t)256 * 1024 * 1024)
#define KEEP_BUFFER ((size_t)1024 * 1024)

static void on_fd(void *arg, int fd, uint32_t events);

static void fail(struct rq_link *l, int code, const char *why)
{
    struct ff_err err;

    ff_fail(&err, code, 0, "%s", why);
    rq_link_close(l);
    l->fns->down(l->session, &err);
}

/* --- opening and closing --- */

/* A peer that has gone without a word is found out within half a minute. */
static void set_options(int fd, int family)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},   {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 10}, {IPPROTO_TCP, TCP_KEEPINTVL, 5},
        {IPPROTO_TCP, TCP_KEEPCNT, 3},   {IPPROTO_TCP, TCP_USER_TIMEOUT, 30000},
    };

    if (family == AF_UNIX)
        return;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                   sizeof(options[i].value));
}

int rq_link_open(struct rq_link *l, const struct sockaddr *to, socklen_t size,
                 struct ssl_ctx_st *tls, const char *name, struct ff_err *err)
{
    int code = FF_OK;

    l->name = name;
    l->n_opened++;
    l->fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return ff_fail(err, FF_UNAVAILABLE, errno, "%s", strerror(errno));
    set_options(l->fd, to->sa_family);
    if (connect(l->fd, to, size) != 0 && errno != EINPROGRESS && errno != EAGAIN)
        code = ff_fail(err, FF_UNAVAILABLE, errno, "%s", strerror(errno));
    if (code == FF_OK && tls)
        code = rq_tls_begin(l, tls, err);
    if (code == FF_OK) {
        l->connecting = true;
        l->events = FF_FD_WRITE;
        l->reader = redisReaderCreate();
        l->watch = l->host->watch_add(l->host->self, l->fd, l->events, on_fd, l);
        if (!l->reader || !l->watch)
            code = ff_fail(err, FF_NO_MEMORY, 0, "no memory for a connection");
    }
    if (code != FF_OK)
        rq_link_close(l);
    return code;
}

void rq_link_close(struct rq_link *l)
{
    if (l->watch)
        l->host->watch_del(l->host->self, l->watch);
    l->watch = NULL;
    rq_tls_end(l);
    if (l->reader)
        redisReaderFree(l->reader);
    l->reader = NULL;
    l->unfinished = 0;
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    l->connecting = false;
    rq_text_done(&l->out);
    l->out_at = 0;
}

/* --- sending --- */

static void want(struct rq_link *l)
{
    const bool unsent = l->out.len > l->out_at;
    const uint32_t events = FF_FD_READ | (unsent ? FF_FD_WRITE : 0U);

    if (l->connecting || events == l->events || !l->watch)
        return;
    l->events = events;
    l->host->watch_set(l->host->self, l->watch, events);
}

bool rq_link_add(struct rq_link *l, const void *data, size_t len)
{
    if (l->fd < 0 || l->out.len - l->out_at > MAX_UNSENT)
        return false;
    if (l->ssl)
        return rq_tls_out(l, data, len);
    rq_add(&l->out, data, len);
    return !l->out.failed;
}

/* What was sent is forgotten, also while there is always more to send. */
static void compact(struct rq_link *l)
{
    if (l->out_at < CHUNK || l->out_at < l->out.len / 2)
        return;
    l->out.len -= l->out_at;
    memmove(l->out.s, l->out.s + l->out_at, l->out.len);
    l->out_at = 0;
}

/* False: it failed, with errno. */
static bool push(struct rq_link *l)
{
    while (l->out_at < l->out.len) {
        const ssize_t n = send(l->fd, l->out.s + l->out_at, l->out.len - l->out_at,
                               MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            compact(l);
            return true;
        }
        if (n < 0)
            return false;
        l->out_at += (size_t)n;
    }
    l->out.len = l->out_at = 0;
    if (l->out.cap > KEEP_BUFFER)
        rq_text_done(&l->out);
    return true;
}

void rq_link_go(struct rq_link *l, bool at_once)
{
    if (l->in_event)
        return;
    if (at_once && !l->connecting && l->fd >= 0)
        (void)push(l); /* when it fails, the loop finds out and tells */
    want(l);
}

bool rq_link_send(struct rq_link *l, const void *data, size_t len)
{
    const bool added = rq_link_add(l, data, len);

    rq_link_go(l, false);
    return added;
}

/* --- receiving --- */

/* The reader looks for the end of a line from its beginning each time: one without an
 * end would keep it busy for longer and longer. */
static bool is_endless(const redisReader *r)
{
    return r->len - r->pos > CHUNK && !memchr(r->buf + r->pos, '\r', CHUNK);
}

static void give_replies(struct rq_link *l)
{
    const unsigned opened = l->n_opened;

    while (l->fd >= 0 && l->n_opened == opened) {
        void *reply = NULL;

        if (redisReaderGetReply(l->reader, &reply) != REDIS_OK) {
            fail(l, FF_UNAVAILABLE, "what answers does not speak Redis' protocol");
            return;
        }
        if (!reply) {
            if (l->unfinished > MAX_REPLY || is_endless(l->reader))
                fail(l, FF_UNAVAILABLE, "a reply is longer than any should be");
            return;
        }
        l->unfinished = 0;
        l->fns->reply(l->session, reply);
    }
}

static void feed(struct rq_link *l, const char *data, size_t len)
{
    l->unfinished += len; /* of a list the reader keeps what it has read elsewhere */
    if (redisReaderFeed(l->reader, data, len) != REDIS_OK)
        fail(l, FF_NO_MEMORY, "no memory for a reply");
    else
        give_replies(l);
}

static void feed_tls(struct rq_link *l, const char *data, size_t len)
{
    char plain[16 * 1024];
    const unsigned opened = l->n_opened;
    struct ff_err err;
    bool done = true;
    size_t n = 1;
    int code = rq_tls_in(l, data, len, &err);

    if (code == FF_OK && l->connecting)
        code = rq_tls_shake(l, &done, &err);
    if (code == FF_OK && l->connecting && done) {
        l->connecting = false;
        l->fns->up(l->session);
    }
    while (code == FF_OK && l->fd >= 0 && l->n_opened == opened && done && n > 0) {
        code = rq_tls_read(l, plain, sizeof(plain), &n, &err);
        if (code == FF_OK && n > 0)
            feed(l, plain, n);
    }
    if (code != FF_OK && l->fd >= 0 && l->n_opened == opened)
        fail(l, code, err.msg);
}

static void pull(struct rq_link *l)
{
    char data[CHUNK];
    const ssize_t n = recv(l->fd, data, sizeof(data), 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0)
        fail(l, FF_UNAVAILABLE, strerror(errno));
    else if (n == 0)
        fail(l, FF_UNAVAILABLE, "the server ended the connection");
    else if (l->ssl)
        feed_tls(l, data, (size_t)n);
    else
        feed(l, data, (size_t)n);
}

static void connected(struct rq_link *l)
{
    int error = 0;
    socklen_t size = sizeof(error);
    struct ff_err err;
    bool done;

    getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        fail(l, FF_UNAVAILABLE, strerror(error));
        return;
    }
    if (!l->ssl) {
        l->connecting = false;
        l->fns->up(l->session);
    } else if (rq_tls_shake(l, &done, &err) != FF_OK) {
        fail(l, err.code, err.msg);
    }
}

static void on_event(struct rq_link *l, uint32_t events)
{
    const unsigned opened = l->n_opened;

    if (l->connecting && l->events == FF_FD_WRITE) {
        l->events = 0;
        connected(l);
    } else if (events & FF_FD_READ) {
        pull(l);
    }
    if (l->fd < 0 || l->n_opened != opened)
        return; /* another connection by now, if any */
    if (!push(l)) {
        fail(l, FF_UNAVAILABLE, strerror(errno));
        return;
    }

    const bool unsent = l->out.len > l->out_at;
    const uint32_t wanted = FF_FD_READ | (unsent ? FF_FD_WRITE : 0U);

    if (wanted != l->events) {
        l->events = wanted;
        l->host->watch_set(l->host->self, l->watch, wanted);
    }
}

/* Whoever is called may close the session, which is freed when this returns. */
static void on_fd(void *arg, int fd, uint32_t events)
{
    struct rq_link *l = arg;
    struct rq_session *s = l->session;

    (void)fd;
    s->n_holds++;
    l->in_event = true;
    on_event(l, events);
    l->in_event = false;
    rq_release(s);
}

/* --- the end --- */

void rq_link_farewell(struct rq_link *l, int patience_ms)
{
    const int64_t until_us = rq_mono_us() + (int64_t)patience_ms * 1000;
    char data[4096];
    bool told = false;

    while (l->fd >= 0) {
        const int64_t left_us = until_us - rq_mono_us();
        struct pollfd p = {.fd = l->fd, .events = POLLIN};

        if (left_us <= 0 || !push(l))
            return;
        if (l->out.len > l->out_at)
            p.events |= POLLOUT;
        else if (!told)
            told = shutdown(l->fd, SHUT_WR) == 0;
        if (poll(&p, 1, (int)(left_us / 1000) + 1) < 0 && errno != EINTR)
            return;
        if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
            const ssize_t n = recv(l->fd, data, sizeof(data), MSG_DONTWAIT);

            if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                return;
        }
    }
}
