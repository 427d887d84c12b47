/* hub.c - publishing, delivering, settling. Nothing is ever delivered inside a call of
 * the core: it is posted, and delivered when the loop comes round. */
#include "hub.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BODY ((size_t)64 * 1024)
#define ONE_TURN 256 /* deliveries, before the loop does something else */

/* --- lists --- */

static void append(struct list *l, struct message *m)
{
    m->next = NULL;
    *l->end = m;
    l->end = &m->next;
}

/* `at` points to it. */
static struct message *take(struct list *l, struct message **at)
{
    struct message *m = *at;

    *at = m->next;
    if (l->end == &m->next)
        l->end = at;
    return m;
}

static void clear(struct list *l)
{
    while (l->first)
        free(take(l, &l->first));
}

/* --- delivering --- */

static void deliver(void *hub);

static void wake(struct hub *h)
{
    if (!h->posted)
        h->posted = h->host->post(h->host->self, deliver, h) == FF_OK;
}

static void on_timer(void *hub)
{
    struct hub *h = hub;

    h->timer = NULL;
    wake(h);
}

static struct subscriber *taker_of(const struct hub *h, const struct message *m)
{
    for (struct subscriber *s = h->subscribers; s; s = s->next)
        if (s->out < s->credit && strcmp(s->topic, m->m.topic) == 0)
            return s;
    return NULL;
}

/* Subscribers take turns: who got one goes to the end. */
static void move_to_end(struct hub *h, struct subscriber *s)
{
    struct subscriber **at = &h->subscribers;

    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    while (*at)
        at = &(*at)->next;
    *at = s;
    s->next = NULL;
}

static void hand_over(struct hub *h, struct message **at, struct subscriber *s)
{
    struct message *m = take(&h->waiting, at);

    append(&h->out, m);
    m->holder = s;
    m->m.delivery++;
    snprintf(m->receipt, sizeof(m->receipt), "%llu",
             (unsigned long long)++h->last_receipt);
    s->out++;
    move_to_end(h, s);
    s->fn(s->arg, &m->m);
}

static void hand_broadcast(struct hub *h, struct message **at)
{
    struct message *m = take(&h->waiting, at);

    m->holder->fn(m->holder->arg, &m->m);
    free(m);
}

/* Sets *next_us to when the first comes that has to wait. True when a subscriber was
 * called, which may have changed everything, so that the walk begins anew. */
static int deliver_one(struct hub *h, int64_t now_us, int64_t *next_us)
{
    *next_us = 0;
    for (struct message **at = &h->waiting.first; *at; at = &(*at)->next) {
        const int64_t due_us = (*at)->m.not_before_us;
        struct subscriber *s;

        if (due_us > now_us) {
            *next_us = *next_us && *next_us < due_us ? *next_us : due_us;
            continue;
        }
        if ((*at)->is_broadcast) {
            hand_broadcast(h, at);
            return 1;
        }
        s = taker_of(h, *at);
        if (s) {
            hand_over(h, at, s);
            return 1;
        }
    }
    return 0;
}

static void set_timer(struct hub *h, int64_t at_us)
{
    h->host->timer_del(h->host->self, h->timer);
    h->timer = NULL;
    if (at_us)
        h->timer = h->host->timer_add(
            h->host->self, at_us - h->host->now_us(h->host->self), on_timer, h);
}

/* Posted, so the core is on the stack of nobody. A subscriber may close its session
 * meanwhile: the last one marks the hub, and it goes here. */
static void deliver(void *hub)
{
    struct hub *h = hub;
    int64_t next_us = 0;
    int n = 0;

    while (n < ONE_TURN && h->n_sessions > 0 &&
           deliver_one(h, h->host->now_us(h->host->self), &next_us))
        n++;
    h->posted = 0;
    if (h->n_sessions == 0) {
        hub_ended(h);
        return;
    }
    set_timer(h, next_us);
    if (n == ONE_TURN)
        wake(h);
}

/* --- publishing --- */

static struct message *message_new(const struct ff_message *from)
{
    const size_t n_topic = strlen(from->topic) + 1;
    const size_t n_id = strlen(from->id) + 1;
    struct message *m = calloc(1, sizeof(*m) + n_topic + n_id + from->len);

    if (!m)
        return NULL;
    memcpy(m->text, from->topic, n_topic);
    memcpy(m->text + n_topic, from->id, n_id);
    if (from->len > 0)
        memcpy(m->text + n_topic + n_id, from->body, from->len);
    m->m = (struct ff_message){
        .struct_size = sizeof(m->m),
        .topic = m->text,
        .id = m->text + n_topic,
        .body = m->text + n_topic + n_id,
        .len = from->len,
        .not_before_us = from->not_before_us,
        .receipt = m->receipt,
    };
    return m;
}

int hub_publish(struct hub *h, const struct ff_message *messages, size_t n,
                struct ff_err *err)
{
    struct list copies = {.end = &copies.first};
    int code = FF_OK;

