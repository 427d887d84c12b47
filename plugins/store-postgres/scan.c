/* store-postgres/scan.c - one walk along an index, from a cursor on.
 *
 * "After the cursor" in the order (a, b, c) is (a, b, c) > (A, B, C), which PostgreSQL
 * answers from the index in one statement - unless there are nulls, which compare to
 * nothing. Then it is three walks, as for other stores: a = A and b = B and c > C, then
 * a = A and b > B, then a > A, in one transaction that sees one moment. So is a walk
 * without a limit, which comes in pages: no table is ever read into memory as a whole,
 * and a walk that is stopped early costs one page at most. */
#include "postgres.h"

#include <string.h>

#define PAGE_ROWS 512

struct walk {
    struct pg_session *s;
    const struct ff_query *query;
    struct pg_shape shape; /* what all segments share */
    struct pg_order order;
    const struct ff_value *after; /* the cursor, or NULL */
    uint64_t left;                /* rows that may still come */
    ff_row_fn *fn;                /* NULL: only count */
    void *arg;
    uint64_t n;
    bool stopped;

    /* Of a walk in pages: the last row of this one, its text in `kept`. */
    struct ff_value cursor[PG_MAX_COLUMNS];
    struct pg_text kept;
    uint64_t page, n_in_page;
};

static const struct ff_column *order_column(const struct walk *w, size_t i)
{
    return &w->query->record->columns[w->order.columns[i]];
}

/* --- is it a query that can be answered? --- */

/* Of the type of its column in the order, or null. */
static bool fits(const struct ff_query *q, const struct pg_order *order, size_t i,
                 const struct ff_value *value)
{
    struct ff_column column = q->record->columns[order->columns[i]];
    const struct ff_record one = {.name = "", .columns = &column};
    struct ff_err ignored;

    column.flags |= FF_COL_NULLABLE;
    return pg_check_value(&one, 0, value, &ignored) == FF_OK;
}

static bool values_fit(const struct ff_query *q, const struct pg_order *order)
{
    bool right = true;

    for (uint32_t i = 0; i < q->n_equal && right; i++)
        right = fits(q, order, i, &q->equal[i]);
    for (size_t i = 0; i < order->n && q->after && right; i++)
        right = fits(q, order, i, &q->after[i]);
    if (right && q->from)
        right = q->from->type && fits(q, order, q->n_equal, q->from);
    if (right && q->below)
        right = q->below->type && fits(q, order, q->n_equal, q->below);
    return right;
}

static int check_query(const struct pg_session *s, const struct ff_query *q,
                       struct pg_order *order, struct ff_err *err)
{
    if (!pg_knows(s->schema, q->record) || q->index < -1 ||
        q->index >= q->record->n_indexes)
        return ff_fail(err, FF_INVALID, 0, "a query of an unknown record or index");

    const size_t n_columns =
        q->index < 0 ? q->record->n_key : q->record->indexes[q->index].n_columns;

    pg_order_of(q->record, q->index, order);
    if (q->n_equal > n_columns || ((q->from || q->below) && q->n_equal >= n_columns))
        return ff_fail(err, FF_INVALID, 0,
                       "%s: a query beyond the columns of its index", q->record->name);
    if (!values_fit(q, order))
        return ff_fail(err, FF_INVALID, 0,
                       "%s: a query with a value that its column cannot hold",
                       q->record->name);
    return FF_OK;
}

static void walk_init(struct walk *w, const struct ff_query *q)
{
    const uint64_t all = ~UINT64_C(0) >> (PG_MAX_COLUMNS - q->record->n_columns);

    w->query = q;
    w->after = q->after;
    w->left = q->limit ? q->limit : UINT64_MAX;
    w->shape = (struct pg_shape){
        .record = q->record,
        .index = (int16_t)q->index,
        .kind = (uint8_t)(w->fn ? PG_SCAN : PG_COUNT),
        .n_equal = (uint8_t)q->n_equal,
        .flags = (uint8_t)((q->from ? PG_FROM : 0) | (q->below ? PG_BELOW : 0) |
                           (q->flags & FF_DESCENDING ? PG_DESCENDING : 0)),
    };
    if (w->fn)
        w->shape.columns = (q->want ? q->want : all) & all;
    for (size_t i = 0; i < q->n_equal; i++)
        if (!q->equal[i].type)
            w->shape.nulls |= UINT64_C(1) << i;
}

