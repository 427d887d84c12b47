/* test_dag_retry.c - retry.if: asked when an attempt has ended badly and the rest of
 * `retry` would try again. */
#include "support.h"

#include <string.h>

#define HEAD "flowforge: 1\nname: test\n"

/* The state of task a after one attempt. */
static void after(const char *condition, enum outcome outcome, int exit_code,
                  char out[128])
{
    struct buf b = {0};

    buf_printf(&b, HEAD "tasks: {a: {run: x, retry: {delay: 1s, if: \"%s\"}}}\n",
               condition);
    struct world *w = world_new(buf_text(&b), NULL);
    world_grant(w);
    world_result(w, "a", outcome, exit_code, NULL);
    world_restart(w);
    snprintf(out, 128, "%s %s", world_state(w, "a"), world_reason(w, "a"));
    world_free(w);
    buf_done(&b);
}

static void the_end_of_an_attempt_is_judged(void **state)
{
    static const struct {
        const char *condition;
        enum outcome outcome;
        int exit_code;
        const char *state;
    } cases[] = {
        {"exit_code == 75", OUTCOME_FAILED, 75, "retrying exit_code"},
        {"exit_code == 75", OUTCOME_FAILED, 1, "failed exit_code"},
        {"exit_code == null", OUTCOME_TIMEOUT, -1, "retrying timeout"},
        {"reason == 'failed'", OUTCOME_FAILED, 1, "retrying exit_code"},
        {"reason == 'timeout'", OUTCOME_TIMEOUT, 143, "retrying timeout"},
        {"reason == 'lost'", OUTCOME_LOST, -1, "retrying lost"},
        {"reason == 'oom'", OUTCOME_OOM, 137, "retrying oom"},
        {"reason == 'evicted'", OUTCOME_EVICTED, -1, "retrying evicted"},
        {"attempt == 1", OUTCOME_FAILED, 1, "retrying exit_code"},
        {"attempt > 1", OUTCOME_FAILED, 1, "failed exit_code"},
        {"exit_code / (attempt - 1) == 3", OUTCOME_FAILED, 1, "failed expression"},
        {"attempt", OUTCOME_FAILED, 1, "failed expression"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char got[128];

        after(cases[i].condition, cases[i].outcome, cases[i].exit_code, got);
        if (strcmp(got, cases[i].state) != 0)
            fail_msg("%s: %s instead of %s", cases[i].condition, got, cases[i].state);
    }
}

static void an_item_asks_for_itself(void **state)
{
    struct world *w = world_new(HEAD "tasks:\n  a:\n    foreach: [4, 5]\n"
                                     "    fail_fast: false\n    run: x\n"
                                     "    retry: {delay: 0s, if: item == 5}\n",
                                NULL);

    (void)state;
    world_grant(w);
    world_result(w, "a.0", OUTCOME_FAILED, 1, NULL);
    world_result(w, "a.1", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_state(w, "a.0"), "failed");
    assert_string_equal(world_state(w, "a.1"), "retrying");
    world_free(w);
}

static void the_run_says_what_was_wrong_with_the_expression(void **state)
{
    struct world *w = world_new(
        HEAD "tasks: {a: {run: x, retry: {if: \"1 / (attempt - 1) == 3\"}}}\n", NULL);

    (void)state;
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    assert_non_null(strstr(w->message, "task a failed: retry.if: "));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_an_attempt_is_judged),
        cmocka_unit_test(an_item_asks_for_itself),
        cmocka_unit_test(the_run_says_what_was_wrong_with_the_expression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
