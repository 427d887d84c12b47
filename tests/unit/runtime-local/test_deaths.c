/* test_deaths.c - the engine dies, the supervisor dies: what survives. */
#include "support.h"

#include "protocol.h"
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct engine *engine;
static char dir[400];

static int set_up(void **state)
{
    (void)state;
    engine = engine_new(NULL);
    snprintf(dir, sizeof(dir), "%s", engine_dir(engine));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    engine_free(engine);
    return 0;
}

static char *in_dir(const char *name)
{
    static char path[500];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void touch(const char *name)
{
    FILE *file = fopen(in_dir(name), "w");

    assert_non_null(file);
    fclose(file);
}

static int start_in_dir(struct engine *some, const char *id, const char *script)
{
    struct job job;
    char word[450];

    job_sh(&job, some, id, script);
    snprintf(word, sizeof(word), "D=%s", dir);
    job.env[2] = word;
    return start(some, &job.spec);
}

static void kill_supervisor(void)
{
    const pid_t pid = live_supervisor(engine);

    assert_true(pid > 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
}

/* Another engine on the same directory, killed once it has started the script. */
static void start_and_be_killed(const char *id, const char *script)
{
    const pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct engine *other = engine_new(dir);
        if (start_in_dir(other, id, script) == FF_OK)
            touch("other-started");
        for (;;)
            pause();
    }
    WAIT_FOR(engine, access(in_dir("other-started"), F_OK) == 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void killed_engine_finds_its_running_task_again(void **state)
{
    (void)state;
    start_and_be_killed("a", "echo before; while ! [ -e $D/go ]; do sleep 0.02; done; "
                             "echo after; exit 6");
    assert_int_equal(adopt(engine, "a"), FF_OK);
    assert_null(seen(engine, "a"));
    touch("go");
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.state, FF_RUN_EXITED);
    assert_int_equal(end->event.exit_code, 6);
    char *out = log_text(engine, "a", "stdout", NULL);
    assert_string_equal(out, "before\nafter\n");
    free(out);
}

static void killed_engine_learns_what_ended_meanwhile(void **state)
{
    (void)state;
    start_and_be_killed("a", "echo text; touch $D/done; exit 6");
    WAIT_FOR(engine, access(in_dir("done"), F_OK) == 0);
    assert_int_equal(adopt(engine, "a"), FF_OK);
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.exit_code, 6);
    assert_int_equal(end->event.log_bytes, 5);
    forget_seen(engine);
    assert_int_equal(adopt(engine, "a"), FF_OK); /* again, until it is released */
    assert_int_equal(wait_end(engine, "a")->event.exit_code, 6);
    assert_int_equal(release(engine, "a"), FF_OK);
    forget_seen(engine);
    assert_int_equal(adopt(engine, "a"), FF_OK);
    assert_int_equal(wait_end(engine, "a")->event.state, FF_RUN_LOST);
}

static void unknown_attempt_is_lost(void **state)
{
    (void)state;
    assert_int_equal(adopt(engine, "nobody"), FF_OK);
    assert_int_equal(wait_end(engine, "nobody")->event.state, FF_RUN_LOST);
    assert_int_equal(seen(engine, "nobody")->event.started_us, 0);
}

static uint32_t adopted_as(const char *id)
{
    forget_seen(engine);
    assert_int_equal(adopt(engine, id), FF_OK);
    return wait_end(engine, id)->event.state;
}

static void attempt_whose_start_never_came_is_unknown_and_starts(void **state)
{
    (void)state;
    assert_int_equal(adopt_rest(engine), FF_OK);
    assert_int_equal(adopted_as("a"), FF_RUN_UNKNOWN);
    forget_seen(engine);
    assert_int_equal(run_sh(engine, "a", "exit 3")->event.exit_code, 3);
    assert_int_equal(adopted_as("a"), FF_RUN_EXITED);
}

static void successor_of_a_killed_supervisor_still_tells_who_never_began(void **state)
{
    (void)state;
    assert_int_equal(adopt_rest(engine), FF_OK);
    assert_int_equal(start_in_dir(engine, "a", "exec sleep 1000"), FF_OK);
    kill_supervisor();
    assert_int_equal(wait_end(engine, "a")->event.state, FF_RUN_LOST);
    assert_int_equal(adopted_as("b"), FF_RUN_UNKNOWN);
    assert_int_equal(adopted_as("a"), FF_RUN_LOST);
}

static void who_was_called_lost_never_becomes_unknown(void **state)
{
    (void)state;
    assert_int_equal(adopted_as("a"), FF_RUN_LOST);
    assert_int_equal(adopt_rest(engine), FF_OK);
    assert_int_equal(adopted_as("a"), FF_RUN_LOST);
    kill_supervisor();
    assert_int_equal(adopted_as("a"), FF_RUN_LOST);
    assert_int_equal(adopted_as("b"), FF_RUN_UNKNOWN);
}

/* What stood in the file that is gone may have run. */
static void lose(const char *name)
{
    char path[600];

    assert_int_equal(adopt_rest(engine), FF_OK);
    assert_int_equal(adopted_as("before"), FF_RUN_UNKNOWN);
    kill_supervisor();
    snprintf(path, sizeof(path), "%s/%s", engine_dir(engine), name);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(adopted_as("a"), FF_RUN_LOST);
}

static void supervisor_that_lost_its_journal_takes_nobody_for_unknown(void **state)
{
    (void)state;
    lose("exits.journal");
}

static void supervisor_that_lost_its_live_table_takes_nobody_for_unknown(void **state)
{
    (void)state;
    lose("live");
}

/* What was written before may be lost with it. */
static void supervisor_that_cannot_write_takes_nobody_for_unknown(void **state)
{
    const struct rlimit none = {.rlim_cur = 1, .rlim_max = 1};

    (void)state;
    assert_int_equal(adopt_rest(engine), FF_OK);
    assert_int_equal(adopted_as("before"), FF_RUN_UNKNOWN);
    assert_int_equal(prlimit(live_supervisor(engine), RLIMIT_FSIZE, &none, NULL), 0);
    assert_int_equal(run_sh(engine, "a", "true")->event.state, FF_RUN_LOST);
    assert_int_equal(adopted_as("b"), FF_RUN_LOST);
}

/* --- an engine that dies with starts on their way --- */

#define N_LATE 4

static void put_frame_of_start(struct rl_out *out, uint64_t seq, const char *id)
{
    char word[450];
    const char *const argv[] = {"/bin/sh", "-c", "touch $D/$ID"};
    char name[64];

    snprintf(word, sizeof(word), "D=%s", dir);
    snprintf(name, sizeof(name), "ID=%s", id);
    const char *const env[] = {word, name, "PATH=/usr/bin:/bin"};
    const size_t begun = rl_frame_begin(out, RL_START, seq);
    rl_put_str(out, id);
    rl_put_str(out, NULL);
    rl_put_str(out, NULL);
    for (int i = 0; i < 5; i++)
        rl_put_i64(out, 0);
    rl_put_strs(out, argv, 3);
    rl_put_strs(out, env, 3);
    rl_put_blob(out, NULL, 0);
    rl_frame_end(out, begun);
}

/* Another engine's connection, greeted. */
static int dial_as_another(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct rl_out out = {.max = 4096};
    char answer[256];

    const int len = snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/%s",
                             dir, RL_SOCKET);
    assert_in_range(len, 1, sizeof(address.sun_path) - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    const size_t begun = rl_frame_begin(&out, RL_HELLO, 0);
    rl_put_u32(&out, RL_MAGIC);
    rl_put_u32(&out, RL_MAJOR);
    rl_put_u32(&out, RL_MINOR);
    rl_frame_end(&out, begun);
    assert_int_equal(send(fd, out.data, out.len, 0), out.len);
    assert_true(recv(fd, answer, sizeof(answer), 0) > 0);
    rl_out_done(&out);
    return fd;
}

/* Sends starts of late-0 and so on, and is gone before they are read. */
static void start_late_and_die(int fd)
{
    struct rl_out out = {.max = 1u << 20};

    for (uint64_t i = 0; i < N_LATE; i++) {
        char id[32];
        snprintf(id, sizeof(id), "late-%d", (int)i);
        put_frame_of_start(&out, i + 1, id);
    }
    assert_int_equal(send(fd, out.data, out.len, 0), out.len);
    rl_out_done(&out);
    close(fd);
}

/* Else it might begin after the next engine heard that it did not: when that one has
 * cancelled it, or run and released it. */
static void start_of_a_dead_engine_does_not_come_after_its_successor(void **state)
{
    struct asked asked[N_LATE];
    char id[32];

    (void)state;
    assert_int_equal(adopt_rest(engine), FF_OK);
    const int fd = dial_as_another();
    const pid_t supervisor = live_supervisor(engine);
    assert_int_equal(kill(supervisor, SIGSTOP), 0);
    start_late_and_die(fd);
    for (int i = 0; i < N_LATE; i++) {
        snprintf(id, sizeof(id), "late-%d", i);
        begin_adopt(engine, id, &asked[i]);
    }
    engine_pass(engine, 0); /* sends them */
    assert_int_equal(kill(supervisor, SIGCONT), 0);
    for (int i = 0; i < N_LATE; i++)
        assert_int_equal(await(engine, &asked[i]), FF_OK);
    for (int i = 0; i < N_LATE; i++) {
        snprintf(id, sizeof(id), "late-%d", i);
        assert_int_equal(wait_end(engine, id)->event.state, FF_RUN_UNKNOWN);
    }
    for (int i = 0; i < N_LATE; i++) /* each is a round of the supervisor's */
        run_sh(engine, (const char *[]){"w", "x", "y", "z"}[i], "true");
    for (int i = 0; i < N_LATE; i++) {
        snprintf(id, sizeof(id), "late-%d", i);
        assert_int_equal(adopted_as(id), FF_RUN_UNKNOWN);
        assert_int_equal(access(in_dir(id), F_OK), -1);
    }
}

static void killed_supervisor_takes_its_tasks_with_it(void **state)
{
    const char *const names[] = {"main", "child", "own", "bare"};
    pid_t pids[4];

    (void)state;
    assert_int_equal(
        start_in_dir(engine, "a",
                     "sh -c 'echo $$ >$D/child; exec sleep 1000' & "
                     "(setsid sh -c 'trap \"\" TERM; echo $$ >$D/own; "
                     "while :; do sleep 0.05; done' &) ; "
                     "env -i D=$D sh -c 'echo $$ >$D/bare; exec sleep 1000' & "
                     "echo $$ >$D/main; wait"),
        FF_OK);
    for (int i = 0; i < 4; i++)
        pids[i] = read_pid(engine, in_dir(names[i]));
    kill_supervisor();
    /* Nobody asks: the driver notices, starts another and adopts. */
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.state, FF_RUN_LOST);
    for (int i = 0; i < 4; i++)
        assert_true(is_gone(pids[i]));
    assert_int_equal(n_seen(engine), 1);
    /* It stays known until it is released: nobody starts it a second time. */
    forget_seen(engine);
    assert_int_equal(start_in_dir(engine, "a", "touch $D/twice"), FF_OK);
    assert_int_equal(wait_end(engine, "a")->event.state, FF_RUN_LOST);
    assert_int_equal(access(in_dir("twice"), F_OK), -1);
    assert_int_equal(run_sh(engine, "b", "exit 2")->event.exit_code, 2);
}

