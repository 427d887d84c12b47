/* Several subscribers, sessions that come and go, and subscribers that do so while
 * they are being called. */
#include "support.h"

#include <string.h>

static void each_message_goes_to_one_subscriber_in_turn(void **state)
{
    void *other = open_session();
    struct subscriber a = {0};
    struct subscriber b = {0};

    (void)state;
    subscribe_to(test_queue, "t", 10, &a);
    subscribe_to(other, "t", 10, &b);
    for (int i = 0; i < 6; i++)
        assert_int_equal(publish("t", "x"), FF_OK);
    assert_int_equal(a.n, 3);
    assert_int_equal(b.n, 3);
    test_ops->close(other);
}

static void those_without_credit_are_passed_over(void **state)
{
    void *other = open_session();
    struct subscriber a = {0};
    struct subscriber b = {0};

    (void)state;
    subscribe_to(test_queue, "t", 1, &a);
    subscribe_to(other, "t", 10, &b);
    for (int i = 0; i < 6; i++)
        assert_int_equal(publish("t", "x"), FF_OK);
    assert_int_equal(a.n, 1);
    assert_int_equal(b.n, 5);
    test_ops->close(other);
}

static void unsubscribing_gives_back_what_was_out_in_order(void **state)
{
    void *other = open_session();
    struct subscriber a = {0};
    struct subscriber b = {0};
    char id[16];

    (void)state;
    subscribe_to(test_queue, "t", 3, &a);
    for (int i = 0; i < 4; i++) {
        snprintf(id, sizeof(id), "%d", i);
        assert_int_equal(publish("t", id), FF_OK);
    }
    assert_int_equal(a.n, 3);
    subscribe_to(other, "t", 0, &b);
    assert_int_equal(unsubscribe_from(test_queue, "t"), FF_OK);
    subscribe_to(other, "t", 10, &b);
    settle();
    assert_int_equal(b.n, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(b.got[i].id[0], '0' + i);
        assert_int_equal(b.got[i].delivery, i < 3 ? 2 : 1);
    }
    /* The old receipts mean nothing any more. */
    assert_int_equal(nack(a.got[0].receipt, 0), FF_OK);
    assert_int_equal(b.n, 4);
    assert_int_equal(unsubscribe_from(test_queue, "t"), FF_NOT_FOUND);
    assert_string_equal(last_sentence(), "topic t: not subscribed");
    test_ops->close(other);
}

static void closing_gives_back_what_was_out(void **state)
{
    void *other = open_session();
    struct subscriber a = {0};
    struct subscriber b = {0};

    (void)state;
    subscribe_to(other, "t", 10, &a);
    assert_int_equal(publish("t", "x"), FF_OK);
    assert_int_equal(a.n, 1);
    test_ops->close(other);
    subscribe_to(test_queue, "t", 10, &b);
    settle();
    assert_int_equal(b.n, 1);
    assert_int_equal(b.got[0].delivery, 2);
}

static void closing_nothing_does_nothing(void **state)
{
    (void)state;
    test_ops->close(NULL);
}

static void a_queue_may_close_before_the_loop_called(void **state)
{
    struct subscriber s = {0};
    const struct ff_message m = message_of("t", "x");
    struct ff_err err;

    (void)state;
    subscribe_to(test_queue, "t", 1, &s);
    test_ops->publish(test_queue, &m, 1, driver_op(test_instance, NULL, NULL));
    test_ops->close(test_queue);
    /* A new one has nothing of the old one. */
    assert_int_equal(driver_open_queue(test_instance, &test_queue, &err), FF_OK);
    subscribe_to(test_queue, "t", 1, &s);
    assert_int_equal(publish("u", "x"), FF_OK);
    assert_int_equal(s.n, 0);
}

static void broadcasts_reach_all_who_are_there(void **state)
{
    void *other = open_session();
    struct subscriber a = {0};
    struct subscriber b = {0};
    struct subscriber late = {0};

    (void)state;
    assert_int_equal(broadcast("t", "nobody"), FF_OK);
    subscribe_to(test_queue, "t", 0, &a);
    subscribe_to(other, "t", 5, &b);
    assert_int_equal(broadcast("t", "news"), FF_OK);
    assert_int_equal(a.n, 1);
    assert_int_equal(b.n, 1);
    assert_string_equal(a.got[0].id, "news");
    assert_string_equal(a.got[0].receipt, "");
    assert_int_equal(a.got[0].delivery, 1);
    assert_int_equal(unsubscribe_from(other, "t"), FF_OK);
    subscribe_to(other, "t", 5, &late);
    settle();
    assert_int_equal(late.n, 0);
    test_ops->close(other);
}

static void ack_at_once(struct subscriber *s, const struct ff_message *m)
{
    char before[32];

    (void)s;
    snprintf(before, sizeof(before), "%.*s", (int)m->len, (const char *)m->body);
    test_ops->ack(test_queue, &m->receipt, 1, driver_op(test_instance, NULL, NULL));
    /* It is borrowed until this returns. */
    assert_int_equal(strncmp(before, m->body, m->len), 0);
    assert_string_equal(m->topic, "t");
}

