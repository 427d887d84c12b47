#include "support.h"

#include <stdlib.h>
#include <string.h>

struct loop *test_loop;
struct driver_instance *test_instance;
const struct ff_queue_ops *test_ops;
void *test_queue;

static struct ff_err last;

int open_queue_with(const char *assignment)
{
    struct config *c = config_load("/dev/null", NULL, &last);
    struct driver *d =
        driver_load(getenv("FLOWFORGE_LIB"), "queue-memory", FF_QUEUE, &last);

    if (!d || !c)
        fail_msg("%s", last.msg);
    if (assignment)
        assert_int_equal(config_set(c, assignment, &last), FF_OK);
    test_loop = loop_new(&last);
    assert_non_null(test_loop);
    test_instance = driver_instance_new(d, test_loop, c, "queue", &last);
    if (!test_instance)
        fail_msg("%s", last.msg);
    config_free(c);
    test_ops = driver_queue_ops(test_instance);
    test_queue = open_session();
    return 0;
}

int open_queue(void **state)
{
    (void)state;
    return open_queue_with(NULL);
}

int close_queue(void **state)
{
    (void)state;
    test_ops->close(test_queue);
    driver_instance_free(test_instance);
    loop_free(test_loop);
    return 0;
}

void *open_session(void)
{
    void *queue = NULL;

    assert_int_equal(driver_open_queue(test_instance, &queue, &last), FF_OK);
    return queue;
}

static void on_done(void *arg, int code, const struct ff_err *err)
{
    int *out = arg;

    *out = code;
    last = err ? *err : (struct ff_err){0};
}

static void stop(void *arg)
{
    (void)arg;
    loop_stop(test_loop, 0);
}

/* What a call posted comes before the stop, and what that posted before the second. */
void settle(void)
{
    for (int round = 0; round < 3; round++) {
        loop_post(test_loop, stop, NULL);
        loop_run(test_loop);
    }
}

static int wait_for_code(int *code)
{
    assert_int_equal(*code, -1); /* never inside the call */
    settle();
    assert_int_not_equal(*code, -1);
    return *code;
}

const char *last_sentence(void)
{
    return last.msg;
}

struct ff_message message_of(const char *topic, const char *id)
{
    return (struct ff_message){
        .struct_size = sizeof(struct ff_message),
        .topic = topic,
        .id = id,
        .body = id,
        .len = id ? strlen(id) : 0,
    };
}

int publish_many(const struct ff_message *messages, size_t n)
{
    int code = -1;

    test_ops->publish(test_queue, messages, n,
                      driver_op(test_instance, on_done, &code));
    return wait_for_code(&code);
}

int publish(const char *topic, const char *id)
{
    const struct ff_message m = message_of(topic, id);

    return publish_many(&m, 1);
}

int publish_at(const char *topic, const char *id, int64_t not_before_us)
{
    struct ff_message m = message_of(topic, id);

    m.not_before_us = not_before_us;
    return publish_many(&m, 1);
}

int broadcast(const char *topic, const char *id)
{
    const struct ff_message m = message_of(topic, id);
    int code = -1;

    test_ops->broadcast(test_queue, &m, driver_op(test_instance, on_done, &code));
    return wait_for_code(&code);
}

int ack_many(const char *const *receipts, size_t n)
{
    int code = -1;

    test_ops->ack(test_queue, receipts, n, driver_op(test_instance, on_done, &code));
    return wait_for_code(&code);
}

int ack(const char *receipt)
{
    return ack_many(&receipt, 1);
}

int nack(const char *receipt, int64_t delay_us)
{
    int code = -1;

    test_ops->nack(test_queue, &receipt, 1, delay_us,
                   driver_op(test_instance, on_done, &code));
    return wait_for_code(&code);
}

int unsubscribe_from(void *queue, const char *topic)
{
    int code = -1;

    test_ops->unsubscribe(queue, topic, driver_op(test_instance, on_done, &code));
    return wait_for_code(&code);
}

static void on_message(void *arg, const struct ff_message *m)
{
    struct subscriber *s = arg;
    size_t i = s->n;

    assert_true(loop_is_thread(test_loop));
    assert_int_equal(m->struct_size, sizeof(*m));
    if (i < MAX_GOT) {
        snprintf(s->got[i].topic, sizeof(s->got[i].topic), "%s", m->topic);
        snprintf(s->got[i].id, sizeof(s->got[i].id), "%s", m->id);
        snprintf(s->got[i].body, sizeof(s->got[i].body), "%.*s", (int)m->len,
                 (const char *)m->body);
        snprintf(s->got[i].receipt, sizeof(s->got[i].receipt), "%s",
                 m->receipt ? m->receipt : "");
        s->got[i].delivery = m->delivery;
        s->got[i].at_us = loop_wall_us(test_loop);
    }
    s->n++;
    if (s->then)
        s->then(s, m);
    if (s->stop_at && s->n == s->stop_at)
        loop_stop(test_loop, 0);
}

void subscribe_to(void *queue, const char *topic, uint32_t credit, struct subscriber *s)
{
    size_t before = s->n;

    assert_int_equal(test_ops->subscribe(queue, topic, credit, on_message, s, &last),
                     FF_OK);
    assert_int_equal(s->n, before);
}

void ack_all(struct subscriber *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->got[i].acked)
            continue;
        s->got[i].acked = true;
        assert_int_equal(ack(s->got[i].receipt), FF_OK);
    }
}

void wait_for(struct subscriber *s, size_t n)
{
    if (s->n >= n)
        return;
    s->stop_at = n;
    loop_run(test_loop);
    s->stop_at = 0;
}
