/* http/h2.c - HTTP/2 on a connection: lets nghttp2 read and write, and serves what came
 * in between. See h2_priv.h for the order of it. */
#include "http/h2_priv.h"
#include <string.h>

/* --- what came in --- */

static void begin(struct h2_stream *st)
{
    struct http_reply *reply = st->x.reply;

    st->phase = H2_ANSWER;
    if (st->no.status == 0 && !reply->target)
        st->no = (struct http_refusal){400, "the request has no path"};
    if (st->no.status == 0 && !http_header(&reply->request, "host"))
        st->no = (struct http_refusal){400, "the request names no host"};
    if (st->no.status != 0) {
        http_exchange_refuse(&st->x, st->no);
        return;
    }
    st->phase = H2_HELD;
    http_exchange_begin(&st->x, st->input_ended);
}

static void serve_one(struct h2 *h, struct h2_stream *st)
{
    if (st->dropped) {
        st->dropped = false;
        nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, st->id,
                                  NGHTTP2_CANCEL);
    }
    if (st->phase == H2_BEGIN)
        begin(st);
    if (st->phase == H2_QUEUED && st->no.status == 0)
        h2_stream_queue_body(st);
    bool takes =
        st->phase == H2_QUEUED || st->phase == H2_BODY || st->phase == H2_READY;
    if (takes && st->no.status != 0) {
        st->phase = H2_ANSWER;
        http_exchange_refuse(&st->x, st->no);
    } else if (st->phase == H2_READY) {
        h2_stream_disarm(st);
        st->phase = H2_ANSWER;
        http_exchange_dispatch(&st->x);
    }
    if (st->drained) {
        st->drained = false;
        if (st->x.stream && evbuffer_get_length(st->out) == 0)
            http_stream_flushed(st->x.stream);
    }
}

static bool has_one_in_hand(const struct h2 *h)
{
    for (struct list *link = h->streams.next; link != &h->streams; link = link->next) {
        const enum h2_phase phase = LIST_OF(link, struct h2_stream, link)->phase;

        if (phase == H2_HELD || phase == H2_ANSWER)
            return true;
    }
    return false;
}

/* The answer to the one in hand makes it go on, too. */
static bool must_wait(struct h2 *h, const struct h2_stream *st)
{
    if (st->phase != H2_BEGIN || !h->conn->server->crowded || !has_one_in_hand(h))
        return false;
    h->conn->waits_its_turn = true;
    return true;
}

/* Nothing that is called here frees a stream: that is nghttp2's turn. */
static void serve(struct h2 *h)
{
    while (h->work && !h->conn->dead) {
        h->work = h->held_back = h->conn->waits_its_turn = false;
        for (struct list *link = h->streams.next; link != &h->streams;
             link = link->next) {
            struct h2_stream *st = LIST_OF(link, struct h2_stream, link);
            bool fresh = st->phase == H2_BEGIN || st->phase == H2_READY;
            if (fresh && h->n_unsent >= H2_OUTPUT_PAUSE)
                h->held_back = true;
            else if (!must_wait(h, st))
                serve_one(h, st);
        }
    }
}

/* --- in and out --- */

/* nghttp2 will not read on. A peer that violates the protocol in a way that it can be
 * told of has been told of it, and nghttp2 reads on. */
static void fail(struct h2 *h, int code)
{
    bool flood = h->flooded || code == NGHTTP2_ERR_FLOODED;

    if (flood)
        h->conn->server->counts.n_floods++;
    h2_end(h, flood ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
}

static void read_all(struct h2 *h)
{
    struct evbuffer *in = http_conn_input(h->conn);

    while (!h->deaf && evbuffer_get_length(in) > 0) {
        size_t len = evbuffer_get_contiguous_space(in);
        ssize_t used = nghttp2_session_mem_recv(h->session,
                                                evbuffer_pullup(in, (ssize_t)len), len);
        if (used < 0)
            fail(h, (int)used);
        else
            evbuffer_drain(in, (size_t)used);
    }
    if (h->deaf)
        evbuffer_drain(in, evbuffer_get_length(in));
}

static bool write_some(struct h2 *h)
{
    struct evbuffer *out = http_conn_output(h->conn);
    const uint8_t *bytes;
    bool wrote = false;

    while (!h->conn->dead && evbuffer_get_length(out) < H2_OUTPUT_PAUSE) {
        ssize_t len = nghttp2_session_mem_send(h->session, &bytes);
        if (len < 0)
            http_conn_kill(h->conn);
        if (len <= 0)
            break;
        evbuffer_add(out, bytes, (size_t)len);
        wrote = true;
    }
    return wrote;
}

/* Closing with unread input makes the kernel throw away why it was closed. */
static void say_farewell(struct h2 *h)
{
    if (h->lingering)
        return;
    h->deaf = h->lingering = true;
    http_conn_arm(h->conn, h->conn->server->opts.linger_us);
    if (h->retiring || h->conn->input_ended)
        http_conn_close(h->conn);
    else if (!http_conn_end_output(h->conn))
        http_conn_kill(h->conn);
}

static void await(struct h2 *h)
{
    struct http_conn *c = h->conn;
    bool unsent = evbuffer_get_length(http_conn_output(c)) > 0;

    if (!unsent && !nghttp2_session_want_read(h->session) &&
        !nghttp2_session_want_write(h->session)) {
        say_farewell(h);
        return;
    }
    bool awaits = false;
    for (struct list *link = h->streams.next; link != &h->streams; link = link->next)
        awaits = awaits || LIST_OF(link, struct h2_stream, link)->phase == H2_BODY;
    http_meter_await(c, awaits);
    if (h->n_streams > 0 || c->deadline)
        return;
    if (h->retiring)
        http_conn_arm(c, c->server->opts.linger_us);
    else
        http_conn_idle(c);
}

/* What is sent may end streams and so make room, what is served is to be sent. */
static void pump(struct h2 *h)
{
    for (int i = 0; i < HTTP_TURN && !h->conn->dead; i++) {
        serve(h);
        if (!write_some(h) && !h->work)
            break;
    }
    if (h->conn->dead)
        return;
    if (h->work && h->n_unsent < H2_OUTPUT_PAUSE)
        http_conn_soon(h->conn);
    await(h);
}

void h2_end(struct h2 *h, uint32_t error_code)
{
    h->ending = h->deaf = true;
    nghttp2_session_terminate_session(h->session, error_code);
    http_conn_disarm(h->conn);
    http_conn_arm(h->conn, h->conn->server->opts.linger_us);
    http_conn_soon(h->conn);
}

/* --- the protocol --- */

/* The answer to a request that is not whole is out: what follows is not wanted, and
 * not read. It is reset a while later, since some clients that are reset while they
 * send do not look at the answer any more. */
static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    bool last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

    /* Not earlier, as nghttp2 would let a ping go first. */
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.last_stream_id == INT32_MAX)
        nghttp2_submit_ping(session, NGHTTP2_FLAG_NONE, NULL);
    bool carries = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;

    if (!carries || !last)
        return 0;
    struct h2_stream *st = h2_stream_of(arg, frame->hd.stream_id);
    if (st && !st->input_ended)
        h2_stream_linger(st);
    return 0;
}

