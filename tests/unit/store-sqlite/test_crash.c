/* kill -9 at any moment: a commit is there whole or not at all, and what was
 * acknowledged is there. */
#include "support.h"
#include "support_process.h"

#include <unistd.h>

#define KILLS 50

struct writer {
    const char *path;
    int64_t first; /* pair it begins with */
};

/* Commits two rows at a time, 2i and 2i + 1, and counts in a third that is patched;
 * tells of each commit that returned. */
static int write_pairs(void *arg, int tell_fd)
{
    const struct writer *w = arg;
    const struct ff_driver *d = load_driver(SUPPORT_DRIVER);
    void *store = open_store(d, "path", w->path);

    for (int64_t i = w->first;; i++) {
        struct ff_value values[3][N_PAIR];
        const struct ff_change changes[] = {
            put_pair(values[0], 2 * i, i, -i, FF_ABSENT),
            put_pair(values[1], 2 * i + 1, i, -i, FF_ABSENT),
            put_pair(values[2], -1, i, 0, FF_ANY_VERSION),
        };
        struct ff_err err = {0};
        size_t failed;

        if (d->ops.store->commit(store, changes, 3, &failed, &err) != FF_OK)
            return 1;
        tell(tell_fd, i);
    }
}

struct seen {
    int64_t n, sum, last;
};

static int count_pairs(void *arg, const struct ff_value *values)
{
    struct seen *seen = arg;

    if (values[PAIR_K].i < 0)
        return 0;
    assert_int_equal(values[PAIR_K].i, seen->n); /* without gaps */
    assert_int_equal(values[PAIR_LEFT].i, values[PAIR_K].i / 2);
    seen->n++;
    seen->last = values[PAIR_LEFT].i;
    return 0;
}

/* Gives the next pair to write. */
static int64_t check_pairs(const char *path, int64_t acknowledged)
{
    const struct ff_driver *d = load_driver(SUPPORT_DRIVER);
    void *store = open_store(d, "path", path);
    const struct ff_query q = {
        .struct_size = sizeof(q), .record = &record_pair, .index = -1};
    struct seen seen = {.last = -1};
    struct ff_err err = {0};

    assert_int_equal(d->ops.store->scan(store, &q, count_pairs, &seen, &err), FF_OK);
    assert_int_equal(seen.n % 2, 0);
    assert_true(seen.last >= acknowledged);
    assert_int_equal(read_left(d, store, -1), seen.last);
    d->ops.store->close(store);
    return seen.last + 1;
}

static void a_kill_leaves_whole_commits_and_all_that_were_acknowledged(void **state)
{
    char *dir = make_temp_dir();
    char *path = file_join(dir, "crash.db");
    struct writer w = {.path = path};
    struct rand rand;
    int64_t acknowledged = -1;
    uint64_t seed;

    (void)state;
    rand_system(&seed, sizeof(seed));
    rand_seed(&rand, seed);
    for (int i = 0; i < KILLS; i++) {
        struct child c = start_child(write_pairs, &w);
        const uint64_t n = 1 + rand_below(&rand, 20);

        let_go(&c);
        for (uint64_t k = 0; k < n; k++)
            assert_true(hear(&c, &acknowledged));
        usleep((useconds_t)rand_below(&rand, 500)); /* somewhere within a commit */
        kill_child(&c);
        w.first = check_pairs(path, acknowledged);
    }
    assert_true(w.first >= KILLS);
    mem_free(path);
    remove_temp_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_leaves_whole_commits_and_all_that_were_acknowledged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
