/* test_admit.c - which runs of a key may begin, wait, or go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sched/admit.h"

static struct admit_run *join(struct admit *a, int64_t no, int64_t limit,
                              enum admit_overflow overflow, int32_t priority)
{
    const struct admit_want want = {.tenant = 1,
                                    .key = "k",
                                    .limit = limit,
                                    .overflow = overflow,
                                    .priority = priority,
                                    .order = no,
                                    .owner = (void *)(intptr_t)no};

    return admit_join(a, &want);
}

/* All that there is to tell: "1+0 2w 3d 4o ". */
static const char *told(struct admit *a)
{
    static char text[256];
    struct admit_answer answer;
    size_t len = 0;

    text[0] = '\0';
    while (admit_next(a, &answer)) {
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len, "%lld%c",
                             (long long)(intptr_t)answer.owner, "+wdo"[answer.verdict]);
        if (answer.verdict == ADMITTED)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%lld",
                                    (long long)answer.place);
        len += (size_t)snprintf(text + len, sizeof(text) - len, " ");
    }
    return text;
}

static void runs_wait_in_order_and_take_the_lowest_place(void **state)
{
    struct admit *a = admit_new();
    struct admit_run *r[6];

    (void)state;
    for (int i = 1; i < 6; i++)
        r[i] = join(a, i, 2, ADMIT_QUEUE, i == 5 ? 7 : 0);
    assert_string_equal(told(a), "5+0 1+1 2w 3w 4w ");
    admit_leave(r[5]);
    assert_string_equal(told(a), "2+0 ");
    admit_leave(r[3]);
    admit_leave(r[1]);
    assert_string_equal(told(a), "4+1 ");
    admit_leave(r[2]);
    admit_leave(r[4]);
    admit_leave(NULL);
    assert_string_equal(told(a), "");
    admit_free(a);
}

static void the_newest_is_cancelled_or_fails(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct admit *a = admit_new();
        const enum admit_overflow overflow = i ? ADMIT_FAIL : ADMIT_CANCEL_NEWEST;
        struct admit_run *one = join(a, 1, 1, overflow, 0);
        assert_string_equal(told(a), "1+0 ");
        struct admit_run *two = join(a, 2, 1, overflow, 0);
        assert_string_equal(told(a), "2d ");
        admit_leave(two);
        admit_leave(one);
        struct admit_run *three = join(a, 3, 1, overflow, 0);
        assert_string_equal(told(a), "3+0 ");
        admit_leave(three);
        admit_free(a);
    }
}

static void the_oldest_go_when_newer_ones_come(void **state)
{
    struct admit *a = admit_new();
    struct admit_run *one = join(a, 1, 1, ADMIT_CANCEL_OLDEST, 0);

    (void)state;
    assert_string_equal(told(a), "1+0 ");
    struct admit_run *two = join(a, 2, 1, ADMIT_CANCEL_OLDEST, 0);
    assert_string_equal(told(a), "1o 2w ");
    struct admit_run *three = join(a, 3, 1, ADMIT_CANCEL_OLDEST, 0);
    assert_string_equal(told(a), "2o 3w ");
    admit_leave(two);
    assert_string_equal(told(a), "");
    admit_leave(one);
    assert_string_equal(told(a), "3+0 ");
    admit_leave(three);
    admit_free(a);
}

/* All join at once, in any sequence; those that held say so. */
static void after_a_restart_it_comes_to_the_same(void **state)
{
    struct admit *a = admit_new();
    struct admit_run *four = join(a, 4, 2, ADMIT_QUEUE, 0);
    struct admit_run *two = join(a, 2, 2, ADMIT_QUEUE, 0);
    struct admit_run *three = join(a, 3, 2, ADMIT_QUEUE, 0);
    struct admit_run *one = join(a, 1, 2, ADMIT_QUEUE, 0);

    (void)state;
    admit_holds(one, 1);
    assert_string_equal(told(a), "2+0 3w 4w ");
    admit_stopping(one);
    assert_string_equal(told(a), "");
    admit_leave(one);
    assert_string_equal(told(a), "3+1 ");
    admit_leave(two);
    admit_leave(three);
    admit_leave(four);
    admit_free(a);
}

static void keys_and_tenants_are_apart(void **state)
{
    struct admit *a = admit_new();
    struct admit_want want = {
        .tenant = 1, .key = "k", .limit = 1, .order = 1, .owner = (void *)(intptr_t)1};
    struct admit_run *one = admit_join(a, &want);

    (void)state;
    want = (struct admit_want){
        .tenant = 2, .key = "k", .limit = 1, .order = 2, .owner = (void *)(intptr_t)2};
    struct admit_run *two = admit_join(a, &want);
    want = (struct admit_want){
        .tenant = 1, .key = "l", .limit = 1, .order = 3, .owner = (void *)(intptr_t)3};
    struct admit_run *three = admit_join(a, &want);
    assert_string_equal(told(a), "1+0 2+0 3+0 ");
    admit_leave(one);
    admit_leave(two);
    admit_leave(three);
    admit_free(a);
}

/* Each answer is found in one walk over those that wait: with a walk for each of them
 * this took minutes. */
static void thousands_may_wait_for_one_key(void **state)
{
    enum { N = 4000 };
    struct admit *a = admit_new();
    struct admit_run *r[N];
    struct admit_answer answer;
    size_t n_waiting = 0;

    (void)state;
    for (int i = 0; i < N; i++)
        r[i] = join(a, i, 1, ADMIT_QUEUE, 0);
    assert_true(admit_next(a, &answer));
    assert_int_equal(answer.verdict, ADMITTED);
    for (; admit_next(a, &answer); n_waiting++)
        assert_int_equal(answer.verdict, WAITS);
    assert_int_equal(n_waiting, N - 1);
    for (int i = 0; i < N; i++) {
        admit_leave(r[i]);
        assert_int_equal(admit_next(a, &answer), i + 1 < N);
    }
    admit_free(a);
}

/* Who goes anyway makes room: nobody else is cancelled for it. */
static void one_that_stops_is_counted_no_more(void **state)
{
    struct admit *a = admit_new();
    struct admit_run *one = join(a, 1, 2, ADMIT_CANCEL_OLDEST, 0);
    struct admit_run *two = join(a, 2, 2, ADMIT_CANCEL_OLDEST, 0);

    (void)state;
    assert_string_equal(told(a), "1+0 2+1 ");
    admit_stopping(two);
    admit_stopping(two);
    struct admit_run *three = join(a, 3, 2, ADMIT_CANCEL_OLDEST, 0);
    assert_string_equal(told(a), "3w ");
    admit_leave(two);
    assert_string_equal(told(a), "3+1 ");
    admit_leave(one);
    admit_leave(three);
    admit_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_wait_in_order_and_take_the_lowest_place),
        cmocka_unit_test(the_newest_is_cancelled_or_fails),
        cmocka_unit_test(the_oldest_go_when_newer_ones_come),
        cmocka_unit_test(after_a_restart_it_comes_to_the_same),
        cmocka_unit_test(keys_and_tenants_are_apart),
        cmocka_unit_test(thousands_may_wait_for_one_key),
        cmocka_unit_test(one_that_stops_is_counted_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
