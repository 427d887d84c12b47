/* store-lmdb/commit.c - one group of changes as one write transaction: guards are
 * judged, rows and the entries of their indexes written, two flushes.
 *
 * A map that is too small is found out in the middle: the transaction is thrown away,
 * the map made larger, and everything done again. */
#include "store_lmdb.h"

#include <errno.h>
#include <string.h>

#define MAX_TRIES 64 /* doubling the map each time is enough for any disk */

/* One row on its way from what it was to what it will be. */
struct row_change {
    const struct ff_change *change;
    const struct lmdb_binding *binding;
    MDB_val key;
    bool was_there, will_be_there;
    struct ff_value old[LMDB_MAX_COLUMNS], new[LMDB_MAX_COLUMNS];
};

/* Entries of one index, as places in the session's buffer. */
struct entry_change {
    size_t old_at, new_at, end;
    size_t indexed_len; /* of the new one */
};

/* --- what is asked for --- */

static bool guard_makes_sense(const struct ff_change *c)
{
    if (c->expect == FF_ABSENT)
        return c->kind == FF_PUT || c->kind == FF_CHECK;
    return c->expect > 0 || c->expect == FF_ANY_VERSION;
}

/* What the record holds beside its key and version. */
static uint64_t settable(const struct ff_record *r)
{
    const uint64_t all = r->n_columns >= LMDB_MAX_COLUMNS
                             ? ~UINT64_C(0)
                             : (UINT64_C(1) << r->n_columns) - 1;

    return all & ~((UINT64_C(2) << r->n_key) - 1);
}

static uint64_t written_columns(const struct ff_change *c)
{
    if (c->kind == FF_PUT)
        return settable(c->record);
    return c->kind == FF_PATCH ? c->set : 0;
}

static int take_value(const struct lmdb_session *s, const struct ff_change *c,
                      uint16_t column, struct ff_value *stored, struct ff_err *err)
{
    const struct ff_column *described = &c->record->columns[column];

    if (lmdb_stored_value(described, &c->values[column], stored))
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0, "database %s: %s.%s cannot hold this value",
                   lmdb_env_path(s->env), c->record->name, described->name);
}

static int take_key(struct lmdb_session *s, struct row_change *row, struct ff_err *err)
{
    lmdb_bytes_clear(&s->key);
    for (uint16_t i = 0; i < row->change->record->n_key; i++) {
        if (take_value(s, row->change, i, &row->new[i], err) != FF_OK)
            return FF_INVALID;
        lmdb_key_add(&s->key, &row->new[i]);
    }
    if (s->key.failed)
        return lmdb_fail(s->env, ENOMEM, row->change->record->name, err);
    row->key = (MDB_val){.mv_size = s->key.len, .mv_data = s->key.data};
    return FF_OK;
}

/* Every value that the change reads is looked at before any guard. */
static int check_change(struct lmdb_session *s, struct row_change *row,
                        struct ff_err *err)
{
    const struct ff_change *c = row->change;
    const char *path = lmdb_env_path(s->env);
    struct ff_value ignored;

    row->binding = lmdb_binding(s, c->record);
    if (c->kind < FF_PUT || c->kind > FF_CHECK || !row->binding)
        return ff_fail(err, FF_INVALID, 0,
                       "database %s: a change of unknown kind or record", path);
    if (!guard_makes_sense(c))
        return ff_fail(err, FF_INVALID, 0, "database %s: %s: a guard that cannot hold",
                       path, c->record->name);
    if (written_columns(c) & ~settable(c->record))
        return ff_fail(err, FF_INVALID, 0,
                       "database %s: %s: a patch of its key or version", path,
                       c->record->name);
    for (uint16_t i = 0; i < c->record->n_columns; i++)
        if (written_columns(c) >> i & 1 && take_value(s, c, i, &ignored, err) != FF_OK)
            return FF_INVALID;
    return take_key(s, row, err);
}

/* --- what is there --- */

static int read_old(struct lmdb_session *s, MDB_txn *txn, struct row_change *row,
                    struct ff_err *err)
{
    const struct lmdb_table *t = row->binding->table;
    struct lmdb_entry entry;
    struct lmdb_place place;
    MDB_val data;

    lmdb_place(&place, row->key.mv_data, row->key.mv_size);

    const int result = mdb_get(txn, t->map, &place.key, &data);