/* --- one statement --- */

static void add_one(struct walk *w, struct pg_params *p, size_t i,
                    const struct ff_value *value)
{
    pg_param_value(w->s, p, order_column(w, i), value);
}

/* In the order of select.c. */
static int add_params(struct walk *w, const struct pg_shape *shape, uint64_t limit,
                      struct pg_params *p, struct ff_err *err)
{
    const struct ff_query *q = w->query;
    const size_t n_equal = q->n_equal;
    const size_t end = n_equal + shape->n_same;
    const bool row = shape->beyond == PG_ROW_GREATER || shape->beyond == PG_ROW_LESS;

    pg_params_begin(w->s, p);
    for (size_t i = 0; i < n_equal; i++)
        if (!(shape->nulls >> i & 1))
            add_one(w, p, i, &q->equal[i]);
    if (shape->flags & PG_FROM)
        add_one(w, p, n_equal, q->from);
    if (shape->flags & PG_BELOW)
        add_one(w, p, n_equal, q->below);
    for (size_t i = n_equal; i < end; i++)
        if (!(shape->nulls >> i & 1))
            add_one(w, p, i, &w->after[i]);
    if (shape->beyond == PG_GREATER || shape->beyond == PG_LESS)
        add_one(w, p, end, &w->after[end]);
    for (size_t i = end; i < w->order.n && row; i++)
        if (!w->order.repeats[i])
            add_one(w, p, i, &w->after[i]);
    pg_param_int64(w->s, p, limit > INT64_MAX ? INT64_MAX : (int64_t)limit);
    return pg_params_end(w->s, p, err);
}

static bool is_text(uint32_t type)
{
    return type == FF_TEXT || type == FF_JSON || type == FF_BYTES;
}

/* Pointers into `kept` are set when all of it is there. */
static int keep_cursor(struct walk *w, const struct ff_value *values,
                       struct ff_err *err)
{
    size_t at = 0;

    w->kept.len = 0;
    for (size_t i = 0; i < w->order.n; i++) {
        w->cursor[i] = values[w->order.columns[i]];
        if (is_text(w->cursor[i].type))
            pg_add(&w->kept, w->cursor[i].s, w->cursor[i].len);
    }
    if (w->kept.failed)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a cursor");
    for (size_t i = 0; i < w->order.n; i++) {
        if (!is_text(w->cursor[i].type))
            continue;
        w->cursor[i].s = w->kept.s ? w->kept.s + at : "";
        at += w->cursor[i].len;
    }
    return FF_OK;
}

static int give_row(struct walk *w, const PGresult *row, struct ff_err *err)
{
    const struct ff_record *record = w->query->record;
    struct ff_value values[PG_MAX_COLUMNS];
    int place = 0;
    int code = FF_OK;

    w->n_in_page++;
    for (uint16_t i = 0; i < record->n_columns && code == FF_OK; i++) {
        values[i] = (struct ff_value){0};
        if (w->shape.columns >> i & 1)
            code = pg_read_value(w->s, row, place++, record, i, &values[i], err);
    }
    if (code == FF_OK && w->page && w->n_in_page == w->page)
        code = keep_cursor(w, values, err);
    if (code == FF_OK)
        w->stopped = w->fn(w->arg, values) != 0;
    return code;
}

static int take_row(struct walk *w, const PGresult *row, struct ff_err *err)
{
    const uint64_t n = w->fn ? 1 : (uint64_t)pg_get_int64(row, 0, 0);

    w->n += n;
    w->left -= n;
    return w->fn ? give_row(w, row, err) : FF_OK;
}

