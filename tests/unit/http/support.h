/* tests/unit/http/support.h - a server with its loop on a thread of its own, and a
 * client that says exactly the bytes it is told. */
#ifndef TESTS_HTTP_SUPPORT_H
#define TESTS_HTTP_SUPPORT_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "http/http.h"
#include <cmocka.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

struct site {
    struct loop *loop;
    struct http_server *server;
    void *extra; /* of those who mounted routes of their own */
    void (*free_extra)(void *extra);
    pthread_t thread;
    char dir[64];
    char path[96];
    uint16_t port;
    bool listening; /* site_start did not fail */
    struct ff_err err;
    /* Of the routes that keep their reply or stream; loop thread. */
    struct http_reply *kept[8];
    size_t n_kept;
    struct http_stream *stream;
    sem_t event; /* posted by: a request kept, a stream opened or gone, the stop */
    atomic_int n_admitted, n_handled, n_gone;
};

/* Answers at /echo, /items/{id}, /body, /small, /guarded, /kept, /events, /big. */
void site_start(struct site *s, struct http_options opts);
void site_start_with(struct site *s, struct http_options opts,
                     void (*mount)(struct site *s));
/* For site_start_with: those routes, or none. */
void mount_test_routes(struct site *s);
void site_no_routes(struct site *s);
void site_stop(struct site *s);
/* Runs fn on the loop thread and waits until it has returned. */
void site_do(struct site *s, ff_call_fn *fn, void *arg);
void site_wait(struct site *s); /* for one event; fails after 20 s */
size_t site_connections(struct site *s);
void site_wait_connections(struct site *s, size_t n);

int site_connect(struct site *s);     /* to the unix socket */
int site_connect_tcp(struct site *s); /* to the port */
void say(int fd, const char *text);
void say_bytes(int fd, const void *bytes, size_t len);

struct heard {
    int status;
    struct buf head, body, rest; /* rest: read ahead of what is asked next */
    bool closed;                 /* the peer ended the connection */
};

/* The next answer; h->status 0: the connection ended without one. */
void hear(int fd, struct heard *h);
void hear_head_only(int fd, struct heard *h);
void hear_bytes(int fd, struct heard *h, size_t n); /* n bytes into body */
bool hear_end(int fd, struct heard *h);             /* reads to the end of input */
const char *heard_header(struct heard *h, const char *name_colon);
void heard_done(struct heard *h);

/* One connection, these bytes, the status of the answer. */
int status_of(struct site *s, const char *text);
int status_of_bytes(struct site *s, const void *bytes, size_t len);

#endif
