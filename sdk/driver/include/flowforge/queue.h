/* flowforge/queue.h - carries hints and messages between the parts of FlowForge.
 *
 * At least once, in any order; losing everything costs latency, never work:
 * the store is the truth and a sweeper says every message again.
 * Threads: all calls and callbacks on the loop thread; calls MUST NOT block.
 * Required: all but broadcast, which needs FF_QUEUE_BROADCAST. */
#ifndef FLOWFORGE_QUEUE_H
#define FLOWFORGE_QUEUE_H

#include <flowforge/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ff_queue_caps {
    FF_QUEUE_BROADCAST = 1, /* broadcast works */
    FF_QUEUE_SHARED = 2     /* other processes see the same topics */
};

/* Stands in arrays, so it never grows, in spite of its size. */
struct ff_message {
    uint32_t struct_size;
    uint32_t delivery; /* 1 on the first; a guess is allowed */
    const char *topic;
    const char *id; /* the core's id: the same id may come twice */
    const void *body;
    size_t len;            /* at most 64 KiB */
    int64_t not_before_us; /* publish: wall clock, 0 for at once */
    const char *receipt;   /* delivery: give it back to ack or nack */
};

/* The message is borrowed until the call returns. Never called from inside
 * publish, subscribe, ack or nack. */
typedef void ff_deliver_fn(void *arg, const struct ff_message *message);

struct ff_queue_ops {
    int (*open)(const struct ff_host *host, const void *config, void **queue,
                struct ff_err *err);
    /* Takes NULL. Open ops are completed FF_CANCELLED, and messages that were out go
     * back; those of a process that died do so where FF_QUEUE_SHARED is set. */
    void (*close)(void *queue);

    /* Each of these starts an operation and returns; host->complete(op) comes
     * once, perhaps from inside the call (the core goes on later). What is
     * passed is borrowed until the call returns: copy what must last. */
    void (*publish)(void *queue, const struct ff_message *messages, size_t n,
                    struct ff_op *op);
    void (*ack)(void *queue, const char *const *receipts, size_t n, struct ff_op *op);
    void (*nack)(void *queue, const char *const *receipts, size_t n, int64_t delay_us,
                 struct ff_op *op);

    /* Deliver messages of `topic` to fn, with at most `credit` of them out
     * between delivery and ack or nack. Each message goes to one subscriber.
     * A second call for the same topic from this instance sets a new credit. */
    int (*subscribe)(void *queue, const char *topic, uint32_t credit, ff_deliver_fn *fn,
                     void *arg, struct ff_err *err);

    /* After completion fn is not called again; messages that were out go back. */
    void (*unsubscribe)(void *queue, const char *topic, struct ff_op *op);

    /* Optional. To every subscriber of the topic that is there now, without
     * credit, ack or redelivery. */
    void (*broadcast)(void *queue, const struct ff_message *message, struct ff_op *op);
};

#ifdef __cplusplus
}
#endif

#endif