static void new_session(struct h2 *h)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;

    if (nghttp2_session_callbacks_new(&callbacks) != 0 ||
        nghttp2_option_new(&option) != 0)
        mem_exhausted();
    h2_set_callbacks(callbacks);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_outbound_ack(option, 200);
    nghttp2_option_set_max_continuations(option, 8);
    if (nghttp2_session_server_new2(&h->session, callbacks, h, option) != 0)
        mem_exhausted();
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
}

static void on_begin(struct http_conn *c)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, H2_STREAMS_MAX},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEAD_MAX},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
    struct h2 *h = mem_alloc(sizeof(*h));

    *h = (struct h2){.conn = c};
    list_init(&h->streams);
    c->state = h;
    h2_guard_init(h);
    new_session(h);
    nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
                            COUNT_OF(settings));
    nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
                                          2 * H2_BODY_WINDOW);
    pump(h);
}

static void on_input(struct http_conn *c)
{
    struct h2 *h = c->state;

    read_all(h);
    h->work = h->work || c->waits_its_turn;
    if (!c->dead)
        pump(h);
    if (!c->dead && c->input_ended)
        http_conn_kill(c);
}

static void on_output(struct http_conn *c)
{
    pump(c->state);
}

/* Is there anything that the peer should have sent? */
static bool is_due(const struct h2 *h)
{
    for (struct list *link = h->streams.next; link != &h->streams; link = link->next) {
        enum h2_phase phase = LIST_OF(link, struct h2_stream, link)->phase;
        if (phase == H2_HEAD || phase == H2_BODY)
            return true;
    }
    return false;
}

static void on_late(struct http_conn *c)
{
    struct h2 *h = c->state;

    if (h->ending || h->lingering || h->n_streams == 0)
        http_conn_kill(c);
    else if (is_due(h))
        h2_end(h, NGHTTP2_ENHANCE_YOUR_CALM);
}

void h2_take_no_more(struct h2 *h)
{
    loop_timer_del(h->notice);
    nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(h->session),
                          NGHTTP2_NO_ERROR, NULL, 0);
}

/* Else who does not answer the ping would be served for ever. */
static void on_notice_over(void *arg)
{
    struct h2 *h = arg;
    struct http_conn *c = h->conn;

    http_conn_enter(c);
    h2_take_no_more(h);
    pump(h);
    http_conn_leave(c);
}

/* First it is told that the end is near, and what it sent before it knew is still
 * served: its answer to a ping shows when it knows. */
void h2_announce_end(struct h2 *h)
{
    struct http_server *s = h->conn->server;

    if (h->retiring || h->ending)
        return;
    h->retiring = h->work = true;
    nghttp2_submit_shutdown_notice(h->session);
    loop_timer_add(s->loop, s->opts.linger_us, on_notice_over, h, &h->notice);
    http_conn_soon(h->conn);
}

static void on_retire(struct http_conn *c)
{
    struct h2 *h = c->state;

    if (h->ending)
        return;
    http_conn_busy(c);
    for (struct list *link = h->streams.next; link != &h->streams; link = link->next) {
        struct h2_stream *st = LIST_OF(link, struct h2_stream, link);
        st->dropped = st->dropped || st->phase == H2_STREAM;
    }
    h->work = true;
    h2_announce_end(h);
    http_conn_soon(c);
}

static void on_lost(struct http_conn *c)
{
    struct h2 *h = c->state;

    loop_timer_del(h->stall);
    h->stall = NULL;
    loop_timer_del(h->notice);
    for (struct list *link = h->streams.next; link != &h->streams; link = link->next)
        h2_stream_lost(LIST_OF(link, struct h2_stream, link));
}

static void on_free(struct http_conn *c)
{
    struct h2 *h = c->state;

    while (!list_empty(&h->streams))
        h2_stream_free(LIST_OF(list_first(&h->streams), struct h2_stream, link));
    nghttp2_session_del(h->session);
    mem_free(h);
}

const struct http_protocol http_protocol_h2 = {.begin = on_begin,
                                               .input = on_input,
                                               .output = on_output,
                                               .late = on_late,
                                               .retire = on_retire,
                                               .lost = on_lost,
                                               .free = on_free};
