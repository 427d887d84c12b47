/* test_dag_silent.c - attempts that are stopped since nothing is heard of them. */
#include "support.h"

#include <string.h>

#define HEAD "flowforge: 1\nname: test\n"

static void silent(struct world *w, const char *path, int64_t attempt)
{
    world_input(w, (struct input){.type = INPUT_SILENT,
                                  .node = world_node(w, path),
                                  .attempt = attempt});
}

static void a_silent_attempt_is_stopped_and_ends_as_its_heartbeat(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {a: {run: x, heartbeat_timeout: 30s}}\n", NULL);

    world_grant(w);
    silent(w, "a", 1);
    assert_int_equal(w->stopped.n, 1);
    assert_string_equal(world_state(w, "a"), "running");
    assert_string_equal(world_reason(w, "a"), "heartbeat");
    world_result(w, "a", OUTCOME_CANCELLED, 143, NULL);
    assert_string_equal(world_state(w, "a"), "failed");
    assert_string_equal(world_reason(w, "a"), "heartbeat");
    assert_string_equal(world_run_state(w), "failed");
    assert_non_null(strstr(w->message, "silent for longer than its heartbeat_timeout"));
    world_free(w);
}

static void it_is_stopped_again_after_a_restart_and_means_the_same(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {a: {run: x, heartbeat_timeout: 30s}}\n", NULL);

    world_grant(w);
    silent(w, "a", 1);
    world_restart(w);
    assert_int_equal(w->adopted.n, 1);
    assert_int_equal(w->stopped.n, 1);
    world_restart(w);
    world_result(w, "a", OUTCOME_CANCELLED, 143, NULL);
    world_restart(w);
    assert_string_equal(world_reason(w, "a"), "heartbeat");
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void it_is_stopped_once(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {a: {run: x, heartbeat_timeout: 30s}}\n", NULL);

    world_grant(w);
    silent(w, "a", 1);
    const int64_t version = w->tasks.items[0].row.version;
    silent(w, "a", 1);
    assert_int_equal(w->stopped.n, 1);
    assert_int_equal(w->tasks.items[0].row.version, version);
    world_free(w);
}

/* Of another attempt, of one that has ended, of a node that is none. */
static void a_late_word_of_silence_changes_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {a: {run: x, heartbeat_timeout: 30s, retry: {delay: 1s}}}\n",
        NULL);

    world_grant(w);
    silent(w, "a", 2);
    world_input(w, (struct input){.type = INPUT_SILENT, .node = 7 << 20, .attempt = 1});
    assert_int_equal(w->stopped.n, 0);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    silent(w, "a", 1);
    assert_true(world_next_timer(w));
    world_grant(w);
    silent(w, "a", 1);
    assert_int_equal(w->stopped.n, 0);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void what_it_did_before_it_was_stopped_counts(void **state)
{
    (void)state;
    static const struct {
        enum outcome outcome;
        const char *state;
    } cases[] = {
        {OUTCOME_SUCCEEDED, "succeeded "},       {OUTCOME_FAILED, "failed exit_code"},
        {OUTCOME_TIMEOUT, "failed timeout"},     {OUTCOME_OOM, "failed oom"},
        {OUTCOME_CANCELLED, "failed heartbeat"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world *w =
            world_new(HEAD "tasks: {a: {run: x, heartbeat_timeout: 30s}}\n", NULL);
        char got[128];
        world_grant(w);
        silent(w, "a", 1);
        world_result(w, "a", cases[i].outcome, 1, NULL);
        snprintf(got, sizeof(got), "%s %s", world_state(w, "a"), world_reason(w, "a"));
        assert_string_equal(got, cases[i].state);
        world_free(w);
    }
}

/* The state of task a after one silent attempt, with a restart behind it. */
static void after(const char *retry, char out[128])
{
    struct buf b = {0};

    buf_printf(&b, HEAD "tasks: {a: {run: x, heartbeat_timeout: 30s, retry: %s}}\n",
               retry);
    struct world *w = world_new(buf_text(&b), NULL);
    world_grant(w);
    silent(w, "a", 1);
    world_result(w, "a", OUTCOME_CANCELLED, 143, NULL);
    world_restart(w);
    snprintf(out, 128, "%s %s", world_state(w, "a"), world_reason(w, "a"));
    world_free(w);
    buf_done(&b);
}

static void retry_takes_it_for_a_timeout_or_by_its_name(void **state)
{
    static const struct {
        const char *retry, *state;
    } cases[] = {
        {"{delay: 1s}", "retrying heartbeat"},
        {"{delay: 1s, on: [timeout]}", "retrying heartbeat"},
        {"{delay: 1s, on: [heartbeat]}", "retrying heartbeat"},
        {"{delay: 1s, on: [failed, lost, oom, evicted]}", "failed heartbeat"},
        {"{delay: 1s, if: \"reason == 'heartbeat' && exit_code == 143\"}",
         "retrying heartbeat"},
        {"{delay: 1s, if: \"reason == 'timeout'\"}", "failed heartbeat"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char got[128];

        after(cases[i].retry, got);
        if (strcmp(got, cases[i].state) != 0)
            fail_msg("%s: %s instead of %s", cases[i].retry, got, cases[i].state);
    }
}

static void a_plain_timeout_is_no_heartbeat(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {a: {run: x, retry: {delay: 1s, on: [heartbeat]}}}\n", NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_TIMEOUT, 143, NULL);
    assert_string_equal(world_state(w, "a"), "failed");
    world_free(w);
}

/* The attempt behind a silent one starts with a clean slate, also after a restart. */
static void the_next_attempt_may_be_cancelled_by_others(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "tasks: {a: {run: x, heartbeat_timeout: 30s, retry: {delay: 1s}}}\n",
        NULL);

    world_grant(w);
    silent(w, "a", 1);
    world_result(w, "a", OUTCOME_CANCELLED, 143, NULL);
    assert_true(world_next_timer(w));
    world_grant(w);
    world_restart(w);
    assert_int_equal(w->stopped.n, 0);
    world_result(w, "a", OUTCOME_CANCELLED, 143, NULL);
    assert_string_equal(world_reason(w, "a"), "evicted");
    world_free(w);
}

static void a_cancel_wins(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks: {a: {run: x, heartbeat_timeout: 30s}}\n", NULL);

    world_grant(w);
    silent(w, "a", 1);
    world_cancel(w, CANCEL_GRACEFUL);
    world_result(w, "a", OUTCOME_CANCELLED, 143, NULL);
    assert_string_equal(world_state(w, "a"), "cancelled");
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
}

/* Its row says that it was cancelled, and must go on saying so. */
static void a_handler_that_is_being_cancelled_is_not_silent(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks: {a: {run: x}}\n"
                                     "finally: {h: {run: x, heartbeat_timeout: 30s}}\n",
                                NULL);

    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    silent(w, "h", 1);
    assert_string_equal(world_reason(w, "h"), "cancelled");
    assert_int_equal(w->stopped.n, 1);
    world_restart(w);
    world_result(w, "h", OUTCOME_CANCELLED, 143, NULL);
    assert_string_equal(world_state(w, "h"), "cancelled");
    world_free(w);
}

