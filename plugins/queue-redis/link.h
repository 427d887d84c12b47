/* queue-redis/link.h - one connection on the loop: a socket, perhaps with TLS, bytes
 * that wait to be sent, and replies as they come. It knows nothing of what is said on
 * it. */
#ifndef QUEUE_REDIS_LINK_H
#define QUEUE_REDIS_LINK_H

#include "text.h"

#include <flowforge/host.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <hiredis/hiredis.h>

struct ssl_st;
struct ssl_ctx_st;
struct rq_session;

/* Any of them may close the link. */
struct rq_link_fns {
    void (*up)(struct rq_session *s);
    void (*reply)(struct rq_session *s, redisReply *reply);       /* takes the reply */
    void (*down)(struct rq_session *s, const struct ff_err *err); /* it is closed */
};

struct rq_link {
    const struct ff_host *host;
    struct rq_session *session;
    const struct rq_link_fns *fns;
    const char *name;  /* of the server, for TLS; must last */
    int fd;            /* -1: closed */
    unsigned n_opened; /* how often: a callback may have closed it and opened it anew */
    bool connecting;
    bool in_event; /* what is added goes out at its end */
    struct ff_watch *watch;
    uint32_t events;
    struct ssl_st *ssl;
    redisReader *reader;
    size_t unfinished;  /* bytes since the last whole reply */
    struct rq_text out; /* as it goes over the wire */
    size_t out_at;
};

/* Begins to connect; fns are called from the loop. */
int rq_link_open(struct rq_link *l, const struct sockaddr *to, socklen_t size,
                 struct ssl_ctx_st *tls, const char *name, struct ff_err *err);
/* False: no memory, or closed. What is added goes out after rq_link_go: at once, as far
 * as the socket takes it, or when the loop turns, with all that is added until then. */
bool rq_link_add(struct rq_link *l, const void *data, size_t len);
void rq_link_go(struct rq_link *l, bool at_once);
/* Both, when the loop turns. */
bool rq_link_send(struct rq_link *l, const void *data, size_t len);
void rq_link_close(struct rq_link *l);
/* Sends what waits and reads until the server hangs up, but no longer than this. */
void rq_link_farewell(struct rq_link *l, int patience_ms);

/* tls.c */
int rq_tls_new(struct ssl_ctx_st **tls, const char *ca, const char *cert,
               const char *key, struct ff_err *err);
void rq_tls_free(struct ssl_ctx_st *tls);
int rq_tls_begin(struct rq_link *l, struct ssl_ctx_st *tls, struct ff_err *err);
/* These move bytes between the link and TLS. */
int rq_tls_shake(struct rq_link *l, bool *done, struct ff_err *err);
int rq_tls_in(struct rq_link *l, const char *data, size_t len, struct ff_err *err);
int rq_tls_read(struct rq_link *l, char *data, size_t size, size_t *len,
                struct ff_err *err);
bool rq_tls_out(struct rq_link *l, const void *data, size_t len);
void rq_tls_end(struct rq_link *l);

#endif