static void a_subscriber_acks_what_it_looks_at(void **state)
{
    struct subscriber s = {.then = ack_at_once};

    (void)state;
    subscribe_to(test_queue, "t", 1, &s);
    for (int i = 0; i < 20; i++)
        assert_int_equal(publish("t", "x"), FF_OK);
    assert_int_equal(s.n, 20);
}

static void publish_again(struct subscriber *s, const struct ff_message *m)
{
    const struct ff_message next = message_of("t", "next");

    (void)m;
    if (s->n < 30)
        test_ops->publish(test_queue, &next, 1, driver_op(test_instance, NULL, NULL));
}

static void a_subscriber_publishes(void **state)
{
    struct subscriber s = {.then = publish_again};

    (void)state;
    subscribe_to(test_queue, "t", 100, &s);
    assert_int_equal(publish("t", "first"), FF_OK);
    wait_for(&s, 30);
}

static void leave(struct subscriber *s, const struct ff_message *m)
{
    char id[32];

    (void)s;
    snprintf(id, sizeof(id), "%s", m->id);
    test_ops->unsubscribe(test_queue, "t", driver_op(test_instance, NULL, NULL));
    assert_string_equal(m->id, id);
    assert_string_equal(m->topic, "t");
}

static void a_subscriber_unsubscribes_itself(void **state)
{
    struct subscriber s = {.then = leave};

    (void)state;
    subscribe_to(test_queue, "t", 100, &s);
    for (int i = 0; i < 3; i++)
        assert_int_equal(publish("t", "x"), FF_OK);
    assert_int_equal(s.n, 1);
    assert_int_equal(broadcast("t", "x"), FF_OK);
    s.then = NULL;
    subscribe_to(test_queue, "t", 100, &s);
    settle();
    assert_int_equal(s.n, 4);
    assert_int_equal(s.got[1].delivery, 2);
}

static void ack_and_leave(struct subscriber *s, const struct ff_message *m)
{
    ack_at_once(s, m);
    leave(s, m);
}

/* The topic has nobody and nothing left while its name is still being looked at. */
static void a_subscriber_ends_its_topic(void **state)
{
    struct subscriber s = {.then = ack_and_leave};

    (void)state;
    subscribe_to(test_queue, "t", 100, &s);
    assert_int_equal(publish("t", "x"), FF_OK);
    assert_int_equal(s.n, 1);
}

static void close_here(struct subscriber *s, const struct ff_message *m)
{
    (void)s;
    test_ops->close(test_queue);
    assert_string_equal(m->topic, "t");
    test_queue = NULL;
}

static void a_subscriber_closes_the_queue(void **state)
{
    struct subscriber s = {.then = close_here};
    const struct ff_message m[] = {message_of("t", "1"), message_of("t", "2")};

    (void)state;
    subscribe_to(test_queue, "t", 100, &s);
    test_ops->publish(test_queue, m, 2, driver_op(test_instance, NULL, NULL));
    settle();
    assert_int_equal(s.n, 1);
    assert_null(test_queue);
}

static void *other_session;

static void end_the_other(struct subscriber *s, const struct ff_message *m)
{
    (void)s;
    (void)m;
    if (other_session)
        test_ops->close(other_session);
    other_session = NULL;
}

static void a_subscriber_ends_another(void **state)
{
    struct subscriber a = {.then = end_the_other};
    struct subscriber b = {0};

    (void)state;
    other_session = open_session();
    subscribe_to(test_queue, "t", 100, &a);
    subscribe_to(other_session, "t", 100, &b);
    assert_int_equal(broadcast("t", "x"), FF_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(publish("t", "x"), FF_OK);
    assert_null(other_session);
    assert_int_equal(a.n + b.n, 5 + (b.n > 0));
}

#define WITH_QUEUE(test) cmocka_unit_test_setup_teardown(test, open_queue, close_queue)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_QUEUE(each_message_goes_to_one_subscriber_in_turn),
        WITH_QUEUE(those_without_credit_are_passed_over),
        WITH_QUEUE(unsubscribing_gives_back_what_was_out_in_order),
        WITH_QUEUE(closing_gives_back_what_was_out),
        WITH_QUEUE(closing_nothing_does_nothing),
        WITH_QUEUE(a_queue_may_close_before_the_loop_called),
        WITH_QUEUE(broadcasts_reach_all_who_are_there),
        WITH_QUEUE(a_subscriber_acks_what_it_looks_at),
        WITH_QUEUE(a_subscriber_publishes),
        WITH_QUEUE(a_subscriber_unsubscribes_itself),
        WITH_QUEUE(a_subscriber_ends_its_topic),
        WITH_QUEUE(a_subscriber_closes_the_queue),
        WITH_QUEUE(a_subscriber_ends_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
