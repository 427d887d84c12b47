/* What the sessions of queue-shared and its broker say to each other: packets on a
 * socket that keeps their borders, in the machine's own numbers. */
#ifndef QUEUE_SHARED_H
#define QUEUE_SHARED_H

#include <stddef.h>
#include <stdint.h>

enum packet_type {
    /* session to broker */
    PUBLISH,
    BROADCAST,
    ACK,
    NACK,
    SUBSCRIBE,
    UNSUBSCRIBE,
    FENCE, /* all before it is done: answered by DONE with the same number */
    /* broker to session */
    DELIVER,
    NEWS,
    DONE
};

#define NAME_MAX_LEN 300
#define BODY_MAX     ((size_t)64 * 1024)

struct packet {
    uint32_t type;
    uint32_t credit;   /* SUBSCRIBE */
    uint32_t delivery; /* DELIVER */
    uint32_t len;      /* of body */
    uint64_t number;   /* of the operation (FENCE), else of the message */
    uint64_t place;    /* which subscription of the session */
    int64_t time_us;   /* PUBLISH: not before; NACK: the delay */
    char topic[NAME_MAX_LEN];
    char id[NAME_MAX_LEN];
    char body[BODY_MAX]; /* only len bytes are sent */
};

#define PACKET_LEN(p) (offsetof(struct packet, body) + (p)->len)

/* Serves the listening socket in a process of its own until nobody needs it. */
_Noreturn void broker_run(int listening_fd, int lock_fd, const char *socket_path);

#endif
