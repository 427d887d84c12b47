/* test_limits.c - semaphores and rates in the scheduler: who may go, who stands aside,
 * what is held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sched/sched.h"

#define SECOND INT64_C(1000000)

static int64_t pick(struct sched *s)
{
    void *owner;
    int64_t node = -1;

    return sched_pick(s, &owner, &node) ? node : -1;
}

/* Places as text: "gpu 0;db 3;". */
static void note(void *arg, const struct sched_place *place)
{
    char *text = arg;
    const size_t len = strlen(text);

    snprintf(text + len, 200 - len, "%s %lld;", place->name, (long long)place->place);
}

static void ignore(void *arg, const struct sched_place *place)
{
    (void)arg;
    (void)place;
}

static void start(struct sched_run *r, int64_t node)
{
    sched_started(r, node, 0, ignore, NULL);
}

static void finish(struct sched_run *r, int64_t node)
{
    sched_ended(r, node, ignore, NULL);
    sched_settled(r);
    sched_return_slot(r);
}

static void offer(struct sched_run *r, int64_t node, int64_t count, const char *name,
                  int64_t amount)
{
    const struct sched_need need = {.name = name, .amount = amount};

    sched_offer_limited(r, node, count, 0, &need, 1);
}

static void what_waits_for_a_limit_holds_up_nobody_behind_it(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);

    sched_add_slots(s, 10);
    offer(r, 10, 3, "gpu", 1);
    sched_offer(r, 20, 3, 0);
    assert_int_equal(pick(s), 10);
    assert_int_equal(pick(s), 20);
    assert_int_equal(pick(s), 21);
    assert_int_equal(pick(s), 22);
    assert_int_equal(pick(s), -1);
    assert_int_equal(sched_waiting(s), 2);
    start(r, 10);
    finish(r, 10);
    assert_int_equal(pick(s), 11);
    assert_int_equal(pick(s), -1);
    sched_run_free(r);
    assert_int_equal(sched_waiting(s), 0);
    sched_free(s);
}

static void a_size_lets_so_many_go_and_may_change(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);

    sched_add_slots(s, 100);
    sched_set_size(s, 1, "gpu", 2);
    offer(r, 0, 10, "gpu", 1);
    assert_int_equal(pick(s), 0);
    assert_int_equal(pick(s), 1);
    assert_int_equal(pick(s), -1);
    sched_set_size(s, 1, "gpu", 3);
    assert_int_equal(pick(s), 2);
    assert_int_equal(pick(s), -1);
    assert_int_equal(sched_held(s, 1, "gpu"), 3);
    sched_set_size(s, 1, "gpu", 0);
    for (int i = 0; i < 3; i++) {
        start(r, i);
        finish(r, i);
        assert_int_equal(pick(s), -1);
    }
    sched_set_size(s, 1, "gpu", -1); /* none told: 1 */
    assert_int_equal(pick(s), 3);
    assert_int_equal(pick(s), -1);
    sched_run_free(r);
    sched_free(s);
}

static void limits_of_one_tenant_are_nothing_to_another(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *a = sched_run_new(s, 1, 1, s);
    struct sched_run *b = sched_run_new(s, 2, 1, s);

    sched_add_slots(s, 10);
    offer(a, 1, 2, "gpu", 1);
    offer(b, 11, 2, "gpu", 1);
    assert_int_equal(pick(s), 1);
    assert_int_equal(pick(s), 11);
    assert_int_equal(pick(s), -1);
    sched_run_free(a);
    assert_int_equal(sched_held(s, 1, "gpu"), 0);
    assert_int_equal(sched_held(s, 2, "gpu"), 1);
    sched_run_free(b);
    sched_free(s);
}

static void several_limits_are_taken_at_once_or_not_at_all(void **state)
{
    (void)state;
    const struct sched_need both[] = {{.name = "a", .amount = 1},
                                      {.name = "b", .amount = 1}};
    const struct sched_need turned[] = {{.name = "b", .amount = 1},
                                        {.name = "a", .amount = 1}};
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);

    sched_add_slots(s, 10);
    offer(r, 1, 1, "a", 1);
    assert_int_equal(pick(s), 1);
    sched_offer_limited(r, 2, 1, 0, both, 2);
    sched_offer_limited(r, 3, 1, 0, turned, 2);
    assert_int_equal(pick(s), -1);
    assert_int_equal(sched_held(s, 1, "b"), 0);
    offer(r, 4, 1, "b", 1);
    assert_int_equal(pick(s), 4);
    start(r, 1);
    finish(r, 1);
    assert_int_equal(pick(s), -1);
    start(r, 4);
    finish(r, 4);
    assert_int_equal(pick(s), 2);
    assert_int_equal(pick(s), -1);
    start(r, 2);
    finish(r, 2);
    assert_int_equal(pick(s), 3);
    sched_run_free(r);
    sched_free(s);
}

