#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* support_dir and its path, removed at the end of the test. */
static int make_place(void **state)
{
    *state = support_dir();
    return 0;
}

static int remove_place(void **state)
{
    char *dir = *state;
    const int failed = file_remove_tree(dir);

    mem_free(dir);
    return failed;
}

static void write_file(const char *path)
{
    assert_int_equal(file_write_durable(path, "x", 1, 0644), 0);
}

static void what_was_written_is_read(void **state)
{
    MEM_AUTO char *path = file_join(*state, "file");
    struct buf b = {0};
    struct stat st;

    buf_add_text(&b, "before ");
    assert_int_equal(file_write_durable(path, "one", 3, 0640), 0);
    assert_int_equal(file_write_durable(path, "second", 6, 0640), 0);
    assert_int_equal(file_read(path, 6, &b), 0);
    assert_string_equal(buf_text(&b), "before second");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    buf_done(&b);
}

static void reading_too_much_changes_nothing(void **state)
{
    MEM_AUTO char *path = file_join(*state, "file");
    struct buf b = {0};

    buf_add_text(&b, "kept");
    assert_int_equal(file_write_durable(path, "1234567", 7, 0600), 0);
    assert_int_equal(file_read(path, 6, &b), -EFBIG);
    assert_string_equal(buf_text(&b), "kept");
    assert_int_equal(file_read(*state, 100, &b), -EISDIR);
    assert_int_equal(file_read("/nonexistent/file", 100, &b), -ENOENT);
    assert_string_equal(buf_text(&b), "kept");
    buf_done(&b);
}

static void a_failed_write_leaves_the_old_file_and_nothing_beside(void **state)
{
    MEM_AUTO char *path = file_join(*state, "dir");

    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(file_write_durable(path, "x", 1, 0600), -EISDIR);
    assert_int_equal(rmdir(path), 0);
    /* Nothing was left behind: the directory is empty. */
    assert_int_equal(rmdir(*state), 0);
    assert_int_equal(mkdir(*state, 0700), 0);
}

