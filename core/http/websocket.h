/* http/websocket.h - WebSockets (RFC 6455): a handler of a GET turns its request into
 * one. Over HTTP/1.1 alone: browsers open another connection for it.
 *
 * A page of any origin may open one, with the cookies of its reader, so origins are
 * checked; what else the peer must prove is the route's affair. */
#ifndef HTTP_WEBSOCKET_H
#define HTTP_WEBSOCKET_H

#include "base/base.h"

struct http_reply;
struct http_websocket;

enum {
    WEBSOCKET_NORMAL = 1000,
    WEBSOCKET_GOING_AWAY = 1001, /* the server stops */
    WEBSOCKET_NO_CODE = 1005,    /* the peer closed and gave none */
    WEBSOCKET_LOST = 1006,       /* the connection ended, or the peer was dropped */
    WEBSOCKET_POLICY = 1008,
    WEBSOCKET_TOO_LARGE = 1009
};

/* Zero and NULL mean the default. `message` and `gone` are required and are called from
 * the loop, never from inside a call of yours (http_server_free excepted). */
struct http_websocket_opts {
    /* Ended by NULL. Origins that may open it besides the server's own, as
     * "https://a.example"; and who sends no Origin is no browser. */
    const char *const *origins;
    const char *const *protocols; /* that are spoken, the best first; ended by NULL */
    size_t message_max;           /* bytes of one of the peer's messages; 1 MiB */
    size_t buffer_max;            /* unread bytes that the peer may owe; 1 MiB */
    int64_t ping_us;  /* 20 s: who was silent so long is asked, and then has as long */
    int64_t stall_us; /* as of a stream: http.h */
    /* text is UTF-8, and may hold NUL; one more stands behind it. Valid for the call.
     */
    void (*message)(void *arg, bool text, const char *bytes, size_t len);
    /* Once. The peer's code, or one of those above; the socket is dead then. */
    void (*gone)(void *arg, int code);
    void (*drained)(void *arg); /* may be NULL: all that was sent is out */
    void *arg;
};

/* Ends the reply. NULL: the handshake was refused, or the server stops; `gone` is not
 * called then. */
struct http_websocket *http_websocket_open(struct http_reply *reply,
                                           const struct http_websocket_opts *opts);
const char *http_websocket_protocol(const struct http_websocket *s); /* "": none */
/* FF_OK, or FF_FULL: the peer owes more than buffer_max, or it is closing. */
int http_websocket_send(struct http_websocket *s, bool text, const void *bytes,
                        size_t len);
size_t http_websocket_unread(const struct http_websocket *s);
/* The reason has 123 bytes at most. `gone` is not called after it. */
void http_websocket_close(struct http_websocket *s, int code, const char *reason);

#endif
