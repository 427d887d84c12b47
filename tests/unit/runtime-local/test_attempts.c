/* test_attempts.c - what becomes of one attempt. */
#include "support.h"

#include <signal.h>
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

static void exit_code_is_told(void **state)
{
    (void)state;
    const struct seen *end = run_sh(engine, "run/1/task/2", "exit 7");
    assert_int_equal(end->event.state, FF_RUN_EXITED);
    assert_int_equal(end->event.exit_code, 7);
    assert_int_equal(end->event.signal, 0);
    assert_int_equal(end->event.reason, FF_REASON_NONE);
    assert_int_equal(end->event.log_chunks, 0);
    assert_true(end->event.started_us > 0);
    assert_true(end->event.ended_us >= end->event.started_us);
    assert_null(end->event.message);
}

static void signal_is_told(void **state)
{
    (void)state;
    const struct seen *end = run_sh(engine, "a", "kill -USR1 $$");
    assert_int_equal(end->event.state, FF_RUN_EXITED);
    assert_int_equal(end->event.signal, SIGUSR1);
    assert_int_equal(end->event.exit_code, 128 + SIGUSR1);
}

static void missing_program_is_refused(void **state)
{
    struct job job;

    (void)state;
    job_sh(&job, engine, "a", "");
    job.argv[0] = "no-such-program";
    assert_int_equal(start(engine, &job.spec), FF_OK);
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.state, FF_RUN_REFUSED);
    assert_string_equal(end->message,
                        "cannot run no-such-program: No such file or directory");
    job.argv[0] = "/etc/passwd";
    job.spec.attempt_id = "b";
    assert_int_equal(start(engine, &job.spec), FF_OK);
    end = wait_end(engine, "b");
    assert_int_equal(end->event.state, FF_RUN_REFUSED);
    assert_string_equal(end->message, "cannot run /etc/passwd: Permission denied");
}

static void missing_directory_is_refused(void **state)
{
    struct job job;

    (void)state;
    job_sh(&job, engine, "a", "true");
    job.spec.dir = "/no/such/place";
    assert_int_equal(start(engine, &job.spec), FF_OK);
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.state, FF_RUN_REFUSED);
    assert_string_equal(end->message,
                        "cannot work in /no/such/place: No such file or directory");
}

static void odd_specs_are_invalid(void **state)
{
    struct job job;

    (void)state;
    job_sh(&job, engine, "with space", "true");
    assert_int_equal(start(engine, &job.spec), FF_INVALID);
    job_sh(&job, engine, "", "true");
    assert_int_equal(start(engine, &job.spec), FF_INVALID);
    job_sh(&job, engine, "a", "true");
    job.spec.dir = "relative";
    assert_int_equal(start(engine, &job.spec), FF_INVALID);
    job_sh(&job, engine, "a", "true");
    job.argv[0] = NULL;
    assert_int_equal(start(engine, &job.spec), FF_INVALID);
    /* and nothing of that stands in the way */
    assert_int_equal(run_sh(engine, "a", "true")->event.exit_code, 0);
}

static void script_without_a_head_is_run_by_the_shell(void **state)
{
    struct job job;
    char path[500];

    (void)state;
    snprintf(path, sizeof(path), "%s/script", engine_dir(engine));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("echo $1 $2\n", file);
    fclose(file);
    chmod(path, 0755);
    job_sh(&job, engine, "a", "");
    job.argv[0] = path;
    job.argv[1] = "x";
    job.argv[2] = "y";
    assert_int_equal(start(engine, &job.spec), FF_OK);
    assert_int_equal(wait_end(engine, "a")->event.exit_code, 0);
    char *out = log_text(engine, "a", "stdout", NULL);
    assert_string_equal(out, "x y\n");
    free(out);
}

