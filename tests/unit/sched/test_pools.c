/* test_pools.c - nodes that ask for labels: who goes where, who waits, and that nobody
 * waits for whom nothing is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sched/sched.h"

static int64_t pick(struct sched *s)
{
    void *owner;
    int64_t node = -1;

    return sched_pick(s, &owner, &node) ? node : -1;
}

static void ignore(void *arg, const struct sched_place *place)
{
    (void)arg;
    (void)place;
}

static void finish(struct sched_run *r, int64_t node)
{
    sched_return_slot(r);
    sched_ended(r, node, ignore, NULL);
    sched_settled(r);
}

static void offer(struct sched_run *r, const char *labels, int64_t node, int64_t count)
{
    const struct sched_wants wants = {.queue = SCHED_QUEUE_DEFAULT, .labels = labels};

    sched_offer_wanting(r, node, count, &wants);
}

/* A pool, and the slots that its places are. */
static void set_pool(struct sched *s, const char *labels, int64_t before, int64_t now)
{
    sched_set_pool(s, labels, now);
    sched_add_slots(s, now - before);
}

static void who_asks_for_labels_waits_and_holds_nobody_up(void **state)
{
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);

    (void)state;
    set_pool(s, "", 0, 2);
    set_pool(s, "zone=b", 0, 1);
    offer(r, "gpu=a100,zone=b", 10, 3);
    offer(r, "zone=b", 20, 2);
    offer(r, NULL, 30, 1);
    assert_int_equal(pick(s), 20);
    assert_int_equal(pick(s), 30);
    assert_int_equal(pick(s), -1);
    assert_int_equal(sched_free_slots(s), 1);
    assert_int_equal(sched_waiting(s), 4);
    set_pool(s, "gpu=a100,zone=b", 0, 2);
    assert_int_equal(pick(s), 10);
    assert_int_equal(pick(s), 21); /* it was not asked meanwhile, and is the next */
    assert_int_equal(pick(s), -1);
    finish(r, 21);
    assert_int_equal(pick(s), 11);
    finish(r, 20);
    assert_int_equal(pick(s), -1); /* that place has no gpu */
    set_pool(s, "gpu=a100,zone=b", 2, 0);
    finish(r, 10);
    finish(r, 11);
    assert_int_equal(pick(s), -1);
    sched_run_free(r);
    sched_free(s);
}

static void who_asks_for_none_leaves_places_with_labels_to_others(void **state)
{
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);

    (void)state;
    set_pool(s, "gpu=a100,zone=b", 0, 1);
    set_pool(s, "gpu=a100", 0, 1);
    set_pool(s, "", 0, 1);
    offer(r, NULL, 10, 1);
    assert_int_equal(pick(s), 10);
    offer(r, "gpu=a100", 20, 1);
    assert_int_equal(pick(s), 20);
    offer(r, "zone=b", 30, 1);
    assert_int_equal(pick(s), 30);
    finish(r, 30);
    offer(r, NULL, 11, 1); /* rather there than not at all */
    assert_int_equal(pick(s), 11);
    offer(r, "zone=b", 31, 1);
    assert_int_equal(pick(s), -1);
    finish(r, 10);
    assert_int_equal(pick(s), -1);
    finish(r, 11);
    assert_int_equal(pick(s), 31);
    finish(r, 31);
    finish(r, 20);
    sched_run_free(r);
    sched_free(s);
}

