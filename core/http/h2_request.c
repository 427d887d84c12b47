/* http/h2_request.c - from frames to requests. nghttp2 has checked names, values, the
 * order of pseudo headers and the length of bodies (RFC 9113, section 8); what this
 * server asks beyond that of any request is asked here. */
#include "http/h1_priv.h"
#include "http/h2_priv.h"
#include <stdlib.h>
#include <string.h>

struct h2_stream *h2_stream_of(struct h2 *h, int32_t id)
{
    return nghttp2_session_get_stream_user_data(h->session, id);
}

/* The first thing that is wrong is what is said. */
static void reject(struct h2_stream *st, int status, const char *why)
{
    if (st->no.status == 0)
        st->no = (struct http_refusal){status, why};
}

/* --- header fields --- */

static void add_header(struct http_reply *reply, const char *name, const char *value)
{
    ARRAY_ADD(&reply->headers, ((struct http_pair){.name = name, .value = value}));
}

static void set_method(struct h2_stream *st, char *value)
{
    st->x.reply->request.method = value;
    if (!http_is_method(value, strlen(value)))
        reject(st, 501, "this method is not implemented");
}

static void set_target(struct h2_stream *st, char *value)
{
    st->x.reply->target = value;
    if (*value != '/' && *value != '*')
        reject(st, 400, "the request target does not begin with /");
    if (strlen(value) > HTTP_TARGET_MAX)
        reject(st, 414, "the request target is larger than 8 KiB");
    for (const char *c = value; *c; c++)
        if (*c <= 0x20 || *c >= 0x7f)
            reject(st, 400, "the request target holds a byte that it must escape");
}

static void set_host(struct h2_stream *st, char *value)
{
    struct http_reply *reply = st->x.reply;
    const char *other = http_header(&reply->request, "host");

    if (!other)
        add_header(reply, "host", value);
    else if (strcmp(other, value) != 0)
        reject(st, 400, "the Host header names another host than :authority");
}

/* A cookie may come in pieces (RFC 9113, section 8.2.3), and each of them by one byte:
 * what they make is written once. */
static void add_cookie(struct h2_stream *st, const char *value)
{
    if (st->cookies.len > 0)
        buf_add_text(&st->cookies, "; ");
    buf_add_text(&st->cookies, value);
}

static void end_head(struct h2_stream *st)
{
    struct http_reply *reply = st->x.reply;

    if (st->cookies.len > 0)
        add_header(reply, "cookie",
                   arena_text(&reply->memory, st->cookies.data, st->cookies.len));
    buf_done(&st->cookies);
}

static void set_length(struct h2_stream *st, const char *value)
{
    if (http_is_length(value, strlen(value)))
        st->x.reply->content_length = strtoull(value, NULL, 10);
    else
        reject(st, 400, "Content-Length is not a length");
}

static void set_field(struct h2_stream *st, const char *name, char *value)
{
    struct http_reply *reply = st->x.reply;

    if (strcmp(name, "host") == 0) {
        set_host(st, value);
        return;
    }
    if (strcmp(name, "cookie") == 0) {
        add_cookie(st, value);
        return;
    }
    if (http_is_single(name, strlen(name)) && http_header(&reply->request, name))
        reject(st, 400, "a header that must be single is repeated");
    else
        add_header(reply, name, value);
    if (strcmp(name, "content-length") == 0)
        set_length(st, value);
}

static void set_pseudo(struct h2_stream *st, const char *name, char *value)
{
    if (strcmp(name, ":method") == 0)
        set_method(st, value);
    else if (strcmp(name, ":path") == 0)
        set_target(st, value);
    else if (strcmp(name, ":authority") == 0)
        set_host(st, value);
}

static char *copy_of(struct arena *memory, nghttp2_rcbuf *text)
{
    nghttp2_vec v = nghttp2_rcbuf_get_buf(text);

    return arena_text(memory, (const char *)v.base, v.len);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
                     nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags,
                     void *arg)
{
    struct h2_stream *st = h2_stream_of(arg, frame->hd.stream_id);

    (void)session;
    (void)flags;
    /* Trailers are not kept: nothing here could use them. */
    if (!st || st->phase != H2_HEAD)
        return 0;
    st->head_bytes +=
        nghttp2_rcbuf_get_buf(name).len + nghttp2_rcbuf_get_buf(value).len + 32;
    if (st->head_bytes > HTTP_HEAD_MAX)
        reject(st, 431, "the head is larger than 16 KiB");
    if (st->x.reply->headers.n >= HTTP_HEADERS_MAX)
        reject(st, 431, "there are more than 100 headers");
    if (st->no.status != 0)
        return 0;
    struct arena *memory = &st->x.reply->memory;
    const char *key = copy_of(memory, name);
    char *text = copy_of(memory, value);
    if (*key == ':')
        set_pseudo(st, key, text);
    else
        set_field(st, key, text);
    return 0;
}

