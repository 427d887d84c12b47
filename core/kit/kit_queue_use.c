/* kit/kit_queue_use.c - a session of a queue driver, see kit_queue.h. */
#include "kit/kit_queue.h"

#include <string.h>
#include <unistd.h>

#define QUIET_US INT64_C(30000)

/* The call that is under way, in which nothing may be delivered. */
static const char *calling;

struct kitq *kitq_open(struct kit *k)
{
    struct kitq *q = mem_alloc(sizeof(*q));
    struct ff_err err = {0};

    *q = (struct kitq){.k = k, .instance = kit_instance(k), .loop = kit_loop(k)};
    q->ops = driver_queue_ops(q->instance);
    kit_expect_code(k, driver_open_queue(q->instance, &q->queue, &err), FF_OK, &err,
                    "opening a session");
    return q;
}

static void be_gone(struct kitq_sub *sub, const char *why)
{
    sub->gone = why;
    sub->n_out = 0;
    for (size_t i = 0; i < sub->got.n; i++)
        sub->got.items[i]->out = false;
}

void kitq_shut(struct kitq *q)
{
    q->ops->close(q->queue);
    q->queue = NULL;
    for (struct kitq_sub *sub = q->subs; sub; sub = sub->next)
        be_gone(sub, "its session was closed");
}

static void sub_free(struct kitq_sub *sub)
{
    for (size_t i = 0; i < sub->got.n; i++) {
        buf_done(&sub->got.items[i]->body);
        mem_free(sub->got.items[i]->id);
        mem_free(sub->got.items[i]->receipt);
        mem_free(sub->got.items[i]);
    }
    ARRAY_DONE(&sub->got);
    mem_free(sub->topic);
    mem_free(sub);
}

/* After a moment in which the driver might still call one that is gone. */
void kitq_close(struct kitq *q)
{
    if (q->queue)
        kitq_shut(q);
    kit_turn(q->k, 1000);
    while (q->subs) {
        struct kitq_sub *next = q->subs->next;

        sub_free(q->subs);
        q->subs = next;
    }
    mem_free(q);
}

static void on_done(void *arg, int code, const struct ff_err *err)
{
    struct kitq_op *op = arg;

    if (op->in_call || op->done)
        kit_fail(op->q->k, "%s completed %s", op->what,
                 op->done ? "twice" : "inside its call");
    op->done = true;
    op->code = code;
    op->err = err ? *err : (struct ff_err){0};
    if (code != FF_OK && (!err || !err->msg[0]))
        kit_fail(op->q->k, "%s failed with %s and no sentence that says why", op->what,
                 kit_code_name(code));
    if (op->leaving)
        be_gone(op->leaving, "unsubscribe had completed");
    kit_wake(op->q->k);
}

static struct ff_op *begin(struct kitq *q, struct kitq_op *op, const char *what)
{
    *op = (struct kitq_op){.q = q, .what = what, .in_call = true};
    return driver_op(q->instance, on_done, op);
}

static struct ff_op *begin_silent(struct kitq *q, struct kitq_op *op, const char *what)
{
    calling = what;
    return begin(q, op, what);
}

static void began(struct kitq_op *op)
{
    calling = NULL;
    op->in_call = false;
}

void kitq_begin_publish(struct kitq *q, struct kitq_op *op,
                        const struct ff_message *messages, size_t n)
{
    q->ops->publish(q->queue, messages, n, begin_silent(q, op, "publish"));
    began(op);
}

void kitq_begin_ack(struct kitq *q, struct kitq_op *op, const char *const *receipts,
                    size_t n)
{
    q->ops->ack(q->queue, receipts, n, begin_silent(q, op, "ack"));
    began(op);
}

void kitq_begin_nack(struct kitq *q, struct kitq_op *op, const char *const *receipts,
                     size_t n, int64_t delay_us)
{
    q->ops->nack(q->queue, receipts, n, delay_us, begin_silent(q, op, "nack"));
    began(op);
}

void kitq_begin_unsubscribe(struct kitq_sub *sub, struct kitq_op *op)
{
    struct kitq *q = sub->q;
    struct ff_op *handle = begin(q, op, "unsubscribe");

    op->leaving = sub;
    q->ops->unsubscribe(q->queue, sub->topic, handle);
    began(op);
}

