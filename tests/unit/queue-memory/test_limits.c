/* Bounds: what is refused as full, and that it works again after. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static int three_messages(void **state)
{
    (void)state;
    return open_queue_with("queue-memory.max_messages=3");
}

static int few_bytes(void **state)
{
    (void)state;
    return open_queue_with("queue-memory.max_bytes=64KiB");
}

static void more_messages_than_allowed_are_refused(void **state)
{
    const struct ff_message two[] = {message_of("t", "3"), message_of("t", "4")};
    struct subscriber s = {0};

    (void)state;
    assert_int_equal(publish("t", "1"), FF_OK);
    assert_int_equal(publish_at("t", "2", INT64_MAX), FF_OK);
    assert_int_equal(publish_many(two, 2), FF_FULL);
    assert_string_equal(last_sentence(),
                        "the queue holds 2 messages, max_messages is 3");
    assert_int_equal(publish_many(two, 1), FF_OK);
    assert_int_equal(publish("u", "4"), FF_FULL);
    subscribe_to(test_queue, "t", 10, &s);
    settle();
    /* What is out is held until it is acked. */
    assert_int_equal(publish("u", "4"), FF_FULL);
    assert_int_equal(nack(s.got[0].receipt, 0), FF_OK);
    assert_int_equal(publish("u", "4"), FF_FULL);
    ack_all(&s);
    assert_int_equal(publish("u", "4"), FF_OK);
}

static void broadcasts_count_for_each_subscriber(void **state)
{
    struct subscriber a = {0};
    struct subscriber b = {0};
    void *other = open_session();

    (void)state;
    subscribe_to(test_queue, "t", 1, &a);
    subscribe_to(other, "t", 1, &b);
    assert_int_equal(publish("u", "1"), FF_OK);
    assert_int_equal(publish("u", "2"), FF_OK);
    assert_int_equal(broadcast("t", "x"), FF_FULL);
    assert_int_equal(a.n + b.n, 0);
    assert_int_equal(unsubscribe_from(other, "t"), FF_OK);
    /* Delivered ones make room at once. */
    for (int i = 0; i < 10; i++)
        assert_int_equal(broadcast("t", "x"), FF_OK);
    assert_int_equal(a.n, 10);
    test_ops->close(other);
}

static void more_bytes_than_allowed_are_refused(void **state)
{
    static char body[40 * 1024];
    struct ff_message m = message_of("t", "1");
    struct subscriber s = {0};

    (void)state;
    m.body = body;
    m.len = sizeof(body);
    assert_int_equal(publish_many(&m, 1), FF_OK);
    assert_int_equal(publish_many(&m, 1), FF_FULL);
    assert_non_null(strstr(last_sentence(), "max_bytes is 65536"));
    assert_int_equal(publish("t", "2"), FF_FULL);
    subscribe_to(test_queue, "t", 10, &s);
    settle();
    ack_all(&s);
    assert_int_equal(publish("t", "2"), FF_OK);
}

static void options_have_bounds(void **state)
{
    static const char *const wrong[] = {
        "queue-memory.max_messages=0", "queue-memory.max_messages=100000001",
        "queue-memory.max_bytes=1KiB", "queue-memory.max_message=5"};
    struct ff_err err = {0};
    struct driver *d =
        driver_load(getenv("FLOWFORGE_LIB"), "queue-memory", FF_QUEUE, &err);
    struct loop *l = loop_new(&err);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct config *c = config_load("/dev/null", NULL, &err);

        assert_int_equal(config_set(c, wrong[i], &err), FF_OK);
        assert_null(driver_instance_new(d, l, c, "x", &err));
        assert_int_equal(err.code, FF_INVALID);
        config_free(c);
    }
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(more_messages_than_allowed_are_refused,
                                        three_messages, close_queue),
        cmocka_unit_test_setup_teardown(broadcasts_count_for_each_subscriber,
                                        three_messages, close_queue),
        cmocka_unit_test_setup_teardown(more_bytes_than_allowed_are_refused, few_bytes,
                                        close_queue),
        cmocka_unit_test(options_have_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
