/* kit/kit_queue_random.c - anything in any order, by the seed: several sessions
 * publish, take, ack, nack, change their credit, leave and come back. In the end
 * everything was acked, nothing came again after that, and nothing was out at two at a
 * time. */
#include "kit/kit_queue.h"

#include <stdlib.h>

#define N_SESSIONS 3
#define N_TOPICS   4
#define N_STEPS    400
#define DELAY_US   10000

struct item {
    struct kitq_sub *holder; /* NULL: it is not out */
    bool acked;
};

struct world {
    struct kit *k;
    struct kitq *sessions[N_SESSIONS];
    struct kitq_sub *subs[N_SESSIONS][N_TOPICS]; /* NULL: not subscribed */
    struct item items[N_STEPS];
    size_t n_published, n_acked;
};

static size_t below(const struct world *w, size_t n)
{
    return (size_t)rand_below(kit_rand(w->k), n);
}

static struct item *item_of(struct world *w, const char *id)
{
    const size_t i = strtoul(id, NULL, 10);

    kit_expect(w->k, i < w->n_published, "message %s came, which nobody published", id);
    return &w->items[i];
}

static void note(struct kitq_sub *sub, struct kitq_got *got)
{
    struct world *w = sub->arg;
    struct item *item = item_of(w, got->id);

    kit_expect(w->k, !item->acked, "message %s came again after its ack", got->id);
    if (item->holder && !item->holder->gone && item->holder->then)
        kit_fail(w->k, "message %s is out at two subscribers of %s", got->id,
                 sub->topic);
    item->holder = sub;
}

static void subscribe(struct world *w, size_t session, size_t topic, uint32_t credit)
{
    struct kitq_sub **at = &w->subs[session][topic];
    char name[16];

    snprintf(name, sizeof(name), "topic-%zu", topic);
    if (*at) {
        kitq_set_credit(*at, credit);
        return;
    }
    /* Nothing is delivered inside the call, so it is not too late. */
    *at = kitq_subscribe(w->sessions[session], name, credit);
    (*at)->then = note;
    (*at)->arg = w;
}

static void publish(struct world *w)
{
    struct kitq *q = w->sessions[below(w, N_SESSIONS)];
    char topic[16];
    char id[16];
    struct ff_err err;

    snprintf(topic, sizeof(topic), "topic-%zu", below(w, N_TOPICS));
    snprintf(id, sizeof(id), "%zu", w->n_published++);
    struct ff_message m = kitq_message(topic, id);

    if (below(w, 4) == 0)
        m.not_before_us = loop_wall_us(q->loop) + (int64_t)below(w, DELAY_US);
    kit_expect_code(w->k, kitq_try_publish(q, &m, 1, &err), FF_OK, &err,
                    "publishing message %s", id);
}

/* One that is out at this subscriber, or NULL. */
static struct kitq_got *pick(const struct world *w, const struct kitq_sub *sub)
{
    const size_t n = sub ? sub->got.n : 0;
    const size_t from = n > 0 ? below(w, n) : 0;

    for (size_t i = 0; i < n; i++)
        if (sub->got.items[(from + i) % n]->out)
            return sub->got.items[(from + i) % n];
    return NULL;
}

static void ack(struct world *w, struct kitq_sub *sub, struct kitq_got *got)
{
    struct item *item = item_of(w, got->id);

    item->acked = true;
    item->holder = NULL;
    w->n_acked++;
    kitq_ack(sub, got);
}

static void give_back(struct world *w, struct kitq_sub *sub, bool acked)
{
    struct kitq_got *got = pick(w, sub);

    if (!got)
        return;
    if (acked) {
        ack(w, sub, got);
        return;
    }
    item_of(w, got->id)->holder = NULL;
    kitq_nack(sub, got, (int64_t)(below(w, 2) * below(w, DELAY_US)));
}

/* From here on what it holds may be given to others. */
static void leave(struct kitq_sub **at)
{
    struct kitq_sub *sub = *at;

    *at = NULL;
    sub->then = NULL;
    kitq_unsubscribe(sub);
}

static void step(struct world *w)
{
    const size_t what = below(w, 16);
    const size_t session = below(w, N_SESSIONS);
    const size_t topic = below(w, N_TOPICS);
    struct kitq_sub **at = &w->subs[session][topic];

    if (what < 6)
        publish(w);
    else if (what < 11)
        give_back(w, *at, what < 9);
    else if (what < 14)
        subscribe(w, session, topic, (uint32_t)below(w, 6));
    else if (what == 14 && *at)
        leave(at);
    else
        kit_turn(w->k, 100);
}

static bool all_are_acked(void *arg)
{
    struct world *w = arg;

    return w->n_acked == w->n_published;
}

static bool may_ack(void *arg)
{
    const struct world *w = arg;

    for (size_t t = 0; t < N_TOPICS; t++)
        if (pick(w, w->subs[0][t]))
            return true;
    return false;
}

static void drain(struct world *w)
{
    for (size_t s = 1; s < N_SESSIONS; s++)
        for (size_t t = 0; t < N_TOPICS; t++)
            if (w->subs[s][t])
                leave(&w->subs[s][t]);
    for (size_t t = 0; t < N_TOPICS; t++)
        subscribe(w, 0, t, 10);
    while (!all_are_acked(w)) {
        if (!kit_wait(w->k, may_ack, w))
            kit_fail(w->k, "of %zu messages %zu were acked, the others do not come",
                     w->n_published, w->n_acked);
        for (size_t t = 0; t < N_TOPICS; t++)
            give_back(w, w->subs[0][t], true);
    }
}

static void random_calls(struct kit *k)
{
    struct world w = {.k = k};

    for (size_t s = 0; s < N_SESSIONS; s++)
        w.sessions[s] = kitq_open(k);
    for (int i = 0; i < N_STEPS; i++)
        step(&w);
    drain(&w);
    kitq_quiet(w.sessions[0]);
    for (size_t s = 0; s < N_SESSIONS; s++)
        kitq_close(w.sessions[s]);
}

const struct kit_check kit_queue_random_checks[] = {
    {"random/calls",
     "Whatever sessions do in whatever order, each message is acked once by one.",
     .run = random_calls},
    {0},
};
