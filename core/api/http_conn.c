/* api/http_conn.c - one connection: reads a request, hands it to its route, lets the
 * answer out, and begins again. One request is in hand at a time; what the peer sends
 * ahead waits in a bounded buffer, then in the kernel.
 *
 * Deadlines run only while a head or a body is on its way, or a refusal lingers. */
#include "api/http_priv.h"
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

static void pump(struct http_conn *c);

struct evbuffer *http_conn_output(struct http_conn *c)
{
    return bufferevent_get_output(c->bev);
}

static struct evbuffer *input(struct http_conn *c)
{
    return bufferevent_get_input(c->bev);
}

/* --- life --- */

static void free_conn(struct http_conn *c)
{
    struct http_server *s = c->server;

    list_del(&c->link);
    list_del(&c->idle);
    bufferevent_free(c->bev);
    mem_free(c);
    http_server_left(s);
}

/* Everything that comes in from the loop stands between these two. */
static void enter(struct http_conn *c)
{
    c->depth++;
}

static void leave(struct http_conn *c)
{
    if (--c->depth == 0 && c->phase == CONN_DEAD)
        free_conn(c);
}

void http_conn_kill(struct http_conn *c)
{
    if (c->phase == CONN_DEAD)
        return;
    enter(c);
    if (c->phase == CONN_BODY)
        http_reply_free(c->reply); /* no handler has it yet */
    else if (c->reply)
        c->reply->conn = NULL;
    c->phase = CONN_DEAD;
    loop_timer_del(c->deadline);
    loop_timer_del(c->soon);
    bufferevent_setcb(c->bev, NULL, NULL, NULL, NULL);
    if (c->stream)
        http_stream_lost(c->stream);
    c->reply = NULL;
    c->stream = NULL;
    leave(c);
}

static void on_soon(void *arg)
{
    struct http_conn *c = arg;

    enter(c);
    if (c->doomed)
        http_conn_kill(c);
    else
        pump(c);
    leave(c);
}

static void soon(struct http_conn *c)
{
    if (!c->soon)
        loop_timer_add(c->server->loop, 0, on_soon, c, &c->soon);
}

void http_conn_kill_soon(struct http_conn *c)
{
    c->doomed = true;
    soon(c);
}

static void flush_out(struct http_conn *c);

void http_conn_retire(struct http_conn *c)
{
    enter(c);
    if (c->phase == CONN_STREAM)
        http_conn_kill_soon(c);
    else if (c->phase == CONN_HEAD && evbuffer_get_length(input(c)) == 0)
        flush_out(c);
    else if (c->reply)
        c->reply->keep_alive = false;
    leave(c);
}

/* --- deadlines --- */

static void refuse(struct http_conn *c, struct http_refusal no);

static void on_deadline(void *arg)
{
    struct http_conn *c = arg;

    enter(c);
    bool silent = c->phase == CONN_HEAD && evbuffer_get_length(input(c)) == 0;
    if (c->phase == CONN_LINGER || silent)
        http_conn_kill(c);
    else
        refuse(c, (struct http_refusal){408, "the request did not arrive in time"});
    leave(c);
}

static void arm(struct http_conn *c, int64_t delay_us)
{
    if (!c->deadline)
        loop_timer_add(c->server->loop, delay_us, on_deadline, c, &c->deadline);
}

static void disarm(struct http_conn *c)
{
    loop_timer_del(c->deadline);
    c->deadline = NULL;
}

/* --- answers --- */

static void linger(struct http_conn *c)
{
    c->phase = CONN_LINGER;
    if (c->input_ended || shutdown(bufferevent_getfd(c->bev), SHUT_WR) != 0) {
        http_conn_kill(c);
        return;
    }
    evbuffer_drain(input(c), evbuffer_get_length(input(c)));
    arm(c, c->server->opts.linger_us);
}

/* Closing with unread input makes the kernel throw the answer away, so the peer is
 * read for a while after a refusal. */
static void flush_out(struct http_conn *c)
{
    c->phase = CONN_FLUSH;
    list_del(&c->idle);
    if (evbuffer_get_length(http_conn_output(c)) > 0)
        return;
    if (c->linger)
        linger(c);
    else
        http_conn_kill(c);
}

void http_conn_answered(struct http_conn *c, bool keep_alive)
{
    enter(c);
    c->reply = NULL;
    c->stream = NULL;
    disarm(c);
    if (keep_alive && !c->server->stopping)
        c->phase = CONN_HEAD;
    else
        flush_out(c);
    if (c->depth == 1 && c->phase == CONN_HEAD)
        soon(c);
    leave(c);
}

