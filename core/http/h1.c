/* http/h1.c - HTTP/1.1 on a connection: reads a request, hands it to its route, lets
 * the answer out, and begins again. One request is in hand at a time; what the peer
 * sends ahead waits in a bounded buffer, then in the kernel.
 *
 * Deadlines run only while a head or a body is on its way, or a refusal lingers. */
#include "http/conn.h"
#include "http/h1_priv.h"
#include <string.h>
#include <strings.h>

enum h1_phase {
    H1_HEAD,   /* awaits a head, or is idle between requests */
    H1_BODY,   /* awaits the rest of a body */
    H1_ANSWER, /* a handler has it */
    H1_STREAM, /* the answer is a stream */
    H1_FLUSH,  /* closes once all is sent */
    H1_LEFT,   /* another protocol has the connection */
    H1_LINGER  /* has refused; reads on so that the refusal arrives */
};

struct h1 {
    struct http_exchange x;
    enum h1_phase phase;
    bool line_skipped; /* one empty line before a request is forgiven */
    bool chunked;      /* the answer's body, as its length is not known */
    bool linger;       /* after FLUSH: the peer may still be sending */
    size_t scanned;    /* of the head in the input buffer */
    size_t n_requests;
    struct http_parse parse;
};

static void pump(struct h1 *h);

static struct evbuffer *input(struct h1 *h)
{
    return http_conn_input(h->x.conn);
}

static struct evbuffer *output(struct h1 *h)
{
    return http_conn_output(h->x.conn);
}

static const struct http_options *options(const struct h1 *h)
{
    return &h->x.conn->server->opts;
}

/* --- ending --- */

static void linger(struct h1 *h)
{
    h->phase = H1_LINGER;
    if (h->x.conn->input_ended || !http_conn_end_output(h->x.conn)) {
        http_conn_kill(h->x.conn);
        return;
    }
    evbuffer_drain(input(h), evbuffer_get_length(input(h)));
    http_conn_arm(h->x.conn, options(h)->linger_us);
}

/* Closing with unread input makes the kernel throw the answer away, so the peer is
 * read for a while after a refusal. */
static void flush_out(struct h1 *h)
{
    h->phase = H1_FLUSH;
    http_conn_busy(h->x.conn);
    if (evbuffer_get_length(output(h)) > 0)
        return;
    if (h->linger)
        linger(h);
    else
        http_conn_close(h->x.conn);
}

/* What follows on this connection is not worth reading. */
static void refuse(struct h1 *h, struct http_refusal no)
{
    if (!h->x.reply)
        h->x.reply = http_reply_new(&h->x);
    h->x.reply->keep_alive = false;
    h->linger = true;
    h->phase = H1_ANSWER;
    http_exchange_refuse(&h->x, no);
}

/* --- answers --- */

static struct h1 *of(struct http_exchange *x)
{
    return LIST_OF(x, struct h1, x);
}

static struct evbuffer *x_output(struct http_exchange *x)
{
    return output(of(x));
}

static void add_framing(struct http_reply *reply, int64_t length)
{
    if (length >= 0)
        http_reply_header_int(reply, "Content-Length", length);
    else if (reply->minor > 0)
        http_reply_header(reply, "Transfer-Encoding", "chunked");
}

static void x_head(struct http_exchange *x, int status, int64_t length)
{
    struct http_reply *reply = x->reply;
    struct evbuffer *out = x_output(x);

    of(x)->chunked = length < 0 && reply->minor > 0;
    if (length < 0 && reply->minor == 0)
        reply->keep_alive = false;
    evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\n", status, http_reason(status));
    if (status != 204 && status != 304)
        add_framing(reply, length);
    if (!reply->keep_alive)
        http_reply_header(reply, "Connection", "close");
    else if (reply->minor == 0)
        http_reply_header(reply, "Connection", "keep-alive");
    buf_add_text(&reply->fields, "\r\n");
    evbuffer_add(out, buf_text(&reply->fields), reply->fields.len);
}

static void x_add(struct http_exchange *x, const void *bytes, size_t len)
{
    struct h1 *h = of(x);
    struct evbuffer *out = output(h);

    if (len == 0)
        return;
    if (h->chunked)
        evbuffer_add_printf(out, "%zx\r\n", len);
    evbuffer_add(out, bytes, len);
    if (h->chunked)
        evbuffer_add(out, "\r\n", 2);
}

