/* store-sqlite/scan.c - one walk along an index, from a cursor on.
 *
 * "After the cursor" in the order (a, b, c) is a > A, or a = A and b > B, or both equal
 * and c > C. As one condition SQLite would walk from the beginning, and nulls would
 * compare to nothing; so each of the three is a walk of its own, the last one first,
 * inside one read transaction. */
#include "lite.h"

#include <string.h>

struct walk {
    struct lite_session *s;
    const struct ff_query *query;
    struct lite_shape shape; /* what all segments share */
    size_t n_order;
    uint64_t left; /* rows that may still come */
    ff_row_fn *fn; /* NULL: only count */
    void *arg;
    uint64_t n;
    bool stopped;
};

static const struct ff_column *order_column(const struct walk *w, size_t i)
{
    return &w->query->record
                ->columns[lite_order_column(w->query->record, w->query->index, i)];
}

static bool known(const struct lite_session *s, const struct ff_query *q)
{
    for (size_t i = 0; s->schema && s->schema->records[i]; i++)
        if (s->schema->records[i] == q->record)
            return q->index >= -1 && q->index < q->record->n_indexes;
    return false;
}

/* Of the type of its column in the order, or null. */
static bool fits(const struct ff_query *q, size_t i, const struct ff_value *value)
{
    const uint16_t column = lite_order_column(q->record, q->index, i);

    return !value->type || value->type == q->record->columns[column].type;
}

static bool values_fit(const struct ff_query *q)
{
    const size_t n_order = lite_order_length(q->record, q->index);
    bool right = true;

    for (uint32_t i = 0; i < q->n_equal && right; i++)
        right = fits(q, i, &q->equal[i]);
    for (size_t i = 0; i < n_order && q->after && right; i++)
        right = fits(q, i, &q->after[i]);
    if (right && q->from)
        right = q->from->type && fits(q, q->n_equal, q->from);
    if (right && q->below)
        right = q->below->type && fits(q, q->n_equal, q->below);
    return right;
}

static int check_query(const struct lite_session *s, const struct ff_query *q,
                       struct ff_err *err)
{
    if (!known(s, q))
        return ff_fail(err, FF_INVALID, 0, "a query of an unknown record or index");

    const size_t n_columns =
        q->index < 0 ? q->record->n_key : q->record->indexes[q->index].n_columns;

    if (q->n_equal > n_columns || ((q->from || q->below) && q->n_equal >= n_columns))
        return ff_fail(err, FF_INVALID, 0,
                       "%s: a query beyond the columns of its index", q->record->name);
    if (!values_fit(q))
        return ff_fail(err, FF_INVALID, 0,
                       "%s: a query with a value that its column cannot hold",
                       q->record->name);
    return FF_OK;
}

static void walk_init(struct walk *w, const struct ff_query *q)
{
    const uint64_t all = ~UINT64_C(0) >> (LITE_MAX_COLUMNS - q->record->n_columns);

    w->query = q;
    w->n_order = lite_order_length(q->record, q->index);
    w->left = q->limit ? q->limit : UINT64_MAX;
    w->shape = (struct lite_shape){
        .record = q->record,
        .index = (int16_t)q->index,
        .kind = (uint8_t)(w->fn ? LITE_SCAN : LITE_COUNT),
        .n_equal = (uint8_t)q->n_equal,
        .flags = (uint8_t)((q->from ? LITE_FROM : 0) | (q->below ? LITE_BELOW : 0) |
                           (q->flags & FF_DESCENDING ? LITE_DESCENDING : 0)),
    };
    if (w->fn)
        w->shape.columns = (q->want ? q->want : all) & all;
    for (size_t i = 0; i < q->n_equal; i++)
        if (!q->equal[i].type)
            w->shape.nulls |= UINT64_C(1) << i;
}

static int bind_one(struct walk *w, sqlite3_stmt *stmt, int *place, size_t i,
                    const struct ff_value *value, struct ff_err *err)
{
    return lite_bind(w->s, stmt, ++*place, w->query->record,
                     lite_order_column(w->query->record, w->query->index, i), value,
                     err);
}

