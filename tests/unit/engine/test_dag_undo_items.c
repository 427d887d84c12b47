/* test_dag_undo_items.c - compensations of tasks with foreach or matrix: each item that
 * succeeded is undone, one after the other in the reverse order of all ends, and a
 * restart between any two steps changes nothing. */
#include "support.h"

#include <string.h>

#define HEAD "flowforge: 1\nname: test\ntasks:\n"
#define UNDO                                                                           \
    "    compensate: {run: y, stdin: '${{ item }} ${{ index }} ${{ outputs.o }}'}\n"
/* The third item fails; p is a task between them. */
#define ROOMS                                                                          \
    "  l:\n    foreach: [x, y, z]\n    fail_fast: false\n    run: x\n"                 \
    "    outputs: {o: file}\n" UNDO "  p: {run: x, compensate: {run: y}}\n"

static void lose(struct world *w, const char *path)
{
    world_result(w, path, OUTCOME_FAILED, 1, NULL);
}

static void give(struct world *w, const char *path, const char *value)
{
    char outputs[64];

    snprintf(outputs, sizeof(outputs), "{\"o\": \"%s\"}", value);
    world_result(w, path, OUTCOME_SUCCEEDED, 0, outputs);
    w->now += UNITS_SECOND;
}

/* The names of what has started after `from` bytes of the history, in that order. */
static void expect_starts(const struct world *w, size_t from, const char *expected)
{
    static const char mark[] = "{\"type\":\"task.started\",\"task\":\"";
    static const char item[] = ",\"item\":";
    const char *at = buf_text(&w->history) + from;
    struct buf names = {0};

    while ((at = strstr(at, mark))) {
        at += strlen(mark);
        const size_t len = strcspn(at, "\"");
        buf_printf(&names, "%s%.*s", names.len ? " " : "", (int)len, at);
        at += len + 1;
        if (strncmp(at, item, strlen(item)) == 0)
            buf_printf(&names, ".%.*s", (int)strspn(at + strlen(item), "0123456789"),
                       at + strlen(item));
    }
    assert_string_equal(buf_text(&names), expected);
    buf_done(&names);
}

/* The last that has started gets this on its standard input. */
static void expect_input(struct world *w, const char *path, const char *input)
{
    struct arena arena = {0};
    struct work work;
    struct ff_err err = {0};

    if (w->run->kind->describe(w->run, world_node(w, path), world_attempt(w, path),
                               &arena, &work, &err) != FF_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(work.input, input);
    arena_done(&arena);
}

/* ROOMS and more, up to where l has failed and only `more` is left. */
static struct world *booked(const char *more)
{
    struct buf yaml = {0};

    buf_printf(&yaml, HEAD ROOMS "%s", more);
    struct world *w = world_new(buf_text(&yaml), NULL);
    buf_done(&yaml);
    world_grant(w);
    give(w, "l.1", "one");
    give(w, "p", "p");
    give(w, "l.0", "zero");
    lose(w, "l.2");
    return w;
}

static void items_are_undone_in_the_reverse_order_of_all_ends(void **state)
{
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        struct world *w = booked("on_failure: {h: {run: x}}\n");
        static const char *const order[] = {"l_compensate.0", "p_compensate",
                                            "l_compensate.1"};
        static const char *const inputs[] = {"x 0 zero", NULL, "y 1 one"};
        const size_t from = w->history.len;

        for (size_t i = 0; i < COUNT_OF(order); i++) {
            if (restarts)
                world_restart(w);
            assert_true(world_grant_one(w));
            assert_false(world_grant_one(w));
            if (restarts)
                world_restart(w);
            if (inputs[i])
                expect_input(w, order[i], inputs[i]);
            world_succeed(w, order[i]);
            w->now += UNITS_SECOND;
        }
        assert_string_equal(world_state(w, "l_compensate"), "succeeded");
        assert_string_equal(world_state(w, "l_compensate.2"), "");
        if (restarts)
            world_restart(w);
        world_finish(w);
        assert_string_equal(world_run_state(w), "failed");
        expect_starts(w, from, "l_compensate.0 p_compensate l_compensate.1 h");
        assert_int_equal(w->slots_out, 0);
        world_free(w);
    }
}

