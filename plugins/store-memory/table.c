/* store-memory/table.c - one table: its rows in skip lists (Pugh, 1990), one for each
 * order. A row's height is the same in all of them, and its links, values and text are
 * one allocation, so that putting it in or out cannot fail. */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define MAX_HEIGHT 16 /* one row in 4 is higher by one: enough for 4^16 */

struct row {
    int height;
    struct ff_value *values;
    struct row *links[]; /* per order: back, then next on each level */
};

static size_t order_of(int index)
{
    return (size_t)index + 1; /* of -1: 0 */
}

static size_t n_orders(const struct table *t)
{
    return (size_t)t->record->n_indexes + 1;
}

static struct row **link_back(const struct row *row, size_t order)
{
    return (struct row **)&row->links[order * ((size_t)row->height + 1)];
}

static struct row **link_next(const struct row *row, size_t order, int level)
{
    return link_back(row, order) + 1 + level;
}

/* --- orders --- */

uint32_t table_order_length(const struct ff_record *record, int index)
{
    return (index < 0 ? 0U : record->indexes[index].n_columns) +
           (uint32_t)record->n_key;
}

uint16_t table_order_column(const struct ff_record *record, int index, size_t i)
{
    const size_t n_indexed = index < 0 ? 0 : record->indexes[index].n_columns;

    return i < n_indexed ? record->indexes[index].columns[i]
                         : (uint16_t)(i - n_indexed);
}

static size_t n_order_columns(const struct table *t, size_t order)
{
    return table_order_length(t->record, (int)order - 1);
}

static uint16_t order_column(const struct table *t, size_t order, size_t i)
{
    return table_order_column(t->record, (int)order - 1, i);
}

/* `bound` has values in the order's own sequence, row in the record's. */
static int compare_bound(const struct table *t, size_t order, const struct row *row,
                         const struct ff_value *bound, size_t n)
{
    int result = 0;

    for (size_t i = 0; i < n && result == 0; i++) {
        const uint16_t column = order_column(t, order, i);

        result =
            value_compare(&t->record->columns[column], &row->values[column], &bound[i]);
    }
    return result;
}

static int compare_rows(const struct table *t, size_t order, const struct row *a,
                        const struct row *b)
{
    const size_t n = n_order_columns(t, order);
    int result = 0;

    for (size_t i = 0; i < n && result == 0; i++) {
        const uint16_t column = order_column(t, order, i);

        result = value_compare(&t->record->columns[column], &a->values[column],
                               &b->values[column]);
    }
    return result;
}

int table_compare(const struct table *t, int index, const struct row *a,
                  const struct row *b)
{
    if (!a || !b)
        return (a == NULL) - (b == NULL);
    return compare_rows(t, order_of(index), a, b);
}

/* The first row not below the bound; with `past`, the first one above it. */
static struct row *seek(const struct table *t, size_t order,
                        const struct ff_value *bound, size_t n, bool past)
{
    const struct row *at = t->head;

    for (int level = MAX_HEIGHT - 1; level >= 0; level--) {
        const struct row *next = *link_next(at, order, level);

        while (next && compare_bound(t, order, next, bound, n) < (past ? 1 : 0)) {
            at = next;
            next = *link_next(at, order, level);
        }
    }
    return *link_next(at, order, 0);
}

/* --- rows --- */

static size_t text_bytes(const struct table *t, const struct ff_value *values)
{
    size_t bytes = 0;

    for (uint16_t i = 0; i < t->record->n_columns; i++)
        if (values[i].type && values[i].s)
            bytes += values[i].len + 1;
    return bytes;
}

static void copy_values(const struct table *t, const struct ff_value *from,
                        struct ff_value *to, char *text)
{
    for (uint16_t i = 0; i < t->record->n_columns; i++) {
        to[i] = from[i];
        if (!from[i].type || !from[i].s)
            continue;
        memcpy(text, from[i].s, from[i].len);
        text[from[i].len] = '\0';
        to[i].s = text;
        text += from[i].len + 1;
    }
}

static struct row *row_of_height(const struct table *t, int height, size_t text)
{
    const size_t links = n_orders(t) * ((size_t)height + 1) * sizeof(struct row *);
    const size_t values = t->record->n_columns * sizeof(struct ff_value);
    struct row *row = calloc(1, sizeof(*row) + links + values + text);

    if (!row)
        return NULL;
    row->height = height;
    row->values = (struct ff_value *)(void *)((char *)row->links + links);
    return row;
}

/* xorshift64 (Marsaglia, 2003); always the same, so that every run is the same. */
static int random_height(struct table *t)
{
    int height = 1;

    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    for (uint64_t bits = t->random; height < MAX_HEIGHT && (bits & 3) == 0; bits >>= 2)
        height++;
    return height;
}

struct row *row_new(struct table *t, const struct ff_value *values)
{
    struct row *row = row_of_height(t, random_height(t), text_bytes(t, values));

    if (row)
        copy_values(t, values, row->values,
                    (char *)(row->values + t->record->n_columns));
    return row;
}

void row_free(struct row *row)
{
    free(row);
}

const struct ff_value *row_values(const struct row *row)
{
    return row->values;
}

/* --- the table --- */