static bool op_is_done(void *arg)
{
    return ((const struct kitq_op *)arg)->done;
}

int kitq_wait_op(struct kitq_op *op)
{
    if (!kit_wait(op->q->k, op_is_done, op))
        kit_fail(op->q->k, "%s was not completed", op->what);
    return op->code;
}

static void must(struct kitq_op *op)
{
    kit_expect_code(op->q->k, kitq_wait_op(op), FF_OK, &op->err, "%s", op->what);
}

struct ff_message kitq_message(const char *topic, const char *id)
{
    return (struct ff_message){
        .struct_size = sizeof(struct ff_message),
        .topic = topic,
        .id = id,
        .body = id,
        .len = strlen(id),
    };
}

int kitq_try_publish(struct kitq *q, const struct ff_message *messages, size_t n,
                     struct ff_err *err)
{
    struct kitq_op op;

    kitq_begin_publish(q, &op, messages, n);
    kitq_wait_op(&op);
    *err = op.err;
    return op.code;
}

void kitq_publish(struct kitq *q, const char *topic, const char *id)
{
    const struct ff_message m = kitq_message(topic, id);
    struct kitq_op op;

    kitq_begin_publish(q, &op, &m, 1);
    must(&op);
}

void kitq_publish_n(struct kitq *q, const char *topic, const char *prefix, size_t n)
{
    char id[64];

    for (size_t i = 0; i < n; i++) {
        snprintf(id, sizeof(id), "%s%zu", prefix, i);
        kitq_publish(q, topic, id);
    }
}

/* What must hold for messages and broadcasts alike. */
static void judge(const struct kitq_sub *sub, const struct ff_message *m)
{
    struct kit *k = sub->q->k;
    const char *id = m->id ? m->id : "(no id)";

    kit_expect(k, FF_HAS(m, receipt), "a message of %u bytes was delivered",
               m->struct_size);
    kit_expect(k, loop_is_thread(sub->q->loop),
               "message %s was delivered outside the loop thread", id);
    if (calling)
        kit_fail(k, "message %s was delivered inside a call of %s", id, calling);
    if (sub->gone)
        kit_fail(k, "message %s was delivered to a subscriber of %s though %s", id,
                 sub->topic, sub->gone);
    kit_expect_text(k, m->topic, sub->topic, "the topic of message %s", id);
    kit_expect(k, m->id, "a message without an id was delivered");
    kit_expect(k, m->len == 0 || m->body, "message %s has %zu bytes and no body", id,
               m->len);
}

static void judge_credit(const struct kitq_sub *sub, const struct ff_message *m)
{
    struct kit *k = sub->q->k;

    if (sub->n_out >= sub->credit)
        kit_fail(k, "message %s was delivered with %zu out and a credit of %u", m->id,
                 sub->n_out, sub->credit);
    kit_expect(k, m->receipt && *m->receipt, "message %s has no receipt", m->id);
    kit_expect(k, m->delivery >= 1, "message %s was delivered for the 0th time", m->id);
    for (size_t i = 0; i < sub->got.n; i++)
        if (sub->got.items[i]->out &&
            strcmp(sub->got.items[i]->receipt, m->receipt) == 0)
            kit_fail(k, "messages %s and %s are out with the same receipt",
                     sub->got.items[i]->id, m->id);
}

static void on_message(void *arg, const struct ff_message *m)
{
    struct kitq_sub *sub = arg;

    judge(sub, m);
    struct kitq_got *got = mem_alloc(sizeof(*got));

    got->out = !text_starts(m->id, KITQ_BROADCAST);
    if (got->out) {
        judge_credit(sub, m);
        sub->n_out++;
    }
    got->id = mem_text(m->id);
    got->receipt = mem_text(m->receipt);
    if (m->len > 0)
        buf_add(&got->body, m->body, m->len);
    got->delivery = m->delivery;
    got->at_us = loop_wall_us(sub->q->loop);
    ARRAY_ADD(&sub->got, got);
    kit_wake(sub->q->k);
    if (sub->then)
        sub->then(sub, got);
}

static void ask(struct kitq_sub *sub)
{
    struct kitq *q = sub->q;
    struct ff_err err = {0};

    calling = "subscribe";
    const int code =
        q->ops->subscribe(q->queue, sub->topic, sub->credit, on_message, sub, &err);
    calling = NULL;
    kit_expect_code(q->k, code, FF_OK, &err, "subscribing to %s", sub->topic);
}

