/* Token buckets: a second's worth at once, then so many a second. */
#include "support.h"

#include "rest/bucket.h"
#include <string.h>

#define NOW (INT64_C(1000) * UNITS_SECOND)

static void a_second_of_requests_may_come_at_once_and_no_more(void **state)
{
    struct buckets b = {0};
    struct bucket_state s;
    (void)state;

    for (int64_t i = 0; i < 10; i++) {
        assert_true(bucket_take(&b, "a", 10, NOW, &s));
        assert_int_equal(s.limit, 10);
        assert_int_equal(s.left, 9 - i);
        assert_int_equal(s.retry_us, 0);
    }
    assert_int_equal(s.reset_us, UNITS_SECOND);
    assert_false(bucket_take(&b, "a", 10, NOW, &s));
    assert_int_equal(s.left, 0);
    assert_int_equal(s.retry_us, UNITS_SECOND / 10);
    buckets_done(&b);
}

static void whether_there_is_one_is_asked_without_taking_it(void **state)
{
    struct buckets b = {0};
    struct bucket_state s;
    (void)state;

    for (int i = 0; i < 100; i++) {
        assert_true(bucket_has(&b, "a", 10, NOW, &s));
        assert_int_equal(s.left, 10);
    }
    while (bucket_take(&b, "a", 10, NOW, &s))
        ;
    assert_false(bucket_has(&b, "a", 10, NOW, &s));
    assert_true(bucket_has(&b, "a", 10, NOW + s.retry_us, &s));
    buckets_done(&b);
}

static void who_comes_when_he_was_told_to_is_let_in(void **state)
{
    struct buckets b = {0};
    struct bucket_state s;
    int64_t now_us = NOW;
    (void)state;

    for (int round = 0; round < 100; round++) {
        while (bucket_take(&b, "a", 7, now_us, &s))
            ;
        const int64_t wait_us = s.retry_us;

        assert_true(wait_us > 0);
        assert_false(bucket_take(&b, "a", 7, now_us + wait_us - 1, &s));
        now_us += wait_us;
        assert_true(bucket_take(&b, "a", 7, now_us, &s));
    }
    buckets_done(&b);
}

static void over_a_long_time_the_rate_is_kept(void **state)
{
    struct buckets b = {0};
    struct bucket_state s;
    int64_t n = 0;
    (void)state;

    for (int64_t t = 0; t < 60 * UNITS_SECOND; t += 1000)
        n += bucket_take(&b, "a", 100, NOW + t, &s);
    assert_in_range(n, 6000, 6101);
    buckets_done(&b);
}

static void what_one_takes_another_has_still(void **state)
{
    struct buckets b = {0};
    struct bucket_state s;
    (void)state;

    while (bucket_take(&b, "a", 3, NOW, &s))
        ;
    assert_true(bucket_take(&b, "b", 3, NOW, &s));
    assert_int_equal(s.left, 2);
    buckets_done(&b);
}

static void memory_is_bounded_and_who_has_used_his_up_is_remembered(void **state)
{
    struct buckets b = {0};
    struct bucket_state s;
    char name[32];
    (void)state;

    /* Those that are full again make room for others. */
    for (int i = 0; i < 3 * BUCKETS_MAX; i++) {
        const int64_t now_us = NOW + i * (UNITS_SECOND / 1000);

        snprintf(name, sizeof(name), "n%d", i);
        assert_true(bucket_take(&b, name, 100, now_us, &s));
        assert_true(b.by_name.n <= BUCKETS_MAX);
        while (bucket_take(&b, "greedy", 100, now_us, &s))
            ;
    }
    assert_non_null(map_get_text(&b.by_name, "greedy"));
    buckets_done(&b);
}

static void a_rate_of_one_lets_one_in_each_second(void **state)
{
    struct buckets b = {0};
    struct bucket_state s;
    (void)state;

    assert_true(bucket_take(&b, "a", 1, NOW, &s));
    assert_false(bucket_take(&b, "a", 1, NOW + 1, &s));
    assert_true(bucket_take(&b, "a", 1, NOW + UNITS_SECOND, &s));
    buckets_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whether_there_is_one_is_asked_without_taking_it),
        cmocka_unit_test(a_second_of_requests_may_come_at_once_and_no_more),
        cmocka_unit_test(who_comes_when_he_was_told_to_is_let_in),
        cmocka_unit_test(over_a_long_time_the_rate_is_kept),
        cmocka_unit_test(what_one_takes_another_has_still),
        cmocka_unit_test(memory_is_bounded_and_who_has_used_his_up_is_remembered),
        cmocka_unit_test(a_rate_of_one_lets_one_in_each_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
