/* model/row_json.c - rows as JSON objects, for the API and the command line. */
#include "model/model.h"

#include "model/row_priv.h"

static void write_bytes(struct jsonw *w, const struct ff_value *value)
{
    static const char digits[] = "0123456789abcdef";
    struct buf hex = {0};

    for (size_t i = 0; i < value->len; i++) {
        const unsigned char byte = (unsigned char)value->s[i];

        buf_add_char(&hex, digits[byte >> 4]);
        buf_add_char(&hex, digits[byte & 15]);
    }
    jsonw_text(w, buf_text(&hex));
    buf_done(&hex);
}

static void write_time(struct jsonw *w, int64_t us)
{
    char text[UNITS_TEXT];

    units_time_text(us, text);
    jsonw_text(w, text);
}

/* A number without a name can only come from a newer program: the number itself is
 * still true. */
static void write_enum(struct jsonw *w, const struct ff_column *column, int64_t number)
{
    for (int64_t i = 0; column->names[i]; i++) {
        if (i == number) {
            jsonw_text(w, column->names[i]);
            return;
        }
    }
    jsonw_int(w, number);
}

static void write_value(struct jsonw *w, const struct ff_column *column,
                        const struct ff_value *value)
{
    switch (column->type) {
    case FF_TEXT:
        jsonw_text_len(w, value->s, value->len);
        break;
    case FF_BYTES:
        write_bytes(w, value);
        break;
    case FF_JSON:
        jsonw_raw(w, value->s, value->len);
        break;
    case FF_TIME:
        write_time(w, value->i);
        break;
    case FF_BOOL:
        jsonw_bool(w, value->i != 0);
        break;
    case FF_ENUM:
        write_enum(w, column, value->i);
        break;
    default:
        jsonw_int(w, value->i);
    }
}

void model_row_keys(struct jsonw *w, const struct ff_record *record, const void *row,
                    uint64_t set)
{
    for (uint16_t i = 0; i < record->n_columns; i++) {
        const struct ff_column *column = &record->columns[i];
        const struct ff_value value = model_value(column, row);

        if (!value.type || !(set & COLUMN_BIT(i)))
            continue;
        jsonw_key(w, column->name);
        write_value(w, column, &value);
    }
}

void model_row_json(struct jsonw *w, const struct ff_record *record, const void *row)
{
    jsonw_open(w, '{');
    model_row_keys(w, record, row, UINT64_MAX);
    jsonw_close(w, '}');
}
