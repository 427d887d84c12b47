/* http/accept.c - takes connections: how many in all and from one address, and what is
 * done when the process cannot take more. */
#include "http/conn.h"
#include "http/tls.h"
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_US (UNITS_SECOND / 10)

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
    return s->counts.n_connections < s->opts.n_connections_max ||
           (s->counts.n_connections == s->opts.n_connections_max &&
            !list_empty(&s->idle));
}

void http_server_has_room(struct http_server *s)
{
    if (!s->accepting && !s->stopping && !s->retry && can_take_one(s))
        set_accepting(s, true);
}

/* The one that has been idle longest goes. */
static void make_room(struct http_server *s)
{
    if (s->counts.n_connections >= s->opts.n_connections_max && !list_empty(&s->idle))
        http_conn_retire(LIST_OF(list_first(&s->idle), struct http_conn, idle));
}

static struct bufferevent *new_bev(struct http_server *s, int fd, bool tls)
{
    struct event_base *base = loop_event_base(s->loop);

    if (tls)
        return http_tls_accept(s->tls, base, fd);
    return bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
}

/* False: the descriptor is still the caller's. */
static bool take(struct http_listener *l, int fd, const struct sockaddr *from)
{
    struct http_server *s = l->server;
    struct http_accepted how = {.rebinding_guard = l->loopback && !s->opts.any_host,
                                .may_h2 = l->loopback && s->opts.h2c,
                                .tls = !l->local && s->tls};

    if (!http_peer_of(fd, l->local, from, &how.peer)) {
        log_warn("refused a connection from user %u", (unsigned)how.peer.uid);
        return false;
    }
    if (!l->local && !http_address_add(s, from, &how.address)) {
        s->counts.n_refused++;
        return false;
    }
    make_room(s);
    struct bufferevent *bev = new_bev(s, fd, how.tls);
    if (!bev) {
        http_address_del(s, how.address);
        return false;
    }
    http_conn_new(s, bev, &how);
    return true;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
                      struct sockaddr *from, int from_len, void *arg)
{
    struct http_listener *l = arg;

    (void)listener;
    (void)from_len;
    if (!take(l, fd, from))
        close(fd);
    if (!can_take_one(l->server))
        set_accepting(l->server, false);
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

void http_listener_start(struct http_listener *l, struct http_server *s, int fd)
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

void http_server_left(struct http_server *s)
{
    s->counts.n_connections--;
    http_server_has_room(s);
    if (s->counts.n_connections == 0)
        http_server_empty(s);
}
