/* The write-ahead log is carried over: inline after many small commits, by the thread
 * under large ones, and it begins anew each time. */
#include "support.h"
#include "support_vfs.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECKPOINT ((int64_t)2 << 20)

struct place {
    const struct ff_driver *driver;
    char *dir, *path, *log;
    void *store;
};

static int set_up(void **state)
{
    struct place *p = mem_alloc(sizeof(*p));

    support_size_option = "checkpoint";
    support_size_bytes = CHECKPOINT;
    p->driver = load_driver("store-sqlite");
    p->dir = make_temp_dir();
    p->path = file_join(p->dir, "log.db");
    p->log = file_join(p->dir, "log.db-wal");
    p->store = open_store(p->driver, "path", p->path);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;

    p->driver->ops.store->close(p->store);
    assert_int_equal(access(p->log, F_OK), -1); /* the last one tidies up */
    mem_free(p->path);
    mem_free(p->log);
    remove_temp_dir(p->dir);
    mem_free(p);
    return 0;
}

static int64_t size_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static bool has_checkpointer(void)
{
    DIR *dir = opendir("/proc/self/task");
    struct dirent *entry;
    bool has = false;

    while ((entry = readdir(dir))) {
        struct buf name = {0};
        char path[300];

        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
        if (file_read(path, 100, &name) == 0)
            has = has || text_starts(buf_text(&name), "ff-checkpoint");
        buf_done(&name);
    }
    closedir(dir);
    return has;
}

/* So many pairs, all over the table, in one commit. */
static void put_pairs(struct place *p, size_t n, uint64_t seed)
{
    struct ff_value values[512][N_PAIR];
    struct ff_change changes[512];
    struct ff_err err = {0};
    size_t failed;

    for (size_t i = 0; i < n; i++)
        changes[i] = put_pair(values[i], (int64_t)(rand_mix(seed * 1000 + i) % 100000),
                              1, 2, FF_ANY_VERSION);
    if (p->driver->ops.store->commit(p->store, changes, n, &failed, &err) != FF_OK)
        fail_msg("%s", err.msg);
}

static void small_commits_carry_the_log_over_by_themselves(void **state)
{
    struct place *p = *state;

    for (uint64_t i = 0; i < 1000; i++)
        put_pairs(p, 1, i);
    assert_true(size_of(p->log) < 2 * CHECKPOINT);
    assert_true(size_of(p->path) > 4 * 4096);
    assert_false(has_checkpointer());
}

static void large_commits_have_a_thread_for_it(void **state)
{
    struct place *p = *state;

    for (uint64_t i = 0; i < 120; i++)
        put_pairs(p, 500, i);
    assert_true(has_checkpointer());
    assert_true(size_of(p->log) < 6 * CHECKPOINT); /* inline from 4 times on */
}

static int no_row(void *arg, const struct ff_value *values)
{
    (void)values;
    put_pairs(arg, 500, 1);
    return 0;
}

/* What a reader still needs stays in the log, and commits go on. */
static void a_reader_holds_up_no_commit(void **state)
{
    struct place *p = *state;
    struct place other = *p;
    const struct ff_query q = {
        .struct_size = sizeof(q), .record = &record_pair, .index = -1, .limit = 20};
    struct ff_err err = {0};

    put_pairs(p, 500, 0);
    other.store = open_store(p->driver, "path", p->path);
    assert_int_equal(p->driver->ops.store->scan(other.store, &q, no_row, p, &err),
                     FF_OK);
    p->driver->ops.store->close(other.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(small_commits_carry_the_log_over_by_themselves),
        TEST(large_commits_have_a_thread_for_it),
        TEST(a_reader_holds_up_no_commit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
