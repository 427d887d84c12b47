/* test_dag_reset.c - runs that were over and begin again: which tasks, what their rows
 * keep, and that nothing of it is lost by a restart. */
#include "support.h"

#include <string.h>

#define HEAD       "flowforge: 1\nname: test\n"
#define FAILED     "{\"what\": \"failed\"}"
#define ALL        "{\"what\": \"all\"}"
#define FROM(task) "{\"what\": \"task\", \"task\": \"" task "\"}"
#define SECOND     UNITS_SECOND

static void lose(struct world *w, const char *path)
{
    world_result(w, path, OUTCOME_FAILED, 1, NULL);
}

/* "a=succeeded/1 b=.../2": state and attempt, of tasks that have a row. */
static void expect(struct world *w, const char *expected)
{
    struct buf out = {0};
    const struct flow *f = w->plan->data;

    for (uint32_t i = 0; i < f->n_tasks; i++)
        if (world_state(w, f->tasks[i].name)[0])
            buf_printf(&out, "%s%s=%s/%lld", out.len ? " " : "", f->tasks[i].name,
                       world_state(w, f->tasks[i].name),
                       (long long)world_attempt(w, f->tasks[i].name));
    assert_string_equal(buf_text(&out), expected);
    buf_done(&out);
}

static const char chain[] = HEAD "tasks:\n  a: {run: x, outputs: {n: json}}\n"
                                 "  b: {needs: [a], run: x}\n"
                                 "  c: {needs: [b], stdin: '${{ tasks.a.outputs.n }}',"
                                 " run: x}\n"
                                 "  other: {run: x}\n"
                                 "on_success: {good: {run: x}}\n"
                                 "on_failure: {bad: {run: x}}\n";

static struct world *failed_chain(void)
{
    struct world *w = world_new(chain, NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, "{\"n\": 4}");
    world_succeed(w, "other");
    world_grant(w);
    lose(w, "b");
    world_finish(w);
    expect(w, "a=succeeded/1 b=failed/1 c=skipped/0 other=succeeded/1 bad=succeeded/1");
    assert_string_equal(world_run_state(w), "failed");
    return w;
}

static void what_failed_begins_again_and_all_behind_it(void **state)
{
    struct world *w = failed_chain();
    struct arena arena = {0};
    struct work work;
    struct ff_err err;

    (void)state;
    w->now += 100 * SECOND;
    world_reopen(w, FAILED);
    expect(w, "a=succeeded/1 b=waiting/1 c=waiting/0 other=succeeded/1 bad=waiting/1");
    assert_string_equal(world_run_state(w), "running");
    assert_null(w->row.reset.s);
    assert_int_equal(w->row.started_at, w->now);
    world_restart(w);
    world_grant(w);
    world_restart(w);
    expect(w, "a=succeeded/1 b=running/2 c=waiting/0 other=succeeded/1 bad=waiting/1");
    world_succeed(w, "b");
    world_restart(w);
    world_grant(w);
    assert_int_equal(
        w->run->kind->describe(w->run, world_node(w, "c"), 1, &arena, &work, &err),
        FF_OK);
    assert_string_equal(work.input, "4");
    world_finish(w);
    expect(w, "a=succeeded/1 b=succeeded/2 c=succeeded/1 other=succeeded/1 "
              "good=succeeded/1 bad=waiting/1");
    assert_string_equal(world_run_state(w), "succeeded");
    assert_non_null(
        strstr(buf_text(&w->history), "{\"type\":\"run.reset\",\"what\":" FAILED "}"));
    assert_non_null(strstr(buf_text(&w->history),
                           "{\"type\":\"task.reset\",\"task\":\"b\",\"attempt\":1,"
                           "\"was\":\"failed\"}"));
    arena_done(&arena);
    world_free(w);
}

static void a_result_of_an_attempt_from_before_changes_nothing(void **state)
{
    const struct result late = {.outcome = OUTCOME_SUCCEEDED};
    struct world *w = failed_chain();

    (void)state;
    world_reopen(w, FAILED);
    for (int i = 0; i < 2; i++) {
        const size_t before = w->history.len;
        world_input(w, (struct input){.type = INPUT_RESULT,
                                      .node = world_node(w, "b"),
                                      .attempt = 1,
                                      .result = &late});
        assert_int_equal(w->history.len, before);
        world_grant(w);
    }
    expect(w, "a=succeeded/1 b=running/2 c=waiting/0 other=succeeded/1 bad=waiting/1");
    world_free(w);
}

