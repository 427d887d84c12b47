/* One flush for each commit; and when one fails, nothing is tried again. */
#include "support.h"
#include "support_vfs.h"

#include <poll.h>
#include <sqlite3.h>
#include <unistd.h>

struct place {
    const struct ff_driver *driver;
    const struct ff_store_ops *ops;
    char *dir, *path;
    void *store;
};

static int set_up(void **state)
{
    struct place *p = mem_alloc(sizeof(*p));

    vfs_state = (struct vfs_state){0};
    p->driver = load_driver("store-sqlite");
    p->ops = p->driver->ops.store;
    p->dir = make_temp_dir();
    p->path = file_join(p->dir, "flush.db");
    p->store = open_store(p->driver, "path", p->path);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;

    p->ops->close(p->store);
    mem_free(p->path);
    remove_temp_dir(p->dir);
    mem_free(p);
    return 0;
}

static int put(struct place *p, int64_t k, struct ff_err *err)
{
    struct ff_value values[N_PAIR];
    const struct ff_change change = put_pair(values, k, k, k, FF_ABSENT);
    size_t failed;

    return p->ops->commit(p->store, &change, 1, &failed, err);
}

static void a_commit_is_one_flush_and_a_read_is_none(void **state)
{
    struct place *p = *state;
    struct ff_err err = {0};
    int64_t before;

    assert_int_equal(put(p, 0, &err), FF_OK); /* the log's own beginning */
    before = vfs_state.n_syncs;
    for (int64_t k = 1; k <= 10; k++)
        assert_int_equal(put(p, k, &err), FF_OK);
    assert_int_equal(vfs_state.n_syncs - before, 10);
    assert_int_equal(read_left(p->driver, p->store, 10), 10);
    assert_int_equal(p->ops->ping(p->store, &err), FF_OK);
    assert_int_equal(vfs_state.n_syncs - before, 10);
}

static void a_commit_of_checks_alone_writes_nothing(void **state)
{
    struct place *p = *state;
    const struct ff_value key = v_int(1);
    const struct ff_change check = {
        .kind = FF_CHECK, .record = &record_pair, .expect = 1, .values = &key};
    struct ff_err err = {0};
    int64_t before;
    size_t failed;

    assert_int_equal(put(p, 1, &err), FF_OK);
    before = vfs_state.n_writes;
    assert_int_equal(p->ops->commit(p->store, &check, 1, &failed, &err), FF_OK);
    assert_int_equal(vfs_state.n_writes, before);
}

static void a_failed_flush_is_final_for_all_sessions(void **state)
{
    struct place *p = *state;
    void *other = open_store(p->driver, "path", p->path);
    const struct ff_value key = v_int(1);
    const struct ff_query q = {.struct_size = sizeof(q),
                               .record = &record_pair,
                               .index = -1,
                               .n_equal = 1,
                               .equal = &key};
    struct rows rows = {.record = &record_pair};
    struct ff_err err = {0};
    void *late = NULL;
    int64_t n_syncs;

    assert_int_equal(put(p, 1, &err), FF_OK);
    vfs_state.fail_syncs = 1;
    assert_int_equal(put(p, 2, &err), FF_FATAL);
    assert_non_null(strstr(err.msg, p->path));
    n_syncs = vfs_state.n_syncs;
    assert_int_equal(put(p, 3, &err), FF_FATAL); /* the disk would say yes now */
    assert_int_equal(p->ops->scan(other, &q, add_row, &rows, &err), FF_FATAL);
    assert_int_equal(p->ops->ping(other, &err), FF_FATAL);
    assert_int_equal(try_open(p->driver, "path", p->path, &late, &err), FF_FATAL);
    p->ops->close(other);
    assert_int_equal(vfs_state.n_syncs, n_syncs);
}

/* As the last of all, closing would carry the log over: with another flush. */
static void closing_after_a_failed_flush_flushes_nothing(void **state)
{
    struct place *p = *state;
    struct ff_err err = {0};
    int64_t n_syncs;

    assert_int_equal(put(p, 1, &err), FF_OK);
    vfs_state.fail_syncs = 1;
    assert_int_equal(put(p, 2, &err), FF_FATAL);
    n_syncs = vfs_state.n_syncs;
    p->ops->close(p->store);
    assert_int_equal(vfs_state.n_syncs, n_syncs);
    /* A new process looks at what is really there. */
    p->store = open_store(p->driver, "path", p->path);
    assert_int_equal(read_left(p->driver, p->store, 1), 1);
}

