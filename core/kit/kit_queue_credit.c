/* kit/kit_queue_credit.c - credit: how many messages are out, and to whom they go. */
#include "kit/kit_queue.h"

/* Every delivery is judged by the credit in force (kit_queue_use.c). */
static void bounded(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 3);

    kitq_publish_n(q, "t", "m", 10);
    for (size_t n = 3; n < 10; n++) {
        kitq_wait(sub, n);
        kitq_quiet(q);
        kit_expect_int(k, sub->got.n, n, "messages that came with a credit of 3");
        kitq_ack(sub, sub->got.items[n - 3]);
    }
    kitq_wait(sub, 10);
    kitq_close(q);
}

static void nothing_on_none(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 0);

    kitq_publish(q, "t", "m");
    kitq_quiet(q);
    kit_expect_int(k, sub->got.n, 0, "messages that came with a credit of 0");
    kitq_set_credit(sub, 1);
    kitq_wait(sub, 1);
    kitq_close(q);
}

static void raised(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 1);

    kitq_publish_n(q, "t", "m", 5);
    kitq_wait(sub, 1);
    kitq_set_credit(sub, 4);
    kitq_wait(sub, 4); /* the new credit, not the sum of both: judged at delivery */
    kitq_quiet(q);
    kit_expect_int(k, sub->got.n, 4, "messages out after the credit became 4");
    kitq_close(q);
}

static void lowered(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 3);

    kitq_publish_n(q, "t", "m", 6);
    kitq_wait(sub, 3);
    kitq_set_credit(sub, 1);
    kitq_ack(sub, sub->got.items[0]);
    kitq_ack(sub, sub->got.items[1]);
    kitq_quiet(q);
    kit_expect_int(k, sub->got.n, 3, "messages that came while 1 was out of 1");
    kitq_ack(sub, sub->got.items[2]);
    kitq_wait(sub, 4);
    kitq_close(q);
}

static void nack_frees(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 1);

    kitq_publish_n(q, "t", "m", 2);
    for (size_t n = 1; n <= 6; n++)
        kitq_nack(sub, kitq_wait(sub, n), 0);
    kitq_ack(sub, kitq_wait(sub, 7)); /* whatever their order, it makes way */
    kitq_ack(sub, kitq_wait(sub, 8));
    kit_expect(k, kitq_times(sub, "m0") && kitq_times(sub, "m1"),
               "of two messages one never came");
    kitq_close(q);
}

static bool all_came(void *arg)
{
    struct kitq_sub *const *subs = arg;

    return subs[0]->got.n + subs[1]->got.n >= subs[0]->credit;
}

/* Of two sessions with credit for all, each message comes to one. */
static void one_each(struct kit *k)
{
    enum { N = 60 };
    struct kitq *a = kitq_open(k);
    struct kitq *b = kitq_open(k);
    struct kitq_sub *subs[] = {kitq_subscribe(a, "t", N), kitq_subscribe(b, "t", N)};
    char id[16];

    kitq_publish_n(a, "t", "m", N);
    kit_wait(k, all_came, subs);
    kitq_quiet(a);
    kitq_quiet(b);
    for (size_t i = 0; i < N; i++) {
        snprintf(id, sizeof(id), "m%zu", i);
        kit_expect_int(k, kitq_times(subs[0], id) + kitq_times(subs[1], id), 1,
                       "to how many of two subscribers message %s went", id);
    }
    kitq_close(a);
    kitq_close(b);
}

/* One who holds his only message does not keep others from theirs. */
static void passes_by_the_busy(struct kit *k)
{
    struct kitq *busy = kitq_open(k);
    struct kitq *idle = kitq_open(k);
    struct kitq_sub *holds = kitq_subscribe(busy, "t", 1);

    kitq_publish(busy, "t", "held");
    kitq_wait(holds, 1);
    struct kitq_sub *takes = kitq_subscribe(idle, "t", 1);

    kitq_publish_n(busy, "t", "m", 5);
    for (size_t n = 1; n <= 5; n++)
        kitq_ack(takes, kitq_wait(takes, n));
    kit_expect_int(k, holds->got.n, 1, "messages that came to the busy one");
    kitq_close(busy);
    kitq_close(idle);
}

const struct kit_check kit_queue_credit_checks[] = {
    {"credit/bounded",
     "At most `credit` messages are out; each ack makes room for one.", .run = bounded},
    {"credit/none", "A credit of 0 is a pause.", .run = nothing_on_none},
    {"credit/raised", "A second subscribe with more credit brings more at once.",
     .run = raised},
    {"credit/lowered", "A second subscribe with less credit holds for what comes next.",
     .run = lowered},
    {"credit/nack-frees", "A message that was nacked counts no more.",
     .run = nack_frees},
    {"credit/one-each", "Each message goes to one subscriber.", .run = one_each},
    {"credit/busy-one",
     "A subscriber without credit does not keep messages from the others.",
     .run = passes_by_the_busy},
    {0},
};
