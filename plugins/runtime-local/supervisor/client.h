/* client.h - the connections: frames in, answers and events out. */
#ifndef SUPERVISOR_CLIENT_H
#define SUPERVISOR_CLIENT_H

#include <stdbool.h>

struct attempt;
struct client;
struct ff_err;
struct rl_frame;
struct sup;

/* Listens on DIR/supervisor.sock. False with errno. */
bool clients_listen(struct sup *sup);

/* Tells the client how an ENDED attempt ended; later when it reads too slowly. */
void client_event(struct client *client, struct attempt *attempt);

/* Carries out requests that have come in, some of each client's. */
void clients_run(struct sup *sup);

/* Sends what there is to send, and frees those who left. True when requests wait that
 * can be carried out now. */
bool clients_flush(struct sup *sup);

void clients_close(struct sup *sup);

#endif