static void a_failed_read_is_final_too(void **state)
{
    struct place *p = *state;
    const struct ff_query q = {
        .struct_size = sizeof(q), .record = &record_pair, .index = -1};
    struct rows rows = {.record = &record_pair};
    struct ff_err err = {0};
    void *fresh;

    assert_int_equal(put(p, 1, &err), FF_OK);
    fresh = open_store(p->driver, "path", p->path); /* with an empty cache */
    vfs_state.fail_reads = -1;
    assert_int_equal(p->ops->scan(fresh, &q, add_row, &rows, &err), FF_FATAL);
    vfs_state.fail_reads = 0;
    assert_int_equal(put(p, 2, &err), FF_FATAL);
    p->ops->close(fresh);
}

/* --- the file goes away --- */

static void a_deleted_file_is_noticed_before_the_next_commit(void **state)
{
    struct place *p = *state;
    struct ff_err err = {0};

    assert_int_equal(put(p, 1, &err), FF_OK);
    assert_int_equal(unlink(p->path), 0);
    assert_int_equal(put(p, 2, &err), FF_FATAL);
    assert_non_null(strstr(err.msg, "moved or deleted"));
}

static void a_replaced_file_is_noticed_before_the_next_commit(void **state)
{
    struct place *p = *state;
    char *away = file_join(p->dir, "away.db");
    struct ff_err err = {0};

    assert_int_equal(put(p, 1, &err), FF_OK);
    assert_int_equal(rename(p->path, away), 0);
    assert_int_equal(file_write_durable(p->path, "", 0, 0600), 0);
    assert_int_equal(put(p, 2, &err), FF_FATAL);
    mem_free(away);
}

static void a_deleted_log_is_noticed_before_the_next_commit(void **state)
{
    struct place *p = *state;
    char *log = file_join(p->dir, "flush.db-wal");
    struct ff_err err = {0};

    assert_int_equal(put(p, 1, &err), FF_OK);
    assert_int_equal(unlink(log), 0);
    assert_int_equal(put(p, 2, &err), FF_FATAL);
    mem_free(log);
}

static int scan_all(struct place *p)
{
    const struct ff_query q = {
        .struct_size = sizeof(q), .record = &record_pair, .index = -1};
    struct rows rows = {.record = &record_pair};
    struct ff_err err = {0};
    const int code = p->ops->scan(p->store, &q, add_row, &rows, &err);

    buf_done(&rows.text);
    return code;
}

/* Soon, and at once after a commit was refused. */
static void a_deleted_file_is_noticed_by_who_reads(void **state)
{
    struct place *p = *state;
    struct ff_err err = {0};
    int code = FF_OK;

    assert_int_equal(put(p, 1, &err), FF_OK);
    assert_int_equal(scan_all(p), FF_OK);
    assert_int_equal(unlink(p->path), 0);
    for (int i = 0; i < 20000 && (code = scan_all(p)) == FF_OK; i++)
        poll(NULL, 0, 1);
    assert_int_equal(code, FF_FATAL);
    assert_int_equal(put(p, 2, &err), FF_FATAL);
}

static void a_refused_commit_ends_reads_at_once(void **state)
{
    struct place *p = *state;
    struct ff_err err = {0};

    assert_int_equal(put(p, 1, &err), FF_OK);
    assert_int_equal(unlink(p->path), 0);
    assert_int_equal(put(p, 2, &err), FF_FATAL);
    assert_int_equal(scan_all(p), FF_FATAL);
}

static int install(void **state)
{
    (void)state;
    vfs_install();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_commit_is_one_flush_and_a_read_is_none),
        TEST(a_commit_of_checks_alone_writes_nothing),
        TEST(a_failed_flush_is_final_for_all_sessions),
        TEST(closing_after_a_failed_flush_flushes_nothing),
        TEST(a_failed_read_is_final_too),
        TEST(a_deleted_file_is_noticed_before_the_next_commit),
        TEST(a_deleted_file_is_noticed_by_who_reads),
        TEST(a_refused_commit_ends_reads_at_once),
        TEST(a_replaced_file_is_noticed_before_the_next_commit),
        TEST(a_deleted_log_is_noticed_before_the_next_commit),
    };

    return cmocka_run_group_tests(tests, install, NULL);
}
