/* model/row_wire.c - rows on their way between two processes of FlowForge, without any
 * loss: unlike in row_json.c a time is a number and JSON the text that is stored. Enums
 * go by name, since two versions may number them differently. */
#include "model/model.h"

#include "model/row_priv.h"

#include <string.h>

void model_wire_value(struct jsonw *w, const struct ff_column *column,
                      const struct ff_value *value)
{
    if (!value->type)
        jsonw_null(w);
    else if (model_is_text(column))
        jsonw_text_len(w, value->s, value->len);
    else if (column->type == FF_ENUM)
        jsonw_text(w, column->names[value->i]);
    else
        jsonw_int(w, value->i);
}

static bool read_name(const struct ff_column *column, const char *name, int64_t *number)
{
    for (int64_t i = 0; column->names[i]; i++) {
        if (strcmp(column->names[i], name) == 0) {
            *number = i;
            return true;
        }
    }
    return false;
}

bool model_wire_read(const struct ff_column *column, const json_t *json,
                     struct ff_value *value)
{
    *value = (struct ff_value){0};
    if (!json || json_is_null(json))
        return true;
    value->type = column->type;
    if (model_is_text(column)) {
        value->s = json_string_value(json);
        value->len = json_string_length(json);
        return json_is_string(json);
    }
    if (column->type == FF_ENUM)
        return json_is_string(json) &&
               read_name(column, json_string_value(json), &value->i);
    value->i = json_integer_value(json);
    return json_is_integer(json);
}

void model_wire_row(struct jsonw *w, const struct ff_record *record, const void *row,
                    uint64_t hidden)
{
    jsonw_open(w, '{');
    for (uint16_t i = 0; i < record->n_columns; i++) {
        const struct ff_column *column = &record->columns[i];
        const struct ff_value value = model_value(column, row);

        if (!value.type || (hidden & COLUMN_BIT(i)))
            continue;
        jsonw_key(w, column->name);
        model_wire_value(w, column, &value);
    }
    jsonw_close(w, '}');
}

bool model_wire_read_row(const struct ff_record *record, const json_t *object,
                         uint64_t hidden, struct ff_value *values)
{
    bool good = json_is_object(object);

    for (uint16_t i = 0; good && i < record->n_columns; i++) {
        const struct ff_column *column = &record->columns[i];
        const bool may_lack =
            (column->flags & FF_COL_NULLABLE) || (hidden & COLUMN_BIT(i));

        good = model_wire_read(column, json_object_get(object, column->name),
                               &values[i]) &&
               (values[i].type || may_lack);
    }
    return good;
}
