/* Instances: their options, and what their sessions are refused for. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct config *config_of(const char *yaml)
{
    char path[] = "/tmp/ff-instance-XXXXXX";
    int fd = mkstemp(path);
    struct ff_err err = {0};
    struct config *c;

    assert_int_equal(write(fd, yaml, strlen(yaml)), strlen(yaml));
    close(fd);
    c = config_load(path, NULL, &err);
    if (!c)
        fail_msg("%s", err.msg);
    unlink(path);
    return c;
}

static struct driver *poke(void)
{
    struct ff_err err = {0};
    struct driver *d = driver_from(&poke_driver, &err);

    if (!d)
        fail_msg("%s", err.msg);
    return d;
}

static void options_come_from_the_section_of_the_driver(void **state)
{
    struct config *c = config_of("queue-poke:\n  word: hello\n  limit: 33\n");
    struct ff_err err = {0};
    struct loop *l = loop_new(&err);
    struct driver_instance *i = driver_instance_new(poke(), l, c, "x", &err);
    void *queue;

    (void)state;
    assert_non_null(i);
    /* The instance keeps what it needs. */
    config_free(c);
    open_code = FF_OK;
    assert_int_equal(driver_open_queue(i, &queue, &err), FF_OK);
    assert_string_equal(seen_config->word, "hello");
    assert_int_equal(seen_config->limit, 33);
    assert_int_equal(seen_config->retries, 0);
    driver_instance_free(i);
    loop_free(l);
}

static void instances_of_one_driver_have_their_own_options(void **state)
{
    struct config *a = config_of("queue-poke: {word: a}\n");
    struct config *b = config_of("queue-poke: {word: b}\n");
    struct ff_err err = {0};
    struct loop *l = loop_new(&err);
    struct driver_instance *with_a = driver_instance_new(poke(), l, a, "a", &err);
    struct driver_instance *with_b = driver_instance_new(poke(), l, b, "b", &err);
    void *queue;

    (void)state;
    config_free(a);
    config_free(b);
    assert_int_equal(driver_open_queue(with_a, &queue, &err), FF_OK);
    assert_string_equal(seen_config->word, "a");
    assert_int_equal(driver_open_queue(with_b, &queue, &err), FF_OK);
    assert_string_equal(seen_config->word, "b");
    driver_instance_free(with_a);
    driver_instance_free(with_b);
    loop_free(l);
}

static void wrong_options_refuse_the_instance(void **state)
{
    static const struct {
        const char *yaml, *sentence;
    } cases[] = {
        {"queue-poke: {limit: 101}\n",
         "1:21: queue-poke.limit: '101' is out of range; allowed is 1 to 100"},
        {"queue-poke: {limt: 1}\n",
         "1:20: queue-poke has no setting limt; did you mean limit?"},
    };
    struct ff_err err = {0};
    struct loop *l = loop_new(&err);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config *c = config_of(cases[i].yaml);

        assert_null(driver_instance_new(poke(), l, c, "x", &err));
        assert_int_equal(err.code, FF_INVALID);
        if (!strstr(err.msg, cases[i].sentence))
            fail_msg("%s", err.msg);
        config_free(c);
    }
    loop_free(l);
}

static void only_sessions_of_its_kind_are_opened(void **state)
{
    struct fixture f;
    struct ff_err err = {0};
    void *session;

    (void)state;
    fixture_init(&f);
    assert_int_equal(driver_open_store(f.instance, &session, &err), FF_INVALID);
    assert_string_equal(err.msg, "poke is a driver of kind queue, not store");
    assert_int_equal(driver_open_runtime(f.instance, NULL, NULL, &session, &err),
                     FF_INVALID);
    assert_int_equal(driver_open_auth(f.instance, &session, &err), FF_INVALID);
    assert_non_null(driver_queue_ops(f.instance));
    assert_null(driver_store_ops(f.instance));
    assert_null(driver_runtime_ops(f.instance));
    assert_null(driver_auth_ops(f.instance));
    assert_string_equal(driver_instance_info(f.instance)->d.name, "poke");
    fixture_done(&f);
}

static void failing_opens_always_come_with_a_sentence(void **state)
{
    static const struct {
        int code;
        bool gives;
        const char *says;
        int seen;
        const char *sentence;
    } cases[] = {
        {FF_UNAVAILABLE, false, "far side: gone", FF_UNAVAILABLE, "far side: gone"},
        {FF_DENIED, false, NULL, FF_DENIED, "poke: open failed without saying why"},
        {999, false, "odd", FF_INTERNAL, "odd"},
        {-1, true, NULL, FF_INTERNAL, "poke: open failed without saying why"},
        {FF_OK, false, NULL, FF_INTERNAL, "poke: open succeeded without a session"},
    };
    struct fixture f;

    (void)state;
    fixture_init(&f);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ff_err err = {0};
        void *session = NULL;

        open_code = cases[i].code;
        open_gives = cases[i].gives;
        open_says = cases[i].says;
        assert_int_equal(driver_open_queue(f.instance, &session, &err), cases[i].seen);
        assert_int_equal(err.code, cases[i].seen);
        assert_string_equal(err.msg, cases[i].sentence);
        assert_null(session);
    }
    fixture_done(&f);
}

static void a_linked_in_driver_is_judged_like_any_other(void **state)
{
    struct ff_driver wrong = poke_driver;
    struct ff_err err = {0};

    (void)state;
    wrong.magic = 0;
    assert_null(driver_from(&wrong, &err));
    assert_string_equal(err.msg,
                        "the linked-in driver: its magic number is 0x00000000, "
                        "so it is no FlowForge driver");
    assert_null(driver_from(NULL, &err));
    assert_ptr_equal(poke(), poke());
}

static void freeing_nothing_does_nothing(void **state)
{
    (void)state;
    driver_instance_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_come_from_the_section_of_the_driver),
        cmocka_unit_test(instances_of_one_driver_have_their_own_options),
        cmocka_unit_test(wrong_options_refuse_the_instance),
        cmocka_unit_test(only_sessions_of_its_kind_are_opened),
        cmocka_unit_test(failing_opens_always_come_with_a_sentence),
        cmocka_unit_test(a_linked_in_driver_is_judged_like_any_other),
        cmocka_unit_test(freeing_nothing_does_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