/* Only a control group knows of this one, where we may have one. */
static void killed_supervisor_takes_even_the_unmarked(void **state)
{
    char path[64];

    (void)state;
    assert_int_equal(start_in_dir(engine, "a",
                                  "(env -i D=$D setsid sh -c 'echo $$ >$D/hidden; "
                                  "exec sleep 1000' &) ; exec sleep 1000"),
                     FF_OK);
    const pid_t hidden = read_pid(engine, in_dir("hidden"));
    snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)hidden);
    char *groups = read_all(path, NULL);
    const bool grouped = strstr(groups, "/flowforge-") != NULL;
    free(groups);
    kill_supervisor();
    assert_int_equal(wait_end(engine, "a")->event.state, FF_RUN_LOST);
    if (grouped)
        assert_true(is_gone(hidden));
    else
        kill(hidden, SIGKILL);
}

static void recorded_exits_survive_the_supervisor(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        char id[32];
        char script[64];
        snprintf(id, sizeof(id), "t%d", i);
        snprintf(script, sizeof(script), "echo %d; exit %d", i, i);
        run_sh(engine, id, script);
        if (i % 2)
            assert_int_equal(release(engine, id), FF_OK);
    }
    run_sh(engine, "last", "exit 99"); /* its record carries the releases along */
    kill_supervisor();
    forget_seen(engine);
    for (int i = 0; i < 20; i++) {
        char id[32];
        snprintf(id, sizeof(id), "t%d", i);
        assert_int_equal(adopt(engine, id), FF_OK);
        const struct seen *end = wait_end(engine, id);
        assert_int_equal(end->event.state, i % 2 ? FF_RUN_LOST : FF_RUN_EXITED);
        if (i % 2 == 0) {
            assert_int_equal(end->event.exit_code, i);
            assert_int_equal(end->event.log_bytes, i < 10 ? 2 : 3);
        }
    }
}

