/* test_sched.c - who gets the next slot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "sched/sched.h"

static int64_t pick(struct sched *s, void **owner)
{
    int64_t node = -1;

    return sched_pick(s, owner, &node) ? node : -1;
}

static void picks_in_order_and_only_while_a_slot_is_free(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);
    void *owner;

    sched_offer(r, 10, 3, 0);
    assert_int_equal(pick(s, &owner), -1);
    sched_add_slots(s, 2);
    assert_int_equal(pick(s, &owner), 10);
    assert_ptr_equal(owner, s);
    assert_int_equal(pick(s, &owner), 11);
    assert_int_equal(pick(s, &owner), -1);
    sched_return_slot(r);
    assert_int_equal(pick(s, &owner), 12);
    sched_return_slot(r);
    assert_int_equal(pick(s, &owner), -1);
    assert_int_equal(sched_waiting(s), 0);
    sched_run_free(r);
    sched_free(s);
}

static void a_tenant_with_a_thousand_waits_no_more_than_one_with_one(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    int big, small;
    struct sched_run *many = sched_run_new(s, 1, 1, &big);
    struct sched_run *few = sched_run_new(s, 2, 1, &small);
    void *owner;
    size_t n_small = 0;

    sched_add_slots(s, 1000);
    sched_offer(many, 0, 1000, 0);
    assert_int_equal(pick(s, &owner), 0);
    sched_offer(few, 5000, 10, 0);
    for (int i = 0; i < 20; i++) {
        pick(s, &owner);
        n_small += owner == &small;
    }
    assert_int_equal(n_small, 10);
    sched_run_free(many);
    sched_run_free(few);
    sched_free(s);
}

static void weights_share_in_proportion(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    int a, b;
    struct sched_run *heavy = sched_run_new(s, 1, 1, &a);
    struct sched_run *light = sched_run_new(s, 2, 1, &b);
    void *owner;
    size_t n = 0;

    sched_set_tenant(s, 1, 3, -1);
    sched_add_slots(s, 1000);
    sched_offer(heavy, 0, 500, 0);
    sched_offer(light, 0, 500, 0);
    for (int i = 0; i < 400; i++) {
        pick(s, &owner);
        n += owner == &a;
    }
    assert_int_equal(n, 300);
    sched_run_free(heavy);
    sched_run_free(light);
    sched_free(s);
}

static void higher_priority_goes_first_and_equals_take_turns(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    int a, b;
    struct sched_run *one = sched_run_new(s, 1, 1, &a);
    struct sched_run *two = sched_run_new(s, 1, 1, &b);
    void *owner;

    sched_add_slots(s, 100);
    sched_offer(one, 1, 2, 0);
    sched_offer(two, 11, 2, 0);
    sched_offer(two, 90, 1, 50);
    assert_int_equal(pick(s, &owner), 90);
    assert_int_equal(pick(s, &owner), 1);
    assert_int_equal(pick(s, &owner), 11);
    assert_int_equal(pick(s, &owner), 2);
    assert_int_equal(pick(s, &owner), 12);
    sched_run_free(one);
    sched_run_free(two);
    sched_free(s);
}

static void a_turn_is_a_small_part_of_many_slots(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    int a, b;
    struct sched_run *one = sched_run_new(s, 1, 1, &a);
    struct sched_run *two = sched_run_new(s, 1, 1, &b);
    void *owner;
    size_t n_changes = 0;
    const void *last = NULL;

    sched_add_slots(s, 1280);
    sched_offer(one, 0, 640, 0);
    sched_offer(two, 0, 640, 0);
    for (int i = 0; i < 1280; i++) {
        assert_true(pick(s, &owner) >= 0);
        n_changes += owner != last;
        last = owner;
    }
    assert_int_equal(n_changes, 64);
    sched_run_free(one);
    sched_run_free(two);
    sched_free(s);
}

static void what_is_retracted_is_never_picked(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);
    void *owner;

    sched_add_slots(s, 100);
    sched_offer(r, 0, 10, 0);
    sched_retract(r, 3, 4);
    sched_retract(r, 0, 1);
    sched_retract(r, 50, 5);
    assert_int_equal(sched_waiting(s), 5);
    const int64_t left[] = {1, 2, 7, 8, 9};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(pick(s, &owner), left[i]);
    assert_int_equal(pick(s, &owner), -1);
    sched_run_free(r);
    sched_free(s);
}

/* Against a naive model: every node that is offered and not retracted is picked once.
 */
