#include "support.h"

#include <flowforge/filter.h>
#include <string.h>

/* A filter of queues that passes everything on, and notes in which order it is opened
 * and closed. */
struct session {
    const struct ff_queue_ops *ops;
    void *below;
};

static char story[64];

static void tell(const char *word)
{
    strncat(story, word, sizeof(story) - strlen(story) - 1);
}

static int through_open(const struct ff_host *host, const void *config, void **queue,
                        struct ff_err *err)
{
    const struct ff_next *next = ff_next_of(host, err);
    struct session *s;

    (void)config;
    if (!next)
        return FF_UNSUPPORTED;
    s = mem_alloc(sizeof(*s));
    s->ops = next->ops.queue;
    tell("(");

    const int code = s->ops->open(next->host, next->config, &s->below, err);

    if (code != FF_OK) {
        mem_free(s);
        return code;
    }
    *queue = s;
    return FF_OK;
}

static void through_close(void *queue)
{
    struct session *s = queue;

    s->ops->close(s->below);
    tell(")");
    mem_free(s);
}

static void through_publish(void *queue, const struct ff_message *messages, size_t n,
                            struct ff_op *op)
{
    struct session *s = queue;

    s->ops->publish(s->below, messages, n, op);
}

static void through_ack(void *queue, const char *const *receipts, size_t n,
                        struct ff_op *op)
{
    struct session *s = queue;

    s->ops->ack(s->below, receipts, n, op);
}

static void through_nack(void *queue, const char *const *receipts, size_t n,
                         int64_t delay_us, struct ff_op *op)
{
    struct session *s = queue;

    s->ops->nack(s->below, receipts, n, delay_us, op);
}

static int through_subscribe(void *queue, const char *topic, uint32_t credit,
                             ff_deliver_fn *fn, void *arg, struct ff_err *err)
{
    struct session *s = queue;

    return s->ops->subscribe(s->below, topic, credit, fn, arg, err);
}

static void through_unsubscribe(void *queue, const char *topic, struct ff_op *op)
{
    struct session *s = queue;

    s->ops->unsubscribe(s->below, topic, op);
}

static void through_broadcast(void *queue, const struct ff_message *message,
                              struct ff_op *op)
{
    struct session *s = queue;

    s->ops->broadcast(s->below, message, op);
}

static const struct ff_queue_ops ops = {
    .open = through_open,
    .close = through_close,
    .publish = through_publish,
    .ack = through_ack,
    .nack = through_nack,
    .subscribe = through_subscribe,
    .unsubscribe = through_unsubscribe,
    .broadcast = through_broadcast,
};

static const struct ff_driver through = {
    FF_DRIVER_HEAD(FF_QUEUE, FF_ON_LOOP, ops),
    .caps = FF_QUEUE_BROADCAST | FF_QUEUE_SHARED,
    .name = "through",
    .version = "1",
    .ops.queue = &ops,
    .flags = FF_FILTER,
};

static struct driver_instance *wrap(const struct ff_driver *filter,
                                    struct driver_instance *inner, struct ff_err *err)
{
    struct driver *d = driver_from(filter, err);

    assert_non_null(d);
    return driver_filter_new(d, inner, NULL, err);
}

/* Two filters in front of the poke driver. */
static void chain_init(struct fixture *f)
{
    struct ff_err err = {0};

    fixture_init(f);
    story[0] = '\0';
    f->instance = wrap(&through, f->instance, &err);
    f->instance = wrap(&through, f->instance, &err);
    assert_non_null(f->instance);
    assert_int_equal(driver_open_queue(f->instance, &f->queue, &err), FF_OK);
}

static void sessions_of_a_chain_are_opened_and_closed_together(void **state)
{
    struct fixture f;

    (void)state;
    chain_init(&f);
    assert_string_equal(story, "((");
    driver_queue_ops(f.instance)->close(f.queue);
    assert_string_equal(story, "(())");
    fixture_done(&f);
}

static struct ff_op *kept;
static const struct ff_host *kept_host;

static void keep(const struct ff_host *host, struct ff_op *op)
{
    kept = op;
    kept_host = host;
}

static void note_code(void *arg, int code, const struct ff_err *err)
{
    (void)err;
    *(int *)arg = code;
}

static void stop(void *l)
{
    loop_stop(l, 0);
}

static void an_operation_completed_below_comes_back_to_whoever_asked(void **state)
{
    struct fixture f;
    int code = -1;

    (void)state;
    chain_init(&f);
    on_publish = keep;
    fixture_publish(&f, note_code, &code);
    assert_int_equal(code, -1);
    assert_ptr_not_equal(kept_host->self, &f.instance->core);
    kept_host->complete(kept_host->self, kept, NULL);
    loop_post(f.loop, stop, f.loop);
    loop_run(f.loop);
    assert_int_equal(code, FF_OK);
    driver_queue_ops(f.instance)->close(f.queue);
    fixture_done(&f);
}

static void an_operation_left_open_below_is_cancelled_with_the_chain(void **state)
{
    struct fixture f;
    int code = -1;

    (void)state;
    chain_init(&f);
    on_publish = keep;
    fixture_publish(&f, note_code, &code);
    driver_queue_ops(f.instance)->close(f.queue);
    fixture_done(&f);
    assert_int_equal(code, FF_CANCELLED);
}