/* Rows come one by one. What comes after a stop is thrown away: a page at most. */
static int receive_rows(struct walk *w, struct ff_err *err)
{
    struct ff_err other;
    PGresult *row = NULL;
    int code = FF_OK;

    while (true) {
        const int got = pg_receive_row(w->s, &row, code == FF_OK ? err : &other);

        if (got != FF_OK || !row) {
            code = code == FF_OK ? got : code;
            break;
        }
        if (code == FF_OK && !w->stopped)
            code = take_row(w, row, err);
        PQclear(row);
    }
    if (w->s->conn) {
        const int end = pg_receive_sync(w->s, code == FF_OK ? err : &other);

        code = code == FF_OK ? end : code;
    }
    return code;
}

static int walk_segment(struct walk *w, const struct pg_shape *shape,
                        struct ff_err *err)
{
    const uint64_t room = w->page ? w->page - w->n_in_page : w->left;
    const uint64_t limit = room < w->left ? room : w->left;
    struct pg_statement *statement = NULL;
    struct pg_statement *first = NULL;
    struct pg_params p;
    int code = pg_statement(w->s, shape, &statement, err);

    if (code != FF_OK)
        return code;
    pg_list(w->s, statement, &first);
    code = pg_prepare(w->s, first, err);
    if (code == FF_OK)
        code = add_params(w, shape, limit, &p, err);
    if (code == FF_OK)
        code = pg_send_statement(w->s, statement, &p, err);
    if (code == FF_OK && !PQsetSingleRowMode(w->s->conn))
        code = pg_lose(w->s, "cannot scan", err);
    if (code == FF_OK)
        code = pg_sync(w->s, err);
    return code == FF_OK ? receive_rows(w, err) : code;
}

/* --- cursors --- */

static int compare_cursor(const struct walk *w, const struct ff_value *bound)
{
    const size_t i = w->query->n_equal;

    return pg_compare(order_column(w, i), &w->after[i], bound);
}

/* Is the cursor itself within from and below? */
static bool cursor_in_range(const struct walk *w)
{
    const struct ff_query *q = w->query;

    if ((q->from || q->below) && !w->after[q->n_equal].type)
        return false;
    return (!q->from || compare_cursor(w, q->from) >= 0) &&
           (!q->below || compare_cursor(w, q->below) < 0);
}

/* Descending, the nulls of the column come last. */
static int walk_nulls(struct walk *w, size_t i, struct pg_shape shape,
                      struct ff_err *err)
{
    if (w->stopped || !w->left || !(order_column(w, i)->flags & FF_COL_NULLABLE) ||
        shape.flags & (PG_FROM | PG_BELOW))
        return FF_OK;
    shape.beyond = PG_NULL;
    return walk_segment(w, &shape, err);
}

/* Rows equal to the cursor up to column i, and beyond it there. */
static int walk_beyond(struct walk *w, size_t i, struct ff_err *err)
{
    const bool descending = w->shape.flags & PG_DESCENDING;
    const size_t n_equal = w->query->n_equal;
    const bool null = !w->after[i].type;
    struct pg_shape shape = w->shape;
    struct pg_shape nulls;
    int code;

    if (null && descending)
        return FF_OK; /* nothing is beyond */
    shape.n_same = (uint8_t)(i - n_equal);
    for (size_t k = n_equal; k < i; k++)
        if (!w->after[k].type)
            shape.nulls |= UINT64_C(1) << k;
    if (shape.n_same && !cursor_in_range(w))
        return FF_OK;
    if (shape.n_same)
        shape.flags &= PG_DESCENDING;
    nulls = shape;
    shape.beyond = (uint8_t)(null ? PG_NOT_NULL : descending ? PG_LESS : PG_GREATER);
    code = walk_segment(w, &shape, err);
    return code == FF_OK && descending ? walk_nulls(w, i, nulls, err) : code;
}

/* Can the cursor be compared as a whole? Ascending, nulls come before what is not null,
 * so rows with nulls are never beyond. */
static bool compares_as_row(const struct walk *w)
{
    const bool descending = w->shape.flags & PG_DESCENDING;

    for (size_t i = w->query->n_equal; i < w->order.n; i++)
        if (!w->after[i].type ||
            (descending && (order_column(w, i)->flags & FF_COL_NULLABLE)))
            return false;
    return true;
}

