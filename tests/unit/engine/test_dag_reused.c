/* test_dag_reused.c - runs whose first rows tell what another run has done. */
#include "support.h"

#include <string.h>

#define HEAD "flowforge: 1\nname: test\n"

static void add(struct world *w, const char *path, int64_t state, int64_t n_items,
                const char *outputs)
{
    struct stored_task t = {.row = {.tenant = 1,
                                    .run = 7,
                                    .node = world_node(w, path),
                                    .version = 1,
                                    .item = MODEL_NULL,
                                    .state = state,
                                    .exit_code = MODEL_NULL,
                                    .items = n_items,
                                    .due_at = MODEL_NULL,
                                    .queued_at = 1,
                                    .started_at = 1,
                                    .finished_at = 1,
                                    .attempt_base = MODEL_NULL,
                                    .iteration = MODEL_NULL},
                            .outputs = outputs ? mem_text(outputs) : NULL};

    ARRAY_ADD(&w->tasks, t);
}

/* As node_submit leaves a run, before anybody has loaded it. */
static void forget_beginning(struct world *w)
{
    for (size_t i = 0; i < w->tasks.n; i++)
        mem_free(w->tasks.items[i].outputs);
    w->tasks.n = 0;
    w->row.state = RUN_PENDING;
    w->row.started_at = MODEL_NULL;
    buf_clear(&w->history);
}

static void what_was_taken_over_is_not_done_again(void **state)
{
    struct arena arena = {0};
    struct work work;
    struct ff_err err;
    struct world *w = world_new(
        HEAD "tasks:\n  a: {run: x, outputs: {n: json}}\n"
             "  each: {needs: [a], foreach: [1, 2], run: x, outputs: {v: json}}\n"
             "  off: {if: 'false', run: x}\n"
             "  b: {needs: [a, each, off], run: x,\n"
             "      stdin: '${{ [tasks.a.outputs.n, tasks.each.outputs.v] }}'}\n"
             "  c: {needs: [b], run: x}\n"
             "  alone: {run: x}\n",
        NULL);

    (void)state;
    forget_beginning(w);
    add(w, "a", TASK_SUCCEEDED, MODEL_NULL, "{\"n\": 4}");
    add(w, "each", TASK_SUCCEEDED, 2, NULL);
    add(w, "each.0", TASK_SUCCEEDED, MODEL_NULL, "{\"v\": 5}");
    add(w, "each.1", TASK_SUCCEEDED, MODEL_NULL, "{\"v\": 6}");
    add(w, "off", TASK_SKIPPED, MODEL_NULL, NULL);
    world_restart(w);
    assert_string_equal(world_run_state(w), "running");
    assert_int_equal(w->offered.n, 2);
    assert_non_null(strstr(buf_text(&w->history),
                           "{\"type\":\"task.reused\",\"task\":\"off\","
                           "\"state\":\"skipped\"}"));
    world_restart(w);
    assert_int_equal(w->offered.n, 2);
    world_grant(w);
    assert_int_equal(
        w->run->kind->describe(w->run, world_node(w, "b"), 1, &arena, &work, &err),
        FF_OK);
    assert_string_equal(work.input, "[4,[5,6]]");
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(world_attempt(w, "a"), 0);
    assert_int_equal(world_attempt(w, "c"), 1);
    arena_done(&arena);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_taken_over_is_not_done_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
