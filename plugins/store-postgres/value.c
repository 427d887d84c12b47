/* store-postgres/value.c - values to parameters and columns back to values, all of them
 * in the server's binary forms. */
#include "postgres.h"

#include <string.h>

/* Numbers of the server's own types; they never change. */
static const uint32_t type_numbers[] = {
    [FF_INT] = 20,  [FF_TEXT] = 25, [FF_BYTES] = 17, [FF_JSON] = 114,
    [FF_TIME] = 20, [FF_BOOL] = 16, [FF_ENUM] = 25,
};

static const char *enum_name(const struct ff_column *column, int64_t number)
{
    for (int64_t i = 0; column->names[i]; i++)
        if (i == number)
            return column->names[i];
    return NULL;
}

static bool is_text(uint32_t type)
{
    return type == FF_TEXT || type == FF_JSON || type == FF_BYTES;
}

/* --- what a column can hold --- */

static const char *fault_of(const struct ff_column *c, const struct ff_value *value)
{
    if (value->type == 0)
        return c->flags & FF_COL_NULLABLE ? NULL : "must not be null";
    if (value->type != c->type)
        return "was given a value of another type";
    if ((c->type == FF_TEXT || c->type == FF_JSON) && value->len &&
        memchr(value->s, 0, value->len))
        return "has a NUL in its text";
    if (c->type == FF_ENUM && !enum_name(c, value->i))
        return "was given a number without a name";
    if (c->type == FF_BOOL && value->i != 0 && value->i != 1)
        return "is neither true nor false";
    return NULL;
}

int pg_check_value(const struct ff_record *record, uint16_t column,
                   const struct ff_value *value, struct ff_err *err)
{
    const char *fault = fault_of(&record->columns[column], value);

    if (!fault)
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0, "%s.%s %s", record->name,
                   record->columns[column].name, fault);
}

/* --- there --- */

static void add_bytes(struct pg_text *t, const struct ff_column *column,
                      const struct ff_value *value)
{
    const char *name;

    switch (column->type) {
    case FF_TEXT:
    case FF_JSON:
    case FF_BYTES:
        pg_add(t, value->s, value->len);
        break;
    case FF_ENUM:
        name = enum_name(column, value->i);
        pg_add(t, name, strlen(name));
        break;
    case FF_BOOL:
        pg_add(t, value->i ? "\1" : "\0", 1);
        break;
    default:
        pg_add_int64(t, (uint64_t)value->i);
    }
}

static size_t length_of(const struct ff_column *column, const struct ff_value *value)
{
    if (is_text(column->type))
        return value->len;
    if (column->type == FF_ENUM)
        return strlen(enum_name(column, value->i));
    return column->type == FF_BOOL ? 1 : sizeof(int64_t);
}

void pg_param_value(struct pg_session *s, struct pg_params *p,
                    const struct ff_column *column, const struct ff_value *value)
{
    if (!value->type) {
        pg_param_null(s, p);
        return;
    }
    pg_param_next(s, p);
    add_bytes(&s->buffer, column, value);
}

void pg_add_element(struct pg_text *t, const struct ff_column *column,
                    const struct ff_value *value)
{
    if (!value->type) {
        pg_add_int32(t, UINT32_MAX); /* null */
        return;
    }
    pg_add_int32(t, (uint32_t)length_of(column, value));
    add_bytes(t, column, value);
}

/* One dimension, from 1 on; there may be nulls. */
void pg_add_array_head(struct pg_text *t, uint32_t type, size_t n)
{
    pg_add_int32(t, 1);
    pg_add_int32(t, 1);
    pg_add_int32(t, type_numbers[type]);
    pg_add_int32(t, (uint32_t)n);
    pg_add_int32(t, 1);
}

/* --- back --- */

static int read_enum(struct pg_session *s, const char *text,
                     const struct ff_record *record, uint16_t column, int64_t *number,
                     struct ff_err *err)
{
    const char *const *names = record->columns[column].names;

    for (int64_t i = 0; names[i]; i++) {
        if (strcmp(names[i], text) == 0) {
            *number = i;
            return FF_OK;
        }
    }
    return ff_fail(err, FF_CORRUPT, 0,
                   "PostgreSQL at %.60s: %s.%s is %.60s, an unknown "
                   "name",
                   s->config->host, record->name, record->columns[column].name, text);
}

int pg_read_value(struct pg_session *s, const PGresult *row, int place,
                  const struct ff_record *record, uint16_t column,
                  struct ff_value *value, struct ff_err *err)
{
    const struct ff_column *c = &record->columns[column];

    *value = (struct ff_value){0};
    if (PQgetisnull(row, 0, place))
        return FF_OK;
    value->type = c->type;
    if (c->type == FF_ENUM)
        return read_enum(s, PQgetvalue(row, 0, place), record, column, &value->i, err);
    if (is_text(c->type)) {
        value->s = PQgetvalue(row, 0, place);
        value->len = (size_t)PQgetlength(row, 0, place);
    } else {
        value->i = pg_get_int64(row, 0, place);
    }
    return FF_OK;
}

/* --- as the server orders them --- */

static int compare_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
    const size_t len = a_len < b_len ? a_len : b_len;
    const int order = len ? memcmp(a, b, len) : 0;

    return order ? order : (a_len > b_len) - (a_len < b_len);
}

int pg_compare(const struct ff_column *column, const struct ff_value *a,
               const struct ff_value *b)
{
    if (!a->type || !b->type)
        return (a->type != 0) - (b->type != 0);
    if (is_text(column->type))
        return compare_text(a->s, a->len, b->s, b->len);
    if (column->type == FF_ENUM && enum_name(column, a->i) && enum_name(column, b->i))
        return strcmp(enum_name(column, a->i), enum_name(column, b->i));
    return (a->i > b->i) - (a->i < b->i);
}