/* What it is told of says how many there are to undo, not how long the list is. */
static void only_those_that_are_undone_are_counted(void **state)
{
    (void)state;
    struct world *w = booked("");

    assert_non_null(
        strstr(buf_text(&w->history),
               "{\"type\":\"task.expanded\",\"task\":\"l_compensate\",\"items\":2}"));
    world_finish(w);
    for (size_t i = 0; i < w->tasks.n; i++)
        if (w->tasks.items[i].row.node == world_node(w, "l_compensate"))
            assert_int_equal(w->tasks.items[i].row.items, 2);
    world_free(w);
}

/* Of the two lists b needs a. */
static void of_items_that_ended_together_the_last_is_undone_first(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "  b:\n    needs: [a]\n    matrix: {v: [1, 2]}\n"
                                     "    run: x\n    compensate: {run: y}\n"
                                     "  a:\n    foreach: [1, 2]\n    run: x\n"
                                     "    compensate: {run: y}\n"
                                     "  c: {needs: [b], run: x}\n",
                                NULL);
    static const char *const done[] = {"a.0", "a.1", "b.1", "b.0"};

    for (size_t i = 0; i < COUNT_OF(done); i++) {
        world_grant(w);
        world_succeed(w, done[i]);
    }
    world_grant(w);
    const size_t from = w->history.len;
    lose(w, "c");
    world_restart(w);
    world_finish(w);
    expect_starts(w, from,
                  "b_compensate.1 b_compensate.0 a_compensate.1 a_compensate.0");
    world_free(w);
}

static void an_item_that_cannot_be_undone_stops_no_other(void **state)
{
    (void)state;
    struct world *w = booked("");

    world_grant(w);
    const struct result bad = {
        .outcome = OUTCOME_FAILED, .exit_code = 1, .message = "no such room"};
    world_input(w, (struct input){.type = INPUT_RESULT,
                                  .node = world_node(w, "l_compensate.0"),
                                  .attempt = 1,
                                  .result = &bad});
    world_restart(w);
    world_finish(w);
    assert_string_equal(world_state(w, "l_compensate"), "failed");
    assert_string_equal(world_state(w, "l_compensate.1"), "succeeded");
    assert_string_equal(w->message, "task l failed; the compensation of l failed: item "
                                    "0: no such room");
    world_free(w);
}

static void an_item_of_a_compensation_has_retries_of_its_own(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "  l:\n    foreach: [1, 2]\n    run: x\n"
                       "    compensate: {run: y, retry: {max_attempts: 2, delay: 3s}}\n"
                       "  b: {needs: [l], run: x}\n",
                  NULL);

    world_grant(w);
    world_succeed(w, "l.0");
    w->now += UNITS_SECOND;
    world_succeed(w, "l.1");
    world_grant(w);
    lose(w, "b");
    for (int i = 1; i >= 0; i--) {
        char path[32];
        snprintf(path, sizeof(path), "l_compensate.%d", i);
        world_grant(w);
        lose(w, path);
        assert_string_equal(world_state(w, path), "retrying");
        world_restart(w);
        assert_false(world_grant(w));
        assert_true(world_next_timer(w));
        world_grant(w);
        world_succeed(w, path);
    }
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(w->message, "task b failed");
    world_free(w);
}

static void a_cancel_stops_the_undoing_of_items(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) { /* bits: it ends well, and after a restart */
        struct world *w = booked("on_failure: {h: {run: x}}\n");
        const size_t from = w->history.len;
        world_grant(w);
        world_cancel(w, CANCEL_GRACEFUL);
        assert_string_equal(world_state(w, "p_compensate"), "cancelled");
        assert_int_equal(w->stopped.n, 1);
        if (how & 2) {
            world_restart(w);
            assert_int_equal(w->stopped.n, 1);
        }
        if (how & 1)
            world_succeed(w, "l_compensate.0");
        else
            world_result(w, "l_compensate.0", OUTCOME_CANCELLED, 143, NULL);
        assert_string_equal(world_state(w, "l_compensate"), "cancelled");
        world_finish(w);
        assert_string_equal(world_run_state(w), "failed");
        assert_string_equal(w->message, "task l failed; the compensation of l was "
                                        "cancelled, and 1 more");
        expect_starts(w, from, "l_compensate.0 h");
        world_free(w);
    }
}

