/* http/h2_stream.c - one stream of HTTP/2 as an exchange: how its answer goes out, and
 * when its body may come in. */
#include "http/h2_priv.h"
#include <string.h>

static struct h2_stream *of(struct http_exchange *x)
{
    return LIST_OF(x, struct h2_stream, x);
}

static struct h2 *h2_of(const struct h2_stream *st)
{
    return st->x.conn->state;
}

/* What a handler notes is sent when it has returned: by whoever called it, or soon. */
static void go_on(struct h2_stream *st)
{
    h2_of(st)->work = true;
    if (st->x.conn->depth == 0)
        http_conn_soon(st->x.conn);
}

/* --- life --- */

static void on_stall(void *arg);

static void arm_stall(struct h2 *h)
{
    const struct http_options *opts = &h->conn->server->opts;
    const int64_t left_us = h->conn->stall_us - h->stalled_us;

    h->n_sent = 0;
    h->window_us = opts->send_timeout_us;
    if (left_us > 0 && left_us < h->window_us)
        h->window_us = left_us;
    loop_timer_add(h->conn->server->loop, h->window_us, on_stall, h, &h->stall);
}

/* Is all that waits of streams whose readers may pause? */
static bool may_stall(const struct h2 *h)
{
    for (struct list *link = h->streams.next; link != &h->streams; link = link->next) {
        const struct h2_stream *st = LIST_OF(link, struct h2_stream, link);

        if (evbuffer_get_length(st->out) > 0 && !st->may_stall)
            return false;
    }
    return true;
}

static bool is_slow(const struct h2 *h)
{
    const struct http_options *opts = &h->conn->server->opts;
    const double least = (double)opts->rate_min * (double)h->window_us / UNITS_SECOND;

    if (may_stall(h))
        return h->stalled_us >= h->conn->stall_us;
    return h->n_sent == 0 || (!h->conn->peer.local && (double)h->n_sent < least);
}

/* A peer may keep its windows closed, and then no byte waits in the connection. */
static void on_stall(void *arg)
{
    struct h2 *h = arg;

    http_conn_enter(h->conn);
    h->stalled_us = h->n_sent > 0 ? 0 : h->stalled_us + h->window_us;
    if (is_slow(h)) {
        h->conn->server->counts.n_slow++;
        http_conn_kill(h->conn);
    } else {
        arm_stall(h);
    }
    http_conn_leave(h->conn);
}

static void count_unsent(struct evbuffer *out, const struct evbuffer_cb_info *info,
                         void *arg)
{
    struct h2 *h = arg;

    (void)out;
    h->n_unsent += info->n_added;
    h->n_unsent -= info->n_deleted;
    h->n_sent += info->n_deleted;
    if (h->n_unsent == 0) {
        loop_timer_del(h->stall);
        h->stall = NULL;
    } else if (!h->stall && !h->conn->dead) {
        h->stalled_us = 0;
        arm_stall(h);
    }
}

struct h2_stream *h2_stream_new(struct h2 *h, int32_t id)
{
    struct h2_stream *st = mem_alloc(sizeof(*st));

    *st = (struct h2_stream){.x = {.ops = &h2_exchange_ops, .conn = h->conn},
                             .id = id,
                             .phase = H2_HEAD,
                             .out = evbuffer_new()};
    if (!st->out)
        mem_exhausted();
    evbuffer_add_cb(st->out, count_unsent, h);
    st->x.reply = http_reply_new(&st->x);
    st->x.reply->minor = 2;
    list_add_tail(&h->streams, &st->link);
    h->n_streams++;
    http_conn_busy(h->conn);
    return st;
}

void h2_stream_release(struct h2_stream *st)
{
    h2_of(st)->n_reserved -= st->reserved;
    st->reserved = 0;
    h2_stream_disarm(st);
}

void h2_stream_disarm(struct h2_stream *st)
{
    loop_timer_del(st->deadline);
    st->deadline = NULL;
}

void h2_stream_lost(struct h2_stream *st)
{
    bool has_handler = st->phase == H2_HELD || st->phase == H2_ANSWER;

    h2_stream_release(st);
    http_exchange_lost(&st->x, has_handler);
}

void h2_stream_free(struct h2_stream *st)
{
    struct h2 *h = h2_of(st);

    evbuffer_drain(st->out, evbuffer_get_length(st->out));
    evbuffer_remove_cb(st->out, count_unsent, h);
    evbuffer_free(st->out);
    buf_done(&st->fields);
    buf_done(&st->cookies);
    list_del(&st->link);
    h->n_streams--;
    mem_free(st);
}

/* --- the answer --- */

static void x_head(struct http_exchange *x, int status, int64_t length)
{
    struct h2_stream *st = of(x);

    st->status = status;
    st->length = status == 204 || status == 304 ? -1 : length;
    buf_add(&st->fields, buf_text(&x->reply->fields), x->reply->fields.len);
}

static struct evbuffer *x_output(struct http_exchange *x)
{
    return of(x)->out;
}

/* nghttp2 asks for the next bytes of the body. */
static ssize_t read_out(nghttp2_session *session, int32_t id, uint8_t *to, size_t size,
                        uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct h2_stream *st = source->ptr;
    struct h2 *h = arg;
    int n = evbuffer_remove(st->out, to, size);

    (void)session;
    (void)id;
    h2_guard_pay_back(h, 2);
    h->work = h->work || h->held_back;
    if (evbuffer_get_length(st->out) > 0)
        return n;
    if (st->answered) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        return n;
    }
    st->drained = true;
    h->work = true;
    if (n > 0)
        return n;
    st->deferred = true;
    return NGHTTP2_ERR_DEFERRED;
}

