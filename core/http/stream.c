/* http/stream.c - answers that go on: server-sent events and long downloads.
 *
 * A reader that falls more than buffer_max behind is dropped: what it missed is not
 * kept for it here, it comes back with Last-Event-ID. */
#include "http/conn.h"
#include <string.h>

enum { BUFFER_MAX = 1024 * 1024 };
#define HEARTBEAT_US (15 * UNITS_SECOND)

struct http_stream {
    struct http_exchange *x;
    struct http_stream_opts opts;
    struct loop_timer *beat;
    int64_t left; /* of a length that was said */
    bool keep_alive;
    bool dropped; /* its exchange is about to be lost */
    bool wrote;   /* since the last beat */
};

static void arm_beat(struct http_stream *s);

static void on_beat(void *arg)
{
    struct http_stream *s = arg;

    if (!s->wrote)
        http_stream_write(s, ":\n\n", 3);
    s->wrote = false;
    arm_beat(s);
}

static void arm_beat(struct http_stream *s)
{
    if (s->opts.heartbeat_us > 0)
        loop_timer_add(s->x->conn->server->loop, s->opts.heartbeat_us, on_beat, s,
                       &s->beat);
}

static struct http_stream_opts with_defaults(const struct http_stream_opts *given)
{
    struct http_stream_opts opts = *given;

    if (opts.buffer_max == 0)
        opts.buffer_max = BUFFER_MAX;
    if (opts.heartbeat_us == 0)
        opts.heartbeat_us = opts.type ? -1 : HEARTBEAT_US;
    if (!opts.type)
        opts.type = "text/event-stream";
    return opts;
}

struct http_stream *http_stream_open(struct http_reply *reply,
                                     const struct http_stream_opts *given)
{
    struct http_stream_opts opts = with_defaults(given);

    const int64_t length = opts.has_length ? opts.length : -1;

    if (!reply->x || reply->head_only) {
        http_reply_bare(reply, 200, opts.type, length);
        return NULL;
    }
    /* Those that are open were ended, and this one would never be. */
    if (reply->x->conn->server->stopping) {
        http_reply_problem(reply, 503, "the server is stopping");
        return NULL;
    }
    /* nginx would hold events back until its buffer is full. */
    http_reply_header(reply, "X-Accel-Buffering", "no");
    http_reply_head(reply, 200, opts.type, length);
    struct http_stream *s = mem_alloc(sizeof(*s));
    *s = (struct http_stream){.x = reply->x,
                              .opts = opts,
                              .left = opts.has_length ? length : 0,
                              .keep_alive = reply->keep_alive};
    s->x->reply = NULL;
    s->x->stream = s;
    s->x->ops->streams(s->x);
    http_reply_free(reply);
    arm_beat(s);
    return s;
}

int64_t http_stream_stall_us(const struct http_stream *s)
{
    return s->opts.stall_us;
}

size_t http_stream_unread(const struct http_stream *s)
{
    return evbuffer_get_length(s->x->ops->output(s->x));
}

static void drop(struct http_stream *s)
{
    s->dropped = true;
    s->x->ops->drop(s->x);
}

int http_stream_write(struct http_stream *s, const void *bytes, size_t len)
{
    if (s->dropped)
        return FF_FULL;
    if (http_stream_unread(s) + len > s->opts.buffer_max) {
        drop(s);
        return FF_FULL;
    }
    if (len == 0)
        return FF_OK;
    s->wrote = true;
    s->left -= (int64_t)len;
    s->x->ops->add(s->x, bytes, len);
    return FF_OK;
}

/* A field must stay on its line: what stands after a line break is left out. */
static void add_field(struct buf *b, const char *name, const char *value)
{
    if (value) {
        buf_add_text(b, name);
        buf_add(b, value, strcspn(value, "\r\n"));
        buf_add_char(b, '\n');
    }
}

/* Length of the line at `text`; CR, LF and CRLF all end one for the reader. */
static size_t line_len(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\n' || text[i] == '\r')
            return i;
    return len;
}

int http_stream_event(struct http_stream *s, const char *id, const char *event,
                      const char *data, size_t len)
{
    struct buf b = {0};

    add_field(&b, "id: ", id);
    add_field(&b, "event: ", event);
    for (;;) {
        size_t n = line_len(data, len);
        buf_add_text(&b, "data: ");
        buf_add(&b, data, n);
        buf_add_char(&b, '\n');
        if (n == len)
            break;
        n += n + 1 < len && data[n] == '\r' && data[n + 1] == '\n' ? 2 : 1;
        data += n;
        len -= n;
    }
    buf_add_char(&b, '\n');
    int code = http_stream_write(s, buf_text(&b), b.len);
    buf_done(&b);
    return code;
}

static void free_stream(struct http_stream *s)
{
    loop_timer_del(s->beat);
    mem_free(s);
}

void http_stream_end(struct http_stream *s)
{
    struct http_exchange *x = s->x;
    bool keep_alive = s->keep_alive;

    if (s->opts.has_length && s->left != 0 && !s->dropped)
        drop(s);
    const bool dropped = s->dropped;
    x->stream = NULL;
    free_stream(s);
    if (!dropped)
        x->ops->answered(x, keep_alive);
}

void http_stream_flushed(struct http_stream *s)
{
    if (s->opts.drained)
        s->opts.drained(s->opts.arg);
}

void http_stream_lost(struct http_stream *s)
{
    struct http_stream_opts opts = s->opts;

    free_stream(s);
    opts.gone(opts.arg);
}
