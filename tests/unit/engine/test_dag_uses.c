/* Tasks that are other workflows: which text, which inputs, which outputs. */
#include "support.h"

#include <string.h>

#define TOP "flowforge: 1\nname: w\n"

static struct run *run_of(const char *yaml, struct run_row *row)
{
    struct ff_err err = {0};
    struct plan *plan =
        plan_new(&engine_dag, yaml, strlen(yaml), (struct span){0}, &err);
    if (!plan)
        fail_msg("%s", err.msg);
    row->tenant = 1;
    row->run = 7;
    row->version = 1;
    row->kind = span_of("dag");
    row->started_at = MODEL_NULL;
    row->finished_at = MODEL_NULL;
    struct run *r = engine_run_new(plan, row, 0, &err);
    assert_non_null(r);
    plan_unref(plan);
    return r;
}

/* The pins of a file with this text, for one word. */
static char *pins_of(const char *yaml, const char *uses)
{
    char hash[SHA256_TEXT];
    struct buf b = {0};

    sha256_text(yaml, strlen(yaml), hash);
    buf_printf(&b,
               "{\"%s %s\":{\"workflow\":\"etl\",\"hash\":\"abc\",\"dir\":\"/there\"}}",
               hash, uses);
    return buf_take(&b);
}

static bool is(struct span s, const char *text)
{
    return s.s && s.len == strlen(text) && memcmp(s.s, text, s.len) == 0;
}

static void the_pinned_text_begins_with_its_inputs(void **state)
{
    static const char *const yaml = TOP
        "tasks: {a: {foreach: [x], uses: workflow:etl, with: {c: \"${{ item }}\", n: "
        "2}}}\n";
    MEM_AUTO char *pins = pins_of(yaml, "workflow:etl");
    struct run_row row = {.pins = span_of(pins), .dir = span_of("/here")};
    struct run *r = run_of(yaml, &row);
    struct step s = {.now_us = 1};

    (void)state;
    engine_step(r, &(struct input){.type = INPUT_BEGIN}, &s);
    assert_int_equal(s.children.n, 1);
    const struct run_row *child = &s.children.items[0];
    assert_true(is(child->workflow, "etl"));
    assert_true(is(child->hash, "abc"));
    assert_true(is(child->dir, "/there"));
    assert_true(is(child->inputs, "{\"c\":\"x\",\"n\":2}"));
    assert_true(is(child->pins, pins));
    assert_null(child->entry.s);
    assert_null(child->scope.s);
    step_done(&s);
    engine_run_free(r);
}

static void what_was_not_decided_or_cannot_be_computed_fails(void **state)
{
    static const char *const yaml =
        TOP "inputs: {d: {default: x}}\n"
            "tasks: {a: {uses: workflow:etl, with: {n: \"${{ int(inputs.d) }}\"}}}\n";
    MEM_AUTO char *pins = pins_of(yaml, "workflow:etl");
    struct run_row row = {.inputs = span_of("{\"d\":\"x\"}")};
    struct run *r = run_of(yaml, &row);
    struct step s = {.now_us = 1};

    (void)state;
    engine_step(r, &(struct input){.type = INPUT_BEGIN}, &s);
    assert_int_equal(s.children.n, 0);
    assert_non_null(strstr(buf_text(&s.events), "\"reason\":\"unresolved\""));
    step_done(&s);
    engine_run_free(r);

    row.pins = span_of(pins);
    r = run_of(yaml, &row);
    s = (struct step){.now_us = 1};
    engine_step(r, &(struct input){.type = INPUT_BEGIN}, &s);
    assert_int_equal(s.children.n, 0);
    assert_non_null(strstr(buf_text(&s.events), "\"reason\":\"expression\""));
    assert_non_null(strstr(buf_text(&s.events), "with.n: "));
    step_done(&s);
    engine_run_free(r);
}

