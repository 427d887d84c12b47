/* Publishing, order, credit, acks and redelivery. */
#include "support.h"

#include <string.h>

static void messages_arrive_whole_and_in_order(void **state)
{
    struct subscriber s = {0};
    struct ff_message two[] = {message_of("t", "b"), message_of("t", "c")};

    (void)state;
    assert_int_equal(publish("t", "a"), FF_OK);
    assert_int_equal(publish_many(two, 2), FF_OK);
    subscribe_to(test_queue, "t", 10, &s);
    settle();
    assert_int_equal(s.n, 3);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(s.got[i].topic, "t");
        assert_int_equal(s.got[i].id[0], 'a' + i);
        assert_string_equal(s.got[i].body, s.got[i].id);
        assert_int_equal(s.got[i].delivery, 1);
        assert_int_equal(strlen(s.got[i].receipt), 16);
    }
}

static void bodies_are_bytes_of_any_size(void **state)
{
    static char body[64 * 1024];
    struct subscriber s = {0};
    struct ff_message m = message_of("t", "");

    (void)state;
    subscribe_to(test_queue, "t", 100, &s);
    for (size_t len = 0; len <= sizeof(body); len = len * 2 + 1) {
        m.body = body;
        m.len = len;
        assert_int_equal(publish_many(&m, 1), FF_OK);
    }
    m.len = sizeof(body);
    assert_int_equal(publish_many(&m, 1), FF_OK);
    m.body = NULL;
    m.len = 0;
    assert_int_equal(publish_many(&m, 1), FF_OK);
    assert_int_equal(s.n, 19);
}

static void what_is_passed_is_copied(void **state)
{
    struct subscriber s = {0};
    char topic[] = "t";
    char id[] = "a";
    struct ff_message m = message_of(topic, id);

    (void)state;
    assert_int_equal(publish_many(&m, 1), FF_OK);
    topic[0] = id[0] = 'x';
    subscribe_to(test_queue, "t", 1, &s);
    settle();
    assert_string_equal(s.got[0].id, "a");
    assert_string_equal(s.got[0].body, "a");
}

static void topics_are_apart(void **state)
{
    struct subscriber a = {0};
    struct subscriber b = {0};
    char topic[32];

    (void)state;
    subscribe_to(test_queue, "a", 10, &a);
    subscribe_to(test_queue, "b", 10, &b);
    for (int i = 0; i < 200; i++) {
        snprintf(topic, sizeof(topic), "other-%d", i);
        assert_int_equal(publish(topic, "x"), FF_OK);
    }
    assert_int_equal(publish("a", "1"), FF_OK);
    assert_int_equal(publish("b", "2"), FF_OK);
    assert_int_equal(a.n, 1);
    assert_int_equal(b.n, 1);
    assert_string_equal(b.got[0].id, "2");
}

static void credit_bounds_what_is_out(void **state)
{
    struct subscriber s = {0};
    char id[16];

    (void)state;
    subscribe_to(test_queue, "t", 2, &s);
    for (int i = 0; i < 5; i++) {
        snprintf(id, sizeof(id), "%d", i);
        assert_int_equal(publish("t", id), FF_OK);
    }
    assert_int_equal(s.n, 2);
    ack(s.got[1].receipt);
    assert_int_equal(s.n, 3);
    /* A lower credit holds for what comes next, a higher one at once. */
    subscribe_to(test_queue, "t", 1, &s);
    ack(s.got[0].receipt);
    assert_int_equal(s.n, 3);
    subscribe_to(test_queue, "t", 3, &s);
    settle();
    assert_int_equal(s.n, 5);
    assert_string_equal(s.got[4].id, "4");
}

static void credit_zero_is_a_pause(void **state)
{
    struct subscriber s = {0};

    (void)state;
    subscribe_to(test_queue, "t", 0, &s);
    assert_int_equal(publish("t", "a"), FF_OK);
    assert_int_equal(s.n, 0);
    subscribe_to(test_queue, "t", 1, &s);
    settle();
    assert_int_equal(s.n, 1);
}

static void acked_messages_are_gone(void **state)
{
    struct subscriber s = {0};

    (void)state;
    subscribe_to(test_queue, "t", 10, &s);
    assert_int_equal(publish("t", "a"), FF_OK);
    assert_int_equal(ack(s.got[0].receipt), FF_OK);
    assert_int_equal(unsubscribe_from(test_queue, "t"), FF_OK);
    subscribe_to(test_queue, "t", 10, &s);
    settle();
    assert_int_equal(s.n, 1);
}

static void nacked_messages_come_again_behind_the_others(void **state)
{
    struct subscriber s = {0};

    (void)state;
    subscribe_to(test_queue, "t", 1, &s);
    assert_int_equal(publish("t", "a"), FF_OK);
    assert_int_equal(publish("t", "b"), FF_OK);
    assert_int_equal(nack(s.got[0].receipt, 0), FF_OK);
    assert_string_equal(s.got[1].id, "b");
    assert_int_equal(ack(s.got[1].receipt), FF_OK);
    assert_string_equal(s.got[2].id, "a");
    assert_int_equal(s.got[2].delivery, 2);
    assert_int_equal(nack(s.got[2].receipt, 0), FF_OK);
    assert_int_equal(s.got[3].delivery, 3);
    assert_string_not_equal(s.got[2].receipt, s.got[3].receipt);
}