struct kitq_sub *kitq_subscribe(struct kitq *q, const char *topic, uint32_t credit)
{
    struct kitq_sub *sub = mem_alloc(sizeof(*sub));

    *sub = (struct kitq_sub){
        .next = q->subs, .q = q, .topic = mem_text(topic), .credit = credit};
    q->subs = sub;
    ask(sub);
    return sub;
}

void kitq_set_credit(struct kitq_sub *sub, uint32_t credit)
{
    sub->credit = credit;
    ask(sub);
}

void kitq_unsubscribe(struct kitq_sub *sub)
{
    struct kitq_op op;

    kitq_begin_unsubscribe(sub, &op);
    must(&op);
}

/* From the call on it is not out any more: what comes for it may come at once. */
static void give_back(struct kitq_sub *sub, struct kitq_got *got)
{
    if (got->out)
        sub->n_out--;
    got->out = false;
}

void kitq_ack(struct kitq_sub *sub, struct kitq_got *got)
{
    const char *receipt = got->receipt;
    struct kitq_op op;

    give_back(sub, got);
    kitq_begin_ack(sub->q, &op, &receipt, 1);
    must(&op);
}

void kitq_nack(struct kitq_sub *sub, struct kitq_got *got, int64_t delay_us)
{
    const char *receipt = got->receipt;
    struct kitq_op op;

    give_back(sub, got);
    kitq_begin_nack(sub->q, &op, &receipt, 1, delay_us);
    must(&op);
}

void kitq_ack_all(struct kitq_sub *sub)
{
    for (size_t i = 0; i < sub->got.n; i++)
        if (sub->got.items[i]->out)
            kitq_ack(sub, sub->got.items[i]);
}

void kitq_broadcast(struct kitq *q, const char *topic, const char *id)
{
    const struct ff_message m = kitq_message(topic, id);
    struct kitq_op op;

    q->ops->broadcast(q->queue, &m, begin(q, &op, "broadcast"));
    began(&op);
    must(&op);
}

struct count {
    const struct kitq_sub *sub;
    const char *id; /* NULL: all */
    size_t n;
};

size_t kitq_times(const struct kitq_sub *sub, const char *id)
{
    size_t n = 0;

    for (size_t i = 0; i < sub->got.n; i++)
        n += strcmp(sub->got.items[i]->id, id) == 0;
    return n;
}

static bool has_come(void *arg)
{
    const struct count *c = arg;

    return (c->id ? kitq_times(c->sub, c->id) : c->sub->got.n) >= c->n;
}

struct kitq_got *kitq_wait(struct kitq_sub *sub, size_t n)
{
    struct count c = {.sub = sub, .n = n};

    if (!kit_wait(sub->q->k, has_come, &c))
        kit_fail(sub->q->k, "%zu of %zu messages of %s came", sub->got.n, n,
                 sub->topic);
    return n > 0 ? sub->got.items[n - 1] : NULL;
}

struct kitq_got *kitq_wait_id(struct kitq_sub *sub, const char *id, size_t times)
{
    struct count c = {.sub = sub, .id = id, .n = times};

    if (!kit_wait(sub->q->k, has_come, &c))
        kit_fail(sub->q->k, "message %s came %zu times, not %zu times", id,
                 kitq_times(sub, id), times);
    for (size_t i = sub->got.n; i-- > 0;)
        if (strcmp(sub->got.items[i]->id, id) == 0)
            return sub->got.items[i];
    return NULL;
}

void kitq_quiet(struct kitq *q)
{
    static unsigned n_topics;
    char topic[64];

    if (!q->quiet) {
        snprintf(topic, sizeof(topic), "kit-quiet-%d-%u", (int)getpid(), n_topics++);
        q->quiet = kitq_subscribe(q, topic, 1);
    }
    for (int round = 0; round < 2; round++) {
        const size_t n = q->quiet->got.n + 1;

        kitq_publish(q, q->quiet->topic, "quiet");
        kitq_ack(q->quiet, kitq_wait(q->quiet, n));
    }
    kit_turn(q->k, QUIET_US);
}
