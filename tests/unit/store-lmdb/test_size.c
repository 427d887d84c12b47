/* How large the file may be: it grows, other processes follow, it is full, and a full
 * one can be emptied; readers that died hold on to nothing. */
#include "support.h"
#include "support_process.h"

#include <sys/stat.h>
#include <unistd.h>

#define VALUE_BYTES 30000

static char big_text[VALUE_BYTES + 1];

struct job {
    const char *path;
    int64_t n;
};

static struct ff_change put_thing(struct ff_value values[N_THING], int64_t a)
{
    memset(big_text, 'x', VALUE_BYTES);
    for (int i = 0; i < N_THING; i++)
        values[i] = v_null();
    values[THING_A] = v_int(a);
    values[THING_B] = v_text("b");
    values[THING_J] =
        (struct ff_value){.type = FF_JSON, .s = big_text, .len = VALUE_BYTES};
    values[THING_COLOR] = (struct ff_value){.type = FF_ENUM, .i = RED};
    return (struct ff_change){.kind = FF_PUT,
                              .record = &record_thing,
                              .expect = FF_ANY_VERSION,
                              .values = values};
}

static int put(const struct ff_driver *d, void *store, int64_t a, struct ff_err *err)
{
    struct ff_value values[N_THING];
    const struct ff_change change = put_thing(values, a);
    size_t failed = 0;
    int code;

    do
        code = d->ops.store->commit(store, &change, 1, &failed, err);
    while (code == FF_BUSY);
    return code;
}

static uint64_t count(const struct ff_driver *d, void *store)
{
    const struct ff_query q = {
        .struct_size = sizeof(q), .record = &record_thing, .index = -1};
    struct ff_err err = {0};
    uint64_t n = 0;

    if (d->ops.store->count(store, &q, &n, &err) != FF_OK)
        fail_msg("%s", err.msg);
    return n;
}

static int put_many(void *arg, int tell_fd)
{
    const struct job *job = arg;
    const struct ff_driver *d = load_driver(SUPPORT_DRIVER);
    void *store = open_store(d, "path", job->path);
    struct ff_err err = {0};

    (void)tell_fd;
    for (int64_t a = 0; a < job->n; a++)
        if (put(d, store, a, &err) != FF_OK) {
            fprintf(stderr, "%s\n", err.msg);
            return 1;
        }
    d->ops.store->close(store);
    return 0;
}

/* 400 rows of 30 kB are three times the first map. */
static void a_map_that_another_process_made_larger_is_followed(void **state)
{
    char *dir = make_temp_dir();
    char *path = file_join(dir, "grows.lmdb");
    struct job job = {.path = path, .n = 400};
    struct child c = start_child(put_many, &job);
    const struct ff_driver *d = load_driver(SUPPORT_DRIVER);
    void *store = open_store(d, "path", path);
    struct ff_err err = {0};

    (void)state;
    assert_int_equal(put(d, store, -1, &err), FF_OK);
    let_go(&c);
    assert_int_equal(end_child(&c), 0);
    assert_int_equal(count(d, store), 401);
    assert_int_equal(put(d, store, 1000, &err), FF_OK);
    assert_int_equal(count(d, store), 402);
    d->ops.store->close(store);
    mem_free(path);
    remove_temp_dir(dir);
}

static int64_t fill(const struct ff_driver *d, void *store, struct ff_err *err)
{
    int64_t a = 0;

    while (put(d, store, a, err) == FF_OK)
        a++;
    return a;
}

static void a_full_store_says_so_is_read_and_can_be_emptied(void **state)
{
    const struct ff_driver *d = load_driver(SUPPORT_DRIVER);
    char *dir = make_temp_dir();
    char *path = file_join(dir, "full.lmdb");
    struct ff_value values[N_THING];
    struct ff_err err = {0};
    struct stat st;
    void *store;
    int64_t n;

    (void)state;
    support_size_option = "max_size";
    support_size_bytes = 8 << 20;
    store = open_store(d, "path", path);
    for (int round = 0; round < 3; round++) {
        n = fill(d, store, &err);
        assert_true(n > 100);
        assert_int_equal(err.code, FF_FULL);
        assert_non_null(strstr(err.msg, "store-lmdb.max_size"));
        assert_int_equal(count(d, store), n);
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size <= (8 << 20) + (1 << 20));
        for (int64_t a = 0; a < n; a++) {
            struct ff_change del = put_thing(values, a);
            size_t failed;

            del.kind = FF_DELETE;
            if (d->ops.store->commit(store, &del, 1, &failed, &err) != FF_OK)
                fail_msg("%s", err.msg);
        }
        assert_int_equal(count(d, store), 0);
    }
    d->ops.store->close(store);
    support_size_option = NULL;
    mem_free(path);
    remove_temp_dir(dir);
}

/* --- a reader that dies --- */

static int tell_and_wait(void *arg, const struct ff_value *values)
{
    tell(*(int *)arg, values[THING_A].i);
    pause();
    return 1;
}

static int read_for_ever(void *arg, int tell_fd)
{
    const struct job *job = arg;
    const struct ff_driver *d = load_driver(SUPPORT_DRIVER);
    void *store = open_store(d, "path", job->path);
    const struct ff_query q = {
        .struct_size = sizeof(q), .record = &record_thing, .index = -1};

    return d->ops.store->scan(store, &q, tell_and_wait, &tell_fd, NULL);
}

/* Each version of the row is new pages: with the reader's moment kept, 8 MiB would be
 * full after 270 of them. Somebody else uses the file all the time, or its lock file
 * would be made anew. */
static void a_reader_that_was_killed_keeps_no_pages(void **state)
{
    char *dir = make_temp_dir();
    char *path = file_join(dir, "dead.lmdb");
    struct job first = {.path = path, .n = 1};
    struct job job = {.path = path};
    struct child maker = start_child(put_many, &first);
    struct child reader = start_child(read_for_ever, &job);
    const struct ff_driver *d = load_driver(SUPPORT_DRIVER);
    struct ff_err err = {0};
    int64_t heard;
    void *store;

    (void)state;
    let_go(&maker);
    assert_int_equal(end_child(&maker), 0);
    support_size_option = "max_size";
    support_size_bytes = 8 << 20;
    store = open_store(d, "path", path);
    let_go(&reader);
    assert_true(hear(&reader, &heard));
    kill_child(&reader);
    for (int i = 0; i < 600; i++)
        if (put(d, store, 0, &err) != FF_OK)
            fail_msg("%s", err.msg);
    d->ops.store->close(store);
    support_size_option = NULL;
    mem_free(path);
    remove_temp_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_that_another_process_made_larger_is_followed),
        cmocka_unit_test(a_full_store_says_so_is_read_and_can_be_emptied),
        cmocka_unit_test(a_reader_that_was_killed_keeps_no_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