/* Each that ends is followed by another small one at once: without being kept for it
 * the two places would never be free together. */
static void one_that_wants_two_is_not_starved_by_those_that_want_one(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *small = sched_run_new(s, 1, 1, s);
    struct sched_run *big = sched_run_new(s, 1, 1, s);
    int64_t running[2], node, n = 0;

    sched_add_slots(s, 10);
    sched_set_size(s, 1, "db", 2);
    offer(small, 0, 1000, "db", 1);
    running[0] = pick(s);
    running[1] = pick(s);
    offer(big, 5000, 1, "db", 2);
    for (node = 0; node != 5000 && n < 500; n++) {
        start(small, running[n % 2]);
        finish(small, running[n % 2]);
        node = pick(s);
        running[n % 2] = node >= 0 ? node : running[n % 2];
    }
    assert_int_equal(node, 5000);
    assert_in_range(n, 2, SCHED_OVERTAKEN_MAX + 4);
    assert_int_equal(pick(s), -1);
    start(big, 5000);
    finish(big, 5000);
    assert_true(pick(s) >= 0);
    sched_run_free(small);
    sched_run_free(big);
    sched_free(s);
}

/* Nothing is kept for one that waits for a holder which does not end. */
static void one_that_waits_for_a_long_holder_keeps_nothing_from_others(void **state)
{
    (void)state;
    const struct sched_need both[] = {{.name = "gpu", .amount = 1},
                                      {.name = "db", .amount = 1}};
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);

    sched_add_slots(s, 10);
    offer(r, 1, 1, "gpu", 1);
    assert_int_equal(pick(s), 1);
    sched_offer_limited(r, 2, 1, 0, both, 2);
    offer(r, 10, 1000, "db", 1);
    for (int64_t i = 0; i < 1000; i++) {
        assert_int_equal(pick(s), 10 + i);
        assert_int_equal(pick(s), -1);
        start(r, 10 + i);
        finish(r, 10 + i);
    }
    sched_run_free(r);
    sched_free(s);
}

static void a_higher_priority_is_kept_from_nothing_by_a_lower(void **state)
{
    (void)state;
    const struct sched_need two = {.name = "db", .amount = 2};
    const struct sched_need one = {.name = "db", .amount = 1};
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);
    int64_t last[2];

    sched_add_slots(s, 10);
    sched_set_size(s, 1, "db", 2);
    sched_offer_limited(r, 0, 1000, 5, &one, 1);
    sched_offer_limited(r, 5000, 1, 0, &two, 1);
    last[0] = pick(s);
    last[1] = pick(s);
    assert_int_equal(pick(s), -1);
    for (int i = 0; i < 400; i++) {
        start(r, last[i % 2]);
        finish(r, last[i % 2]);
        last[i % 2] = pick(s);
        assert_in_range(last[i % 2], 0, 999);
    }
    sched_run_free(r);
    sched_free(s);
}

static void a_place_is_free_when_its_end_is_durable(void **state)
{
    (void)state;
    char stored[200] = "", deleted[200] = "";
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);

    sched_add_slots(s, 10);
    offer(r, 1, 2, "gpu", 1);
    assert_int_equal(pick(s), 1);
    sched_started(r, 1, 0, note, stored);
    assert_string_equal(stored, "gpu 0;");
    sched_ended(r, 1, note, deleted);
    assert_string_equal(deleted, "gpu 0;");
    assert_int_equal(pick(s), -1);
    sched_settled(r);
    assert_int_equal(pick(s), 2);
    deleted[0] = '\0';
    sched_ended(r, 2, note, deleted); /* a grant that was not used: no row */
    assert_string_equal(deleted, "");
    assert_int_equal(sched_held(s, 1, "gpu"), 0);
    sched_run_free(r);
    sched_free(s);
}

