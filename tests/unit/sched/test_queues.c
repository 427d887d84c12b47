/* test_queues.c - paused queues in the scheduler: who goes, who keeps its turn, and
 * that nothing is kept for what cannot go. */
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
    sched_started(r, node, 0, ignore, NULL);
    sched_ended(r, node, ignore, NULL);
    sched_settled(r);
    sched_return_slot(r);
}

static void offer(struct sched_run *r, const char *queue, int64_t node, int64_t count)
{
    sched_offer_queued(r, queue, node, count, 0, NULL, 0);
}

static void a_paused_queue_holds_up_its_own_and_nobody_else(void **state)
{
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);

    (void)state;
    sched_add_slots(s, 10);
    offer(r, "gpu", 10, 2);
    offer(r, SCHED_QUEUE_DEFAULT, 20, 1);
    sched_set_paused(s, 1, "gpu", true);
    sched_set_paused(s, 1, "gpu", true);
    assert_int_equal(pick(s), 20);
    assert_int_equal(pick(s), -1);
    offer(r, "gpu", 12, 1); /* what comes later waits too */
    assert_int_equal(pick(s), -1);
    assert_int_equal(sched_waiting(s), 3);
    sched_set_paused(s, 1, "gpu", false);
    sched_set_paused(s, 1, "gpu", false);
    assert_int_equal(pick(s), 10);
    assert_int_equal(pick(s), 11);
    assert_int_equal(pick(s), 12);
    assert_int_equal(pick(s), -1);
    sched_run_free(r);
    sched_free(s);
}

static void a_pause_comes_before_the_first_offer_and_is_of_one_tenant(void **state)
{
    struct sched *s = sched_new();
    struct sched_run *mine = sched_run_new(s, 1, 1, s);
    struct sched_run *theirs = sched_run_new(s, 2, 1, s);

    (void)state;
    sched_add_slots(s, 10);
    sched_set_paused(s, 1, SCHED_QUEUE_DEFAULT, true);
    sched_offer(mine, 1, 1, 0);
    sched_offer(mine, 2, 1, 50);
    sched_offer(theirs, 3, 1, 0);
    assert_int_equal(pick(s), 3);
    assert_int_equal(pick(s), -1);
    sched_retract(mine, 1, 1);
    assert_int_equal(sched_waiting(s), 1);
    sched_set_paused(s, 1, SCHED_QUEUE_DEFAULT, false);
    assert_int_equal(pick(s), 2);
    assert_int_equal(pick(s), -1);
    sched_offer(mine, 4, 1, 0);
    sched_set_paused(s, 1, SCHED_QUEUE_DEFAULT, true);
    assert_int_equal(pick(s), -1);
    sched_run_free(mine); /* with what it still offers */
    assert_int_equal(sched_waiting(s), 0);
    sched_run_free(theirs);
    sched_free(s);
}

/* One that wants both places would have them kept for it when it was overtaken so
 * often; while it cannot go it must not. */
static void no_limit_is_kept_for_what_is_paused(void **state)
{
    const struct sched_need both = {.name = "db", .amount = 2, .size = 2};
    const struct sched_need one = {.name = "db", .amount = 1, .size = 2};
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);
    const int64_t n = INT64_C(4) * SCHED_OVERTAKEN_MAX;

    (void)state;
    sched_add_slots(s, 2);
    sched_offer_limited(r, 0, n, 0, &one, 1);
    assert_int_equal(pick(s), 0);
    sched_offer_queued(r, "gpu", 9000, 1, 0, &both, 1);
    for (int64_t i = 1; i < SCHED_OVERTAKEN_MAX / 2; i++) {
        assert_int_equal(pick(s), i); /* it waits, and is overtaken */
        finish(r, i - 1);
    }
    sched_set_paused(s, 1, "gpu", true);
    for (int64_t i = SCHED_OVERTAKEN_MAX / 2; i < n; i++) {
        assert_int_equal(pick(s), i);
        finish(r, i - 1);
    }
    finish(r, n - 1);
    assert_int_equal(pick(s), -1);
    assert_int_equal(sched_held(s, 1, "db"), 0);
    sched_set_paused(s, 1, "gpu", false);
    assert_int_equal(pick(s), 9000);
    assert_int_equal(sched_held(s, 1, "db"), 2);
    finish(r, 9000);
    sched_run_free(r);
    sched_free(s);
}

/* What was kept for it when the pause came is free for the others. */
static void a_pause_lets_go_what_was_kept(void **state)
{
    const struct sched_need both = {.name = "db", .amount = 2, .size = 2};
    const struct sched_need one = {.name = "db", .amount = 1, .size = 2};
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);
    int64_t last = 0;

    (void)state;
    sched_add_slots(s, 2);
    sched_offer_limited(r, 0, 1000, 0, &one, 1);
    assert_int_equal(pick(s), 0);
    sched_offer_queued(r, "gpu", 9000, 1, 0, &both, 1);
    for (int64_t node; (node = pick(s)) >= 0; last = node)
        finish(r, last);
    assert_int_equal(sched_free_slots(s),
                     1); /* a slot and a place are free, and kept */
    assert_int_equal(sched_held(s, 1, "db"), 1);
    sched_set_paused(s, 1, "gpu", true);
    assert_int_equal(pick(s), last + 1);
    finish(r, last);
    finish(r, last + 1);
    sched_set_paused(s, 1, "gpu", false);
    sched_run_free(r);
    assert_int_equal(sched_waiting(s), 0);
    sched_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paused_queue_holds_up_its_own_and_nobody_else),
        cmocka_unit_test(a_pause_comes_before_the_first_offer_and_is_of_one_tenant),
        cmocka_unit_test(no_limit_is_kept_for_what_is_paused),
        cmocka_unit_test(a_pause_lets_go_what_was_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
