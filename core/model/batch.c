/* model/batch.c - changes that become durable together, with all their text in one
 * arena. It is on the path of every task: one allocation from the arena for the values
 * of a change and one for each text. */
#include "model/model.h"

#include "model/row_priv.h"

#include <string.h>

/* What a change costs beside its text, about: its record header and key in the
 * database, its page's share in the log. */
#define CHANGE_BYTES 24
#define NUMBER_BYTES 8

static void add_value(struct batch *b, const struct ff_column *column, const void *row,
                      struct ff_value *value)
{
    const char *field = (const char *)row + column->offset;

    if (!model_is_text(column)) {
        memcpy(&value->i, field, sizeof(value->i));
        value->type = value->i == MODEL_NULL ? 0 : column->type;
        b->bytes += NUMBER_BYTES;
        return;
    }
    struct span span;

    memcpy(&span, field, sizeof(span));
    if (!span.s)
        return;
    value->type = column->type;
    value->s = arena_text(&b->arena, span.s, span.len);
    value->len = span.len;
    b->bytes += span.len;
}

/* Columns outside of `columns` are null: no driver reads them. */
static void add_change(struct batch *b, struct ff_change change, const void *row,
                       uint64_t columns)
{
    const struct ff_record *record = change.record;
    const size_t size = record->n_columns * sizeof(struct ff_value);
    struct ff_value *values = arena_alloc(&b->arena, size);

    memset(values, 0, size);
    if (record->n_columns < 64)
        columns &= (UINT64_C(1) << record->n_columns) - 1;
    for (; columns; columns &= columns - 1) {
        const int i = __builtin_ctzll(columns);

        add_value(b, &record->columns[i], row, &values[i]);
    }
    change.values = values;
    b->bytes += CHANGE_BYTES;
    ARRAY_ADD(b, change);
}

static uint64_t key_columns(const struct ff_record *record)
{
    return COLUMN_BIT(record->n_key) - 1;
}

void batch_put(struct batch *b, const struct ff_record *record, const void *row,
               int64_t expect)
{
    const struct ff_change change = {
        .kind = FF_PUT, .record = record, .expect = expect};

    add_change(b, change, row, ~UINT64_C(0));
}

void batch_patch(struct batch *b, const struct ff_record *record, const void *row,
                 uint64_t set, int64_t expect)
{
    const struct ff_change change = {
        .kind = FF_PATCH, .record = record, .expect = expect, .set = set};

    add_change(b, change, row, set | key_columns(record));
}

void batch_delete(struct batch *b, const struct ff_record *record, const void *row,
                  int64_t expect)
{
    const struct ff_change change = {
        .kind = FF_DELETE, .record = record, .expect = expect};

    add_change(b, change, row, key_columns(record));
}

void batch_check(struct batch *b, const struct ff_record *record, const void *row,
                 int64_t expect)
{
    const struct ff_change change = {
        .kind = FF_CHECK, .record = record, .expect = expect};

    add_change(b, change, row, key_columns(record));
}

void batch_set_text(struct batch *b, size_t i, uint32_t column, struct span text)
{
    /* They are the batch's own: const is for drivers. */
    struct ff_value *value = (struct ff_value *)(uintptr_t)&b->items[i].values[column];

    b->bytes -= value->len;
    b->bytes += text.len;
    value->s = arena_text(&b->arena, text.s, text.len);
    value->len = text.len;
}

void batch_reset(struct batch *b)
{
    arena_reset(&b->arena);
    b->n = 0;
    b->bytes = 0;
}

void batch_done(struct batch *b)
{
    arena_done(&b->arena);
    ARRAY_DONE(b);
    b->bytes = 0;
}
