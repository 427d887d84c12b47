/* kit/kit_queue_leave.c - those who go: unsubscribe and close. That a subscriber who is
 * gone is not called again is judged at each delivery (kit_queue_use.c). */
#include "kit/kit_queue.h"

static void unsubscribe_returns(struct kit *k)
{
    struct kitq *a = kitq_open(k);
    struct kitq *b = kitq_open(k);
    struct kitq_sub *first = kitq_subscribe(a, "t", 5);

    kitq_publish_n(a, "t", "m", 5);
    kitq_wait(first, 5);
    kitq_ack(first, first->got.items[0]);
    kitq_unsubscribe(first);
    struct kitq_sub *second = kitq_subscribe(b, "t", 5);

    kitq_wait(second, 4);
    for (size_t i = 1; i < 5; i++)
        kit_expect_int(k, kitq_times(second, first->got.items[i]->id), 1,
                       "how often message %s came to the next subscriber",
                       first->got.items[i]->id);
    kitq_quiet(a);
    kit_expect_int(k, second->got.n, 4, "messages that the next subscriber got");
    kitq_close(a);
    kitq_close(b);
}

static void unsubscribed_is_silent(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *gone = kitq_subscribe(q, "t", 100);

    kitq_publish_n(q, "t", "m", 10);
    kitq_wait(gone, 10);
    kitq_unsubscribe(gone);
    kitq_publish_n(q, "t", "n", 10);
    kitq_quiet(q);
    /* It may come back, under another function and argument. */
    struct kitq_sub *back = kitq_subscribe(q, "t", 100);

    kitq_wait(back, 20);
    kitq_close(q);
}

static void unsubscribe_in_deliver(struct kitq_sub *sub, struct kitq_got *got)
{
    (void)got;
    sub->then = NULL;
    kitq_begin_unsubscribe(sub, sub->arg);
}

static void unsubscribe_while_called(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 100);
    struct kitq_op op;

    sub->then = unsubscribe_in_deliver;
    sub->arg = &op;
    kitq_publish_n(q, "t", "m", 10);
    kitq_wait(sub, 1);
    kit_expect_code(k, kitq_wait_op(&op), FF_OK, &op.err, "unsubscribe in deliver");
    kitq_publish_n(q, "t", "n", 10);
    kitq_quiet(q);
    kitq_close(q);
}

/* What it still has in hand is nobody's, or already another's. */
static void acks_after_unsubscribe(struct kit *k)
{
    struct kitq *a = kitq_open(k);
    struct kitq *b = kitq_open(k);
    struct kitq_sub *first = kitq_subscribe(a, "t", 2);
    struct kitq_op op;

    kitq_publish_n(a, "t", "m", 2);
    kitq_wait(first, 2);
    const char *const receipts[] = {first->got.items[0]->receipt,
                                    first->got.items[1]->receipt};

    kitq_unsubscribe(first);
    struct kitq_sub *second = kitq_subscribe(b, "t", 2);

    kitq_wait(second, 2);
    kitq_begin_nack(a, &op, receipts, 1, 0);
    kitq_wait_op(&op);
    kitq_begin_nack(a, &op, receipts + 1, 1, 0);
    kitq_wait_op(&op);
    kitq_quiet(a);
    kitq_ack_all(second);
    kitq_close(a);
    kitq_close(b);
}

static void unsubscribe_of_nothing(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "gone", 1);
    struct kitq_op op;

    kitq_unsubscribe(sub);
    kitq_begin_unsubscribe(sub, &op);
    kitq_wait_op(&op); /* with whatever code */
    kitq_publish(q, "t", "m");
    kitq_wait(kitq_subscribe(q, "t", 1), 1);
    kitq_close(q);
}

static void close_null(struct kit *k)
{
    driver_queue_ops(kit_instance(k))->close(NULL);
}

static void close_returns(struct kit *k)
{
    struct kitq *a = kitq_open(k);
    struct kitq *b = kitq_open(k);
    struct kitq_sub *first = kitq_subscribe(a, "t", 5);

    kitq_publish_n(b, "t", "m", 5);
    kitq_wait(first, 5);
    kitq_shut(a);
    struct kitq_sub *second = kitq_subscribe(b, "t", 5);

    kitq_wait(second, 5);
    for (size_t i = 0; i < 5; i++)
        kit_expect_int(k, kitq_times(second, first->got.items[i]->id), 1,
                       "how often message %s came after its holder closed",
                       first->got.items[i]->id);
    kitq_close(b);
    kitq_close(a);
}

