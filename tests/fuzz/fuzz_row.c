/* fuzz_row.c - rows: a byte that chooses the record, then a value for each column. A
 * row makes values and back without loss, and its JSON can be read, whatever text it
 * holds. JSON columns hold JSON: whoever writes them made it. */
#include "fuzz.h"
#include "model/model.h"

#define COLUMNS_MAX 64

static const struct ff_record *const records[] = {
    &record_run,        &record_open_run, &record_workflow,   &record_task,
    &record_event,      &record_log,      &record_inbox,      &record_shard,
    &record_knock,      &record_counter,  &record_slot,       &record_rate_token,
    &record_limit_size, &record_signal,   &record_event_wait, &record_executor};

static char *json_piece(struct fuzz_input *in, size_t *len)
{
    struct ff_err err;
    char *text = fuzz_piece(in, 0xff, len);
    json_t *value = json_parse(text, *len, &err);

    if (!value) {
        mem_free(text);
        return NULL;
    }
    mem_free(text);
    text = json_text(value);
    *len = strlen(text);
    json_decref(value);
    return text;
}

/* Text of a store has no NUL. */
static char *text_piece(struct fuzz_input *in, size_t *len)
{
    char *text = fuzz_piece(in, 0xff, len);

    for (char *nul = memchr(text, '\0', *len); nul; nul = memchr(text, '\0', *len))
        *nul = '0';
    return text;
}

static char *fill(const struct ff_column *column, struct fuzz_input *in,
                  struct ff_value *value)
{
    char *text = NULL;
    const bool null = (fuzz_byte(in) & 7) == 7;

    *value = (struct ff_value){.type = null ? 0 : column->type};
    if (column->type == FF_JSON)
        text = json_piece(in, &value->len);
    else if (column->type == FF_TEXT || column->type == FF_BYTES)
        text = text_piece(in, &value->len);
    else
        value->i = fuzz_number(in);
    value->s = text;
    if (!null && column->type == FF_JSON && !text)
        value->type = 0;
    return text;
}

static void check_json(const struct ff_record *record, const void *row,
                       const struct ff_value *values)
{
    struct buf b = {0};
    struct jsonw w = {.out = &b};
    struct ff_err err;

    model_row_json(&w, record, row);
    json_t *object = json_parse(buf_text(&b), b.len, &err);

    FUZZ_CHECK(json_is_object(object));
    for (uint16_t i = 0; i < record->n_columns; i++) {
        const struct ff_column *column = &record->columns[i];
        const json_t *value = json_object_get(object, column->name);
        const bool number_null = values[i].i == MODEL_NULL && !values[i].s;

        FUZZ_CHECK((value != NULL) == (values[i].type != 0 && !number_null));
        if (value && column->type == FF_INT)
            FUZZ_CHECK(json_integer_value(value) == values[i].i);
    }
    json_decref(object);
    buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    const struct ff_record *record = records[fuzz_byte(&in) % COUNT_OF(records)];
    struct ff_value values[COLUMNS_MAX], again[COLUMNS_MAX];
    char *texts[COLUMNS_MAX] = {0};

    FUZZ_CHECK(record->n_columns <= COLUMNS_MAX);
    for (uint16_t i = 0; i < record->n_columns; i++)
        texts[i] = fill(&record->columns[i], &in, &values[i]);
    MEM_AUTO void *row = mem_alloc(model_row_size(record));

    model_from_values(record, values, row);
    model_to_values(record, row, again);
    for (uint16_t i = 0; i < record->n_columns; i++) {
        if (!values[i].type || (!values[i].s && values[i].i == MODEL_NULL))
            FUZZ_CHECK(!again[i].type);
        else
            FUZZ_CHECK(again[i].type == values[i].type &&
                       again[i].len == values[i].len);
    }
    check_json(record, row, values);
    for (uint16_t i = 0; i < record->n_columns; i++)
        mem_free(texts[i]);
    return 0;
}
