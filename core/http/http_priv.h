/* http/http_priv.h - what the files of the HTTP server share about requests and their
 * answers, whatever protocol brings them. A request is read into a reply, which owns
 * it; the reply outlives its exchange, and the exchange's connection, where it must. */
#ifndef HTTP_HTTP_PRIV_H
#define HTTP_HTTP_PRIV_H

#include "http/http.h"
#include <event2/buffer.h>

enum {
    HTTP_HEAD_MAX = 16 * 1024,
    HTTP_TARGET_MAX = 8 * 1024,
    HTTP_HEADERS_MAX = 100,
    HTTP_PAIRS_MAX = 64,            /* parameters of a query, and of a pattern */
    HTTP_FRAMING_MAX = 16 * 1024,   /* bytes of chunk framing without any body */
    HTTP_INPUT_MAX = 64 * 1024,     /* read ahead of the request in hand */
    HTTP_OUTPUT_PAUSE = 256 * 1024, /* unsent: no further request is begun */
    HTTP_SPARE_MAX = 64,            /* replies kept for re-use */
    HTTP_TURN = 32                  /* pipelined requests served before others' turn */
};

/* Why a request is refused; status 0: it is not. */
struct http_refusal {
    int status;
    const char *why;
};

struct http_pair {
    const char *name, *value;
};

struct http_pairs {
    struct http_pair *items;
    size_t n, cap;
};

/* --- route.c --- */

struct http_mount {
    const struct http_route *routes;
    size_t n_routes;
    void *arg;
};

struct http_match {
    const struct http_route *route; /* NULL: see no */
    void *arg;
    struct http_refusal no;
    char allow[64]; /* methods that the path has, for 405 and OPTIONS */
};

/* Splits and decodes the target into the reply's path, query and parameters. */
void http_route_find(const struct http_mount *mounts, size_t n_mounts,
                     struct http_reply *reply, struct http_match *out);

/* --- reply.c --- */

struct http_reply {
    struct http_request request;
    struct http_peer peer;
    struct http_exchange *x; /* NULL: the peer has gone */
    struct http_reply *next; /* of the server's spare ones */
    struct arena memory;
    struct http_pairs headers, params, query;
    char *target;
    struct buf body;   /* of the request */
    struct buf fields; /* header lines of the answer */
    size_t body_max;
    const char *why;  /* http_reply_why; or NULL */
    int64_t begun_us; /* the head was complete; 0: nobody measures */
    int minor;        /* HTTP/1.minor */
    bool chunked;     /* the request's body */
    bool keep_alive;  /* HTTP/1: the connection may go on after the answer */
    bool head_only;   /* HEAD */
    bool cache_said;  /* the handler gave a Cache-Control of its own */
    bool held;        /* by its admit, which will say more */
    uint64_t content_length;
    void *kept; /* by whoever will answer */
    ff_call_fn *drop_kept;
};

struct http_reply *http_reply_new(struct http_exchange *x);
void http_reply_free(struct http_reply *reply);
void http_reply_free_spare(struct http_server *s);
const char *http_reason(int status);
/* Completes the fields and begins the answer. length -1: it is not known. */
void http_reply_head(struct http_reply *reply, int status, const char *type,
                     int64_t length);
/* The head alone, as HEAD asks for it; ends the reply. */
void http_reply_bare(struct http_reply *reply, int status, const char *type,
                     int64_t length);

/* --- stream.c --- */

void http_stream_lost(struct http_stream *s); /* the connection is dead: tells, frees */
void http_stream_flushed(struct http_stream *s);
int64_t http_stream_stall_us(const struct http_stream *s);

struct http_protocol;

/* Answers with 101; then the connection is the protocol's, and the reply is gone. Only
 * where the request came by HTTP/1.1. */
void http_reply_switch(struct http_reply *reply, const struct http_protocol *protocol,
                       void *state, const char *name);

/* --- exchange.c: one request and its answer --- */

/* How a protocol lets an answer out. */
struct http_exchange_ops {
    /* Status and fields (lines in reply->fields). length as in http_reply_head. */
    void (*head)(struct http_exchange *x, int status, int64_t length);
    /* Where the body goes; of an answer whose length was not known, by add. */
    struct evbuffer *(*output)(struct http_exchange *x);
    void (*add)(struct http_exchange *x, const void *bytes, size_t len);
    /* The answer is whole. x may be freed when it returns. */
    void (*answered)(struct http_exchange *x, bool keep_alive);
    /* The answer goes on as x->stream. */
    void (*streams)(struct http_exchange *x);
    /* From the loop, soon: nothing more is sent, and x->stream is lost. */
    void (*drop)(struct http_exchange *x);
    /* The request stands and is let in: its body may come. */
    void (*admitted)(struct http_exchange *x);
    /* The connection is another protocol's from here on. NULL: cannot be. */
    void (*leave_to)(struct http_exchange *x, const struct http_protocol *protocol,
                     void *state);
};

struct http_exchange {
    const struct http_exchange_ops *ops;
    struct http_conn *conn;
    struct http_reply *reply; /* in hand, until it is answered */
    struct http_match match;
    struct http_stream *stream;
};

/* The head is complete, and `whole` says if that is all: finds the route and asks it.
 * Goes on by ops->admitted, now or later, or answers. */
void http_exchange_begin(struct http_exchange *x, bool whole);
void http_exchange_refuse(struct http_exchange *x, struct http_refusal no);
void http_exchange_dispatch(struct http_exchange *x); /* all is there */
/* The exchange is over, answered or not: the reply and the stream hear of it.
 * has_handler: somebody has the reply and will answer it. */
void http_exchange_lost(struct http_exchange *x, bool has_handler);

#endif