/* Without it nghttp2 would leave out what is malformed and go on. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags,
                             void *arg)
{
    (void)session;
    (void)frame;
    (void)name;
    (void)value;
    (void)flags;
    (void)arg;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* --- frames --- */

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd,
                          void *arg)
{
    struct h2 *h = arg;

    (void)session;
    h->flooded = !h2_guard_frame(h, hd);
    return h->flooded ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame,
                            void *arg)
{
    struct h2 *h = arg;

    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct h2_stream *st = h2_stream_new(h, frame->hd.stream_id);
    nghttp2_session_set_stream_user_data(session, st->id, st);
    http_conn_arm(h->conn, h->conn->server->opts.head_timeout_us);
    return 0;
}

static void end_request(struct h2_stream *st)
{
    st->input_ended = true;
    if (st->phase == H2_BODY || st->phase == H2_QUEUED)
        st->phase = H2_READY;
}

static void take_headers(struct h2 *h, struct h2_stream *st, uint8_t flags)
{
    if (st->phase == H2_HEAD) {
        http_conn_disarm(h->conn);
        st->phase = H2_BEGIN;
        end_head(st);
        h2_guard_pay_back(h, 1);
        if (++h->n_requests == h->conn->server->opts.n_requests_max)
            h2_announce_end(h);
    }
    if (flags & NGHTTP2_FLAG_END_STREAM)
        end_request(st);
}

static void take_settings(struct h2 *h)
{
    http_conn_disarm(h->conn);
}

/* The answer to the ping of h2_announce_end: whatever was on its way has come. */
static void take_pong(struct h2 *h)
{
    if (h->notice)
        h2_take_no_more(h);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *st = NULL;

    (void)session;
    if (frame->hd.stream_id != 0)
        st = h2_stream_of(h, frame->hd.stream_id);
    if (st && frame->hd.type == NGHTTP2_HEADERS)
        take_headers(h, st, frame->hd.flags);
    else if (st && frame->hd.type == NGHTTP2_DATA &&
             (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        end_request(st);
    else if (frame->hd.type == NGHTTP2_SETTINGS)
        take_settings(h);
    else if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK))
        take_pong(h);
    h->work = true;
    return 0;
}

static bool takes_body(const struct h2_stream *st)
{
    return st->phase == H2_BEGIN || st->phase == H2_HELD || st->phase == H2_QUEUED ||
           st->phase == H2_BODY;
}

/* The connection's window is always given back; that of a stream only while its body
 * is let in, so that others keep it within H2_WINDOW. */
static int on_data(nghttp2_session *session, uint8_t flags, int32_t id,
                   const uint8_t *bytes, size_t len, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *st = h2_stream_of(h, id);

    (void)flags;
    nghttp2_session_consume_connection(session, len);
    if (!st || !takes_body(st) || st->no.status != 0)
        return 0;
    struct http_reply *reply = st->x.reply;
    bool limited = st->phase == H2_QUEUED || st->phase == H2_BODY;
    if (limited && reply->body.len + len > reply->body_max) {
        reject(st, 413, "the body is larger than this route takes");
        h->work = true;
        return 0;
    }
    buf_add(&reply->body, bytes, len);
    if (st->phase == H2_BODY)
        nghttp2_session_consume_stream(session, id, len);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t error_code,
                    void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *st = h2_stream_of(h, id);

    (void)session;
    (void)error_code;
    if (!st)
        return 0;
    /* A head that is cut off by a reset is none that is awaited. */
    if (st->phase == H2_HEAD)
        http_conn_disarm(h->conn);
    h2_stream_lost(st);
    h2_stream_free(st);
    h->work = true;
    return 0;
}

void h2_set_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks,
                                                            on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks,
                                                              on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
}
