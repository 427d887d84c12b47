/* kit/kit_queue_publish.c - publishing: what goes in comes out, whole, and not before
 * its time. */
#include "kit/kit_queue.h"

#include <string.h>

#define DELAY_US INT64_C(150000)

static void arrives_whole(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct ff_message m = kitq_message("t", "the-id");
    struct ff_err err;

    m.body = "\0the body\xff";
    m.len = 10;
    kit_expect_code(k, kitq_try_publish(q, &m, 1, &err), FF_OK, &err, "publish");
    struct kitq_sub *sub = kitq_subscribe(q, "t", 1);
    const struct kitq_got *got = kitq_wait(sub, 1);

    kit_expect_text(k, got->id, "the-id", "the id of the message");
    kit_expect_int(k, got->body.len, 10, "the bytes of its body");
    kit_expect(k, memcmp(got->body.data, m.body, 10) == 0, "the body is another one");
    kitq_close(q);
}

static void fill(struct kit *k, unsigned char *body, size_t len)
{
    for (size_t i = 0; i < len; i++)
        body[i] = (unsigned char)rand_next(kit_rand(k));
}

static void bodies(struct kit *k)
{
    static const size_t sizes[] = {0, 1, 255, 256, 1023, 4096, 32767, 65535, 65536};
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 1);
    unsigned char *body = mem_alloc(KITQ_MAX_BODY);

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct ff_message m = kitq_message("t", "x");
        struct ff_err err;

        fill(k, body, sizes[i]);
        m.body = sizes[i] > 0 ? body : NULL;
        m.len = sizes[i];
        kit_expect_code(k, kitq_try_publish(q, &m, 1, &err), FF_OK, &err,
                        "publishing a body of %zu bytes", sizes[i]);
        struct kitq_got *got = kitq_wait(sub, i + 1);

        kit_expect_int(k, got->body.len, sizes[i], "the bytes of the body");
        kit_expect(k, sizes[i] == 0 || memcmp(got->body.data, body, sizes[i]) == 0,
                   "a body of %zu bytes came back as another one", sizes[i]);
        kitq_ack(sub, got);
    }
    mem_free(body);
    kitq_close(q);
}

/* The memory is the caller's again as soon as the call returns. */
static void copies(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    char *topic = mem_text("topic");
    char *id = mem_text("id");
    char *body = mem_text("body");
    struct ff_message *m = mem_alloc(sizeof(*m));
    struct kitq_op op;

    *m = (struct ff_message){
        .struct_size = sizeof(*m), .topic = topic, .id = id, .body = body, .len = 4};
    kitq_begin_publish(q, &op, m, 1);
    memset(topic, 'x', 5);
    memset(id, 'x', 2);
    memset(body, 'x', 4);
    mem_free(topic);
    mem_free(id);
    mem_free(body);
    mem_free(m);
    kit_expect_code(k, kitq_wait_op(&op), FF_OK, &op.err, "publish");

    topic = mem_text("topic");
    struct kitq_sub *sub = kitq_subscribe(q, topic, 1);
    const struct kitq_got *got = kitq_wait(sub, 1);

    mem_free(topic);
    kit_expect_text(k, got->id, "id", "the id after the caller freed his");
    kit_expect_text(k, buf_text(&got->body), "body", "the body, likewise");
    char *receipt = mem_text(got->receipt);
    const char *const receipts[] = {receipt};

    kitq_begin_ack(q, &op, receipts, 1);
    mem_free(receipt);
    kit_expect_code(k, kitq_wait_op(&op), FF_OK, &op.err, "ack");
    kitq_close(q);
}

static void batch(struct kit *k)
{
    enum { N = 100 };
    struct kitq *q = kitq_open(k);
    struct ff_message messages[N];
    char ids[N][16];
    struct ff_err err;

    for (size_t i = 0; i < N; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        messages[i] = kitq_message(i % 2 ? "odd" : "even", ids[i]);
    }
    kit_expect_code(k, kitq_try_publish(q, messages, N, &err), FF_OK, &err,
                    "publishing %d messages in one call", N);
    struct kitq_sub *even = kitq_subscribe(q, "even", N);
    struct kitq_sub *odd = kitq_subscribe(q, "odd", N);

    kitq_wait(even, N / 2);
    kitq_wait(odd, N / 2);
    for (size_t i = 0; i < N; i++)
        kit_expect_int(k, kitq_times(i % 2 ? odd : even, ids[i]), 1,
                       "how often message %s came", ids[i]);
    kit_expect_code(k, kitq_try_publish(q, NULL, 0, &err), FF_OK, &err,
                    "publishing no messages");
    kitq_close(q);
}

