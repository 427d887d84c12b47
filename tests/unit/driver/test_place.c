/* The file and its directory: what is looked for where, and who may have put it there.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static char path[128];

static void copy_driver(void)
{
    struct buf bytes = {0};

    assert_int_equal(file_read(FF_TEST_DRIVERS "/good.so", 64 << 20, &bytes), 0);
    assert_int_equal(file_write_durable(path, bytes.data, bytes.len, 0755), 0);
    buf_done(&bytes);
}

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/ff-driver-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof(path), "%s/some.so", dir);
    copy_driver();
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    return file_remove_tree(dir);
}

static const char *refusal(const char *in, const char *name)
{
    static struct ff_err err;

    err = (struct ff_err){0};
    if (driver_load(in, name, 0, &err))
        return "";
    return err.msg;
}

static void check(const char *in, const char *name, const char *wanted)
{
    const char *msg = refusal(in, name);

    if (!strstr(msg, wanted))
        fail_msg("'%s' does not say '%s'", msg, wanted);
}

static void a_file_that_was_cut_short_is_refused(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(stat(path, &st), 0);
    for (off_t len = st.st_size / 2; len >= 64; len /= 2) {
        assert_int_equal(truncate(path, len), 0);
        check(dir, "some", "is cut short: it has");
    }
    assert_int_equal(truncate(path, 10), 0);
    check(dir, "some", "cannot be loaded");
}

static void names_lead_to_files_of_the_directory_only(void **state)
{
    (void)state;
    check(dir, "../x",
          "a driver is named like store-sqlite or by an absolute path, "
          "not '../x'");
    check(dir, "x/y", "not 'x/y'");
    check(dir, "", "not ''");
    check("drivers", "some", "the driver directory 'drivers' is not an absolute path");
    check(NULL, "some", "the driver directory '' is not an absolute path");
}

static void missing_drivers_are_named_with_the_nearest(void **state)
{
    (void)state;
    check(dir, "sme", "there is no driver sme in ");
    check(dir, "sme", "; did you mean some?");
    assert_null(strstr(refusal(dir, "queue-redis"), "did you mean"));
    check("/nowhere", "some", "there is no driver some in /nowhere");
    check(dir, "/nowhere/x.so", "there is no file /nowhere/x.so");
}

static void only_regular_files_are_loaded(void **state)
{
    char odd[160];

    (void)state;
    snprintf(odd, sizeof(odd), "%s/dir.so", dir);
    assert_int_equal(mkdir(odd, 0755), 0);
    check(dir, "dir", "is not a regular file");
    snprintf(odd, sizeof(odd), "%s/pipe.so", dir);
    assert_int_equal(mkfifo(odd, 0755), 0);
    check(dir, "pipe", "is not a regular file");
}

static void files_that_are_no_libraries_are_refused(void **state)
{
    char text[160];

    (void)state;
    snprintf(text, sizeof(text), "%s/text.so", dir);
    assert_int_equal(file_write_durable(text, "hello\n", 6, 0755), 0);
    check(dir, "text", "text.so cannot be loaded: ");
    check(dir, "text", "file too short");
}

static void what_others_can_write_is_not_loaded(void **state)
{
    (void)state;
    assert_int_equal(chmod(path, 0757), 0);
    check(dir, "some", "some.so can be written by others: chmod go-w it");
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(chmod(dir, 0777), 0);
    check(dir, "some", " can be written by others: chmod go-w it");
    assert_int_equal(chmod(dir, 0755), 0);
    assert_string_equal(refusal(dir, "some"), "");
}

static void groups_that_write_are_others(void **state)
{
    (void)state;
    /* For other users than root their own group is allowed. */
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(path, 0775), 0);
    check(dir, "some", "can be written by others");
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(chmod(dir, 0775), 0);
    check(dir, "some", "can be written by others");
}

static void what_belongs_to_others_is_not_loaded(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(path, 12345, 0), 0);
    check(dir, "some", "belongs to user 12345, neither root nor whoever runs this");
    assert_int_equal(chown(path, 0, 0), 0);
    assert_int_equal(chown(dir, 12345, 0), 0);
    check(dir, "some", "belongs to user 12345");
}

/* A link is followed before the looking, and the place it leads to counts. */
static void links_count_as_what_they_lead_to(void **state)
{
    char link[160];

    (void)state;
    snprintf(link, sizeof(link), "%s/link.so", dir);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(chmod(path, 0757), 0);
    check(dir, "link", "some.so can be written by others");
    assert_int_equal(chmod(path, 0755), 0);
    assert_string_equal(refusal(dir, "link"), "");
}

static void the_directory_comes_from_the_environment_or_the_program(void **state)
{
    char *from_env;
    char *beside;

    (void)state;
    setenv("FLOWFORGE_DRIVER_DIR", "/some/where", 1);
    from_env = driver_default_dir();
    assert_string_equal(from_env, "/some/where");
    unsetenv("FLOWFORGE_DRIVER_DIR");
    beside = driver_default_dir();
    assert_non_null(strstr(beside, "lib/flowforge"));
    assert_int_equal(beside[0], '/');
    mem_free(from_env);
    mem_free(beside);
}

struct seen {
    size_t n_drivers, n_refused;
    char last[64];
};

static void note(void *arg, const char *file, const struct driver *d,
                 const struct ff_err *err)
{
    struct seen *seen = arg;
    const char *name = strrchr(file, '/') + 1;

    assert_true(strcmp(seen->last, name) < 0);
    snprintf(seen->last, sizeof(seen->last), "%s", name);
    if (d) {
        seen->n_drivers++;
    } else {
        seen->n_refused++;
        assert_true(err->msg[0]);
    }
}

static void directories_are_listed_in_order_with_refusals(void **state)
{
    struct seen seen = {0};
    struct ff_err err = {0};

    (void)state;
    assert_int_equal(driver_list(FF_TEST_DRIVERS, note, &seen, &err), FF_OK);
    assert_int_equal(seen.n_drivers, 2);
    assert_true(seen.n_refused > 20);
    assert_int_equal(driver_list("/nowhere", note, &seen, &err), FF_NOT_FOUND);
    assert_string_equal(err.msg, "cannot list the drivers in /nowhere: "
                                 "No such file or directory");
    assert_int_equal(driver_list("drivers", note, &seen, &err), FF_INVALID);
}

static void long_paths_show_their_end(void **state)
{
    char long_path[400];
    char shown[DRIVER_PATH_TEXT];

    (void)state;
    snprintf(long_path, sizeof(long_path), "/%0300d/x.so", 0);
    driver_shown(long_path, shown);
    assert_int_equal(strlen(shown), DRIVER_PATH_TEXT - 1);
    assert_int_equal(strncmp(shown, "...0", 4), 0);
    assert_string_equal(shown + strlen(shown) - 5, "/x.so");
    check(dir, long_path, "/x.so");
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(names_lead_to_files_of_the_directory_only),
        IN_DIR(missing_drivers_are_named_with_the_nearest),
        IN_DIR(only_regular_files_are_loaded),
        IN_DIR(files_that_are_no_libraries_are_refused),
        IN_DIR(a_file_that_was_cut_short_is_refused),
        IN_DIR(what_others_can_write_is_not_loaded),
        IN_DIR(groups_that_write_are_others),
        IN_DIR(what_belongs_to_others_is_not_loaded),
        IN_DIR(links_count_as_what_they_lead_to),
        IN_DIR(the_directory_comes_from_the_environment_or_the_program),
        IN_DIR(directories_are_listed_in_order_with_refusals),
        IN_DIR(long_paths_show_their_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
