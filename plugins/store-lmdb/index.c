/* store-lmdb/index.c - entries of an index: the indexed values, then the row's key, so
 * that every entry is there once and points to its row. */
#include "store_lmdb.h"

#include <errno.h>
#include <string.h>

size_t lmdb_index_key(const struct lmdb_table *t, const struct lmdb_index *index,
                      const struct ff_value *fields, struct lmdb_bytes *out)
{
    const size_t begun = out->len;

    for (uint16_t i = 0; i < index->n_columns; i++)
        lmdb_key_add(out, &fields[index->columns[i]]);

    const size_t indexed_len = out->len - begun;

    for (uint16_t i = 0; i < t->n_key; i++)
        lmdb_key_add(out, &fields[i]);
    return indexed_len;
}

int lmdb_put(MDB_txn *txn, MDB_dbi map, struct lmdb_bytes *packed, const MDB_val *key,
             const MDB_val *value)
{
    struct lmdb_place place;

    lmdb_entry_pack(packed, key->mv_data, key->mv_size, value->mv_data, value->mv_size);
    if (packed->failed)
        return ENOMEM;
    lmdb_place(&place, key->mv_data, key->mv_size);

    MDB_val data = {.mv_size = packed->len, .mv_data = packed->data};

    return mdb_put(txn, map, &place.key, &data, 0);
}

int lmdb_del(MDB_txn *txn, MDB_dbi map, const MDB_val *key)
{
    struct lmdb_place place;

    lmdb_place(&place, key->mv_data, key->mv_size);
    return mdb_del(txn, map, &place.key, NULL);
}

/* --- unique indexes --- */

bool lmdb_index_has_null(const struct lmdb_index *index, const struct ff_value *fields)
{
    for (uint16_t i = 0; i < index->n_columns; i++)
        if (!fields[index->columns[i]].type)
            return true;
    return false;
}

/* Entries with this indexed part, other than that of the row itself. */
static int find_other(struct lmdb_walk *w, const MDB_val *key, bool *found,
                      struct ff_err *err)
{
    struct lmdb_entry entry;
    int code = FF_OK;

    do
        code = lmdb_walk_next(w, &entry, found, err);
    while (code == FF_OK && *found && lmdb_key_compare(&entry.key, key) == 0);
    return code;
}

int lmdb_breaks_unique(struct lmdb_env *env, MDB_txn *txn,
                       const struct lmdb_index *index, const MDB_val *key,
                       size_t indexed_len, bool *breaks, struct ff_err *err)
{
    struct lmdb_bytes end = {0};
    struct lmdb_walk walk;

    *breaks = false;
    lmdb_bytes_add(&end, key->mv_data, indexed_len);
    lmdb_key_add_end(&end);
    if (end.failed) {
        lmdb_bytes_done(&end);
        return lmdb_fail(env, ENOMEM, index->name, err);
    }

    const struct lmdb_range range = {
        .low = {.mv_size = indexed_len, .mv_data = key->mv_data},
        .high = {.mv_size = end.len, .mv_data = end.data}};
    int code = lmdb_walk_init(&walk, env, txn, index->map, &range, err);

    if (code == FF_OK) {
        code = find_other(&walk, key, breaks, err);
        lmdb_walk_done(&walk);
    }
    lmdb_bytes_done(&end);
    return code;
}

int lmdb_enter(struct lmdb_session *s, MDB_txn *txn, const struct lmdb_index *index,
               const MDB_val *key, size_t indexed_len, struct ff_err *err)
{
    unsigned char split[4];
    const MDB_val value = {.mv_size = sizeof(split), .mv_data = split};

    lmdb_split_pack(split, indexed_len);

    const int result = lmdb_put(txn, index->map, &s->packed, key, &value);

    return result == 0 ? FF_OK : lmdb_fail(s->env, result, index->name, err);
}

/* --- an index that is new --- */

static int fill_row(struct lmdb_session *s, MDB_txn *txn, const struct lmdb_table *t,
                    const struct lmdb_index *index, const struct lmdb_entry *entry,
                    struct ff_err *err)
{
    struct ff_value fields[LMDB_MAX_COLUMNS];
    bool breaks = false;
    int code = FF_OK;

    if (!lmdb_row_unpack(&entry->value, fields, t->n_columns))
        return lmdb_fail_damaged(s->env, t->name, err);
    lmdb_bytes_clear(&s->entries);

    const size_t indexed_len = lmdb_index_key(t, index, fields, &s->entries);
    const MDB_val key = {.mv_size = s->entries.len, .mv_data = s->entries.data};

    if (s->entries.failed)
        return lmdb_fail(s->env, ENOMEM, index->name, err);
    if (index->unique && !lmdb_index_has_null(index, fields))
        code = lmdb_breaks_unique(s->env, txn, index, &key, indexed_len, &breaks, err);
    if (code == FF_OK && breaks)
        return ff_fail(err, FF_CONFLICT, 0,
                       "database %s: the unique index %s cannot be made: two rows have "
                       "the same values",
                       lmdb_env_path(s->env), index->name);
    return code == FF_OK ? lmdb_enter(s, txn, index, &key, indexed_len, err) : code;
}

int lmdb_fill_index(struct lmdb_session *s, MDB_txn *txn, const struct lmdb_table *t,
                    const struct lmdb_index *index, struct ff_err *err)
{
    const struct lmdb_range all = {.low = {.mv_size = 0, .mv_data = ""},
                                   .high = {.mv_size = 1, .mv_data = "\xff"}};
    struct lmdb_entry entry;
    struct lmdb_walk walk;
    bool found = true;
    int code = lmdb_walk_init(&walk, s->env, txn, t->map, &all, err);

    if (code != FF_OK)
        return code;
    while (code == FF_OK && found) {
        code = lmdb_walk_next(&walk, &entry, &found, err);
        if (code == FF_OK && found)
            code = fill_row(s, txn, t, index, &entry, err);
    }
    lmdb_walk_done(&walk);
    return code;
}