static void a_used_workflow_completes_its_inputs_and_refuses_wrong_ones(void **state)
{
    static const char *const yaml =
        TOP "inputs: {n: integer, w: {default: hi}}\ntasks: {a: {noop: true}}\n"
            "outputs: {o: \"${{ inputs.n }} ${{ inputs.w }}\"}\n";
    struct run_row row = {.parent_run = 3, .depth = 1, .inputs = span_of("{\"n\":1}")};
    struct run *r = run_of(yaml, &row);
    struct step s = {.now_us = 1};

    (void)state;
    assert_string_equal(json_string_value(json_object_get(r->inputs, "w")), "hi");
    engine_step(r, &(struct input){.type = INPUT_BEGIN}, &s);
    assert_int_equal(r->row.state, RUN_SUCCEEDED);
    step_done(&s);
    engine_run_free(r);

    row.inputs = span_of("{\"n\":\"one\"}");
    r = run_of(yaml, &row);
    s = (struct step){.now_us = 1};
    engine_step(r, &(struct input){.type = INPUT_BEGIN}, &s);
    assert_int_equal(r->row.state, RUN_FAILED);
    assert_string_equal(r->row.reason.s, "inputs");
    step_done(&s);
    engine_run_free(r);
}

static void outputs_of_items_are_those_that_any_of_them_has(void **state)
{
    static const char *const yaml = TOP
        "tasks: {a: {foreach: [x, y, z], fail_fast: false, continue_on_error: true, "
        "uses: workflow:etl}}\noutputs: {o: \"${{ tasks.a.outputs.o }}\"}\n";
    MEM_AUTO char *pins = pins_of(yaml, "workflow:etl");
    struct run_row row = {.pins = span_of(pins)};
    struct run *r = run_of(yaml, &row);
    struct step s = {.now_us = 1};
    json_t *outputs = json_pack("{s:i, s:i}", "o", 5, "p", 6);
    const struct result results[] = {
        {.outcome = OUTCOME_FAILED, .exit_code = MODEL_NULL},
        {.outcome = OUTCOME_SUCCEEDED, .exit_code = MODEL_NULL, .outputs = outputs},
        {.outcome = OUTCOME_SUCCEEDED, .exit_code = MODEL_NULL, .outputs = outputs}};

    (void)state;
    engine_step(r, &(struct input){.type = INPUT_BEGIN}, &s);
    for (int64_t i = 0; i < 3; i++)
        engine_step(r,
                    &(struct input){.type = INPUT_RESULT,
                                    .node = NODE_OF(0, i),
                                    .attempt = 1,
                                    .result = &results[i]},
                    &s);
    assert_int_equal(r->row.state, RUN_SUCCEEDED);
    bool told = false;
    for (size_t i = 0; i < s.batch.n; i++) {
        const struct ff_change *c = &s.batch.items[i];
        const struct ff_value *v = &c->values[COL_RUN_OUTPUTS];
        if (c->record == &record_run && (c->set & COLUMN_BIT(COL_RUN_OUTPUTS)))
            told = told || (v->len == strlen("{\"o\":[null,5,5]}") &&
                            memcmp(v->s, "{\"o\":[null,5,5]}", v->len) == 0);
    }
    assert_true(told);
    json_decref(outputs);
    step_done(&s);
    engine_run_free(r);
}

/* Which there would be only an item could tell. */
static void where_no_item_has_outputs_they_are_null(void **state)
{
    static const char *const yaml =
        TOP "tasks: {a: {foreach: [x], continue_on_error: true, uses: workflow:etl},"
            " b: {needs: [a], if: tasks.a.outputs.o == null, noop: true}}\n";
    MEM_AUTO char *pins = pins_of(yaml, "workflow:etl");
    struct run_row row = {.pins = span_of(pins)};
    struct run *r = run_of(yaml, &row);
    struct step s = {.now_us = 1};
    const struct result failed = {.outcome = OUTCOME_FAILED, .exit_code = MODEL_NULL};

    (void)state;
    engine_step(r, &(struct input){.type = INPUT_BEGIN}, &s);
    engine_step(r,
                &(struct input){.type = INPUT_RESULT,
                                .node = NODE_OF(0, 0),
                                .attempt = 1,
                                .result = &failed},
                &s);
    assert_int_equal(r->row.state, RUN_SUCCEEDED);
    assert_non_null(strstr(buf_text(&s.events), "\"task\":\"b\",\"attempt\":1,"
                                                "\"state\":\"succeeded\""));
    step_done(&s);
    engine_run_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pinned_text_begins_with_its_inputs),
        cmocka_unit_test(what_was_not_decided_or_cannot_be_computed_fails),
        cmocka_unit_test(a_used_workflow_completes_its_inputs_and_refuses_wrong_ones),
        cmocka_unit_test(outputs_of_items_are_those_that_any_of_them_has),
        cmocka_unit_test(where_no_item_has_outputs_they_are_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
