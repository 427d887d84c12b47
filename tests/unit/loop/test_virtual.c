/* The loop in virtual time: what is due comes in its order, and no time passes for it.
 */
#include "support.h"

#include "base/base.h"

#define HOUR (INT64_C(3600) * UNITS_SECOND)

static struct loop *l;
static struct buf trace;

static void note(void *arg)
{
    buf_printf(&trace, "%s@%lld ", (const char *)arg,
               (long long)(loop_mono_us(l) / HOUR));
}

static void note_and_post(void *arg)
{
    note(arg);
    loop_post(l, note, (void *)(uintptr_t) "posted");
}

static void stop(void *arg)
{
    (void)arg;
    loop_stop(l, 7);
}

static int set_up(void **state)
{
    (void)state;
    l = loop_new_virtual(INT64_C(1000000), 5);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    loop_free(l);
    buf_done(&trace);
    trace = (struct buf){0};
    return 0;
}

static void timers_come_in_their_order_and_at_their_time(void **state)
{
    (void)state;
    loop_timer_add(l, 5 * HOUR, note, (void *)(uintptr_t) "five", NULL);
    loop_timer_add(l, 2 * HOUR, note, (void *)(uintptr_t) "two", NULL);
    loop_timer_add(l, 2 * HOUR, note, (void *)(uintptr_t) "two-more", NULL);
    assert_int_equal(loop_run(l), FF_NOT_FOUND);
    assert_string_equal(buf_text(&trace), "two@2 two-more@2 five@5 ");
    assert_int_equal(loop_wall_us(l), INT64_C(1000000) + 5 * HOUR);
}

static void what_is_posted_comes_before_the_next_timer(void **state)
{
    (void)state;
    loop_timer_add(l, HOUR, note_and_post, (void *)(uintptr_t) "one", NULL);
    loop_timer_add(l, HOUR, note, (void *)(uintptr_t) "other", NULL);
    loop_run(l);
    assert_string_equal(buf_text(&trace), "one@1 posted@1 other@1 ");
}

static void a_deleted_timer_never_comes(void **state)
{
    struct loop_timer *slot = NULL;

    (void)state;
    loop_timer_add(l, HOUR, note, (void *)(uintptr_t) "one", &slot);
    loop_timer_del(slot);
    assert_null(slot);
    assert_int_equal(loop_run(l), FF_NOT_FOUND);
    assert_int_equal(trace.len, 0);
}

static void a_stop_leaves_the_rest_for_the_next_run(void **state)
{
    (void)state;
    loop_timer_add(l, HOUR, stop, NULL, NULL);
    loop_timer_add(l, 2 * HOUR, note, (void *)(uintptr_t) "rest", NULL);
    assert_int_equal(loop_run(l), 7);
    assert_int_equal(trace.len, 0);
    assert_int_equal(loop_run(l), FF_NOT_FOUND);
    assert_string_equal(buf_text(&trace), "rest@2 ");
}

static void a_lane_works_at_once_and_tells_later(void **state)
{
    struct ff_err err;

    (void)state;
    struct lane *lane = lane_new(l, "lane", &err);
    lane_do(lane, note, note, (void *)(uintptr_t) "job");
    assert_string_equal(buf_text(&trace), "job@0 ");
    lane_free(lane);
    loop_run(l);
    assert_string_equal(buf_text(&trace), "job@0 job@0 ");
}

static void a_descriptor_is_not_watched(void **state)
{
    (void)state;
    assert_null(loop_watch_add(l, 0, FF_FD_READ, NULL, NULL));
}

static void one_seed_gives_one_sequence(void **state)
{
    struct loop *other = loop_new_virtual(0, 5);

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(loop_random(l), loop_random(other));
    loop_free(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(timers_come_in_their_order_and_at_their_time),
        TEST(what_is_posted_comes_before_the_next_timer),
        TEST(a_deleted_timer_never_comes),
        TEST(a_stop_leaves_the_rest_for_the_next_run),
        TEST(a_lane_works_at_once_and_tells_later),
        TEST(a_descriptor_is_not_watched),
        TEST(one_seed_gives_one_sequence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
