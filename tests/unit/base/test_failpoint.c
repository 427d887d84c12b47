/* Failpoints: what FF_FAILPOINT says is done at the pass that it names. Each case is a
 * child of its own: what is read is read before main. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAILED 7 /* the child's exit code when a FAILPOINT_FAILS did */

static const char *program;

/* What the child does: three passes. */
static int walk(void)
{
    for (int i = 0; i < 3; i++) {
        FAILPOINT("test.walk");
        if (FAILPOINT_FAILS("test.fails"))
            return FAILED + i;
    }
    return 0;
}

static int status_of(const char *points, const char *trace)
{
    int status = 0;
    const pid_t pid = fork();

    if (pid == 0) {
        if (points)
            setenv("FF_FAILPOINT", points, 1);
        if (trace)
            setenv("FF_FAILPOINT_TRACE", trace, 1);
        execl(program, program, "walk", (char *)NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    return status;
}

static int code_of(const char *points)
{
    const int status = status_of(points, NULL);

    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void nothing_is_done_where_nothing_is_asked_for(void **state)
{
    (void)state;
    assert_int_equal(code_of(NULL), 0);
    assert_int_equal(code_of("test.other:kill"), 0);
}

static void a_kill_is_sigkill(void **state)
{
    const int status = status_of("test.walk:kill", NULL);

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void the_pass_that_is_named_is_struck(void **state)
{
    (void)state;
    assert_int_equal(code_of("test.fails:error"), FAILED);
    assert_int_equal(code_of("test.fails:error:3"), FAILED + 2);
    assert_int_equal(code_of("test.fails:error:4"), 0);
    assert_int_equal(code_of("test.walk:exit:2"), 99);
}

static void each_pass_is_struck_with_zero(void **state)
{
    (void)state;
    assert_int_equal(code_of("test.walk:delay=1:0,test.fails:error:2"), FAILED + 1);
}

static void a_stop_waits_to_be_continued(void **state)
{
    int status = 0;
    const pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        setenv("FF_FAILPOINT", "test.walk:stop:2", 1);
        execl(program, program, "walk", (char *)NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(kill(pid, SIGCONT), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void passes_and_strikes_are_noted(void **state)
{
    char path[] = "/tmp/ff-failpoint-XXXXXX";
    struct buf text = {0};
    const int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(WEXITSTATUS(status_of("test.fails:error", path)), FAILED);
    assert_int_equal(file_read(path, 1000, &text), 0);
    unlink(path);
    assert_string_equal(buf_text(&text), "test.walk\ntest.fails\ntest.fails error\n");
    buf_done(&text);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    assert_int_equal(code_of("test.walk"), 99);
    assert_int_equal(code_of("test.walk:burn"), 99);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_done_where_nothing_is_asked_for),
        cmocka_unit_test(a_kill_is_sigkill),
        cmocka_unit_test(the_pass_that_is_named_is_struck),
        cmocka_unit_test(each_pass_is_struck_with_zero),
        cmocka_unit_test(a_stop_waits_to_be_continued),
        cmocka_unit_test(passes_and_strikes_are_noted),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };

    program = argv[0];
    if (argc > 1 && strcmp(argv[1], "walk") == 0)
        return walk();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
