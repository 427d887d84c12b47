/* test_fair.c - tenants, projects and runs get their shares, whatever the others do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sched/sched.h"

/* Whose node it was, as a number; 0 when nobody may go. */
static int64_t pick(struct sched *s)
{
    void *owner;
    int64_t node;

    return sched_pick(s, &owner, &node) ? (int64_t)(intptr_t)owner : 0;
}

static struct sched_run *new_run(struct sched *s, int64_t tenant, int64_t project,
                                 int64_t name)
{
    return sched_run_new(s, tenant, project, (void *)(intptr_t)name);
}

/* The names of the next n, one digit each. */
static const char *picks(struct sched *s, size_t n)
{
    static char text[200];

    for (size_t i = 0; i < n; i++)
        text[i] = (char)('0' + pick(s));
    text[n] = '\0';
    return text;
}

static void ignore(void *arg, const struct sched_place *place)
{
    (void)arg;
    (void)place;
}

static void finish(struct sched_run *r, int64_t node)
{
    sched_ended(r, node, ignore, NULL);
    sched_settled(r);
    sched_return_slot(r);
}

static void offer_limited(struct sched_run *r, int64_t node, int64_t n,
                          const char *name, int64_t size)
{
    const struct sched_need need = {.name = name, .amount = 1, .size = size};

    sched_offer_limited(r, node, n, 0, &need, 1);
}

/* Jain's index: 1 when all have the same, 1/n when one has all. */
static double jain(const double *shares, size_t n)
{
    double sum = 0, squares = 0;

    for (size_t i = 0; i < n; i++) {
        sum += shares[i];
        squares += shares[i] * shares[i];
    }
    return sum * sum / ((double)n * squares);
}

/* One owns half of all that waits; the weights are 1, or from 1 to 5. */
static void check_shares(bool weighted)
{
    enum { TENANTS = 100, NODES = 2000 };
    struct sched *s = sched_new();
    struct sched_run *runs[TENANTS];
    int64_t got[TENANTS + 1] = {0};
    double shares[TENANTS];
    int64_t round = 0;

    sched_add_slots(s, 100);
    for (int64_t i = 0; i < TENANTS; i++) {
        const int64_t weight = weighted ? 1 + i % 5 : 1;
        runs[i] = new_run(s, i + 1, 1, i + 1);
        sched_set_tenant(s, i + 1, weight, -1);
        sched_offer(runs[i], 0, i == 0 ? (int64_t)NODES * (TENANTS - 1) : NODES, 0);
        round += weight;
    }
    for (int64_t i = 0; i < round * 20 + round / 3; i++) {
        const int64_t name = pick(s);
        got[name]++;
        sched_return_slot(runs[name - 1]);
    }
    for (int64_t i = 0; i < TENANTS; i++)
        shares[i] = (double)got[i + 1] / (weighted ? 1 + (double)(i % 5) : 1);
    assert_true(jain(shares, TENANTS) >= 0.999);
    for (size_t i = 0; i < TENANTS; i++)
        sched_run_free(runs[i]);
    sched_free(s);
}

static void jains_index_is_that_of_equals(void **state)
{
    (void)state;
    check_shares(false);
}

static void with_weights_it_is_that_of_shares_by_weight(void **state)
{
    (void)state;
    check_shares(true);
}

static void projects_share_what_their_tenant_gets(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *a = new_run(s, 1, 1, 1), *b = new_run(s, 1, 2, 2);
    struct sched_run *c = new_run(s, 1, 3, 3), *other = new_run(s, 2, 1, 4);

    sched_add_slots(s, 100);
    sched_set_project(s, 1, 2, 2);
    sched_offer(a, 0, 50, 100); /* a priority is above others of its project alone */
    sched_offer(b, 0, 50, 0);
    sched_offer(c, 0, 50, 0);
    sched_offer(other, 0, 50, -100);
    assert_string_equal(picks(s, 16), "1424243414242434");
    sched_run_free(a);
    sched_run_free(b);
    sched_run_free(c);
    sched_run_free(other);
    sched_free(s);
}

