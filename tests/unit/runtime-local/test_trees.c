/* test_trees.c - the end of whole trees of processes. Pids are written to files by
 * the tasks, so that the tests can tell whether those processes are gone. */
#include "support.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
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

/* Starts it with the test's directory as $D. */
static void begin_tree(const char *id, const char *script, int64_t timeout_us,
                       int64_t grace_us)
{
    struct job job;
    char word[450];

    job_sh(&job, engine, id, script);
    snprintf(word, sizeof(word), "D=%s", dir);
    job.env[2] = word;
    job.spec.timeout_us = timeout_us;
    job.spec.grace_us = grace_us;
    assert_int_equal(start(engine, &job.spec), FF_OK);
}

static pid_t pid_in(const char *name)
{
    char path[500];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return read_pid(engine, path);
}

static void timeout_ends_the_task(void **state)
{
    (void)state;
    begin_tree("a", "echo begun; exec sleep 1000", 50000, 5000000);
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.state, FF_RUN_EXITED);
    assert_int_equal(end->event.reason, FF_REASON_TIMEOUT);
    assert_int_equal(end->event.signal, SIGTERM);
}

static void timeout_kills_what_ignores_it(void **state)
{
    (void)state;
    begin_tree("a", "trap '' TERM; echo $$ >$D/pid; while :; do sleep 0.05; done",
               300000, 50000);
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.reason, FF_REASON_TIMEOUT);
    assert_int_equal(end->event.signal, SIGKILL);
    assert_true(is_gone(pid_in("pid")));
}

static void cancel_lets_the_task_clean_up(void **state)
{
    (void)state;
    begin_tree("a",
               "trap 'echo bye; exit 9' TERM; echo $$ >$D/pid; "
               "while :; do sleep 0.02; done",
               0, 0);
    pid_in("pid");
    assert_int_equal(cancel(engine, "a", 20000000), FF_OK);
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.reason, FF_REASON_CANCELLED);
    assert_int_equal(end->event.exit_code, 9);
    char *out = log_text(engine, "a", "stdout", NULL);
    assert_string_equal(out, "bye\n");
    free(out);
}

static void cancel_ends_grandchildren_that_hide(void **state)
{
    (void)state;
    begin_tree(
        "a",
        "setsid sh -c 'echo $$ >$D/own; exec sleep 1000' & "
        "sh -c 'trap \"\" TERM; echo $$ >$D/deaf; while :; do sleep 0.05; done' & "
        "(setsid sh -c 'echo $$ >$D/lost; exec sleep 1000' &) ; "
        "(env -i D=$D setsid sh -c 'echo $$ >$D/bare; exec sleep 1000' &) ; "
        "wait",
        0, 0);
    const char *const names[] = {"own", "deaf", "lost", "bare"};
    pid_t pids[4];
    for (int i = 0; i < 4; i++)
        pids[i] = pid_in(names[i]);
    assert_int_equal(cancel(engine, "a", 100000), FF_OK);
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.reason, FF_REASON_CANCELLED);
    for (int i = 0; i < 4; i++)
        assert_true(is_gone(pids[i]));
}

static void cancel_without_grace_kills(void **state)
{
    (void)state;
    begin_tree("a", "trap 'exit 0' TERM; echo $$ >$D/pid; while :; do sleep 0.05; done",
               0, 0);
    pid_in("pid");
    assert_int_equal(cancel(engine, "a", 0), FF_OK);
    assert_int_equal(wait_end(engine, "a")->event.signal, SIGKILL);
}

static void second_cancel_shortens_the_grace(void **state)
{
    (void)state;
    begin_tree("a", "trap '' TERM; echo $$ >$D/pid; while :; do sleep 0.05; done", 0,
               0);
    pid_in("pid");
    assert_int_equal(cancel(engine, "a", INT64_C(3600000000)), FF_OK);
    assert_int_equal(cancel(engine, "a", 1000), FF_OK);
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.signal, SIGKILL);
    assert_int_equal(cancel(engine, "a", 0), FF_OK); /* it has ended already */
}

static void stopped_task_is_ended(void **state)
{
    (void)state;
    begin_tree("a", "echo $$ >$D/pid; kill -STOP $$; exit 3", 0, 0);
    pid_in("pid");
    assert_int_equal(cancel(engine, "a", 20000000), FF_OK);
    assert_int_equal(wait_end(engine, "a")->event.signal, SIGTERM);
}