static void old_and_odd_receipts_are_ignored(void **state)
{
    static const char *const odd[] = {"",
                                      "x",
                                      "0000000000000000",
                                      "ffffffffffffffff",
                                      "00000001000000000",
                                      "0000000100000040",
                                      "000000010000000G"};
    struct subscriber s = {0};

    (void)state;
    subscribe_to(test_queue, "t", 1, &s);
    assert_int_equal(publish("t", "a"), FF_OK);
    assert_int_equal(publish("t", "b"), FF_OK);
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        assert_int_equal(ack(odd[i]), FF_OK);
        assert_int_equal(nack(odd[i], 0), FF_OK);
    }
    assert_int_equal(ack(NULL), FF_OK);
    assert_int_equal(s.n, 1);
    assert_int_equal(ack(s.got[0].receipt), FF_OK);
    assert_int_equal(s.n, 2);
    /* The place of the first is used by the second: the old receipt is not its. */
    assert_int_equal(ack(s.got[0].receipt), FF_OK);
    assert_int_equal(nack(s.got[0].receipt, 0), FF_OK);
    assert_int_equal(s.n, 2);
    assert_int_equal(nack(s.got[1].receipt, 0), FF_OK);
    assert_int_equal(s.n, 3);
}

static void many_receipts_are_acked_at_once(void **state)
{
    struct subscriber s = {0};
    const char *receipts[3];

    (void)state;
    subscribe_to(test_queue, "t", 3, &s);
    for (int i = 0; i < 4; i++)
        assert_int_equal(publish("t", "x"), FF_OK);
    assert_int_equal(s.n, 3);
    for (int i = 0; i < 3; i++)
        receipts[i] = s.got[i].receipt;
    assert_int_equal(ack_many(receipts, 3), FF_OK);
    assert_int_equal(s.n, 4);
}

static void malformed_messages_are_refused(void **state)
{
    static char text[300];
    struct ff_message wrong[5];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        wrong[i] = message_of("t", "1");
    wrong[0].topic = NULL;
    wrong[1].topic = "";
    wrong[2].topic = text;
    wrong[3].id = text;
    wrong[4].len = 64 * 1024 + 1;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(publish_many(&wrong[i], 1), FF_INVALID);
    wrong[3].id = NULL;
    assert_int_equal(publish_many(&wrong[3], 1), FF_INVALID);
    wrong[4].body = NULL;
    wrong[4].len = 1;
    assert_int_equal(publish_many(&wrong[4], 1), FF_INVALID);
}

static void malformed_topics_have_no_subscribers(void **state)
{
    static char text[300];
    struct subscriber s = {0};
    struct ff_err err = {0};

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    assert_int_equal(test_ops->subscribe(test_queue, NULL, 1, NULL, &s, &err),
                     FF_INVALID);
    assert_int_equal(test_ops->subscribe(test_queue, "", 1, NULL, &s, &err),
                     FF_INVALID);
    assert_int_equal(test_ops->subscribe(test_queue, text, 1, NULL, &s, &err),
                     FF_INVALID);
    assert_string_equal(err.msg, "a topic has 1 to 255 characters");
    text[255] = '\0';
    subscribe_to(test_queue, text, 1, &s);
    assert_int_equal(publish(text, "a"), FF_OK);
    assert_int_equal(s.n, 1);
    assert_int_equal(unsubscribe_from(test_queue, NULL), FF_NOT_FOUND);
}

static void a_batch_is_taken_whole_or_not_at_all(void **state)
{
    struct ff_message batch[] = {message_of("t", "a"), message_of("", "b")};
    struct subscriber s = {0};

    (void)state;
    subscribe_to(test_queue, "t", 10, &s);
    assert_int_equal(publish_many(batch, 2), FF_INVALID);
    assert_int_equal(s.n, 0);
    assert_int_equal(publish_many(NULL, 0), FF_OK);
}

#define WITH_QUEUE(test) cmocka_unit_test_setup_teardown(test, open_queue, close_queue)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_QUEUE(messages_arrive_whole_and_in_order),
        WITH_QUEUE(bodies_are_bytes_of_any_size),
        WITH_QUEUE(what_is_passed_is_copied),
        WITH_QUEUE(topics_are_apart),
        WITH_QUEUE(credit_bounds_what_is_out),
        WITH_QUEUE(credit_zero_is_a_pause),
        WITH_QUEUE(acked_messages_are_gone),
        WITH_QUEUE(nacked_messages_come_again_behind_the_others),
        WITH_QUEUE(old_and_odd_receipts_are_ignored),
        WITH_QUEUE(many_receipts_are_acked_at_once),
        WITH_QUEUE(malformed_messages_are_refused),
        WITH_QUEUE(malformed_topics_have_no_subscribers),
        WITH_QUEUE(a_batch_is_taken_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
