/* api/http_priv.h - what the files of the HTTP server share. A connection reads one
 * request at a time into a reply, which owns the request; the reply outlives the
 * connection where it must. */
#ifndef API_HTTP_PRIV_H
#define API_HTTP_PRIV_H

#include "api/http.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <llhttp/llhttp.h>

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

/* --- http_check.c: the strict half of the parser, on bytes alone --- */

/* Looks for the end of a head in `bytes`, from *at on, which it moves. Returns the
 * length of the head, or 0: not complete, or refused. */
size_t http_find_head(const char *bytes, size_t len, size_t *at,
                      struct http_refusal *no);
/* A complete head, with its empty line. Fills no->status where it is refused. */
void http_check_head(const char *head, size_t len, struct http_refusal *no);

/* --- http_parse.c: llhttp behind it --- */

struct http_parse {
    llhttp_t parser;
    struct http_reply *reply; /* whose request is being filled */
    size_t framing;           /* bytes of chunk framing so far */
    char tail[4];             /* the last bytes taken */
    bool head_done, done, keep_alive;
    struct http_refusal no;
};

/* The head is copied. True: the request stands, and p->done says if that is all. */
bool http_parse_head(struct http_parse *p, struct http_reply *reply, const char *head,
                     size_t len);
/* Takes bytes of the body; returns how many it used. See p->done and p->no. */
size_t http_parse_body(struct http_parse *p, const char *bytes, size_t len);

/* --- http_route.c --- */

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

/* --- http_reply.c --- */

struct http_reply {
    struct http_request request;
    struct http_peer peer;
    struct http_conn *conn;  /* NULL: the peer has gone */
    struct http_reply *next; /* of the server's spare ones */
    struct arena memory;
    struct http_pairs headers, params, query;
    char *target;
    struct buf body;  /* of the request */
    struct buf extra; /* header lines of the answer */
    size_t body_max;
    int minor;    /* HTTP/1.minor */
    bool chunked; /* the request's body */
    bool keep_alive;
    bool head_only;  /* HEAD */
    bool cache_said; /* the handler gave a Cache-Control of its own */
    uint64_t content_length;
};

struct http_reply *http_reply_new(struct http_conn *c);
void http_reply_free(struct http_reply *reply);
void http_reply_free_spare(struct http_server *s);
const char *http_reason(int status);
/* Writes status line and headers. length -1: chunked, or until close. */
void http_reply_head(struct http_reply *reply, int status, const char *type,
                     int64_t length);

/* --- http_stream.c --- */

void http_stream_lost(struct http_stream *s); /* the connection is dead: tells, frees */
void http_stream_flushed(struct http_stream *s);

/* --- http_conn.c --- */

enum conn_phase {
    CONN_HEAD,   /* awaits a head, or is idle between requests */
    CONN_BODY,   /* awaits the rest of a body */
    CONN_ANSWER, /* a handler has it */
    CONN_STREAM, /* the answer is a stream */
    CONN_FLUSH,  /* closes once all is sent */
    CONN_LINGER, /* has refused; reads on so that the refusal arrives */
    CONN_DEAD    /* freed when the outermost call has returned */
};

struct http_conn {
    struct list link; /* server->conns */
    struct list idle; /* server->idle, longest first; else linked to itself */
    struct http_server *server;
    struct bufferevent *bev;
    struct http_peer peer;
    bool rebinding_guard; /* the Host must be loopback */
    enum conn_phase phase;
    int depth; /* calls in progress: no freeing below the outermost */
    bool input_ended;
    bool line_skipped; /* one empty line before a request is forgiven */
    bool linger;       /* after FLUSH: the peer may still be sending */
    bool doomed;       /* http_conn_kill_soon was called */
    size_t scanned;    /* of the head in the input buffer */
    struct http_parse parse;
    struct http_reply *reply; /* in hand, until it is answered */
    struct http_match match;
    struct http_stream *stream;
    struct loop_timer *deadline;
    struct loop_timer *soon; /* goes on with the input, outside any other call */
};

void http_conn_new(struct http_server *s, struct bufferevent *bev,
                   const struct http_peer *peer, bool rebinding_guard);
void http_conn_answered(struct http_conn *c, bool keep_alive); /* it is in the output */
void http_conn_streams(struct http_conn *c, struct http_stream *s);
struct evbuffer *http_conn_output(struct http_conn *c);
void http_conn_kill(struct http_conn *c);      /* at once */
void http_conn_kill_soon(struct http_conn *c); /* from the loop */
void http_conn_retire(struct http_conn *c);    /* the server stops */

/* --- http_listen.c --- */

/* A bound and listening unix socket; *lock is the descriptor that keeps others from
 * replacing it. */
int http_listen_unix(const char *path, int *lock, struct ff_err *err);
void http_unlisten_unix(const char *path, int lock);
int http_listen_tcp(const char *address, uint16_t port, bool any, struct ff_err *err);
/* Who connected; false: this user may not. */
bool http_peer_of(int fd, bool local, const struct sockaddr *from,
                  struct http_peer *peer);

/* --- http_server.c --- */

struct http_listener {
    struct http_server *server;
    struct evconnlistener *listener;
    bool local;
    bool loopback;
};

struct http_server {
    struct loop *loop;
    struct http_options opts; /* with the defaults filled in */
    struct {
        struct http_mount *items;
        size_t n, cap;
    } mounts;
    struct http_listener unix_listener, tcp_listener;
    int unix_lock;
    struct list conns, idle;
    size_t n_conns;
    struct http_reply *spare;
    size_t n_spare;
    bool accepting;
    bool stopping;
    ff_call_fn *stopped;
    void *stopped_arg;
    struct loop_timer *grace, *report;
    struct loop_timer *retry; /* of accepting, after descriptors ran out */
    int64_t date_second;
    char date[40];
};

void http_server_left(struct http_server *s);        /* a connection has been freed */
void http_server_has_room(struct http_server *s);    /* one could make way */
const char *http_server_date(struct http_server *s); /* IMF-fixdate */

#endif
