/* Two processes on one database: both set it up, both write. */
#include "support.h"
#include "support_process.h"

#include <pthread.h>
#include <unistd.h>

#define ROUNDS     20
#define INCREMENTS 100
#define TRIES      100000

struct job {
    const char *path;
};

static int set_up_once(void *arg, int tell_fd)
{
    const struct job *job = arg;
    const struct ff_driver *d = load_driver(SUPPORT_DRIVER);
    struct ff_err err = {0};
    void *store;
    int code = try_open(d, "path", job->path, &store, &err);

    (void)tell_fd;
    if (code == FF_OK)
        while ((code = d->ops.store->setup(store, &test_schema, &err)) == FF_BUSY)
            ;
    if (code == FF_OK)
        d->ops.store->close(store);
    else
        fprintf(stderr, "%s\n", err.msg);
    return code;
}

static void two_processes_may_set_up_at_once(void **state)
{
    char *dir = make_temp_dir();

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        char name[32];
        char *path;
        struct job job;
        struct child c[2];

        snprintf(name, sizeof(name), "race-%d.db", i);
        path = file_join(dir, name);
        job.path = path;
        for (int k = 0; k < 2; k++)
            c[k] = start_child(set_up_once, &job);
        for (int k = 0; k < 2; k++)
            let_go(&c[k]);
        for (int k = 0; k < 2; k++)
            assert_int_equal(end_child(&c[k]), FF_OK);
        mem_free(path);
    }
    remove_temp_dir(dir);
}

struct pair {
    int64_t version, left;
};

static int take_pair(void *arg, const struct ff_value *values)
{
    struct pair *pair = arg;

    pair->version = values[PAIR_VERSION].i;
    pair->left = values[PAIR_LEFT].i;
    return 1;
}

/* Reads the number, writes one more if nobody else has. */
static int increment(const struct ff_driver *d, void *store, struct ff_err *err)
{
    const struct ff_value key = v_int(1);
    const struct ff_query q = {.struct_size = sizeof(q),
                               .record = &record_pair,
                               .index = -1,
                               .n_equal = 1,
                               .equal = &key};
    struct ff_value values[N_PAIR] = {[PAIR_K] = key};
    struct ff_change patch = {.kind = FF_PATCH,
                              .record = &record_pair,
                              .set = COLUMN_BIT(PAIR_LEFT),
                              .values = values};
    struct pair pair = {0};
    size_t failed;
    int code = d->ops.store->scan(store, &q, take_pair, &pair, err);

    if (code != FF_OK)
        return code;
    values[PAIR_LEFT] = v_int(pair.left + 1);
    patch.expect = pair.version;
    return d->ops.store->commit(store, &patch, 1, &failed, err);
}

static int increment_often(void *arg, int tell_fd)
{
    const struct job *job = arg;
    const struct ff_driver *d = load_driver(SUPPORT_DRIVER);
    void *store = open_store(d, "path", job->path);
    struct ff_err err = {0};
    int n = 0;

    (void)tell_fd;
    for (int i = 0; i < TRIES && n < INCREMENTS; i++) {
        const int code = increment(d, store, &err);

        n += code == FF_OK;
        if (code != FF_OK && code != FF_CONFLICT && code != FF_BUSY) {
            fprintf(stderr, "%s\n", err.msg);
            return code;
        }
    }
    d->ops.store->close(store);
    return n == INCREMENTS ? 0 : 97;
}

static int make_number(void *arg, int tell_fd)
{
    const struct job *job = arg;
    const struct ff_driver *d = load_driver(SUPPORT_DRIVER);
    void *store = open_store(d, "path", job->path);
    struct ff_value values[N_PAIR];
    const struct ff_change put = put_pair(values, 1, 0, 0, FF_ABSENT);
    struct ff_err err = {0};
    size_t failed;

    (void)tell_fd;
    assert_int_equal(d->ops.store->commit(store, &put, 1, &failed, &err), FF_OK);
    d->ops.store->close(store);
    return 0;
}

static void guarded_patches_of_two_processes_lose_nothing(void **state)
{
    char *dir = make_temp_dir();
    char *path = file_join(dir, "race.db");
    struct job job = {.path = path};
    struct child first = start_child(make_number, &job);
    struct child c[2];
    const struct ff_driver *d;
    void *store;

    (void)state;
    let_go(&first);
    assert_int_equal(end_child(&first), 0);
    for (int k = 0; k < 2; k++)
        c[k] = start_child(increment_often, &job);
    for (int k = 0; k < 2; k++)
        let_go(&c[k]);
    for (int k = 0; k < 2; k++)
        assert_int_equal(end_child(&c[k]), 0);
    d = load_driver(SUPPORT_DRIVER);
    store = open_store(d, "path", path);
    assert_int_equal(read_left(d, store, 1), 2 * INCREMENTS);
    d->ops.store->close(store);
    mem_free(path);
    remove_temp_dir(dir);
}

/* --- threads that begin at once --- */

#define N_THREADS 4

struct beginner {
    const struct ff_driver *driver;
    const char *path;
    int64_t k;
    int code;
    struct ff_err err;
};

/* Opens, sets up, and writes a row, whoever else does. */
static void *begin(void *arg)
{
    struct beginner *b = arg;
    struct ff_value values[N_PAIR];
    const struct ff_change put = put_pair(values, b->k, 0, 0, FF_ABSENT);
    void *store = NULL;
    size_t failed;

    b->code = try_open(b->driver, "path", b->path, &store, &b->err);
    if (b->code == FF_OK)
        do
            b->code = b->driver->ops.store->setup(store, &test_schema, &b->err);
        while (b->code == FF_BUSY);
    if (b->code == FF_OK)
        do
            b->code = b->driver->ops.store->commit(store, &put, 1, &failed, &b->err);
        while (b->code == FF_BUSY);
    return store;
}

static void begin_at_once(const struct ff_driver *d, const char *path)
{
    struct beginner b[N_THREADS];
    pthread_t threads[N_THREADS];
    void *stores[N_THREADS];

    for (int i = 0; i < N_THREADS; i++) {
        b[i] = (struct beginner){.driver = d, .path = path, .k = i};
        assert_int_equal(pthread_create(&threads[i], NULL, begin, &b[i]), 0);
    }
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], &stores[i]);
    for (int i = 0; i < N_THREADS; i++) {
        if (b[i].code != FF_OK)
            fail_msg("%s", b[i].err.msg);
        d->ops.store->close(stores[i]);
    }
}

static void threads_that_set_up_at_once_can_write(void **state)
{
    const struct ff_driver *d = load_driver(SUPPORT_DRIVER);
    char *dir = make_temp_dir();

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        char name[32];

        snprintf(name, sizeof(name), "round-%d.db", round);

        char *path = file_join(dir, name);

        begin_at_once(d, path);
        mem_free(path);
    }
    remove_temp_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_processes_may_set_up_at_once),
        cmocka_unit_test(threads_that_set_up_at_once_can_write),
        cmocka_unit_test(guarded_patches_of_two_processes_lose_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