/* Many operations under way at a time: each is completed once (kit_queue_use.c). */
static void many_at_once(struct kit *k)
{
    enum { N = 300 };
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", N);
    struct kitq_op *ops = mem_array(N, sizeof(*ops));
    char id[16];

    for (size_t i = 0; i < N; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        const struct ff_message m = kitq_message("t", id);

        kitq_begin_publish(q, &ops[i], &m, 1);
    }
    for (size_t i = 0; i < N; i++)
        kit_expect_code(k, kitq_wait_op(&ops[i]), FF_OK, &ops[i].err, "publish %zu", i);
    kitq_wait(sub, N);
    for (size_t i = 0; i < N; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        kit_expect_int(k, kitq_times(sub, id), 1, "how often message %s came", id);
    }
    kitq_quiet(q);
    mem_free(ops);
    kitq_close(q);
}

static void too_large(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 2);
    struct ff_message m = kitq_message("t", "too-large");
    char *body = mem_alloc(KITQ_MAX_BODY + 1);
    struct ff_err err;

    m.body = body;
    m.len = KITQ_MAX_BODY + 1;
    kit_expect_code(k, kitq_try_publish(q, &m, 1, &err), FF_INVALID, &err,
                    "publishing a body of 64 KiB and a byte");
    mem_free(body);
    kitq_publish(q, "t", "small");
    kitq_wait_id(sub, "small", 1);
    kit_expect_int(k, kitq_times(sub, "too-large"), 0,
                   "how often the refused message came");
    kitq_close(q);
}

/* A sweeper says every message again under its old id: it must come again. */
static void same_id(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 2);

    kitq_publish(q, "t", "again");
    kitq_ack(sub, kitq_wait(sub, 1));
    kitq_publish(q, "t", "again");
    kitq_ack(sub, kitq_wait(sub, 2));
    kitq_close(q);
}

static void topics_apart(struct kit *k)
{
    static const char *const names[] = {
        "a",
        "A",
        "a.b",
        "a/b",
        "a:b",
        "a b",
        "a*",
        "*",
        ">",
        "%d",
        "a\tb",
        "{a}",
        "$a",
        "#",
        "'a'",
        "\"a\"",
        "a\\b",
        "caf\xc3\xa9",
        "cafe",
        "\xe9\x98\x9f\xe5\x88\x97",
        "run.1",
        "run.10",
        "run.1.",
        "..",
        "-",
        "a;drop",
        "\xf0\x9f\x9a\x80",
    };
    struct kitq *q = kitq_open(k);
    struct kitq_sub *subs[COUNT_OF(names)];

    for (size_t i = 0; i < COUNT_OF(names); i += 2)
        subs[i] = kitq_subscribe(q, names[i], 10);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        kitq_publish(q, names[i], names[i]);
    for (size_t i = 1; i < COUNT_OF(names); i += 2)
        subs[i] = kitq_subscribe(q, names[i], 10);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        kit_expect_text(k, kitq_wait(subs[i], 1)->id, names[i],
                        "what came to the topic %s", names[i]);
    kitq_quiet(q);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        kit_expect_int(k, subs[i]->got.n, 1, "how much came to the topic %s", names[i]);
    kitq_close(q);
}

static void many_topics(struct kit *k)
{
    enum { N = 300 };
    struct kitq *q = kitq_open(k);
    struct kitq_sub *subs[N];
    char topic[32];

    for (size_t i = 0; i < N; i++) {
        snprintf(topic, sizeof(topic), "topic-%zu", i);
        subs[i] = kitq_subscribe(q, topic, 1);
    }
    for (size_t i = N; i-- > 0;)
        kitq_publish(q, subs[i]->topic, subs[i]->topic);
    for (size_t i = 0; i < N; i++)
        kit_expect_text(k, kitq_wait(subs[i], 1)->id, subs[i]->topic,
                        "what came to the topic %s", subs[i]->topic);
    kitq_close(q);
}

