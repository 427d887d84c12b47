/* model/row.c - row structs to values and back, by the offsets in the column tables. */
#include "model/model.h"

#include "model/row_priv.h"

#include <string.h>

struct span span_of(const char *text)
{
    return (struct span){.s = text, .len = text ? strlen(text) : 0};
}

bool span_is(struct span s, const char *text)
{
    return s.s && text_is(s.s, s.len, text);
}

bool span_eq(struct span a, struct span b)
{
    return a.len == b.len && (!a.s == !b.s) && (!a.s || memcmp(a.s, b.s, a.len) == 0);
}

struct ff_value model_value(const struct ff_column *column, const void *row)
{
    const char *field = (const char *)row + column->offset;
    struct ff_value value = {.type = column->type};

    if (model_is_text(column)) {
        struct span span;

        memcpy(&span, field, sizeof(span));
        value.s = span.s;
        value.len = span.len;
        if (!span.s)
            value.type = 0;
    } else {
        memcpy(&value.i, field, sizeof(value.i));
        if (value.i == MODEL_NULL)
            value.type = 0;
    }
    return value;
}

void model_to_values(const struct ff_record *record, const void *row,
                     struct ff_value *values)
{
    for (uint16_t i = 0; i < record->n_columns; i++)
        values[i] = model_value(&record->columns[i], row);
}

void model_from_values(const struct ff_record *record, const struct ff_value *values,
                       void *row)
{
    for (uint16_t i = 0; i < record->n_columns; i++) {
        const struct ff_column *column = &record->columns[i];
        const struct ff_value *value = &values[i];
        char *field = (char *)row + column->offset;

        if (model_is_text(column)) {
            const struct span span = {.s = value->type ? value->s : NULL,
                                      .len = value->type ? value->len : 0};
            memcpy(field, &span, sizeof(span));
        } else {
            const int64_t i64 = value->type ? value->i : MODEL_NULL;

            memcpy(field, &i64, sizeof(i64));
        }
    }
}

size_t model_row_size(const struct ff_record *record)
{
    const struct ff_column *last = &record->columns[record->n_columns - 1];

    return last->offset + (model_is_text(last) ? sizeof(struct span) : sizeof(int64_t));
}
