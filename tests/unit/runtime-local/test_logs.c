/* test_logs.c - what a task writes, as its log chunks keep it (docs/logs.md). */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
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

static void both_streams_are_kept_apart(void **state)
{
    (void)state;
    const struct seen *end =
        run_sh(engine, "a", "echo one; echo two >&2; printf three");
    char *out = log_text(engine, "a", "stdout", NULL);
    char *err = log_text(engine, "a", "stderr", NULL);
    assert_string_equal(out, "one\nthree");
    assert_string_equal(err, "two\n");
    assert_int_equal(end->event.log_bytes, strlen(out) + strlen(err));
    assert_int_equal(end->event.log_chunks, 1);
    assert_int_equal(end->event.log_dropped, 0);
    free(out);
    free(err);
}

static void silence_makes_no_files(void **state)
{
    char path[600];

    (void)state;
    const struct seen *end = run_sh(engine, "a", "true");
    assert_int_equal(end->event.log_chunks, 0);
    snprintf(path, sizeof(path), "%s/a", engine_logs(engine));
    assert_int_equal(access(path, F_OK), -1);
}

/* Bytes of every kind, lines short, long and longer than a record may be. */
static void make_noise(char *bytes, size_t len)
{
    uint64_t state = 42;

    for (size_t i = 0; i < len; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[i] = (char)(state >> 56);
        if (i / 100000 % 3 == 1 && bytes[i] == '\n')
            bytes[i] = '\0';
    }
}

static void binary_output_is_kept_exactly(void **state)
{
    const size_t size = 5000000;
    struct job job;
    size_t len;

    (void)state;
    char *noise = malloc(size);
    make_noise(noise, size);
    job_sh(&job, engine, "a", "cat; exit 5");
    job.spec.input = noise;
    job.spec.input_len = size;
    assert_int_equal(start(engine, &job.spec), FF_OK);
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.exit_code, 5);
    assert_int_equal(end->event.log_bytes, size);
    char *out = log_text(engine, "a", "stdout", &len);
    assert_int_equal(len, size);
    assert_memory_equal(out, noise, size);
    free(out);
    free(noise);
}

static void missing_newline_at_the_end_stays_missing(void **state)
{
    char path[600];

    (void)state;
    run_sh(engine, "a", "printf 'a\\n\\nb'");
    snprintf(path, sizeof(path), "%s/a/000001.log", engine_logs(engine));
    char *text = read_all(path, NULL);
    const char *expected[] = {" stdout F a\n", " stdout F \n", " stdout P b\n"};
    const char *at = text;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(at[10], 'T');
        assert_int_equal(at[26], 'Z');
        assert_memory_equal(at + 27, expected[i], strlen(expected[i]));
        at += 27 + strlen(expected[i]);
    }
    assert_int_equal(*at, '\0');
    free(text);
}

static void long_lines_are_cut_into_pieces(void **state)
{
    char path[600];
    size_t len;

    (void)state;
    run_sh(engine, "a", "head -c 100000 /dev/zero | tr '\\0' x; echo");
    snprintf(path, sizeof(path), "%s/a/000001.log", engine_logs(engine));
    char *text = read_all(path, &len);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(strlen(line) <= 27 + 10 + 16384);
    free(text);
    char *out = log_text(engine, "a", "stdout", &len);
    assert_int_equal(len, 100001);
    free(out);
}

static void chunks_are_rotated(void **state)
{
    char path[600];
    struct stat st;
    size_t len;

    (void)state;
    const struct seen *end =
        run_sh(engine, "a", "yes 0123456789abcdef | head -c 20000000");
    assert_int_equal(end->event.log_bytes, 20000000);
    assert_true(end->event.log_chunks >= 3);
    for (uint64_t i = 1; i <= end->event.log_chunks; i++) {
        snprintf(path, sizeof(path), "%s/a/%06d.log", engine_logs(engine), (int)i);
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size <= 8 << 20);
    }
    char *out = log_text(engine, "a", "stdout", &len);
    assert_int_equal(len, 20000000);
    free(out);
}

static void output_over_the_limit_is_counted(void **state)
{
    struct job job;
    size_t len;

    (void)state;
    job_sh(&job, engine, "a", "yes 0123456789 | head -c 3000000; echo end >&2; exit 2");
    job.spec.log_max_bytes = 1000000;
    assert_int_equal(start(engine, &job.spec), FF_OK);
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.exit_code, 2); /* the task did not notice */
    assert_int_equal(end->event.log_bytes, 1000000);
    assert_int_equal(end->event.log_dropped, 2000004);
    char *out = log_text(engine, "a", "stdout", &len);
    assert_int_equal(len, 1000000);
    free(out);
    char *note = log_text(engine, "a", "system", NULL);
    assert_string_equal(
        note, "[flowforge: 2000004 bytes dropped: over the limit of 1000000]\n");
    free(note);
}