static void an_item_may_be_silent(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "tasks:\n  a:\n    foreach: [1, 2, 3]\n"
                                     "    fail_fast: false\n"
                                     "    run: x\n    heartbeat_timeout: 30s\n",
                                NULL);

    world_grant(w);
    silent(w, "a.1", 1);
    world_restart(w);
    assert_int_equal(w->stopped.n, 1);
    world_result(w, "a.1", OUTCOME_CANCELLED, 143, NULL);
    world_finish(w);
    assert_string_equal(world_reason(w, "a.1"), "heartbeat");
    assert_string_equal(world_state(w, "a.0"), "succeeded");
    assert_string_equal(world_state(w, "a"), "failed");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_attempt_is_stopped_and_ends_as_its_heartbeat),
        cmocka_unit_test(it_is_stopped_again_after_a_restart_and_means_the_same),
        cmocka_unit_test(it_is_stopped_once),
        cmocka_unit_test(a_late_word_of_silence_changes_nothing),
        cmocka_unit_test(what_it_did_before_it_was_stopped_counts),
        cmocka_unit_test(retry_takes_it_for_a_timeout_or_by_its_name),
        cmocka_unit_test(a_plain_timeout_is_no_heartbeat),
        cmocka_unit_test(the_next_attempt_may_be_cancelled_by_others),
        cmocka_unit_test(a_cancel_wins),
        cmocka_unit_test(a_handler_that_is_being_cancelled_is_not_silent),
        cmocka_unit_test(an_item_may_be_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