static void a_run_goes_with_the_project_that_it_is_of(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *a = new_run(s, 1, 1, 1), *b = new_run(s, 1, 1, 2);

    sched_add_slots(s, 100);
    sched_offer(b, 0, 50, 0);
    sched_run_project(b, 2);
    assert_int_equal(sched_waiting(s), 0);
    sched_offer(a, 0, 50, 9);
    sched_offer(b, 0, 50, 0);
    assert_string_equal(picks(s, 6), "121212");
    sched_run_free(a);
    sched_run_free(b);
    sched_free(s);
}

static void a_newcomer_is_served_within_two_rounds(void **state)
{
    (void)state;
    enum { TENANTS = 60 };

    for (int64_t late = 0; late < 130; late++) {
        struct sched *s = sched_new();
        struct sched_run *runs[TENANTS + 1];
        int64_t n = 1;
        sched_add_slots(s, 10000);
        for (int64_t i = 0; i < TENANTS; i++) {
            runs[i] = new_run(s, i + 1, 1, i + 1);
            sched_set_tenant(s, i + 1, 1 + i % 2, -1);
            sched_offer(runs[i], 0, 1000, 0);
        }
        for (int64_t i = 0; i < late; i++)
            pick(s);
        runs[TENANTS] = new_run(s, TENANTS + 1, 1, TENANTS + 1);
        sched_offer(runs[TENANTS], 0, 1, -100);
        while (pick(s) != TENANTS + 1)
            n++;
        assert_true(n <= 2 * (TENANTS * 3 / 2 + 1));
        for (size_t i = 0; i <= TENANTS; i++)
            sched_run_free(runs[i]);
        sched_free(s);
    }
}

static void at_most_so_many_of_a_tenant_run(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *a = new_run(s, 1, 1, 1), *b = new_run(s, 2, 1, 2);

    sched_add_slots(s, 7);
    sched_set_tenant(s, 1, 1, 2);
    sched_offer(a, 0, 50, 0);
    sched_offer(b, 0, 3, 0);
    assert_string_equal(picks(s, 6), "121220");
    assert_int_equal(sched_standing(s, 1).running, 2);
    assert_int_equal(sched_standing(s, 1).picks, 2);
    assert_false(sched_standing(s, 1).in_turn);
    assert_int_equal(sched_standing(s, 3).running, 0);
    sched_return_slot(b);
    assert_int_equal(pick(s), 0);
    sched_return_slot(a);
    assert_true(sched_standing(s, 1).in_turn);
    assert_string_equal(picks(s, 2), "10");
    sched_take_slot(a); /* adopted, beyond what it may */
    sched_return_slot(a);
    assert_int_equal(pick(s), 0);
    sched_set_tenant(s, 1, 1, 3);
    assert_string_equal(picks(s, 2), "10");
    sched_set_tenant(s, 1, 1, -1);
    assert_string_equal(picks(s, 2), "11");
    sched_set_tenant(s, 1, 1, 0);
    assert_int_equal(pick(s), 0);
    sched_run_free(a);
    sched_run_free(b);
    sched_free(s);
}

static void weights_are_within_bounds_and_may_change(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *a = new_run(s, 1, 1, 1), *b = new_run(s, 2, 1, 2);
    int64_t n = 0;

    sched_add_slots(s, 10000);
    sched_set_tenant(s, 1, 0, -1);
    sched_offer(a, 0, 5000, 0);
    sched_offer(b, 0, 5000, 0);
    assert_string_equal(picks(s, 4), "1212");
    sched_set_tenant(s, 1, SCHED_WEIGHT_MAX + 1, -1);
    for (int64_t i = 0; i < 2 * (SCHED_WEIGHT_MAX + 1); i++)
        n += pick(s) == 2;
    assert_int_equal(n, 2);
    assert_int_equal(pick(s), 1); /* the first of a thousand */
    sched_set_tenant(s, 1, 2, -1);
    assert_string_equal(picks(s, 6), "112112");
    sched_run_free(a);
    sched_run_free(b);
    sched_free(s);
}