static void a_chain_can_do_what_all_its_layers_can(void **state)
{
    struct fixture f;
    struct ff_driver adding = through;
    struct ff_err err = {0};

    (void)state;
    chain_init(&f);
    /* poke has no broadcast, so the chain has none */
    assert_int_equal(driver_instance_info(f.instance)->d.caps, 0);
    assert_null(driver_queue_ops(f.instance)->broadcast);
    assert_non_null(driver_queue_ops(f.instance)->publish);
    driver_queue_ops(f.instance)->close(f.queue);

    adding.adds = FF_QUEUE_BROADCAST;
    f.instance = wrap(&adding, f.instance, &err);
    assert_int_equal(driver_instance_info(f.instance)->d.caps, FF_QUEUE_BROADCAST);
    assert_non_null(driver_queue_ops(f.instance)->broadcast);
    assert_int_equal(f.instance->next.caps, 0);
    assert_null(f.instance->next.ops.queue->broadcast);
    fixture_done(&f);
}

static void a_filter_alone_is_refused_with_what_to_do(void **state)
{
    struct fixture f;
    struct ff_err err = {0};
    struct driver_instance *i;
    void *queue;

    (void)state;
    fixture_init(&f);
    i = driver_instance_new(driver_from(&through, &err), f.loop, NULL, "q", &err);
    assert_non_null(i);
    assert_int_equal(driver_open_queue(i, &queue, &err), FF_INVALID);
    assert_string_equal(err.msg,
                        "queue-through is a filter and needs a queue behind it: name "
                        "it in engine.queue_filters, and a queue that is none in "
                        "engine.queue");
    driver_instance_free(i);
    fixture_done(&f);
}

static void what_is_no_filter_cannot_stand_in_front(void **state)
{
    struct fixture f;
    struct ff_err err = {0};

    (void)state;
    fixture_init(&f);
    f.instance = wrap(&poke_driver, f.instance, &err);
    assert_null(f.instance);
    assert_string_equal(err.msg, "queue-poke is no filter, so it cannot stand in front "
                                 "of another queue; engine.queue is its place");
    fixture_done(&f);
}

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    (void)auth;
    (void)credential;
    (void)fn;
    (void)arg;
    return ff_fail(err, FF_DENIED, 0, "no");
}

static const struct ff_auth_ops auth_ops = {
    .open = through_open, .close = through_close, .verify = verify};

static const struct ff_driver auth_filter = {
    FF_DRIVER_HEAD(FF_AUTH, FF_PARALLEL, auth_ops),
    .name = "through",
    .version = "1",
    .ops.auth = &auth_ops,
    .flags = FF_FILTER,
};

static void a_filter_stands_in_front_of_its_own_kind_only(void **state)
{
    struct fixture f;
    struct ff_err err = {0};

    (void)state;
    fixture_init(&f);
    f.instance = wrap(&auth_filter, f.instance, &err);
    assert_null(f.instance);
    assert_string_equal(err.msg, "auth-through is a driver of kind auth and cannot "
                                 "stand in front of a queue");
    fixture_done(&f);
}

static int nobody_open(const struct ff_host *host, const void *config, void **auth,
                       struct ff_err *err)
{
    (void)config;
    (void)err;
    *auth = (void *)(uintptr_t)host;
    return FF_OK;
}

static void nobody_close(void *auth)
{
    (void)auth;
}

static const struct ff_auth_ops nobody_ops = {
    .open = nobody_open, .close = nobody_close, .verify = verify};

static const struct ff_driver nobody = {
    FF_DRIVER_HEAD(FF_AUTH, FF_ONE_AT_A_TIME, nobody_ops),
    .caps = FF_AUTH_LOOPBACK_ONLY,
    .name = "nobody",
    .version = "1",
    .ops.auth = &nobody_ops,
};

static void a_filter_takes_no_prohibition_away(void **state)
{
    struct fixture f;
    struct ff_err err = {0};
    struct driver_instance *i;

    (void)state;
    fixture_init(&f);
    i = driver_instance_new(driver_from(&nobody, &err), f.loop, NULL, "n", &err);
    i = wrap(&auth_filter, i, &err);
    assert_non_null(i);
    assert_int_equal(driver_instance_info(i)->d.caps, FF_AUTH_LOOPBACK_ONLY);
    assert_int_equal(driver_instance_info(i)->d.threads, FF_ONE_AT_A_TIME);
    driver_instance_free(i);
    fixture_done(&f);
}

static void flags_that_nobody_knows_are_refused(void **state)
{
    struct ff_driver d = through;
    struct ff_err err = {0};

    (void)state;
    d.flags = 6;
    assert_null(driver_from(&d, &err));
    assert_int_equal(err.code, FF_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "its flags are 0x6"));
    d.flags = 0;
    d.adds = FF_QUEUE_BROADCAST;
    assert_null(driver_from(&d, &err));
    assert_non_null(strstr(err.msg, "adds capabilities but is no filter"));
}

static void a_filter_of_an_older_core_says_so(void **state)
{
    struct ff_host old = {.struct_size = offsetof(struct ff_host, next)};
    struct ff_err err = {0};
    void *queue;

    (void)state;
    assert_int_equal(through_open(&old, NULL, &queue, &err), FF_UNSUPPORTED);
    assert_string_equal(err.msg, "this FlowForge is too old to know filters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_of_a_chain_are_opened_and_closed_together),
        cmocka_unit_test(an_operation_completed_below_comes_back_to_whoever_asked),
        cmocka_unit_test(an_operation_left_open_below_is_cancelled_with_the_chain),
        cmocka_unit_test(a_chain_can_do_what_all_its_layers_can),
        cmocka_unit_test(a_filter_alone_is_refused_with_what_to_do),
        cmocka_unit_test(what_is_no_filter_cannot_stand_in_front),
        cmocka_unit_test(a_filter_stands_in_front_of_its_own_kind_only),
        cmocka_unit_test(a_filter_takes_no_prohibition_away),
        cmocka_unit_test(flags_that_nobody_knows_are_refused),
        cmocka_unit_test(a_filter_of_an_older_core_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
