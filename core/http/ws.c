/* http/ws.c - a WebSocket on a connection that HTTP/1.1 has left. Frames are wslay's;
 * messages are put together here, as wslay keeps something for every empty fragment. */
#include "http/ws_priv.h"
#include <string.h>
#include <wslay/wslay.h>

enum { SIZE_DEFAULT = 1024 * 1024, REASON_MAX = 123 };
#define PING_US (20 * UNITS_SECOND)

struct http_websocket {
    struct http_conn *conn;
    struct http_websocket_opts opts;
    wslay_event_context_ptr ctx;
    struct buf message;
    struct loop_timer *ping;
    const char *protocol;
    uint8_t opcode; /* of the frame that comes in */
    int code;       /* that gone is given */
    bool heard;     /* anything, since the last ping was thought of */
    bool pinged;
    bool closing;
    bool broken; /* the peer's last frame was none: wslay is not asked any more */
    bool lingering;
    bool told; /* nobody waits for gone */
};

static const struct http_protocol ws_protocol;

/* --- wslay's view --- */

static ssize_t on_want_bytes(wslay_event_context_ptr ctx, uint8_t *to, size_t len,
                             int flags, void *arg)
{
    struct http_websocket *s = arg;
    int n = evbuffer_remove(http_conn_input(s->conn), to, len);

    (void)flags;
    if (n <= 0) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    s->heard = true;
    return n;
}

static ssize_t on_send(wslay_event_context_ptr ctx, const uint8_t *bytes, size_t len,
                       int flags, void *arg)
{
    struct http_websocket *s = arg;

    (void)ctx;
    (void)flags;
    evbuffer_add(http_conn_output(s->conn), bytes, len);
    return (ssize_t)len;
}

static void on_frame(wslay_event_context_ptr ctx,
                     const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
    struct http_websocket *s = arg;

    s->opcode = frame->opcode;
    /* It takes a close of one byte, half a code, for one without. */
    if (frame->opcode == WSLAY_CONNECTION_CLOSE && frame->payload_length == 1) {
        s->broken = true;
        wslay_event_shutdown_read(ctx);
    }
}

static void stop_pings(struct http_websocket *s)
{
    loop_timer_del(s->ping);
    s->ping = NULL;
}

static void start_closing(struct http_websocket *s, int code, const char *reason)
{
    if (s->closing)
        return;
    s->closing = true;
    stop_pings(s);
    size_t len = strlen(reason);
    wslay_event_queue_close(s->ctx, (uint16_t)code, (const uint8_t *)reason,
                            len < REASON_MAX ? len : REASON_MAX);
    http_conn_arm(s->conn, s->conn->server->opts.linger_us);
}

static void on_chunk(wslay_event_context_ptr ctx,
                     const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *arg)
{
    struct http_websocket *s = arg;

    if (wslay_is_ctrl_frame(s->opcode) || s->closing)
        return;
    if (s->message.len + chunk->data_length > s->opts.message_max) {
        s->code = WEBSOCKET_TOO_LARGE;
        start_closing(s, WEBSOCKET_TOO_LARGE, "the message is too large");
        wslay_event_shutdown_read(ctx);
        return;
    }
    buf_add(&s->message, chunk->data, chunk->data_length);
}

static void on_message(wslay_event_context_ptr ctx,
                       const struct wslay_event_on_msg_recv_arg *msg, void *arg)
{
    struct http_websocket *s = arg;

    (void)ctx;
    if (msg->opcode == WSLAY_PONG)
        s->pinged = false;
    if (msg->opcode == WSLAY_CONNECTION_CLOSE && !s->closing)
        s->code = msg->status_code ? msg->status_code : WEBSOCKET_NO_CODE;
    if (wslay_is_ctrl_frame(msg->opcode))
        return;
    if (!s->closing && !s->told && !s->conn->dead)
        s->opts.message(s->opts.arg, msg->opcode == WSLAY_TEXT_FRAME,
                        buf_text(&s->message), s->message.len);
    buf_clear(&s->message);
}

