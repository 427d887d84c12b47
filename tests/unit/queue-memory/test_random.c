/* Random calls against what must hold whatever the order: nothing is lost, nothing is
 * out twice at once, credit holds, and deliveries are counted. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define N_TOPICS   3
#define N_SESSIONS 2
#define N_IDS      4000
#define STEPS      20000

static const char *const topics[N_TOPICS] = {"a", "b", "c"};

struct seen {
    uint32_t deliveries;
    bool published, acked, out;
    char receipt[32];
    size_t topic, session;
};

static struct seen seen[N_IDS];
static size_t n_ids;
static void *sessions[N_SESSIONS];
static struct rand rnd;

struct place {
    size_t topic, session;
    size_t credit, n_out;
    bool subscribed;
};

static struct place places[N_TOPICS][N_SESSIONS];

static void on_message(void *arg, const struct ff_message *m)
{
    struct place *p = arg;
    struct seen *s = &seen[atoi(m->id)];

    assert_true(p->subscribed);
    assert_true(s->published && !s->acked && !s->out);
    assert_int_equal(p->topic, s->topic);
    assert_int_equal(m->delivery, ++s->deliveries);
    assert_true(++p->n_out <= p->credit);
    s->out = true;
    s->session = p->session;
    snprintf(s->receipt, sizeof(s->receipt), "%s", m->receipt);
}

static struct ff_op *op(void)
{
    return driver_op(test_instance, NULL, NULL);
}

static void publish_some(void)
{
    char ids[4][16];
    struct ff_message m[4];
    size_t n = rand_below(&rnd, 4) + 1;

    for (size_t i = 0; i < n && n_ids < N_IDS; i++, n_ids++) {
        size_t topic = rand_below(&rnd, N_TOPICS);

        snprintf(ids[i], sizeof(ids[i]), "%zu", n_ids);
        m[i] = message_of(topics[topic], ids[i]);
        if (rand_below(&rnd, 4) == 0)
            m[i].not_before_us = loop_wall_us(test_loop) + 200;
        seen[n_ids] = (struct seen){.published = true, .topic = topic};
        test_ops->publish(sessions[rand_below(&rnd, N_SESSIONS)], &m[i], 1, op());
    }
}

static void give_back(struct seen *s)
{
    const char *receipt = s->receipt;

    s->out = false;
    places[s->topic][s->session].n_out--;
    s->acked = rand_below(&rnd, 3) > 0;
    if (s->acked)
        test_ops->ack(sessions[s->session], &receipt, 1, op());
    else
        test_ops->nack(sessions[s->session], &receipt, 1, rand_below(&rnd, 2) ? 0 : 300,
                       op());
}

static void give_back_some(void)
{
    for (size_t n = rand_below(&rnd, 8); n > 0 && n_ids > 0; n--) {
        struct seen *s = &seen[rand_below(&rnd, n_ids)];

        if (s->out)
            give_back(s);
    }
}

static void subscribe_one(struct place *p, size_t credit)
{
    struct ff_err err;

    p->subscribed = true;
    /* Lowering it does not call back what is out. */
    p->credit = credit > p->n_out ? credit : p->n_out;
    assert_int_equal(test_ops->subscribe(sessions[p->session], topics[p->topic],
                                         (uint32_t)p->credit, on_message, p, &err),
                     FF_OK);
}

static void unsubscribe_one(struct place *p)
{
    p->subscribed = false;
    p->n_out = 0;
    for (size_t i = 0; i < n_ids; i++)
        if (seen[i].out && seen[i].topic == p->topic && seen[i].session == p->session)
            seen[i].out = false;
    test_ops->unsubscribe(sessions[p->session], topics[p->topic], op());
}

static struct place *any_place(void)
{
    return &places[rand_below(&rnd, N_TOPICS)][rand_below(&rnd, N_SESSIONS)];
}

static void step(void)
{
    struct place *p;

    switch (rand_below(&rnd, 16)) {
    case 0:
        p = any_place();
        if (p->subscribed)
            unsubscribe_one(p);
        break;
    case 1:
    case 2:
        subscribe_one(any_place(), rand_below(&rnd, 10));
        break;
    case 3:
    case 4:
    case 5:
        publish_some();
        break;
    case 6:
        settle();
        break;
    default:
        give_back_some();
    }
}

static bool all_acked(void)
{
    for (size_t i = 0; i < n_ids; i++)
        if (!seen[i].acked)
            return false;
    return true;
}

static void nothing_is_lost_and_nothing_is_out_twice(void **state)
{
    const char *given = getenv("FF_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 20261121;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    rand_seed(&rnd, seed);
    sessions[0] = test_queue;
    sessions[1] = open_session();
    for (size_t t = 0; t < N_TOPICS; t++)
        for (size_t s = 0; s < N_SESSIONS; s++)
            places[t][s] = (struct place){.topic = t, .session = s};
    for (int i = 0; i < STEPS; i++)
        step();
    for (size_t t = 0; t < N_TOPICS; t++)
        subscribe_one(&places[t][0], 1000);
    while (!all_acked()) {
        for (size_t i = 0; i < n_ids; i++)
            if (seen[i].out)
                give_back(&seen[i]);
        settle();
    }
    test_ops->close(sessions[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_lost_and_nothing_is_out_twice,
                                        open_queue, close_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
