/* Units that are runs of their own: what the step says of them, before and after a
 * restart. The shell's part is in tests/integration/test_groups.py. */
#include "support.h"

#include <string.h>

#define TOP "flowforge: 1\nname: w\ninputs: {day: {default: mon}}\ntasks:\n"

/* One step by hand: what began with it is looked at before it is thrown away. */
static struct run_row *step_of(struct world *w, struct input in, struct step *s)
{
    *s = (struct step){.now_us = w->now};
    engine_step(w->run, &in, s);
    return s->children.items;
}

static struct world *in_memory(const char *yaml, struct run_row *row)
{
    struct world *w = mem_alloc(sizeof(*w));
    struct ff_err err = {0};

    w->plan = plan_new(&engine_dag, yaml, strlen(yaml), (struct span){0}, &err);
    if (!w->plan)
        fail_msg("%s", err.msg);
    w->now = UNITS_SECOND;
    w->run = engine_run_new(w->plan, row, 0, &err);
    assert_non_null(w->run);
    return w;
}

static struct run_row a_row(void)
{
    return (struct run_row){.tenant = 1,
                            .run = 7,
                            .version = 1,
                            .id = span_of("0193a000-0000-7000-8000-000000000007"),
                            .project = 1,
                            .workflow = span_of("w"),
                            .hash = span_of("hash"),
                            .kind = span_of("dag"),
                            .state = RUN_PENDING,
                            .inputs = span_of("{\"day\":\"tue\"}"),
                            .dir = span_of("/somewhere"),
                            .labels = span_of("{\"team\":\"x\"}"),
                            .created_at = 1,
                            .started_at = MODEL_NULL,
                            .finished_at = MODEL_NULL,
                            .parent_run = MODEL_NULL};
}

static bool is(struct span s, const char *text)
{
    return s.s && s.len == strlen(text) && memcmp(s.s, text, s.len) == 0;
}

static const struct effect *find_effect(const struct step *s, enum effect_type type)
{
    for (size_t i = 0; i < s->effects.n; i++)
        if (s->effects.items[i].type == type)
            return &s->effects.items[i];
    return NULL;
}

static void a_group_begins_as_a_run_in_the_same_step(void **state)
{
    struct run_row row = a_row();
    struct world *w = in_memory(TOP "  g: {tasks: {a: {noop: true}}}\n", &row);
    struct step s;
    const struct run_row *child = step_of(w, (struct input){.type = INPUT_BEGIN}, &s);

    (void)state;
    assert_int_equal(s.children.n, 1);
    assert_int_equal(child->parent_run, 7);
    assert_int_equal(child->parent_node, NODE_OF(0, -1));
    assert_int_equal(child->parent_attempt, 1);
    assert_int_equal(child->depth, 1);
    assert_int_equal(child->state, RUN_PENDING);
    assert_true(is(child->entry, "g"));
    assert_true(is(child->hash, "hash"));
    assert_true(is(child->dir, "/somewhere"));
    assert_true(is(child->labels, "{\"team\":\"x\"}"));
    assert_true(is(child->inputs, "{\"day\":\"tue\"}"));
    assert_true(is(child->scope, "{\"tasks\":{}}"));
    assert_null(find_effect(&s, EFFECT_OFFER));
    assert_non_null(strstr(buf_text(&s.events), "\"task.started\",\"task\":\"g\""));
    step_done(&s);
    world_free(w);
}

static void runs_are_not_inside_each_other_for_ever(void **state)
{
    struct run_row row = a_row();
    struct step s;

    (void)state;
    row.parent_run = 6;
    row.depth = ENGINE_MAX_DEPTH - 1;
    struct world *w = in_memory(TOP "  g: {tasks: {a: {noop: true}}}\n", &row);
    const struct run_row *child = step_of(w, (struct input){.type = INPUT_BEGIN}, &s);
    assert_int_equal(child->depth, ENGINE_MAX_DEPTH);
    step_done(&s);
    world_free(w);

    row.depth = ENGINE_MAX_DEPTH;
    w = in_memory(TOP "  g: {tasks: {a: {noop: true}}}\n", &row);
    step_of(w, (struct input){.type = INPUT_BEGIN}, &s);
    assert_int_equal(s.children.n, 0);
    assert_non_null(strstr(buf_text(&s.events), "\"reason\":\"depth\""));
    step_done(&s);
    world_free(w);
}