static void second_start_starts_nothing(void **state)
{
    struct job job;
    struct asked first;
    struct asked second;

    (void)state;
    job_sh(&job, engine, "a", "echo once; cat");
    job.spec.input = "in";
    job.spec.input_len = 2;
    begin(engine, &job.spec, &first);
    begin(engine, &job.spec, &second);
    assert_int_equal(await(engine, &first), FF_OK);
    assert_int_equal(await(engine, &second), FF_OK);
    wait_end(engine, "a");
    forget_seen(engine);
    assert_int_equal(start(engine, &job.spec), FF_OK); /* ended: told again */
    assert_int_equal(wait_end(engine, "a")->event.exit_code, 0);
    assert_int_equal(n_seen(engine), 1);
    char *out = log_text(engine, "a", "stdout", NULL);
    assert_string_equal(out, "once\nin");
    free(out);
}

static void input_arrives_whole(void **state)
{
    const size_t sizes[] = {0, 1, 100000, 3000000};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct job job;
        char id[32];
        size_t len;
        snprintf(id, sizeof(id), "in-%zu", i);
        char *input = malloc(sizes[i] + 1);
        for (size_t at = 0; at < sizes[i]; at++)
            input[at] = (char)('a' + at * 7 % 26);
        job_sh(&job, engine, id, "cat");
        job.spec.input = input;
        job.spec.input_len = sizes[i];
        assert_int_equal(start(engine, &job.spec), FF_OK);
        assert_int_equal(wait_end(engine, id)->event.exit_code, 0);
        char *out = log_text(engine, id, "stdout", &len);
        assert_int_equal(len, sizes[i]);
        assert_memory_equal(out, input, len);
        free(out);
        free(input);
    }
}

static void process_begins_clean(void **state)
{
    (void)state;
    run_sh(engine, "a",
           "ls -l /proc/self/fd | grep -c -e '->'; grep -E 'Sig(Blk|Ign)|^NSsid' "
           "/proc/self/status | tr -d '\\t '; echo $(readlink /proc/self/fd/0); pwd; "
           "ulimit -c; ulimit -n");
    char *out = log_text(engine, "a", "stdout", NULL);
    char expected[300];
    /* 0, 1, 2 and the directory that ls reads. */
    FILE *limit = popen("ulimit -n", "r");
    char n[32] = "";
    assert_non_null(fgets(n, sizeof(n), limit));
    pclose(limit);
    char *session = strstr(out, "NSsid:");
    assert_non_null(session);
    char *session_end = strchr(session, '\n');
    memmove(session, session_end + 1, strlen(session_end + 1) + 1);
    snprintf(expected, sizeof(expected),
             "4\nSigBlk:0000000000000000\nSigIgn:0000000000000000\n/dev/null\n/\n0\n%s",
             n);
    assert_string_equal(out, expected);
    free(out);
}

static void environment_is_the_given_one(void **state)
{
    struct job job;

    (void)state;
    job_sh(&job, engine, "r/1", "env | sort | grep -v '^_='");
    job.env[2] = "FF_OUT=/elsewhere";
    assert_int_equal(start(engine, &job.spec), FF_OK);
    wait_end(engine, "r/1");
    char *out = log_text(engine, "r/1", "stdout", NULL);
    char expected[600];
    snprintf(expected, sizeof(expected),
             "FF_OUT=%s/attempts/r+1\nLC_ALL=C\nPATH=/usr/bin:/bin\nPWD=/\n",
             engine_dir(engine));
    assert_string_equal(out, expected);
    free(out);
}

