/* Copies while others write. */
#include "support.h"
#include "support_process.h"

#include <sys/stat.h>
#include <unistd.h>

struct job {
    const char *path;
};

/* Two rows at a time with the same number, until it is killed. */
static int keep_writing(void *arg, int tell_fd)
{
    const struct job *job = arg;
    const struct ff_driver *d = load_driver(SUPPORT_DRIVER);
    void *store = open_store(d, "path", job->path);

    for (int64_t i = 0;; i++) {
        struct ff_value values[2][N_PAIR];
        const struct ff_change changes[] = {
            put_pair(values[0], 1, i, 0, FF_ANY_VERSION),
            put_pair(values[1], 2, i, 0, FF_ANY_VERSION)};
        struct ff_err err = {0};
        size_t failed;
        const int code = d->ops.store->commit(store, changes, 2, &failed, &err);

        if (code != FF_OK && code != FF_BUSY)
            return code;
        if (i < 10)
            tell(tell_fd, i);
    }
}

static void a_backup_under_load_is_one_moment(void **state)
{
    const struct ff_driver *d;
    char *dir = make_temp_dir();
    char *path = file_join(dir, "live.db");
    struct job job = {.path = path};
    struct child c = start_child(keep_writing, &job);
    struct ff_err err = {0};
    struct stat st;
    int64_t heard;
    void *store;

    (void)state;
    let_go(&c);
    for (int i = 0; i < 10; i++)
        assert_true(hear(&c, &heard));
    d = load_driver(SUPPORT_DRIVER);
    store = open_store(d, "path", path);
    for (int i = 0; i < 10; i++) {
        char name[32];
        char *to;
        void *copy;

        snprintf(name, sizeof(name), "copy-%d.db", i);
        to = file_join(dir, name);
        if (d->ops.store->backup(store, to, &err) != FF_OK)
            fail_msg("%s", err.msg);
        assert_int_equal(stat(to, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        copy = open_store(d, "path", to);
        assert_true(read_left(d, copy, 1) >= heard);
        assert_int_equal(read_left(d, copy, 1), read_left(d, copy, 2));
        d->ops.store->close(copy);
        mem_free(to);
    }
    kill_child(&c);
    d->ops.store->close(store);
    mem_free(path);
    remove_temp_dir(dir);
}

static void a_backup_replaces_no_file(void **state)
{
    const struct ff_driver *d = load_driver(SUPPORT_DRIVER);
    char *dir = make_temp_dir();
    char *path = file_join(dir, "live.db");
    char *to = file_join(dir, "copy.db");
    void *store = open_store(d, "path", path);
    struct ff_err err = {0};
    struct buf text = {0};

    (void)state;
    assert_int_equal(file_write_durable(to, "mine", 4, 0600), 0);
    assert_int_equal(d->ops.store->backup(store, to, &err), FF_INVALID);
    assert_int_equal(file_read(to, 100, &text), 0);
    assert_string_equal(buf_text(&text), "mine");
    assert_int_equal(d->ops.store->backup(store, "/nowhere/copy.db", &err), FF_INVALID);
    d->ops.store->close(store);
    buf_done(&text);
    mem_free(path);
    mem_free(to);
    remove_temp_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backup_under_load_is_one_moment),
        cmocka_unit_test(a_backup_replaces_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
