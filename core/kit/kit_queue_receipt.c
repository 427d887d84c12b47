/* kit/kit_queue_receipt.c - receipts: ack, nack, and those that mean nothing. */
#include "kit/kit_queue.h"

#include <string.h>

#define DELAY_US INT64_C(150000)

static void acked_is_gone(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 10);

    kitq_publish_n(q, "t", "m", 3);
    kitq_wait(sub, 3);
    kitq_ack_all(sub);
    kitq_unsubscribe(sub);
    struct kitq_sub *again = kitq_subscribe(q, "t", 10);
    struct kitq *other = kitq_open(k);
    struct kitq_sub *third = kitq_subscribe(other, "t", 10);

    kitq_quiet(q);
    kitq_quiet(other);
    kit_expect_int(k, again->got.n + third->got.n, 0, "acked messages that came again");
    kitq_close(q);
    kitq_close(other);
}

static void many_at_once(struct kit *k)
{
    enum { N = 50 };
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", N);
    const char *receipts[N];
    struct kitq_op op;

    kitq_publish_n(q, "t", "m", (size_t)N * 2);
    kitq_wait(sub, N);
    for (size_t i = 0; i < N; i++) {
        receipts[i] = sub->got.items[i]->receipt;
        sub->got.items[i]->out = false;
    }
    sub->n_out = 0;
    kitq_begin_ack(q, &op, receipts, N);
    kit_expect_code(k, kitq_wait_op(&op), FF_OK, &op.err, "ack of %d receipts", N);
    kitq_wait(sub, (size_t)N * 2);
    for (size_t i = 0; i < N; i++) {
        receipts[i] = sub->got.items[N + i]->receipt;
        sub->got.items[N + i]->out = false;
    }
    sub->n_out = 0;
    kitq_begin_nack(q, &op, receipts, N, 0);
    kit_expect_code(k, kitq_wait_op(&op), FF_OK, &op.err, "nack of %d receipts", N);
    kitq_wait(sub, (size_t)N * 3);
    for (size_t i = 0; i < N; i++)
        kit_expect_int(k, kitq_times(sub, sub->got.items[i]->id), 1,
                       "how often an acked message came");
    kitq_begin_ack(q, &op, NULL, 0);
    kit_expect_code(k, kitq_wait_op(&op), FF_OK, &op.err, "ack of no receipts");
    kitq_close(q);
}

static void nacked_comes_again(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 1);

    kitq_publish(q, "t", "m");
    for (size_t n = 1; n <= 4; n++) {
        struct kitq_got *got = kitq_wait(sub, n);

        kit_expect_text(k, buf_text(&got->body), "m", "the body at delivery %zu", n);
        kitq_nack(sub, got, 0);
    }
    kitq_ack(sub, kitq_wait(sub, 5));
    kitq_quiet(q);
    kit_expect_int(k, sub->got.n, 5, "deliveries of a message nacked 4 times");
    kitq_close(q);
}

static void nack_waits(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 1);

    kitq_publish(q, "t", "m");
    struct kitq_got *first = kitq_wait(sub, 1);
    const int64_t due_us = loop_wall_us(q->loop) + DELAY_US;

    kitq_nack(sub, first, DELAY_US);
    const struct kitq_got *second = kitq_wait(sub, 2);

    kit_expect(k, second->at_us >= due_us,
               "a message nacked for 150 ms came again %lld us too early",
               (long long)(due_us - second->at_us));
    kit_expect_text(k, second->id, "m", "what came again");
    kitq_close(q);
}

/* An operation on receipts that mean nothing is completed, with whatever code. */
static void give(struct kitq *q, const char *receipt)
{
    struct kitq_op op;

    kitq_begin_ack(q, &op, &receipt, 1);
    kitq_wait_op(&op);
    kitq_begin_nack(q, &op, &receipt, 1, 0);
    kitq_wait_op(&op);
}

static void odd_ones(struct kit *k)
{
    static const char *const odd[] = {
        "",     "x",     "0",       "-1", "0000000000000000", "ffffffffffffffff",
        "%s%n", "1-1-1", "\xff\xfe"};
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 1);
    char *lengthy = mem_alloc(5001);

    memset(lengthy, '7', 5000);
    kitq_publish_n(q, "t", "m", 2);
    kitq_wait(sub, 1);
    for (size_t i = 0; i < COUNT_OF(odd); i++)
        give(q, odd[i]);
    give(q, lengthy);
    kitq_quiet(q);
    kit_expect_int(k, sub->got.n, 1, "messages out after acks of unknown receipts");
    kitq_ack(sub, sub->got.items[0]);
    kitq_ack(sub, kitq_wait(sub, 2));
    mem_free(lengthy);
    kitq_close(q);
}

/* The receipt of a message that is gone must not be another's by now. */
static void old_ones(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 1);

    kitq_publish(q, "t", "first");
    struct kitq_got *first = kitq_wait(sub, 1);

    kitq_ack(sub, first);
    give(q, first->receipt);
    kitq_publish(q, "t", "second");
    struct kitq_got *second = kitq_wait(sub, 2);

    kit_expect_text(k, second->id, "second", "what came after the first was acked");
    for (int i = 0; i < 3; i++)
        give(q, first->receipt);
    kitq_quiet(q);
    kit_expect_int(k, sub->got.n, 2, "deliveries after an old receipt was given again");
    kitq_nack(sub, second, 0);
    kit_expect_text(k, kitq_wait(sub, 3)->id, "second", "what a nack brought again");
    kitq_close(q);
}

/* Good ones among bad ones count. */
static void mixed(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 2);
    struct kitq_op op;

    kitq_publish_n(q, "t", "m", 3);
    kitq_wait(sub, 2);
    const char *const receipts[] = {"unknown", sub->got.items[0]->receipt, ""};

    sub->got.items[0]->out = false;
    sub->n_out--;
    kitq_begin_ack(q, &op, receipts, COUNT_OF(receipts));
    kitq_wait_op(&op);
    kitq_wait(sub, 3);
    kitq_close(q);
}

const struct kit_check kit_queue_receipt_checks[] = {
    {"ack/gone", "A message that was acked does not come again.", .run = acked_is_gone},
    {"ack/many", "One call acks or nacks many messages, or none.", .run = many_at_once},
    {"ack/unknown-receipts", "Receipts that nobody gave do no harm.", .run = odd_ones},
    {"ack/old-receipts",
     "The receipt of a message that is gone does no harm to others.", .run = old_ones},
    {"ack/mixed",
     "An unknown receipt does not keep the others of its call from counting.",
     .run = mixed},
    {"nack/again", "A message that was nacked comes again, whole, until it is acked.",
     .run = nacked_comes_again},
    {"nack/delay", "A message nacked with a delay does not come before it is over.",
     .run = nack_waits},
    {0},
};
