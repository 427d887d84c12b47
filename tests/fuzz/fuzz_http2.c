/* fuzz_http2.c - HTTP/2 through the whole server: the input is frames, each a type,
 * flags, a stream, a length and so many bytes, behind a proper preface; a type of 255
 * lets the loop have a turn. Whatever comes, the connection ends with its peer, every
 * reply was given to one handler, and what is kept of a dead one may still be
 * answered. */
#include "fuzz.h"
#include "http/conn.h"

#include <event2/event.h>

#define SIZE_LIMIT ((size_t)64 * 1024)
#define N_KEPT     64
#define TURNS      400

static struct loop *loop;
static struct http_reply *kept[N_KEPT];
static size_t n_kept;
static size_t n_open; /* streams */

static void answer(void *arg, const struct http_request *r, struct http_reply *reply)
{
    (void)arg;
    FUZZ_CHECK(strlen(r->path) > 0 && http_header(r, "host"));
    FUZZ_CHECK(strlen(r->body) <= r->body_len);
    http_reply_send(reply, 200, "text/plain", r->body, r->body_len);
}

static void keep(void *arg, const struct http_request *r, struct http_reply *reply)
{
    (void)arg;
    (void)r;
    if (n_kept < N_KEPT)
        kept[n_kept++] = reply;
    else
        http_reply_problem(reply, 503, "enough");
}

static void gone(void *arg)
{
    (void)arg;
    n_open--;
}

static void stream(void *arg, const struct http_request *r, struct http_reply *reply)
{
    const struct http_stream_opts opts = {
        .gone = gone, .buffer_max = 100 * 1024, .heartbeat_us = -1};
    static char chunk[30 * 1024];

    (void)arg;
    (void)r;
    struct http_stream *s = http_stream_open(reply, &opts);
    if (!s)
        return;
    n_open++;
    http_stream_write(s, chunk, sizeof(chunk));
    if (http_query(r, "n")) {
        n_open--;
        http_stream_end(s);
    } else if (n_open % 3 == 0) {
        while (http_stream_write(s, chunk, sizeof(chunk)) == FF_OK)
            ;
    }
}

static bool hold(void *arg, const struct http_request *r, struct http_reply *reply)
{
    (void)arg;
    (void)r;
    if (n_kept == N_KEPT)
        return true;
    kept[n_kept++] = reply;
    http_reply_hold(reply);
    return true;
}

static const struct http_route routes[] = {
    {"GET", "/a", answer, 0, NULL}, {"POST", "/a", answer, 300000, NULL},
    {"GET", "/k", keep, 0, NULL},   {"POST", "/k", keep, 100, NULL},
    {"GET", "/s", stream, 0, NULL}, {"POST", "/h", answer, 1000, hold}};

/* One of them, if there is one: admitted or answered, as they were kept. */
static void answer_one(void)
{
    if (n_kept == 0)
        return;
    struct http_reply *reply = kept[--n_kept];
    http_reply_send(reply, 200, NULL, "late", 4);
}

static void turn(struct event_base *base)
{
    event_base_loop(base, EVLOOP_NONBLOCK);
}

static void write_frames(struct event_base *base, struct evbuffer *out,
                         const uint8_t *data, size_t size)
{
    evbuffer_add_printf(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    evbuffer_add(out, "\0\0\0\4\0\0\0\0\0", 9);
    while (size >= 5) {
        size_t len = ((size_t)data[3] << 8 | data[4]) & 0x3fff;
        const uint8_t head[9] = {0, 0, 0, data[0], data[1], 0, 0, 0, data[2]};
        uint8_t frame[9];

        if (data[0] == 255) {
            turn(base);
            if (data[1] & 1)
                answer_one();
            data += 2;
            size -= 2;
            continue;
        }
        memcpy(frame, head, sizeof(frame));
        data += 5;
        size -= 5;
        if (len > size)
            len = size;
        frame[1] = (uint8_t)(len >> 8);
        frame[2] = (uint8_t)len;
        evbuffer_add(out, frame, sizeof(frame));
        evbuffer_add(out, data, len);
        data += len;
        size -= len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct http_accepted how = {.peer = {.local = true, .address = "unix"},
                                      .may_h2 = true};
    const struct http_options opts = {.linger_us = 1};
    struct bufferevent *pair[2];
    struct ff_err err;

    if (size > SIZE_LIMIT)
        return 0;
    if (!loop)
        loop = loop_new(&err);
    struct event_base *base = loop_event_base(loop);
    struct http_server *server = http_server_new(loop, &opts);

    http_server_mount(server, routes, COUNT_OF(routes), NULL);
    FUZZ_CHECK(bufferevent_pair_new(base, 0, pair) == 0);
    bufferevent_enable(pair[0], EV_READ | EV_WRITE);
    http_conn_new(server, pair[1], &how);
    write_frames(base, bufferevent_get_output(pair[0]), data, size);
    for (int i = 0; i < 4; i++)
        turn(base);
    bufferevent_flush(pair[0], EV_WRITE, BEV_FINISHED);
    for (int i = 0; i < TURNS && http_server_connections(server) > 0; i++)
        turn(base);
    FUZZ_CHECK(http_server_connections(server) == 0);
    FUZZ_CHECK(n_open == 0);
    bufferevent_free(pair[0]);
    while (n_kept > 0)
        answer_one();
    http_server_free(server);
    turn(base);
    return 0;
}
