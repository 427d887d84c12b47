/* queue_sim.c - a queue that loses, doubles, delays and reorders what it is given.
 *
 * Shared, it is like Redis: it outlives the processes, gives each message to one of
 * those that subscribed, and again to another if nobody acknowledges it. Not shared, it
 * is the memory of one process and dies with it. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define SECOND   UNITS_SECOND
#define AGAIN_US (5 * SECOND) /* a message that nobody acknowledged comes again */

struct session {
    struct sim_ops ops;
    const struct ff_host *host;
    struct loop *loop;
    int node;
    char *topic; /* NULL: not subscribed */
    uint32_t credit, out;
    ff_deliver_fn *fn;
    void *arg;
    bool closed;
};

struct message {
    char *topic, *id, *body;
    size_t len;
    int node;                /* of the publisher */
    uint64_t receipt;        /* changes with each delivery; 0: it waits */
    struct session *session; /* that has it */
    uint32_t deliveries;
    bool gone; /* acknowledged; its events still name it */
};

static struct {
    struct message **items;
    size_t n, cap;
} waiting, out;
static struct {
    struct session **items;
    size_t n, cap;
} sessions;
static uint64_t last_receipt;

static void pump(void);

/* --- messages --- */

static void remove_message(struct message ***items, size_t *n, const struct message *m)
{
    for (size_t i = 0; i < *n; i++)
        if ((*items)[i] == m) {
            memmove(*items + i, *items + i + 1, (--*n - i) * sizeof(m));
            return;
        }
}

static void arrive(void *arg)
{
    struct message *m = arg;

    ARRAY_ADD(&waiting, m);
    pump();
}

static void send(const struct session *s, const struct ff_message *from, int64_t delay)
{
    struct message *m = mem_alloc(sizeof(*m));

    m->topic = mem_text(from->topic);
    m->id = mem_text(from->id);
    m->body = mem_text_len(from->body, from->len);
    m->len = from->len;
    m->node = s->node;
    sim_at(NULL, delay, arrive, m);
}

static int64_t delay_us(void)
{
    if (!sim.faults || !sim_chance(RAND_QUEUE, sim.o.queue_late))
        return sim_between(RAND_QUEUE, 0, 2000);
    sim_seen(SEEN_QUEUE_LATE);
    return sim_between(RAND_QUEUE, 0, 20 * SECOND);
}

static void note_again(const char *id)
{
    static struct map ids;

    if (map_get_text(&ids, id))
        sim_seen(SEEN_START_AGAIN);
    else
        map_set_text(&ids, id, &ids);
}

static void publish_one(const struct session *s, const struct ff_message *m)
{
    note_again(m->id);
    sim_trace("publish %s %.*s", m->topic, (int)m->len, (const char *)m->body);
    if (sim.faults && sim_chance(RAND_QUEUE, sim.o.queue_lose)) {
        sim_seen(SEEN_QUEUE_LOST);
        return;
    }
    const int64_t delay = delay_us();
    send(s, m, delay);
    if (!sim.faults || !sim_chance(RAND_QUEUE, sim.o.queue_double))
        return;
    sim_seen(SEEN_QUEUE_DOUBLE);
    send(s, m, delay + sim_between(RAND_QUEUE, 0, SECOND / 5));
}

/* --- delivery --- */

struct delivery {
    struct message *message;
    uint64_t receipt;
};

static void give_back(struct message *m)
{
    remove_message(&out.items, &out.n, m);
    if (m->session && !m->session->closed)
        m->session->out--;
    sim_seen(SEEN_QUEUE_AGAIN);
    m->session = NULL;
    m->receipt = 0;
    ARRAY_ADD(&waiting, m);
}

static void on_again(void *arg)
{
    struct delivery *d = arg;

    if (!d->message->gone && d->message->receipt == d->receipt) {
        give_back(d->message);
        pump();
    }
    mem_free(d);
}

static void deliver(void *arg)
{
    struct delivery *d = arg;
    const struct message *m = d->message;
    char receipt[32];

    if (!m->gone && m->receipt == d->receipt && !m->session->closed) {
        const struct ff_message message = {.struct_size = sizeof(message),
                                           .delivery = m->deliveries,
                                           .topic = m->topic,
                                           .id = m->id,
                                           .body = m->body,
                                           .len = m->len,
                                           .receipt = receipt};
        snprintf(receipt, sizeof(receipt), "%llu", (unsigned long long)m->receipt);
        sim_trace("deliver %s", m->body);
        m->session->fn(m->session->arg, &message);
    }
    mem_free(d);
}

static void hand_out(struct message *m, struct session *s)
{
    struct delivery *d = mem_alloc(sizeof(*d));
    struct delivery *again = mem_alloc(sizeof(*again));

    m->session = s;
    m->receipt = ++last_receipt;
    m->deliveries++;
    s->out++;
    ARRAY_ADD(&out, m);
    *d = *again = (struct delivery){.message = m, .receipt = m->receipt};
    if (sim_loop_is_paused(s->loop))
        sim_seen(SEEN_QUEUE_TO_ZOMBIE);
    sim_at(s->loop, sim_between(RAND_QUEUE, 0, 1000), deliver, d);
    sim_at(NULL, AGAIN_US, on_again, again);
}

static struct session *taker(const struct message *m)
{
    const size_t first = sessions.n > 0 ? sim_rand(RAND_QUEUE, sessions.n) : 0;

