/* A full disk: commits are refused, reads go on, and with space all is as before. */
#include "support.h"
#include "support_process.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#define BIG      ((size_t)64 * 1024)
#define NO_RIGHT 77

/* A thing with 64 KiB of text. */
static int put_big(const struct ff_driver *d, void *store, int64_t a, const char *text,
                   struct ff_err *err)
{
    struct ff_value values[N_THING] = {{0}};
    const struct ff_change put = {
        .kind = FF_PUT, .record = &record_thing, .expect = FF_ABSENT, .values = values};
    size_t failed;

    values[THING_A] = v_int(a);
    values[THING_B] = v_text("b");
    values[THING_T] = (struct ff_value){.type = FF_TEXT, .s = text, .len = BIG};
    values[THING_J] = (struct ff_value){.type = FF_JSON, .s = "{}", .len = 2};
    values[THING_COLOR] = (struct ff_value){.type = FF_ENUM, .i = RED};
    return d->ops.store->commit(store, &put, 1, &failed, err);
}

static uint64_t count_things(const struct ff_driver *d, void *store)
{
    const struct ff_query q = {
        .struct_size = sizeof(q), .record = &record_thing, .index = -1};
    struct ff_err err = {0};
    uint64_t n = 0;

    if (d->ops.store->count(store, &q, &n, &err) != FF_OK)
        fail_msg("%s", err.msg);
    return n;
}

/* Gives how many fitted. */
static uint64_t fill(const struct ff_driver *d, void *store, const char *text)
{
    struct ff_err err = {0};
    int64_t a = 0;
    int code;

    while ((code = put_big(d, store, a, text, &err)) == FF_OK)
        a++;
    if (code != FF_FULL)
        fail_msg("%d: %s (%d)", code, err.msg, err.sys);
    /* Refused again and again, and still nothing is broken. */
    for (int i = 0; i < 5; i++)
        assert_int_equal(put_big(d, store, a, text, &err), FF_FULL);
    assert_int_equal(count_things(d, store), a);
    return (uint64_t)a;
}

static char *big_text(void)
{
    char *text = mem_alloc(BIG);

    memset(text, 'x', BIG);
    return text;
}

/* --- a small file system, where we may mount one --- */

struct job {
    const char *dir, *path;
};

/* In a namespace of the child: whatever happens, the mount goes with it. */
static bool mount_small(const char *dir)
{
    return unshare(CLONE_NEWNS) == 0 &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=0700") == 0;
}

static int fill_file_system(void *arg, int tell_fd)
{
    const struct job *job = arg;
    const struct ff_driver *d = load_driver("store-sqlite");
    char *ballast = file_join(job->dir, "ballast");
    char *zeroes = mem_alloc(1 << 20);
    char *text = big_text();
    struct ff_err err = {0};
    void *store;
    uint64_t n;

    (void)tell_fd;
    if (!mount_small(job->dir))
        return NO_RIGHT;
    assert_int_equal(file_write_durable(ballast, zeroes, 1 << 20, 0600), 0);
    store = open_store(d, "path", job->path);
    n = fill(d, store, text);
    assert_int_equal(unlink(ballast), 0);
    assert_int_equal(put_big(d, store, (int64_t)n, text, &err), FF_OK);
    d->ops.store->close(store);
    store = open_store(d, "path", job->path);
    assert_int_equal(count_things(d, store), n + 1);
    d->ops.store->close(store);
    mem_free(ballast);
    mem_free(zeroes);
    mem_free(text);
    return 0;
}

static void a_full_file_system_is_survived(void **state)
{
    char *dir = make_temp_dir();
    char *path = file_join(dir, "full.db");
    struct job job = {.dir = dir, .path = path};
    struct child c = start_child(fill_file_system, &job);
    int status;

    (void)state;
    let_go(&c);
    status = end_child(&c);
    mem_free(path);
    remove_temp_dir(dir);
    if (status == NO_RIGHT)
        skip();
    assert_int_equal(status, 0);
}

/* --- a limit on the size of files --- */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int fill_up_to_limit(void *arg, int tell_fd)
{
    const struct job *job = arg;
    const struct ff_driver *d = load_driver("store-sqlite");
    char *text = big_text();
    struct ff_err err = {0};
    void *store;
    uint64_t n;

    (void)tell_fd;
    signal(SIGXFSZ, SIG_IGN);
    store = open_store(d, "path", job->path);
    limit_files(1 << 20);
    n = fill(d, store, text);
    limit_files(RLIM_INFINITY);
    assert_int_equal(put_big(d, store, (int64_t)n, text, &err), FF_OK);
    assert_int_equal(count_things(d, store), n + 1);
    d->ops.store->close(store);
    mem_free(text);
    return 0;
}

static void a_limit_on_files_is_a_full_disk(void **state)
{
    char *dir = make_temp_dir();
    char *path = file_join(dir, "limit.db");
    struct job job = {.path = path};
    struct child c = start_child(fill_up_to_limit, &job);

    (void)state;
    let_go(&c);
    assert_int_equal(end_child(&c), 0);
    mem_free(path);
    remove_temp_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_on_files_is_a_full_disk),
        cmocka_unit_test(a_full_file_system_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