static const struct wslay_event_callbacks callbacks = {
    .recv_callback = on_want_bytes,
    .send_callback = on_send,
    .on_frame_recv_start_callback = on_frame,
    .on_frame_recv_chunk_callback = on_chunk,
    .on_msg_recv_callback = on_message};

/* --- in and out --- */

/* The peer may still be sending: it is read for a while, so that it learns why. */
static void say_farewell(struct http_websocket *s)
{
    struct http_conn *c = s->conn;

    if (s->lingering)
        return;
    s->lingering = true;
    if ((!s->broken && wslay_event_get_close_received(s->ctx)) || c->input_ended)
        http_conn_close(c);
    else if (!http_conn_end_output(c))
        http_conn_kill(c);
    else
        http_conn_arm(c, c->server->opts.linger_us);
}

/* wslay ends without a code then. What it sends is sent whole, so this follows. */
static void say_broken(struct http_websocket *s)
{
    static const char close_1002[] = {'\x88', 2, 3, '\xea'};

    s->broken = true;
    evbuffer_add(http_conn_output(s->conn), close_1002, sizeof(close_1002));
}

/* What is unsent holds back what is read: pings, too, have answers. */
static void read_and_write(struct http_websocket *s)
{
    size_t unsent = evbuffer_get_length(http_conn_output(s->conn));

    if (unsent < HTTP_OUTPUT_PAUSE && wslay_event_want_read(s->ctx) &&
        (wslay_event_recv(s->ctx) != 0 || s->broken))
        say_broken(s);
    else if (wslay_event_want_write(s->ctx) && wslay_event_send(s->ctx) != 0)
        http_conn_kill(s->conn);
}

static void pump(struct http_websocket *s)
{
    struct http_conn *c = s->conn;
    struct evbuffer *in = http_conn_input(c);

    if (!s->broken)
        read_and_write(s);
    if (c->dead)
        return;
    bool reads = !s->broken && wslay_event_want_read(s->ctx);
    bool writes = !s->broken && wslay_event_want_write(s->ctx);
    if (!reads)
        evbuffer_drain(in, evbuffer_get_length(in));
    if (reads || writes)
        return;
    stop_pings(s);
    s->closing = true;
    /* wslay refuses by itself a frame that says it is too large. */
    if (wslay_event_get_status_code_sent(s->ctx) == WEBSOCKET_TOO_LARGE &&
        s->code == WEBSOCKET_LOST)
        s->code = WEBSOCKET_TOO_LARGE;
    http_conn_arm(c, c->server->opts.linger_us);
    if (evbuffer_get_length(http_conn_output(c)) == 0)
        say_farewell(s);
}

static void on_ping_time(void *arg)
{
    static const struct wslay_event_msg ping = {.opcode = WSLAY_PING};
    struct http_websocket *s = arg;

    http_conn_enter(s->conn);
    if (s->pinged && !s->heard) {
        http_conn_kill(s->conn);
    } else {
        s->pinged = !s->heard;
        if (s->pinged)
            wslay_event_queue_msg(s->ctx, &ping);
        s->heard = false;
        loop_timer_add(s->conn->server->loop, s->opts.ping_us, on_ping_time, s,
                       &s->ping);
        pump(s);
    }
    http_conn_leave(s->conn);
}

/* --- the protocol --- */

static void on_input(struct http_conn *c)
{
    struct http_websocket *s = c->state;

    if (!s->lingering)
        pump(s);
    else
        evbuffer_drain(http_conn_input(c), evbuffer_get_length(http_conn_input(c)));
    if (c->input_ended)
        http_conn_kill(c);
}

static void on_output(struct http_conn *c)
{
    struct http_websocket *s = c->state;

    if (s->lingering)
        return;
    pump(s);
    if (!c->dead && !s->closing && s->opts.drained && http_websocket_unread(s) == 0)
        s->opts.drained(s->opts.arg);
}

static void on_late(struct http_conn *c)
{
    http_conn_kill(c);
}