    for (size_t i = 0; i < sessions.n; i++) {
        struct session *s = sessions.items[(first + i) % sessions.n];
        if (s->topic && strcmp(s->topic, m->topic) == 0 && s->out < s->credit &&
            (sim.o.queue_shared || s->node == m->node))
            return s;
    }
    return NULL;
}

static void pump(void)
{
    for (size_t i = 0; i < waiting.n;) {
        struct message *m = waiting.items[i];
        struct session *s = taker(m);
        if (!s) {
            i++;
            continue;
        }
        remove_message(&waiting.items, &waiting.n, m);
        hand_out(m, s);
    }
}

/* --- the contract's calls --- */

static void queue_publish(void *queue, const struct ff_message *messages, size_t n,
                          struct ff_op *op)
{
    struct session *s = queue;
    const int64_t delay =
        sim_chance(RAND_QUEUE, 500) ? sim_between(RAND_QUEUE, 1, 5000) : 0;

    if (sim.faults && sim_chance(RAND_QUEUE, sim.o.queue_down)) {
        sim_seen(SEEN_QUEUE_DOWN);
        sim_trace("the queue is down");
        ops_complete(&s->ops, op, FF_UNAVAILABLE, "the queue is down", delay);
        return;
    }
    for (size_t i = 0; i < n; i++)
        publish_one(s, &messages[i]);
    ops_complete(&s->ops, op, FF_OK, NULL, delay);
}

static void ack_one(struct session *s, const char *receipt)
{
    const uint64_t no = strtoull(receipt, NULL, 10);

    for (size_t i = 0; i < out.n; i++) {
        struct message *m = out.items[i];
        if (m->receipt != no)
            continue;
        m->gone = true;
        s->out--;
        remove_message(&out.items, &out.n, m);
        return;
    }
}

static void queue_ack(void *queue, const char *const *receipts, size_t n,
                      struct ff_op *op)
{
    struct session *s = queue;

    for (size_t i = 0; i < n; i++)
        if (sim.faults && sim_chance(RAND_QUEUE, sim.o.ack_lost))
            sim_seen(SEEN_ACK_LOST); /* delivered again, to this owner or the next */
        else
            ack_one(s, receipts[i]);
    pump();
    ops_complete(&s->ops, op, FF_OK, NULL, 0);
}

static void queue_nack(void *queue, const char *const *receipts, size_t n,
                       int64_t delay_us, struct ff_op *op)
{
    struct session *s = queue;

    (void)receipts;
    (void)n;
    (void)delay_us;
    ops_complete(&s->ops, op, FF_OK, NULL, 0);
}

static int queue_subscribe(void *queue, const char *topic, uint32_t credit,
                           ff_deliver_fn *fn, void *arg, struct ff_err *err)
{
    struct session *s = queue;

    (void)err;
    s->topic = mem_text(topic);
    s->credit = credit;
    s->fn = fn;
    s->arg = arg;
    pump();
    return FF_OK;
}

static void queue_unsubscribe(void *queue, const char *topic, struct ff_op *op)
{
    struct session *s = queue;

    (void)topic;
    s->topic = NULL;
    ops_complete(&s->ops, op, FF_OK, NULL, 0);
}

static int queue_open(const struct ff_host *host, const void *config, void **queue,
                      struct ff_err *err)
{
    struct session *s = mem_alloc(sizeof(*s));

    (void)config;
    (void)err;
    s->host = host;
    s->loop = sim.loop;
    s->node = sim_loop_node(sim.loop);
    s->ops = (struct sim_ops){.host = host, .loop = s->loop};
    ARRAY_ADD(&sessions, s);
    *queue = s;
    return FF_OK;
}

/* What it had out goes back to the others, or goes with it. */
static void end_session(struct session *s)
{
    for (size_t i = out.n; i > 0; i--)
        if (out.items[i - 1]->session == s)
            give_back(out.items[i - 1]);
    s->closed = true;
    s->topic = NULL;
    for (size_t i = 0; i < sessions.n; i++)
        if (sessions.items[i] == s)
            sessions.items[i] = sessions.items[--sessions.n];
}

static void queue_close(void *queue)
{
    struct session *s = queue;

    if (!s)
        return;
    end_session(s);
    ops_close(&s->ops);
    pump();
}

static void drop_of(int node)
{
    for (size_t i = waiting.n; i > 0; i--)
        if (waiting.items[i - 1]->node == node)
            remove_message(&waiting.items, &waiting.n, waiting.items[i - 1]);
}

void queue_sim_crash(int node)
{
    for (size_t i = sessions.n; i > 0; i--)
        if (sessions.items[i - 1]->node == node)
            end_session(sessions.items[i - 1]);
    if (!sim.o.queue_shared)
        drop_of(node);
    pump();
}

static const struct ff_queue_ops ops = {
    .open = queue_open,
    .close = queue_close,
    .publish = queue_publish,
    .ack = queue_ack,
    .nack = queue_nack,
    .subscribe = queue_subscribe,
    .unsubscribe = queue_unsubscribe,
};

const struct ff_driver queue_sim_driver = {
    FF_DRIVER_HEAD(FF_QUEUE, FF_ON_LOOP, ops), .name = "sim",     .version = "1",
    .summary = "a queue with faults",          .ops.queue = &ops,
};