static bool has_more_columns(const struct walk *w)
{
    bool more = false;

    for (size_t i = w->query->n_equal; i < w->order.n; i++)
        more |= !w->order.repeats[i];
    return more;
}

static int walk_from_cursor(struct walk *w, struct ff_err *err)
{
    struct pg_shape shape = w->shape;
    int code = FF_OK;

    if (!has_more_columns(w))
        return FF_OK; /* the one row that there is was the cursor */
    if (compares_as_row(w)) {
        shape.beyond =
            (uint8_t)(shape.flags & PG_DESCENDING ? PG_ROW_LESS : PG_ROW_GREATER);
        return walk_segment(w, &shape, err);
    }
    for (size_t i = w->order.n; i-- > w->query->n_equal && code == FF_OK;)
        if (!w->stopped && w->left && !w->order.repeats[i] &&
            (!w->page || w->n_in_page < w->page))
            code = walk_beyond(w, i, err);
    return code;
}

/* --- the whole walk --- */

static int walk_page(struct walk *w, struct ff_err *err)
{
    w->n_in_page = 0;
    return w->after ? walk_from_cursor(w, err) : walk_segment(w, &w->shape, err);
}

/* Every page but the last is full. Columns of the cursor are read though nobody wants
 * them. */
static int walk_pages(struct walk *w, struct ff_err *err)
{
    int code;

    do {
        code = walk_page(w, err);
        w->after = w->cursor;
    } while (code == FF_OK && !w->stopped && w->left && w->n_in_page >= w->page);
    return code;
}

static int walk_in_transaction(struct walk *w, struct ff_err *err)
{
    struct ff_err other;
    int code = pg_run(w->s, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL,
                      NULL, err);

    if (code == FF_OK)
        code = w->page ? walk_pages(w, err) : walk_page(w, err);
    if (w->s->conn) {
        const int end =
            pg_run(w->s, "COMMIT", NULL, NULL, code == FF_OK ? err : &other);

        code = code == FF_OK ? end : code;
    }
    return code;
}

static void want_cursor(struct walk *w)
{
    for (size_t i = 0; i < w->order.n; i++)
        w->shape.columns |= UINT64_C(1) << w->order.columns[i];
}

static int walk_once(struct walk *w, struct ff_err *err)
{
    const bool in_pages = w->fn && w->left > PAGE_ROWS;
    int code = pg_connect(w->s, true, err);

    if (code == FF_OK)
        code = pg_cache_trim(w->s, err);
    if (code != FF_OK)
        return code;
    w->page = in_pages ? PAGE_ROWS : 0;
    if (in_pages)
        want_cursor(w);
    return in_pages || (w->after && !compares_as_row(w)) ? walk_in_transaction(w, err)
                                                         : walk_page(w, err);
}

/* As long as no row was given it may begin again, on another connection. Who had none
 * has been patient already. */
static int walk(struct walk *w, const struct ff_query *query, struct ff_err *err)
{
    int code = check_query(w->s, query, &w->order, err);

    if (code != FF_OK)
        return code;
    for (int i = 0; i < 2; i++) {
        const bool was_connected = w->s->conn != NULL;

        walk_init(w, query);
        w->n = 0;
        code = walk_once(w, err);
        if (code != FF_UNAVAILABLE || !was_connected || w->s->conn ||
            (w->fn && w->n > 0))
            break;
    }
    pg_text_done(&w->kept);
    return code;
}

int pg_scan(void *store, const struct ff_query *query, ff_row_fn *fn, void *arg,
            struct ff_err *err)
{
    struct walk w = {.s = store, .fn = fn, .arg = arg};

    return walk(&w, query, err);
}

int pg_count(void *store, const struct ff_query *query, uint64_t *n, struct ff_err *err)
{
    struct walk w = {.s = store};
    const int code = walk(&w, query, err);

    if (code == FF_OK)
        *n = w.n;
    return code;
}
