/* Calls of the system that fail inside LMDB: a flush that fails ends the store, a disk
 * that is full does not, and nothing of the commit is there either way.
 *
 * The program's own fdatasync, pwrite and writev stand in front of the C library's. */
#include "support.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#define META_BYTES 8192 /* the first two pages, which make a commit valid */

static struct {
    int flush, pages, meta; /* what fails, and how: errno */
    int n_failed;
} faults;

static int fail_with(int sys)
{
    faults.n_failed++;
    errno = sys;
    return -1;
}

FF_EXPORT int fdatasync(int fd);
FF_EXPORT ssize_t pwrite(int fd, const void *data, size_t len, off_t at);
FF_EXPORT ssize_t writev(int fd, const struct iovec *pieces, int n);

int fdatasync(int fd)
{
    int (*real)(int) = NULL;

    *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    return faults.flush ? fail_with(faults.flush) : real(fd);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    ssize_t (*real)(int, const void *, size_t, off_t) = NULL;
    const int sys = at < META_BYTES ? faults.meta : faults.pages;

    *(void **)&real = dlsym(RTLD_NEXT, "pwrite");
    return sys ? fail_with(sys) : real(fd, data, len, at);
}

ssize_t writev(int fd, const struct iovec *pieces, int n)
{
    ssize_t (*real)(int, const struct iovec *, int) = NULL;

    *(void **)&real = dlsym(RTLD_NEXT, "writev");
    return faults.pages ? fail_with(faults.pages) : real(fd, pieces, n);
}

/* --- a store with one pair --- */

struct place {
    const struct ff_driver *driver;
    const struct ff_store_ops *ops;
    char *dir, *path;
    void *store, *other;
};

static int put_left(const struct place *p, int64_t left, struct ff_err *err)
{
    struct ff_value values[N_PAIR];
    const struct ff_change put = put_pair(values, 1, left, 0, FF_ANY_VERSION);
    size_t failed;

    return p->ops->commit(p->store, &put, 1, &failed, err);
}

static int set_up(void **state)
{
    struct place *p = mem_alloc(sizeof(*p));
    struct ff_err err = {0};

    p->driver = load_driver(SUPPORT_DRIVER);
    p->ops = p->driver->ops.store;
    p->dir = make_temp_dir();
    p->path = file_join(p->dir, "flush.lmdb");
    p->store = open_store(p->driver, "path", p->path);
    p->other = open_store(p->driver, "path", p->path);
    assert_int_equal(put_left(p, 1, &err), FF_OK);
    memset(&faults, 0, sizeof(faults));
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;

    memset(&faults, 0, sizeof(faults));
    p->ops->close(p->store);
    p->ops->close(p->other);
    mem_free(p->path);
    remove_temp_dir(p->dir);
    mem_free(p);
    return 0;
}

static int64_t left_of_a_new_process(struct place *p)
{
    int64_t left;

    p->ops->close(p->store);
    p->ops->close(p->other);
    p->store = open_store(p->driver, "path", p->path);
    p->other = open_store(p->driver, "path", p->path);
    left = read_left(p->driver, p->store, 1);
    return left;
}

static void expect_dead(struct place *p)
{
    const struct ff_query q = {
        .struct_size = sizeof(q), .record = &record_pair, .index = -1};
    struct ff_err err = {0};
    uint64_t n;

    memset(&faults, 0, sizeof(faults));
    assert_int_equal(put_left(p, 3, &err), FF_FATAL);
    assert_non_null(strstr(err.msg, p->path));
    assert_int_equal(p->ops->ping(p->store, &err), FF_FATAL);
    assert_int_equal(p->ops->count(p->other, &q, &n, &err), FF_FATAL);
    assert_int_equal(p->ops->setup(p->other, &test_schema, &err), FF_FATAL);
}

static void a_flush_that_fails_ends_every_session(void **state)
{
    struct place *p = *state;
    struct ff_err err = {0};

    faults.flush = EIO;
    assert_int_equal(put_left(p, 2, &err), FF_FATAL);
    assert_int_equal(faults.n_failed, 1);
    expect_dead(p);
    assert_int_equal(left_of_a_new_process(p), 1);
}

static void a_page_that_cannot_be_written_ends_every_session(void **state)
{
    struct place *p = *state;
    struct ff_err err = {0};

    faults.pages = EIO;
    assert_int_equal(put_left(p, 2, &err), FF_FATAL);
    expect_dead(p);
    assert_int_equal(left_of_a_new_process(p), 1);
}

static void a_failure_in_the_last_step_of_a_commit_ends_every_session(void **state)
{
    static const int numbers[] = {EIO, ENOSPC};

    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct place *p = *state;
        struct ff_err err = {0};

        faults.meta = numbers[i];
        assert_int_equal(put_left(p, 2, &err), FF_FATAL);
        assert_true(faults.n_failed > 0);
        expect_dead(p);
        assert_int_equal(left_of_a_new_process(p), 1);
    }
}

static void a_full_disk_writes_nothing_and_ends_nothing(void **state)
{
    static const int numbers[] = {ENOSPC, EDQUOT, EFBIG};
    struct place *p = *state;
    struct ff_err err = {0};

    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        faults.pages = numbers[i];
        assert_int_equal(put_left(p, 2, &err), FF_FULL);
        assert_int_equal(read_left(p->driver, p->store, 1), 1);
        faults.pages = 0;
        faults.flush = numbers[i];
        assert_int_equal(put_left(p, 2, &err), FF_FULL);
        assert_int_equal(read_left(p->driver, p->other, 1), 1);
        faults.flush = 0;
    }
    assert_int_equal(put_left(p, 3, &err), FF_OK);
    assert_int_equal(left_of_a_new_process(p), 3);
}

static void a_lock_file_without_room_is_an_error_and_no_signal(void **state)
{
    struct place *p = *state;
    char *path = file_join(p->dir, "new.lmdb");
    struct ff_err err = {0};
    void *store;

    faults.meta = ENOSPC; /* the first bytes of any file */
    assert_int_equal(try_open(p->driver, "path", path, &store, &err), FF_FULL);
    assert_non_null(strstr(err.msg, "lock file"));
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_flush_that_fails_ends_every_session),
        TEST(a_page_that_cannot_be_written_ends_every_session),
        TEST(a_failure_in_the_last_step_of_a_commit_ends_every_session),
        TEST(a_full_disk_writes_nothing_and_ends_nothing),
        TEST(a_lock_file_without_room_is_an_error_and_no_signal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
