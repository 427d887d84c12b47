/* queue-redis/news.c - what the server tells by itself: that there is something in a
 * topic ("w"), and broadcasts ("n" and the message). */
#include "redis.h"

#include <string.h>

/* Channels belong to no database of the server, so their names say which. */
static void channel_of(const struct rq_session *s, const char *topic,
                       struct rq_text *out)
{
    rq_addf(out, "%s@%lld:", s->config.prefix, (long long)s->config.db);
    rq_add(out, topic, strlen(topic));
}

void rq_listen_to(struct rq_session *s, const struct rq_subscription *sub, bool on)
{
    struct rq_text channel = {0};
    struct rq_text text = {0};
    struct ff_err err;
    bool sent;

    if (!s->listening)
        return;
    channel_of(s, sub->topic, &channel);
    rq_add(&text, "*2\r\n", 4);
    rq_add_bulk(&text, on ? "SUBSCRIBE" : "UNSUBSCRIBE", on ? 9 : 11);
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
    char before[128];
    char topic[RQ_MAX_TOPIC + 1];
    size_t skip;

    snprintf(before, sizeof(before), "%s@%lld:", s->config.prefix,
             (long long)s->config.db);
    skip = strlen(before);
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
    const redisReply *what = reply->element[0];
    struct rq_subscription *sub = sub_of(s, reply->element[1]);

    if (what->type != REDIS_REPLY_STRING || !sub)
        return;
    if (strcmp(what->str, "message") == 0) {
        on_message(sub, reply->element[2]);
    } else if (strcmp(what->str, "subscribe") == 0) {
        sub->confirmed = true;
        rq_wake(sub);
    } else if (strcmp(what->str, "unsubscribe") == 0) {
        sub->confirmed = false; /* the one before; ours is on its way */
    }
}

void rq_on_news(struct rq_session *s, redisReply *reply)
{
    struct ff_err err;
    bool loses;

    if (reply->type == REDIS_REPLY_ERROR) {
        rq_fail_reply(s, reply, &err, &loses);
        rq_lost(s, &err);
    } else if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 3) {
        understand(s, reply);
    }
    freeReplyObject(reply);
}