#define NESTED                                                                         \
    TOP "  a: {run: x, outputs: {o: file}}\n"                                          \
        "  g:\n"                                                                       \
        "    needs: a\n"                                                               \
        "    foreach: [p, q]\n"                                                        \
        "    tasks: {b: {run: x, env: {O: \"${{ tasks.a.outputs.o }}\"}},\n"           \
        "            m: {foreach: [r], tasks: {n: {run: x, env: {O: \"${{ "            \
        "tasks.a.status }}${{ item }}${{ parent.item }}\"}}}}}\n"                      \
        "    outputs: {s: \"${{ tasks.b.status }}\"}\n"

static void what_a_group_uses_from_outside_is_handed_to_it(void **state)
{
    struct world *w = world_new(NESTED, NULL);
    const struct result ok = {.outcome = OUTCOME_SUCCEEDED,
                              .exit_code = 0,
                              .outputs = json_pack("{s:s}", "o", "v")};
    struct step s;

    (void)state;
    world_grant(w);
    const struct run_row *children = step_of(
        w,
        (struct input){
            .type = INPUT_RESULT, .node = NODE_OF(0, -1), .attempt = 1, .result = &ok},
        &s);
    assert_int_equal(s.children.n, 2);
    assert_int_equal(children[1].parent_node, NODE_OF(1, 1));
    assert_true(is(children[1].scope,
                   "{\"item\":\"q\",\"index\":1,\"parent\":{},\"tasks\":{\"a\":{"
                   "\"status\":\"succeeded\",\"outputs\":{\"o\":\"v\"},\"attempts\":1,"
                   "\"exit_code\":0,\"message\":null}}}"));
    step_done(&s);
    json_decref(ok.outputs);
    world_free(w);
}

/* The run that a group is, one level down: what it was handed it hands on. */
static void what_was_handed_in_is_seen_and_handed_on(void **state)
{
    struct run_row row = a_row();
    struct ff_err err = {0};
    struct step s = {.now_us = UNITS_SECOND};

    (void)state;
    row.parent_run = 6;
    row.depth = 1;
    row.scope = span_of("{\"item\":\"q\",\"index\":1,\"parent\":{\"item\":9},"
                        "\"tasks\":{\"a\":{\"status\":\"succeeded\"}}}");
    struct plan *plan =
        plan_new(&engine_dag, NESTED, strlen(NESTED), span_of("g"), &err);
    assert_non_null(plan);
    struct run *r = engine_run_new(plan, &row, 0, &err);
    engine_step(r, &(struct input){.type = INPUT_BEGIN}, &s);
    assert_int_equal(s.children.n, 1);
    assert_true(is(s.children.items[0].entry, "g.m"));
    assert_int_equal(s.children.items[0].depth, 2);
    assert_true(
        is(s.children.items[0].scope,
           "{\"item\":\"r\",\"index\":0,\"parent\":{\"item\":\"q\",\"index\":1},"
           "\"tasks\":{\"a\":{\"status\":\"succeeded\"}}}"));
    step_done(&s);
    engine_run_free(r);
    plan_unref(plan);
}

static void items_from_outside_have_a_value_in_a_task_without_its_own(void **state)
{
    static const char *const yaml =
        TOP "  g:\n"
            "    foreach: [1]\n"
            "    tasks:\n"
            "      h:\n"
            "        foreach: [2]\n"
            "        tasks: {t: {run: x, env: {O: \"${{ item }} ${{ index }} ${{ "
            "parent.item }} ${{ parent.index }}\"}}}\n";
    struct run_row row = a_row();
    struct ff_err err = {0};
    struct arena arena = {0};
    struct work work;
    struct step s = {.now_us = UNITS_SECOND};

    (void)state;
    row.scope = span_of("{\"item\":2,\"index\":5,\"parent\":{\"item\":1,\"index\":0},"
                        "\"tasks\":{}}");
    struct plan *plan = plan_new(&engine_dag, yaml, strlen(yaml), span_of("g.h"), &err);
    struct run *r = engine_run_new(plan, &row, 0, &err);
    engine_step(r, &(struct input){.type = INPUT_BEGIN}, &s);
    engine_step(r, &(struct input){.type = INPUT_GRANT, .node = NODE_OF(0, -1)}, &s);
    assert_int_equal(r->kind->describe(r, NODE_OF(0, -1), 1, &arena, &work, &err),
                     FF_OK);
    assert_string_equal(work.env[0], "O=2 5 1 0");
    arena_done(&arena);
    step_done(&s);
    engine_run_free(r);
    plan_unref(plan);
}

