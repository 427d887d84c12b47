/* http/http.h - an HTTP server: routes, requests, replies, event streams. A handler
 * does not know whether HTTP/1.1 or HTTP/2 brought its request.
 *
 * HTTP/1.1 is parsed by llhttp behind a check that is stricter than it, HTTP/2 by
 * nghttp2; connections are libevent's bufferevents, with OpenSSL where TLS is asked
 * for. The loop thread runs everything here, handlers too: a handler that must wait
 * keeps its reply and answers later. Nothing is armed while no request is on its way in
 * or out, so an idle server makes no system call. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/base.h"
#include "http/unix_path.h"
#include "http/websocket.h"
#include "loop/loop.h"

struct http_server;
struct http_reply;
struct http_stream;

/* Who is on the other side. */
struct http_peer {
    bool local; /* a unix socket; then uid and pid are the kernel's word */
    uid_t uid;
    pid_t pid;
    char address[64]; /* "127.0.0.1:40312"; "unix" when local */
    char network[64]; /* what limits count as one: the address without port, of IPv6
                       * its first 64 bits */
};

/* Valid until its reply is answered. Text is NUL-terminated and free of NUL. */
struct http_request {
    const char *method; /* "GET"; HEAD arrives at the routes of GET as "HEAD" */
    const char *path;   /* as sent, without the query */
    const struct http_peer *peer;
    const char *body; /* NUL-terminated too; NULL in admit */
    size_t body_len;
};

/* A header by its lower-case name; of repeated ones the first; NULL: absent. */
const char *http_header(const struct http_request *r, const char *name);
/* A {name} of the route's pattern, percent-decoded; NULL: the pattern has none. */
const char *http_param(const struct http_request *r, const char *name);
/* A parameter of the query, decoded; of repeated ones the first; NULL: absent. */
const char *http_query(const struct http_request *r, const char *name);
/* All of them in their order, to find those that nobody asks for. False: no i-th. */
bool http_query_at(const struct http_request *r, size_t i, const char **name,
                   const char **value);
/* The token of "Authorization: Bearer TOKEN"; NULL: there is none. */
const char *http_bearer(const struct http_request *r);
/* The body as JSON: a new reference, or NULL and one sentence. FF_UNSUPPORTED where
 * Content-Type names another type: this also stops forms sent by foreign pages. */
json_t *http_json(const struct http_request *r, struct ff_err *err);

/* The body as a form (application/x-www-form-urlencoded): an object of texts, and of
 * lists of texts where a name comes several times. A new reference, or NULL and one
 * sentence. */
json_t *http_form(const struct http_request *r, struct ff_err *err);

/* Each request is answered exactly once, now or later; the handle and the request
 * live until then, even when the peer has gone meanwhile (the answer is dropped). */
typedef void http_handle_fn(void *arg, const struct http_request *r,
                            struct http_reply *reply);
/* Called when the head is complete and before any of the body is read. False: it has
 * answered; what follows of the request is not read. Who cannot tell yet calls
 * http_reply_hold, returns true, and later calls http_reply_admit or answers. */
typedef bool http_admit_fn(void *arg, const struct http_request *r,
                           struct http_reply *reply);
void http_reply_hold(struct http_reply *reply);  /* in admit only */
void http_reply_admit(struct http_reply *reply); /* once, outside of admit */

/* What admit has found out, for the handler: kept with the request and given to `drop`
 * when it goes, answered or not. Once a request. */
void http_reply_keep(struct http_reply *reply, void *state, ff_call_fn *drop);
void *http_kept(const struct http_request *r); /* NULL: nothing */

/* Routes are tried in the order of the table. A pattern is literal segments and
 * {name}, which matches one segment that is not empty. */
struct http_route {
    const char *method;
    const char *pattern; /* "/api/v1/runs/{id}/cancel" */
    http_handle_fn *handle;
    size_t body_max;      /* bytes; more is answered with 413; 0: no body */
    http_admit_fn *admit; /* may be NULL */
};

/* Adds a header to the answer. Name and value must not hold line breaks (checked). */
void http_reply_header(struct http_reply *reply, const char *name, const char *value);
void http_reply_header_int(struct http_reply *reply, const char *name, int64_t n);

/* A word for who measures, where the status alone does not say why. Lives for ever. */
void http_reply_why(struct http_reply *reply, const char *why);

/* These end the reply. */
void http_reply_send(struct http_reply *reply, int status, const char *type,
                     const void *body, size_t len); /* copies the body */
void http_reply_take(struct http_reply *reply, int status, const char *type,
                     struct buf *body); /* takes the memory; body is empty after */
void http_reply_json(struct http_reply *reply, int status, const json_t *value);
/* application/problem+json (RFC 9457); detail is one sentence. */
void FF_PRINTF(3, 4)
    http_reply_problem(struct http_reply *reply, int status, const char *fmt, ...);
void http_reply_err(struct http_reply *reply, const struct ff_err *err);
int http_status_of(int ff_code);         /* the status http_reply_err answers with */
const char *http_code_name(int ff_code); /* the problem's "code": "NOT_FOUND" */
int http_code_of(const char *name);      /* the reverse; FF_INTERNAL: unknown */
int http_code_for(int status);           /* the code that a status means to a client */

/* Has the peer gone? Work for a reply that nobody reads may be skipped, but the reply
 * must still be answered. */
bool http_reply_gone(const struct http_reply *reply);
/* Has it at least closed its side? It may still read; most that do so have died. */
bool http_reply_ended(const struct http_reply *reply);

/* A body that comes bit by bit. `gone` is called once, from the loop and never from
 * inside a call of yours (http_server_free excepted), when the peer has left, read too
 * slowly, or the server stops; the stream is dead then. Without it, end the stream by
 * http_stream_end.
 *
 * Who reads an answer must take so many bytes a second. A reader of what happens now
 * may pause, and be slow for ever, where stall_us says for how long, until he has the
 * last byte: he holds no more than buffer_max. */