static void directories_are_made_with_their_parents(void **state)
{
    MEM_AUTO char *path = file_join(*state, "a/b//c/");
    MEM_AUTO char *file = file_join(*state, "file");
    MEM_AUTO char *below = file_join(*state, "file/x");
    struct stat st;

    assert_int_equal(file_make_dirs(path, 0750), 0);
    assert_int_equal(file_make_dirs(path, 0750), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    write_file(file);
    assert_int_equal(file_make_dirs(below, 0750), -ENOTDIR);
    assert_int_equal(file_make_dirs(file, 0750), -ENOTDIR);
    assert_int_equal(file_make_dirs("/", 0750), 0);
}

static void removing_what_is_absent_is_no_error(void **state)
{
    MEM_AUTO char *path = file_join(*state, "absent/deeper");

    assert_int_equal(file_remove_tree(path), 0);
}

static void removing_takes_files_and_read_only_directories(void **state)
{
    MEM_AUTO char *tree = file_join(*state, "tree");
    MEM_AUTO char *deep = file_join(tree, "a/b/c");
    MEM_AUTO char *file = file_join(deep, "file");
    MEM_AUTO char *middle = file_join(tree, "a/b");
    struct stat st;

    assert_int_equal(file_make_dirs(deep, 0755), 0);
    write_file(file);
    assert_int_equal(chmod(deep, 0), 0);
    assert_int_equal(chmod(middle, 0555), 0);
    assert_int_equal(chmod(tree, 0555), 0);
    assert_int_equal(file_remove_tree(tree), 0);
    assert_int_equal(lstat(tree, &st), -1);
}

static void removing_follows_no_link(void **state)
{
    MEM_AUTO char *outside = file_join(*state, "outside");
    MEM_AUTO char *kept = file_join(outside, "kept");
    MEM_AUTO char *tree = file_join(*state, "tree");
    MEM_AUTO char *link_in = file_join(tree, "link");
    MEM_AUTO char *link_to = file_join(*state, "link");
    struct stat st;

    assert_int_equal(file_make_dirs(outside, 0755), 0);
    assert_int_equal(file_make_dirs(tree, 0755), 0);
    write_file(kept);
    assert_int_equal(symlink(outside, link_in), 0);
    assert_int_equal(symlink(outside, link_to), 0);
    assert_int_equal(file_remove_tree(tree), 0);
    assert_int_equal(file_remove_tree(link_to), 0);
    assert_int_equal(lstat(link_to, &st), -1);
    assert_int_equal(stat(kept, &st), 0);
}

/* Deeper than paths, descriptors or a stack would allow. */
static void removing_goes_to_any_depth(void **state)
{
    MEM_AUTO char *tree = file_join(*state, "tree");
    struct stat st;
    int fd = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (int depth = 0; depth < 1500; depth++) {
        assert_int_equal(mkdirat(fd, "tree", 0700), 0);
        assert_int_equal(symlinkat("..", fd, "link"), 0);
        const int below = openat(fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        close(fd);
        fd = below;
        assert_true(fd >= 0);
    }
    close(fd);
    assert_int_equal(file_remove_tree(tree), 0);
    assert_int_equal(lstat(tree, &st), -1);
}

static void removing_takes_wide_trees(void **state)
{
    MEM_AUTO char *tree = file_join(*state, "tree");
    struct stat st;

    for (int i = 0; i < 300; i++) {
        char name[64];

        snprintf(name, sizeof(name), "tree/%d/%d/.ff-remove-%d", i % 10, i % 100, i);
        MEM_AUTO char *path = file_join(*state, name);

        assert_int_equal(file_make_dirs(path, 0755), 0);
    }
    assert_int_equal(file_remove_tree(tree), 0);
    assert_int_equal(lstat(tree, &st), -1);
}

static void paths_are_joined(void **state)
{
    static const struct {
        const char *a, *b, *joined;
    } cases[] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a", "/b", "/b"},
        {"", "b", "b"},    {"/", "b", "/b"},   {"a", "", "a/"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        MEM_AUTO char *joined = file_join(cases[i].a, cases[i].b);

        assert_string_equal(joined, cases[i].joined);
    }
}

static void the_program_knows_where_it_is(void **state)
{
    MEM_AUTO char *dir = file_dir_of_program();
    char exe[4096] = "";

    (void)state;
    assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
    assert_true(text_starts(exe, dir));
    assert_null(strchr(exe + strlen(dir) + 1, '/'));
}

static void the_bytes_of_a_tree_are_those_of_its_files(void **state)
{
    char below[256], path[300], link_to[300];

    snprintf(below, sizeof(below), "%s/below", (char *)*state);
    snprintf(path, sizeof(path), "%s/file", below);
    snprintf(link_to, sizeof(link_to), "%s/link", below);
    assert_int_equal(file_tree_bytes(below), 0);
    assert_int_equal(mkdir(below, 0755), 0);
    assert_int_equal(file_write_durable(path, "12345", 5, 0644), 0);
    assert_int_equal(symlink(path, link_to), 0);
    assert_int_equal(file_tree_bytes(below), 5);
    assert_int_equal(file_tree_bytes(*state), 5);
}

static void syncing_needs_a_directory(void **state)
{
    assert_int_equal(file_sync_dir(*state), 0);
    assert_int_equal(file_sync_dir("/nonexistent"), -ENOENT);
    assert_int_equal(file_sync_dir("/proc/self/exe"), -ENOTDIR);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(what_was_written_is_read),
        IN_PLACE(reading_too_much_changes_nothing),
        IN_PLACE(a_failed_write_leaves_the_old_file_and_nothing_beside),
        IN_PLACE(directories_are_made_with_their_parents),
        IN_PLACE(removing_what_is_absent_is_no_error),
        IN_PLACE(removing_takes_files_and_read_only_directories),
        IN_PLACE(removing_follows_no_link),
        IN_PLACE(removing_goes_to_any_depth),
        IN_PLACE(removing_takes_wide_trees),
        IN_PLACE(the_bytes_of_a_tree_are_those_of_its_files),
        cmocka_unit_test(paths_are_joined),
        cmocka_unit_test(the_program_knows_where_it_is),
        IN_PLACE(syncing_needs_a_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
