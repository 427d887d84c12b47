/* queue-redis/news.c - what the server tells by itself: that there is something in a
 * topic ("w"), and broadcasts ("n" and the message). */
#include "redis.h"

#include <string.h>

void rq_listen_to(struct rq_session *s, const struct rq_subscription *sub, bool on)
{
    /* In a cluster with an S: only the node of the slot tells, and is told. */
    const char *const verb = &(on ? "SSUBSCRIBE" : "SUNSUBSCRIBE")[s->cluster ? 0 : 1];
    struct rq_text channel = {0};
    struct rq_text text = {0};
    struct ff_err err;
    bool sent;

    if (!s->listening)
        return;
    rq_add(&channel, s->channels, strlen(s->channels));
    rq_add(&channel, sub->topic, strlen(sub->topic));
    rq_add(&text, "*2\r\n", 4);
    rq_add_bulk(&text, verb, strlen(verb));
    rq_add_bulk(&text, channel.s, channel.len);
    sent = !channel.failed && !text.failed && rq_link_send(&s->news, text.s, text.len);
    rq_text_done(&channel);
    rq_text_done(&text);
    if (sent)
        return;
    ff_fail(&err, FF_NO_MEMORY, 0, "no memory to listen to a topic");
    rq_lost(s, &err);
}

void rq_listen_to_all(struct rq_session *s)
{
    for (struct rq_subscription *sub = s->subs; sub; sub = sub->next)
        if (!sub->gone)
            rq_listen_to(s, sub, true);
}

static struct rq_subscription *sub_of(const struct rq_session *s,
                                      const redisReply *channel)
{
    const size_t skip = strlen(s->channels);
    char topic[RQ_MAX_TOPIC + 1];

    if (channel->type != REDIS_REPLY_STRING || (size_t)channel->len < skip ||
        (size_t)channel->len - skip > RQ_MAX_TOPIC)
        return NULL;
    memcpy(topic, channel->str + skip, (size_t)channel->len - skip);
    topic[(size_t)channel->len - skip] = '\0';
    return rq_find(s, topic);
}

static void broadcast(struct rq_subscription *sub, const redisReply *data)
{
    struct ff_message m = {.struct_size = sizeof(m), .topic = sub->topic};

    if (!rq_unpack(data->str + 1, (size_t)data->len - 1, &m)) {
        sub->session->n_poison++;
        return;
    }
    sub->n_busy++;
    sub->fn(sub->arg, &m);
    sub->n_busy--;
    rq_settle(sub);
}

static void on_message(struct rq_subscription *sub, const redisReply *data)
{
    if (data->type != REDIS_REPLY_STRING || data->len < 1)
        return;
    if (data->str[0] == 'w')
        rq_wake(sub);
    else if (data->str[0] == 'n')
        broadcast(sub, data);
}

/* A subscriber takes only after the server has said that it tells it of news: else what
 * comes between would be heard of by nobody. */
static void understand(struct rq_session *s, const redisReply *reply)
{
    struct rq_subscription *sub = sub_of(s, reply->element[1]);
    const char *what = reply->element[0]->str;

    if (reply->element[0]->type != REDIS_REPLY_STRING || !sub)
        return;
    what += what[0] == 's' && s->cluster; /* "smessage", "ssubscribe" */
    if (strcmp(what, "message") == 0) {
        on_message(sub, reply->element[2]);
    } else if (strcmp(what, "subscribe") == 0) {
        sub->confirmed = true;
        rq_wake(sub);
    } else if (strcmp(what, "unsubscribe") == 0) {
        sub->confirmed = false; /* the one before; ours is on its way */
        if (s->cluster)
            rq_listen_to(s, sub, true); /* or the slot has left: we hear where to */
    }
}

void rq_on_news(struct rq_session *s, redisReply *reply)
{
    struct ff_err err;
    enum rq_after after;

    if (reply->type == REDIS_REPLY_ERROR) {
        rq_fail_reply(s, reply, &err, &after);
        rq_leave_after(s, after == RQ_GOES_ON ? RQ_LEAVES : after, reply, &err);
    } else if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 3) {
        understand(s, reply);
    }
    freeReplyObject(reply);
}