static void a_cancel_ends_what_waits_for_a_slot_or_its_turn(void **state)
{
    (void)state;
    struct world *w = booked(""); /* the first item waits for a slot */
    size_t from = w->history.len;

    world_cancel(w, CANCEL_GRACEFUL);
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(world_state(w, "l_compensate"), "cancelled");
    expect_starts(w, from, "");
    world_reopen(w, "{\"what\": \"failed\"}");
    assert_string_equal(world_state(w, "l.0"), "succeeded"); /* it was not undone */
    assert_string_equal(world_state(w, "l.2"), "waiting");
    world_free(w);

    w = world_new(HEAD "  l:\n    foreach: [1]\n    run: x\n    compensate: {run: y}\n"
                       "  p: {needs: [l], run: x, compensate: {run: y}}\n"
                       "  q: {needs: [p], run: x}\n",
                  NULL); /* the list has not begun to be undone */
    world_grant(w);
    give(w, "l.0", "x");
    world_grant(w);
    give(w, "p", "x");
    world_grant(w);
    lose(w, "q");
    from = w->history.len;
    world_grant(w);
    world_cancel(w, CANCEL_KILL);
    world_restart(w);
    world_result(w, "p_compensate", OUTCOME_CANCELLED, 137, NULL);
    assert_string_equal(world_run_state(w), "failed");
    assert_string_equal(world_state(w, "l_compensate"), "cancelled");
    expect_starts(w, from, "p_compensate");
    world_free(w);
}

static void a_list_that_was_skipped_or_did_nothing_is_not_undone(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "  l:\n    if: false\n    foreach: [1]\n    run: x\n"
                       "    compensate: {run: y}\n"
                       "  m:\n    foreach: [1]\n    run: x\n    compensate: {run: y}\n"
                       "  n:\n    foreach: []\n    run: x\n    compensate: {run: y}\n",
                  NULL);

    world_grant(w);
    lose(w, "m.0");
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

/* Those that were undone, or half so, and the one that had failed. */
static void items_that_were_undone_begin_again_when_the_run_does(void **state)
{
    (void)state;
    struct world *w = booked("");

    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    world_result(w, "l_compensate.0", OUTCOME_CANCELLED, 143, NULL);
    assert_string_equal(world_run_state(w), "failed");
    size_t from = w->history.len;
    world_reopen(w, "{\"what\": \"failed\"}");
    assert_string_equal(world_state(w, "l.0"), "waiting");
    assert_string_equal(world_state(w, "l.1"), "succeeded");
    assert_string_equal(world_state(w, "l.2"), "waiting");
    assert_string_equal(world_state(w, "l_compensate.0"), "waiting");
    assert_string_equal(world_state(w, "p"), "succeeded");
    world_restart(w);
    world_grant(w);
    give(w, "l.0", "again");
    lose(w, "l.2");
    world_restart(w);
    world_grant(w);
    assert_int_equal(world_attempt(w, "l_compensate.0"), 2);
    expect_input(w, "l_compensate.0", "x 0 again");
    world_finish(w);
    expect_starts(w, from, "l.0 l.2 l_compensate.0 p_compensate l_compensate.1");
    world_free(w);
}

/* Nothing failed among them, but they were undone; what stands behind begins again. */
static void a_list_that_succeeded_and_was_undone_is_done_again(void **state)
{
    static const char *const resets[] = {"{\"what\": \"failed\"}",
                                         "{\"what\": \"task\", \"task\": \"b\"}",
                                         "{\"what\": \"all\"}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(resets); i++) {
        struct world *w =
            world_new(HEAD "  l:\n    foreach: [1, 2]\n    run: x\n"
                           "    compensate: {run: y}\n  b: {needs: [l], run: x}\n",
                      NULL);
        world_grant(w);
        world_succeed(w, "l.0");
        world_succeed(w, "l.1");
        world_grant(w);
        lose(w, "b");
        world_finish(w);
        const size_t from = w->history.len;
        world_reopen(w, resets[i]);
        world_finish(w);
        assert_string_equal(world_run_state(w), "succeeded");
        expect_starts(w, from, "l.0 l.1 b");
        world_reopen(w, "{\"what\": \"task\", \"task\": \"b\"}");
        assert_string_equal(world_state(w, "l.0"), "succeeded");
        world_finish(w);
        world_free(w);
    }
}