static void what_is_found_elsewhere_has_its_place_there(void **state)
{
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);

    (void)state;
    set_pool(s, "", 0, 1);
    set_pool(s, "gpu=a100", 0, 1);
    offer(r, NULL, 10, 1);
    assert_int_equal(pick(s), 10);
    assert_true(sched_placed(r, 10, "gpu=a100"));
    assert_false(sched_placed(r, 10, "gpu=a100"));
    offer(r, "gpu=a100", 20, 1);
    assert_int_equal(pick(s), -1);
    assert_true(sched_placed(r, 10, ""));
    assert_int_equal(pick(s), 20);
    finish(r, 10);
    /* Adopted: first nobody knows where it is. */
    sched_take_slot(r);
    offer(r, NULL, 11, 1);
    assert_int_equal(pick(s), -1);
    assert_true(sched_placed(r, 12, ""));
    finish(r, 20);
    assert_int_equal(pick(s), 11); /* at the gpu: the other place is taken */
    finish(r, 12);
    offer(r, "gpu=a100", 21, 1);
    assert_int_equal(pick(s), -1);
    finish(r, 11);
    assert_int_equal(pick(s), 21);
    finish(r, 21);
    sched_run_free(r);
    sched_free(s);
}

static void a_run_that_is_loaded_again_keeps_what_is_confirmed(void **state)
{
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);
    struct sched_run *other = sched_run_new(s, 1, 1, s);

    (void)state;
    set_pool(s, "gpu=a100", 0, 2);
    set_pool(s, "", 0, 2);
    offer(r, "gpu=a100", 10, 2);
    assert_int_equal(pick(s), 10);
    assert_int_equal(pick(s), 11);
    offer(other, "gpu=a100", 20, 2);
    assert_int_equal(pick(s), -1);
    sched_return_slot(r);
    sched_return_slot(r);
    sched_run_clear(r);
    sched_drop_holds(r);
    assert_int_equal(pick(s), -1); /* both may still run */
    sched_take_slot(r);
    sched_confirm(r, 10);
    sched_end_strays(r, ignore, NULL);
    assert_int_equal(pick(s), 20);
    assert_int_equal(pick(s), -1);
    sched_return_slot(r);
    sched_run_free(r); /* with all that it has */
    assert_int_equal(pick(s), 21);
    sched_return_slot(other);
    sched_return_slot(other);
    sched_run_free(other);
    sched_free(s);
}

static void no_limit_is_kept_for_who_waits_for_an_executor(void **state)
{
    const struct sched_need one = {.name = "db", .amount = 1, .size = 1};
    const struct sched_wants choosy = {.queue = SCHED_QUEUE_DEFAULT,
                                       .labels = "gpu=a100",
                                       .needs = &one,
                                       .n_needs = 1};
    const int64_t n = INT64_C(3) * SCHED_OVERTAKEN_MAX;
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);

    (void)state;
    set_pool(s, "", 0, 2);
    sched_offer_wanting(r, 9000, 1, &choosy);
    sched_offer_limited(r, 0, n, 0, &one, 1);
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(pick(s), i);
        assert_int_equal(pick(s), -1);
        finish(r, i);
    }
    set_pool(s, "gpu=a100", 0, 1);
    assert_int_equal(pick(s), 9000);
    finish(r, 9000);
    sched_run_free(r);
    sched_free(s);
}

static void who_stood_aside_has_the_first_place_of_a_round(void **state)
{
    struct sched *s = sched_new();
    struct sched_run *many = sched_run_new(s, 1, 1, s);
    struct sched_run *few = sched_run_new(s, 2, 1, NULL);
    int64_t running[10], n_few = 0;
    void *owner;

    (void)state;
    sched_set_tenant(s, 1, 100, -1);
    set_pool(s, "", 0, 9);
    set_pool(s, "gpu=a100", 0, 1);
    offer(many, NULL, 0, 100000);
    offer(few, "gpu=a100", 0, 1000);
    for (int i = 0; i < 10; i++) {
        assert_true(sched_pick(s, &owner, &running[i]));
        running[i] = owner ? running[i] : -1 - running[i];
    }
    for (int i = 0; i < 5050; i++) { /* 50 rounds of 101 picks */
        int64_t *one = &running[i % 10];
        if (*one >= 0)
            finish(many, *one);
        else
            finish(few, -1 - *one);
        assert_true(sched_pick(s, &owner, one));
        n_few += owner == NULL;
        *one = owner ? *one : -1 - *one;
    }
    assert_in_range(n_few, 48, 52); /* of each round what it weighs */
    for (int i = 0; i < 10; i++)
        sched_return_slot(running[i] >= 0 ? many : few);
    sched_run_free(many);
    sched_run_free(few);
    sched_free(s);
}