static void empty_lines_cannot_outgrow_the_limit(void **state)
{
    struct job job;
    char path[600];
    struct stat st;

    (void)state;
    job_sh(&job, engine, "a", "yes '' | head -c 900000");
    job.spec.log_max_bytes = 900000;
    assert_int_equal(start(engine, &job.spec), FF_OK);
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.log_bytes + end->event.log_dropped, 900000);
    assert_true(end->event.log_dropped > 0);
    snprintf(path, sizeof(path), "%s/a/000001.log", engine_logs(engine));
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size < 7400000);
}

/* A flood of one does not keep others from being served. */
static void flood_leaves_others_alone(void **state)
{
    struct job job;

    (void)state;
    job_sh(&job, engine, "flood", "exec yes 0123456789abcdef0123456789abcdef");
    job.spec.log_max_bytes = 100000000;
    assert_int_equal(start(engine, &job.spec), FF_OK);
    for (int i = 0; i < 50; i++) {
        char id[32];
        snprintf(id, sizeof(id), "t%d", i);
        assert_int_equal(run_sh(engine, id, "echo done")->event.log_bytes, 5);
    }
    assert_null(seen(engine, "flood"));
    assert_int_equal(cancel(engine, "flood", 1000000), FF_OK);
    const struct seen *end = wait_end(engine, "flood");
    assert_int_equal(end->event.reason, FF_REASON_CANCELLED);
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/status", (int)live_supervisor(engine));
    char *status = read_all(path, NULL);
    const char *rss = strstr(status, "VmHWM:");
    assert_non_null(rss);
    print_message("largest size of the supervisor: %s kB\n",
                  strtok(strdup(rss + 6), "\n"));
    if (strcmp(getenv("FLOWFORGE_FLAVOUR") ? getenv("FLOWFORGE_FLAVOUR") : "release",
               "release") == 0)
        assert_true(strtol(rss + 6, NULL, 10) < 8192);
    free(status);
}

static void full_disk_costs_output_and_not_the_task(void **state)
{
    struct job job;
    char place[500];

    (void)state;
    snprintf(place, sizeof(place), "%s/small", engine_dir(engine));
    assert_int_equal(mkdir(place, 0700), 0);
    if (mount("none", place, "tmpfs", 0, "size=256k"))
        skip(); /* needs root */
    job_sh(&job, engine, "a", "yes 0123456789abcdef | head -c 1000000; exit 3");
    snprintf(job.log_dir, sizeof(job.log_dir), "%s/a", place);
    int code = start(engine, &job.spec);
    const struct seen *end = code ? NULL : wait_end(engine, "a");
    umount(place);
    assert_int_equal(code, FF_OK);
    assert_int_equal(end->event.exit_code, 3);
    assert_true(end->event.log_bytes > 50000);
    assert_int_equal(end->event.log_bytes + end->event.log_dropped, 1000000);
    assert_non_null(strstr(end->message, "No space left on device"));
}

static void log_directory_that_cannot_be_made_costs_output_only(void **state)
{
    struct job job;

    (void)state;
    job_sh(&job, engine, "a", "echo hello; exit 3");
    strcpy(job.log_dir, "/proc/no/such");
    assert_int_equal(start(engine, &job.spec), FF_OK);
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.exit_code, 3);
    assert_int_equal(end->event.log_bytes, 0);
    assert_int_equal(end->event.log_dropped, 6);
    assert_int_equal(end->event.log_chunks, 0);
    assert_non_null(end->event.message);
}

/* The write ends of the pipes must block, or programs would lose output. */
static void pipes_of_the_task_block(void **state)
{
    (void)state;
    run_sh(engine, "a", "grep flags /proc/self/fdinfo/1 /proc/self/fdinfo/2");
    char *out = log_text(engine, "a", "stdout", NULL);
    for (const char *at = strstr(out, "flags:"); at; at = strstr(at + 1, "flags:"))
        assert_int_equal(strtol(at + 6, NULL, 8) & 04000, 0);
    free(out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_streams_are_kept_apart),
        TEST(silence_makes_no_files),
        TEST(binary_output_is_kept_exactly),
        TEST(missing_newline_at_the_end_stays_missing),
        TEST(long_lines_are_cut_into_pieces),
        TEST(chunks_are_rotated),
        TEST(output_over_the_limit_is_counted),
        TEST(empty_lines_cannot_outgrow_the_limit),
        TEST(flood_leaves_others_alone),
        TEST(full_disk_costs_output_and_not_the_task),
        TEST(log_directory_that_cannot_be_made_costs_output_only),
        TEST(pipes_of_the_task_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
