/* The queue through the loader and the loop, and what its subscribers got. */
#ifndef TESTS_QUEUE_MEMORY_SUPPORT_H
#define TESTS_QUEUE_MEMORY_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/driver.h"

#define MAX_GOT 64

/* A subscriber that notes what it gets; `then`, where set, is called after that. */
struct subscriber {
    size_t n;
    struct {
        char topic[32], id[32], body[32], receipt[32];
        uint32_t delivery;
        int64_t at_us; /* wall clock */
        bool acked;    /* by support_ack */
    } got[MAX_GOT];
    void (*then)(struct subscriber *s, const struct ff_message *m);
    size_t stop_at; /* the loop stops with this many; 0: never */
};

extern struct loop *test_loop;
extern struct driver_instance *test_instance;
extern const struct ff_queue_ops *test_ops;
extern void *test_queue; /* one session */

/* cmocka's setup and teardown. What a test closed itself it sets to NULL. */
int open_queue(void **state);
int close_queue(void **state);
int open_queue_with(const char *assignment); /* "queue-memory.max_messages=3" */

void *open_session(void);

/* Each waits for its completion and returns its code. */
int publish(const char *topic, const char *id);
int publish_many(const struct ff_message *messages, size_t n);
int publish_at(const char *topic, const char *id, int64_t not_before_us);
int broadcast(const char *topic, const char *id);
int ack(const char *receipt);
int ack_many(const char *const *receipts, size_t n);
int nack(const char *receipt, int64_t delay_us);
int unsubscribe_from(void *queue, const char *topic);
const char *last_sentence(void);

void subscribe_to(void *queue, const char *topic, uint32_t credit,
                  struct subscriber *s);
struct ff_message message_of(const char *topic, const char *id);
void ack_all(struct subscriber *s);

/* Runs the loop until all that was posted before has been done. */
void settle(void);
/* Runs the loop until the subscriber has so many. */
void wait_for(struct subscriber *s, size_t n);

#endif
