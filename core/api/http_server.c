/* api/http_server.c - the HTTP server: listens, counts its connections, stops. */
#include "api/http_priv.h"
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RETRY_US (UNITS_SECOND / 10)

struct http_server *http_server_new(struct loop *l, const struct http_options *opts)
{
    struct http_server *s = mem_alloc(sizeof(*s));

    s->loop = l;
    s->opts = *opts;
    s->opts.unix_path = mem_text(opts->unix_path);
    s->opts.address = mem_text(opts->address);
    if (s->opts.n_connections_max == 0)
        s->opts.n_connections_max = 1024;
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
    return s->n_conns;
}

/* --- taking connections --- */

static void set_accepting(struct http_server *s, bool on)
{
    struct evconnlistener *both[] = {s->unix_listener.listener,
                                     s->tcp_listener.listener};

    s->accepting = on;
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        if (both[i] && on)
            evconnlistener_enable(both[i]);
        else if (both[i])
            evconnlistener_disable(both[i]);
    }
}

/* At the cap one more may come if one that is idle can make way for it; else new ones
 * wait in the kernel's backlog. */
static bool can_take_one(const struct http_server *s)
{
    return s->n_conns < s->opts.n_connections_max ||
           (s->n_conns == s->opts.n_connections_max && !list_empty(&s->idle));
}

void http_server_has_room(struct http_server *s)
{
    if (!s->accepting && !s->stopping && !s->retry && can_take_one(s))
        set_accepting(s, true);
}

/* The one that has been idle longest goes. */
static void make_room(struct http_server *s)
{
    if (s->n_conns >= s->opts.n_connections_max && !list_empty(&s->idle))
        http_conn_retire(LIST_OF(list_first(&s->idle), struct http_conn, idle));
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
                      struct sockaddr *from, int from_len, void *arg)
{
    struct http_listener *l = arg;
    struct http_server *s = l->server;
    struct http_peer peer;

    (void)listener;
    (void)from_len;
    if (!http_peer_of(fd, l->local, from, &peer)) {
        log_warn("refused a connection from user %u", (unsigned)peer.uid);
        close(fd);
        return;
    }
    make_room(s);
    struct bufferevent *bev =
        bufferevent_socket_new(loop_event_base(s->loop), fd, BEV_OPT_CLOSE_ON_FREE);
    if (!bev) {
        close(fd);
        return;
    }
    http_conn_new(s, bev, &peer, l->loopback && !s->opts.any_host);
    if (!can_take_one(s))
        set_accepting(s, false);
}

static void on_retry(void *arg)
{
    http_server_has_room(arg);
}

/* Out of descriptors or memory: trying at once would only spin. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    struct http_server *s = ((struct http_listener *)arg)->server;

    (void)listener;
    log_warn("a connection cannot be taken: %s",
             evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    set_accepting(s, false);
    if (!s->retry)
        loop_timer_add(s->loop, RETRY_US, on_retry, s, &s->retry);
}

static void start_listener(struct http_listener *l, struct http_server *s, int fd)
{
    l->server = s;
    l->listener =
        evconnlistener_new(loop_event_base(s->loop), on_accept, l,
                           LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE, 0, fd);
    if (l->listener)
        evconnlistener_set_error_cb(l->listener, on_accept_error);
    else
        close(fd);
}

static int listen_unix(struct http_server *s, struct ff_err *err)
{
    int fd = http_listen_unix(s->opts.unix_path, &s->unix_lock, err);

    if (fd < 0)
        return err->code;
    s->unix_listener.local = true;
    start_listener(&s->unix_listener, s, fd);
    return FF_OK;
}

static int listen_tcp(struct http_server *s, struct ff_err *err)
{
    int fd = http_listen_tcp(s->opts.address, s->opts.port, s->opts.any_address, err);

    if (fd < 0)
        return err->code;
    s->tcp_listener.loopback = !s->opts.any_address;
    start_listener(&s->tcp_listener, s, fd);
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

static void report_if_empty(struct http_server *s)
{
    if (s->stopping && s->n_conns == 0 && s->stopped && !s->report)
        loop_timer_add(s->loop, 0, on_report, s, &s->report);
}

void http_server_left(struct http_server *s)
{
    s->n_conns--;
    http_server_has_room(s);
    report_if_empty(s);
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
    report_if_empty(s);
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
    ARRAY_DONE(&s->mounts);
    mem_free((char *)s->opts.unix_path);
    mem_free((char *)s->opts.address);
    mem_free(s);
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