static void who_comes_after_one_that_went_is_woken(void **state)
{
    struct sched *s = sched_new();
    struct sched_run *first = sched_run_new(s, 1, 1, s);
    struct sched_run *other = sched_run_new(s, 1, 1, s);
    struct sched_run *second = sched_run_new(s, 1, 1, s);

    (void)state;
    set_pool(s, "gpu=a100", 0, 2);
    set_pool(s, "", 0, 1);
    offer(first, "gpu=a100", 10, 1);
    offer(other, NULL, 20, 1);
    offer(second, "gpu=a100", 30, 1);
    set_pool(s, "gpu=a100", 2, 0);
    assert_int_equal(pick(s), 20); /* the first stands aside; the second is not met */
    sched_retract(first, 10, 1);
    set_pool(s, "gpu=a100", 0, 1);
    assert_int_equal(pick(s), 30);
    finish(other, 20);
    finish(second, 30);
    sched_run_free(first);
    sched_run_free(other);
    sched_run_free(second);
    sched_free(s);
}

/* --- against a model --- */

#define N_RUNS 4

static const char *const pool_labels[] = {"", "gpu=a", "gpu=a,zone=b",
                                          "os=x,ssd=1,zone=b"};
static const char *const asks[] = {NULL, "gpu=a", "zone=b", "ssd=1", "none=x"};
#define N_POOLS (sizeof(pool_labels) / sizeof(pool_labels[0]))
#define N_ASKS  (sizeof(asks) / sizeof(asks[0]))

struct model {
    int64_t places[N_POOLS], used[N_POOLS];
    int64_t waiting[N_ASKS];
    struct {
        int pool, run;
        int64_t node;
    } running[4096];
    int n_running;
};

/* Their order is that of their numbers of labels. */
static int model_pool(const struct model *m, const char *ask)
{
    for (size_t i = 0; i < N_POOLS; i++)
        if (m->used[i] < m->places[i] && (!ask || labels_satisfy(pool_labels[i], ask)))
            return (int)i;
    return -1;
}

static void check_pick(struct sched *s, struct model *m)
{
    void *owner;
    int64_t node;

    if (sched_pick(s, &owner, &node)) {
        const size_t ask = (size_t)node % N_ASKS;
        const int pool = model_pool(m, asks[ask]);
        assert_int_not_equal(pool, -1);
        m->used[pool]++;
        m->waiting[ask]--;
        m->running[m->n_running].pool = pool;
        m->running[m->n_running].run = (int)(intptr_t)owner;
        m->running[m->n_running++].node = node;
        return;
    }
    for (size_t i = 0; i < N_ASKS; i++)
        if (m->waiting[i] > 0 && sched_free_slots(s) > 0)
            assert_int_equal(model_pool(m, asks[i]), -1);
}

static void end_one(struct sched_run **runs, struct model *m, int i)
{
    finish(runs[m->running[i].run], m->running[i].node);
    m->used[m->running[i].pool]--;
    m->running[i] = m->running[--m->n_running];
}

static void resize_one(struct sched *s, struct model *m, size_t pool, int64_t places)
{
    set_pool(s, pool_labels[pool], m->places[pool], places);
    m->places[pool] = places;
}

