/* test_limits.c - memory and processor limits, as far as this host lets us set any. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
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

/* dd takes its block from the heap: more than it may have. */
#define GREEDY "dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null"

static void memory_limit_is_kept(void **state)
{
    struct job job;

    (void)state;
    job_sh(&job, engine, "a", GREEDY);
    job.spec.memory_bytes = 32 << 20;
    assert_int_equal(start(engine, &job.spec), FF_OK);
    const struct seen *end = wait_end(engine, "a");
    assert_int_not_equal(end->event.exit_code, 0);
    if (end->event.message) {
        assert_non_null(
            strstr(end->message, "no control group: the memory limit held"));
        assert_int_equal(end->event.reason, FF_REASON_NONE);
    } else {
        assert_int_equal(end->event.reason, FF_REASON_OOM);
    }
    /* Without one, or with one that is large enough, it passes. */
    assert_int_equal(run_sh(engine, "b", GREEDY)->event.exit_code, 0);
    job.spec.attempt_id = "c";
    job.spec.memory_bytes = 400 << 20;
    assert_int_equal(start(engine, &job.spec), FF_OK);
    assert_int_equal(wait_end(engine, "c")->event.exit_code, 0);
    assert_int_equal(wait_end(engine, "c")->event.reason, FF_REASON_NONE);
}

static void cpu_limit_is_set_or_said_to_be_ignored(void **state)
{
    struct job job;

    (void)state;
    job_sh(&job, engine, "a",
           "p=/sys/fs/cgroup/cpu$(sed -n 's/^[0-9]*:cpu\\(,[a-z,]*\\)*://p' "
           "/proc/self/cgroup "
           "| head -n 1)/cpu.cfs_quota_us; [ -e $p ] && cat $p; true");
    job.spec.cpu_milli = 250;
    assert_int_equal(start(engine, &job.spec), FF_OK);
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.exit_code, 0);
    char *out = log_text(engine, "a", "stdout", NULL);
    if (end->event.message)
        assert_string_equal(end->message,
                            "no control group: the cpu limit was ignored");
    else if (*out)
        assert_string_equal(out, "25000\n");
    free(out);
}

static void limits_do_not_hide_a_refusal(void **state)
{
    struct job job;

    (void)state;
    job_sh(&job, engine, "a", "");
    job.argv[0] = "/no/such/program";
    job.spec.memory_bytes = 1 << 30;
    job.spec.cpu_milli = 500;
    assert_int_equal(start(engine, &job.spec), FF_OK);
    const struct seen *end = wait_end(engine, "a");
    assert_int_equal(end->event.state, FF_RUN_REFUSED);
    assert_string_equal(end->message,
                        "cannot run /no/such/program: No such file or directory");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(memory_limit_is_kept),
        TEST(cpu_limit_is_set_or_said_to_be_ignored),
        TEST(limits_do_not_hide_a_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
