/* http/conn.c - one connection below its protocol: its life, its deadline, what is read
 * ahead of need. */
#include "http/conn.h"
#include "http/tls.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

struct evbuffer *http_conn_output(struct http_conn *c)
{
    return bufferevent_get_output(c->bev);
}

struct evbuffer *http_conn_input(struct http_conn *c)
{
    return bufferevent_get_input(c->bev);
}

/* --- output --- */

/* Answers that are there at once go out at once: to wait until the socket can be
 * written to costs two calls of the kernel and another turn of the loop. libevent
 * watches for that as soon as something is added, unless writing is not enabled; so it
 * is enabled only while something is left. With TLS it is libevent's affair. */
static bool is_watched(const struct http_conn *c)
{
    return bufferevent_get_enabled(c->bev) & EV_WRITE;
}

/* To enable it once more would begin the time anew that the peer may take nothing. */
static void on_added(struct evbuffer *output, const struct evbuffer_cb_info *info,
                     void *arg)
{
    struct http_conn *c = arg;

    (void)output;
    if (info->n_added > 0 && !c->gathers && !is_watched(c))
        bufferevent_enable(c->bev, EV_WRITE);
}

/* --- life --- */

static void free_conn(struct http_conn *c)
{
    struct http_server *s = c->server;

    list_del(&c->link);
    list_del(&c->idle);
    http_address_del(s, c->address);
    if (c->protocol)
        c->protocol->free(c);
    mem_free(c->former);
    bufferevent_free(c->bev);
    mem_free(c);
    http_server_left(s);
}

void http_conn_enter(struct http_conn *c)
{
    c->depth++;
}

/* By hand and not by a watermark: after one, libevent forgets what the TLS library has
 * read already, and waits for bytes that will not come. */
static void balance_input(struct http_conn *c)
{
    size_t len = evbuffer_get_length(http_conn_input(c));

    if (!c->input_held && len >= HTTP_INPUT_MAX) {
        c->input_held = true;
        bufferevent_disable(c->bev, EV_READ);
    } else if (c->input_held && len < HTTP_INPUT_MAX) {
        c->input_held = false;
        bufferevent_enable(c->bev, EV_READ);
    }
}

void http_conn_leave(struct http_conn *c)
{
    if (c->depth == 1 && !c->dead && !c->input_ended)
        balance_input(c);
    if (--c->depth == 0 && c->dead)
        free_conn(c);
}

void http_conn_kill(struct http_conn *c)
{
    if (c->dead)
        return;
    http_conn_enter(c);
    c->dead = true;
    loop_timer_del(c->deadline);
    loop_timer_del(c->soon);
    http_meter_done(c);
    evbuffer_remove_cb(http_conn_output(c), on_added, c);
    bufferevent_setcb(c->bev, NULL, NULL, NULL, NULL);
    if (c->protocol)
        c->protocol->lost(c);
    http_conn_leave(c);
}

static void on_soon(void *arg)
{
    struct http_conn *c = arg;

    http_conn_enter(c);
    if (c->doomed)
        http_conn_kill(c);
    else
        c->protocol->input(c);
    http_conn_leave(c);
}

void http_conn_soon(struct http_conn *c)
{
    if (!c->soon && !c->dead)
        loop_timer_add(c->server->loop, 0, on_soon, c, &c->soon);
}

void http_conn_kill_soon(struct http_conn *c)
{
    c->doomed = true;
    http_conn_soon(c);
}

void http_conn_retire(struct http_conn *c)
{
    http_conn_enter(c);
    if (c->protocol)
        c->protocol->retire(c);
    else
        http_conn_kill(c);
    http_conn_leave(c);
}

bool http_conn_end_output(struct http_conn *c)
{
    if (c->tls)
        http_tls_farewell(c->bev);
    return shutdown(bufferevent_getfd(c->bev), SHUT_WR) == 0;
}

void http_conn_close(struct http_conn *c)
{
    if (c->tls)
        http_tls_farewell(c->bev);
    http_conn_kill(c);
}

/* --- time --- */

static void on_deadline(void *arg)
{
    struct http_conn *c = arg;

    http_conn_enter(c);
    if (c->protocol)
        c->protocol->late(c);
    else
        http_conn_kill(c);
    http_conn_leave(c);
}

void http_conn_arm(struct http_conn *c, int64_t delay_us)
{
    if (!c->deadline && !c->dead)
        loop_timer_add(c->server->loop, delay_us, on_deadline, c, &c->deadline);
}

void http_conn_disarm(struct http_conn *c)
{
    loop_timer_del(c->deadline);
    c->deadline = NULL;
}

static void on_idle_over(void *arg)
{
    struct http_server *s = arg;
    int64_t limit_us = s->opts.idle_timeout_us;

    while (!list_empty(&s->idle)) {
        struct http_conn *c = LIST_OF(list_first(&s->idle), struct http_conn, idle);
        int64_t left_us = c->idle_since_us + limit_us - loop_mono_us(s->loop);

        if (left_us > 0) {
            loop_timer_add(s->loop, left_us, on_idle_over, s, &s->idle_over);
            return;
        }
        http_conn_busy(c);
        http_conn_retire(c);
    }
}