static void idle_supervisor_ends_and_forgets_nothing(void **state)
{
    (void)state;
    run_sh(engine, "a", "echo 1 >$FF_OUT/x; exit 8");
    const pid_t pid = live_supervisor(engine);
    engine_close_keep(engine);
    engine = engine_new(dir);
    WAIT_FOR(engine, is_gone(pid));
    assert_int_equal(adopt(engine, "a"), FF_OK);
    assert_int_equal(wait_end(engine, "a")->event.exit_code, 8);
    assert_int_equal(access(in_dir("attempts/a/x"), F_OK), 0);
    assert_int_equal(release(engine, "a"), FF_OK);
    assert_int_equal(access(in_dir("attempts/a/x"), F_OK), -1);
}

static void told_to_stop_it_ends_its_tasks_in_order(void **state)
{
    (void)state;
    assert_int_equal(start_in_dir(engine, "a",
                                  "trap 'echo bye; exit 3' TERM; echo $$ >$D/pid; "
                                  "while :; do sleep 0.02; done"),
                     FF_OK);
    read_pid(engine, in_dir("pid"));
    assert_int_equal(kill(live_supervisor(engine), SIGTERM), 0);
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.state, FF_RUN_EXITED);
    assert_int_equal(end->event.exit_code, 3);
    assert_int_equal(end->event.reason, FF_REASON_EVICTED);
    assert_int_equal(run_sh(engine, "b", "exit 2")->event.exit_code, 2);
}