void http_conn_streams(struct http_conn *c, struct http_stream *s)
{
    c->reply = NULL;
    c->stream = s;
    c->phase = CONN_STREAM;
}

static void answer_no(struct http_conn *c, struct http_refusal no)
{
    if (*c->match.allow)
        http_reply_header(c->reply, "Allow", c->match.allow);
    c->phase = CONN_ANSWER;
    http_reply_problem(c->reply, no.status, "%s", no.why);
}

/* What follows on this connection is not worth reading. */
static void refuse(struct http_conn *c, struct http_refusal no)
{
    if (!c->reply)
        c->reply = http_reply_new(c);
    c->reply->keep_alive = false;
    c->linger = true;
    answer_no(c, no);
}

/* --- requests --- */

static void dispatch(struct http_conn *c)
{
    struct http_reply *reply = c->reply;

    disarm(c);
    c->phase = CONN_ANSWER;
    reply->request.body = buf_text(&reply->body);
    reply->request.body_len = reply->body.len;
    c->match.route->handle(c->match.arg, &reply->request, reply);
}

/* Names that a page of somebody else cannot be served under. */
static bool is_loopback_host(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        size_t len = strlen(names[i]);
        if (strncasecmp(host, names[i], len) == 0 &&
            (host[len] == '\0' || host[len] == ':'))
            return true;
    }
    return false;
}

static struct http_refusal judge(struct http_conn *c)
{
    const struct http_reply *reply = c->reply;
    const char *host = http_header(&reply->request, "host");
    const char *expect = http_header(&reply->request, "expect");

    if (c->rebinding_guard && host && !is_loopback_host(host))
        return (struct http_refusal){421, "this server answers to localhost only"};
    if (!c->match.route)
        return c->match.no;
    if (reply->content_length > c->match.route->body_max)
        return (struct http_refusal){413, "the body is larger than this route takes"};
    if (expect && strcasecmp(expect, "100-continue") != 0)
        return (struct http_refusal){417, "only 100-continue can be expected"};
    return (struct http_refusal){0};
}

/* False: it has answered. The connection closes then if the body is still to come. */
static bool admit(struct http_conn *c)
{
    struct http_reply *reply = c->reply;
    bool keep_alive = reply->keep_alive;

    if (!c->match.route->admit)
        return true;
    if (!c->parse.done) {
        reply->keep_alive = false;
        c->linger = true;
    }
    c->phase = CONN_ANSWER;
    if (!c->match.route->admit(c->match.arg, &reply->request, reply))
        return false;
    reply->keep_alive = keep_alive;
    c->linger = false;
    return true;
}

static void await_body(struct http_conn *c)
{
    disarm(c);
    c->phase = CONN_BODY;
    if (c->reply->minor > 0 && http_header(&c->reply->request, "expect") &&
        evbuffer_get_length(input(c)) == 0)
        evbuffer_add_printf(http_conn_output(c), "HTTP/1.1 100 Continue\r\n\r\n");
}

static void begin(struct http_conn *c)
{
    struct http_reply *reply = c->reply;

    reply->request.method = llhttp_method_name((llhttp_method_t)c->parse.parser.method);
    reply->head_only = strcmp(reply->request.method, "HEAD") == 0;
    reply->keep_alive = c->parse.keep_alive && !c->server->stopping;
    http_route_find(c->server->mounts.items, c->server->mounts.n, reply, &c->match);
    if (*c->match.allow && c->parse.done &&
        strcmp(reply->request.method, "OPTIONS") == 0) {
        http_reply_header(reply, "Allow", c->match.allow);
        http_reply_send(reply, 204, NULL, "", 0);
        return;
    }
    struct http_refusal no = judge(c);
    if (no.status != 0 && c->parse.done)
        answer_no(c, no);
    else if (no.status != 0)
        refuse(c, no);
    if (no.status != 0)
        return;
    reply->body_max = c->match.route->body_max;
    if (!admit(c))
        return;
    if (c->parse.done)
        dispatch(c);
    else
        await_body(c);
}

/* --- input --- */

/* A CRLF after a body is an old habit of clients (RFC 9112, section 2.2). */
static void skip_line(struct http_conn *c)
{
    char start[2];

    if (!c->line_skipped && evbuffer_copyout(input(c), start, 2) == 2 &&
        memcmp(start, "\r\n", 2) == 0) {
        evbuffer_drain(input(c), 2);
        c->line_skipped = true;
        c->scanned = 0;
    }
}

