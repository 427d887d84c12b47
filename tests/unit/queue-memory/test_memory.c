/* No memory: each allocation of a short story fails once. What is refused has not
 * happened, what was accepted arrives, and the next attempt succeeds. */
#include "support.h"
#include "support_alloc.h"

#include <string.h>

#define N_MESSAGES 150 /* more than every table's first size */

/* A host that keeps what is asked of it. */
static struct {
    ff_call_fn *posted;
    void *posted_arg;
    ff_call_fn *timer;
    void *timer_arg;
    int64_t now_us;
    int code;
    size_t n_completed, n_logged;
} fake;

static void FF_PRINTF(5, 6) fake_log(struct ff_core *self, int level, const char *file,
                                     int line, const char *fmt, ...)
{
    (void)self;
    (void)level;
    (void)file;
    (void)line;
    (void)fmt;
    fake.n_logged++;
}

static int64_t fake_now(struct ff_core *self)
{
    (void)self;
    return fake.now_us;
}

static int fake_post(struct ff_core *self, ff_call_fn *fn, void *arg)
{
    (void)self;
    assert_null(fake.posted);
    fake.posted = fn;
    fake.posted_arg = arg;
    return FF_OK;
}

static struct ff_timer *fake_timer_add(struct ff_core *self, int64_t delay_us,
                                       ff_call_fn *fn, void *arg)
{
    (void)self;
    (void)delay_us;
    fake.timer = fn;
    fake.timer_arg = arg;
    return (struct ff_timer *)&fake;
}

static void fake_timer_del(struct ff_core *self, struct ff_timer *timer)
{
    (void)self;
    (void)timer;
    fake.timer = NULL;
}

static void fake_complete(struct ff_core *self, struct ff_op *op,
                          const struct ff_err *err)
{
    (void)self;
    (void)op;
    fake.code = err ? err->code : FF_OK;
    fake.n_completed++;
}

static const struct ff_host host = {
    .struct_size = sizeof(host),
    .log = fake_log,
    .now_us = fake_now,
    .post = fake_post,
    .timer_add = fake_timer_add,
    .timer_del = fake_timer_del,
    .complete = fake_complete,
};

static const struct {
    int64_t max_messages, max_bytes;
} config = {1000, 1 << 20};

extern ff_driver_entry_fn ff_driver_entry;

struct story {
    const struct ff_queue_ops *ops;
    void *queue;
    size_t n_accepted, n_got;
    char receipts[N_MESSAGES + 1][32];
};

static void run_posted(void)
{
    while (fake.posted) {
        ff_call_fn *fn = fake.posted;

        fake.posted = NULL;
        fn(fake.posted_arg);
    }
}

static void on_message(void *arg, const struct ff_message *m)
{
    struct story *s = arg;

    assert_true(s->n_got < N_MESSAGES);
    snprintf(s->receipts[s->n_got++], sizeof(s->receipts[0]), "%s", m->receipt);
}

static void publish_two(struct story *s, int64_t not_before_us)
{
    struct ff_message m[] = {message_of("t", "1"), message_of("t", "2")};

    m[1].not_before_us = not_before_us;
    s->ops->publish(s->queue, m, 2, NULL);
    if (fake.code == FF_OK)
        s->n_accepted += 2;
    else
        assert_int_equal(fake.code, FF_NO_MEMORY);
}

static void open_again(struct story *s)
{
    struct ff_err err;
    int code = s->ops->open(&host, &config, &s->queue, &err);

    if (code == FF_OK)
        return;
    assert_int_equal(code, FF_NO_MEMORY);
    assert_int_equal(s->ops->open(&host, &config, &s->queue, &err), FF_OK);
}

static void subscribe_again(struct story *s)
{
    struct ff_err err;
    int code = s->ops->subscribe(s->queue, "t", N_MESSAGES, on_message, s, &err);

    if (code == FF_OK)
        return;
    assert_int_equal(code, FF_NO_MEMORY);
    assert_int_equal(s->ops->subscribe(s->queue, "t", N_MESSAGES, on_message, s, &err),
                     FF_OK);
}

static void give_back_all(struct story *s)
{
    const char *receipts[N_MESSAGES];
    size_t n = s->n_got;

    for (size_t i = 0; i < n; i++)
        receipts[i] = s->receipts[i];
    s->n_got = 0;
    s->ops->nack(s->queue, receipts, n, 10, NULL);
    fake.now_us += 20;
    if (fake.timer) {
        fake.timer(fake.timer_arg);
        run_posted();
    }
    run_posted();
}

static void tell(struct story *s)
{
    const struct ff_message news = message_of("t", "news");
    char topic[32];

    open_again(s);
    for (int i = 0; i < N_MESSAGES / 2; i++)
        publish_two(s, i % 2 ? fake.now_us + 5 : 0);
    for (int i = 0; i < 70; i++) {
        struct ff_message m = message_of(topic, "1");

        snprintf(topic, sizeof(topic), "other-%d", i);
        s->ops->publish(s->queue, &m, 1, NULL);
    }
    subscribe_again(s);
    run_posted();
    fake.now_us += 20;
    if (fake.timer)
        fake.timer(fake.timer_arg);
    run_posted();
    /* Where there was no memory for a receipt the next occasion delivers. */
    subscribe_again(s);
    run_posted();
    assert_int_equal(s->n_got, s->n_accepted);
    give_back_all(s);
    subscribe_again(s);
    run_posted();
    assert_int_equal(s->n_got, s->n_accepted);
    s->ops->broadcast(s->queue, &news, NULL);
    s->ops->close(s->queue);
    run_posted();
}

static void every_allocation_may_fail(void **state)
{
    size_t which = 0;
    bool failed = true;

    (void)state;
    while (failed) {
        struct story s = {.ops = ff_driver_entry()->ops.queue};

        memset(&fake, 0, sizeof(fake));
        fake.now_us = 1000000;
        fail_allocation(++which);
        tell(&s);
        failed = allocation_failed();
        fail_allocation(0);
    }
    /* The last round had none that failed. */
    assert_true(which > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
