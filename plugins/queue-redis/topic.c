/* queue-redis/topic.c - subscriptions: what is taken for them, and handed out. */
#include "redis.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TAKE     256U
#define AGAIN_US     INT64_C(1000000) /* after an answer that was an error */
#define LATEST_US    INT64_C(3600000000)
#define KNOWN_POISON 10

struct rq_subscription *rq_find(const struct rq_session *s, const char *topic)
{
    for (struct rq_subscription *sub = s->subs; sub; sub = sub->next)
        if (!sub->gone && strcmp(sub->topic, topic) == 0)
            return sub;
    return NULL;
}

static struct rq_subscription *add(struct rq_session *s, const char *topic)
{
    const size_t size = strlen(topic) + 1;
    struct rq_subscription *sub = calloc(1, sizeof(*sub) + size);

    if (!sub)
        return NULL;
    memcpy(sub->topic, topic, size);
    sub->session = s;
    snprintf(sub->holder, sizeof(sub->holder), "%s.%llu", s->id,
             (unsigned long long)s->next_holder++);
    sub->next = s->subs;
    s->subs = sub;
    return sub;
}

int rq_subscribe(struct rq_session *s, const char *topic, uint32_t credit,
                 ff_deliver_fn *fn, void *arg, struct ff_err *err)
{
    int code = rq_check_topic(topic, err);
    struct rq_subscription *sub = code == FF_OK ? rq_find(s, topic) : NULL;
    const bool is_new = code == FF_OK && !sub;

    if (is_new)
        sub = add(s, topic);
    if (!sub)
        return code != FF_OK
                   ? code
                   : ff_fail(err, FF_NO_MEMORY, 0,
                             "topic %.80s: no memory for a subscriber", topic);
    sub->credit = credit;
    sub->fn = fn;
    sub->arg = arg;
    if (is_new)
        rq_listen_to(s, sub, true);
    else
        rq_pump(sub);
    return FF_OK;
}

/* --- leaving --- */

static void stop_timer(struct rq_subscription *sub)
{
    if (sub->timer)
        sub->session->host->timer_del(sub->session->host->self, sub->timer);
    sub->timer = NULL;
}

void rq_free_sub(struct rq_subscription *sub)
{
    struct rq_subscription **at = &sub->session->subs;

    while (*at != sub)
        at = &(*at)->next;
    *at = sub->next;
    stop_timer(sub);
    rq_outs_forget(sub);
    free(sub);
}

void rq_settle(struct rq_subscription *sub)
{
    if (sub->gone && sub->left && !sub->taking && sub->n_busy == 0 &&
        !sub->session->closed)
        rq_free_sub(sub);
}

/* The command that gives everything back, and lets nothing more be taken. */
struct rq_command *rq_leave(struct rq_subscription *sub)
{
    struct rq_session *s = sub->session;
    struct rq_command *c = rq_command_of(RQ_KEEP, sub);

    stop_timer(sub);
    rq_outs_forget(sub);
    sub->gone = true;
    rq_arg_text(c, "1000000000000000");
    rq_arg_int(c, s->config.lease_us / 1000);
    return c;
}

/* --- taking --- */

static void deliver(struct rq_subscription *sub, const redisReply *data,
                    uint64_t number)
{
    struct rq_session *s = sub->session;
    struct ff_message m = {.struct_size = sizeof(m), .topic = sub->topic};
    char receipt[RQ_RECEIPT_TEXT];

    if (!rq_out_add(sub, number, receipt)) {
        ff_log(s->host, FF_ERROR, "topic %s: no memory to deliver from it", sub->topic);
        return;
    }
    m.receipt = receipt;
    if (data->type == REDIS_REPLY_STRING &&
        rq_unpack(data->str, (size_t)data->len, &m)) {
        sub->fn(sub->arg, &m);
        return;
    }
    /* Somebody wrote into our keys. What was real will be said again. */
    const char *const bad = receipt;

    if (s->n_poison++ < KNOWN_POISON)
        ff_log(s->host, FF_WARN, "topic %s: dropped something that is no message",
               sub->topic);
    rq_ack(s, &bad, 1, NULL);
}

static void on_told(struct rq_session *s, const struct rq_command *c,
                    const redisReply *reply, const struct ff_err *err)
{
    (void)c;
    (void)reply;
    if (err && err->code != FF_CANCELLED && err->code != FF_UNAVAILABLE)
        ff_log(s->host, FF_WARN, "%s", err->msg);
}

/* Credit that was lowered meanwhile: the rest is for somebody else. */
static void give_back_from(struct rq_subscription *sub, uint64_t number, size_t n)
{
    struct rq_session *s = sub->session;
    struct rq_command *c = rq_command_of(RQ_NACK, sub);

    if (!c)
        return; /* it comes back when we leave */
    rq_arg_int(c, 0);
    rq_arg_int(c, s->host->now_us(s->host->self));
    for (size_t i = 0; i < n; i++)
        rq_arg_int(c, (int64_t)(number + i));
    c->fn = on_told;
    rq_send(s, c);
}

static void deliver_all(struct rq_subscription *sub, const redisReply *reply)
{
    const struct rq_session *s = sub->session;
    const uint64_t first = sub->asked_from;

    for (size_t i = 1; i < reply->elements; i++) {
        if (s->closed || sub->gone)
            return;
        if (sub->n_out >= sub->credit) {
            give_back_from(sub, first + i - 1, reply->elements - i);
            return;
        }
        deliver(sub, reply->element[i], first + i - 1);
    }
}

