/* store-sqlite/value.c - values to parameters and columns back to values. */
#include "lite.h"

#include <string.h>

static int wrong(const struct ff_record *record, uint16_t column, const char *what,
                 struct ff_err *err)
{
    return ff_fail(err, FF_INVALID, 0, "%s.%s %s", record->name,
                   record->columns[column].name, what);
}

static const char *enum_name(const struct ff_column *column, int64_t number)
{
    for (int64_t i = 0; column->names[i]; i++)
        if (i == number)
            return column->names[i];
    return NULL;
}

static int compare_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
    const size_t len = a_len < b_len ? a_len : b_len;
    const int order = len ? memcmp(a, b, len) : 0;

    return order ? order : (a_len > b_len) - (a_len < b_len);
}

static bool is_text(uint32_t type)
{
    return type == FF_TEXT || type == FF_JSON || type == FF_BYTES;
}

int lite_compare(const struct ff_column *column, const struct ff_value *a,
                 const struct ff_value *b)
{
    const char *a_name = NULL;
    const char *b_name = NULL;

    if (!a->type || !b->type)
        return (a->type != 0) - (b->type != 0);
    if (is_text(column->type))
        return compare_text(a->s, a->len, b->s, b->len);
    if (column->type == FF_ENUM) {
        a_name = enum_name(column, a->i);
        b_name = enum_name(column, b->i);
    }
    if (a_name && b_name)
        return strcmp(a_name, b_name);
    return (a->i > b->i) - (a->i < b->i);
}

/* Bound as SQLITE_STATIC: the values outlive the step, and every parameter is bound
 * again before the next one. A null pointer would bind NULL, hence the "". */
static int bind_text(sqlite3_stmt *stmt, int place, const struct ff_value *value)
{
    return sqlite3_bind_text64(stmt, place, value->s ? value->s : "", value->len,
                               SQLITE_STATIC, SQLITE_UTF8);
}

static int bind_bytes(sqlite3_stmt *stmt, int place, const struct ff_value *value)
{
    return sqlite3_bind_blob64(stmt, place, value->s ? value->s : "", value->len,
                               SQLITE_STATIC);
}

int lite_bind(struct lite_session *s, sqlite3_stmt *stmt, int place,
              const struct ff_record *record, uint16_t column,
              const struct ff_value *value, struct ff_err *err)
{
    const struct ff_column *c = &record->columns[column];
    const char *name;
    int result;

    if (value->type == 0 && !(c->flags & FF_COL_NULLABLE))
        return wrong(record, column, "must not be null", err);
    if (value->type != 0 && value->type != c->type)
        return wrong(record, column, "was given a value of another type", err);
    switch (value->type) {
    case 0:
        result = sqlite3_bind_null(stmt, place);
        break;
    case FF_TEXT:
    case FF_JSON:
        if (value->len && memchr(value->s, 0, value->len))
            return wrong(record, column, "has a NUL in its text", err);
        result = bind_text(stmt, place, value);
        break;
    case FF_BYTES:
        result = bind_bytes(stmt, place, value);
        break;
    case FF_ENUM:
        name = enum_name(c, value->i);
        if (!name)
            return wrong(record, column, "was given a number without a name", err);
        result = sqlite3_bind_text(stmt, place, name, -1, SQLITE_STATIC);
        break;
    case FF_BOOL:
        if (value->i != 0 && value->i != 1)
            return wrong(record, column, "is neither true nor false", err);
        result = sqlite3_bind_int64(stmt, place, value->i);
        break;
    default:
        result = sqlite3_bind_int64(stmt, place, value->i);
    }
    return result == SQLITE_OK ? FF_OK : lite_fail(s, result, record->name, err);
}

static int read_enum(struct lite_session *s, const char *text,
                     const struct ff_record *record, uint16_t column, int64_t *number,
                     struct ff_err *err)
{
    const struct ff_column *c = &record->columns[column];

    for (int64_t i = 0; c->names[i]; i++) {
        if (strcmp(c->names[i], text) != 0)
            continue;
        *number = i;
        return FF_OK;
    }
    return ff_fail(err, FF_CORRUPT, 0,
                   "database %s: %s.%s has the unknown name \"%.40s\"",
                   lite_file_path(s->file), record->name, c->name, text);
}

int lite_read(struct lite_session *s, sqlite3_stmt *stmt, int place,
              const struct ff_record *record, uint16_t column, struct ff_value *value,
              struct ff_err *err)
{
    const struct ff_column *c = &record->columns[column];

    *value = (struct ff_value){0};
    if (sqlite3_column_type(stmt, place) == SQLITE_NULL)
        return FF_OK;
    value->type = c->type;
    switch (c->type) {
    case FF_TEXT:
    case FF_JSON:
        value->s = (const char *)sqlite3_column_text(stmt, place);
        value->len = (size_t)sqlite3_column_bytes(stmt, place);
        break;
    case FF_BYTES:
        value->s = sqlite3_column_blob(stmt, place);
        value->len = (size_t)sqlite3_column_bytes(stmt, place);
        value->s = value->s ? value->s : "";
        return FF_OK;
    case FF_ENUM:
        value->s = (const char *)sqlite3_column_text(stmt, place);
        if (value->s) {
            const char *text = value->s;

            value->s = NULL;
            return read_enum(s, text, record, column, &value->i, err);
        }
        break;
    default:
        value->i = sqlite3_column_int64(stmt, place);
        return FF_OK;
    }
    if (!value->s) /* the only way to no text where there is some */
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for %s.%s", record->name,
                       c->name);
    return FF_OK;
}
