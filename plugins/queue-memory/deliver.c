/* deliver.c - hands messages to subscribers, from a call of the host.
 *
 * A subscriber may do anything meanwhile: publish, ack the very message that it is
 * looking at, unsubscribe itself or another, close its session. So nothing is held
 * over a call but the hub and the topic, which wait to be freed until it returns. */
#include "hub.h"

/* Messages handed out in one call of the host; then others have their turn. */
#define BURST 512

void hub_wake(struct hub *h, struct topic *t)
{
    if (!t->dirty) {
        t->dirty = true;
        t->next_dirty = NULL;
        if (h->last_dirty)
            h->last_dirty->next_dirty = t;
        else
            h->first_dirty = t;
        h->last_dirty = t;
    }
    if (!h->posted && !h->in_call) {
        h->posted = true;
        h->host->post(h->host->self, hub_on_post, h);
    }
}

void hub_release(struct hub *h, struct message *m)
{
    h->n_messages--;
    if (m == h->current)
        h->current_is_done = true; /* it is borrowed until the subscriber returns */
    else
        message_free(&h->pool, m);
}

static struct topic *take_dirty(struct hub *h)
{
    struct topic *t = h->first_dirty;

    h->first_dirty = t->next_dirty;
    if (!h->first_dirty)
        h->last_dirty = NULL;
    t->dirty = false;
    return t;
}

static bool has_news(const struct subscription *s)
{
    return s->news.first != NULL;
}

static bool has_credit(const struct subscription *s)
{
    return s->n_out < s->credit;
}

/* The next subscriber of the ring for which it is so, made its last; or NULL. */
static struct subscription *next_in_ring(struct topic *t,
                                         bool (*is_so)(const struct subscription *s))
{
    struct subscription *s = t->last;

    if (!s)
        return NULL;
    do {
        s = s->next;
        if (is_so(s)) {
            t->last = s;
            return s;
        }
    } while (s != t->last);
    return NULL;
}

static void call(struct hub *h, const struct subscription *s, struct message *m,
                 const char *receipt)
{
    const struct ff_message out = {
        .struct_size = sizeof(out),
        .delivery = m->delivery,
        .topic = s->topic->name,
        .id = m->data,
        .body = m->body,
        .len = m->len,
        .not_before_us = m->when_us,
        .receipt = receipt,
    };

    h->current = m;
    h->current_is_done = false;
    s->fn(s->arg, &out);
    h->current = NULL;
    if (h->current_is_done)
        message_free(&h->pool, m);
}

static bool deliver_news(struct hub *h, struct topic *t)
{
    struct subscription *s = next_in_ring(t, has_news);
    struct message *m = s ? message_take(&s->news) : NULL;

    if (!m)
        return false;
    m->delivery = 1;
    h->n_messages--;
    call(h, s, m, NULL);
    message_free(&h->pool, m);
    return true;
}

static bool deliver_one(struct hub *h, struct topic *t)
{
    char receipt[RECEIPT_TEXT];
    struct subscription *s = t->ready.first ? next_in_ring(t, has_credit) : NULL;
    struct message *m;

    if (!s)
        return false;
    if (!receipts_add(&h->receipts, t->ready.first, receipt)) {
        ff_log(h->host, FF_ERROR, "topic %s: no memory to deliver from it", t->name);
        return false;
    }
    m = message_take(&t->ready);
    m->holder = s;
    m->delivery++;
    message_add_last(&s->out, m);
    s->n_out++;
    call(h, s, m, receipt);
    return true;
}

static unsigned deliver_topic(struct hub *h, struct topic *t, unsigned budget)
{
    unsigned n = 0;

    t->in_call = true;
    while (n < budget && (deliver_news(h, t) || deliver_one(h, t)))
        n++;
    if (n == budget)
        hub_wake(h, t);
    t->in_call = false;
    hub_topic_settle(h, t);
    return n;
}

void hub_deliver(struct hub *h)
{
    unsigned n = 0;

    h->posted = false;
    h->in_call = true;
    while (n < BURST && h->first_dirty)
        n += deliver_topic(h, take_dirty(h), BURST - n);
    h->in_call = false;
    if (h->first_dirty && h->n_sessions > 0)
        hub_wake(h, h->first_dirty);
}

static void on_time(void *arg)
{
    struct hub *h = arg;
    int64_t now_us = h->host->now_us(h->host->self);

    h->timer = NULL;
    /* Bounded, because a million may become due at once; hub_arm comes back. */
    for (unsigned n = 0; n < BURST; n++) {
        struct message *m = later_first(&h->later);

        if (!m || m->when_us > now_us)
            break;
        later_take(&h->later);
        message_add_last(&m->topic->ready, m);
        hub_wake(h, m->topic);
    }
    hub_arm(h);
}

void hub_arm(struct hub *h)
{
    const struct message *first = later_first(&h->later);

    if (h->timer && first && h->timer_us == first->when_us)
        return;
    if (h->timer)
        h->host->timer_del(h->host->self, h->timer);
    h->timer = NULL;
    if (!first)
        return;
    h->timer_us = first->when_us;
    h->timer = h->host->timer_add(
        h->host->self, first->when_us - h->host->now_us(h->host->self), on_time, h);
}