static void add_field(nghttp2_nv *nv, const char *name, size_t name_len,
                      const char *value, size_t value_len)
{
    *nv = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                       .namelen = name_len,
                       .value = (uint8_t *)(uintptr_t)value,
                       .valuelen = value_len};
}

/* The lines "Name: value\r\n" as fields. nghttp2 makes names small itself. */
static size_t split_fields(const struct buf *lines, nghttp2_nv *out, size_t max)
{
    const char *at = buf_text(lines);
    size_t n = 0;

    while (*at && n < max) {
        size_t name = strcspn(at, ":"), line = strcspn(at, "\r");
        add_field(&out[n++], at, name, at + name + 2, line - name - 2);
        at += line + 2;
    }
    return n;
}

static void submit(struct h2_stream *st)
{
    nghttp2_nv nv[HTTP_HEADERS_MAX + 2];
    char status[12], length[24];
    nghttp2_data_provider body = {.source = {.ptr = st}, .read_callback = read_out};
    bool empty = st->answered && evbuffer_get_length(st->out) == 0;
    size_t n = 0;

    st->submitted = true;
    snprintf(status, sizeof(status), "%d", st->status);
    add_field(&nv[n++], ":status", 7, status, strlen(status));
    if (st->length >= 0) {
        snprintf(length, sizeof(length), "%lld", (long long)st->length);
        add_field(&nv[n++], "content-length", 14, length, strlen(length));
    }
    n += split_fields(&st->fields, nv + n, HTTP_HEADERS_MAX);
    if (nghttp2_submit_response(h2_of(st)->session, st->id, nv, n,
                                empty ? NULL : &body) != 0)
        h2_end(h2_of(st), NGHTTP2_INTERNAL_ERROR);
    buf_done(&st->fields);
}

static void resume(struct h2_stream *st)
{
    if (st->deferred)
        nghttp2_session_resume_data(h2_of(st)->session, st->id);
    st->deferred = false;
    go_on(st);
}

static void x_add(struct http_exchange *x, const void *bytes, size_t len)
{
    evbuffer_add(of(x)->out, bytes, len);
    resume(of(x));
}

static void x_answered(struct http_exchange *x, bool keep_alive)
{
    struct h2_stream *st = of(x);

    (void)keep_alive;
    x->reply = NULL;
    x->stream = NULL;
    st->answered = true;
    st->phase = H2_DONE;
    h2_stream_release(st);
    if (!st->submitted)
        submit(st);
    resume(st);
}

static void x_streams(struct http_exchange *x)
{
    struct h2_stream *st = of(x);

    st->phase = H2_STREAM;
    /* For as long as the connection is there: what else it owes is looked after by
     * on_stall. */
    st->may_stall = http_stream_stall_us(x->stream) > 0;
    if (http_stream_stall_us(x->stream) > x->conn->stall_us)
        http_conn_may_stall(x->conn, http_stream_stall_us(x->stream));
    submit(st);
    go_on(st);
}

static void x_drop(struct http_exchange *x)
{
    struct h2_stream *st = of(x);

    st->dropped = true;
    go_on(st);
    http_conn_soon(x->conn);
}

/* --- the body of the request --- */

static void on_linger_over(void *arg)
{
    struct h2_stream *st = arg;

    nghttp2_submit_rst_stream(h2_of(st)->session, NGHTTP2_FLAG_NONE, st->id,
                              NGHTTP2_NO_ERROR);
    go_on(st);
}

void h2_stream_linger(struct h2_stream *st)
{
    struct http_server *s = st->x.conn->server;

    loop_timer_add(s->loop, s->opts.linger_us, on_linger_over, st, &st->deadline);
}

static void on_body_late(void *arg)
{
    struct h2_stream *st = arg;
    struct http_conn *c = st->x.conn;

    st->no = (struct http_refusal){408, "the request did not arrive in time"};
    h2_of(st)->work = true;
    http_conn_soon(c);
}

/* How much of the connection's memory it may need. */
static size_t need_of(const struct http_reply *reply)
{
    size_t max = reply->body_max;

    return reply->content_length > 0 && reply->content_length < max
               ? (size_t)reply->content_length
               : max;
}

void h2_stream_queue_body(struct h2_stream *st)
{
    struct h2 *h = h2_of(st);
    struct http_reply *reply = st->x.reply;
    size_t need = need_of(reply);

    if (h->n_reserved > 0 && h->n_reserved + need > H2_BODIES_MAX)
        return;
    st->phase = H2_BODY;
    st->reserved = need;
    h->n_reserved += need;
    if (need > H2_WINDOW)
        nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, st->id,
                                              H2_BODY_WINDOW);
    nghttp2_session_consume_stream(h->session, st->id, reply->body.len);
    if (reply->body.len == 0 && http_header(&reply->request, "expect")) {
        nghttp2_nv nv;
        add_field(&nv, ":status", 7, "100", 3);
        nghttp2_submit_headers(h->session, NGHTTP2_FLAG_NONE, st->id, NULL, &nv, 1,
                               NULL);
    }
    loop_timer_add(h->conn->server->loop, h->conn->server->opts.body_timeout_us,
                   on_body_late, st, &st->deadline);
}

static void x_admitted(struct http_exchange *x)
{
    struct h2_stream *st = of(x);

    if (x->reply->body.len > x->reply->body_max)
        st->no = (struct http_refusal){413, "the body is larger than this route takes"};
    st->phase = st->input_ended ? H2_READY : H2_QUEUED;
    go_on(st);
}

const struct http_exchange_ops h2_exchange_ops = {.head = x_head,
                                                  .output = x_output,
                                                  .add = x_add,
                                                  .answered = x_answered,
                                                  .streams = x_streams,
                                                  .drop = x_drop,
                                                  .admitted = x_admitted};
