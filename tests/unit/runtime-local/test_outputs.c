/* test_outputs.c - the files that a task leaves in $FF_OUT. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct engine *engine;

static int set_up(void **state)
{
    (void)state;
    engine = engine_new(NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    engine_free(engine);
    return 0;
}

struct text {
    char *bytes;
    size_t len;
};

static int add(void *arg, const void *bytes, size_t len)
{
    struct text *text = arg;

    text->bytes = realloc(text->bytes, text->len + len + 1);
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
    return 0;
}

static int add_name(void *arg, const void *bytes, size_t len)
{
    add(arg, bytes, len);
    return add(arg, " ", 1);
}

static int output(const char *id, const char *name, struct text *text,
                  struct ff_err *err)
{
    *text = (struct text){0};
    return engine_ops(engine)->output(engine_runtime(engine), id, name, add, text, err);
}

static void files_are_read(void **state)
{
    struct text text;
    struct ff_err err;

    (void)state;
    run_sh(engine, "a/b",
           "echo 42 >$FF_OUT/answer; : >$FF_OUT/empty; "
           "head -c 200000 /dev/zero >$FF_OUT/zeros");
    assert_int_equal(output("a/b", "answer", &text, &err), FF_OK);
    assert_string_equal(text.bytes, "42\n");
    free(text.bytes);
    assert_int_equal(output("a/b", "empty", &text, &err), FF_OK);
    assert_int_equal(text.len, 0);
    assert_int_equal(output("a/b", "zeros", &text, &err), FF_OK);
    assert_int_equal(text.len, 200000);
    free(text.bytes);
    assert_int_equal(output("a/b", "other", &text, &err), FF_NOT_FOUND);
    assert_int_equal(output("nobody", "answer", &text, &err), FF_NOT_FOUND);
}

static void names_are_listed(void **state)
{
    struct text text = {0};
    struct ff_err err;

    (void)state;
    run_sh(engine, "a",
           "touch $FF_OUT/x $FF_OUT/.y; mkdir $FF_OUT/d; "
           "ln -s x $FF_OUT/l");
    assert_int_equal(
        engine_ops(engine)->outputs(engine_runtime(engine), "a", add_name, &text, &err),
        FF_OK);
    assert_true(!strcmp(text.bytes, "x .y ") || !strcmp(text.bytes, ".y x "));
    free(text.bytes);
}

static void only_regular_files_in_the_directory_count(void **state)
{
    const char *const names[] = {"link", "fifo", "dir"};
    struct text text;
    struct ff_err err;

    (void)state;
    run_sh(engine, "a", "cd $FF_OUT; ln -s /etc/passwd link; mkfifo fifo; mkdir dir");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(output("a", names[i], &text, &err), FF_INVALID);
    assert_int_equal(output("a", "../../live", &text, &err), FF_INVALID);
    assert_int_equal(output("a", "..", &text, &err), FF_INVALID);
    assert_int_equal(output("..", "live", &text, &err), FF_NOT_FOUND);
}

static void replaced_directory_leads_nowhere(void **state)
{
    struct text text;
    struct ff_err err;

    (void)state;
    run_sh(engine, "a", "rmdir $FF_OUT; ln -s /etc $FF_OUT");
    assert_int_equal(output("a", "passwd", &text, &err), FF_NOT_FOUND);
    assert_int_equal(release(engine, "a"), FF_OK);
    assert_int_equal(access("/etc/passwd", F_OK), 0);
}

static void file_is_taken(void **state)
{
    char to[500];
    struct ff_err err;
    struct stat st;

    (void)state;
    run_sh(engine, "a",
           "echo 42 >$FF_OUT/x; echo 43 >$FF_OUT/y; ln $FF_OUT/y $FF_OUT/z");
    snprintf(to, sizeof(to), "%s/blob", engine_dir(engine));
    for (int i = 0; i < 2; i++) { /* again, as after a crash */
        assert_int_equal(
            engine_ops(engine)->take(engine_runtime(engine), "a", "x", to, &err),
            FF_OK);
        char *text = read_all(to, NULL);
        assert_string_equal(text, "42\n");
        free(text);
    }
    /* The task may hold another name of it. */
    assert_int_equal(
        engine_ops(engine)->take(engine_runtime(engine), "a", "y", to, &err), FF_OK);
    assert_int_equal(stat(to, &st), 0);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(release(engine, "a"), FF_OK);
    char *text = read_all(to, NULL);
    assert_string_equal(text, "43\n");
    free(text);
    assert_int_equal(
        engine_ops(engine)->take(engine_runtime(engine), "a", "x", to, &err),
        FF_NOT_FOUND);
}

static void file_is_taken_across_file_systems(void **state)
{
    char to[64] = "/dev/shm/ff-take-XXXXXX";
    struct ff_err err;

    (void)state;
    if (!mkdtemp(to))
        skip();
    strcat(to, "/blob");
    run_sh(engine, "a", "head -c 300000 /dev/zero >$FF_OUT/x");
    assert_int_equal(
        engine_ops(engine)->take(engine_runtime(engine), "a", "x", to, &err), FF_OK);
    size_t len;
    char *text = read_all(to, &len);
    assert_int_equal(len, 300000);
    free(text);
    unlink(to);
    *strrchr(to, '/') = '\0';
    assert_int_equal(rmdir(to), 0);
}

/* Directories are used again: the next attempt must find nothing of the last. */
static void next_attempt_finds_nothing_of_the_last(void **state)
{
    const char *const deeds[] = {"true",
                                 "touch $FF_OUT/x",
                                 "mkdir $FF_OUT/d; touch $FF_OUT/d/e",
                                 "chmod 755 $FF_OUT",
                                 "chmod 0 $FF_OUT",
                                 "touch $FF_OUT/x; rm $FF_OUT/x",
                                 ("i=0; while [ $i -lt 40 ]; do touch $FF_OUT/f$i; "
                                  "i=$((i+1)); done"),
                                 "rmdir $FF_OUT"};

    (void)state;
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        char id[32];
        snprintf(id, sizeof(id), "bad%zu", i);
        run_sh(engine, id, deeds[i]);
        assert_int_equal(release(engine, id), FF_OK);
        snprintf(id, sizeof(id), "good%zu", i);
        run_sh(engine, id, "ls -a $FF_OUT | wc -l; stat -c %a $FF_OUT");
        char *out = log_text(engine, id, "stdout", NULL);
        assert_string_equal(out, "2\n700\n");
        free(out);
        assert_int_equal(release(engine, id), FF_OK);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_are_read),
        TEST(names_are_listed),
        TEST(only_regular_files_in_the_directory_count),
        TEST(replaced_directory_leads_nowhere),
        TEST(file_is_taken),
        TEST(file_is_taken_across_file_systems),
        TEST(next_attempt_finds_nothing_of_the_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