struct http_stream_opts {
    const char *type; /* NULL: text/event-stream */
    bool has_length;  /* the body has so many bytes; else it is not known */
    int64_t length;
    size_t buffer_max;    /* unread bytes that the peer may owe; 0: 1 MiB */
    int64_t heartbeat_us; /* event streams: a comment when silent; 0: 15 s; -1: none */
    int64_t stall_us; /* without a byte taken; 0: send_timeout_us, and the least rate */
    void (*gone)(void *arg);    /* required */
    void (*drained)(void *arg); /* may be NULL: all that was written is out */
    void *arg;
};

/* Ends the reply and goes on as a stream. NULL when the peer has gone already, only
 * asked for the head, or the server stops (503); `gone` is not called then. */
struct http_stream *http_stream_open(struct http_reply *reply,
                                     const struct http_stream_opts *opts);
/* FF_OK, or FF_FULL: the peer owes more than buffer_max and is being dropped. */
int http_stream_write(struct http_stream *s, const void *bytes, size_t len);
/* One server-sent event. id and event may be NULL; data may have several lines. */
int http_stream_event(struct http_stream *s, const char *id, const char *event,
                      const char *data, size_t len);
size_t http_stream_unread(const struct http_stream *s);
/* With less than its length the peer is dropped, so that it takes nothing for whole. */
void http_stream_end(struct http_stream *s);

/* Where to listen, as settings say it: "127.0.0.1:8080", "[::1]:8080" or
 * "localhost:8080"; false: none of these. */
#define HTTP_ADDRESS_TEXT 64
bool http_read_place(const char *text, char address[HTTP_ADDRESS_TEXT], uint16_t *port);
bool http_is_address(const char *text); /* without brackets and port */
bool http_is_loopback(const char *address);

/* Zero means the default. */
struct http_options {
    const char *unix_path;   /* NULL: none. Mode 0600; only this user and root */
    const char *address;     /* NULL: no TCP. "127.0.0.1", "::1"; see any_address */
    const char *certificate; /* PEM, its chain behind it: TLS on the TCP port */
    const char *key;         /* PEM, without a password */
    uint16_t port;           /* 0: the kernel chooses; see http_server_port */
    bool any_address;        /* allows addresses off loopback */
    bool any_host; /* on loopback, allows a Host that is not loopback (a proxy in
                    * front); refused else, against rebinding of names in browsers */
    bool h2c;      /* on loopback, HTTP/2 without TLS for who begins with its preface */
    size_t n_connections_max; /* 1024; then idle ones go, and new ones wait */
    size_t n_per_address_max; /* of TCP, an IPv6 /64 counting as one; 0: any number */
    size_t n_requests_max;    /* of one connection, by HTTP/2 and those that were on
                               * their way; 0: any number */
    int64_t head_timeout_us;  /* 10 s, for the whole head */
    int64_t body_timeout_us;  /* 30 s, for the whole body */
    int64_t send_timeout_us;  /* 30 s without a byte taken */
    int64_t linger_us;        /* 2 s to read the refusal of what is still being sent */
    int64_t idle_timeout_us;  /* without a request; 0: for ever */
    /* Over TCP, who sends a body or takes an answer more slowly than so many bytes a
     * second, seen over a window, is dropped; 0: nobody is. */
    size_t rate_min;
    int64_t rate_window_us; /* 10 s */
};

struct http_counts {
    size_t n_connections; /* now */
    uint64_t n_accepted, n_requests;
    uint64_t n_refused; /* connections, as their address had enough */
    uint64_t n_slow;    /* connections below the least rate */
    uint64_t n_floods;  /* connections that asked for nothing, much */
};

/* For who measures: a request is being answered, so long after its head was complete;
 * of a body that goes on, its beginning. route is NULL where none was found, or the
 * request was none; why is what http_reply_why said of it, or NULL. Loop thread. */
struct http_answered {
    const struct http_route *route;
    int status;
    const char *why;
    int64_t took_us;
};
typedef void http_answered_fn(void *arg, const struct http_answered *a);

/* opts is copied. Listening begins with http_server_listen, after the mounts. */
struct http_server *http_server_new(struct loop *l, const struct http_options *opts);
/* The table must outlive the server; arg is what its handlers are given. */
void http_server_mount(struct http_server *s, const struct http_route *routes,
                       size_t n_routes, void *arg);
/* FF_CONFLICT: another process is listening there. */
int http_server_listen(struct http_server *s, struct ff_err *err);
uint16_t http_server_port(const struct http_server *s); /* of TCP; 0: none */
size_t http_server_connections(const struct http_server *s);
void http_server_counts(const struct http_server *s, struct http_counts *out);
/* One listener; NULL: none. */
void http_server_on_answer(struct http_server *s, http_answered_fn *fn, void *arg);
/* Reads certificate and key again, for new connections; on failure all stays as it was,
 * and err says why. */
int http_server_reload(struct http_server *s, struct ff_err *err);

/* While those who answer have more than enough to do, a connection begins a request
 * only when none of its own is with a handler: what its peer sends ahead waits, as ever
 * by HTTP/1.1. So everybody is served, in turn, however much one of them asks at once.
 */
void http_server_crowded(struct http_server *s, bool crowded);

/* Takes no more connections, ends streams, waits for replies that are due, for
 * grace_us at most; then calls done (once, from the loop). */
void http_server_stop(struct http_server *s, int64_t grace_us, ff_call_fn *done,
                      void *arg);
/* At once. Not from a handler. Replies that are still due stay valid until answered. */
void http_server_free(struct http_server *s);

#endif