static void plans_of_groups_that_are_not_there_are_refused(void **state)
{
    struct ff_err err = {0};
    struct run_row row = a_row();

    (void)state;
    assert_null(plan_new(&engine_dag, NESTED, strlen(NESTED), span_of("g.z"), &err));
    assert_int_equal(err.code, FF_CORRUPT);
    struct plan *plan =
        plan_new(&engine_dag, NESTED, strlen(NESTED), span_of("g"), &err);
    row.scope = span_of("{");
    assert_null(engine_run_new(plan, &row, 0, &err));
    row.inputs = (struct span){0};
    assert_null(engine_run_new(plan, &row, 0, &err));
    plan_unref(plan);
}

#define PLAIN TOP "  g: {retry: {max_attempts: 2}, tasks: {a: {noop: true}}}\n"

static void the_end_of_the_run_is_the_result_of_the_unit(void **state)
{
    struct world *w = world_new(PLAIN "  b: {needs: g, run: x}\n", NULL);

    (void)state;
    assert_string_equal(world_state(w, "g"), "running");
    world_result(w, "g", OUTCOME_SUCCEEDED, 0, "{\"x\": 1}");
    assert_string_equal(world_state(w, "g"), "succeeded");
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_failed_run_is_tried_again_as_another_one(void **state)
{
    struct world *w = world_new(PLAIN, NULL);
    struct step s;
    const struct result failed = {.outcome = OUTCOME_FAILED,
                                  .exit_code = MODEL_NULL,
                                  .reason = "task_failed",
                                  .message = "task a failed"};

    (void)state;
    const struct run_row *child = step_of(w,
                                          (struct input){.type = INPUT_RESULT,
                                                         .node = NODE_OF(0, -1),
                                                         .attempt = 1,
                                                         .result = &failed},
                                          &s);
    if (s.children.n == 0) { /* the retry has a delay */
        step_done(&s);
        w->now += 3600 * UNITS_SECOND;
        child = step_of(w,
                        (struct input){.type = INPUT_TIMER,
                                       .node = NODE_OF(0, -1),
                                       .timer = TIMER_RETRY},
                        &s);
    }
    assert_int_equal(s.children.n, 1);
    assert_int_equal(child->parent_attempt, 2);
    step_done(&s);
    world_free(w);
}

static void a_restart_asks_how_the_run_stands(void **state)
{
    struct world *w = world_new(PLAIN, NULL);
    struct step s;

    (void)state;
    world_restart(w);
    step_of(w, (struct input){.type = INPUT_RESUME}, &s);
    const struct effect *look = find_effect(&s, EFFECT_CHILD);
    assert_non_null(look);
    assert_int_equal(look->attempt, 1);
    assert_int_equal(look->cancel, CANCEL_NONE);
    assert_int_equal(s.children.n, 0);
    step_done(&s);
    world_result(w, "g", OUTCOME_SUCCEEDED, 0, NULL);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_cancel_goes_on_to_the_run_inside(void **state)
{
    struct world *w = world_new(PLAIN, NULL);
    struct step s;

    (void)state;
    step_of(w, (struct input){.type = INPUT_CANCEL, .cancel = CANCEL_KILL}, &s);
    const struct effect *stop = find_effect(&s, EFFECT_CHILD);
    assert_non_null(stop);
    assert_int_equal(stop->cancel, CANCEL_KILL);
    step_done(&s);
    world_free(w);

    w = world_new(PLAIN, NULL);
    world_cancel(w, CANCEL_GRACEFUL);
    world_result(w, "g", OUTCOME_FAILED, -1, NULL);
    assert_string_equal(world_state(w, "g"), "cancelled");
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_begins_as_a_run_in_the_same_step),
        cmocka_unit_test(runs_are_not_inside_each_other_for_ever),
        cmocka_unit_test(what_a_group_uses_from_outside_is_handed_to_it),
        cmocka_unit_test(what_was_handed_in_is_seen_and_handed_on),
        cmocka_unit_test(items_from_outside_have_a_value_in_a_task_without_its_own),
        cmocka_unit_test(plans_of_groups_that_are_not_there_are_refused),
        cmocka_unit_test(the_end_of_the_run_is_the_result_of_the_unit),
        cmocka_unit_test(a_failed_run_is_tried_again_as_another_one),
        cmocka_unit_test(a_restart_asks_how_the_run_stands),
        cmocka_unit_test(a_cancel_goes_on_to_the_run_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
