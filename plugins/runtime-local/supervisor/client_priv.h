/* client_priv.h - one connection, for client.c and requests.c. */
#ifndef SUPERVISOR_CLIENT_PRIV_H
#define SUPERVISOR_CLIENT_PRIV_H

#include "client.h"
#include "loop.h"
#include "wire.h"

struct client {
    struct source source;
    struct sup *sup;
    struct client *next;
    struct rl_rx rx;
    struct rl_out tx;
    size_t sent;
    uint32_t events; /* that it is watched for */
    bool greeted;
    bool closing; /* freed after this round */
    bool stuck;   /* waits for room in the socket and is not read from */
    bool pending; /* requests that came in were not all carried out */
    bool owed;    /* some attempt is marked unreported for it */
};

/* Carries out one request. */
void client_request(struct client *client, struct rl_frame *frame);

/* Those whose process has died are not listened to any more. */
void clients_end_dead(struct sup *sup);

void client_done(struct client *client, uint64_t seq, const struct ff_err *err);

#endif
