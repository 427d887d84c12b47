/* What store-memory says beyond the contract: who shares data, how long it lasts. That
 * it keeps the contract is shown in unit/store-sqlite/test_same.c. */
#include "support.h"

#include <pthread.h>

#define THREADS 4
#define ROUNDS  500
#define MANY    100000

static const struct ff_driver *driver;
static const struct ff_store_ops *ops;

static int load(void **state)
{
    (void)state;
    driver = load_driver("store-memory");
    ops = driver->ops.store;
    return 0;
}

static int put(void *store, int64_t k, int64_t left, int64_t expect)
{
    struct ff_value values[N_PAIR];
    const struct ff_change change = put_pair(values, k, left, 0, expect);
    struct ff_err err = {0};
    size_t failed;

    return ops->commit(store, &change, 1, &failed, &err);
}

static void sessions_of_one_name_share_their_data(void **state)
{
    void *a = open_store(driver, "name", "one");
    void *b = open_store(driver, "name", "one");
    void *c = open_store(driver, "name", "other");

    (void)state;
    assert_int_equal(put(a, 1, 5, FF_ABSENT), FF_OK);
    assert_int_equal(read_left(driver, b, 1), 5);
    assert_int_equal(read_left(driver, c, 1), -1);
    ops->close(a);
    assert_int_equal(read_left(driver, b, 1), 5);
    ops->close(b);
    ops->close(c);
}

static void data_goes_with_the_last_session(void **state)
{
    void *store = open_store(driver, "name", "short");

    (void)state;
    assert_int_equal(put(store, 1, 5, FF_ABSENT), FF_OK);
    ops->close(store);
    store = open_store(driver, "name", "short");
    assert_int_equal(read_left(driver, store, 1), -1);
    ops->close(store);
}

static void it_does_not_promise_what_it_cannot_keep(void **state)
{
    (void)state;
    assert_int_equal(driver->caps & (FF_STORE_DURABLE | FF_STORE_SHARED), 0);
}

/* --- upgrades --- */

static const struct ff_column newer_columns[] = {
    {.name = "k", .type = FF_INT, .since = 1},
    {.name = "version", .type = FF_INT, .since = 1},
    {.name = "left_hand", .type = FF_INT, .since = 1},
    {.name = "right_hand", .type = FF_INT, .since = 1},
    {.name = "note", .type = FF_TEXT, .flags = FF_COL_NULLABLE, .since = 2},
};
static const struct ff_record newer_pair = {.struct_size = sizeof(struct ff_record),
                                            .name = "pair",
                                            .since = 1,
                                            .columns = newer_columns,
                                            .n_columns = COUNT_OF(newer_columns),
                                            .n_key = 1};
static const struct ff_record *const newer_records[] = {&newer_pair, NULL};
static const struct ff_schema newer_schema = {
    .struct_size = sizeof(struct ff_schema), .version = 2, .records = newer_records};

static void an_upgrade_keeps_the_rows(void **state)
{
    void *store = open_store(driver, "name", "grows");
    const struct ff_query q = {
        .struct_size = sizeof(q), .record = &newer_pair, .index = -1};
    struct rows rows = {.record = &newer_pair};
    struct ff_err err = {0};

    (void)state;
    assert_int_equal(put(store, 1, 5, FF_ABSENT), FF_OK);
    assert_int_equal(ops->setup(store, &newer_schema, &err), FF_OK);
    assert_int_equal(ops->scan(store, &q, add_row, &rows, &err), FF_OK);
    assert_string_equal(buf_text(&rows.text),
                        "k=1 version=1 left_hand=5 right_hand=0 note=null \n");
    assert_int_equal(ops->setup(store, &test_schema, &err), FF_UNSUPPORTED);
    buf_done(&rows.text);
    ops->close(store);
}

/* --- threads --- */

/* Reads the number, writes one more if nobody else has. */
static void *increment(void *arg)
{
    void *store = open_store(driver, "name", "threads");

    (void)arg;
    for (int n = 0; n < ROUNDS;) {
        const int64_t left = read_left(driver, store, 1);

        /* The number is the version less one, so it guards itself. */
        n += put(store, 1, left + 1, left + 1) == FF_OK;
    }
    ops->close(store);
    return NULL;
}

static void guarded_commits_of_many_threads_lose_nothing(void **state)
{
    void *store = open_store(driver, "name", "threads");
    pthread_t threads[THREADS];

    (void)state;
    assert_int_equal(put(store, 1, 0, FF_ABSENT), FF_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, increment, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(read_left(driver, store, 1), THREADS * ROUNDS);
    ops->close(store);
}

/* --- size --- */

static void many_rows_come_back_in_order(void **state)
{
    void *store = open_store(driver, "name", "many");
    const struct ff_query q = {.struct_size = sizeof(q),
                               .record = &record_pair,
                               .index = -1,
                               .flags = FF_DESCENDING,
                               .limit = 3};
    struct rows rows = {.record = &record_pair};
    struct ff_err err = {0};
    uint64_t n = 0;

    (void)state;
    for (int64_t i = 0; i < MANY; i++)
        assert_int_equal(put(store, i * 7919 % MANY, i, FF_ABSENT), FF_OK);
    assert_int_equal(ops->scan(store, &q, add_row, &rows, &err), FF_OK);
    assert_non_null(strstr(buf_text(&rows.text), "k=99999 "));
    assert_non_null(strstr(buf_text(&rows.text), "k=99997 "));
    assert_int_equal(ops->count(store,
                                &(struct ff_query){.struct_size = sizeof(q),
                                                   .record = &record_pair,
                                                   .index = -1},
                                &n, &err),
                     FF_OK);
    assert_int_equal(n, MANY);
    buf_done(&rows.text);
    ops->close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_of_one_name_share_their_data),
        cmocka_unit_test(data_goes_with_the_last_session),
        cmocka_unit_test(it_does_not_promise_what_it_cannot_keep),
        cmocka_unit_test(an_upgrade_keeps_the_rows),
        cmocka_unit_test(guarded_commits_of_many_threads_lose_nothing),
        cmocka_unit_test(many_rows_come_back_in_order),
    };

    return cmocka_run_group_tests(tests, load, NULL);
}