static void whoever_may_go_goes(void **state)
{
    const char *given = getenv("FF_SEED");
    const uint64_t seed = given ? strtoull(given, NULL, 10) : 20261123;
    struct rand random;
    struct sched *s = sched_new();
    struct sched_run *runs[N_RUNS];
    static struct model m;
    int64_t next = 0;

    (void)state;
    rand_seed(&random, seed);
    printf("FF_SEED=%llu\n", (unsigned long long)seed);
    for (intptr_t i = 0; i < N_RUNS; i++)
        runs[i] = sched_run_new(s, 1 + i % 2, 1, (void *)i);
    for (int step = 0; step < 200000; step++) {
        const uint64_t x = rand_next(&random);
        const uint64_t what = x % 100, which = x >> 32;
        const size_t ask = (which >> 16) % N_ASKS;
        if (what < 3) {
            resize_one(s, &m, which % N_POOLS, (int64_t)(which >> 8) % 5);
        } else if (what < 40 && m.waiting[ask] < 20) {
            offer(runs[which % N_RUNS], asks[ask],
                  next++ * (int64_t)N_ASKS + (int64_t)ask, 1);
            m.waiting[ask]++;
        } else if (what < 70 && m.n_running > 0) {
            end_one(runs, &m, (int)(which % (uint64_t)m.n_running));
        } else {
            check_pick(s, &m);
        }
    }
    assert_true(next > 10000);
    while (m.n_running > 0)
        end_one(runs, &m, 0);
    for (size_t i = 0; i < N_RUNS; i++)
        sched_run_free(runs[i]);
    sched_free(s);
}

/* Who has a place that is not given to anybody wants to know where it would be used. */
static void it_is_known_who_would_use_a_place(void **state)
{
    struct sched *s = sched_new();
    struct sched_run *one = sched_run_new(s, 1, 1, s);
    struct sched_run *two = sched_run_new(s, 2, 1, s);

    (void)state;
    assert_int_equal(sched_wanted(s, NULL), 0);
    offer(one, NULL, 10, 3);
    offer(two, NULL, 20, 1);
    assert_int_equal(sched_wanted(s, ""), 2); /* tenants, however much each has */
    assert_int_equal(sched_wanted(s, "gpu=a100"), 2);

    set_pool(s, "", 0, 4);
    assert_int_equal(sched_wanted(s, ""), 0); /* there are places for all that waits */
    set_pool(s, "", 4, 2);
    assert_int_equal(pick(s), 10);
    assert_int_equal(pick(s), 20);
    assert_int_equal(sched_wanted(s, ""), 1);
    finish(two, 20);
    assert_int_equal(pick(s), 11);

    /* What asks for labels wants a place that has them, and no other. */
    offer(two, "gpu=a100", 30, 2);
    set_pool(s, "", 2, 5);
    assert_int_equal(pick(s), 12);
    assert_int_equal(pick(s), -1);
    assert_int_equal(sched_wanted(s, ""), 0);
    assert_int_equal(sched_wanted(s, "gpu=h100"), 0);
    assert_int_equal(sched_wanted(s, "gpu=a100,zone=b"), 1);
    assert_int_equal(sched_wanted(s, NULL), 1);

    /* What may not go for another reason wants none. */
    sched_set_paused(s, 2, SCHED_QUEUE_DEFAULT, true);
    assert_int_equal(sched_wanted(s, NULL), 0);
    sched_set_paused(s, 2, SCHED_QUEUE_DEFAULT, false);
    assert_int_equal(pick(s), -1);
    assert_int_equal(sched_wanted(s, NULL), 1);
    set_pool(s, "gpu=a100", 0, 1);
    assert_int_equal(pick(s), 30);
    sched_retract(two, 31, 1);
    assert_int_equal(sched_wanted(s, NULL), 0);
    for (int64_t node = 10; node < 13; node++)
        finish(one, node);
    finish(two, 30);
    sched_run_free(one);
    sched_run_free(two);
    sched_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_known_who_would_use_a_place),
        cmocka_unit_test(who_asks_for_labels_waits_and_holds_nobody_up),
        cmocka_unit_test(who_asks_for_none_leaves_places_with_labels_to_others),
        cmocka_unit_test(what_is_found_elsewhere_has_its_place_there),
        cmocka_unit_test(a_run_that_is_loaded_again_keeps_what_is_confirmed),
        cmocka_unit_test(no_limit_is_kept_for_who_waits_for_an_executor),
        cmocka_unit_test(who_stood_aside_has_the_first_place_of_a_round),
        cmocka_unit_test(who_comes_after_one_that_went_is_woken),
        cmocka_unit_test(whoever_may_go_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
