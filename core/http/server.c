/* http/server.c - the HTTP server: its options, listening, stopping. */
#include "http/conn.h"
#include "http/tls.h"
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct http_server *http_server_new(struct loop *l, const struct http_options *opts)
{
    struct http_server *s = mem_alloc(sizeof(*s));

    s->loop = l;
    s->opts = *opts;
    s->opts.unix_path = mem_text(opts->unix_path);
    s->opts.address = mem_text(opts->address);
    s->opts.certificate = mem_text(opts->certificate);
    s->opts.key = mem_text(opts->key);
    if (s->opts.n_connections_max == 0)
        s->opts.n_connections_max = 1024;
    if (s->opts.n_requests_max == 0)
        s->opts.n_requests_max = SIZE_MAX;
    if (s->opts.rate_window_us == 0)
        s->opts.rate_window_us = 10 * UNITS_SECOND;
    if (s->opts.head_timeout_us == 0)
        s->opts.head_timeout_us = 10 * UNITS_SECOND;
    if (s->opts.body_timeout_us == 0)
        s->opts.body_timeout_us = 30 * UNITS_SECOND;
    if (s->opts.send_timeout_us == 0)
        s->opts.send_timeout_us = 30 * UNITS_SECOND;
    if (s->opts.linger_us == 0)
        s->opts.linger_us = 2 * UNITS_SECOND;
    s->unix_lock = -1;
    s->date_second = -1;
    list_init(&s->conns);
    list_init(&s->idle);
    return s;
}

void http_server_mount(struct http_server *s, const struct http_route *routes,
                       size_t n_routes, void *arg)
{
    struct http_mount mount = {.routes = routes, .n_routes = n_routes, .arg = arg};

    ARRAY_ADD(&s->mounts, mount);
}

size_t http_server_connections(const struct http_server *s)
{
    return s->counts.n_connections;
}

void http_server_counts(const struct http_server *s, struct http_counts *out)
{
    *out = s->counts;
}

void http_server_on_answer(struct http_server *s, http_answered_fn *fn, void *arg)
{
    s->answered = fn;
    s->answered_arg = arg;
}

/* --- listening --- */

static int listen_unix(struct http_server *s, struct ff_err *err)
{
    int fd = http_listen_unix(s->opts.unix_path, &s->unix_lock, err);

    if (fd < 0)
        return err->code;
    s->unix_listener.local = true;
    http_listener_start(&s->unix_listener, s, fd);
    return FF_OK;
}

int http_server_reload(struct http_server *s, struct ff_err *err)
{
    struct http_tls *fresh;

    if (!s->opts.certificate)
        return FF_OK;
    if (!s->opts.key)
        return ff_fail(err, FF_INVALID, 0,
                       "%s: a certificate needs the file of its key beside it",
                       s->opts.certificate);
    int code = http_tls_load(s->opts.certificate, s->opts.key, &fresh, err);
    if (code != FF_OK)
        return code;
    http_tls_free(s->tls);
    s->tls = fresh;
    return FF_OK;
}

static int listen_tcp(struct http_server *s, struct ff_err *err)
{
    int code = http_server_reload(s, err);

    if (code != FF_OK)
        return code;
    int fd = http_listen_tcp(s->opts.address, s->opts.port, s->opts.any_address,
                             &s->tcp_listener.loopback, err);

    if (fd < 0)
        return err->code;
    http_listener_start(&s->tcp_listener, s, fd);
    return FF_OK;
}

static void on_sigpipe(int number)
{
    (void)number;
}

/* libevent writes without MSG_NOSIGNAL, and a peer that has left must not end the
 * process. A handler, as children would inherit that a signal is ignored. */
