/* hub.c - what the calls of the contract do to topics, subscribers and messages. */
#include "hub.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TOPIC 255

static int check_topic(const char *topic, struct ff_err *err)
{
    if (!topic || !*topic || strlen(topic) > MAX_TOPIC)
        return ff_fail(err, FF_INVALID, 0, "a topic has 1 to %d characters", MAX_TOPIC);
    return FF_OK;
}

static int check_message(const struct ff_message *m, struct ff_err *err)
{
    int code = check_topic(m->topic, err);

    if (code != FF_OK)
        return code;
    if (!m->id || strlen(m->id) > MESSAGE_MAX_ID)
        return ff_fail(err, FF_INVALID, 0,
                       "topic %.80s: a message has an id of at most %d characters",
                       m->topic, MESSAGE_MAX_ID);
    if (m->len > MESSAGE_MAX_LEN || (m->len > 0 && !m->body))
        return ff_fail(err, FF_INVALID, 0,
                       "topic %.80s: a message has a body of at most %zu bytes",
                       m->topic, MESSAGE_MAX_LEN);
    return FF_OK;
}

static int check_room(const struct hub *h, size_t n, struct ff_err *err)
{
    if (n > h->max_messages - h->n_messages)
        return ff_fail(err, FF_FULL, 0,
                       "the queue holds %zu messages, max_messages is %zu",
                       h->n_messages, h->max_messages);
    if (h->pool.used_bytes >= h->max_bytes)
        return ff_fail(err, FF_FULL, 0, "the queue holds %zu bytes, max_bytes is %zu",
                       h->pool.used_bytes, h->max_bytes);
    return FF_OK;
}

static void discard(struct hub *h, struct message_list *made)
{
    for (struct message *m; (m = message_take(made));) {
        m->topic->n_messages--;
        hub_topic_settle(h, m->topic);
        message_free(&h->pool, m);
    }
}

/* Appends copies of the messages to `made`, counted with their topics. */
static int copy_all(struct hub *h, const struct ff_message *messages, size_t n,
                    struct message_list *made, struct ff_err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct topic *t = hub_topic_make(h, messages[i].topic);
        struct message *m = t ? message_new(&h->pool, &messages[i]) : NULL;

        if (!m) {
            if (t)
                hub_topic_settle(h, t);
            return ff_fail(err, FF_NO_MEMORY, 0, "topic %.80s: no memory for a message",
                           messages[i].topic);
        }
        m->topic = t;
        t->n_messages++;
        message_add_last(made, m);
    }
    return FF_OK;
}

static size_t count_delayed(const struct ff_message *messages, size_t n)
{
    size_t delayed = 0;

    for (size_t i = 0; i < n; i++)
        delayed += messages[i].not_before_us > 0;
    return delayed;
}

/* Puts in its place a message that nobody has. */
static void place(struct hub *h, struct message *m, int64_t now_us)
{
    if (m->when_us > now_us) {
        later_add(&h->later, m);
    } else {
        message_add_last(&m->topic->ready, m);
        if (m->topic->last)
            hub_wake(h, m->topic);
    }
}

static int check_publish(struct hub *h, const struct ff_message *messages, size_t n,
                         size_t n_delayed, struct ff_err *err)
{
    int code = FF_OK;

    for (size_t i = 0; i < n && code == FF_OK; i++)
        code = check_message(&messages[i], err);
    if (code == FF_OK)
        code = check_room(h, n, err);
    if (code == FF_OK && !later_reserve(&h->later, n_delayed))
        code = ff_fail(err, FF_NO_MEMORY, 0, "no memory for %zu delayed messages",
                       n_delayed);
    return code;
}

int hub_publish(struct hub *h, const struct ff_message *messages, size_t n,
                struct ff_err *err)
{
    size_t n_delayed = count_delayed(messages, n);
    struct message_list made = {0};
    int64_t now_us;
    int code = check_publish(h, messages, n, n_delayed, err);

    if (code != FF_OK)
        return code;
    code = copy_all(h, messages, n, &made, err);
    if (code != FF_OK) {
        discard(h, &made);
        return code;
    }
    h->n_messages += n;
    /* Most messages are for at once: the clock is asked for the others only. */
    now_us = n_delayed > 0 ? h->host->now_us(h->host->self) : INT64_MAX;
    for (struct message *m; (m = message_take(&made));)
        place(h, m, m->when_us > 0 ? now_us : INT64_MAX);
    if (n_delayed > 0)
        hub_arm(h);
    return FF_OK;
}

static size_t count_subscribers(const struct topic *t)
{
    const struct subscription *s = t ? t->last : NULL;
    size_t n = 0;

    if (!s)
        return 0;
    do {
        n++;
        s = s->next;
    } while (s != t->last);
    return n;
}

