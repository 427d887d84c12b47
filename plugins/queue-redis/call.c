/* queue-redis/call.c - the operations of the contract, each as one command or, where
 * there is much, as several that are under way together. */
#include "redis.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PENDING      ((size_t)64 * 1024 * 1024)
#define MAX_COMMAND      ((size_t)4 * 1024 * 1024)
#define PUBLISH_AT_ONCE  500U  /* messages; a script keeps the server from all else */
#define RECEIPTS_AT_ONCE 1000U /* and what Lua takes as arguments */

void rq_complete(const struct rq_session *s, struct ff_op *op, const struct ff_err *err)
{
    if (op)
        s->host->complete(s->host->self, op, err);
}

/* An operation that is made of some commands: done when all are. */
struct batch {
    struct ff_op *op;
    size_t n_left;
    struct ff_err err; /* the first; code FF_OK: none */
};

static struct batch *batch_new(struct rq_session *s, struct ff_op *op)
{
    struct batch *b = calloc(1, sizeof(*b));
    struct ff_err err;

    if (!b) {
        ff_fail(&err, FF_NO_MEMORY, 0, "no memory for an operation");
        rq_complete(s, op, &err);
        return NULL;
    }
    b->op = op;
    b->n_left = 1; /* until all of it is sent */
    return b;
}

static void batch_fail(struct batch *b, const struct ff_err *err)
{
    if (b->err.code == FF_OK)
        b->err = *err;
}

static void batch_less(const struct rq_session *s, struct batch *b)
{
    if (--b->n_left > 0)
        return;
    rq_complete(s, b->op, b->err.code != FF_OK ? &b->err : NULL);
    free(b);
}

static void on_answer(struct rq_session *s, const struct rq_command *c,
                      const redisReply *reply, const struct ff_err *err)
{
    struct batch *b = c->arg;

    (void)reply;
    if (err)
        batch_fail(b, err);
    batch_less(s, b);
}

static void batch_send(struct rq_session *s, struct batch *b, struct rq_command *c)
{
    if (!c)
        return;
    c->fn = on_answer;
    c->arg = b;
    b->n_left++;
    rq_send(s, c);
}

static void batch_no_memory(struct batch *b)
{
    struct ff_err err;

    ff_fail(&err, FF_NO_MEMORY, 0, "no memory for a command");
    batch_fail(b, &err);
}

/* --- publish --- */

static int check_publish(const struct rq_session *s, const struct ff_message *messages,
                         size_t n, struct ff_err *err)
{
    int code = FF_OK;

    for (size_t i = 0; i < n && code == FF_OK; i++)
        code = rq_check_message(&messages[i], err);
    if (code == FF_OK && s->pending_bytes > MAX_PENDING)
        code = ff_fail(err, FF_FULL, 0, "%zu bytes wait for the answer of Redis",
                       s->pending_bytes);
    return code;
}

static void add_message(struct rq_session *s, struct rq_command *c,
                        struct rq_text *packed, const struct ff_message *m)
{
    packed->len = 0;
    rq_pack(s, packed, m);
    rq_arg_text(c, m->topic);
    rq_arg_int(c, m->not_before_us > 0 ? m->not_before_us : 0);
    rq_arg(c, packed->s, packed->len);
}

static struct rq_command *publish_some(struct rq_session *s,
                                       const struct ff_message *messages, size_t n,
                                       size_t *at)
{
    struct rq_command *c = rq_command(RQ_PUBLISH);
    struct rq_text packed = {0};
    size_t until = n - *at > PUBLISH_AT_ONCE ? *at + PUBLISH_AT_ONCE : n;

    if (!c)
        return NULL;
    rq_arg_int(c, s->config.max_messages);
    rq_arg_int(c, s->host->now_us(s->host->self));
    while (*at < until && c->args.len < MAX_COMMAND)
        add_message(s, c, &packed, &messages[(*at)++]);
    c->args.failed = c->args.failed || packed.failed;
    rq_text_done(&packed);
    return c;
}

void rq_publish(struct rq_session *s, const struct ff_message *messages, size_t n,
                struct ff_op *op)
{
    struct ff_err err;
    struct batch *b;

    if (n == 0 || check_publish(s, messages, n, &err) != FF_OK) {
        rq_complete(s, op, n == 0 ? NULL : &err);
        return;
    }
    b = batch_new(s, op);
    for (size_t at = 0; b && at < n;) {
        struct rq_command *c = publish_some(s, messages, n, &at);

        if (!c) {
            batch_no_memory(b);
            break;
        }
        batch_send(s, b, c);
    }
    if (b)
        batch_less(s, b);
}