    for (size_t i = 0; i < n && code == FF_OK; i++) {
        struct message *m =
            messages[i].len <= MAX_BODY ? message_new(&messages[i]) : NULL;

        if (m)
            append(&copies, m);
        else if (messages[i].len > MAX_BODY)
            code = ff_fail(err, FF_INVALID, 0, "message %.60s: a body of %zu bytes",
                           messages[i].id, messages[i].len);
        else
            code = ff_fail(err, FF_NO_MEMORY, 0, "no memory for a message");
    }
    if (code != FF_OK) {
        clear(&copies);
        return code;
    }
    while (copies.first)
        append(&h->waiting, take(&copies, &copies.first));
    wake(h);
    return FF_OK;
}

/* --- settling --- */

static struct message **find_out(struct hub *h, const char *receipt)
{
    struct message **at = &h->out.first;

    while (*at && strcmp((*at)->receipt, receipt) != 0)
        at = &(*at)->next;
    return at;
}

static void put_back(struct hub *h, struct message **at, int64_t not_before_us)
{
    struct message *m = take(&h->out, at);

    if (m->holder)
        m->holder->out--;
    m->holder = NULL;
    m->m.not_before_us = not_before_us;
    append(&h->waiting, m);
}

void hub_settle(struct hub *h, const char *const *receipts, size_t n, int64_t delay_us)
{
    const int64_t now_us = h->host->now_us(h->host->self);

    for (size_t i = 0; i < n; i++) {
        struct message **at = find_out(h, receipts[i]);

        if (!*at)
            continue;
        if (delay_us >= 0) {
            put_back(h, at, now_us + delay_us);
            continue;
        }
        if ((*at)->holder)
            (*at)->holder->out--;
        free(take(&h->out, at));
    }
    wake(h);
}

/* --- subscribers --- */

static struct subscriber **find_subscriber(struct hub *h, const void *session,
                                           const char *topic)
{
    struct subscriber **at = &h->subscribers;

    while (*at &&
           ((*at)->session != session || (topic && strcmp((*at)->topic, topic) != 0)))
        at = &(*at)->next;
    return at;
}

static struct subscriber *subscriber_new(struct hub *h, void *session,
                                         const char *topic)
{
    struct subscriber *s = calloc(1, sizeof(*s));

    if (s)
        s->topic = strdup(topic);
    if (!s || !s->topic) {
        free(s);
        return NULL;
    }
    s->session = session;
    s->next = h->subscribers;
    h->subscribers = s;
    return s;
}

int hub_subscribe(struct hub *h, void *session, const char *topic, uint32_t credit,
                  ff_deliver_fn *fn, void *arg, struct ff_err *err)
{
    struct subscriber *s = *find_subscriber(h, session, topic);

    if (!s)
        s = subscriber_new(h, session, topic);
    if (!s)
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for a subscriber");
    s->credit = credit;
    s->fn = fn;
    s->arg = arg;
    wake(h);
    return FF_OK;
}

/* What it held goes to the others, what was broadcast to it to nobody. */
static void subscriber_free(struct hub *h, struct subscriber *s)
{
    for (struct message **at = &h->waiting.first; *at;)
        if ((*at)->holder == s)
            free(take(&h->waiting, at));
        else
            at = &(*at)->next;
    for (struct message **at = &h->out.first; *at;)
        if ((*at)->holder == s)
            put_back(h, at, 0);
        else
            at = &(*at)->next;
    free(s->topic);
    free(s);
}

size_t hub_unsubscribe(struct hub *h, void *session, const char *topic)
{
    size_t n = 0;

    for (struct subscriber **at; *(at = find_subscriber(h, session, topic)); n++) {
        struct subscriber *s = *at;

        *at = s->next;
        subscriber_free(h, s);
    }
    wake(h);
    return n;
}

/* --- broadcasts --- */

/* A copy for each who is there now. */
int hub_broadcast(struct hub *h, const struct ff_message *message, struct ff_err *err)
{
    for (struct subscriber *s = h->subscribers; s; s = s->next) {
        struct message *m;

        if (strcmp(s->topic, message->topic) != 0)
            continue;
        m = message_new(message);
        if (!m)
            return ff_fail(err, FF_NO_MEMORY, 0, "no memory for a message");
        m->is_broadcast = 1;
        m->holder = s;
        append(&h->waiting, m);
    }
    wake(h);
    return FF_OK;
}

/* --- the hub --- */

struct hub *hub_new(const struct ff_host *host)
{
    struct hub *h = calloc(1, sizeof(*h));

    if (!h)
        return NULL;
    h->host = host;
    h->waiting.end = &h->waiting.first;
    h->out.end = &h->out.first;
    return h;
}

void hub_free(struct hub *h)
{
    h->host->timer_del(h->host->self, h->timer);
    clear(&h->waiting);
    clear(&h->out);
    free(h);
}
