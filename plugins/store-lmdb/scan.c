/* store-lmdb/scan.c - a query is a piece of one map: everything that it says becomes
 * the key where the walk begins and the key before which it ends. */
#include "store_lmdb.h"

#include <errno.h>
#include <string.h>

struct scan {
    struct lmdb_session *s;
    MDB_txn *txn;
    const struct ff_query *query;
    const struct lmdb_binding *binding;
    ff_row_fn *fn; /* NULL: only count */
    void *arg;
    uint64_t n;
};

/* --- the question --- */

static uint32_t n_index_columns(const struct ff_query *q)
{
    return q->index < 0 ? q->record->n_key : q->record->indexes[q->index].n_columns;
}

/* Columns of the index (none for -1), then those of the key. */
static uint16_t order_column(const struct ff_query *q, uint32_t i)
{
    const uint32_t n = q->index < 0 ? 0 : q->record->indexes[q->index].n_columns;

    return i < n ? q->record->indexes[q->index].columns[i] : (uint16_t)(i - n);
}

static uint32_t order_length(const struct ff_query *q)
{
    return (q->index < 0 ? 0U : n_index_columns(q)) + q->record->n_key;
}

/* Asking for null is right everywhere, even where there is none. */
static bool stored_bound(const struct ff_query *q, uint32_t i,
                         const struct ff_value *value, struct ff_value *stored)
{
    *stored = (struct ff_value){0};
    return !value->type ||
           lmdb_stored_value(&q->record->columns[order_column(q, i)], value, stored);
}

static bool add_bounds(const struct ff_query *q, struct lmdb_bytes *key,
                       const struct ff_value *values, uint32_t from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct ff_value stored;

        if (!stored_bound(q, from + i, &values[i], &stored))
            return false;
        lmdb_key_add(key, &stored);
    }
    return true;
}

static int compare(const struct lmdb_bytes *a, const struct lmdb_bytes *b)
{
    const MDB_val x = {.mv_size = a->len, .mv_data = a->data};
    const MDB_val y = {.mv_size = b->len, .mv_data = b->data};

    return lmdb_key_compare(&x, &y);
}

static void copy(struct lmdb_bytes *to, const struct lmdb_bytes *from)
{
    lmdb_bytes_clear(to);
    lmdb_bytes_add(to, from->data, from->len);
    to->failed = to->failed || from->failed;
}

/* From and below are about the column behind the equal ones; both leave out nulls. */
static bool make_range(const struct ff_query *q, struct lmdb_bytes *low,
                       struct lmdb_bytes *high)
{
    bool right = add_bounds(q, low, q->equal, 0, q->n_equal);

    copy(high, low);
    if (q->from)
        right = right && q->from->type && add_bounds(q, low, q->from, q->n_equal, 1);
    else if (q->below)
        lmdb_key_add_not_null(low);
    if (q->below)
        right = right && q->below->type && add_bounds(q, high, q->below, q->n_equal, 1);
    else
        lmdb_key_add_end(high);
    return right;
}

/* Behind the cursor, or before it. */
static bool make_cursor(struct lmdb_session *s, const struct ff_query *q)
{
    const bool descending = q->flags & FF_DESCENDING;

    if (!add_bounds(q, &s->key, q->after, 0, order_length(q)))
        return false;
    if (!descending)
        lmdb_bytes_add_byte(&s->key, 0);
    if (descending && compare(&s->key, &s->high) < 0)
        copy(&s->high, &s->key);
    if (!descending && compare(&s->key, &s->low) > 0)
        copy(&s->low, &s->key);
    return true;
}

static int check_query(const struct scan *scan, struct ff_err *err)
{
    const struct ff_query *q = scan->query;
    const char *path = lmdb_env_path(scan->s->env);

    if (!scan->binding || q->index < -1 || q->index >= q->record->n_indexes)
        return ff_fail(err, FF_INVALID, 0,
                       "database %s: a query of an unknown record or index", path);

    const uint32_t n = n_index_columns(q);

    if (q->n_equal > n || ((q->from || q->below) && q->n_equal >= n))
        return ff_fail(err, FF_INVALID, 0,
                       "database %s: %s: a query beyond the columns of its index", path,
                       q->record->name);
    return FF_OK;
}

static int make_bounds(struct scan *scan, struct ff_err *err)
{
    struct lmdb_session *s = scan->s;
    const struct ff_query *q = scan->query;

    lmdb_bytes_clear(&s->low);
    lmdb_bytes_clear(&s->high);
    lmdb_bytes_clear(&s->key); /* which may have failed the last time */
    if (!make_range(q, &s->low, &s->high) || (q->after && !make_cursor(s, q)))
        return ff_fail(err, FF_INVALID, 0,
                       "database %s: %s: a query with a value that its column cannot "
                       "hold",
                       lmdb_env_path(s->env), q->record->name);
    return s->low.failed || s->high.failed || s->key.failed
               ? lmdb_fail(s->env, ENOMEM, q->record->name, err)
               : FF_OK;
}

/* --- rows --- */

static bool read_enum(const struct ff_column *column, const struct ff_value *field,
                      struct ff_value *value)
{
    for (int64_t i = 0; column->names[i]; i++) {
        if (strcmp(column->names[i], field->s) != 0)
            continue;
        *value = (struct ff_value){.type = FF_ENUM, .i = i};
        return true;
    }
    return false;
}