static void survive_sigpipe(void)
{
    const struct sigaction handle = {.sa_handler = on_sigpipe, .sa_flags = SA_RESTART};
    struct sigaction old;

    if (sigaction(SIGPIPE, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
        sigaction(SIGPIPE, &handle, NULL);
}

int http_server_listen(struct http_server *s, struct ff_err *err)
{
    struct ff_err own = {0};
    int code = FF_OK;

    survive_sigpipe();
    if (s->opts.unix_path)
        code = listen_unix(s, &own);
    if (code == FF_OK && s->opts.address)
        code = listen_tcp(s, &own);
    if (code != FF_OK && err)
        *err = own;
    s->accepting = code == FF_OK;
    return code;
}

uint16_t http_server_port(const struct http_server *s)
{
    struct sockaddr_in6 name = {0};
    socklen_t len = sizeof(name);

    if (!s->tcp_listener.listener ||
        getsockname(evconnlistener_get_fd(s->tcp_listener.listener),
                    (struct sockaddr *)&name, &len) != 0)
        return 0;
    return ntohs(name.sin6_port); /* at the same place in sockaddr_in */
}

/* --- stopping --- */

static void close_listeners(struct http_server *s)
{
    if (s->unix_lock >= 0)
        http_unlisten_unix(s->opts.unix_path, s->unix_lock);
    s->unix_lock = -1;
    if (s->unix_listener.listener)
        evconnlistener_free(s->unix_listener.listener);
    if (s->tcp_listener.listener)
        evconnlistener_free(s->tcp_listener.listener);
    s->unix_listener.listener = s->tcp_listener.listener = NULL;
    loop_timer_del(s->retry);
}

static void kill_all(struct http_server *s)
{
    while (!list_empty(&s->conns)) {
        struct http_conn *c = LIST_OF(list_first(&s->conns), struct http_conn, link);
        http_conn_kill(c);
    }
}

static void on_grace_over(void *arg)
{
    kill_all(arg);
}

static void on_report(void *arg)
{
    struct http_server *s = arg;
    ff_call_fn *stopped = s->stopped;

    loop_timer_del(s->grace);
    s->stopped = NULL;
    if (stopped)
        stopped(s->stopped_arg);
}

void http_server_empty(struct http_server *s)
{
    if (s->stopping && s->stopped && !s->report)
        loop_timer_add(s->loop, 0, on_report, s, &s->report);
}

void http_server_stop(struct http_server *s, int64_t grace_us, ff_call_fn *done,
                      void *arg)
{
    s->stopping = true;
    s->stopped = done;
    s->stopped_arg = arg;
    close_listeners(s);
    loop_timer_del(s->grace);
    for (struct list *link = s->conns.next, *next; link != &s->conns; link = next) {
        next = link->next;
        http_conn_retire(LIST_OF(link, struct http_conn, link));
    }
    loop_timer_add(s->loop, grace_us, on_grace_over, s, &s->grace);
    if (s->counts.n_connections == 0)
        http_server_empty(s);
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    s->stopping = true;
    s->stopped = NULL;
    close_listeners(s);
    kill_all(s);
    http_reply_free_spare(s);
    loop_timer_del(s->grace);
    loop_timer_del(s->report);
    loop_timer_del(s->idle_over);
    http_tls_free(s->tls);
    map_done(&s->addresses);
    mem_free((char *)s->opts.certificate);
    mem_free((char *)s->opts.key);
    ARRAY_DONE(&s->mounts);
    mem_free((char *)s->opts.unix_path);
    mem_free((char *)s->opts.address);
    mem_free(s);
}

/* --- too much to do --- */

void http_server_crowded(struct http_server *s, bool crowded)
{
    if (s->crowded == crowded)
        return;
    s->crowded = crowded;
    if (crowded)
        return;
    for (struct list *link = s->conns.next; link != &s->conns; link = link->next) {
        struct http_conn *c = LIST_OF(link, struct http_conn, link);

        if (c->waits_its_turn)
            http_conn_soon(c);
    }
}

/* --- the Date header --- */

const char *http_server_date(struct http_server *s)
{
    int64_t second = loop_wall_us(s->loop) / UNITS_SECOND;

    if (second != s->date_second) {
        time_t now = (time_t)second;
        struct tm tm;
        gmtime_r(&now, &tm);
        /* Nobody sets a locale here, so the names are the English ones it needs. */
        strftime(s->date, sizeof(s->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        s->date_second = second;
    }
    return s->date;
}
