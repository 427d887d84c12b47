/* api/client_link.h - the client's connection: bytes out and in, against a deadline. */
#ifndef API_CLIENT_LINK_H
#define API_CLIENT_LINK_H

#include "api/client.h"

struct client_link {
    char *unix_path; /* else host and port */
    char *host;
    uint16_t port;
    int stop_fd;         /* 0: none */
    int fd;              /* -1: closed */
    int64_t deadline_us; /* monotonic */
};

int client_link_init(struct client_link *l, const char *endpoint, struct ff_err *err);
void client_link_done(struct client_link *l);

void client_link_set_deadline(struct client_link *l, int64_t from_now_us);
/* Open, and as far as can be seen from here not closed by the peer. */
bool client_link_is_fresh(struct client_link *l);
int client_link_open(struct client_link *l, struct ff_err *err);
void client_link_close(struct client_link *l);
int client_link_send(struct client_link *l, const char *bytes, size_t len,
                     struct ff_err *err);
/* *n 0: the peer has closed. */
int client_link_recv(struct client_link *l, char *bytes, size_t room, size_t *n,
                     struct ff_err *err);

#endif
