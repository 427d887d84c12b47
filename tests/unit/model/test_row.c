/* Row structs to values, back, and to JSON. */
#include "model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct task_row a_task(void)
{
    return (struct task_row){
        .tenant = 1,
        .run = 7,
        .node = NODE_OF(2, 4),
        .version = 3,
        .task = span_of("build"),
        .item = 4,
        .state = TASK_RUNNING,
        .attempt = 1,
        .exit_code = MODEL_NULL,
        .outputs = span_of("{\"a\":[1,2]}"),
        .items = MODEL_NULL,
        .due_at = MODEL_NULL,
        .queued_at = 1750000000123456,
        .started_at = MODEL_NULL,
        .deadline_at = MODEL_NULL,
        .attempt_base = MODEL_NULL,
        .iteration = MODEL_NULL,
        .finished_at = MODEL_NULL,
    };
}

static void node_numbers_come_apart_again(void **state)
{
    (void)state;
    assert_int_equal(NODE_TASK(NODE_OF(2, 4)), 2);
    assert_int_equal(NODE_ITEM(NODE_OF(2, 4)), 4);
    assert_int_equal(NODE_ITEM(NODE_OF(2, -1)), -1);
}

static void values_and_back_give_the_same_row(void **state)
{
    struct ff_value values[N_TASK_COLUMNS];
    struct task_row row = a_task();
    struct task_row back;

    (void)state;
    model_to_values(&record_task, &row, values);
    assert_int_equal(values[COL_TASK_STATE].type, FF_ENUM);
    assert_int_equal(values[COL_TASK_EXIT_CODE].type, 0);
    assert_int_equal(values[COL_TASK_REASON].type, 0);
    model_from_values(&record_task, values, &back);
    assert_memory_equal(&row, &back, sizeof(row));
}

static void empty_text_is_not_null(void **state)
{
    struct ff_value values[N_TASK_COLUMNS];
    struct task_row row = a_task();

    (void)state;
    row.reason = span_of("");
    model_to_values(&record_task, &row, values);
    assert_int_equal(values[COL_TASK_REASON].type, FF_TEXT);
    assert_int_equal(values[COL_TASK_REASON].len, 0);
}

static void json_has_names_times_and_no_nulls(void **state)
{
    const struct task_row row = a_task();
    struct buf out = {0};
    struct jsonw w = {.out = &out};

    (void)state;
    model_row_json(&w, &record_task, &row);
    assert_string_equal(buf_text(&out),
                        "{\"tenant\":1,\"run\":7,\"node\":8589934597,\"version\":3,"
                        "\"task\":\"build\",\"item\":4,\"state\":\"running\","
                        "\"attempt\":1,\"lost\":0,\"outputs\":{\"a\":[1,2]},"
                        "\"queued_at\":\"2025-06-15T15:06:40.123456Z\"}");
    buf_done(&out);
}

/* What stands there is exactly what was stored: spaces, numbers, microseconds. */
static void a_row_goes_from_one_process_to_another_without_loss(void **state)
{
    const uint64_t hidden = COLUMN_BIT(COL_TASK_TENANT);
    const char *outputs = "{\"a\": 1.50, \"b\":1e3}";
    const struct task_row row = {.tenant = 1,
                                 .run = 7,
                                 .node = NODE_OF(2, 4),
                                 .version = INT64_MAX,
                                 .task = span_of("b\303\244\""),
                                 .item = MODEL_NULL,
                                 .state = TASK_SUSPENDED,
                                 .outputs = span_of(outputs),
                                 .queued_at = INT64_C(1750000000123457)};
    struct ff_value values[64];
    struct task_row back;
    struct buf out = {0};
    struct jsonw w = {.out = &out};
    struct ff_err err;

    (void)state;
    model_wire_row(&w, &record_task, &row, hidden);

    json_t *json = json_parse(buf_text(&out), out.len, &err);

    assert_true(model_wire_read_row(&record_task, json, hidden, values));
    model_from_values(&record_task, values, &back);
    assert_int_equal(back.tenant, MODEL_NULL);
    assert_int_equal(back.version, INT64_MAX);
    assert_int_equal(back.item, MODEL_NULL);
    assert_int_equal(back.state, TASK_SUSPENDED);
    assert_int_equal(back.queued_at, row.queued_at);
    assert_true(span_eq(back.task, row.task));
    assert_true(span_is(back.outputs, outputs));
    assert_null(back.reason.s);
    json_object_set_new(json, "state", json_string("of-a-newer-program"));
    assert_false(model_wire_read_row(&record_task, json, hidden, values));
    json_object_set_new(json, "state", json_string("failed"));
    json_object_set_new(json, "newer", json_true());
    assert_true(model_wire_read_row(&record_task, json, hidden, values));
    assert_false(model_wire_read_row(&record_task, json, 0, values));
    json_object_del(json, "state");
    assert_false(model_wire_read_row(&record_task, json, hidden, values));
    json_object_set_new(json, "state", json_string("failed"));
    json_object_set_new(json, "attempt", json_string("1"));
    assert_false(model_wire_read_row(&record_task, json, hidden, values));
    json_decref(json);
    buf_done(&out);
}

static void text_of_rows_is_compared_with_words_and_with_other_rows(void **state)
{
    const struct span null = {0};
    const struct span cut = {.s = "builds", .len = 5};

    (void)state;
    assert_true(span_is(cut, "build"));
    assert_false(span_is(cut, "builds"));
    assert_true(span_is(span_of(""), ""));
    assert_false(span_is(null, ""));
    assert_true(span_eq(cut, span_of("build")));
    assert_false(span_eq(cut, span_of("guild")));
    assert_false(span_eq(cut, span_of("buil")));
    assert_true(span_eq(null, null));
    assert_false(span_eq(null, span_of("")));
    assert_false(span_eq(span_of(""), null));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(node_numbers_come_apart_again),
        cmocka_unit_test(values_and_back_give_the_same_row),
        cmocka_unit_test(empty_text_is_not_null),
        cmocka_unit_test(json_has_names_times_and_no_nulls),
        cmocka_unit_test(a_row_goes_from_one_process_to_another_without_loss),
        cmocka_unit_test(text_of_rows_is_compared_with_words_and_with_other_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
