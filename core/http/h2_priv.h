/* http/h2_priv.h - HTTP/2 on a connection, by nghttp2: what its files share.
 *
 * nghttp2's callbacks only note what came in. Routes and handlers are called after it
 * has returned, and what they answer is noted as well and sent when they have: so
 * nghttp2 is never entered twice, and no handler sees its stream vanish under it. */
#ifndef HTTP_H2_PRIV_H
#define HTTP_H2_PRIV_H

#include "http/conn.h"
#include <nghttp2/nghttp2.h>

enum {
    H2_STREAMS_MAX = 100, /* at once */
    H2_WINDOW = 64 * 1024 - 1,
    H2_BODY_WINDOW = 512 * 1024, /* of a body that is let in */
    H2_BODIES_MAX =
        16 * 1024 * 1024,         /* of all bodies under way; one is always let in */
    H2_OUTPUT_PAUSE = 256 * 1024, /* unsent: no further request is begun */
    H2_TOKENS_MAX = 2000,         /* see h2_guard.c */
    H2_TOKENS_A_SECOND = 200
};

enum h2_phase {
    H2_HEAD,   /* its header fields come in */
    H2_BEGIN,  /* they are complete */
    H2_HELD,   /* its admit will say more */
    H2_QUEUED, /* let in; other bodies are under way and leave no room */
    H2_BODY,   /* awaits the rest of its body */
    H2_READY,  /* all is there */
    H2_ANSWER, /* a handler has it */
    H2_STREAM, /* the answer is a stream */
    H2_DONE    /* answered; some of it may still have to be sent */
};

struct h2_stream {
    struct http_exchange x;
    struct list link; /* h2->streams, in the order of arrival */
    int32_t id;
    enum h2_phase phase;
    struct http_refusal no; /* what is wrong with the request */
    size_t head_bytes;
    size_t reserved;  /* of h2->n_reserved */
    bool input_ended; /* the request is whole */
    bool answered;    /* all of the answer is in out */
    bool submitted;
    bool deferred; /* nghttp2 waits for more in out */
    bool drained;  /* all is out, and who writes shall hear of it */
    bool dropped;
    bool may_stall; /* who reads it may pause, also when it has ended */
    int status;
    int64_t length;     /* of the answer; -1: unknown */
    struct buf fields;  /* of the answer */
    struct buf cookies; /* of the request, put together */
    struct evbuffer *out;
    struct loop_timer *deadline; /* of the body */
};

struct h2 {
    struct http_conn *conn;
    nghttp2_session *session;
    struct list streams;
    size_t n_streams;
    size_t n_unsent;   /* in all `out` */
    size_t n_reserved; /* bytes of bodies that are let in */
    size_t n_requests;
    size_t n_tokens;
    int64_t tokens_us;         /* when they were last counted */
    size_t n_sent;             /* of bodies, since `stall` was armed */
    struct loop_timer *stall;  /* while anything is unsent */
    int64_t window_us;         /* until then */
    int64_t stalled_us;        /* in windows before: nothing was taken */
    struct loop_timer *notice; /* of the end: until it is known, or should be */
    bool work;                 /* some stream waits to be served */
    bool held_back;            /* as too much is unsent */
    bool retiring;             /* it has been told that the end is near */
    bool ending;               /* all is over but the farewell */
    bool deaf;                 /* what comes in is not read any more */
    bool flooded;
    bool lingering;
};

/* --- h2.c --- */

void h2_end(struct h2 *h, uint32_t error_code); /* soon, and for an error of the peer */
void h2_announce_end(struct h2 *h); /* what the peer sent before it knows is served */
void h2_take_no_more(struct h2 *h); /* it knows, or should */

/* --- h2_guard.c --- */

void h2_guard_init(struct h2 *h);
/* A frame begins. False: enough of those that ask for nothing. */
bool h2_guard_frame(struct h2 *h, const nghttp2_frame_hd *hd);
void h2_guard_pay_back(struct h2 *h, size_t n); /* something useful was done */

/* --- h2_request.c --- */

struct h2_stream *h2_stream_of(struct h2 *h, int32_t id); /* NULL: it is not ours */
/* Registers what reads requests and counts frames. */
void h2_set_callbacks(nghttp2_session_callbacks *callbacks);

/* --- h2_stream.c --- */

struct h2_stream *h2_stream_new(struct h2 *h, int32_t id);
void h2_stream_lost(struct h2_stream *st); /* the other end, or all, is gone */
void h2_stream_free(struct h2_stream *st);
void h2_stream_linger(struct h2_stream *st);     /* answered, and still sending */
void h2_stream_queue_body(struct h2_stream *st); /* let in, when there is room */
void h2_stream_disarm(struct h2_stream *st);     /* its body is here */
void h2_stream_release(struct h2_stream *st);    /* its part of n_reserved */
extern const struct http_exchange_ops h2_exchange_ops;

#endif