static void after_a_restart_what_rows_say_is_held(void **state)
{
    (void)state;
    char deleted[200] = "";
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);

    sched_add_slots(s, 10);
    sched_set_size(s, 1, "gpu", 4);
    offer(r, 7, 9, "gpu", 1);
    assert_int_equal(pick(s), 7); /* lost with the process */
    sched_drop_holds(r);
    sched_run_clear(r);
    assert_int_equal(sched_held(s, 1, "gpu"), 0);
    sched_hold(r, 1, "gpu", 0);
    sched_hold(r, 1, "gpu", 70);
    sched_hold(r, 2, "gpu", 2);
    sched_confirm(r, 1);
    assert_int_equal(sched_held(s, 1, "gpu"), 3);
    offer(r, 7, 9, "gpu", 1);
    assert_int_equal(pick(s), 7);
    assert_int_equal(pick(s), -1);
    assert_int_equal(sched_end_strays(r, note, deleted), 1);
    assert_string_equal(deleted, "gpu 2;");
    sched_settled(r);
    assert_int_equal(pick(s), 8);
    sched_run_free(r);
    sched_free(s);
}

static void a_rate_lets_so_many_start_in_any_time_so_long(void **state)
{
    (void)state;
    const struct sched_need need = {
        .name = "mail", .amount = 1, .size = 2, .per_us = 10 * SECOND};
    char stored[200] = "", deleted[200] = "";
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);

    sched_add_slots(s, 10);
    sched_set_now(s, 100 * SECOND);
    sched_offer_limited(r, 0, 10, 0, &need, 1);
    assert_int_equal(pick(s), 0);
    sched_started(r, 0, 100 * SECOND, note, stored);
    sched_set_now(s, 104 * SECOND);
    assert_int_equal(pick(s), 1);
    sched_started(r, 1, 104 * SECOND, note, stored);
    assert_string_equal(stored, "mail 0;mail 1;");
    assert_int_equal(pick(s), -1);
    assert_int_equal(sched_next_us(s), 110 * SECOND);
    sched_ended(r, 0, note, deleted); /* an end frees nothing */
    sched_settled(r);
    assert_string_equal(deleted, "");
    assert_int_equal(pick(s), -1);
    sched_set_now(s, 110 * SECOND);
    assert_int_equal(pick(s), 2);
    sched_started(r, 2, 110 * SECOND, note, stored);
    assert_int_equal(pick(s), -1);
    assert_int_equal(sched_next_us(s), 114 * SECOND);
    sched_run_free(r);
    assert_int_equal(sched_next_us(s), 0);
    assert_int_equal(sched_held(s, 1, "mail"), 2);
    sched_free(s);
}

static void tokens_are_known_again_after_a_restart(void **state)
{
    (void)state;
    const struct sched_need need = {
        .name = "mail", .amount = 1, .size = 1, .per_us = 10 * SECOND};
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);

    sched_add_slots(s, 10);
    sched_set_now(s, 100 * SECOND);
    sched_hold_rate(s, 1, "mail", 0, 103 * SECOND);
    sched_hold_rate(s, 1, "mail", 0, 103 * SECOND);
    sched_offer_limited(r, 0, 10, 0, &need, 1);
    assert_int_equal(pick(s), -1);
    assert_int_equal(sched_next_us(s), 103 * SECOND);
    sched_set_now(s, 103 * SECOND);
    assert_int_equal(pick(s), 0);
    sched_ended(r, 0, ignore, NULL); /* not used: the token is there again */
    assert_int_equal(pick(s), 1);
    sched_run_free(r);
    sched_free(s);
}

static void a_retracted_node_waits_for_no_limit(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);

    sched_add_slots(s, 10);
    offer(r, 0, 4, "gpu", 1);
    assert_int_equal(pick(s), 0);
    assert_int_equal(pick(s), -1);
    sched_retract(r, 1, 2);
    sched_offer(r, 50, 1, 0);
    assert_int_equal(pick(s), 50);
    start(r, 0);
    finish(r, 0);
    assert_int_equal(pick(s), 3);
    assert_int_equal(sched_waiting(s), 0);
    sched_run_free(r);
    sched_free(s);
}

enum { NODES = 4000, LIMITS = 4 };
static const char *const limit_names[LIMITS] = {"a", "b", "c", "d"};

static uint32_t next_random(uint32_t *x)
{
    *x = *x * 1664525 + 1013904223;
    return *x;
}

/* What a node wants of each limit; how many it wants anything of. */
static size_t draw_needs(uint32_t *x, int64_t wants[LIMITS],
                         struct sched_need needs[LIMITS])
{
    size_t n = 0;

    for (int i = 0; i < LIMITS; i++) {
        const uint32_t drawn = next_random(x);
        wants[i] = (drawn >> 24) % 3 ? 0 : 1 + (drawn >> 16) % 2 * (i > 0);
        if (wants[i] > 0)
            needs[n++] =
                (struct sched_need){.name = limit_names[i], .amount = wants[i]};
    }
    return n;
}

/* Random use against the plain meaning: never more than the size is held, nobody is
 * given half of what it wants, and whoever can go does. */
