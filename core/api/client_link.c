/* api/client_link.c - see the header. The socket does not block; every wait is a poll
 * that also watches the caller's stop_fd. */
#include "api/client_link.h"
#include "http/http.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * UNITS_SECOND + now.tv_nsec / 1000;
}

/* --- where to --- */

static bool parse_port(const char *text, uint16_t *port)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (end == text || number < 1 || number > 65535)
        return false;
    *port = (uint16_t)number;
    return *end == '\0' || strcmp(end, "/") == 0;
}

static bool parse_http(struct client_link *l, const char *text)
{
    const char *host = text + (*text == '[');
    const char *end = strpbrk(host, *text == '[' ? "]" : ":");

    if (!end || end == host)
        return false;
    l->host = mem_text_len(host, (size_t)(end - host));
    if (strcmp(l->host, "localhost") == 0) {
        mem_free(l->host);
        l->host = mem_text("127.0.0.1");
    }
    if (*end == ']')
        end++;
    return *end == ':' && parse_port(end + 1, &l->port);
}

int client_link_init(struct client_link *l, const char *endpoint, struct ff_err *err)
{
    *l = (struct client_link){.fd = -1};
    if (text_starts(endpoint, "unix://"))
        l->unix_path = mem_text(endpoint + 7);
    else if (*endpoint == '/')
        l->unix_path = mem_text(endpoint);
    else if (!text_starts(endpoint, "http://") || !parse_http(l, endpoint + 7))
        return ff_fail(err, FF_INVALID, 0,
                       "%s: is neither unix:///PATH nor http://ADDRESS:PORT", endpoint);
    return FF_OK;
}

void client_link_done(struct client_link *l)
{
    client_link_close(l);
    mem_free(l->unix_path);
    mem_free(l->host);
}

/* --- waiting --- */

void client_link_set_deadline(struct client_link *l, int64_t from_now_us)
{
    l->deadline_us = now_us() + from_now_us;
}

static int remaining_ms(const struct client_link *l)
{
    int64_t left = (l->deadline_us - now_us() + 999) / 1000;

    if (left < 0)
        return 0;
    return left > INT32_MAX ? INT32_MAX : (int)left;
}

static int await(struct client_link *l, short events, struct ff_err *err)
{
    struct pollfd fds[2] = {{.fd = l->fd, .events = events},
                            {.fd = l->stop_fd, .events = POLLIN}};
    int n;

    do
        n = poll(fds, l->stop_fd > 0 ? 2 : 1, remaining_ms(l));
    while (n < 0 && errno == EINTR);
    if (n > 0 && fds[1].revents != 0)
        return ff_fail(err, FF_CANCELLED, 0, "interrupted");
    if (n > 0)
        return FF_OK;
    return ff_fail(err, FF_UNAVAILABLE, ETIMEDOUT, "the server did not answer in time");
}

/* --- the connection --- */

static int start_unix(struct client_link *l, struct ff_err *err)
{
    struct unix_path place;

    int code = unix_path_open(&place, l->unix_path, err);
    if (code != FF_OK)
        return code;
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0 ||
        connect(l->fd, (struct sockaddr *)&place.address, sizeof(place.address)) != 0)
        code = ff_fail(err, FF_UNAVAILABLE, errno, "no server at %.160s: %s",
                       l->unix_path, strerror(errno));
    unix_path_close(&place);
    return code;
}

static int start_tcp(struct client_link *l)
{
    static const int one = 1;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(l->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(l->port)};
    const struct sockaddr *to = (struct sockaddr *)&v4;
    socklen_t len = sizeof(v4);

    if (inet_pton(AF_INET, l->host, &v4.sin_addr) != 1) {
        to = (struct sockaddr *)&v6;
        len = sizeof(v6);
        if (inet_pton(AF_INET6, l->host, &v6.sin6_addr) != 1)
            return EADDRNOTAVAIL;
    }
    l->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0)
        return errno;
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return connect(l->fd, to, len) == 0 ? 0 : errno;
}

static int open_tcp(struct client_link *l, struct ff_err *err)
{
    socklen_t len = sizeof(int);

    int sys = start_tcp(l);
    if (sys == EINPROGRESS) {
        int code = await(l, POLLOUT, err);
        if (code != FF_OK)
            return code;
        getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &sys, &len);
    }
    if (sys == 0)
        return FF_OK;
    return ff_fail(err, FF_UNAVAILABLE, sys, "no server at %s port %u: %s", l->host,
                   l->port, strerror(sys));
}

int client_link_open(struct client_link *l, struct ff_err *err)
{
    client_link_close(l);
    int code = l->unix_path ? start_unix(l, err) : open_tcp(l, err);
    if (code != FF_OK)
        client_link_close(l);
    return code;
}

void client_link_close(struct client_link *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

bool client_link_is_fresh(struct client_link *l)
{
    char byte;

    /* Between calls the server has nothing to say, so any byte is wrong too. */
    return l->fd >= 0 && recv(l->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           errno == EAGAIN;
}

static int broken(struct ff_err *err)
{
    return ff_fail(err, FF_UNAVAILABLE, errno, "the connection to the server broke: %s",
                   strerror(errno));
}

int client_link_send(struct client_link *l, const char *bytes, size_t len,
                     struct ff_err *err)
{
    while (len > 0) {
        ssize_t n = send(l->fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return broken(err);
        if (n < 0) {
            int code = await(l, POLLOUT, err);
            if (code != FF_OK)
                return code;
            continue;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return FF_OK;
}

int client_link_recv(struct client_link *l, char *bytes, size_t room, size_t *n,
                     struct ff_err *err)
{
    int code = await(l, POLLIN, err);

    if (code != FF_OK)
        return code;
    ssize_t got = recv(l->fd, bytes, room, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return client_link_recv(l, bytes, room, n, err);
    if (got < 0)
        return broken(err);
    *n = (size_t)got;
    return FF_OK;
}