static void items_from_the_cache_are_not_undone(void **state)
{
    (void)state;
    static const char kept[] =
        HEAD "  l:\n    foreach: [1, 2]\n    run: x\n    outputs: {o: file}\n"
             "    cache: {key: 'k${{ item }}'}\n    compensate: {run: y}\n"
             "  b: {needs: [l], run: x}\n";
    struct world *first = world_new(kept, NULL);
    world_look_up(first, first);
    world_look_up(first, first);
    world_grant(first);
    give(first, "l.0", "x");

    struct world *w = world_new(kept, NULL);
    while (world_look_up(w, first))
        ;
    world_grant(w);
    give(w, "l.1", "x");
    world_grant(w);
    const size_t from = w->history.len;
    lose(w, "b");
    world_restart(w);
    world_finish(w);
    expect_starts(w, from, "l_compensate.1");
    world_free(w);
    world_free(first);
}

/* Each has that time from its own turn on, also when that was found out by a restart.
 */
static void an_item_waits_for_its_slot_from_its_turn_on(void **state)
{
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        struct world *w = world_new(
            "flowforge: 1\nname: test\ndefaults: {queue_timeout: 10s}\ntasks:\n"
            "  l:\n    foreach: [1, 2]\n    run: x\n    compensate: {run: y}\n"
            "  b: {needs: [l], run: x}\n",
            NULL);
        world_grant(w);
        world_succeed(w, "l.0");
        world_succeed(w, "l.1");
        world_grant(w);
        lose(w, "b");
        world_grant(w);
        w->now += 60 * UNITS_SECOND;
        world_succeed(w, "l_compensate.1");
        const int64_t turn = w->now;
        w->now += UNITS_SECOND;
        if (restarts)
            world_restart(w);
        const struct timer_set *last = &w->timers.items[w->timers.n - 1];
        assert_int_equal(last->node, world_node(w, "l_compensate.0"));
        assert_int_equal(last->at, turn + 10 * UNITS_SECOND);
        world_free(w);
    }
}

/* The run is not running when the list is made again for what undoes its items. */
static void a_list_made_of_the_run_s_status_is_the_same_when_it_is_undone(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "  l:\n    foreach: \"${{ run.status == 'running' ? ['a', 'b'] : [] }}\"\n"
             "    run: x\n    compensate: {run: y, stdin: '${{ item }}'}\n"
             "  b: {needs: [l], run: x}\n",
        NULL);

    world_grant(w);
    world_succeed(w, "l.0");
    world_succeed(w, "l.1");
    world_grant(w);
    lose(w, "b");
    world_restart(w);
    world_grant(w);
    expect_input(w, "l_compensate.1", "b");
    world_cancel(w, CANCEL_GRACEFUL);
    world_restart(w);
    world_result(w, "l_compensate.1", OUTCOME_CANCELLED, 143, NULL);
    assert_string_equal(world_run_state(w), "failed");
    world_free(w);
}

static void a_list_of_a_handler_is_made_of_what_the_tasks_came_to(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD
        "  a: {run: x}\nfinally:\n  f:\n"
        "    foreach: \"${{ run.status == 'failed' ? ['a'] : [] }}\"\n    run: x\n",
        NULL);

    world_grant(w);
    lose(w, "a");
    world_restart(w);
    world_finish(w);
    expect_starts(w, 0, "a f.0");
    world_free(w);
}

/* --- rows that make no sense --- */

#define GIVEN                                                                          \
    "flowforge: 1\nname: test\ninputs: {n: list}\ntasks:\n"                            \
    "  p: {run: x, compensate: {run: y}}\n"                                            \
    "  l:\n    needs: [p]\n    foreach: ${{ inputs.n }}\n    run: x\n"                 \
    "    compensate: {run: y}\n"                                                       \
    "  q: {needs: [l], run: x, compensate: {run: y}}\n"                                \
    "  b: {needs: [q], run: x}\n"