int table_init(struct table *t, const struct ff_record *record)
{
    *t = (struct table){.record = record, .random = UINT64_C(0x9e3779b97f4a7c15)};
    t->head = row_of_height(t, MAX_HEIGHT, 0);
    return t->head ? FF_OK : FF_NO_MEMORY;
}

void table_done(struct table *t)
{
    struct row *row = t->head;

    while (row) {
        struct row *next = *link_next(row, 0, 0);

        row_free(row);
        row = next;
    }
    t->head = NULL;
}

static void put_in(struct table *t, size_t order, struct row *row)
{
    struct row *at = t->head;

    for (int level = MAX_HEIGHT - 1; level >= 0; level--) {
        struct row *next = *link_next(at, order, level);

        while (next && compare_rows(t, order, next, row) < 0) {
            at = next;
            next = *link_next(at, order, level);
        }
        if (level >= row->height)
            continue;
        *link_next(row, order, level) = next;
        *link_next(at, order, level) = row;
    }

    /* The row's neighbours on the lowest level, where the way back runs. The head's
     * own way back leads to the last row. */
    struct row *next = *link_next(row, order, 0);

    *link_back(row, order) = at;
    *link_back(next ? next : t->head, order) = row;
}

static void take_out(struct table *t, size_t order, struct row *row)
{
    struct row *at = t->head;
    struct row *next = *link_next(row, order, 0);

    for (int level = MAX_HEIGHT - 1; level >= 0; level--) {
        struct row *ahead = *link_next(at, order, level);

        while (ahead && compare_rows(t, order, ahead, row) < 0) {
            at = ahead;
            ahead = *link_next(at, order, level);
        }
        if (ahead == row)
            *link_next(at, order, level) = *link_next(row, order, level);
    }
    *link_back(next ? next : t->head, order) = *link_back(row, order);
}

void table_replace(struct table *t, struct row *old, struct row *new)
{
    for (size_t order = 0; order < n_orders(t); order++) {
        if (old)
            take_out(t, order, old);
        if (new)
            put_in(t, order, new);
    }
    t->n_rows += (size_t)(new != NULL) - (size_t)(old != NULL);
}

struct row *table_find(const struct table *t, const struct ff_value *key)
{
    const size_t n_key = t->record->n_key;
    struct row *row = seek(t, 0, key, n_key, false);

    return row && compare_bound(t, 0, row, key, n_key) == 0 ? row : NULL;
}

bool table_breaks_unique(const struct table *t, const struct row *row,
                         const struct row *except)
{
    for (uint16_t i = 0; i < t->record->n_indexes; i++) {
        const struct ff_index *index = &t->record->indexes[i];
        struct ff_value bound[MEMORY_MAX_COLUMNS];
        bool null = false;

        for (uint16_t k = 0; k < index->n_columns; k++) {
            bound[k] = row->values[index->columns[k]];
            null = null || !bound[k].type;
        }
        if (!index->unique || null)
            continue;

        const size_t order = (size_t)i + 1;
        const struct row *other = seek(t, order, bound, index->n_columns, false);

        if (other == except && other)
            other = *link_next(other, order, 0);
        if (other && compare_bound(t, order, other, bound, index->n_columns) == 0)
            return true;
    }
    return false;
}

/* --- ranges --- */

/* The equal columns of a query and one more value behind them. */
static void make_bound(struct ff_value *bound, const struct ff_query *q,
                       const struct ff_value *last)
{
    for (uint32_t i = 0; i < q->n_equal; i++)
        bound[i] = q->equal[i];
    bound[q->n_equal] = *last;
}

struct row *table_first(const struct table *t, const struct ff_query *q)
{
    static const struct ff_value null = {0};
    const size_t order = order_of(q->index);
    struct ff_value bound[MEMORY_MAX_COLUMNS + 1];
    struct row *first = seek(t, order, q->equal, q->n_equal, false);

    if (q->from) {
        make_bound(bound, q, q->from);
        first = seek(t, order, bound, q->n_equal + 1, false);
    } else if (q->below) { /* null is not below anything */
        make_bound(bound, q, &null);
        first = seek(t, order, bound, q->n_equal + 1, true);
    }
    if (q->after && !(q->flags & FF_DESCENDING)) {
        struct row *beyond = seek(t, order, q->after, n_order_columns(t, order), true);

        if (table_compare(t, q->index, beyond, first) > 0)
            first = beyond;
    }
    return first;
}

struct row *table_end(const struct table *t, const struct ff_query *q)
{
    const size_t order = order_of(q->index);
    struct ff_value bound[MEMORY_MAX_COLUMNS + 1];
    struct row *end = seek(t, order, q->equal, q->n_equal, true);

    if (q->below) {
        make_bound(bound, q, q->below);
        end = seek(t, order, bound, q->n_equal + 1, false);
    }
    if (q->after && q->flags & FF_DESCENDING) {
        struct row *beyond = seek(t, order, q->after, n_order_columns(t, order), false);

        if (table_compare(t, q->index, beyond, end) < 0)
            end = beyond;
    }
    return end;
}

struct row *table_next(const struct table *t, int index, const struct row *row)
{
    (void)t;
    return *link_next(row, order_of(index), 0);
}

struct row *table_previous(const struct table *t, int index, const struct row *row)
{
    struct row *previous = *link_back(row ? row : t->head, order_of(index));

    return previous == t->head ? NULL : previous;
}