    row->was_there = result == 0;
    if (result == MDB_NOTFOUND)
        return FF_OK;
    if (result != 0)
        return lmdb_fail(s->env, result, t->name, err);
    if (!lmdb_entry_unpack(&entry, &place.key, &data) ||
        !lmdb_row_unpack(&entry.value, row->old, t->n_columns))
        return lmdb_fail_damaged(s->env, t->name, err);
    return FF_OK;
}

static bool guard_holds(const struct row_change *row)
{
    const struct ff_change *c = row->change;

    if (!row->was_there)
        return c->expect == FF_ABSENT || (c->expect == FF_ANY_VERSION &&
                                          (c->kind == FF_PUT || c->kind == FF_DELETE));
    return c->expect == FF_ANY_VERSION || row->old[c->record->n_key].i == c->expect;
}

/* --- what it becomes --- */

/* Columns that only a newer program knows stay as they are. */
static void make_new(const struct lmdb_session *s, struct row_change *row)
{
    const struct ff_change *c = row->change;
    const struct lmdb_binding *b = row->binding;
    const uint64_t written = written_columns(c);

    for (uint16_t i = 0; i < b->table->n_columns; i++)
        row->new[i] = row->was_there ? row->old[i] : (struct ff_value){0};
    for (uint16_t i = 0; i < c->record->n_columns; i++)
        if (i < c->record->n_key || written >> i & 1)
            take_value(s, c, i, &row->new[b->columns[i]], NULL);
    row->new[c->record->n_key] = (struct ff_value){
        .type = FF_INT, .i = row->was_there ? row->old[c->record->n_key].i + 1 : 1};
    row->will_be_there = true;
}

/* Old values lie in the file, where the first write may move them: all entries and the
 * new row are made before. */
static int make_entries(struct lmdb_session *s, const struct row_change *row,
                        struct entry_change *entries, struct ff_err *err)
{
    const struct lmdb_table *t = row->binding->table;

    lmdb_bytes_clear(&s->entries);
    for (uint16_t i = 0; i < t->n_indexes; i++) {
        struct entry_change *e = &entries[i];

        e->old_at = s->entries.len;
        if (row->was_there)
            lmdb_index_key(t, &t->indexes[i], row->old, &s->entries);
        e->new_at = s->entries.len;
        if (row->will_be_there)
            e->indexed_len = lmdb_index_key(t, &t->indexes[i], row->new, &s->entries);
        e->end = s->entries.len;
    }
    lmdb_bytes_clear(&s->row);
    if (row->will_be_there)
        lmdb_row_pack(&s->row, row->new, t->n_columns);
    return s->entries.failed || s->row.failed ? lmdb_fail(s->env, ENOMEM, t->name, err)
                                              : FF_OK;
}

static MDB_val old_entry(const struct lmdb_session *s, const struct entry_change *e)
{
    return (MDB_val){.mv_size = e->new_at - e->old_at,
                     .mv_data = s->entries.data + e->old_at};
}

static MDB_val new_entry(const struct lmdb_session *s, const struct entry_change *e)
{
    return (MDB_val){.mv_size = e->end - e->new_at,
                     .mv_data = s->entries.data + e->new_at};
}

static bool entry_stays(const struct lmdb_session *s, const struct entry_change *e)
{
    const MDB_val old = old_entry(s, e);
    const MDB_val new = new_entry(s, e);

    return lmdb_key_compare(&old, &new) == 0;
}

static int check_unique(struct lmdb_session *s, MDB_txn *txn,
                        const struct row_change *row,
                        const struct entry_change *entries, struct ff_err *err)
{
    const struct lmdb_table *t = row->binding->table;

    for (uint16_t i = 0; i < t->n_indexes && row->will_be_there; i++) {
        const struct lmdb_index *index = &t->indexes[i];
        const MDB_val key = new_entry(s, &entries[i]);
        bool breaks = false;

        if (!index->unique || entry_stays(s, &entries[i]) ||
            lmdb_index_has_null(index, row->new))
            continue;

        const int code = lmdb_breaks_unique(s->env, txn, index, &key,
                                            entries[i].indexed_len, &breaks, err);

        if (code != FF_OK)
            return code;
        if (breaks)
            return ff_fail(
                err, FF_CONFLICT, 0,
                "database %s: %s: the unique index %s has this value already",
                lmdb_env_path(s->env), t->name, index->name);
    }
    return FF_OK;
}

/* --- writing it --- */