static void random_use_never_exceeds_a_limit_and_leaves_none_behind(void **state)
{
    (void)state;
    static int64_t wants[NODES][LIMITS];
    int64_t size[LIMITS], held[LIMITS] = {0}, running[64], n_running = 0, done = 0;
    struct sched *s = sched_new();
    struct sched_run *runs[5];
    uint32_t x = 12345;

    sched_add_slots(s, 64);
    for (int i = 0; i < 5; i++)
        runs[i] = sched_run_new(s, 1, 1, runs);
    for (int i = 0; i < LIMITS; i++) {
        size[i] = 1 + i * 2;
        sched_set_size(s, 1, limit_names[i], size[i]);
    }
    for (int64_t node = 0; node < NODES; node++) {
        struct sched_need needs[LIMITS];
        const size_t n = draw_needs(&x, wants[node], needs);
        sched_offer_limited(runs[node % 5], node, 1, (int32_t)(x >> 30), needs, n);
    }
    while (done < NODES) {
        const int64_t node = n_running < 64 ? pick(s) : -1;
        if (node >= 0) {
            for (int i = 0; i < LIMITS; i++) {
                held[i] += wants[node][i];
                assert_true(held[i] <= size[i]);
            }
            start(runs[node % 5], node);
            running[n_running++] = node;
            continue;
        }
        assert_true(n_running > 0); /* or nobody could ever go */
        const size_t at = (next_random(&x) >> 8) % (size_t)n_running;
        const int64_t over = running[at];
        running[at] = running[--n_running];
        for (int i = 0; i < LIMITS; i++)
            held[i] -= wants[over][i];
        finish(runs[over % 5], over);
        done++;
    }
    for (int i = 0; i < LIMITS; i++)
        assert_int_equal(sched_held(s, 1, limit_names[i]), 0);
    for (int i = 0; i < 5; i++)
        sched_run_free(runs[i]);
    sched_free(s);
}

/* A run that is read again while the row that gives its place back is on its way. */
static void a_place_that_two_were_told_outlives_the_first_that_returns_it(void **state)
{
    (void)state;
    char deleted[200] = "";
    struct sched *s = sched_new();
    struct sched_run *a = sched_run_new(s, 1, 1, s), *b = sched_run_new(s, 1, 1, s);

    sched_hold(a, 1, "gpu", 0);
    sched_hold(b, 1, "gpu", 0);
    sched_drop_holds(a);
    sched_ended(b, 1, note, deleted);
    assert_string_equal(deleted, "gpu 0;");
    sched_settled(b);
    assert_int_equal(sched_held(s, 1, "gpu"), 0);
    sched_run_free(a);
    sched_run_free(b);
    sched_free(s);
}

static void what_is_no_place_is_not_held(void **state)
{
    (void)state;
    static const int64_t wrong[] = {-1, INT64_MIN, SCHED_PLACES_MAX, INT64_MAX};
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        sched_hold(r, 1, "gpu", wrong[i]);
        sched_hold_rate(s, 1, "mail", wrong[i], 103 * SECOND);
    }
    assert_int_equal(sched_held(s, 1, "gpu"), 0);
    assert_int_equal(sched_held(s, 1, "mail"), 0);
    sched_hold(r, 1, "gpu", SCHED_PLACES_MAX - 1);
    assert_int_equal(sched_held(s, 1, "gpu"), 1);
    sched_run_free(r);
    sched_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_place_is_not_held),
        cmocka_unit_test(a_place_that_two_were_told_outlives_the_first_that_returns_it),
        cmocka_unit_test(what_waits_for_a_limit_holds_up_nobody_behind_it),
        cmocka_unit_test(a_size_lets_so_many_go_and_may_change),
        cmocka_unit_test(limits_of_one_tenant_are_nothing_to_another),
        cmocka_unit_test(several_limits_are_taken_at_once_or_not_at_all),
        cmocka_unit_test(one_that_wants_two_is_not_starved_by_those_that_want_one),
        cmocka_unit_test(one_that_waits_for_a_long_holder_keeps_nothing_from_others),
        cmocka_unit_test(a_higher_priority_is_kept_from_nothing_by_a_lower),
        cmocka_unit_test(a_place_is_free_when_its_end_is_durable),
        cmocka_unit_test(after_a_restart_what_rows_say_is_held),
        cmocka_unit_test(a_rate_lets_so_many_start_in_any_time_so_long),
        cmocka_unit_test(tokens_are_known_again_after_a_restart),
        cmocka_unit_test(a_retracted_node_waits_for_no_limit),
        cmocka_unit_test(random_use_never_exceeds_a_limit_and_leaves_none_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