static void fork_bomb_is_ended(void **state)
{
    (void)state;
    begin_tree("a",
               "b() { [ $1 -gt 7 ] || { b $(($1+1)) & b $(($1+1)) & }; "
               "echo $$ >$D/pid; while :; do sleep 0.2; done; }; b 0",
               0, 0);
    pid_in("pid");
    assert_int_equal(cancel(engine, "a", 0), FF_OK);
    wait_end(engine, "a");
    char command[600];
    snprintf(command, sizeof(command),
             "for e in /proc/[0-9]*/environ; do tr '\\0' '\\n' 2>/dev/null <$e | "
             "grep -q '^FF_OUT=%s' && exit 1; done; exit 0",
             dir);
    assert_int_equal(system(command), 0);
}

static void leftover_child_does_not_hang_the_attempt(void **state)
{
    (void)state;
    begin_tree("a",
               "sh -c 'echo $$ >$D/pid; exec sleep 1000' & "
               "while ! [ -s $D/pid ]; do sleep 0.01; done; echo ready; exit 4",
               0, 60000000);
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.exit_code, 4);
    assert_int_equal(end->event.reason, FF_REASON_NONE);
    assert_true(is_gone(pid_in("pid")));
    char *out = log_text(engine, "a", "stdout", NULL);
    assert_string_equal(out, "ready\n");
    free(out);
}

static void deaf_daemon_ends_with_its_task(void **state)
{
    (void)state;
    begin_tree("a",
               "(setsid sh -c 'trap \"\" TERM; echo $$ >$D/pid; "
               "while :; do sleep 0.05; done' >/dev/null 2>&1 </dev/null &) ; "
               "while ! [ -s $D/pid ]; do sleep 0.01; done",
               0, 60000000);
    assert_int_equal(wait_end(engine, "a")->event.exit_code, 0);
    assert_true(is_gone(pid_in("pid")));
}

/* Its parent obeys SIGTERM, so that it becomes an orphan while all are being ended. */
static void deaf_child_of_an_obedient_daemon_ends_too(void **state)
{
    (void)state;
    begin_tree("a",
               "cat >$D/deaf.sh <<'EOF'\n"
               "trap '' TERM; echo $$ >$D/deaf; while :; do sleep 0.05; done\n"
               "EOF\n"
               "(setsid sh -c 'sh $D/deaf.sh & wait' >/dev/null 2>&1 &)\n"
               "while ! [ -s $D/deaf ]; do sleep 0.01; done",
               0, 60000000);
    const pid_t deaf = pid_in("deaf");
    assert_int_equal(wait_end(engine, "a")->event.exit_code, 0);
    assert_true(is_gone(deaf));
}

/* One that shed its session and its environment may be anybody's: it must not be
 * killed while the task that made it runs, and not outlive it. */
static void unmarked_daemon_ends_with_its_own_task(void **state)
{
    (void)state;
    begin_tree("a",
               "(env -i D=$D setsid sh -c 'echo $$ >$D/pid; exec sleep 1000' "
               ">/dev/null 2>&1 &) ; echo $$ >$D/main; "
               "while ! [ -e $D/go ]; do sleep 0.02; done",
               0, 60000000);
    const pid_t pid = pid_in("pid");
    pid_in("main");
    for (int i = 0; i < 3; i++) {
        char id[32];
        snprintf(id, sizeof(id), "other%d", i);
        run_sh(engine, id, "sleep 0.02 & exit 0");
        assert_false(is_gone(pid));
    }
    char path[500];
    snprintf(path, sizeof(path), "%s/go", dir);
    FILE *go = fopen(path, "w");
    fclose(go);
    wait_end(engine, "a");
    assert_true(is_gone(pid));
}

static void zombies_are_reaped(void **state)
{
    char path[64];

    (void)state;
    begin_tree("a", "(sleep 0.01 &) ; (sleep 0.02 &) ; sleep 0.2; exit 0", 0, 60000000);
    wait_end(engine, "a");
    const pid_t pid = live_supervisor(engine);
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    char *children = read_all(path, NULL);
    assert_string_equal(children, "");
    free(children);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(timeout_ends_the_task),
        TEST(timeout_kills_what_ignores_it),
        TEST(cancel_lets_the_task_clean_up),
        TEST(cancel_ends_grandchildren_that_hide),
        TEST(cancel_without_grace_kills),
        TEST(second_cancel_shortens_the_grace),
        TEST(stopped_task_is_ended),
        TEST(fork_bomb_is_ended),
        TEST(leftover_child_does_not_hang_the_attempt),
        TEST(deaf_daemon_ends_with_its_task),
        TEST(deaf_child_of_an_obedient_daemon_ends_too),
        TEST(unmarked_daemon_ends_with_its_own_task),
        TEST(zombies_are_reaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