/* In the order of sql.c's where_range. */
static int bind_walk(struct walk *w, const struct lite_shape *shape, sqlite3_stmt *stmt,
                     struct ff_err *err)
{
    const struct ff_query *q = w->query;
    const size_t n_equal = q->n_equal;
    const size_t end = n_equal + shape->n_same;
    int place = 0;
    int code = FF_OK;

    for (size_t i = 0; i < n_equal && code == FF_OK; i++)
        if (!(shape->nulls >> i & 1))
            code = bind_one(w, stmt, &place, i, &q->equal[i], err);
    if (shape->flags & LITE_FROM && code == FF_OK)
        code = bind_one(w, stmt, &place, n_equal, q->from, err);
    if (shape->flags & LITE_BELOW && code == FF_OK)
        code = bind_one(w, stmt, &place, n_equal, q->below, err);
    for (size_t i = n_equal; i < end && code == FF_OK; i++)
        if (!(shape->nulls >> i & 1))
            code = bind_one(w, stmt, &place, i, &q->after[i], err);
    if (code == FF_OK && (shape->beyond == LITE_GREATER || shape->beyond == LITE_LESS))
        code = bind_one(w, stmt, &place, end, &q->after[end], err);
    if (code == FF_OK)
        sqlite3_bind_int64(stmt, place + 1,
                           w->left > INT64_MAX ? INT64_MAX : (int64_t)w->left);
    return code;
}

static int give_row(struct walk *w, const struct lite_shape *shape, sqlite3_stmt *stmt,
                    struct ff_err *err)
{
    const struct ff_record *record = w->query->record;
    struct ff_value values[LITE_MAX_COLUMNS];
    int place = 0;

    for (uint16_t i = 0; i < record->n_columns; i++) {
        values[i] = (struct ff_value){0};
        if (!(shape->columns >> i & 1))
            continue;

        const int code = lite_read(w->s, stmt, place++, record, i, &values[i], err);

        if (code != FF_OK)
            return code;
    }
    w->stopped = w->fn(w->arg, values) != 0;
    return FF_OK;
}

static int step_rows(struct walk *w, const struct lite_shape *shape, sqlite3_stmt *stmt,
                     struct ff_err *err)
{
    int code = FF_OK;
    int result = SQLITE_DONE;

    while (code == FF_OK && !w->stopped && w->left > 0) {
        result = sqlite3_step(stmt);
        if (result != SQLITE_ROW)
            break;
        if (w->fn) {
            code = give_row(w, shape, stmt, err);
            w->n++;
            w->left--;
        } else {
            const uint64_t n = (uint64_t)sqlite3_column_int64(stmt, 0);

            w->n += n;
            w->left -= n;
        }
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        code = lite_fail(w->s, result, w->query->record->name, err);
    return code;
}

static int walk_segment(struct walk *w, const struct lite_shape *shape,
                        struct ff_err *err)
{
    struct lite_statement *statement;
    int code = lite_statement(w->s, shape, &statement, err);