static void on_due(void *arg)
{
    struct rq_subscription *sub = arg;

    sub->timer = NULL;
    rq_wake(sub);
}

static void wait_for(struct rq_subscription *sub, int64_t delay_us)
{
    const struct ff_host *host = sub->session->host;

    stop_timer(sub);
    if (delay_us < 0 || sub->gone)
        return;
    if (delay_us > LATEST_US)
        delay_us = LATEST_US;
    sub->timer = host->timer_add(host->self, delay_us, on_due, sub);
}

static void on_taken(struct rq_session *s, const struct rq_command *c,
                     const redisReply *reply, const struct ff_err *err)
{
    struct rq_subscription *sub = c->arg;
    const bool good = reply && reply->type == REDIS_REPLY_ARRAY &&
                      reply->elements > 0 &&
                      reply->element[0]->type == REDIS_REPLY_INTEGER;

    if (good) {
        deliver_all(sub, reply); /* nothing is taken meanwhile */
        sub->taking = false;
        if (s->closed)
            return;
        sub->dirty = sub->dirty || reply->elements > sub->asked_n;
        wait_for(sub, reply->element[0]->integer);
        rq_arm_renewal(s);
        rq_pump(sub);
    } else {
        sub->taking = false;
        on_told(s, c, NULL, err);
        if (!s->closed && s->state == RQ_UP)
            wait_for(sub, AGAIN_US);
    }
    rq_settle(sub);
}

void rq_pump(struct rq_subscription *sub)
{
    struct rq_session *s = sub->session;
    struct rq_command *c;
    uint32_t n;

    if (s->closed || s->state != RQ_UP || !sub->confirmed || sub->gone || sub->taking ||
        !sub->dirty || sub->n_out >= sub->credit)
        return;
    n = sub->credit - sub->n_out;
    if (n > MAX_TAKE)
        n = MAX_TAKE;
    c = rq_command_of(RQ_TAKE, sub);
    if (!c) {
        wait_for(sub, AGAIN_US);
        return;
    }
    sub->asked_from = s->next_number;
    sub->asked_n = n;
    s->next_number += n;
    rq_arg_int(c, (int64_t)s->generation);
    rq_arg_int(c, (int64_t)sub->asked_from);
    rq_arg_int(c, n);
    rq_arg_int(c, s->config.lease_us / 1000);
    rq_arg_int(c, s->host->now_us(s->host->self));
    c->again = false; /* what it took would be out at nobody */
    c->fn = on_taken;
    c->arg = sub;
    sub->dirty = false;
    sub->taking = true;
    rq_send(s, c);
}

void rq_wake(struct rq_subscription *sub)
{
    sub->dirty = true;
    rq_pump(sub);
}

/* --- connections that come and go --- */

void rq_subs_lost(struct rq_session *s)
{
    for (struct rq_subscription *sub = s->subs; sub; sub = sub->next) {
        sub->confirmed = false;
        stop_timer(sub);
    }
}

void rq_subs_back(struct rq_session *s)
{
    for (struct rq_subscription *sub = s->subs; sub; sub = sub->next) {
        struct rq_command *c = sub->gone ? NULL : rq_command_of(RQ_KEEP, sub);

        if (!c)
            continue;
        rq_arg_int(c, (int64_t)s->generation);
        rq_arg_int(c, s->config.lease_us / 1000);
        for (const struct rq_out *o = sub->first_out; o; o = o->next)
            rq_arg_int(c, (int64_t)o->number);
        c->again = false;
        c->fn = on_told;
        rq_send(s, c);
    }
}

/* --- leases --- */

static bool any_there(const struct rq_session *s)
{
    for (const struct rq_subscription *sub = s->subs; sub; sub = sub->next)
        if (!sub->gone)
            return true;
    return false;
}

/* It says whether there is something. Most often we know; but where somebody else wrote
 * into the list when it was empty, nobody was told, and nobody would be any more. */
static void on_renewed(struct rq_session *s, const struct rq_command *c,
                       const redisReply *reply, const struct ff_err *err)
{
    struct rq_subscription *sub = c->arg;

    sub->n_busy--;
    if (err)
        on_told(s, c, NULL, err);
    else if (reply->type == REDIS_REPLY_INTEGER && reply->integer > 0)
        rq_wake(sub);
    rq_settle(sub);
}

static void renew(struct rq_session *s, struct rq_subscription *sub)
{
    struct rq_command *c = rq_command_of(RQ_RENEW, sub);

    if (!c)
        return;
    rq_arg_int(c, s->config.lease_us / 1000);
    c->again = false;
    c->fn = on_renewed;
    c->arg = sub;
    sub->n_busy++;
    rq_send(s, c);
}

/* Who has nothing out asks too: a server that has become a replica keeps our
 * connections, and would never again tell of anything. */
static void on_renewal(void *arg)
{
    struct rq_session *s = arg;

    s->renew_timer = NULL;
    for (struct rq_subscription *sub = s->subs; sub && s->state == RQ_UP;
         sub = sub->next)
        if (!sub->gone)
            renew(s, sub);
    rq_arm_renewal(s);
}

void rq_arm_renewal(struct rq_session *s)
{
    if (s->renew_timer || s->closed || !any_there(s))
        return;
    s->renew_timer =
        s->host->timer_add(s->host->self, s->config.lease_us / 3, on_renewal, s);
}