/* Two of 3 picks a round; after one of them its limit is reached. */
static void who_was_blocked_gets_the_rest_of_its_round_and_no_more(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *a = new_run(s, 1, 1, 1), *b = new_run(s, 2, 1, 2);
    struct sched_run *c = new_run(s, 3, 1, 3);

    sched_add_slots(s, 100);
    sched_set_tenant(s, 1, 2, -1);
    offer_limited(a, 0, 50, "gpu", 1);
    sched_offer(b, 0, 50, 0);
    sched_offer(c, 0, 50, 0);
    assert_string_equal(picks(s, 2), "12"); /* it is in the way of nobody */
    finish(a, 0);
    assert_string_equal(picks(s, 3), "312");
    finish(a, 1);
    assert_string_equal(picks(s, 2), "31"); /* its round was over: the next has begun */
    sched_run_free(a);
    sched_run_free(b);
    sched_run_free(c);
    sched_free(s);
}

static void who_leaves_and_comes_back_gets_no_second_turn(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *a = new_run(s, 1, 1, 1), *b = new_run(s, 2, 1, 2);
    struct sched_run *c = new_run(s, 3, 1, 3);

    sched_add_slots(s, 100);
    sched_offer(b, 0, 20, 0);
    sched_offer(c, 0, 20, 0);
    for (int64_t i = 0; i < 5; i++) {
        sched_offer(a, i, 1, 0);
        const char *got = picks(s, 1);
        sched_offer(a, 100 + i, 1, 0);
        sched_retract(a, 100 + i, 1);
        assert_non_null(strchr("123", got[0]));
        got = picks(s, 2);
        assert_true(got[0] != got[1]);
    }
    sched_run_free(a);
    sched_run_free(b);
    sched_run_free(c);
    sched_free(s);
}

/* There are always two small runs that wait, each of them new: they must not be the
 * round that never ends. */
static void runs_that_come_one_after_another_hold_up_no_old_one(void **state)
{
    (void)state;
    enum { SMALL = 60 };
    struct sched *s = sched_new();
    struct sched_run *old = new_run(s, 1, 1, 1), *small[SMALL];
    size_t n = 0, n_old = 0;

    sched_add_slots(s, 1);
    sched_offer(old, 0, 100, 0);
    while (n < SMALL) {
        while (n < SMALL && sched_waiting(s) < 102 - (int64_t)n_old) {
            small[n] = new_run(s, 1, 1, 2);
            sched_offer(small[n++], 0, 1, 0);
        }
        n_old += pick(s) == 1;
        sched_return_slot(old);
    }
    assert_in_range(n_old, SMALL / 2 - 2, SMALL / 2 + 2);
    for (size_t i = 0; i < SMALL; i++)
        sched_run_free(small[i]);
    sched_run_free(old);
    sched_free(s);
}

/* One wants both places, one of a higher priority in another project always one of
 * them: a priority is above others of its project alone. */
static void no_priority_of_another_project_takes_all_places(void **state)
{
    (void)state;
    const struct sched_need both = {.name = "db", .amount = 2, .size = 2};
    const struct sched_need one = {.name = "db", .amount = 1, .size = 2};
    struct sched *s = sched_new();
    struct sched_run *high = new_run(s, 1, 1, 1), *low = new_run(s, 1, 2, 2);
    int64_t n = 0, done = 0;

    sched_add_slots(s, 10);
    sched_offer_limited(high, 0, 500, 9, &one, 1);
    assert_string_equal(picks(s, 2), "11");
    sched_offer_limited(low, 0, 1, 0, &both, 1);
    assert_int_equal(pick(s), 0);
    for (int64_t got = 0; got != 2 && n < 400; n++) {
        if (n % 2 == 0 || got == 0)
            finish(high, done++);
        got = pick(s);
    }
    assert_in_range(n, SCHED_OVERTAKEN_MAX, 2 * SCHED_OVERTAKEN_MAX + 8);
    sched_run_free(high);
    sched_run_free(low);
    sched_free(s);
}