    if (code != FF_OK)
        return code;
    code = bind_walk(w, shape, statement->stmt, err);
    if (code == FF_OK)
        code = step_rows(w, shape, statement->stmt, err);
    sqlite3_reset(statement->stmt);
    return code;
}

/* --- cursors --- */

static int compare_cursor(const struct walk *w, const struct ff_value *bound)
{
    const size_t i = w->query->n_equal;

    return lite_compare(order_column(w, i), &w->query->after[i], bound);
}

/* Is the cursor itself within from and below? */
static bool cursor_in_range(const struct walk *w)
{
    const struct ff_query *q = w->query;

    if ((q->from || q->below) && !q->after[q->n_equal].type)
        return false;
    return (!q->from || compare_cursor(w, q->from) >= 0) &&
           (!q->below || compare_cursor(w, q->below) < 0);
}

/* The cursor and the range bound the same column from the same side: SQLite would pick
 * either of them to begin at, so only the tighter one is left. */
static void tighten(const struct walk *w, struct lite_shape *shape)
{
    const struct ff_query *q = w->query;
    const uint8_t range = LITE_FROM | LITE_BELOW;

    if (shape->beyond == LITE_NOT_NULL && shape->flags & range)
        shape->beyond = LITE_NO_CURSOR; /* a range has no nulls */
    if (shape->beyond == LITE_GREATER && q->from) {
        if (compare_cursor(w, q->from) < 0)
            shape->beyond = LITE_NO_CURSOR;
        else
            shape->flags &= (uint8_t)~LITE_FROM;
    }
    if (shape->beyond == LITE_LESS && q->below) {
        if (compare_cursor(w, q->below) >= 0)
            shape->beyond = LITE_NO_CURSOR;
        else
            shape->flags &= (uint8_t)~LITE_BELOW;
    }
}

/* Descending, the nulls of the column come last. */
static int walk_nulls(struct walk *w, size_t i, struct lite_shape shape,
                      struct ff_err *err)
{
    if (w->stopped || !w->left || !(order_column(w, i)->flags & FF_COL_NULLABLE) ||
        shape.flags & (LITE_FROM | LITE_BELOW))
        return FF_OK;
    shape.beyond = LITE_NULL;
    return walk_segment(w, &shape, err);
}

/* Rows equal to the cursor up to column i, and beyond it there. */
static int walk_beyond(struct walk *w, size_t i, struct ff_err *err)
{
    const bool descending = w->shape.flags & LITE_DESCENDING;
    const size_t n_equal = w->query->n_equal;
    const bool null = !w->query->after[i].type;
    struct lite_shape shape = w->shape;
    struct lite_shape nulls;
    int code;

    if (null && descending)
        return FF_OK; /* nothing is beyond */
    shape.n_same = (uint8_t)(i - n_equal);
    for (size_t k = n_equal; k < i; k++)
        if (!w->query->after[k].type)
            shape.nulls |= UINT64_C(1) << k;
    if (shape.n_same && !cursor_in_range(w))
        return FF_OK;
    if (shape.n_same)
        shape.flags &= LITE_DESCENDING;
    nulls = shape;
    shape.beyond = (uint8_t)(null         ? LITE_NOT_NULL
                             : descending ? LITE_LESS
                                          : LITE_GREATER);
    if (!shape.n_same)
        tighten(w, &shape);
    code = walk_segment(w, &shape, err);
    return code == FF_OK && descending ? walk_nulls(w, i, nulls, err) : code;
}

static int walk_all(struct walk *w, struct ff_err *err)
{
    int code = FF_OK;

    if (!w->query->after)
        return walk_segment(w, &w->shape, err);
    for (size_t i = w->n_order; i-- > w->query->n_equal && code == FF_OK;)
        if (!w->stopped && w->left &&
            !lite_order_repeats(w->query->record, w->query->index, i))
            code = walk_beyond(w, i, err);
    return code;
}

/* One transaction, so that all segments see one moment. */
static int walk(struct walk *w, const struct ff_query *query, struct ff_err *err)
{
    int code = lite_check_file_lately(w->s, err);

    if (code == FF_OK)
        code = check_query(w->s, query, err);
    if (code != FF_OK)
        return code;
    walk_init(w, query);
    if (w->query->after)
        code = lite_run(w->s, "BEGIN", err);
    if (code == FF_OK)
        code = walk_all(w, err);
    lite_roll_back(w->s);
    return code;
}

int lite_scan(void *store, const struct ff_query *query, ff_row_fn *fn, void *arg,
              struct ff_err *err)
{
    struct walk w = {.s = store, .fn = fn, .arg = arg};

    return walk(&w, query, err);
}

int lite_count(void *store, const struct ff_query *query, uint64_t *n,
               struct ff_err *err)
{
    struct walk w = {.s = store};
    const int code = walk(&w, query, err);

    if (code == FF_OK)
        *n = w.n;
    return code;
}
