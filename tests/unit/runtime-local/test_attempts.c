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

static void output_of_both_streams_is_kept(void **state)
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
    free(out);
    free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(exit_code_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signal_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(output_of_both_streams_is_kept, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