/* How often the word stands in the file, one to a line. */
static int count_lines(const char *path, const char *word)
{
    char *text = read_all(path, NULL);
    int n = 0;

    for (char *line = text ? strtok(text, "\n") : NULL; line; line = strtok(NULL, "\n"))
        n += strcmp(line, word) == 0;
    free(text);
    return n;
}

#define ROUNDS 12
#define EACH   8

/* Whatever moment it is killed at: every start is answered, every attempt ends once,
 * and none runs twice. */
static void no_start_is_lost_or_done_twice(void **state)
{
    static struct asked asked[EACH];
    static struct job jobs[EACH];
    static char ids[EACH][40];
    char word[450];
    int ran = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        char first[32];
        snprintf(first, sizeof(first), "first-%d", round);
        run_sh(engine, first, "true"); /* now there is one to be killed */
        const pid_t pid = live_supervisor(engine);
        assert_true(pid > 0);
        forget_seen(engine);
        for (int i = 0; i < EACH; i++) {
            snprintf(ids[i], sizeof(ids[i]), "r%d-%d", round, i);
            job_sh(&jobs[i], engine, ids[i], "echo $0 >>$D/ran");
            jobs[i].argv[3] = NULL;
            snprintf(word, sizeof(word), "D=%s", dir);
            jobs[i].env[2] = word;
            const char *argv[] = {"sh", "-c", "echo $0 >>$D/ran", ids[i], NULL};
            jobs[i].spec.argv = argv;
            begin(engine, &jobs[i].spec, &asked[i]);
        }
        for (int pass = 0; pass < round; pass++)
            engine_pass(engine, 1);
        kill(pid, SIGKILL);
        for (int i = 0; i < EACH; i++) {
            assert_int_equal(await(engine, &asked[i]), FF_OK);
            const struct seen *end = wait_end(engine, ids[i]);
            const int n = count_lines(in_dir("ran"), ids[i]);
            assert_in_range(n, 0, 1);
            assert_true(end->event.state == FF_RUN_EXITED ||
                        end->event.state == FF_RUN_LOST);
            if (end->event.state == FF_RUN_EXITED)
                assert_int_equal(n, 1);
            ran += n;
        }
        assert_int_equal(n_seen(engine), EACH);
    }
    print_message("%d of %d ran\n", ran, ROUNDS * EACH);
    assert_true(ran > 0);
}

