/* store-postgres/select.c - the text of scans: one walk along an index, from a cursor
 * on, with the limit on the server. */
#include "postgres.h"

void pg_order_of(const struct ff_record *record, int index, struct pg_order *order)
{
    const size_t n_indexed = index < 0 ? 0 : record->indexes[index].n_columns;

    order->n = n_indexed + record->n_key;
    for (size_t i = 0; i < order->n; i++) {
        order->columns[i] = i < n_indexed ? record->indexes[index].columns[i]
                                          : (uint16_t)(i - n_indexed);
        order->repeats[i] = false;
        for (size_t k = 0; k < i; k++)
            order->repeats[i] |= order->columns[k] == order->columns[i];
    }
}

struct scan_text {
    struct pg_text *out;
    const struct pg_shape *shape;
    struct pg_order order;
    unsigned n_params;
    unsigned n_conditions;
};

static const struct ff_column *column_at(const struct scan_text *t, size_t i)
{
    return &t->shape->record->columns[t->order.columns[i]];
}

static void add_parameter(struct scan_text *t, size_t i)
{
    pg_addf(t->out, "$%u::%s", ++t->n_params, pg_sql_type(column_at(t, i)->type));
}

static void begin_condition(struct scan_text *t)
{
    pg_addf(t->out, "%s", t->n_conditions++ ? " AND " : " WHERE ");
}

static void compare(struct scan_text *t, size_t i, const char *operator)
{
    begin_condition(t);
    pg_add_name(t->out, column_at(t, i)->name);
    pg_addf(t->out, " %s ", operator);
    add_parameter(t, i);
}

static void test_null(struct scan_text *t, size_t i, const char *test)
{
    begin_condition(t);
    pg_add_name(t->out, column_at(t, i)->name);
    pg_addf(t->out, " %s", test);
}

static void equal(struct scan_text *t, size_t i)
{
    if (t->shape->nulls >> i & 1)
        test_null(t, i, "IS NULL");
    else
        compare(t, i, "=");
}

/* (b, c) > ($1, $2), which an index answers in one step. */
static void compare_row(struct scan_text *t, size_t first, const char *operator)
{
    const char *comma = "";

    begin_condition(t);
    pg_addf(t->out, "(");
    for (size_t i = first; i < t->order.n; i++) {
        if (t->order.repeats[i])
            continue;
        pg_addf(t->out, "%s", comma);
        pg_add_name(t->out, column_at(t, i)->name);
        comma = ", ";
    }
    pg_addf(t->out, ") %s (", operator);
    comma = "";
    for (size_t i = first; i < t->order.n; i++) {
        if (t->order.repeats[i])
            continue;
        pg_addf(t->out, "%s", comma);
        add_parameter(t, i);
        comma = ", ";
    }
    pg_addf(t->out, ")");
}

static void beyond(struct scan_text *t, size_t i)
{
    switch (t->shape->beyond) {
    case PG_GREATER:
        compare(t, i, ">");
        break;
    case PG_LESS:
        compare(t, i, "<");
        break;
    case PG_NULL:
        test_null(t, i, "IS NULL");
        break;
    case PG_NOT_NULL:
        test_null(t, i, "IS NOT NULL");
        break;
    case PG_ROW_GREATER:
        compare_row(t, i, ">");
        break;
    case PG_ROW_LESS:
        compare_row(t, i, "<");
        break;
    default:
        break;
    }
}

static void where(struct scan_text *t)
{
    const struct pg_shape *shape = t->shape;
    const size_t n_equal = shape->n_equal;

    for (size_t i = 0; i < n_equal; i++)
        equal(t, i);
    if (shape->flags & PG_FROM)
        compare(t, n_equal, ">=");
    if (shape->flags & PG_BELOW)
        compare(t, n_equal, "<");
    for (size_t i = n_equal; i < n_equal + shape->n_same; i++)
        equal(t, i);
    beyond(t, n_equal + shape->n_same);
}

static void select_columns(struct scan_text *t)
{
    const struct ff_record *record = t->shape->record;
    const char *comma = "";

    pg_addf(t->out, "SELECT ");
    for (uint16_t i = 0; t->shape->kind == PG_SCAN && i < record->n_columns; i++) {
        if (!(t->shape->columns >> i & 1))
            continue;
        pg_addf(t->out, "%s", comma);
        pg_add_name(t->out, record->columns[i].name);
        comma = ", ";
    }
    pg_addf(t->out, " FROM ");
}

/* Nulls come first, as in the indexes: see pg_sql_index. */
static void order_by(struct scan_text *t)
{
    const bool descending = t->shape->flags & PG_DESCENDING;

    pg_addf(t->out, " ORDER BY ");
    for (size_t i = 0; i < t->order.n; i++) {
        if (t->order.repeats[i])
            continue;
        pg_addf(t->out, "%s", i ? ", " : "");
        pg_add_name(t->out, column_at(t, i)->name);
        pg_addf(t->out, "%s", descending ? " DESC" : "");
        if (column_at(t, i)->flags & FF_COL_NULLABLE)
            pg_addf(t->out, "%s", descending ? " NULLS LAST" : " NULLS FIRST");
    }
}

void pg_sql_scan(struct pg_text *out, const char *schema, const struct pg_shape *shape)
{
    struct scan_text t = {.out = out, .shape = shape};
    const bool counts = shape->kind == PG_COUNT;

    pg_order_of(shape->record, shape->index, &t.order);
    pg_addf(out, "%s", counts ? "SELECT count(*) FROM (" : "");
    select_columns(&t);
    pg_sql_table_name(out, schema, shape->record->name);
    where(&t);
    order_by(&t);
    pg_addf(out, " LIMIT $%u::bigint%s", t.n_params + 1, counts ? ") AS counted" : "");
}