static void x_answered(struct http_exchange *x, bool keep_alive)
{
    struct h1 *h = of(x);
    struct http_conn *c = x->conn;

    http_conn_enter(c);
    if (h->phase == H1_STREAM && h->chunked)
        evbuffer_add(output(h), "0\r\n\r\n", 5);
    x->reply = NULL;
    x->stream = NULL;
    http_conn_disarm(c);
    if (keep_alive && !c->server->stopping)
        h->phase = H1_HEAD;
    else
        flush_out(h);
    if (c->depth == 1 && h->phase == H1_HEAD)
        http_conn_soon(c);
    http_conn_leave(c);
}

static void x_streams(struct http_exchange *x)
{
    of(x)->phase = H1_STREAM;
    http_conn_may_stall(x->conn, http_stream_stall_us(x->stream));
}

static void x_drop(struct http_exchange *x)
{
    http_conn_kill_soon(x->conn);
}

/* --- requests --- */

/* The reader of a stream may pause until he has its last byte, long after its end; what
 * else he asks for is taken fast again. */
static void dispatch(struct h1 *h)
{
    if (h->x.conn->stall_us > 0)
        http_conn_may_stall(h->x.conn, 0);
    http_conn_disarm(h->x.conn);
    http_meter_await(h->x.conn, false);
    h->phase = H1_ANSWER;
    http_exchange_dispatch(&h->x);
}

static void await_body(struct h1 *h)
{
    struct http_reply *reply = h->x.reply;

    http_conn_disarm(h->x.conn);
    h->phase = H1_BODY;
    if (reply->minor > 0 && http_header(&reply->request, "expect") &&
        evbuffer_get_length(input(h)) == 0)
        evbuffer_add_printf(output(h), "HTTP/1.1 100 Continue\r\n\r\n");
}

/* The last one of this connection says so. */
static bool may_go_on(const struct h1 *h)
{
    return h->parse.keep_alive && !h->x.conn->server->stopping &&
           h->n_requests < options(h)->n_requests_max;
}

static void x_admitted(struct http_exchange *x)
{
    struct h1 *h = of(x);
    struct http_conn *c = x->conn;

    http_conn_enter(c);
    x->reply->keep_alive = may_go_on(h);
    h->linger = false;
    if (h->parse.done) {
        dispatch(h);
    } else {
        await_body(h);
        if (c->depth == 1)
            http_conn_soon(c);
    }
    http_conn_leave(c);
}

/* This is still called by what the handler was called from. */
static void x_leave_to(struct http_exchange *x, const struct http_protocol *protocol,
                       void *state)
{
    struct http_conn *c = x->conn;

    x->reply = NULL;
    of(x)->phase = H1_LEFT;
    c->former = c->state;
    c->protocol = protocol;
    c->state = state;
    http_conn_soon(c);
}

static const struct http_exchange_ops x_ops = {.head = x_head,
                                               .output = x_output,
                                               .add = x_add,
                                               .answered = x_answered,
                                               .streams = x_streams,
                                               .drop = x_drop,
                                               .admitted = x_admitted,
                                               .leave_to = x_leave_to};

/* Whoever answers before the body is here ends the connection by it. */
static void begin_request(struct h1 *h)
{
    struct http_reply *reply = h->x.reply;

    http_conn_disarm(h->x.conn);
    h->phase = H1_ANSWER;
    h->n_requests++;
    reply->request.method = llhttp_method_name((llhttp_method_t)h->parse.parser.method);
    reply->keep_alive = h->parse.done && may_go_on(h);
    h->linger = !h->parse.done;
    http_exchange_begin(&h->x, h->parse.done);
}

/* --- input --- */

/* A CRLF after a body is an old habit of clients (RFC 9112, section 2.2). */
static void skip_line(struct h1 *h)
{
    char start[2];

    if (!h->line_skipped && evbuffer_copyout(input(h), start, 2) == 2 &&
        memcmp(start, "\r\n", 2) == 0) {
        evbuffer_drain(input(h), 2);
        h->line_skipped = true;
        h->scanned = 0;
    }
}

/* These two return false when they need more bytes. */
static bool read_head(struct h1 *h)
{
    struct http_refusal no = {0};

    skip_line(h);
    size_t len = evbuffer_get_length(input(h));
    if (len > HTTP_HEAD_MAX)
        len = HTTP_HEAD_MAX;
    if (len == 0)
        return false;
    http_conn_busy(h->x.conn);
    const char *bytes = (const char *)evbuffer_pullup(input(h), (ssize_t)len);
    size_t head = http_find_head(bytes, len, &h->scanned, &no);
    if (head == 0 && no.status == 0)
        return false;
    h->x.match = (struct http_match){0};
    h->line_skipped = false;
    if (head > 0) {
        h->x.reply = http_reply_new(&h->x);
        http_parse_head(&h->parse, h->x.reply, bytes, head);
        no = h->parse.no;
        evbuffer_drain(input(h), head);
    }
    if (no.status != 0)
        refuse(h, no);
    else
        begin_request(h);
    return true;
}

