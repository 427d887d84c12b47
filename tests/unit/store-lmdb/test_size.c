/* How large the file may be: it grows, other processes follow, it is full, and a full
 * one can be emptied; readers that died hold on to nothing. */
#include "support.h"
#include "support_process.h"

#include <sys/stat.h>
#include <unistd.h>

#define VALUE_BYTES 30000
#define FULL_BYTES  (1 << 20)

static char big_text[VALUE_BYTES + 1];

struct job {
    const char *path;
    int64_t n;
};

static struct ff_change put_thing(struct ff_value values[N_THING], int64_t a,
                                  size_t len)
{
    memset(big_text, 'x', VALUE_BYTES);
    for (int i = 0; i < N_THING; i++)
        values[i] = v_null();
    values[THING_A] = v_int(a);
    values[THING_B] = v_text("b");
    values[THING_J] = (struct ff_value){.type = FF_JSON, .s = big_text, .len = len};
    values[THING_COLOR] = (struct ff_value){.type = FF_ENUM, .i = RED};
    return (struct ff_change){.kind = FF_PUT,
                              .record = &record_thing,
                              .expect = FF_ANY_VERSION,
                              .values = values};
}

static int put(const struct ff_driver *d, void *store, int64_t a, size_t len,
               struct ff_err *err)
{
    struct ff_value values[N_THING];
    const struct ff_change change = put_thing(values, a, len);
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
        if (put(d, store, a, VALUE_BYTES, &err) != FF_OK) {
            fprintf(stderr, "%s\n", err.msg);
            return 1;
        }
    d->ops.store->close(store);
    return 0;
}

/* 200 rows of 30 kB are more than the first map. */
static void a_map_that_another_process_made_larger_is_followed(void **state)
{
    char *dir = make_temp_dir();
    char *path = file_join(dir, "grows.lmdb");
    struct job job = {.path = path, .n = 200};
    struct child c = start_child(put_many, &job);
    const struct ff_driver *d = load_driver(SUPPORT_DRIVER);
    void *store = open_store(d, "path", path);
    struct ff_err err = {0};

    (void)state;
    assert_int_equal(put(d, store, -1, VALUE_BYTES, &err), FF_OK);
    let_go(&c);
    assert_int_equal(end_child(&c), 0);
    assert_int_equal(count(d, store), 201);
    assert_int_equal(put(d, store, 1000, VALUE_BYTES, &err), FF_OK);
    assert_int_equal(count(d, store), 202);
    d->ops.store->close(store);
    mem_free(path);
    remove_temp_dir(dir);
}

/* --- full --- */

#define BATCH 50

/* Commits of BATCH small rows, until there is no room; how many rows that are. */
static int64_t fill(const struct ff_driver *d, void *store, int64_t first,
                    struct ff_err *err)
{
    static struct ff_value values[BATCH][N_THING];
    struct ff_change changes[BATCH];
    int64_t a = first;
    size_t failed;

    for (;; a += BATCH) {
        for (int i = 0; i < BATCH; i++)
            changes[i] = put_thing(values[i], a + i, 100);
        if (d->ops.store->commit(store, changes, BATCH, &failed, err) != FF_OK)
            return a - first;
    }
}

/* In one commit, so that each leaf in the first third of a map is written anew. */
static int delete_every_second(const struct ff_driver *d, void *store, int64_t n,
                               struct ff_err *err)
{
    struct ff_value(*values)[N_THING] = mem_alloc((size_t)n * sizeof(*values));
    struct ff_change *changes = mem_alloc((size_t)n * sizeof(*changes));
    size_t failed;
    int code;

    for (int64_t i = 0; i < n / 2; i++) {
        changes[i] = put_thing(values[i], 2 * i, 0);
        changes[i].kind = FF_DELETE;
    }
    code = d->ops.store->commit(store, changes, (size_t)n / 2, &failed, err);
    mem_free(values);
    mem_free(changes);
    return code;
}

static void a_full_store_says_so_is_read_and_takes_deletes(void **state)
{
    const struct ff_driver *d = load_driver(SUPPORT_DRIVER);
    char *dir = make_temp_dir();
    char *path = file_join(dir, "full.lmdb");
    struct ff_err err = {0};
    struct stat st;
    void *store;
    int64_t n;

    (void)state;
    support_size_option = "max_size";
    support_size_bytes = FULL_BYTES;
    store = open_store(d, "path", path);
    n = fill(d, store, 0, &err);
    assert_true(n > 10 * BATCH);
    assert_int_equal(err.code, FF_FULL);
    assert_non_null(strstr(err.msg, "store-lmdb.max_size"));
    assert_int_equal(count(d, store), n);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size <= FULL_BYTES);
    if (delete_every_second(d, store, n / 3, &err) != FF_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(count(d, store), n - n / 3 / 2);
    assert_true(fill(d, store, n, &err) > 0);
    assert_int_equal(err.code, FF_FULL);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size <= FULL_BYTES + FULL_BYTES / 2);
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

/* Each version of the row is new pages: with the reader's moment kept, 4 MiB would be
 * full after 130 of them. Somebody else uses the file all the time, or its lock file
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
    support_size_bytes = 4 << 20;
    store = open_store(d, "path", path);
    let_go(&reader);
    assert_true(hear(&reader, &heard));
    kill_child(&reader);
    for (int i = 0; i < 300; i++)
        if (put(d, store, 0, VALUE_BYTES, &err) != FF_OK)
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
        cmocka_unit_test(a_full_store_says_so_is_read_and_takes_deletes),
        cmocka_unit_test(a_reader_that_was_killed_keeps_no_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