/* q is undone first. */
static struct world *given(void)
{
    struct world *w = world_new(GIVEN, "{\"n\": [1, 2]}");

    world_grant(w);
    give(w, "p", "x");
    world_grant(w);
    give(w, "l.0", "x");
    give(w, "l.1", "x");
    world_grant(w);
    give(w, "q", "x");
    world_grant(w);
    lose(w, "b");
    return w;
}

static void a_list_that_is_gone_cannot_be_undone_and_others_are(void **state)
{
    (void)state;
    struct world *w = given();
    const size_t from = w->history.len;
    static char none[] = "{\"n\": 7}";

    w->row.inputs = span_of(none);
    world_restart(w);
    world_finish(w);
    assert_string_equal(world_state(w, "l_compensate"), "failed");
    assert_string_equal(world_reason(w, "l_compensate"), "expression");
    assert_string_equal(world_run_state(w), "failed");
    expect_starts(w, from, "q_compensate p_compensate");
    world_free(w);
}

static struct task_row *row_of(struct world *w, const char *path)
{
    for (size_t i = 0; i < w->tasks.n; i++)
        if (w->tasks.items[i].row.node == world_node(w, path))
            return &w->tasks.items[i].row;
    fail_msg("no row of %s", path);
    return NULL;
}

static void expect_corrupt(struct world *w, const char *why)
{
    struct ff_err err = {0};
    int code = FF_OK;

    engine_run_free(w->run);
    w->run = engine_run_new(w->plan, &w->row, 0, &err);
    for (size_t i = 0; code == FF_OK && i < w->tasks.n; i++)
        code = w->run->kind->load_task(w->run, &w->tasks.items[i].row, NULL, &err);
    if (code == FF_OK)
        code = w->run->kind->loaded(w->run, &err);
    assert_int_not_equal(code, FF_OK);
    assert_non_null(strstr(err.msg, why));
}

static void rows_that_no_undoing_writes_are_corrupt(void **state)
{
    static char less[] = "{\"n\": [1]}";
    struct world *w = given();

    (void)state;
    world_grant(w);
    give(w, "q_compensate", "x");
    world_grant(w);
    row_of(w, "l_compensate")->items = 1;
    expect_corrupt(w, "l_compensate undoes 2 items, began with 1");
    row_of(w, "l_compensate")->items = 3;
    expect_corrupt(w, "l_compensate undoes items that there are not");
    row_of(w, "l_compensate")->items = 2;
    w->row.inputs = span_of(less);
    expect_corrupt(w, "foreach of l gives 1 items, had 2");
    world_free(w);

    w = given();
    row_of(w, "p")->node = world_node(w, "p_compensate");
    row_of(w, "p_compensate")->items = 1;
    expect_corrupt(w, "p_compensate undoes items that there are not");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_undone_in_the_reverse_order_of_all_ends),
        cmocka_unit_test(only_those_that_are_undone_are_counted),
        cmocka_unit_test(of_items_that_ended_together_the_last_is_undone_first),
        cmocka_unit_test(an_item_that_cannot_be_undone_stops_no_other),
        cmocka_unit_test(an_item_of_a_compensation_has_retries_of_its_own),
        cmocka_unit_test(a_cancel_stops_the_undoing_of_items),
        cmocka_unit_test(a_cancel_ends_what_waits_for_a_slot_or_its_turn),
        cmocka_unit_test(a_list_that_was_skipped_or_did_nothing_is_not_undone),
        cmocka_unit_test(items_that_were_undone_begin_again_when_the_run_does),
        cmocka_unit_test(a_list_that_succeeded_and_was_undone_is_done_again),
        cmocka_unit_test(items_from_the_cache_are_not_undone),
        cmocka_unit_test(an_item_waits_for_its_slot_from_its_turn_on),
        cmocka_unit_test(a_list_made_of_the_run_s_status_is_the_same_when_it_is_undone),
        cmocka_unit_test(a_list_of_a_handler_is_made_of_what_the_tasks_came_to),
        cmocka_unit_test(a_list_that_is_gone_cannot_be_undone_and_others_are),
        cmocka_unit_test(rows_that_no_undoing_writes_are_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
