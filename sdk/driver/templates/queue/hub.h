/* hub.h - the messages of one driver instance, in memory.
 *
 *   TODO  put your server's client here: what is a list in hub.c becomes a request,
 *         and the answer, seen by host->watch_add, leads to the calls that deliver()
 *         makes now */
#ifndef HUB_H
#define HUB_H

#include <flowforge/queue.h>

struct message {
    struct message *next;
    struct ff_message m;       /* points to what follows */
    struct subscriber *holder; /* who has it, between delivery and ack; of a broadcast
                                * who is to get it; else NULL */
    int is_broadcast;
    char receipt[24];
    char text[]; /* topic, id, body */
};

struct list {
    struct message *first, **end;
};

struct subscriber {
    struct subscriber *next;
    void *session;
    char *topic;
    uint32_t credit, out;
    ff_deliver_fn *fn;
    void *arg;
};

/* All sessions of one instance. Loop thread, but for finding it. */
struct hub {
    struct hub *next;
    const struct ff_host *host;
    size_t n_sessions;
    struct list waiting; /* in the order of their coming */
    struct list out;     /* delivered, neither acked nor nacked */
    struct subscriber *subscribers;
    struct ff_timer *timer; /* for the next that has to wait for its time */
    uint64_t last_receipt;
    int posted; /* a delivery is under way */
};

struct hub *hub_new(const struct ff_host *host);
void hub_free(struct hub *h);
/* queue_sample.c: its last session is closed and nothing is under way; frees it. */
void hub_ended(struct hub *h);

/* All of them or none. */
int hub_publish(struct hub *h, const struct ff_message *messages, size_t n,
                struct ff_err *err);
int hub_broadcast(struct hub *h, const struct ff_message *message, struct ff_err *err);

/* delay_us: below 0 they are gone, else they come again after so long. Receipts that
 * nobody knows are ignored. */
void hub_settle(struct hub *h, const char *const *receipts, size_t n, int64_t delay_us);

int hub_subscribe(struct hub *h, void *session, const char *topic, uint32_t credit,
                  ff_deliver_fn *fn, void *arg, struct ff_err *err);
/* topic NULL: all of the session's. How many there were. */
size_t hub_unsubscribe(struct hub *h, void *session, const char *topic);

#endif
