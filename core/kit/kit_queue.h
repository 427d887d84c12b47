/* kit/kit_queue.h - a session of a queue driver as the checks use it: each call
 * waits for its completion, each subscriber keeps what it got.
 *
 * What holds always is judged here, in every check: operations complete once and never
 * inside their call, messages come on the loop thread, of the topic that was asked for,
 * never inside publish, subscribe, ack or nack, never beyond the credit, and never to
 * one who is gone. */
#ifndef KIT_KIT_QUEUE_H
#define KIT_KIT_QUEUE_H

#include "base/base.h"
#include "kit/kit.h"
#include "kit/kit_wait.h"

#include <flowforge/queue.h>

#define KITQ_MAX_BODY  ((size_t)64 * 1024)
#define KITQ_BROADCAST "news/" /* ids of broadcasts begin so: those need no credit */

struct kitq_got {
    char *id, *receipt; /* receipt: NULL where there was none */
    struct buf body;
    uint32_t delivery;
    int64_t at_us; /* wall clock */
    bool out;      /* neither acked nor nacked since */
};

struct kitq_sub {
    struct kitq_sub *next;
    struct kitq *q;
    char *topic;
    uint32_t credit;
    struct {
        struct kitq_got **items;
        size_t n, cap;
    } got;
    size_t n_out;
    const char *gone; /* why nothing may come any more; NULL: it may */
    void (*then)(struct kitq_sub *sub, struct kitq_got *got); /* called with each */
    void *arg;                                                /* for then */
};

struct kitq {
    struct kit *k;
    struct driver_instance *instance;
    const struct ff_queue_ops *ops;
    struct loop *loop;
    void *queue;
    struct kitq_sub *subs;
    struct kitq_sub *quiet;
};

/* One operation. Must last until it is done. */
struct kitq_op {
    struct kitq *q;
    const char *what; /* "publish" */
    bool in_call;
    bool done;
    int code;
    struct ff_err err;
    struct kitq_sub *leaving; /* nothing may come to it once this is done */
};

/* A session of the check's instance. kitq_close frees it with its subscribers. */
struct kitq *kitq_open(struct kit *k);
void kitq_close(struct kitq *q);
/* Closes the session and keeps the subscribers: nothing may come to them. */
void kitq_shut(struct kitq *q);

/* Begin an operation; its completion is waited for by kitq_wait_op. */
void kitq_begin_publish(struct kitq *q, struct kitq_op *op,
                        const struct ff_message *messages, size_t n);
void kitq_begin_ack(struct kitq *q, struct kitq_op *op, const char *const *receipts,
                    size_t n);
void kitq_begin_nack(struct kitq *q, struct kitq_op *op, const char *const *receipts,
                     size_t n, int64_t delay_us);
void kitq_begin_unsubscribe(struct kitq_sub *sub, struct kitq_op *op);
int kitq_wait_op(struct kitq_op *op); /* the code; a failure has its sentence */

struct ff_message kitq_message(const char *topic, const char *id); /* body: the id */
int kitq_try_publish(struct kitq *q, const struct ff_message *messages, size_t n,
                     struct ff_err *err);
/* These must succeed. */
void kitq_publish(struct kitq *q, const char *topic, const char *id);
void kitq_publish_n(struct kitq *q, const char *topic, const char *prefix, size_t n);
struct kitq_sub *kitq_subscribe(struct kitq *q, const char *topic, uint32_t credit);
void kitq_set_credit(struct kitq_sub *sub, uint32_t credit);
void kitq_unsubscribe(struct kitq_sub *sub);
void kitq_ack(struct kitq_sub *sub, struct kitq_got *got);
void kitq_nack(struct kitq_sub *sub, struct kitq_got *got, int64_t delay_us);
void kitq_ack_all(struct kitq_sub *sub);
void kitq_broadcast(struct kitq *q, const char *topic, const char *id);

/* Waits until the subscriber got so many in all; returns the last of them. */
struct kitq_got *kitq_wait(struct kitq_sub *sub, size_t n);
/* Waits until it got this id so often; returns the last one of that id. */
struct kitq_got *kitq_wait_id(struct kitq_sub *sub, const char *id, size_t times);
size_t kitq_times(const struct kitq_sub *sub, const char *id);

/* Gives the driver every chance to do what it must not: messages of another topic go
 * through it and the loop turns for a moment. What comes late fails no check, so that a
 * good driver passes on a slow machine, too. */
void kitq_quiet(struct kitq *q);

extern const struct kit_check kit_queue_publish_checks[];
extern const struct kit_check kit_queue_credit_checks[];
extern const struct kit_check kit_queue_receipt_checks[];
extern const struct kit_check kit_queue_leave_checks[];
extern const struct kit_check kit_queue_broadcast_checks[];
extern const struct kit_check kit_queue_shared_checks[];
extern const struct kit_check kit_queue_random_checks[];

#endif