/* These two return false when they need more bytes. */
static bool read_head(struct http_conn *c)
{
    struct http_refusal no = {0};

    skip_line(c);
    size_t len = evbuffer_get_length(input(c));
    if (len > HTTP_HEAD_MAX)
        len = HTTP_HEAD_MAX;
    if (len == 0)
        return false;
    list_del(&c->idle);
    const char *bytes = (const char *)evbuffer_pullup(input(c), (ssize_t)len);
    size_t head = http_find_head(bytes, len, &c->scanned, &no);
    if (head == 0 && no.status == 0)
        return false;
    c->match = (struct http_match){0};
    c->line_skipped = false;
    if (head > 0) {
        c->reply = http_reply_new(c);
        http_parse_head(&c->parse, c->reply, bytes, head);
        no = c->parse.no;
        evbuffer_drain(input(c), head);
    }
    if (no.status != 0)
        refuse(c, no);
    else
        begin(c);
    return true;
}

static bool read_body(struct http_conn *c)
{
    size_t len = evbuffer_get_contiguous_space(input(c));

    if (len == 0)
        return false;
    const char *bytes = (const char *)evbuffer_pullup(input(c), (ssize_t)len);
    evbuffer_drain(input(c), http_parse_body(&c->parse, bytes, len));
    if (c->parse.no.status != 0)
        refuse(c, c->parse.no);
    else if (c->parse.done)
        dispatch(c);
    return true;
}

static bool step(struct http_conn *c)
{
    if (c->phase == CONN_HEAD)
        return read_head(c);
    return c->phase == CONN_BODY && read_body(c);
}

/* There is nothing more to be had now: waits for it under the right deadline. */
static void await(struct http_conn *c)
{
    if (c->phase != CONN_HEAD && c->phase != CONN_BODY)
        return;
    bool idle = c->phase == CONN_HEAD && evbuffer_get_length(input(c)) == 0;
    if (c->input_ended && c->phase == CONN_BODY) {
        http_conn_kill(c);
    } else if (c->input_ended || (idle && c->server->stopping)) {
        flush_out(c);
    } else if (c->phase == CONN_BODY) {
        arm(c, c->server->opts.body_timeout_us);
    } else if (!idle) {
        arm(c, c->server->opts.head_timeout_us);
    } else if (!c->deadline && list_empty(&c->idle)) {
        list_add_tail(&c->server->idle, &c->idle);
        http_server_has_room(c->server);
    }
}

static void pump(struct http_conn *c)
{
    for (int i = 0; i < HTTP_TURN; i++) {
        if (c->phase == CONN_HEAD &&
            evbuffer_get_length(http_conn_output(c)) > HTTP_OUTPUT_PAUSE)
            return; /* on_write goes on */
        if (!step(c)) {
            await(c);
            return;
        }
    }
    soon(c);
}

/* --- events --- */

static void on_read(struct bufferevent *bev, void *arg)
{
    struct http_conn *c = arg;

    (void)bev;
    enter(c);
    if (c->phase == CONN_LINGER)
        evbuffer_drain(input(c), evbuffer_get_length(input(c)));
    else
        pump(c);
    leave(c);
}

static void on_write(struct bufferevent *bev, void *arg)
{
    struct http_conn *c = arg;

    (void)bev;
    enter(c);
    if (c->phase == CONN_FLUSH)
        flush_out(c);
    else if (c->stream)
        http_stream_flushed(c->stream);
    else
        pump(c);
    leave(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct http_conn *c = arg;

    (void)bev;
    enter(c);
    if (!(what & BEV_EVENT_EOF) || c->phase == CONN_STREAM || c->phase == CONN_LINGER) {
        http_conn_kill(c);
    } else {
        /* It may still read: what it asked for in full is answered. */
        c->input_ended = true;
        pump(c);
    }
    leave(c);
}

void http_conn_new(struct http_server *s, struct bufferevent *bev,
                   const struct http_peer *peer, bool rebinding_guard)
{
    struct http_conn *c = mem_alloc(sizeof(*c));
    struct timeval send = {.tv_sec = s->opts.send_timeout_us / UNITS_SECOND,
                           .tv_usec = s->opts.send_timeout_us % UNITS_SECOND};

    *c = (struct http_conn){.server = s,
                            .bev = bev,
                            .peer = *peer,
                            .rebinding_guard = rebinding_guard,
                            .phase = CONN_HEAD};
    list_add_tail(&s->conns, &c->link);
    list_init(&c->idle);
    s->n_conns++;
    bufferevent_setcb(bev, on_read, on_write, on_event, c);
    bufferevent_setwatermark(bev, EV_READ, 0, HTTP_INPUT_MAX);
    bufferevent_set_timeouts(bev, NULL, &send);
    bufferevent_enable(bev, EV_READ);
    arm(c, s->opts.head_timeout_us);
}
