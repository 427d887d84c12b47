/* kit/kit_queue_shared.c - several processes at one queue (FF_QUEUE_SHARED). What the
 * other process does, it tells by numbers. */
#include "kit/kit_queue.h"

#include <stdlib.h>
#include <unistd.h>

#define N_MESSAGES 40

enum told { TOLD_READY = 1000 };

struct kitq_ops {
    struct kitq_op **items;
    size_t n, cap;
};

static void hear(struct kit *k, struct kit_child *c, int64_t expected)
{
    int64_t number = -1;

    if (!kit_hear(c, &number))
        kit_end(k, c); /* its verdict, or how it ended */
    kit_expect_int(k, number, expected, "what the other process told");
}

static void publish_some(struct kit *k, void *arg)
{
    struct kitq *q = kitq_open(k);

    (void)arg;
    kitq_publish_n(q, "t", "m", N_MESSAGES);
    kitq_close(q);
}

static void seen_by_others(struct kit *k)
{
    struct kit_child c;

    kit_start(k, &c, publish_some, NULL);
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", N_MESSAGES);
    char id[16];

    kit_let_go(&c);
    kitq_wait(sub, N_MESSAGES);
    for (size_t i = 0; i < N_MESSAGES; i++) {
        snprintf(id, sizeof(id), "m%zu", i);
        kit_expect_int(k, kitq_times(sub, id), 1,
                       "how often message %s of another process came", id);
    }
    kit_end(k, &c);
    kitq_close(q);
}

static bool is_over(void *arg)
{
    const struct kitq_sub *own = arg;

    return own->got.n > 0;
}

/* Says which message it got in the topic "tally", and acks it. */
static void say_which(struct kitq_sub *sub, struct kitq_got *got)
{
    struct kitq_op *op = mem_alloc(sizeof(*op) * 2);
    const struct ff_message m = kitq_message("tally", got->id);
    const char *receipt = got->receipt;

    ARRAY_ADD((struct kitq_ops *)sub->arg, op);
    kitq_begin_publish(sub->q, &op[0], &m, 1);
    got->out = false;
    sub->n_out--;
    kitq_begin_ack(sub->q, &op[1], &receipt, 1);
}

/* Takes what comes until somebody publishes to its own topic. */
static void take_some(struct kit *k, void *arg)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *own = kitq_subscribe(q, arg, 1);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 5);
    struct kitq_ops ops = {0};

    sub->then = say_which;
    sub->arg = &ops;
    kitq_quiet(q);
    kit_tell(k, TOLD_READY);
    if (!kit_wait(k, is_over, own))
        kit_fail(k, "nothing came to the topic %s", own->topic);
    kitq_ack_all(own);
    for (size_t i = 0; i < ops.n; i++) {
        kitq_wait_op(&ops.items[i][0]);
        kitq_wait_op(&ops.items[i][1]);
        mem_free(ops.items[i]);
    }
    ARRAY_DONE(&ops);
    kitq_close(q);
}

static void one_of_two_processes(struct kit *k)
{
    static char names[2][8] = {"own-0", "own-1"};
    struct kit_child c[2];
    char id[16];

    for (int i = 0; i < 2; i++)
        kit_start(k, &c[i], take_some, names[i]);
    for (int i = 0; i < 2; i++) {
        kit_let_go(&c[i]);
        hear(k, &c[i], TOLD_READY);
    }
    struct kitq *q = kitq_open(k);
    struct kitq_sub *tally = kitq_subscribe(q, "tally", (uint32_t)N_MESSAGES * 2);

    kitq_publish_n(q, "t", "m", N_MESSAGES);
    kitq_wait(tally, N_MESSAGES);
    kitq_quiet(q);
    for (size_t i = 0; i < N_MESSAGES; i++) {
        snprintf(id, sizeof(id), "m%zu", i);
        kit_expect_int(k, kitq_times(tally, id), 1, "how many processes got message %s",
                       id);
    }
    for (int i = 0; i < 2; i++) {
        kitq_publish(q, names[i], "stop");
        kit_end(k, &c[i]);
    }
    kitq_close(q);
}

static void hold_all(struct kit *k, void *arg)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", N_MESSAGES);

    (void)arg;
    kitq_wait(sub, N_MESSAGES);
    kitq_ack(sub, sub->got.items[0]);
    kit_tell(k, strtol(sub->got.items[0]->id + 1, NULL, 10));
    for (;;)
        pause();
}

static bool rest_came(void *arg)
{
    const struct kitq_sub *sub = arg;

    return sub->got.n >= N_MESSAGES - 1;
}

/* In a queue that others see, the death of a process is nobody else's loss. How soon
 * it is noticed is the driver's affair. */
static void killed_holder(struct kit *k)
{
    struct kit_child c;
    int64_t acked = -1;
    char id[32];

    kit_start(k, &c, hold_all, NULL);
    struct kitq *q = kitq_open(k);

    kitq_publish_n(q, "t", "m", N_MESSAGES);
    kit_let_go(&c);
    if (!kit_hear(&c, &acked))
        kit_end(k, &c); /* its verdict, or how it ended */
    kit_kill(&c);

    struct kitq_sub *sub = kitq_subscribe(q, "t", N_MESSAGES);

    if (!kit_wait(k, rest_came, sub))
        kit_fail(k, "of %d messages that a killed process held %zu came again",
                 N_MESSAGES - 1, sub->got.n);
    snprintf(id, sizeof(id), "m%lld", (long long)acked);
    kit_expect_int(k, kitq_times(sub, id), 0, "how often the acked message came again");
    kitq_close(q);
}

static void hear_news(struct kit *k, void *arg)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 1);

    (void)arg;
    kitq_quiet(q);
    kit_tell(k, TOLD_READY);
    kitq_wait_id(sub, KITQ_BROADCAST "1", 1);
    kitq_close(q);
}

static void broadcast_to_processes(struct kit *k)
{
    struct kit_child c[2];

    for (int i = 0; i < 2; i++) {
        kit_start(k, &c[i], hear_news, NULL);
        kit_let_go(&c[i]);
    }
    for (int i = 0; i < 2; i++)
        hear(k, &c[i], TOLD_READY);
    struct kitq *q = kitq_open(k);

    kitq_broadcast(q, "t", KITQ_BROADCAST "1");
    for (int i = 0; i < 2; i++)
        kit_end(k, &c[i]);
    kitq_close(q);
}

const struct kit_check kit_queue_shared_checks[] = {
    {"shared/seen", "Other processes see the same topics.", .run = seen_by_others,
     .caps = FF_QUEUE_SHARED},
    {"shared/one-each", "Each message goes to one subscriber of all processes.",
     .run = one_of_two_processes, .caps = FF_QUEUE_SHARED},
    {"shared/killed-holder", "Messages that were out at a killed process come again.",
     .run = killed_holder, .caps = FF_QUEUE_SHARED, .deadline_s = 60},
    {"shared/broadcast", "A broadcast comes to subscribers in other processes.",
     .run = broadcast_to_processes, .caps = FF_QUEUE_SHARED | FF_QUEUE_BROADCAST},
    {0},
};