static void on_retire(struct http_conn *c)
{
    struct http_websocket *s = c->state;

    if (!s->closing)
        s->code = WEBSOCKET_GOING_AWAY;
    start_closing(s, WEBSOCKET_GOING_AWAY, "the server stops");
    http_conn_soon(c);
}

static void on_lost(struct http_conn *c)
{
    struct http_websocket *s = c->state;

    stop_pings(s);
    if (!s->told) {
        s->told = true;
        s->opts.gone(s->opts.arg, s->code);
    }
}

static void on_free(struct http_conn *c)
{
    struct http_websocket *s = c->state;

    wslay_event_context_free(s->ctx);
    buf_done(&s->message);
    mem_free(s);
}

static const struct http_protocol ws_protocol = {.input = on_input,
                                                 .output = on_output,
                                                 .late = on_late,
                                                 .retire = on_retire,
                                                 .lost = on_lost,
                                                 .free = on_free};

/* --- what handlers ask --- */

static struct http_websocket_opts with_defaults(const struct http_websocket_opts *given)
{
    struct http_websocket_opts opts = *given;

    if (opts.message_max == 0)
        opts.message_max = SIZE_DEFAULT;
    if (opts.buffer_max == 0)
        opts.buffer_max = SIZE_DEFAULT;
    if (opts.ping_us == 0)
        opts.ping_us = PING_US;
    return opts;
}

struct http_websocket *http_websocket_open(struct http_reply *reply,
                                           const struct http_websocket_opts *opts)
{
    const char *protocol = "";

    if (!reply->x) {
        http_reply_send(reply, 400, NULL, "", 0);
        return NULL;
    }
    struct http_refusal no = ws_check_handshake(reply, opts, &protocol);
    if (no.status == 0 && reply->x->conn->server->stopping)
        no = (struct http_refusal){503, "the server is stopping"};
    if (no.status != 0) {
        http_reply_problem(reply, no.status, "%s", no.why);
        return NULL;
    }
    struct http_conn *c = reply->x->conn;
    struct http_websocket *s = mem_alloc(sizeof(*s));
    *s = (struct http_websocket){.conn = c,
                                 .opts = with_defaults(opts),
                                 .protocol = protocol,
                                 .code = WEBSOCKET_LOST};
    s->message.max = s->opts.message_max + 1;
    if (wslay_event_context_server_init(&s->ctx, &callbacks, s) != 0)
        mem_exhausted();
    wslay_event_config_set_no_buffering(s->ctx, 1);
    wslay_event_config_set_max_recv_msg_length(s->ctx, s->opts.message_max);
    http_reply_switch(reply, &ws_protocol, s, "websocket");
    http_conn_may_stall(c, s->opts.stall_us);
    loop_timer_add(c->server->loop, s->opts.ping_us, on_ping_time, s, &s->ping);
    return s;
}

const char *http_websocket_protocol(const struct http_websocket *s)
{
    return s->protocol;
}

size_t http_websocket_unread(const struct http_websocket *s)
{
    return evbuffer_get_length(http_conn_output(s->conn)) +
           wslay_event_get_queued_msg_length(s->ctx);
}

/* Sent by whoever called the handler, when it has returned, or soon. */
static void go_on(struct http_websocket *s)
{
    if (s->conn->depth == 0)
        http_conn_soon(s->conn);
}

int http_websocket_send(struct http_websocket *s, bool text, const void *bytes,
                        size_t len)
{
    const struct wslay_event_msg msg = {.opcode = text ? WSLAY_TEXT_FRAME
                                                       : WSLAY_BINARY_FRAME,
                                        .msg = bytes,
                                        .msg_length = len};

    if (s->closing || s->conn->doomed)
        return FF_FULL;
    if (http_websocket_unread(s) + len > s->opts.buffer_max) {
        http_conn_kill_soon(s->conn);
        return FF_FULL;
    }
    if (wslay_event_queue_msg(s->ctx, &msg) != 0)
        mem_exhausted();
    go_on(s);
    return FF_OK;
}

void http_websocket_close(struct http_websocket *s, int code, const char *reason)
{
    s->told = true;
    start_closing(s, code, reason);
    go_on(s);
}