static void two_engines_share_one_supervisor(void **state)
{
    struct job jobs[2];
    struct asked asked[2];

    (void)state;
    struct engine *other = engine_new(dir);
    job_sh(&jobs[0], engine, "a", "exit 1");
    job_sh(&jobs[1], other, "b", "exit 2");
    begin(engine, &jobs[0].spec, &asked[0]);
    begin(other, &jobs[1].spec, &asked[1]);
    const int64_t until_us = clock_us() + DEADLINE_US;
    while (!seen(engine, "a") || !seen(other, "b")) {
        assert_true(clock_us() < until_us);
        engine_pass(engine, 5);
        engine_pass(other, 5);
    }
    assert_int_equal(seen(engine, "a")->event.exit_code, 1);
    assert_int_equal(seen(other, "b")->event.exit_code, 2);
    assert_int_equal(live_supervisor(engine), live_supervisor(other));
    engine_close_keep(other);
}

static void newest_connection_is_told(void **state)
{
    (void)state;
    assert_int_equal(
        start_in_dir(engine, "a", "while ! [ -e $D/go ]; do sleep 0.02; done; exit 5"),
        FF_OK);
    struct engine *other = engine_new(dir);
    assert_int_equal(adopt(other, "a"), FF_OK);
    touch("go");
    assert_int_equal(wait_end(other, "a")->event.exit_code, 5);
    assert_int_equal(run_sh(engine, "b", "true")->event.exit_code, 0);
    assert_null(seen(engine, "a"));
    engine_close_keep(other);
}

static void restart_of_the_supervisor_clears_what_nobody_knows(void **state)
{
    (void)state;
    run_sh(engine, "a", "true");
    run_sh(engine, "k", "true");
    assert_int_equal(release(engine, "a"), FF_OK); /* kept for the next attempts */
    assert_int_equal(release(engine, "k"), FF_OK);
    run_sh(engine, "c", "true"); /* its record carries the releases along */
    kill_supervisor();
    run_sh(engine, "b", "true");
    assert_int_equal(access(in_dir("attempts/a"), F_OK), -1);
    assert_int_equal(access(in_dir("attempts/k"), F_OK), -1);
    assert_int_equal(access(in_dir("attempts/b"), F_OK), 0);
}

static void damaged_journal_is_put_aside(void **state)
{
    (void)state;
    run_sh(engine, "a", "exit 1");
    kill_supervisor();
    FILE *file = fopen(in_dir("exits.journal"), "r+");
    assert_non_null(file);
    for (int i = 0; i < 2; i++) {
        fseek(file, i * 524288L, SEEK_SET);
        fputs("rubbish", file);
    }
    fclose(file);
    forget_seen(engine);
    assert_int_equal(adopt(engine, "a"), FF_OK);
    assert_int_equal(wait_end(engine, "a")->event.state, FF_RUN_LOST);
    assert_int_equal(access(in_dir("exits.journal.damaged"), F_OK), 0);
    assert_int_equal(run_sh(engine, "b", "exit 1")->event.exit_code, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(killed_engine_finds_its_running_task_again),
        TEST(killed_engine_learns_what_ended_meanwhile),
        TEST(unknown_attempt_is_lost),
        TEST(attempt_whose_start_never_came_is_unknown_and_starts),
        TEST(successor_of_a_killed_supervisor_still_tells_who_never_began),
        TEST(who_was_called_lost_never_becomes_unknown),
        TEST(supervisor_that_lost_its_journal_takes_nobody_for_unknown),
        TEST(supervisor_that_lost_its_live_table_takes_nobody_for_unknown),
        TEST(supervisor_that_cannot_write_takes_nobody_for_unknown),
        TEST(start_of_a_dead_engine_does_not_come_after_its_successor),
        TEST(killed_supervisor_takes_its_tasks_with_it),
        TEST(killed_supervisor_takes_even_the_unmarked),
        TEST(recorded_exits_survive_the_supervisor),
        TEST(idle_supervisor_ends_and_forgets_nothing),
        TEST(told_to_stop_it_ends_its_tasks_in_order),
        TEST(no_start_is_lost_or_done_twice),
        TEST(two_engines_share_one_supervisor),
        TEST(newest_connection_is_told),
        TEST(restart_of_the_supervisor_clears_what_nobody_knows),
        TEST(damaged_journal_is_put_aside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