static int read_value(const struct scan *scan, uint16_t i, const struct ff_value *field,
                      struct ff_value *value, struct ff_err *err)
{
    const struct ff_record *r = scan->query->record;
    const struct ff_column *column = &r->columns[i];
    const bool is_text = column->type == FF_TEXT || column->type == FF_BYTES ||
                         column->type == FF_JSON || column->type == FF_ENUM;

    *value = (struct ff_value){0};
    if (!field->type)
        return FF_OK;
    if (is_text != (field->type == FF_BYTES))
        return lmdb_fail_damaged(scan->s->env, r->name, err);
    *value = *field;
    value->type = column->type;
    if (column->type != FF_ENUM || read_enum(column, field, value))
        return FF_OK;
    return ff_fail(err, FF_CORRUPT, 0,
                   "database %s: %s.%s has the unknown name \"%.40s\"",
                   lmdb_env_path(scan->s->env), r->name, column->name, field->s);
}

static int give_row(struct scan *scan, const MDB_val *row, bool *stop,
                    struct ff_err *err)
{
    const struct ff_query *q = scan->query;
    struct ff_value fields[LMDB_MAX_COLUMNS];
    struct ff_value values[LMDB_MAX_COLUMNS];
    int code = FF_OK;

    if (!lmdb_row_unpack(row, fields, scan->binding->table->n_columns))
        return lmdb_fail_damaged(scan->s->env, q->record->name, err);
    for (uint16_t i = 0; i < q->record->n_columns && code == FF_OK; i++) {
        values[i] = (struct ff_value){0};
        if (!q->want || q->want >> i & 1)
            code = read_value(scan, i, &fields[scan->binding->columns[i]], &values[i],
                              err);
    }
    if (code == FF_OK)
        *stop = scan->fn(scan->arg, values) != 0;
    return code;
}

/* The row that an entry of an index points to. */
static int follow(struct scan *scan, struct lmdb_entry *entry, struct ff_err *err)
{
    const struct lmdb_table *t = scan->binding->table;
    struct lmdb_place place;
    MDB_val row_key;
    MDB_val data;

    if (!lmdb_split_unpack(entry, &row_key))
        return lmdb_fail_damaged(scan->s->env, t->name, err);
    lmdb_place(&place, row_key.mv_data, row_key.mv_size);

    const int result = mdb_get(scan->txn, t->map, &place.key, &data);

    if (result != 0 && result != MDB_NOTFOUND)
        return lmdb_fail(scan->s->env, result, t->name, err);
    if (result == MDB_NOTFOUND || !lmdb_entry_unpack(entry, &place.key, &data))
        return lmdb_fail_damaged(scan->s->env, t->name, err);
    return FF_OK;
}

static int walk_rows(struct scan *scan, struct lmdb_walk *walk, struct ff_err *err)
{
    const uint64_t limit = scan->query->limit ? scan->query->limit : UINT64_MAX;
    struct lmdb_entry entry;
    bool stop = false;
    int code = FF_OK;

    while (code == FF_OK && !stop && scan->n < limit) {
        bool found = false;

        code = lmdb_walk_next(walk, &entry, &found, err);
        if (code != FF_OK || !found)
            break;
        scan->n++;
        if (!scan->fn)
            continue;
        if (scan->query->index >= 0)
            code = follow(scan, &entry, err);
        if (code == FF_OK)
            code = give_row(scan, &entry.value, &stop, err);
    }
    return code;
}

static int run(struct scan *scan, struct ff_err *err)
{
    struct lmdb_session *s = scan->s;
    const struct ff_query *q = scan->query;
    struct lmdb_walk walk;
    int code;

    scan->binding = lmdb_binding(s, q->record);
    code = check_query(scan, err);
    if (code == FF_OK)
        code = make_bounds(scan, err);
    if (code != FF_OK)
        return code;

    const struct lmdb_range range = {
        .low = {.mv_size = s->low.len, .mv_data = s->low.data},
        .high = {.mv_size = s->high.len, .mv_data = s->high.data},
        .descending = q->flags & FF_DESCENDING};
    const MDB_dbi map = q->index < 0 ? scan->binding->table->map
                                     : scan->binding->indexes[q->index]->map;

    if (lmdb_key_compare(&range.low, &range.high) >= 0)
        return FF_OK;
    code = lmdb_walk_init(&walk, s->env, scan->txn, map, &range, err);
    if (code != FF_OK)
        return code;
    code = walk_rows(scan, &walk, err);
    lmdb_walk_done(&walk);
    return code;
}

static int read_rows(struct scan *scan, struct ff_err *err)
{
    int code = lmdb_env_check(scan->s->env, err);

    if (code == FF_OK)
        code = lmdb_begin_read(scan->s, &scan->txn, err);
    if (code != FF_OK)
        return code;
    code = run(scan, err);
    lmdb_end_read(scan->s);
    return code;
}

int lmdb_scan(void *store, const struct ff_query *query, ff_row_fn *fn, void *arg,
              struct ff_err *err)
{
    struct scan scan = {.s = store, .query = query, .fn = fn, .arg = arg};

    return read_rows(&scan, err);
}

int lmdb_count(void *store, const struct ff_query *query, uint64_t *n,
               struct ff_err *err)
{
    struct scan scan = {.s = store, .query = query};
    const int code = read_rows(&scan, err);

    if (code == FF_OK)
        *n = scan.n;
    return code;
}