static int write_entries(struct lmdb_session *s, MDB_txn *txn,
                         const struct row_change *row,
                         const struct entry_change *entries, struct ff_err *err)
{
    const struct lmdb_table *t = row->binding->table;
    int code = FF_OK;

    for (uint16_t i = 0; i < t->n_indexes && code == FF_OK; i++) {
        const struct entry_change *e = &entries[i];
        const struct lmdb_index *index = &t->indexes[i];
        const MDB_val old = old_entry(s, e);
        const MDB_val new = new_entry(s, e);
        int result = 0;

        if (entry_stays(s, e))
            continue;
        if (row->was_there)
            result = lmdb_del(txn, index->map, &old);
        if (result == MDB_NOTFOUND)
            return lmdb_fail_damaged(s->env, index->name, err);
        if (result != 0)
            return lmdb_fail(s->env, result, index->name, err);
        if (row->will_be_there)
            code = lmdb_enter(s, txn, index, &new, e->indexed_len, err);
    }
    return code;
}

static int write_row(struct lmdb_session *s, MDB_txn *txn, const struct row_change *row,
                     struct ff_err *err)
{
    const struct lmdb_table *t = row->binding->table;
    const MDB_val value = {.mv_size = s->row.len, .mv_data = s->row.data};
    int result = 0;

    if (row->will_be_there)
        result = lmdb_put(txn, t->map, &s->packed, &row->key, &value);
    else if (row->was_there)
        result = lmdb_del(txn, t->map, &row->key);
    return result == 0 ? FF_OK : lmdb_fail(s->env, result, t->name, err);
}

static int apply(struct lmdb_session *s, MDB_txn *txn, const struct ff_change *change,
                 struct ff_err *err)
{
    struct row_change row = {.change = change};
    struct entry_change entries[LMDB_MAX_INDEXES];
    int code = check_change(s, &row, err);

    if (code == FF_OK)
        code = read_old(s, txn, &row, err);
    if (code != FF_OK)
        return code;
    if (!guard_holds(&row))
        return ff_fail(err, FF_CONFLICT, 0,
                       "database %s: %s: the row is not as expected",
                       lmdb_env_path(s->env), change->record->name);
    if (change->kind == FF_CHECK)
        return FF_OK;
    if (change->kind != FF_DELETE)
        make_new(s, &row);
    code = make_entries(s, &row, entries, err);
    if (code == FF_OK)
        code = check_unique(s, txn, &row, entries, err);
    if (code == FF_OK)
        code = write_entries(s, txn, &row, entries, err);
    return code == FF_OK ? write_row(s, txn, &row, err) : code;
}

static int try_commit(struct lmdb_session *s, const struct ff_change *changes, size_t n,
                      size_t *failed, struct ff_err *err)
{
    MDB_txn *txn;
    int code = lmdb_begin_write(s, &txn, err);

    if (code != FF_OK)
        return code;
    for (size_t i = 0; i < n; i++) {
        code = apply(s, txn, &changes[i], err);
        if (code == FF_OK)
            continue;
        lmdb_abort_write(s, txn);
        if (failed)
            *failed = i;
        return code;
    }
    return lmdb_end_write(s, txn, err);
}

/* A full store must take the deletes that empty it. */
static bool only_deletes(const struct ff_change *changes, size_t n)
{
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        if (changes[i].kind == FF_PUT)
            return false;
        any = any || changes[i].kind == FF_DELETE;
    }
    return any;
}

int lmdb_commit(void *store, const struct ff_change *changes, size_t n, size_t *failed,
                struct ff_err *err)
{
    struct lmdb_session *s = store;
    const bool deleting = only_deletes(changes, n);
    struct ff_err local;
    bool made_room = false;

    err = err ? err : &local;

    int code = lmdb_env_check(s->env, err);

    if (code == FF_OK)
        code = lmdb_lock_writer(s->env, LMDB_COMMIT_MS, err);
    if (code != FF_OK)
        return code;
    for (int i = 0; i < MAX_TRIES; i++) {
        code = try_commit(s, changes, n, failed, err);
        if (code == FF_OK || !lmdb_wants_room(err))
            break;
        code = lmdb_make_room(s->env, deleting, err);
        if (code != FF_OK)
            break;
        made_room = true;
    }
    if (made_room && deleting)
        lmdb_give_back_room(s->env);
    lmdb_unlock_writer(s->env);
    return code;
}
