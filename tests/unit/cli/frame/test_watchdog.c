/* test_watchdog.c - a process that stands still ends, says why, and is spared if it
 * was only slow. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/frame/watchdog.h"

/* Runs fn in a child; its status, and what it said. */
static int status_of(void (*fn)(void), char *said, size_t size)
{
    int fds[2], status = 0;
    size_t n = 0;
    ssize_t got;

    assert_int_equal(pipe(fds), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        fn();
        _exit(0);
    }
    close(fds[1]);
    while (n < size - 1 && (got = read(fds[0], said + n, size - 1 - n)) > 0)
        n += (size_t)got;
    said[n] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void stand_still(void)
{
    watchdog_set(WATCHDOG_LEAVE, 1, 74);
    for (;;)
        pause();
}

static void who_stands_still_ends_with_the_code_and_a_sentence(void **state)
{
    char said[400];

    (void)state;
    const int status = status_of(stand_still, said, sizeof(said));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 74);
    assert_non_null(strstr(said, "the store does not come back"));
}

/* As `flowforge run 2>&1 | less` that is not scrolled. */
static void stand_still_unread(void)
{
    static const char much[4096];
    int fds[2];

    if (pipe2(fds, O_NONBLOCK) != 0)
        _exit(1);
    while (write(fds[1], much, sizeof(much)) > 0)
        ;
    if (fcntl(fds[1], F_SETFL, 0) != 0 || dup2(fds[1], STDERR_FILENO) < 0)
        _exit(1);
    stand_still();
}

static void who_is_not_read_ends_all_the_same(void **state)
{
    char said[400];

    (void)state;
    const int status = status_of(stand_still_unread, said, sizeof(said));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 74);
}

static void come_back(void)
{
    watchdog_set(WATCHDOG_LEAVE, 1, 74);
    watchdog_clear(WATCHDOG_LEAVE);
    if (alarm(0) != 0)
        _exit(1); /* still armed */
}

static void who_comes_back_is_spared(void **state)
{
    char said[400];

    (void)state;
    assert_int_equal(status_of(come_back, said, sizeof(said)), 0);
    assert_string_equal(said, "");
}

static void be_late_for_one(void)
{
    watchdog_set(WATCHDOG_LEAVE, 1000, 3);
    watchdog_set(WATCHDOG_SIGNAL, 1, 4);
    for (;;)
        pause();
}

static void the_first_of_two_counts(void **state)
{
    char said[400];

    (void)state;
    assert_int_equal(WEXITSTATUS(status_of(be_late_for_one, said, sizeof(said))), 4);
}

static void clear_one_of_two(void)
{
    watchdog_set(WATCHDOG_LEAVE, 1, 3);
    watchdog_set(WATCHDOG_SIGNAL, 1000, 4);
    watchdog_clear(WATCHDOG_SIGNAL);
    for (;;)
        pause();
}

static void clearing_one_leaves_the_other(void **state)
{
    char said[400];

    (void)state;
    assert_int_equal(WEXITSTATUS(status_of(clear_one_of_two, said, sizeof(said))), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_stands_still_ends_with_the_code_and_a_sentence),
        cmocka_unit_test(who_is_not_read_ends_all_the_same),
        cmocka_unit_test(who_comes_back_is_spared),
        cmocka_unit_test(the_first_of_two_counts),
        cmocka_unit_test(clearing_one_leaves_the_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
