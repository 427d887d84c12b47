/* Messages whose time has not come. Nothing here says how late a message may be. */
#include "support.h"

#include <string.h>

#define MS 1000

static void times_past_are_at_once(void **state)
{
    struct subscriber s = {0};

    (void)state;
    subscribe_to(test_queue, "t", 10, &s);
    assert_int_equal(publish_at("t", "a", 1), FF_OK);
    assert_int_equal(publish_at("t", "b", loop_wall_us(test_loop)), FF_OK);
    assert_int_equal(s.n, 2);
}

static void nothing_comes_before_its_time_and_all_in_its_order(void **state)
{
    struct subscriber s = {0};
    int64_t now = loop_wall_us(test_loop);
    int64_t when[] = {now + 60 * MS, now + 30 * MS, now + 90 * MS};

    (void)state;
    subscribe_to(test_queue, "t", 10, &s);
    assert_int_equal(publish_at("t", "b", when[0]), FF_OK);
    assert_int_equal(publish_at("t", "a", when[1]), FF_OK);
    assert_int_equal(publish_at("t", "c", when[2]), FF_OK);
    wait_for(&s, 3);
    assert_string_equal(s.got[0].id, "a");
    assert_string_equal(s.got[1].id, "b");
    assert_string_equal(s.got[2].id, "c");
    assert_true(s.got[0].at_us >= when[1]);
    assert_true(s.got[1].at_us >= when[0]);
    assert_true(s.got[2].at_us >= when[2]);
}

static void those_of_one_time_keep_their_order(void **state)
{
    struct subscriber s = {0};
    int64_t when = loop_wall_us(test_loop) + 20 * MS;
    char id[16];

    (void)state;
    subscribe_to(test_queue, "t", 100, &s);
    for (int i = 0; i < 50; i++) {
        snprintf(id, sizeof(id), "%d", i);
        assert_int_equal(publish_at("t", id, when), FF_OK);
    }
    wait_for(&s, 50);
    for (int i = 0; i < 50; i++) {
        snprintf(id, sizeof(id), "%d", i);
        assert_string_equal(s.got[i].id, id);
    }
}

static void a_delayed_nack_comes_again_later(void **state)
{
    struct subscriber s = {0};
    int64_t before;

    (void)state;
    subscribe_to(test_queue, "t", 10, &s);
    assert_int_equal(publish("t", "a"), FF_OK);
    before = loop_wall_us(test_loop);
    assert_int_equal(nack(s.got[0].receipt, 30 * MS), FF_OK);
    assert_int_equal(publish("t", "b"), FF_OK);
    wait_for(&s, 3);
    assert_string_equal(s.got[1].id, "b");
    assert_string_equal(s.got[2].id, "a");
    assert_int_equal(s.got[2].delivery, 2);
    assert_true(s.got[2].at_us >= before + 30 * MS);
}

static void endless_delays_do_no_harm(void **state)
{
    struct subscriber s = {0};

    (void)state;
    subscribe_to(test_queue, "t", 10, &s);
    assert_int_equal(publish("t", "a"), FF_OK);
    assert_int_equal(nack(s.got[0].receipt, INT64_MAX), FF_OK);
    assert_int_equal(publish_at("t", "b", INT64_MAX), FF_OK);
    assert_int_equal(publish("t", "c"), FF_OK);
    assert_string_equal(s.got[1].id, "c");
}

static void many_may_become_due_at_once(void **state)
{
    enum { N = 3000 };
    static struct ff_message many[N];
    struct subscriber s = {0};
    int64_t when = loop_wall_us(test_loop) + 5 * MS;

    (void)state;
    subscribe_to(test_queue, "t", N, &s);
    for (int i = 0; i < N; i++) {
        many[i] = message_of("t", "x");
        many[i].not_before_us = when + i % 7;
    }
    assert_int_equal(publish_many(many, N), FF_OK);
    wait_for(&s, N);
}

static void waiting_messages_outlive_their_subscribers(void **state)
{
    struct subscriber s = {0};

    (void)state;
    subscribe_to(test_queue, "t", 10, &s);
    assert_int_equal(publish_at("t", "a", loop_wall_us(test_loop) + 20 * MS), FF_OK);
    assert_int_equal(unsubscribe_from(test_queue, "t"), FF_OK);
    subscribe_to(test_queue, "t", 10, &s);
    wait_for(&s, 1);
    assert_string_equal(s.got[0].id, "a");
}

#define WITH_QUEUE(test) cmocka_unit_test_setup_teardown(test, open_queue, close_queue)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_QUEUE(times_past_are_at_once),
        WITH_QUEUE(nothing_comes_before_its_time_and_all_in_its_order),
        WITH_QUEUE(those_of_one_time_keep_their_order),
        WITH_QUEUE(a_delayed_nack_comes_again_later),
        WITH_QUEUE(endless_delays_do_no_harm),
        WITH_QUEUE(many_may_become_due_at_once),
        WITH_QUEUE(waiting_messages_outlive_their_subscribers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
