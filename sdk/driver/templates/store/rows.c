/* rows.c - rows, and their values. */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

/* --- values --- */

static int has_bytes(const struct ff_value *v)
{
    return v->type == FF_TEXT || v->type == FF_BYTES || v->type == FF_JSON;
}

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int value_compare(const struct ff_column *column, const struct ff_value *a,
                  const struct ff_value *b)
{
    int order = 0;

    if (!a->type || !b->type)
        return (a->type != 0) - (b->type != 0);
    if (column->type == FF_ENUM)
        return strcmp(column->names[a->i], column->names[b->i]);
    if (!has_bytes(a))
        return compare_numbers(a->i, b->i);
    if (a->len > 0 && b->len > 0)
        order = memcmp(a->s, b->s, a->len < b->len ? a->len : b->len);
    return order ? order : compare_numbers((int64_t)a->len, (int64_t)b->len);
}

static int is_name_of(const struct ff_column *column, int64_t number)
{
    for (int64_t i = 0; column->names[i]; i++)
        if (i == number)
            return 1;
    return 0;
}

static int holds(const struct ff_column *c, const struct ff_value *v)
{
    if (v->type == 0)
        return c->flags & FF_COL_NULLABLE;
    if (v->type != c->type)
        return 0;
    if (v->type == FF_TEXT || v->type == FF_JSON)
        return v->len == 0 || !memchr(v->s, 0, v->len);
    if (v->type == FF_BOOL)
        return v->i == 0 || v->i == 1;
    return v->type != FF_ENUM || is_name_of(c, v->i);
}

int value_check(const struct ff_record *record, uint16_t column,
                const struct ff_value *value, struct ff_err *err)
{
    const struct ff_column *c = &record->columns[column];

    if (holds(c, value))
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0, "%s.%s cannot hold this value", record->name,
                   c->name);
}

/* --- rows --- */

struct row *row_new(const struct ff_value *values, uint16_t n)
{
    size_t size = sizeof(struct row) + n * sizeof(struct ff_value);
    struct row *row;
    char *text;

    for (uint16_t i = 0; i < n; i++)
        size += has_bytes(&values[i]) ? values[i].len + 1 : 0;
    row = calloc(1, size);
    if (!row)
        return NULL;
    row->n = n;
    text = (char *)&row->values[n];
    for (uint16_t i = 0; i < n; i++) {
        row->values[i] = values[i];
        if (!has_bytes(&values[i]))
            continue;
        if (values[i].len > 0)
            memcpy(text, values[i].s, values[i].len);
        row->values[i].s = text;
        text += values[i].len + 1;
    }
    return row;
}

struct table *database_table(const struct database *d, const struct ff_record *record)
{
    for (size_t i = 0; i < d->n_tables; i++)
        if (d->tables[i].record == record)
            return &d->tables[i];
    return NULL;
}

size_t table_find(const struct table *t, const struct ff_value *key)
{
    const struct ff_record *r = t->record;
    size_t at = 0;

    for (; at < t->n; at++) {
        uint16_t i = 0;

        while (i < r->n_key &&
               value_compare(&r->columns[i], &t->rows[at]->values[i], &key[i]) == 0)
            i++;
        if (i == r->n_key)
            break;
    }
    return at;
}

int table_reserve(struct table *t, size_t n)
{
    struct row **rows;

    if (t->n + n <= t->cap)
        return FF_OK;
    rows = realloc(t->rows, (t->n + n) * 2 * sizeof(struct row *));
    if (!rows)
        return FF_NO_MEMORY;
    t->rows = rows;
    t->cap = (t->n + n) * 2;
    return FF_OK;
}

void table_replace(struct table *t, struct row *old, struct row *new)
{
    size_t at = 0;

    if (old)
        while (t->rows[at] != old)
            at++;
    else
        at = t->n++;
    t->rows[at] = new ? new : t->rows[--t->n];
}

void table_done(struct table *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->rows[i]);
    free(t->rows);
}
