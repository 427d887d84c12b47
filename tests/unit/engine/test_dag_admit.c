/* test_dag_admit.c - a run that asks before it begins. */
#include "support.h"

#include <string.h>

#define FLOW                                                                           \
    "flowforge: 1\nname: test\ninputs: {k: {type: string}}\n"                          \
    "concurrency: {key: 'k-${{ inputs.k }}', limit: 2}\n"                              \
    "tasks: {a: {run: x}}\non_cancel: {tidy: {run: x}}\n"

#define WAITS "waiting for its turn under concurrency key k-y: "

static void answer(struct world *w, enum admission admission)
{
    world_input(w, (struct input){.type = INPUT_ADMIT, .admission = admission});
}

static void nothing_begins_before_it_is_let_in(void **state)
{
    struct world *w = world_new(FLOW, "{\"k\": \"y\"}");

    (void)state;
    assert_string_equal(w->asked, "k-y");
    assert_string_equal(world_run_state(w), "pending");
    assert_false(world_grant(w));
    answer(w, ADMISSION_WAIT);
    assert_string_equal(w->reason, "concurrency");
    assert_memory_equal(w->row.message.s, WAITS, strlen(WAITS));
    answer(w, ADMISSION_WAIT);
    w->asked[0] = '\0';
    world_restart(w);
    assert_string_equal(w->asked, "k-y");
    answer(w, ADMISSION_WAIT);
    assert_string_equal(world_run_state(w), "pending");
    answer(w, ADMISSION_GO);
    assert_string_equal(world_run_state(w), "running");
    assert_null(w->row.reason.s);
    answer(w, ADMISSION_FAIL); /* too late to count */
    world_grant(w);
    w->asked[0] = '\0';
    world_restart(w); /* it holds its place: it asks again, and goes on */
    assert_string_equal(w->asked, "k-y");
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void one_too_many_ends_without_having_begun(void **state)
{
    static const struct {
        enum admission admission;
        const char *state;
    } cases[] = {{ADMISSION_CANCEL, "cancelled"}, {ADMISSION_FAIL, "failed"}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world *w = world_new(FLOW, "{\"k\": \"y\"}");
        answer(w, cases[i].admission);
        assert_string_equal(world_run_state(w), cases[i].state);
        assert_string_equal(w->reason, "concurrency");
        assert_int_equal(w->tasks.n, 0);
        assert_true(w->ended);
        world_free(w);
    }
}

static void a_pending_run_is_cancelled_at_once(void **state)
{
    (void)state;
    for (int mode = CANCEL_GRACEFUL; mode <= CANCEL_KILL; mode++) {
        struct world *w = world_new(FLOW, "{\"k\": \"y\"}");
        world_cancel(w, (enum cancel_mode)mode);
        assert_string_equal(world_run_state(w), "cancelled");
        assert_string_equal(w->reason, mode == CANCEL_KILL ? "killed" : "cancelled");
        assert_int_equal(w->tasks.n, 0);
        world_free(w);
    }
}

static void one_that_is_ousted_runs_its_handlers(void **state)
{
    struct world *w = world_new(FLOW, "{\"k\": \"y\"}");

    (void)state;
    answer(w, ADMISSION_GO);
    world_grant(w);
    world_input(w, (struct input){.type = INPUT_CANCEL,
                                  .cancel = CANCEL_GRACEFUL,
                                  .ousted = true});
    world_result(w, "a", OUTCOME_CANCELLED, 143, NULL);
    world_finish(w);
    assert_string_equal(world_run_state(w), "cancelled");
    assert_string_equal(w->reason, "concurrency");
    assert_string_equal(world_state(w, "tidy"), "succeeded");
    world_free(w);
}

#define FAILED "{\"what\": \"failed\"}"

/* One whose only task has failed, opened again. */
static struct world *again(void)
{
    struct world *w = world_new(FLOW, "{\"k\": \"y\"}");

    answer(w, ADMISSION_GO);
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_run_state(w), "failed");
    w->asked[0] = '\0';
    world_reopen(w, FAILED);
    assert_string_equal(w->asked, "k-y");
    return w;
}

