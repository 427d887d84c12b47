/* kit/kit_queue_broadcast.c - broadcasts: to everybody who is there, and then gone. */
#include "kit/kit_queue.h"

#define NEWS KITQ_BROADCAST "1"

static void to_all(struct kit *k)
{
    struct kitq *a = kitq_open(k);
    struct kitq *b = kitq_open(k);
    struct kitq *c = kitq_open(k);
    struct kitq_sub *subs[] = {kitq_subscribe(a, "t", 1), kitq_subscribe(b, "t", 1)};
    struct kitq_sub *elsewhere = kitq_subscribe(c, "another", 1);

    kitq_quiet(a); /* until they are subscribed wherever the topics are kept */
    kitq_quiet(b);
    kitq_broadcast(c, "t", NEWS);
    for (size_t i = 0; i < COUNT_OF(subs); i++)
        kit_expect_text(k, buf_text(&kitq_wait_id(subs[i], NEWS, 1)->body), NEWS,
                        "the body of a broadcast");
    kitq_quiet(a);
    kitq_quiet(b);
    for (size_t i = 0; i < COUNT_OF(subs); i++)
        kit_expect_int(k, subs[i]->got.n, 1, "how often a broadcast came");
    kit_expect_int(k, elsewhere->got.n, 0, "broadcasts that came to another topic");
    kitq_close(a);
    kitq_close(b);
    kitq_close(c);
}

static void without_credit(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 1);

    kitq_publish_n(q, "t", "m", 2);
    kitq_wait(sub, 1);
    kitq_broadcast(q, "t", NEWS);
    kitq_wait_id(sub, NEWS, 1); /* though the credit is used up */
    kitq_ack(sub, sub->got.items[0]);
    kitq_wait_id(sub, "m1", 1); /* though the broadcast was never acked */
    kitq_unsubscribe(sub);
    struct kitq_sub *again = kitq_subscribe(q, "t", 10);

    kitq_wait(again, 1);
    kitq_quiet(q);
    kit_expect_int(k, kitq_times(again, NEWS), 0,
                   "broadcasts that came again after an unsubscribe");
    kitq_close(q);
}

static void to_nobody(struct kit *k)
{
    struct kitq *q = kitq_open(k);

    kitq_broadcast(q, "t", NEWS);
    struct kitq_sub *late = kitq_subscribe(q, "t", 10);

    kitq_quiet(q);
    kit_expect_int(k, late->got.n, 0, "broadcasts that came to a later subscriber");
    kitq_close(q);
}

const struct kit_check kit_queue_broadcast_checks[] = {
    {"broadcast/to-all", "A broadcast comes once to each subscriber of its topic.",
     .run = to_all, .caps = FF_QUEUE_BROADCAST},
    {"broadcast/without-credit", "A broadcast needs no credit and no ack.",
     .run = without_credit, .caps = FF_QUEUE_BROADCAST},
    {"broadcast/to-nobody", "A broadcast is for those who are there now.",
     .run = to_nobody, .caps = FF_QUEUE_BROADCAST},
    {0},
};