static void huge_environment_passes_or_is_refused(void **state)
{
    const size_t n = 64;
    const size_t len = 100000; /* the kernel's limit for one string is 128 KiB */
    const char *env[66] = {"PATH=/usr/bin:/bin"};
    struct job job;

    (void)state;
    char *word = malloc(len + 1);
    memset(word, 'x', len);
    memcpy(word, "BIG=", 4);
    word[len] = '\0';
    for (size_t i = 1; i <= n; i++)
        env[i] = word;
    env[n + 1] = NULL;
    job_sh(&job, engine, "too-big", "true");
    job.spec.env = env;
    assert_int_equal(start(engine, &job.spec), FF_OK); /* 6.4 MB: more than allowed */
    const struct seen *end = wait_end(engine, "too-big");
    assert_int_equal(end->event.state, FF_RUN_REFUSED);
    assert_non_null(strstr(end->message, "larger than the system allows"));

    env[9] = NULL;
    job_sh(&job, engine, "big", "echo ${#BIG}");
    job.spec.env = env;
    assert_int_equal(start(engine, &job.spec), FF_OK);
    assert_int_equal(wait_end(engine, "big")->event.exit_code, 0);
    char *out = log_text(engine, "big", "stdout", NULL);
    assert_int_equal(atoi(out), len - 4);
    free(out);

    for (size_t i = 9; i <= n; i++)
        env[i] = word;
    word[len] = '\0';
    char *long_word = malloc(9u << 20);
    memset(long_word, 'y', (9u << 20) - 1);
    long_word[(9u << 20) - 1] = '\0';
    env[1] = long_word;
    job_sh(&job, engine, "over", "true");
    job.spec.env = env;
    assert_int_equal(start(engine, &job.spec), FF_INVALID);
    free(long_word);
    free(word);
}

static void private_directory_is_given_where_none_is_named(void **state)
{
    struct job job;
    char path[600];

    (void)state;
    job_sh(&job, engine, "a", "pwd; touch here; mkdir -p deep/er; touch deep/er/x");
    job.spec.dir = NULL;
    assert_int_equal(start(engine, &job.spec), FF_OK);
    assert_int_equal(wait_end(engine, "a")->event.exit_code, 0);
    char *out = log_text(engine, "a", "stdout", NULL);
    snprintf(path, sizeof(path), "%s/work/a\n", engine_dir(engine));
    assert_string_equal(out, path);
    free(out);
    path[strlen(path) - 1] = '\0';
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(release(engine, "a"), FF_OK);
    assert_int_not_equal(access(path, F_OK), 0);
    snprintf(path, sizeof(path), "%s/trash", engine_dir(engine));
    WAIT_FOR(engine, rmdir(path) == 0); /* it is emptied by and by */
}

static void long_state_directory_works(void **state)
{
    char dir[400];

    (void)state;
    snprintf(dir, sizeof(dir), "%s", engine_dir(engine));
    while (strlen(dir) < 300)
        strcat(dir, "/a-directory-with-a-long-name");
    struct engine *other = engine_new(dir);
    assert_int_equal(run_sh(other, "a", "exit 3")->event.exit_code, 3);
    const pid_t pid = live_supervisor(other);
    assert_true(pid > 0);
    engine_close_keep(other);
    WAIT_FOR(engine, is_gone(pid));
    assert_int_equal(run_sh(engine, "b", "exit 4")->event.exit_code, 4);
}

static void missing_supervisor_is_told(void **state)
{
    (void)state;
    struct engine *other = engine_with(engine_dir(engine), 1000, "/no/supervisor");
    assert_int_equal(start_sh(other, "a", "true"), FF_UNAVAILABLE);
    engine_close_keep(other);
    assert_int_equal(run_sh(engine, "b", "true")->event.exit_code, 0);
}

static void cancel_of_nothing_is_not_found(void **state)
{
    (void)state;
    assert_int_equal(cancel(engine, "nobody", 0), FF_NOT_FOUND);
    assert_int_equal(release(engine, "nobody"), FF_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exit_code_is_told),
        TEST(signal_is_told),
        TEST(missing_program_is_refused),
        TEST(missing_directory_is_refused),
        TEST(odd_specs_are_invalid),
        TEST(script_without_a_head_is_run_by_the_shell),
        TEST(second_start_starts_nothing),
        TEST(input_arrives_whole),
        TEST(process_begins_clean),
        TEST(environment_is_the_given_one),
        TEST(huge_environment_passes_or_is_refused),
        TEST(private_directory_is_given_where_none_is_named),
        TEST(long_state_directory_works),
        TEST(missing_supervisor_is_told),
        TEST(cancel_of_nothing_is_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
