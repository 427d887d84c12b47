/* Every required function of every kind, left out one at a time. */
#include "support.h"

#include <string.h>

static void anything(void)
{
}

/* A full table of functions that only their presence matters of. */
union any_ops {
    void (*fn[16])(void);
    struct ff_store_ops store;
    struct ff_queue_ops queue;
    struct ff_runtime_ops runtime;
    struct ff_auth_ops auth;
    struct ff_blob_ops blob;
};

static const struct {
    uint32_t kind, threads, ops_size, n_required;
    const char *required;
} kinds[] = {
    {FF_STORE, FF_ONE_AT_A_TIME, sizeof(struct ff_store_ops), 8,
     "open close setup commit scan count ping now"},
    {FF_QUEUE, FF_ON_LOOP, sizeof(struct ff_queue_ops), 7,
     "open close publish ack nack subscribe unsubscribe"},
    {FF_RUNTIME, FF_ON_LOOP, sizeof(struct ff_runtime_ops), 8,
     "open close start cancel adopt release output take"},
    {FF_AUTH, FF_PARALLEL, sizeof(struct ff_auth_ops), 3, "open close verify"},
    {FF_BLOB, FF_PARALLEL, sizeof(struct ff_blob_ops), 8,
     "open close put get stat remove list ping"},
};

/* What was taken stays loaded, so none of these ever goes away. */
static struct {
    struct ff_driver driver;
    union any_ops ops;
} made[128];
static size_t n_made;

static struct ff_driver *make(size_t kind, size_t missing)
{
    struct ff_driver *d = &made[n_made].driver;
    union any_ops *ops = &made[n_made].ops;

    assert_true(n_made++ < COUNT_OF(made));
    for (size_t i = 0; i < COUNT_OF(ops->fn); i++)
        ops->fn[i] = i == missing ? NULL : anything;
    *d = (struct ff_driver){
        .magic = FF_DRIVER_MAGIC,
        .abi_major = FF_ABI_MAJOR,
        .struct_size = sizeof(*d),
        .ops_size = kinds[kind].ops_size,
        .kind = kinds[kind].kind,
        .threads = kinds[kind].threads,
        .name = "any",
        .version = "1",
        .ops.store = &ops->store,
    };
    return d;
}

static void word_at(const char *words, size_t at, char out[32])
{
    while (at-- > 0)
        words = strchr(words, ' ') + 1;
    snprintf(out, 32, "%.*s", (int)strcspn(words, " "), words);
}

static void each_required_function_is_missed_by_name(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        for (size_t i = 0; i < kinds[k].n_required; i++) {
            struct ff_driver *d = make(k, i);
            struct ff_err err = {0};
            char word[32];
            char wanted[128];

            word_at(kinds[k].required, i, word);
            snprintf(wanted, sizeof(wanted),
                     "the linked-in driver: its function %s is missing, which ", word);
            assert_null(driver_from(d, &err));
            assert_int_equal(strncmp(err.msg, wanted, strlen(wanted)), 0);
        }
}

static void other_functions_may_be_missing(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        size_t n = kinds[k].ops_size / sizeof(void (*)(void));

        for (size_t i = kinds[k].n_required; i < n; i++) {
            struct ff_driver *d = make(k, i);
            struct ff_err err = {0};

            assert_non_null(driver_from(d, &err));
        }
    }
}

static void tables_may_end_after_the_last_required_function(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct ff_driver *d = make(k, SIZE_MAX);
        struct ff_err err = {0};

        d->ops_size = (uint32_t)(kinds[k].n_required * sizeof(void (*)(void)));
        assert_non_null(driver_from(d, &err));
        d = make(k, SIZE_MAX);
        d->ops_size = (uint32_t)((kinds[k].n_required - 1) * sizeof(void (*)(void)));
        assert_null(driver_from(d, &err));
        assert_non_null(strstr(err.msg, "its table of functions has "));
    }
}

static void slots_behind_a_shorter_table_are_null(void **state)
{
    struct ff_driver *d = make(1, SIZE_MAX);
    struct ff_err err = {0};
    struct driver *loaded;

    (void)state;
    d->ops_size = offsetof(struct ff_queue_ops, broadcast);
    loaded = driver_from(d, &err);
    assert_non_null(loaded);
    assert_null(driver_info(loaded)->d.ops.queue->broadcast);
    assert_non_null(driver_info(loaded)->d.ops.queue->unsubscribe);
}

static void threading_models_must_fit_the_kind(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        for (uint32_t threads = 0; threads < 3; threads++) {
            struct ff_driver *d = make(k, SIZE_MAX);
            bool on_loop = kinds[k].threads == FF_ON_LOOP;
            struct ff_err err = {0};

            d->threads = threads;
            if (on_loop == (threads == FF_ON_LOOP)) {
                assert_non_null(driver_from(d, &err));
            } else {
                assert_null(driver_from(d, &err));
                assert_non_null(strstr(err.msg, "it must be FF_"));
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_required_function_is_missed_by_name),
        cmocka_unit_test(other_functions_may_be_missing),
        cmocka_unit_test(tables_may_end_after_the_last_required_function),
        cmocka_unit_test(slots_behind_a_shorter_table_are_null),
        cmocka_unit_test(threading_models_must_fit_the_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