static bool read_body(struct h1 *h)
{
    size_t len = evbuffer_get_contiguous_space(input(h));

    if (len == 0)
        return false;
    const char *bytes = (const char *)evbuffer_pullup(input(h), (ssize_t)len);
    evbuffer_drain(input(h), http_parse_body(&h->parse, bytes, len));
    if (h->parse.no.status != 0)
        refuse(h, h->parse.no);
    else if (h->parse.done)
        dispatch(h);
    return true;
}

static bool step(struct h1 *h)
{
    if (h->phase == H1_HEAD)
        return read_head(h);
    return h->phase == H1_BODY && read_body(h);
}

/* There is nothing more to be had now: waits for it under the right deadline. */
static void await(struct h1 *h)
{
    struct http_conn *c = h->x.conn;

    if (h->phase != H1_HEAD && h->phase != H1_BODY)
        return;
    bool idle = h->phase == H1_HEAD && evbuffer_get_length(input(h)) == 0;
    if (c->input_ended && h->phase == H1_BODY) {
        http_conn_kill(c);
    } else if (c->input_ended || (idle && c->server->stopping)) {
        flush_out(h);
    } else if (h->phase == H1_BODY) {
        http_conn_arm(c, options(h)->body_timeout_us);
        http_meter_await(c, true);
    } else if (!idle) {
        http_conn_arm(c, options(h)->head_timeout_us);
    } else if (!c->deadline) {
        http_conn_idle(c);
    }
}

static void pump(struct h1 *h)
{
    struct http_conn *c = h->x.conn;

    for (int i = 0; i < HTTP_TURN; i++) {
        if (h->phase == H1_HEAD && evbuffer_get_length(output(h)) > HTTP_OUTPUT_PAUSE)
            return; /* on_output goes on */
        if (c->dead || !step(h)) {
            if (!c->dead)
                await(h);
            return;
        }
    }
    http_conn_soon(c);
}

/* --- the protocol --- */

static void on_begin(struct http_conn *c)
{
    struct h1 *h = mem_alloc(sizeof(*h));

    *h = (struct h1){.x = {.ops = &x_ops, .conn = c}, .phase = H1_HEAD};
    c->state = h;
}

static void on_input(struct http_conn *c)
{
    struct h1 *h = c->state;

    /* Held, and its body will never be whole. */
    bool broken = h->phase == H1_ANSWER && !h->parse.done;
    if (c->input_ended && (broken || h->phase == H1_STREAM || h->phase == H1_LINGER))
        http_conn_kill(c);
    else if (h->phase == H1_LINGER)
        evbuffer_drain(input(h), evbuffer_get_length(input(h)));
    else
        pump(h);
}

static void on_output(struct http_conn *c)
{
    struct h1 *h = c->state;

    if (h->phase == H1_FLUSH)
        flush_out(h);
    else if (h->x.stream)
        http_stream_flushed(h->x.stream);
    else
        pump(h);
}

static void on_late(struct http_conn *c)
{
    struct h1 *h = c->state;

    bool silent = h->phase == H1_HEAD && evbuffer_get_length(input(h)) == 0;
    if (silent || (h->phase != H1_HEAD && h->phase != H1_BODY))
        http_conn_kill(c);
    else
        refuse(h, (struct http_refusal){408, "the request did not arrive in time"});
}

static void on_retire(struct http_conn *c)
{
    struct h1 *h = c->state;

    if (h->phase == H1_STREAM)
        http_conn_kill_soon(c);
    else if (h->phase == H1_HEAD && evbuffer_get_length(input(h)) == 0)
        flush_out(h);
    else if (h->x.reply)
        h->x.reply->keep_alive = false;
}

static void on_lost(struct http_conn *c)
{
    struct h1 *h = c->state;

    http_exchange_lost(&h->x, h->phase != H1_BODY);
}

static void on_free(struct http_conn *c)
{
    mem_free(c->state);
}

const struct http_protocol http_protocol_h1 = {.begin = on_begin,
                                               .input = on_input,
                                               .output = on_output,
                                               .late = on_late,
                                               .retire = on_retire,
                                               .lost = on_lost,
                                               .free = on_free};