static void one_that_begins_again_waits_for_its_turn(void **state)
{
    struct world *w = again();

    (void)state;
    assert_false(world_grant(w));
    answer(w, ADMISSION_WAIT);
    assert_string_equal(world_run_state(w), "pending");
    assert_string_equal(w->reason, "concurrency");
    w->asked[0] = '\0';
    world_restart(w);
    assert_string_equal(w->asked, "k-y");
    answer(w, ADMISSION_WAIT);
    assert_string_equal(world_state(w, "a"), "failed");
    assert_false(world_grant(w));
    answer(w, ADMISSION_GO);
    assert_string_equal(world_run_state(w), "running");
    assert_null(w->row.reason.s);
    assert_string_equal(world_state(w, "a"), "waiting");
    answer(w, ADMISSION_FAIL); /* too late to count */
    world_restart(w);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(world_attempt(w, "a"), 2);
    world_free(w);
}

/* Ended before it had begun: none of its tasks is over. */
static void one_that_waits_to_begin_again_takes_no_other_request(void **state)
{
    json_t *body = json_pack("{ss}", "what", "all");
    const struct signal signal = {.word = "reset", .body = body};
    struct world *w = world_new(FLOW, "{\"k\": \"y\"}");

    (void)state;
    world_cancel(w, CANCEL_GRACEFUL);
    assert_string_equal(world_run_state(w), "cancelled");
    world_reopen(w, "{\"what\": \"all\"}");
    buf_clear(&w->history);
    world_input(w, (struct input){.type = INPUT_SIGNAL, .signal = &signal});
    assert_non_null(strstr(buf_text(&w->history), "\"reason\":\"not_begun\""));
    assert_false(world_grant(w));
    answer(w, ADMISSION_GO);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(world_attempt(w, "a"), 1);
    json_decref(body);
    world_free(w);
}

static void one_that_may_not_begin_again_stays_as_it_was(void **state)
{
    struct world *w = again();

    (void)state;
    answer(w, ADMISSION_FAIL);
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(w->reason, "concurrency");
    world_reopen(w, FAILED);
    world_cancel(w, CANCEL_GRACEFUL);
    assert_string_equal(world_run_state(w), "cancelled");
    assert_string_equal(w->message, "it had not begun again yet");
    assert_string_equal(world_state(w, "a"), "failed");
    assert_string_equal(world_state(w, "tidy"), "");
    world_reopen(w, FAILED); /* what was asked for first is forgotten */
    answer(w, ADMISSION_GO);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_key_that_cannot_be_made_fails_the_run(void **state)
{
    static const struct {
        const char *key, *k, *why;
    } cases[] = {
        {"${{ inputs.k }}", "\"\"", "0 bytes"},
        {"${{ inputs.k / 2 }}", "\"\"", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf yaml = {0}, inputs = {0};
        buf_printf(
            &yaml,
            "flowforge: 1\nname: t\ninputs: {k: string}\nconcurrency: {key: '%s'}\n"
            "tasks: {a: {run: x}}\n",
            cases[i].key);
        buf_printf(&inputs, "{\"k\": %s}", cases[i].k);
        struct world *w = world_new(buf_text(&yaml), buf_text(&inputs));
        assert_string_equal(world_run_state(w), "failed");
        assert_string_equal(w->reason, "expression");
        assert_non_null(strstr(w->message, cases[i].why));
        world_free(w);
        buf_done(&yaml);
        buf_done(&inputs);
    }
}

static void a_key_that_is_no_text_is_written_as_json_and_not_too_long(void **state)
{
    static const char yaml[] =
        "flowforge: 1\nname: t\ninputs: {k: list}\n"
        "concurrency: {key: '${{ inputs.k }}'}\ntasks: {a: {run: x}}\n";
    struct buf inputs = {0};
    struct world *w = world_new(yaml, "{\"k\": [1, 2]}");

    (void)state;
    assert_string_equal(w->asked, "[1,2]");
    world_free(w);
    buf_add_text(&inputs, "{\"k\": [1");
    for (int i = 0; i < 100; i++)
        buf_add_text(&inputs, ",1");
    buf_add_text(&inputs, "]}");
    w = world_new(yaml, buf_text(&inputs));
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
    buf_done(&inputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_begins_before_it_is_let_in),
        cmocka_unit_test(one_too_many_ends_without_having_begun),
        cmocka_unit_test(a_pending_run_is_cancelled_at_once),
        cmocka_unit_test(one_that_is_ousted_runs_its_handlers),
        cmocka_unit_test(one_that_begins_again_waits_for_its_turn),
        cmocka_unit_test(one_that_waits_to_begin_again_takes_no_other_request),
        cmocka_unit_test(one_that_may_not_begin_again_stays_as_it_was),
        cmocka_unit_test(a_key_that_cannot_be_made_fails_the_run),
        cmocka_unit_test(a_key_that_is_no_text_is_written_as_json_and_not_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
