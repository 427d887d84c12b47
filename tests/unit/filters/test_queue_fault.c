#include "support.h"

#include <stdlib.h>
#include <string.h>

#define SAID 400

/* What a subscriber got: the ids in the order in which they came. */
struct got {
    size_t n;
    int ids[2 * SAID];
};

static void on_message(void *arg, const struct ff_message *m)
{
    struct got *g = arg;

    assert_true(g->n < COUNT_OF(g->ids));
    g->ids[g->n++] = atoi(m->id);
}

static void on_done(void *arg, int code, const struct ff_err *err)
{
    (void)err;
    assert_int_equal(code, FF_OK);
    ++*(int *)arg;
}

/* Says ids 0 to SAID-1, some alone and some together. */
static void say_all(struct chain *c)
{
    const struct ff_queue_ops *ops = driver_queue_ops(c->instance);
    int n_done = 0;
    int n_asked = 0;

    for (int from = 0, n = 1; from < SAID; from += n, n = n % 7 + 1) {
        struct ff_message m[8] = {{0}};
        char ids[8][12];

        if (n > SAID - from)
            n = SAID - from;
        for (int i = 0; i < n; i++) {
            snprintf(ids[i], sizeof(ids[i]), "%d", from + i);
            m[i] = (struct ff_message){
                .struct_size = sizeof(m[i]), .topic = "t", .id = ids[i]};
        }
        ops->publish(c->session, m, (size_t)n,
                     driver_op(c->instance, on_done, &n_done));
        n_asked++;
    }
    chain_settle(c);
    assert_int_equal(n_done, n_asked);
}

static void hear(struct chain *c, const char *const *settings, struct got *g)
{
    chain_open(c, FF_QUEUE, "queue-memory", "queue-fault", settings);
    *g = (struct got){0};
    assert_int_equal(driver_queue_ops(c->instance)
                         ->subscribe(c->session, "t", 2 * SAID, on_message, g, &c->err),
                     FF_OK);
    say_all(c);
}

/* How often each id came. */
static void count(const struct got *g, int times[SAID])
{
    memset(times, 0, SAID * sizeof(times[0]));
    for (size_t i = 0; i < g->n; i++)
        times[g->ids[i]]++;
}

static void nothing_asked_for_nothing_done(void **state)
{
    struct chain c;
    struct got g;

    (void)state;
    hear(&c, NULL, &g);
    assert_int_equal(g.n, SAID);
    for (int i = 0; i < SAID; i++)
        assert_int_equal(g.ids[i], i);
    chain_close(&c);
}

static void messages_are_lost_and_their_sender_does_not_know(void **state)
{
    static const char *const settings[] = {"queue-fault.loss=250", "queue-fault.seed=3",
                                           NULL};
    struct chain c;
    struct got first, second;

    (void)state;
    hear(&c, settings, &first);
    chain_close(&c);
    assert_in_range(first.n, 250, 350);
    hear(&c, settings, &second);
    chain_close(&c);
    assert_int_equal(first.n, second.n);
    assert_memory_equal(first.ids, second.ids, first.n * sizeof(int));
}

static void all_messages_may_be_lost(void **state)
{
    static const char *const settings[] = {"queue-fault.loss=1000", NULL};
    struct chain c;
    struct got g;

    (void)state;
    hear(&c, settings, &g);
    assert_int_equal(g.n, 0);
    chain_close(&c);
}

static void messages_come_twice(void **state)
{
    static const char *const settings[] = {"queue-fault.duplication=500",
                                           "queue-fault.seed=3", NULL};
    int times[SAID];
    size_t twice = 0;
    struct chain c;
    struct got g;

    (void)state;
    hear(&c, settings, &g);
    count(&g, times);
    for (int i = 0; i < SAID; i++) {
        assert_in_range(times[i], 1, 2);
        twice += times[i] == 2;
    }
    assert_in_range(twice, 140, 260);
    chain_close(&c);
}

static void messages_that_are_put_off_are_overtaken_and_come(void **state)
{
    static const char *const settings[] = {"queue-fault.reordering=1000",
                                           "queue-fault.delay=20ms",
                                           "queue-fault.seed=5", NULL};
    struct chain c;
    struct got g;
    int times[SAID];
    bool overtaken = false;

    (void)state;
    hear(&c, settings, &g);
    while (g.n < SAID)
        chain_settle(&c);
    count(&g, times);
    for (int i = 0; i < SAID; i++)
        assert_int_equal(times[i], 1);
    for (size_t i = 1; i < g.n; i++)
        overtaken = overtaken || g.ids[i] < g.ids[i - 1];
    assert_true(overtaken);
    chain_close(&c);
}

static void a_broadcast_is_lost_like_a_message(void **state)
{
    static const char *const settings[] = {"queue-fault.loss=1000", NULL};
    const struct ff_message m = {.struct_size = sizeof(m), .topic = "t", .id = "1"};
    struct chain c;
    struct got g;
    int n_done = 0;

    (void)state;
    for (int lossy = 0; lossy < 2; lossy++) {
        hear(&c, lossy ? settings : NULL, &g);
        const size_t before = g.n;
        driver_queue_ops(c.instance)
            ->broadcast(c.session, &m, driver_op(c.instance, on_done, &n_done));
        chain_settle(&c);
        assert_int_equal(g.n - before, lossy ? 0 : 1);
        chain_close(&c);
    }
    assert_int_equal(n_done, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_asked_for_nothing_done),
        cmocka_unit_test(messages_are_lost_and_their_sender_does_not_know),
        cmocka_unit_test(all_messages_may_be_lost),
        cmocka_unit_test(messages_come_twice),
        cmocka_unit_test(messages_that_are_put_off_are_overtaken_and_come),
        cmocka_unit_test(a_broadcast_is_lost_like_a_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
