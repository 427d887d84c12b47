/* store-memory/value.c - what a value may be, and which of two comes first. */
#include "memory.h"

#include <string.h>

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_bytes(const struct ff_value *a, const struct ff_value *b)
{
    const size_t len = a->len < b->len ? a->len : b->len;
    const int order = len ? memcmp(a->s, b->s, len) : 0;

    return order ? order : compare_numbers((int64_t)a->len, (int64_t)b->len);
}

int value_compare(const struct ff_column *column, const struct ff_value *a,
                  const struct ff_value *b)
{
    if (!a->type || !b->type)
        return (a->type != 0) - (b->type != 0);
    switch (column->type) {
    case FF_TEXT:
    case FF_JSON:
    case FF_BYTES:
        return compare_bytes(a, b);
    case FF_ENUM:
        return strcmp(column->names[a->i], column->names[b->i]);
    default:
        return compare_numbers(a->i, b->i);
    }
}

static bool has_name(const struct ff_column *column, int64_t number)
{
    for (int64_t i = 0; column->names[i]; i++)
        if (i == number)
            return true;
    return false;
}

static bool holds(const struct ff_column *column, const struct ff_value *value)
{
    switch (value->type) {
    case 0:
        return column->flags & FF_COL_NULLABLE;
    case FF_TEXT:
    case FF_JSON:
        return value->len == 0 || !memchr(value->s, 0, value->len);
    case FF_BOOL:
        return value->i == 0 || value->i == 1;
    case FF_ENUM:
        return has_name(column, value->i);
    default:
        return true;
    }
}

int value_check(const struct ff_record *record, uint16_t column,
                const struct ff_value *value, struct ff_err *err)
{
    const struct ff_column *c = &record->columns[column];

    if ((value->type == 0 || value->type == c->type) && holds(c, value))
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0, "%s.%s cannot hold this value", record->name,
                   c->name);
}
