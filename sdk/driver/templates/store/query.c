/* query.c - scans and counts: the rows that fit, sorted by the index that was asked
 * for. A database does this with its own indexes. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* qsort_r */
#endif
#include "rows.h"

#include <stdlib.h>

static uint16_t n_indexed(const struct ff_query *q)
{
    return q->index < 0 ? 0 : q->record->indexes[q->index].n_columns;
}

/* Rows are in the order of the index's columns, then of the key. */
static uint16_t order_column(const struct ff_query *q, uint32_t i)
{
    return i < n_indexed(q) ? q->record->indexes[q->index].columns[i]
                            : (uint16_t)(i - n_indexed(q));
}

static uint32_t n_order(const struct ff_query *q)
{
    return (uint32_t)n_indexed(q) + q->record->n_key;
}

/* Compares with n values that stand in the order of the index. */
static int compare_with(const struct ff_query *q, const struct row *row,
                        const struct ff_value *values, uint32_t n)
{
    int order = 0;

    for (uint32_t i = 0; i < n && order == 0; i++) {
        const uint16_t column = order_column(q, i);

        order = value_compare(&q->record->columns[column], &row->values[column],
                              &values[i]);
    }
    return q->flags & FF_DESCENDING ? -order : order;
}

static int compare_rows(const void *a, const void *b, void *query)
{
    const struct ff_query *q = query;
    const struct row *left = *(struct row *const *)a;
    const struct row *right = *(struct row *const *)b;
    int order = 0;

    for (uint32_t i = 0; i < n_order(q) && order == 0; i++) {
        const uint16_t column = order_column(q, i);

        order = value_compare(&q->record->columns[column], &left->values[column],
                              &right->values[column]);
    }
    return q->flags & FF_DESCENDING ? -order : order;
}

static int is_in_range(const struct ff_query *q, const struct row *row)
{
    const uint16_t column = order_column(q, q->n_equal);
    const struct ff_column *c = &q->record->columns[column];
    const struct ff_value *v = &row->values[column];

    if ((q->from || q->below) && !v->type)
        return 0;
    return (!q->from || value_compare(c, v, q->from) >= 0) &&
           (!q->below || value_compare(c, v, q->below) < 0);
}

static int fits(const struct ff_query *q, const struct row *row)
{
    return compare_with(q, row, q->equal, q->n_equal) == 0 &&
           ((!q->from && !q->below) || is_in_range(q, row)) &&
           (!q->after || compare_with(q, row, q->after, n_order(q)) > 0);
}

/* --- what a query may be --- */

static int can_be(const struct ff_query *q, uint32_t i, const struct ff_value *v)
{
    struct ff_err ignored;

    return !v->type || value_check(q->record, order_column(q, i), v, &ignored) == FF_OK;
}

static int values_can_be(const struct ff_query *q)
{
    int right = 1;

    for (uint32_t i = 0; i < q->n_equal && right; i++)
        right = can_be(q, i, &q->equal[i]);
    for (uint32_t i = 0; q->after && i < n_order(q) && right; i++)
        right = can_be(q, i, &q->after[i]);
    if (right && q->from)
        right = q->from->type && can_be(q, q->n_equal, q->from);
    if (right && q->below)
        right = q->below->type && can_be(q, q->n_equal, q->below);
    return right;
}

static int check_query(const struct database *d, const struct ff_query *q,
                       struct ff_err *err)
{
    uint32_t n;

    if (!database_table(d, q->record) || q->index < -1 ||
        q->index >= q->record->n_indexes)
        return ff_fail(err, FF_INVALID, 0, "a query of an unknown record or index");
    n = q->index < 0 ? q->record->n_key : n_indexed(q);
    if (q->n_equal > n || ((q->from || q->below) && q->n_equal >= n))
        return ff_fail(err, FF_INVALID, 0, "%s: a query beyond its index",
                       q->record->name);
    if (!values_can_be(q))
        return ff_fail(err, FF_INVALID, 0,
                       "%s: a query with a value that its column cannot hold",
                       q->record->name);
    return FF_OK;
}

/* --- running it --- */

static uint64_t give(const struct ff_query *q, struct row *const *rows, size_t n,
                     ff_row_fn *fn, void *arg)
{
    uint64_t given = 0;

    if (q->limit && n > q->limit)
        n = q->limit;
    while (given < n) {
        const struct row *row = rows[given++];

        if (fn && fn(arg, row->values) != 0)
            break;
    }
    return given;
}

int query_run(const struct database *d, const struct ff_query *q, ff_row_fn *fn,
              void *arg, uint64_t *n, struct ff_err *err)
{
    struct row **found;
    const struct table *t;
    size_t n_found = 0;
    struct ff_query by = *q;

    if (check_query(d, q, err) != FF_OK)
        return FF_INVALID;
    t = database_table(d, q->record);
    found = calloc(t->n + 1, sizeof(struct row *));
    if (!found)
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for a query");
    for (size_t i = 0; i < t->n; i++)
        if (fits(q, t->rows[i]))
            found[n_found++] = t->rows[i];
    if (fn)
        qsort_r(found, n_found, sizeof(struct row *), compare_rows, &by);
    *n = give(q, found, n_found, fn, arg);
    free(found);
    return FF_OK;
}
