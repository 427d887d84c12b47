/* fuzz_websocket.c - WebSocket frames behind a proper handshake, through the whole
 * server: first two bytes (the bits of what the handler does; the largest message, in
 * 16 bytes), then what the peer sends. Whatever comes, messages are within their limit
 * and text is UTF-8, the connection ends with its peer, and the handler hears of it
 * once. */
#include "fuzz.h"
#include "http/conn.h"

#include <event2/event.h>

#define SIZE_LIMIT ((size_t)64 * 1024)
#define TURNS      200

static const char handshake[] = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static struct loop *loop;
static struct http_websocket *ws; /* NULL: none that is open */
static uint8_t does;
static size_t message_max;

enum { ECHO = 1, TWICE = 2, CLOSE_AT_LONG = 4, STOP = 8 };

/* A NUL is a character like others here. */
static bool is_utf8(const char *bytes, size_t len)
{
    while (len > 0) {
        size_t good = text_utf8_error(bytes, len);
        if (good == len)
            return true;
        if (bytes[good] != '\0')
            return false;
        bytes += good + 1;
        len -= good + 1;
    }
    return true;
}

static void message(void *arg, bool text, const char *bytes, size_t len)
{
    (void)arg;
    FUZZ_CHECK(ws);
    FUZZ_CHECK(len <= message_max && bytes[len] == '\0');
    FUZZ_CHECK(!text || is_utf8(bytes, len));
    if (does & ECHO)
        http_websocket_send(ws, text, bytes, len);
    if (does & TWICE)
        http_websocket_send(ws, text, bytes, len);
    if ((does & CLOSE_AT_LONG) && len > 20) {
        http_websocket_close(ws, WEBSOCKET_NORMAL, "enough");
        ws = NULL;
    }
}

static void gone(void *arg, int code)
{
    (void)arg;
    FUZZ_CHECK(ws && code >= 1000 && code < 5000);
    ws = NULL;
}

static void open_ws(void *arg, const struct http_request *r, struct http_reply *reply)
{
    const struct http_websocket_opts opts = {
        .message_max = message_max, .message = message, .gone = gone};

    (void)arg;
    (void)r;
    ws = http_websocket_open(reply, &opts);
    FUZZ_CHECK(ws);
}

static const struct http_route routes[] = {{"GET", "/ws", open_ws, 0, NULL}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct http_accepted how = {.peer = {.local = true, .address = "unix"}};
    const struct http_options opts = {.linger_us = 1};
    struct bufferevent *pair[2];
    struct ff_err err;

    if (size < 2 || size > SIZE_LIMIT)
        return 0;
    does = data[0];
    message_max = 1 + (size_t)data[1] * 16;
    if (!loop)
        loop = loop_new(&err);
    struct event_base *base = loop_event_base(loop);
    struct http_server *server = http_server_new(loop, &opts);

    http_server_mount(server, routes, COUNT_OF(routes), NULL);
    FUZZ_CHECK(bufferevent_pair_new(base, 0, pair) == 0);
    bufferevent_enable(pair[0], EV_READ | EV_WRITE);
    http_conn_new(server, pair[1], &how);
    bufferevent_write(pair[0], handshake, sizeof(handshake) - 1);
    bufferevent_write(pair[0], data + 2, size - 2);
    for (int i = 0; i < 4; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    if (does & STOP)
        http_server_stop(server, UNITS_SECOND, NULL, NULL);
    bufferevent_flush(pair[0], EV_WRITE, BEV_FINISHED);
    for (int i = 0; i < TURNS && http_server_connections(server) > 0; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    FUZZ_CHECK(http_server_connections(server) == 0);
    FUZZ_CHECK(!ws);
    bufferevent_free(pair[0]);
    http_server_free(server);
    event_base_loop(base, EVLOOP_NONBLOCK);
    return 0;
}