/* A session that goes takes along neither what it published nor the other sessions. */
static void close_keeps(struct kit *k)
{
    struct kitq *a = kitq_open(k);
    struct kitq *b = kitq_open(k);

    kitq_publish_n(a, "t", "m", 5);
    kitq_close(a);
    struct kitq_sub *sub = kitq_subscribe(b, "t", 5);

    kitq_wait(sub, 5);
    kitq_ack_all(sub);
    kitq_close(b);
}

#define N_OPEN 20

static void close_completes(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 2);
    struct kitq_op ops[N_OPEN + 2];
    size_t n = 0;

    kitq_publish_n(q, "t", "m", 2);
    kitq_wait(sub, 2);
    const char *const receipts[] = {sub->got.items[0]->receipt,
                                    sub->got.items[1]->receipt};

    for (; n < N_OPEN; n++) {
        const struct ff_message m = kitq_message("t", "open");

        kitq_begin_publish(q, &ops[n], &m, 1);
    }
    kitq_begin_ack(q, &ops[n++], receipts, 1);
    kitq_begin_nack(q, &ops[n++], receipts + 1, 1, 0);
    kitq_shut(q);
    for (size_t i = 0; i < n; i++)
        if (kitq_wait_op(&ops[i]) != FF_CANCELLED)
            kit_expect_code(k, ops[i].code, FF_OK, &ops[i].err,
                            "%s, under way when the session was closed", ops[i].what);
    kitq_close(q);
}

/* Nothing of a closed session may be left in the loop: a timer that fires for it, a
 * call that was posted, a watched descriptor. */
static void close_leaves_nothing(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct ff_message m = kitq_message("t", "later");
    struct ff_err err;

    m.not_before_us = loop_wall_us(q->loop) + 20000;
    kit_expect_code(k, kitq_try_publish(q, &m, 1, &err), FF_OK, &err, "publish");
    struct kitq_sub *sub = kitq_subscribe(q, "t", 10);

    kitq_publish_n(q, "t", "m", 5);
    kitq_wait_id(sub, "m4", 1);
    kitq_nack(sub, kitq_wait(sub, 1), 20000);
    kitq_shut(q);

    struct kitq *other = kitq_open(k);

    kitq_quiet(other);
    kitq_quiet(other);
    kitq_close(other);
    kitq_close(q);
}

static void close_in_deliver(struct kitq_sub *sub, struct kitq_got *got)
{
    (void)got;
    kitq_shut(sub->q);
}

static void close_while_called(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq *other = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 3);

    sub->then = close_in_deliver;
    kitq_publish_n(other, "t", "m", 5);
    kitq_wait(sub, 1);
    kitq_quiet(other);
    kit_expect_int(k, sub->got.n, 1,
                   "messages that came to one who closed at the first");
    kitq_wait(kitq_subscribe(other, "t", 5), 5);
    kitq_close(q);
    kitq_close(other);
}

static void sessions_come_and_go(struct kit *k)
{
    for (int round = 0; round < 30; round++) {
        struct kitq *q = kitq_open(k);
        struct kitq_sub *sub = kitq_subscribe(q, "t", 10);

        kitq_publish(q, "t", "m");
        kitq_ack(sub, kitq_wait(sub, 1));
        kitq_close(q);
    }
    kit_drop(k);
    struct kitq *q = kitq_open(k);

    kitq_publish(q, "t", "m");
    kitq_wait(kitq_subscribe(q, "t", 10), 1);
    kitq_close(q);
}

const struct kit_check kit_queue_leave_checks[] = {
    {"unsubscribe/returns",
     "Messages that were out go back, and to the next subscriber.",
     .run = unsubscribe_returns},
    {"unsubscribe/silent", "After its completion the subscriber is not called again.",
     .run = unsubscribed_is_silent},
    {"unsubscribe/while-called",
     "A subscriber may unsubscribe itself while it is called.",
     .run = unsubscribe_while_called},
    {"unsubscribe/late-receipts",
     "Receipts from before an unsubscribe do no harm after it.",
     .run = acks_after_unsubscribe},
    {"unsubscribe/not-subscribed",
     "An unsubscribe of what was not subscribed is completed, too.",
     .run = unsubscribe_of_nothing},
    {"close/null", "close takes NULL.", .run = close_null},
    {"close/returns", "Messages that were out at a closed session go to others.",
     .run = close_returns},
    {"close/keeps", "What a closed session published is still delivered.",
     .run = close_keeps},
    {"close/completes", "Open operations are completed by close, at the latest.",
     .run = close_completes},
    {"close/leaves-nothing", "After close nothing of the session is called again.",
     .run = close_leaves_nothing},
    {"close/while-called", "A subscriber may close its session while it is called.",
     .run = close_while_called},
    {"close/again", "Sessions and instances may come and go.",
     .run = sessions_come_and_go},
    {0},
};
