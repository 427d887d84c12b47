/* message.h - messages, their memory, and lists of them. */
#ifndef QUEUE_MEMORY_MESSAGE_H
#define QUEUE_MEMORY_MESSAGE_H

#include <flowforge/queue.h>
#include <stdbool.h>

struct topic;
struct subscription;

struct message {
    struct message *next, *prev;
    struct topic *topic;
    struct subscription *holder; /* out at this one; NULL: not out */
    int64_t when_us;             /* while it waits for its time */
    uint64_t order;              /* among those with one time */
    uint32_t delivery;           /* how often it went out */
    uint32_t receipt;            /* place among the receipts while it is out */
    uint32_t size_class;
    uint32_t len;
    const char *body; /* in data, after the id */
    char data[];
};

struct message_list {
    struct message *first, *last;
};

void message_add_last(struct message_list *l, struct message *m);
void message_add_first(struct message_list *l, struct message *m);
void message_del(struct message_list *l, struct message *m);
struct message *message_take(struct message_list *l); /* the first, or NULL */

/* Memory of messages, used again by size. Zeroed is empty and ready. */
#define MESSAGE_CLASSES 11 /* room for 128 bytes, 256, ... 128 KiB of id and body */
#define MESSAGE_MAX_ID  255
#define MESSAGE_MAX_LEN ((size_t)64 * 1024)

struct message_pool {
    struct message *unused[MESSAGE_CLASSES];
    size_t unused_bytes;
    size_t used_bytes;
};

/* A copy of what was published; NULL when there is no memory. */
struct message *message_new(struct message_pool *pool, const struct ff_message *from);
void message_free(struct message_pool *pool, struct message *m);
void message_pool_done(struct message_pool *pool);

#endif
