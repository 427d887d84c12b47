/* cli/remote/loopback.h - a place on this machine that a browser is led back to: an
 * HTTP server of a few requests, which knows one path. */
#ifndef CLI_REMOTE_LOOPBACK_H
#define CLI_REMOTE_LOOPBACK_H

#include "base/base.h"

#define LOOPBACK_CLIENTS 8

struct loopback {
    int fd;
    uint16_t port;
    struct loopback_client {
        int fd; /* -1: none */
        struct buf head;
    } clients[LOOPBACK_CLIENTS];
    size_t next; /* that gives way when all are taken */
};

/* Listens on a port of the kernel's choice. loopback_close in either case. */
int loopback_open(struct loopback *l, struct ff_err *err);
void loopback_close(struct loopback *l);

/* Judges the query of one that was led back. `say`: what he is shown; true: it was the
 * one that was waited for. */
typedef bool loopback_fn(void *arg, const char *query, const char **say);
/* FF_OK when fn has said so; FF_UNAVAILABLE: not within that time. */
int loopback_wait(struct loopback *l, int64_t wait_us, loopback_fn *fn, void *arg,
                  struct ff_err *err);

/* The parameter of a query, decoded; mem_free it. NULL: it is not there. */
char *loopback_parameter(const char *query, const char *name);

#endif