static void a_rerun_begins_where_it_is_told_to(void **state)
{
    static const struct {
        const char *reset, *then;
    } cases[] = {
        {FROM("a"),
         "a=waiting/1 b=waiting/1 c=waiting/0 other=succeeded/1 bad=waiting/1"},
        {FROM("other"),
         "a=succeeded/1 b=failed/1 c=skipped/0 other=waiting/1 bad=waiting/1"},
        {ALL, "a=waiting/1 b=waiting/1 c=waiting/0 other=waiting/1 bad=waiting/1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world *w = failed_chain();
        world_reopen(w, cases[i].reset);
        expect(w, cases[i].then);
        world_restart(w);
        world_finish(w);
        assert_string_equal(world_run_state(w), i == 1 ? "failed" : "succeeded");
        world_free(w);
    }
}

static void what_nobody_understands_leaves_the_tasks_alone(void **state)
{
    static const char *const resets[] = {"{}", "{\"what\": \"nothing\"}",
                                         FROM("nobody"), "no json"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(resets); i++) {
        struct world *w = failed_chain();
        world_reopen(w, resets[i]);
        world_finish(w);
        expect(w, "a=succeeded/1 b=failed/1 c=skipped/0 other=succeeded/1 "
                  "bad=succeeded/2");
        assert_string_equal(world_run_state(w), "failed");
        world_free(w);
    }
}

static void the_attempts_of_before_do_not_count_for_retry(void **state)
{
    struct world *w = world_new(
        HEAD
        "tasks: {a: {run: x, retry: {max_attempts: 2, delay: 2s, backoff: linear}}}\n",
        NULL);

    (void)state;
    for (int life = 0; life < 3; life++) {
        world_grant(w);
        lose(w, "a");
        assert_string_equal(world_state(w, "a"), "retrying");
        assert_int_equal(w->timers.items[0].at, w->now + 2 * SECOND);
        world_restart(w);
        assert_true(world_next_timer(w));
        world_grant(w);
        lose(w, "a");
        assert_int_equal(world_attempt(w, "a"), 2 * life + 2);
        assert_string_equal(world_run_state(w), "failed");
        world_reopen(w, FAILED);
        if (life == 1)
            world_restart(w);
    }
    world_free(w);
}

static void a_forgiven_failure_is_not_tried_again(void **state)
{
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  a: {run: x, continue_on_error: true}\n"
                                     "  b: {needs: [a], run: x}\n",
                                NULL);

    (void)state;
    world_grant(w);
    lose(w, "a");
    world_grant(w);
    lose(w, "b");
    world_reopen(w, FAILED);
    expect(w, "a=failed/1 b=waiting/1");
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_cancelled_run_goes_on_where_it_was_stopped(void **state)
{
    struct world *w = world_new(chain, NULL);

    (void)state;
    world_grant(w);
    world_succeed(w, "other");
    world_cancel(w, CANCEL_GRACEFUL);
    world_result(w, "a", OUTCOME_CANCELLED, -1, NULL);
    expect(w, "a=cancelled/1 b=cancelled/0 c=cancelled/0 other=succeeded/1");
    assert_string_equal(world_run_state(w), "cancelled");
    world_reopen(w, FAILED);
    world_restart(w);
    world_finish(w);
    expect(w, "a=succeeded/2 b=succeeded/1 c=succeeded/1 other=succeeded/1 "
              "good=succeeded/1");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void what_stays_cancelled_keeps_the_run_from_succeeding(void **state)
{
    struct world *w = world_new(chain, NULL);

    (void)state;
    world_grant(w);
    world_succeed(w, "other");
    world_cancel(w, CANCEL_GRACEFUL);
    world_result(w, "a", OUTCOME_CANCELLED, -1, NULL);
    world_reopen(w, FROM("other"));
    world_grant(w);
    world_restart(w);
    world_finish(w);
    expect(w, "a=cancelled/1 b=cancelled/0 c=cancelled/0 other=succeeded/2");
    assert_string_equal(world_run_state(w), "cancelled");
    assert_string_equal(w->reason, "cancelled");
    world_free(w);
}

static void the_timeout_of_the_run_counts_anew(void **state)
{
    struct world *w = world_new(HEAD "timeout: 10s\ntasks: {a: {run: x}}\n", NULL);

    (void)state;
    world_grant(w);
    assert_true(world_next_timer(w));
    world_result(w, "a", OUTCOME_CANCELLED, -1, NULL);
    assert_string_equal(world_run_state(w), "failed");
    w->now += 500 * SECOND;
    world_reopen(w, FAILED);
    assert_int_equal(w->timers.n, 1);
    assert_int_equal(w->timers.items[0].at, w->now + 10 * SECOND);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

/* --- items --- */

static const char fan[] =
    HEAD "tasks:\n  list: {run: x, outputs: {l: json}}\n"
         "  f:\n    needs: [list]\n    foreach: ${{ tasks.list.outputs.l }}\n"
         "    fail_fast: %s\n    run: x\n    outputs: {v: json}\n"
         "  join: {needs: [f], stdin: '${{ tasks.f.outputs.v }}', run: x}\n";

static struct world *failed_fan(const char *fail_fast)
{
    char yaml[512];

    snprintf(yaml, sizeof(yaml), fan, fail_fast);
    struct world *w = world_new(yaml, NULL);
    world_grant(w);
    world_result(w, "list", OUTCOME_SUCCEEDED, 0, "{\"l\": [7, 8, 9]}");
    world_grant(w);
    world_result(w, "f.0", OUTCOME_SUCCEEDED, 0, "{\"v\": 70}");
    world_result(w, "f.1", OUTCOME_FAILED, 1, NULL);
    if (strcmp(fail_fast, "true") == 0)
        world_result(w, "f.2", OUTCOME_CANCELLED, -1, NULL);
    else
        world_succeed(w, "f.2");
    assert_string_equal(world_run_state(w), "failed");
    return w;
}

static void only_the_items_that_did_not_succeed_begin_again(void **state)
{
    struct world *w = failed_fan("true");
    struct arena arena = {0};
    struct work work;
    struct ff_err err;

    (void)state;
    world_reopen(w, FAILED);
    assert_string_equal(world_state(w, "f"), "running");
    assert_string_equal(world_state(w, "f.0"), "succeeded");
    assert_string_equal(world_state(w, "f.1"), "waiting");
    world_restart(w);
    assert_int_equal(w->offered.n, 2);
    world_grant(w);
    assert_int_equal(world_attempt(w, "f.1"), 2);
    assert_int_equal(world_attempt(w, "f.2"), 2);
    world_restart(w);
    world_result(w, "f.1", OUTCOME_SUCCEEDED, 0, "{\"v\": 80}");
    world_result(w, "f.2", OUTCOME_SUCCEEDED, 0, "{\"v\": 90}");
    world_grant(w);
    assert_int_equal(
        w->run->kind->describe(w->run, world_node(w, "join"), 1, &arena, &work, &err),
        FF_OK);
    assert_string_equal(work.input, "[70,80,90]");
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    arena_done(&arena);
    world_free(w);
}

/* Once more after it has failed once more. */
/* Not since the list was made, in an earlier life of the run. */
static void items_that_begin_again_wait_for_a_slot_from_then_on(void **state)
{
    struct world *w = world_new(
        HEAD "tasks: {f: {foreach: [1, 2], run: x, queue_timeout: 1m}}\n", NULL);

    (void)state;
    world_grant(w);
    world_succeed(w, "f.0");
    lose(w, "f.1");
    w->now += 3600 * SECOND;
    world_reopen(w, FAILED);
    const int64_t due = w->now + 60 * SECOND;
    assert_int_equal(world_timer_at(w, world_node(w, "f.1"), TIMER_QUEUE), due);
    w->now += SECOND;
    world_restart(w);
    assert_int_equal(world_timer_at(w, world_node(w, "f.1"), TIMER_QUEUE), due);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void items_can_fail_again(void **state)
{
    struct world *w = failed_fan("true");

    (void)state;
    world_reopen(w, FAILED);
    world_grant(w);
    world_result(w, "f.2", OUTCOME_FAILED, 1, NULL);
    world_result(w, "f.1", OUTCOME_CANCELLED, -1, NULL);
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(w->message, "task f failed");
    world_reopen(w, FAILED);
    world_finish(w);
    assert_int_equal(world_attempt(w, "f.0"), 1);
    assert_int_equal(world_attempt(w, "f.2"), 3);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

/* The list becomes longer and shorter, with a restart in between or not. */
static void a_list_that_is_made_anew_may_have_another_length(void **state)
{
    static const char *const lists[] = {"[1]", "[1, 2, 3, 4]", "[]", "[1, 2, 3]"};
    static const int64_t attempts[][3] = {{2, 1, 1}, {3, 2, 2}, {3, 2, 2}, {4, 3, 3}};

    (void)state;
    for (int restarts = 0; restarts <= 1; restarts++) {
        struct world *w = failed_fan("true");
        for (size_t i = 0; i < COUNT_OF(lists); i++) {
            char outputs[64];
            world_reopen(w, FROM("list"));
            assert_string_equal(world_state(w, "f"), "waiting");
            if (restarts)
                world_restart(w);
            world_grant(w);
            snprintf(outputs, sizeof(outputs), "{\"l\": %s}", lists[i]);
            world_result(w, "list", OUTCOME_SUCCEEDED, 0, outputs);
            if (restarts)
                world_restart(w);
            world_finish(w);
            assert_string_equal(world_run_state(w), "succeeded");
            for (int k = 0; k < 3; k++) {
                char path[24];
                snprintf(path, sizeof(path), "f.%d", k);
                assert_int_equal(world_attempt(w, path), attempts[i][k]);
            }
        }
        world_free(w);
    }
}

/* As if the rows of what made it had been changed by hand. */
static void a_list_that_is_another_begins_as_a_whole(void **state)
{
    static const char *const outputs[] = {"{\"l\": [1, 2]}", "{\"l\": 5}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(outputs); i++) {
        struct world *w = failed_fan("false");
        mem_free(w->tasks.items[0].outputs);
        w->tasks.items[0].outputs = mem_text(outputs[i]);
        world_reopen(w, FAILED);
        assert_string_equal(world_state(w, "f.0"), "waiting");
        world_finish(w);
        assert_string_equal(world_run_state(w), i == 0 ? "succeeded" : "failed");
        assert_string_equal(world_reason(w, "f"), i == 0 ? "" : "expression");
        world_free(w);
    }
}

static void a_foreach_without_a_list_is_judged_anew(void **state)
{
    struct world *w =
        world_new(HEAD "tasks: {f: {foreach: '${{ [1][4] }}', run: x}}\n", NULL);

    (void)state;
    assert_string_equal(world_run_state(w), "failed");
    world_reopen(w, FAILED);
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_failed_begins_again_and_all_behind_it),
        cmocka_unit_test(a_result_of_an_attempt_from_before_changes_nothing),
        cmocka_unit_test(a_rerun_begins_where_it_is_told_to),
        cmocka_unit_test(what_nobody_understands_leaves_the_tasks_alone),
        cmocka_unit_test(the_attempts_of_before_do_not_count_for_retry),
        cmocka_unit_test(a_forgiven_failure_is_not_tried_again),
        cmocka_unit_test(a_cancelled_run_goes_on_where_it_was_stopped),
        cmocka_unit_test(what_stays_cancelled_keeps_the_run_from_succeeding),
        cmocka_unit_test(the_timeout_of_the_run_counts_anew),
        cmocka_unit_test(only_the_items_that_did_not_succeed_begin_again),
        cmocka_unit_test(items_that_begin_again_wait_for_a_slot_from_then_on),
        cmocka_unit_test(items_can_fail_again),
        cmocka_unit_test(a_list_that_is_made_anew_may_have_another_length),
        cmocka_unit_test(a_list_that_is_another_begins_as_a_whole),
        cmocka_unit_test(a_foreach_without_a_list_is_judged_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