void rq_broadcast(struct rq_session *s, const struct ff_message *m, struct ff_op *op)
{
    struct rq_text packed = {0};
    struct rq_command *c = NULL;
    struct ff_err err;
    struct batch *b;

    if (check_publish(s, m, 1, &err) != FF_OK) {
        rq_complete(s, op, &err);
        return;
    }
    b = batch_new(s, op);
    if (!b)
        return;
    rq_add(&packed, "n", 1);
    rq_pack(s, &packed, m);
    if (!packed.failed)
        c = rq_command(RQ_BROADCAST);
    if (c) {
        rq_arg_text(c, m->topic);
        rq_arg(c, packed.s, packed.len);
        c->again = false; /* it comes once */
        batch_send(s, b, c);
    } else {
        batch_no_memory(b);
    }
    rq_text_done(&packed);
    batch_less(s, b);
}

/* --- ack and nack --- */

/* What is given back, gathered for one subscription at a time. */
struct returns {
    struct rq_session *s;
    struct batch *batch;
    enum rq_script script;
    int64_t due_us, now_us;
    struct rq_subscription *sub; /* of the command that is being made */
    struct rq_command *command;
    unsigned n;
};

static void returns_send(struct returns *r)
{
    batch_send(r->s, r->batch, r->command);
    r->command = NULL;
    r->n = 0;
}

static void returns_begin(struct returns *r, struct rq_subscription *sub)
{
    returns_send(r);
    r->sub = sub;
    r->command = rq_command_of(r->script, sub);
    if (r->command && r->script == RQ_NACK) {
        rq_arg_int(r->command, r->due_us);
        rq_arg_int(r->command, r->now_us);
    }
    if (!r->command)
        batch_no_memory(r->batch);
}

static void returns_add(struct returns *r, const char *receipt)
{
    struct rq_out *o = rq_out_take(r->s, receipt);

    if (!o)
        return;
    if (!r->command || r->sub != o->sub || r->n == RECEIPTS_AT_ONCE)
        returns_begin(r, o->sub);
    rq_arg_int(r->command, (int64_t)o->number);
    r->n++;
    free(o);
}

static void give_back(struct returns *r, const char *const *receipts, size_t n,
                      struct ff_op *op)
{
    struct rq_session *s = r->s;

    r->batch = batch_new(s, op);
    if (!r->batch)
        return;
    for (size_t i = 0; i < n; i++)
        returns_add(r, receipts[i]);
    returns_send(r);
    batch_less(s, r->batch);
    for (struct rq_subscription *sub = s->subs; sub; sub = sub->next)
        rq_pump(sub);
}

void rq_ack(struct rq_session *s, const char *const *receipts, size_t n,
            struct ff_op *op)
{
    struct returns r = {.s = s, .script = RQ_ACK};

    give_back(&r, receipts, n, op);
}

void rq_nack(struct rq_session *s, const char *const *receipts, size_t n,
             int64_t delay_us, struct ff_op *op)
{
    const int64_t now_us = s->host->now_us(s->host->self);
    struct returns r = {.s = s, .script = RQ_NACK, .now_us = now_us};

    if (delay_us > 0)
        r.due_us =
            delay_us < INT64_MAX / 2 - now_us ? now_us + delay_us : INT64_MAX / 2;
    give_back(&r, receipts, n, op);
}

/* --- unsubscribe --- */

struct leaving {
    struct rq_subscription *sub;
    struct ff_op *op;
};

static void on_left(struct rq_session *s, const struct rq_command *c,
                    const redisReply *reply, const struct ff_err *err)
{
    struct leaving *l = c->arg;

    (void)reply;
    l->sub->left = true;
    rq_complete(s, l->op, err);
    rq_settle(l->sub);
    free(l);
}

void rq_unsubscribe(struct rq_session *s, const char *topic, struct ff_op *op)
{
    struct rq_subscription *sub = topic ? rq_find(s, topic) : NULL;
    struct leaving *l = calloc(1, sizeof(*l));
    struct ff_err err;
    struct rq_command *c;

    if (!sub) {
        ff_fail(&err, FF_NOT_FOUND, 0, "topic %.80s: not subscribed",
                topic ? topic : "");
        rq_complete(s, op, &err);
        free(l);
        return;
    }
    rq_listen_to(s, sub, false);
    c = rq_leave(sub);
    if (!c || !l) {
        ff_fail(&err, FF_NO_MEMORY, 0, "no memory to leave a topic");
        sub->left = true;
        rq_complete(s, op, &err);
        rq_free_command(c);
        free(l);
        rq_settle(sub);
        return;
    }
    *l = (struct leaving){.sub = sub, .op = op};
    c->fn = on_left;
    c->arg = l;
    rq_send(s, c);
}