/* One timer, for the one that has been idle longest. */
void http_conn_idle(struct http_conn *c)
{
    struct http_server *s = c->server;

    if (!list_empty(&c->idle) || c->dead)
        return;
    list_add_tail(&s->idle, &c->idle);
    if (s->opts.idle_timeout_us > 0) {
        c->idle_since_us = loop_mono_us(s->loop);
        if (!s->idle_over)
            loop_timer_add(s->loop, s->opts.idle_timeout_us, on_idle_over, s,
                           &s->idle_over);
    }
    http_server_has_room(s);
}

void http_conn_busy(struct http_conn *c)
{
    list_del(&c->idle);
}

/* --- what is spoken --- */

static void speak(struct http_conn *c, const struct http_protocol *protocol)
{
    http_conn_disarm(c);
    http_conn_arm(c, c->server->opts.head_timeout_us);
    c->protocol = protocol;
    protocol->begin(c);
    if (evbuffer_get_length(http_conn_input(c)) > 0 && !c->dead)
        protocol->input(c);
}

/* No method of HTTP/1.1 begins as the preface of HTTP/2 does. */
static void tell_apart(struct http_conn *c)
{
    static const char preface[] = "PRI";
    char start[3];

    ssize_t len = evbuffer_copyout(http_conn_input(c), start, sizeof(start));
    if (len > 0 && memcmp(start, preface, (size_t)len) != 0)
        speak(c, &http_protocol_h1);
    else if (len == sizeof(start))
        speak(c, &http_protocol_h2);
}

/* --- events --- */

static void send_now(struct http_conn *c)
{
    struct evbuffer *out = http_conn_output(c);

    if (evbuffer_get_length(out) == 0 || !c->protocol)
        return;
    evbuffer_unfreeze(out, 1);
    const int sent = evbuffer_write(out, bufferevent_getfd(c->bev));
    const int sys = errno;
    evbuffer_freeze(out, 1);
    if (sent < 0 && sys != EAGAIN && sys != EINTR) {
        http_conn_kill(c);
    } else if (evbuffer_get_length(out) > 0) {
        bufferevent_enable(c->bev, EV_WRITE);
        http_meter_unsent(c);
    } else {
        c->protocol->output(c);
    }
}

static void on_read(struct bufferevent *bev, void *arg)
{
    struct http_conn *c = arg;

    (void)bev;
    http_conn_enter(c);
    c->gathers = !c->tls && !is_watched(c);
    if (c->protocol)
        c->protocol->input(c);
    else
        tell_apart(c);
    if (c->gathers && !c->dead) {
        c->gathers = false;
        send_now(c);
    }
    http_conn_leave(c);
}

static void on_write(struct bufferevent *bev, void *arg)
{
    struct http_conn *c = arg;

    http_conn_enter(c);
    if (!c->tls)
        bufferevent_disable(bev, EV_WRITE);
    if (c->protocol)
        c->protocol->output(c);
    http_conn_leave(c);
}

/* The peer may still read. With TLS libevent stops both ways. */
static void end_input(struct http_conn *c)
{
    c->input_ended = true;
    if (c->tls) {
        bufferevent_disable(c->bev, EV_READ);
        bufferevent_enable(c->bev, EV_WRITE);
    }
    c->protocol->input(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct http_conn *c = arg;

    http_conn_enter(c);
    if (what & BEV_EVENT_CONNECTED)
        speak(c, http_tls_chose_h2(bev) ? &http_protocol_h2 : &http_protocol_h1);
    else if ((what & BEV_EVENT_EOF) && c->protocol)
        end_input(c);
    else
        http_conn_kill(c);
    http_conn_leave(c);
}

void http_conn_may_stall(struct http_conn *c, int64_t stall_us)
{
    const int64_t us = stall_us > 0 ? stall_us : c->server->opts.send_timeout_us;
    const struct timeval send = {.tv_sec = us / UNITS_SECOND,
                                 .tv_usec = us % UNITS_SECOND};

    c->stall_us = stall_us;
    bufferevent_set_timeouts(c->bev, NULL, &send);
}

void http_conn_new(struct http_server *s, struct bufferevent *bev,
                   const struct http_accepted *how)
{
    struct http_conn *c = mem_alloc(sizeof(*c));

    *c = (struct http_conn){.server = s,
                            .bev = bev,
                            .peer = how->peer,
                            .address = how->address,
                            .rebinding_guard = how->rebinding_guard,
                            .may_h2 = how->may_h2,
                            .tls = how->tls};
    s->counts.n_connections++;
    s->counts.n_accepted++;
    list_add_tail(&s->conns, &c->link);
    list_init(&c->idle);
    http_conn_enter(c);
    bufferevent_setcb(bev, on_read, on_write, on_event, c);
    http_conn_may_stall(c, 0);
    http_meter_init(c);
    if (!c->tls) {
        bufferevent_disable(bev, EV_WRITE);
        evbuffer_add_cb(http_conn_output(c), on_added, c);
    }
    bufferevent_enable(bev, EV_READ);
    if (c->tls || c->may_h2)
        http_conn_arm(c, s->opts.head_timeout_us); /* until it is known what it is */
    else
        speak(c, &http_protocol_h1);
    http_conn_leave(c);
}
