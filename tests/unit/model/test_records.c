/* The record tables against the row structs, and schema.sql against the tables. */
#include "model/access_rows.h"
#include "model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool is_text(const struct ff_column *column)
{
    return column->type == FF_TEXT || column->type == FF_JSON ||
           column->type == FF_BYTES;
}

static void columns_lie_in_the_struct_without_holes(void **state)
{
    (void)state;
    for (size_t r = 0; model_schema.records[r]; r++) {
        const struct ff_record *record = model_schema.records[r];
        size_t at = 0;

        for (uint16_t i = 0; i < record->n_columns; i++) {
            assert_non_null(record->columns[i].name);
            assert_int_equal(record->columns[i].offset, at);
            at += is_text(&record->columns[i]) ? sizeof(struct span) : sizeof(int64_t);
        }
        assert_int_equal(model_row_size(record), at);
    }
}

static void row_structs_have_no_field_without_a_column(void **state)
{
    (void)state;
    assert_int_equal(model_row_size(&record_run), sizeof(struct run_row));
    assert_int_equal(model_row_size(&record_open_run), sizeof(struct open_run_row));
    assert_int_equal(model_row_size(&record_workflow), sizeof(struct workflow_row));
    assert_int_equal(model_row_size(&record_task), sizeof(struct task_row));
    assert_int_equal(model_row_size(&record_event), sizeof(struct event_row));
    assert_int_equal(model_row_size(&record_log), sizeof(struct log_row));
    assert_int_equal(model_row_size(&record_inbox), sizeof(struct inbox_row));
    assert_int_equal(model_row_size(&record_shard), sizeof(struct shard_row));
    assert_int_equal(model_row_size(&record_counter), sizeof(struct counter_row));
    assert_int_equal(model_row_size(&record_child_run), sizeof(struct child_run_row));
    assert_int_equal(model_row_size(&record_workflow_outline),
                     sizeof(struct workflow_outline_row));
    assert_int_equal(model_row_size(&record_workflow_version),
                     sizeof(struct workflow_version_row));
    assert_int_equal(model_row_size(&record_workflow_label),
                     sizeof(struct workflow_label_row));
    assert_int_equal(model_row_size(&record_slot), sizeof(struct slot_row));
    assert_int_equal(model_row_size(&record_rate_token), sizeof(struct rate_token_row));
    assert_int_equal(model_row_size(&record_limit_size), sizeof(struct limit_size_row));
    assert_int_equal(model_row_size(&record_cache), sizeof(struct cache_row));
    assert_int_equal(model_row_size(&record_queue_pause),
                     sizeof(struct queue_pause_row));
    assert_int_equal(model_row_size(&record_signal), sizeof(struct signal_row));
    assert_int_equal(model_row_size(&record_event_wait), sizeof(struct event_wait_row));
    assert_int_equal(model_row_size(&record_schedule), sizeof(struct schedule_row));
    assert_int_equal(model_row_size(&record_schedule_run),
                     sizeof(struct schedule_run_row));
    assert_int_equal(model_row_size(&record_backfill), sizeof(struct backfill_row));
    assert_int_equal(model_row_size(&record_occurrence), sizeof(struct occurrence_row));
    assert_int_equal(model_row_size(&record_tenant), sizeof(struct tenant_row));
    assert_int_equal(model_row_size(&record_project), sizeof(struct project_row));
    assert_int_equal(model_row_size(&record_member), sizeof(struct member_row));
    assert_int_equal(model_row_size(&record_api_key), sizeof(struct api_key_row));
    assert_int_equal(model_row_size(&record_session), sizeof(struct session_row));
    assert_int_equal(model_row_size(&record_idempotency),
                     sizeof(struct idempotency_row));
    assert_int_equal(model_row_size(&record_audit), sizeof(struct audit_row));
    assert_int_equal(model_row_size(&record_audit_open), sizeof(struct audit_open_row));
    assert_int_equal(model_row_size(&record_audit_seal), sizeof(struct audit_seal_row));
}

static void version_follows_the_key_and_neither_is_nullable(void **state)
{
    (void)state;
    for (size_t r = 0; model_schema.records[r]; r++) {
        const struct ff_record *record = model_schema.records[r];

        assert_true(record->n_columns <= 64); /* one bit each in a patch */
        assert_string_equal(record->columns[record->n_key].name, "version");
        for (uint16_t i = 0; i <= record->n_key; i++)
            assert_int_equal(record->columns[i].flags & FF_COL_NULLABLE, 0);
    }
}

static void columns_added_later_are_nullable(void **state)
{
    (void)state;
    for (size_t r = 0; model_schema.records[r]; r++) {
        const struct ff_record *record = model_schema.records[r];

        for (uint16_t i = 0; i < record->n_columns; i++) {
            const struct ff_column *column = &record->columns[i];

            assert_true(column->since <= MODEL_SCHEMA_VERSION);
            if (column->since > record->since)
                assert_true(column->flags & FF_COL_NULLABLE);
        }
    }
}

static void final_states_are_the_last_ones_of_a_life(void **state)
{
    (void)state;
    assert_false(run_state_final(RUN_CANCELLING));
    assert_true(run_state_final(RUN_CANCELLED));
    assert_false(task_state_final(TASK_RETRYING));
    assert_true(task_state_final(TASK_SKIPPED));
    assert_string_equal(run_state_names[RUN_CANCELLED], "cancelled");
    assert_null(run_state_names[RUN_CANCELLED + 1]);
    assert_string_equal(task_state_names[TASK_CANCELLED], "cancelled");
    assert_null(task_state_names[N_TASK_STATES]);
}

/* FF_RENEW=1 writes the file instead of comparing it. */
static void schema_sql_is_what_the_tables_say(void **state)
{
    const char *source = getenv("FLOWFORGE_SOURCE");
    char *path = file_join(source ? source : ".", "core/model/schema.sql");
    struct buf sql = {0};
    struct buf file = {0};

    (void)state;
    buf_add_text(&sql, "-- The tables of FlowForge, as SQLite takes them. Made from\n"
                       "-- core/model/records.c; FF_RENEW=1 with the model's tests "
                       "renews it.\n\n");
    model_schema_sql(&sql);
    if (getenv("FF_RENEW"))
        assert_int_equal(file_write_durable(path, sql.data, sql.len, 0644), 0);
    assert_int_equal(file_read(path, 1 << 20, &file), 0);
    assert_string_equal(buf_text(&file), buf_text(&sql));
    buf_done(&sql);
    buf_done(&file);
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_lie_in_the_struct_without_holes),
        cmocka_unit_test(row_structs_have_no_field_without_a_column),
        cmocka_unit_test(version_follows_the_key_and_neither_is_nullable),
        cmocka_unit_test(columns_added_later_are_nullable),
        cmocka_unit_test(final_states_are_the_last_ones_of_a_life),
        cmocka_unit_test(schema_sql_is_what_the_tables_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
