/* test_storm.c - very many attempts, and a system that has nothing left. */
#include "support.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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

#define N_STORM 2000
#define BURST   200

static int count_files(const char *pattern)
{
    char command[600];
    char line[32] = "0";

    snprintf(command, sizeof(command), "ls -d %s 2>/dev/null | wc -l", pattern);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(line, sizeof(line), pipe));
    pclose(pipe);
    return atoi(line);
}

static int count_descriptors(pid_t pid)
{
    char pattern[64];

    snprintf(pattern, sizeof(pattern), "/proc/%d/fd/*", (int)pid);
    return count_files(pattern);
}

static void storm_of_attempts_all_end_once(void **state)
{
    static struct asked asked[BURST];
    static char ids[BURST][40];
    static struct job jobs[BURST];
    char pattern[500];

    (void)state;
    run_sh(engine, "first", "true");
    const pid_t pid = live_supervisor(engine);
    const int before = count_descriptors(pid);
    for (int done = 0; done < N_STORM; done += BURST) {
        forget_seen(engine);
        for (int i = 0; i < BURST; i++) {
            snprintf(ids[i], sizeof(ids[i]), "s/%d", done + i);
            job_sh(&jobs[i], engine, ids[i], "");
            jobs[i].argv[0] = i % 2 ? "false" : "true";
            jobs[i].argv[1] = NULL;
            begin(engine, &jobs[i].spec, &asked[i]);
        }
        for (int i = 0; i < BURST; i++) {
            assert_int_equal(await(engine, &asked[i]), FF_OK);
            const struct seen *end = wait_end(engine, ids[i]);
            assert_int_equal(end->event.state, FF_RUN_EXITED);
            assert_int_equal(end->event.exit_code, i % 2);
        }
        assert_int_equal(n_seen(engine), BURST);
        for (int i = 0; i < BURST; i++)
            assert_int_equal(release(engine, ids[i]), FF_OK);
    }
    assert_int_equal(live_supervisor(engine), pid);
    WAIT_FOR(engine, count_descriptors(pid) == before);
    snprintf(pattern, sizeof(pattern), "%s/attempts/*", engine_dir(engine));
    assert_in_range(count_files(pattern), 0, 257); /* those kept for the next */
}

static struct rlimit limit_descriptors(pid_t pid, rlim_t n)
{
    struct rlimit old;

    assert_int_equal(prlimit(pid, RLIMIT_NOFILE, NULL, &old), 0);
    const struct rlimit low = {n, old.rlim_max};
    assert_int_equal(prlimit(pid, RLIMIT_NOFILE, &low, NULL), 0);
    return old;
}

/* Many at once: as many as fit are started, the others are told to come again. */
static void without_descriptors_starts_are_busy(void **state)
{
    static struct asked asked[BURST];
    static char ids[BURST][40];
    static struct job jobs[BURST];
    int n_busy = 0;

    (void)state;
    run_sh(engine, "first", "true");
    const pid_t pid = live_supervisor(engine);
    const struct rlimit old = limit_descriptors(pid, 60);
    for (int i = 0; i < BURST; i++) {
        snprintf(ids[i], sizeof(ids[i]), "s%d", i);
        job_sh(&jobs[i], engine, ids[i], "echo x; exec sleep 1000");
        begin(engine, &jobs[i].spec, &asked[i]);
    }
    for (int i = 0; i < BURST; i++) {
        WAIT_FOR(engine, asked[i].done);
        if (asked[i].code == FF_BUSY)
            n_busy++;
        else
            assert_int_equal(asked[i].code, FF_OK);
    }
    assert_in_range(n_busy, 1, BURST - 10);
    for (int i = 0; i < BURST; i++) {
        if (asked[i].code)
            continue;
        assert_int_equal(cancel(engine, ids[i], 0), FF_OK);
        assert_int_equal(wait_end(engine, ids[i])->event.reason, FF_REASON_CANCELLED);
    }
    assert_int_equal(prlimit(pid, RLIMIT_NOFILE, &old, NULL), 0);
    for (int i = 0; i < BURST; i++) {
        if (!asked[i].code)
            continue;
        /* nothing of it was left behind: it starts now */
        assert_int_equal(run_sh(engine, ids[i], "exit 7")->event.exit_code, 7);
        break;
    }
    assert_int_equal(live_supervisor(engine), pid);
}

/* A connection that cannot be accepted does not make the supervisor spin. */
static void without_descriptors_clients_are_turned_away(void **state)
{
    char path[64];

    (void)state;
    run_sh(engine, "first", "true");
    const pid_t pid = live_supervisor(engine);
    const struct rlimit old = limit_descriptors(pid, 3);
    for (int i = 0; i < 20; i++)
        supervisor_pid(engine);
    assert_int_equal(prlimit(pid, RLIMIT_NOFILE, &old, NULL), 0);
    assert_int_equal(run_sh(engine, "second", "exit 3")->event.exit_code, 3);
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    assert_false(is_gone(pid));
}

/* Signals that arrive all the time change nothing. */
static void signals_do_not_disturb_it(void **state)
{
    (void)state;
    run_sh(engine, "first", "true");
    const pid_t pid = live_supervisor(engine);
    for (int i = 0; i < 30; i++) {
        char id[32];
        const int signals[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGPIPE, SIGCHLD, SIGALRM};
        for (size_t s = 0; s < sizeof(signals) / sizeof(signals[0]); s++)
            kill(pid, signals[s]);
        snprintf(id, sizeof(id), "t%d", i);
        assert_int_equal(run_sh(engine, id, "exit 3")->event.exit_code, 3);
    }
    assert_int_equal(live_supervisor(engine), pid);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(storm_of_attempts_all_end_once),
        TEST(without_descriptors_starts_are_busy),
        TEST(without_descriptors_clients_are_turned_away),
        TEST(signals_do_not_disturb_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