int hub_broadcast(struct hub *h, const struct ff_message *message, struct ff_err *err)
{
    int code = check_message(message, err);
    struct topic *t = code == FF_OK ? hub_topic(h, message->topic) : NULL;
    size_t n = count_subscribers(t);
    struct message_list made = {0};
    struct subscription *s;

    if (code == FF_OK)
        code = check_room(h, n, err);
    for (size_t i = 0; i < n && code == FF_OK; i++)
        code = copy_all(h, message, 1, &made, err);
    if (code != FF_OK || n == 0) {
        discard(h, &made);
        return code;
    }
    h->n_messages += n;
    s = t->last;
    for (struct message *m; (m = message_take(&made)); s = s->next) {
        t->n_messages--; /* it is its subscriber's, not the topic's */
        message_add_last(&s->news, m);
    }
    hub_wake(h, t);
    return FF_OK;
}

/* The message under this receipt, which its subscriber gives back; or NULL. */
static struct message *take_back(struct hub *h, const char *receipt)
{
    struct message *m = receipts_take(&h->receipts, receipt);

    if (!m)
        return NULL;
    message_del(&m->holder->out, m);
    m->holder->n_out--;
    m->holder = NULL;
    if (m->topic->ready.first)
        hub_wake(h, m->topic);
    return m;
}

void hub_ack(struct hub *h, const char *const *receipts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct message *m = take_back(h, receipts[i]);

        if (!m)
            continue;
        m->topic->n_messages--;
        hub_topic_settle(h, m->topic);
        hub_release(h, m);
    }
}

void hub_nack(struct hub *h, const char *const *receipts, size_t n, int64_t delay_us)
{
    int64_t now_us = h->host->now_us(h->host->self);
    /* Without memory for the delay it comes again too early, which is allowed. */
    bool wait = delay_us > 0 && later_reserve(&h->later, n);

    if (wait && delay_us > INT64_MAX - now_us)
        delay_us = INT64_MAX - now_us;
    for (size_t i = 0; i < n; i++) {
        struct message *m = take_back(h, receipts[i]);

        if (!m)
            continue;
        m->when_us = wait ? now_us + delay_us : 0;
        place(h, m, now_us);
    }
    if (wait)
        hub_arm(h);
}

static struct subscription *find(const struct topic *t, const struct session *session)
{
    struct subscription *s = t ? t->last : NULL;

    if (!s)
        return NULL;
    do {
        if (s->session == session)
            return s;
        s = s->next;
    } while (s != t->last);
    return NULL;
}

static struct subscription *add_subscription(struct topic *t, struct session *session)
{
    struct subscription *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->topic = t;
    s->session = session;
    s->next = t->last ? t->last->next : s;
    if (t->last)
        t->last->next = s;
    t->last = s;
    return s;
}

int hub_subscribe(struct hub *h, struct session *session, const char *topic,
                  uint32_t credit, ff_deliver_fn *fn, void *arg, struct ff_err *err)
{
    int code = check_topic(topic, err);
    struct topic *t = code == FF_OK ? hub_topic_make(h, topic) : NULL;
    struct subscription *s = find(t, session);

    if (code != FF_OK)
        return code;
    if (!s && t)
        s = add_subscription(t, session);
    if (!s) {
        if (t)
            hub_topic_settle(h, t);
        return ff_fail(err, FF_NO_MEMORY, 0, "topic %.80s: no memory for a subscriber",
                       topic);
    }
    s->credit = credit;
    s->fn = fn;
    s->arg = arg;
    if (t->ready.first)
        hub_wake(h, t);
    return FF_OK;
}

static void unlink_subscription(struct subscription *s)
{
    struct topic *t = s->topic;
    struct subscription *before = t->last;

    while (before->next != s)
        before = before->next;
    before->next = s->next;
    if (t->last == s)
        t->last = before == s ? NULL : before;
}

/* What it had goes back to the front, oldest first: it has waited longest. */
static void unsubscribe(struct hub *h, struct subscription *s)
{
    struct topic *t = s->topic;
    struct message *m;

    unlink_subscription(s);
    while ((m = s->out.last)) {
        message_del(&s->out, m);
        receipts_del(&h->receipts, m);
        m->holder = NULL;
        message_add_first(&t->ready, m);
    }
    while ((m = message_take(&s->news)))
        hub_release(h, m);
    free(s);
    if (t->ready.first && t->last)
        hub_wake(h, t);
    hub_topic_settle(h, t);
}

bool hub_unsubscribe(struct hub *h, const struct session *session, const char *topic)
{
    struct subscription *s = topic ? find(hub_topic(h, topic), session) : NULL;

    if (!s)
        return false;
    unsubscribe(h, s);
    return true;
}

void hub_unsubscribe_all(struct hub *h, const struct session *session)
{
    for (size_t i = 0; i < h->n_buckets; i++) {
        struct topic *next;

        for (struct topic *t = h->topics[i]; t; t = next) {
            struct subscription *s = find(t, session);

            next = t->next_of_hash;
            if (s)
                unsubscribe(h, s);
        }
    }
}

void hub_stop(struct hub *h)
{
    if (h->timer)
        h->host->timer_del(h->host->self, h->timer);
    h->timer = NULL;
}

void hub_done(struct hub *h)
{
    while (later_first(&h->later))
        message_free(&h->pool, later_take(&h->later));
    hub_topics_done(h);
    later_done(&h->later);
    receipts_done(&h->receipts);
    message_pool_done(&h->pool);
}
