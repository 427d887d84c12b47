/* loopback.c - see loopback.h. Browsers open connections ahead and say nothing on them,
 * so several are held at a time; the oldest gives way to a new one. */
#include "cli/remote/loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX ((size_t)16 * 1024)
#define PATH     "GET /callback?"

static int64_t mono_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * UNITS_SECOND + now.tv_nsec / 1000;
}

/* --- begin and end --- */

int loopback_open(struct loopback *l, struct ff_err *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);

    *l = (struct loopback){0};
    for (size_t i = 0; i < LOOPBACK_CLIENTS; i++)
        l->clients[i].fd = -1;
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0 || bind(l->fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(l->fd, LOOPBACK_CLIENTS) != 0 ||
        getsockname(l->fd, (struct sockaddr *)&at, &len) != 0)
        return ff_fail(err, FF_UNAVAILABLE, errno,
                       "no port of 127.0.0.1 can be listened on: %s", strerror(errno));
    l->port = ntohs(at.sin_port);
    return FF_OK;
}

static void drop(struct loopback_client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    if (client->head.data) /* it may hold a code */
        explicit_bzero(client->head.data, client->head.len);
    buf_done(&client->head);
}

void loopback_close(struct loopback *l)
{
    for (size_t i = 0; i < LOOPBACK_CLIENTS; i++)
        drop(&l->clients[i]);
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

/* --- one request --- */

/* A page of a few words fits into what the kernel takes at once. */
static void answer(struct loopback_client *client, const char *status, const char *say)
{
    struct buf out = {0};

    buf_printf(&out,
               "HTTP/1.1 %s\r\nContent-Type: text/html; charset=utf-8\r\n"
               "Content-Security-Policy: default-src 'none'\r\n"
               "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n"
               "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
               status, strlen(say), say);
    if (send(client->fd, buf_text(&out), out.len, MSG_NOSIGNAL) < 0)
        log_debug("the browser was not answered: %s", strerror(errno));
    shutdown(client->fd, SHUT_WR);
    buf_done(&out);
    drop(client);
}

static bool serve(struct loopback_client *client, loopback_fn *fn, void *arg)
{
    const char *say = "<p>There is nothing here.</p>";
    char *text = client->head.data;
    char *end = strpbrk(text, "\r\n");
    char *query = text + strlen(PATH);

    *end = '\0';
    if (!text_starts(text, PATH)) {
        answer(client, "404 Not Found", say);
        return false;
    }
    query[strcspn(query, " ")] = '\0';

    const bool done = fn(arg, query, &say);

    answer(client, done ? "200 OK" : "400 Bad Request", say);
    return done;
}

/* True: what was waited for has come. */
static bool read_more(struct loopback_client *client, loopback_fn *fn, void *arg)
{
    char bytes[4096];
    const ssize_t n = recv(client->fd, bytes, sizeof(bytes), 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0 || client->head.len + (size_t)n > HEAD_MAX ||
        memchr(bytes, '\0', (size_t)n)) {
        drop(client);
        return false;
    }
    buf_add(&client->head, bytes, (size_t)n);
    explicit_bzero(bytes, sizeof(bytes));
    return strstr(buf_text(&client->head), "\r\n\r\n") && serve(client, fn, arg);
}

static void take_client(struct loopback *l)
{
    const int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return;
    drop(&l->clients[l->next]);
    l->clients[l->next].fd = fd;
    l->next = (l->next + 1) % LOOPBACK_CLIENTS;
}

/* --- waiting --- */

int loopback_wait(struct loopback *l, int64_t wait_us, loopback_fn *fn, void *arg,
                  struct ff_err *err)
{
    const int64_t until_us = mono_us() + wait_us;
    int64_t left_us;

    while ((left_us = until_us - mono_us()) > 0) {
        struct pollfd fds[LOOPBACK_CLIENTS + 1] = {{.fd = l->fd, .events = POLLIN}};

        for (size_t i = 0; i < LOOPBACK_CLIENTS; i++)
            fds[i + 1] = (struct pollfd){.fd = l->clients[i].fd, .events = POLLIN};
        if (poll(fds, COUNT_OF(fds), (int)(left_us / 1000) + 1) <= 0)
            continue;
        for (size_t i = 0; i < LOOPBACK_CLIENTS; i++)
            if (fds[i + 1].revents && read_more(&l->clients[i], fn, arg))
                return FF_OK;
        if (fds[0].revents)
            take_client(l);
    }
    return ff_fail(err, FF_UNAVAILABLE, 0, "nobody came back from the browser in time");
}

/* --- queries --- */

/* -1: none. */
static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static char *decode(const char *text, size_t len)
{
    struct buf out = {0};

    for (size_t i = 0; i < len; i++) {
        const int high = text[i] == '%' && i + 2 < len ? digit_of(text[i + 1]) : -1;
        const int low = high >= 0 ? digit_of(text[i + 2]) : -1;

        if (low >= 0 && (high > 0 || low > 0)) {
            buf_add_char(&out, (char)(high * 16 + low));
            i += 2;
        } else {
            buf_add_char(&out, text[i] == '+' ? ' ' : text[i]);
        }
    }
    return buf_take(&out);
}

char *loopback_parameter(const char *query, const char *name)
{
    const size_t len = strlen(name);

    for (const char *at = query; at; at = strchr(at, '&') ? strchr(at, '&') + 1 : NULL)
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return decode(at + len + 1, strcspn(at + len + 1, "&"));
    return NULL;
}