static void waits_for_its_time(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 4);
    struct ff_message m = kitq_message("t", "later");
    struct ff_err err;
    const int64_t due_us = loop_wall_us(q->loop) + DELAY_US;

    m.not_before_us = due_us;
    kit_expect_code(k, kitq_try_publish(q, &m, 1, &err), FF_OK, &err, "publish");
    m = kitq_message("t", "past");
    m.not_before_us = due_us - INT64_C(3600000000);
    kit_expect_code(k, kitq_try_publish(q, &m, 1, &err), FF_OK, &err, "publish");
    kitq_wait_id(sub, "past", 1);
    const struct kitq_got *got = kitq_wait_id(sub, "later", 1);

    kit_expect(k, got->at_us >= due_us,
               "a message came %lld us before its not_before_us",
               (long long)(due_us - got->at_us));
    kitq_close(q);
}

static void deliver_outside_of(struct kit *k)
{
    struct kitq *q = kitq_open(k);

    kitq_publish_n(q, "t", "m", 4);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 1); /* there is one to deliver */

    kitq_ack(sub, kitq_wait(sub, 1)); /* there is another */
    kitq_nack(sub, kitq_wait(sub, 2), 0);
    kitq_wait(sub, 3);
    kitq_set_credit(sub, 4);
    kitq_wait(sub, 4);
    kitq_publish(q, "t", "last"); /* there is credit for it */
    kitq_wait_id(sub, "last", 1);
    kitq_close(q);
}

/* --- calls from inside of a delivery --- */

static struct kitq_op inner;

static void ack_it(struct kitq_sub *sub, struct kitq_got *got)
{
    const char *receipt = got->receipt;

    if (got->delivery > 1 || strcmp(got->id, "m0") != 0)
        return;
    got->out = false;
    sub->n_out--;
    kitq_begin_ack(sub->q, &inner, &receipt, 1);
    kit_expect_text(sub->q->k, got->id, "m0", "the message acked while it is shown");
}

static void answer_it(struct kitq_sub *sub, struct kitq_got *got)
{
    const struct ff_message m = kitq_message(sub->topic, "answer");

    if (strcmp(got->id, "answer") != 0)
        kitq_begin_publish(sub->q, &inner, &m, 1);
}

static void calls_from_deliver(struct kit *k)
{
    struct kitq *q = kitq_open(k);
    struct kitq_sub *sub = kitq_subscribe(q, "t", 1);

    sub->then = ack_it;
    kitq_publish_n(q, "t", "m", 2);
    kitq_wait_id(sub, "m1", 1);
    kit_expect_code(k, kitq_wait_op(&inner), FF_OK, &inner.err, "ack in deliver");

    struct kitq_sub *other = kitq_subscribe(q, "other", 2);

    other->then = answer_it;
    kitq_publish(q, "other", "question");
    kitq_wait_id(other, "answer", 1);
    kit_expect_code(k, kitq_wait_op(&inner), FF_OK, &inner.err, "publish in deliver");
    kitq_close(q);
}

const struct kit_check kit_queue_publish_checks[] = {
    {"publish/arrives-whole",
     "A message comes with its topic, id and body, to one who subscribes later, too.",
     .run = arrives_whole},
    {"publish/bodies", "A body is any bytes, from none to 64 KiB.", .run = bodies},
    {"publish/copies", "What is passed is borrowed until the call returns.",
     .run = copies},
    {"publish/batch", "One call may publish many messages to several topics, or none.",
     .run = batch},
    {"publish/many-at-once",
     "Many operations may be under way; each is completed once.", .run = many_at_once},
    {"publish/too-large", "A body above 64 KiB is the caller's mistake.",
     .run = too_large},
    {"publish/same-id",
     "The same id may come twice: an acked message said again comes.", .run = same_id},
    {"publish/topics-apart", "A topic is a name: nothing in it has a meaning.",
     .run = topics_apart},
    {"publish/many-topics", "Hundreds of topics are served at a time.",
     .run = many_topics},
    {"publish/not-before", "A message is not delivered before its not_before_us.",
     .run = waits_for_its_time},
    {"deliver/outside-of-calls",
     "Messages are never delivered inside publish, subscribe, ack or nack.",
     .run = deliver_outside_of},
    {"deliver/may-call", "A subscriber may ack and publish while it is called.",
     .run = calls_from_deliver},
    {0},
};