static void random_offers_and_retractions_agree_with_a_model(void **state)
{
    (void)state;
    const char *given = getenv("FF_SEED");
    const uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    struct rand rnd;
    enum { NODES = 400, RUNS = 4 };
    uint8_t waits[RUNS][NODES] = {0};
    struct sched *s = sched_new();
    struct sched_run *runs[RUNS];
    int64_t n_waiting = 0;

    print_message("seed %llu\n", (unsigned long long)seed);
    rand_seed(&rnd, seed);
    for (int i = 0; i < RUNS; i++)
        runs[i] = sched_run_new(s, i / 2 + 1, 1, &runs[i]);
    for (int step = 0; step < 20000; step++) {
        const size_t run = rand_below(&rnd, RUNS);
        const int64_t node = (int64_t)rand_below(&rnd, NODES);
        void *owner;
        int64_t got;
        switch (rand_below(&rnd, 3)) {
        case 0:
            if (waits[run][node])
                break;
            waits[run][node] = 1;
            n_waiting++;
            sched_offer(runs[run], node, 1, (int32_t)rand_below(&rnd, 3));
            break;
        case 1: {
            const int64_t n = 1 + (int64_t)rand_below(&rnd, 5);
            sched_retract(runs[run], node, n);
            for (int64_t k = node; k < node + n && k < NODES; k++) {
                n_waiting -= waits[run][k];
                waits[run][k] = 0;
            }
            break;
        }
        default:
            sched_add_slots(s, 1);
            if (!sched_pick(s, &owner, &got)) {
                assert_int_equal(n_waiting, 0);
                sched_add_slots(s, -1);
                break;
            }
            const size_t who = (size_t)((struct sched_run **)owner - runs);
            assert_true(waits[who][got]);
            waits[who][got] = 0;
            n_waiting--;
        }
        assert_int_equal(sched_waiting(s), n_waiting);
    }
    for (int i = 0; i < RUNS; i++)
        sched_run_free(runs[i]);
    assert_int_equal(sched_waiting(s), 0);
    sched_free(s);
}

static void what_waits_knows_since_when(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);
    int64_t since_us = INT64_MAX;
    void *owner;

    assert_int_equal(sched_run_waiting(r, &since_us), 0);
    assert_true(since_us == INT64_MAX);
    sched_set_now(s, 100);
    sched_offer(r, 10, 2, 0);
    sched_set_now(s, 200);
    sched_offer(r, 12, 2, 0); /* behind them, but they have not waited as long */
    sched_offer(r, 50, 1, 7);
    sched_set_now(s, 300);
    assert_int_equal(sched_run_waiting(r, &since_us), 5);
    assert_int_equal(since_us, 100);
    sched_add_slots(s, 9);
    assert_int_equal(pick(s, &owner), 50);
    assert_int_equal(sched_picked_since_us(s), 200);
    assert_int_equal(pick(s, &owner), 10);
    assert_int_equal(sched_picked_since_us(s), 100);
    sched_retract(r, 11, 1);
    since_us = INT64_MAX;
    assert_int_equal(sched_run_waiting(r, &since_us), 2);
    assert_int_equal(since_us, 200);
    assert_int_equal(pick(s, &owner), 12);
    assert_int_equal(sched_picked_since_us(s), 200);
    for (int i = 0; i < 3; i++)
        sched_return_slot(r);
    sched_run_free(r);
    sched_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_knows_since_when),
        cmocka_unit_test(picks_in_order_and_only_while_a_slot_is_free),
        cmocka_unit_test(a_tenant_with_a_thousand_waits_no_more_than_one_with_one),
        cmocka_unit_test(weights_share_in_proportion),
        cmocka_unit_test(higher_priority_goes_first_and_equals_take_turns),
        cmocka_unit_test(a_turn_is_a_small_part_of_many_slots),
        cmocka_unit_test(what_is_retracted_is_never_picked),
        cmocka_unit_test(random_offers_and_retractions_agree_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