static void a_run_with_a_thousand_limits_holds_up_no_small_one(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *big = new_run(s, 1, 1, 1), *small = new_run(s, 1, 1, 2);

    sched_add_slots(s, 100);
    for (int64_t i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "customer-%lld", (long long)i);
        offer_limited(big, i, 1, name, 1);
    }
    sched_offer(small, 0, 3, 0);
    assert_string_equal(picks(s, 8), "12121211");
    sched_run_free(big);
    sched_run_free(small);
    sched_free(s);
}

static void a_hundred_runs_get_one_place_in_turn(void **state)
{
    (void)state;
    enum { RUNS = 100 };
    struct sched *s = sched_new();
    struct sched_run *runs[RUNS];

    sched_add_slots(s, 10);
    for (int64_t i = 0; i < RUNS; i++) {
        runs[i] = new_run(s, 1, 1, i + 1);
        offer_limited(runs[i], 0, 2, "deploy", 1);
    }
    for (int64_t node = 0; node < 2; node++)
        for (int64_t i = 0; i < RUNS; i++) {
            assert_int_equal(pick(s), i + 1);
            if (i % 2 == 0) /* whether or not it is found blocked in between */
                assert_int_equal(pick(s), 0);
            finish(runs[i], node);
        }
    assert_int_equal(sched_waiting(s), 0);
    for (int64_t i = 0; i < RUNS; i++)
        sched_run_free(runs[i]);
    sched_free(s);
}

static void as_many_runs_take_turns_as_there_are_places(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *a = new_run(s, 1, 1, 1), *b = new_run(s, 1, 1, 2);
    struct sched_run *c = new_run(s, 1, 1, 3);

    sched_add_slots(s, 100);
    offer_limited(a, 0, 9, "gpu", 5);
    offer_limited(b, 0, 9, "gpu", 5);
    sched_offer(c, 0, 9, 0);
    assert_string_equal(picks(s, 7), "1231231");
    sched_run_free(a);
    sched_run_free(b);
    sched_run_free(c);
    sched_free(s);
}

/* What was offered last without limits is found by the last bits of its priority. */
static void priorities_with_the_same_last_bits_are_told_apart(void **state)
{
    (void)state;
    static const int32_t priorities[] = {0, 4, -4, 4, 0};
    static const int64_t wanted[] = {1, 3, 0, 4, 2};
    struct sched *s = sched_new();
    struct sched_run *r = new_run(s, 1, 1, 1);
    void *owner;
    int64_t node;

    sched_add_slots(s, 100);
    for (int64_t i = 0; i < 5; i++)
        sched_offer(r, i, 1, priorities[i]);
    for (size_t i = 0; i < 5; i++) {
        assert_true(sched_pick(s, &owner, &node));
        assert_int_equal(node, wanted[i]);
    }
    sched_run_free(r);
    sched_free(s);
}

static void who_waits_for_a_place_is_not_overtaken_by_those_who_come(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *first = new_run(s, 1, 1, 1), *patient = new_run(s, 1, 1, 2);
    struct sched_run *others[20];

    sched_add_slots(s, 10);
    offer_limited(first, 0, 1, "deploy", 1);
    assert_int_equal(pick(s), 1);
    offer_limited(patient, 0, 1, "deploy", 1);
    for (int64_t i = 0; i < 20; i++) {
        others[i] = new_run(s, 1, 1, 3);
        offer_limited(others[i], 0, 1, "deploy", 1);
        assert_int_equal(pick(s), 0);
    }
    finish(first, 0);
    assert_int_equal(pick(s), 2);
    sched_run_free(first);
    sched_run_free(patient);
    for (size_t i = 0; i < 20; i++)
        sched_run_free(others[i]);
    sched_free(s);
}

