/* hub.h - the topics that the sessions of one driver instance share: who waits for
 * messages, which messages wait, and which are out.
 *
 * Loop thread only. Messages go out from a call that the host makes later, never from
 * inside the functions here. */
#ifndef QUEUE_MEMORY_HUB_H
#define QUEUE_MEMORY_HUB_H

#include "later.h"
#include "message.h"
#include "receipts.h"

struct session;

/* One subscriber of one topic. */
struct subscription {
    struct subscription *next; /* of the topic, in a ring */
    struct topic *topic;
    struct session *session;
    ff_deliver_fn *fn;
    void *arg;
    uint32_t credit;
    uint32_t n_out;
    struct message_list out;
    struct message_list news; /* broadcasts to it, not called yet */
};

struct topic {
    struct topic *next_of_hash;
    struct topic *next_dirty;
    struct message_list ready;
    struct subscription *last; /* of the ring; its turn comes last. NULL: none */
    size_t n_messages;         /* ready, waiting for their time and out */
    uint32_t hash;
    bool dirty;   /* in the hub's list: there may be something to deliver */
    bool in_call; /* a subscriber is being called: not to be freed */
    char name[];
};

struct hub {
    struct hub *next; /* of the list that queue_memory.c keeps */
    const struct ff_host *host;
    size_t n_sessions;
    size_t max_messages;
    size_t max_bytes;
    size_t n_messages; /* broadcasts included */

    struct topic **topics; /* by hash */
    size_t n_topics, n_buckets;
    struct topic *recent; /* the topic asked for last, or NULL */
    struct topic *first_dirty, *last_dirty;

    struct message_pool pool;
    struct receipts receipts;
    struct later later;
    struct ff_timer *timer;
    int64_t timer_us; /* when it fires */

    struct message *current; /* being handed to a subscriber */
    bool current_is_done;    /* to be freed when the subscriber returns */
    bool posted;             /* the host will call hub_deliver */
    bool in_call;
};

/* topics.c */
struct topic *hub_topic(struct hub *h, const char *name);      /* NULL: there is none */
struct topic *hub_topic_make(struct hub *h, const char *name); /* NULL: no memory */
void hub_topic_settle(struct hub *h, struct topic *t); /* frees it when it is empty */
void hub_topics_done(struct hub *h);

/* hub.c. Sentences go into err; nothing happened then. */
int hub_publish(struct hub *h, const struct ff_message *messages, size_t n,
                struct ff_err *err);
int hub_broadcast(struct hub *h, const struct ff_message *message, struct ff_err *err);
void hub_ack(struct hub *h, const char *const *receipts, size_t n);
void hub_nack(struct hub *h, const char *const *receipts, size_t n, int64_t delay_us);
int hub_subscribe(struct hub *h, struct session *session, const char *topic,
                  uint32_t credit, ff_deliver_fn *fn, void *arg, struct ff_err *err);
bool hub_unsubscribe(struct hub *h, const struct session *session, const char *topic);
void hub_unsubscribe_all(struct hub *h, const struct session *session);
void hub_stop(struct hub *h); /* the host is not called after this */
void hub_done(struct hub *h); /* after hub_stop: frees what is in it */

/* deliver.c */
void hub_wake(struct hub *h, struct topic *t); /* there may be something to deliver */
void hub_arm(struct hub *h);                   /* sets the timer for what waits */
void hub_release(struct hub *h, struct message *m); /* it is gone for good */
/* Delivers a burst. Called by the host through queue_memory.c. */
void hub_deliver(struct hub *h);

/* queue_memory.c: what hub_wake posts; calls hub_deliver and ends a hub that nobody
 * uses any more. */
void hub_on_post(void *hub);

#endif