/* The one that was asked goes away with its run: the others hear of the place. */
static void a_place_is_not_lost_with_the_run_that_was_asked(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *a = new_run(s, 1, 1, 1), *b = new_run(s, 1, 1, 2);
    struct sched_run *c = new_run(s, 1, 1, 3);

    sched_add_slots(s, 10);
    offer_limited(a, 0, 1, "deploy", 1);
    offer_limited(b, 0, 1, "deploy", 1);
    offer_limited(c, 0, 1, "deploy", 1);
    assert_int_equal(pick(s), 1);
    assert_int_equal(pick(s), 0);
    finish(a, 0);
    sched_retract(b, 0, 1);
    assert_int_equal(pick(s), 3);
    finish(c, 0);
    offer_limited(a, 1, 1, "deploy", 1);
    offer_limited(b, 1, 1, "deploy", 1);
    sched_run_free(a);
    assert_int_equal(pick(s), 2);
    sched_run_free(b);
    sched_run_free(c);
    sched_free(s);
}

static void what_follows_on_another_is_one_range(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *r = new_run(s, 1, 1, 1);
    void *owner;
    int64_t node;

    sched_add_slots(s, 1000);
    for (int64_t i = 0; i < 100; i++)
        sched_offer(r, i, 1, 0);
    sched_retract(r, 50, 10);
    sched_offer(r, 50, 10, 0);
    for (int64_t i = 0; i < 100; i++) {
        const int64_t wanted = i < 50 ? i : i < 90 ? i + 10 : i - 40;
        assert_true(sched_pick(s, &owner, &node));
        assert_int_equal(node, wanted);
    }
    sched_offer(r, 60, 1, 0); /* after the last one, and all were taken */
    assert_int_equal(pick(s), 1);
    sched_run_free(r);
    sched_free(s);
}

static void nothing_of_one_that_is_held_goes(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    struct sched_run *a = new_run(s, 1, 1, 1), *b = new_run(s, 2, 1, 2);

    sched_add_slots(s, 1000);
    sched_set_tenant(s, 1, 1, 2);
    sched_offer(a, 0, 9, 0);
    sched_offer(b, 0, 2, 0);
    sched_hold_tenant(s, 1, true);
    sched_hold_tenant(s, 3, true); /* of whom nothing is known yet */
    assert_string_equal(picks(s, 3), "220");
    sched_set_tenant(s, 1, 1, 5); /* as its row says */
    assert_int_equal(pick(s), 0);
    sched_hold_tenant(s, 1, false);
    assert_string_equal(picks(s, 6), "111110"); /* no more than its row says */
    struct sched_run *c = new_run(s, 3, 1, 3);
    sched_offer(c, 0, 1, 0);
    assert_int_equal(pick(s), 0);
    sched_hold_tenant(s, 3, false);
    assert_int_equal(pick(s), 3);
    sched_run_free(a);
    sched_run_free(b);
    sched_run_free(c);
    sched_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jains_index_is_that_of_equals),
        cmocka_unit_test(with_weights_it_is_that_of_shares_by_weight),
        cmocka_unit_test(projects_share_what_their_tenant_gets),
        cmocka_unit_test(a_run_goes_with_the_project_that_it_is_of),
        cmocka_unit_test(a_newcomer_is_served_within_two_rounds),
        cmocka_unit_test(at_most_so_many_of_a_tenant_run),
        cmocka_unit_test(weights_are_within_bounds_and_may_change),
        cmocka_unit_test(who_was_blocked_gets_the_rest_of_its_round_and_no_more),
        cmocka_unit_test(who_leaves_and_comes_back_gets_no_second_turn),
        cmocka_unit_test(runs_that_come_one_after_another_hold_up_no_old_one),
        cmocka_unit_test(no_priority_of_another_project_takes_all_places),
        cmocka_unit_test(a_run_with_a_thousand_limits_holds_up_no_small_one),
        cmocka_unit_test(a_hundred_runs_get_one_place_in_turn),
        cmocka_unit_test(as_many_runs_take_turns_as_there_are_places),
        cmocka_unit_test(priorities_with_the_same_last_bits_are_told_apart),
        cmocka_unit_test(who_waits_for_a_place_is_not_overtaken_by_those_who_come),
        cmocka_unit_test(a_place_is_not_lost_with_the_run_that_was_asked),
        cmocka_unit_test(what_follows_on_another_is_one_range),
        cmocka_unit_test(nothing_of_one_that_is_held_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
