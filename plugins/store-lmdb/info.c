/* store-lmdb/info.c - what the maps of the file take, in whole pages. */
#include "store_lmdb.h"

#include <string.h>

/* Adds the map's pages; its entries. */
static int add_map(MDB_txn *txn, MDB_dbi map, int64_t *bytes, int64_t *n)
{
    MDB_stat stat;
    const int result = mdb_stat(txn, map, &stat);

    if (result != 0)
        return result;
    *bytes +=
        (int64_t)stat.ms_psize *
        (int64_t)(stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages);
    *n = (int64_t)stat.ms_entries;
    return 0;
}

static int tell_table(MDB_txn *txn, const struct lmdb_table *t, ff_store_part_fn *fn,
                      void *arg, bool *more)
{
    struct ff_store_part part = {
        .struct_size = sizeof(part), .name = t->name, .unused_bytes = -1};
    int64_t n;
    int result = add_map(txn, t->map, &part.bytes, &part.rows);

    for (uint16_t i = 0; i < t->n_indexes && result == 0; i++)
        result = add_map(txn, t->indexes[i].map, &part.index_bytes, &n);
    part.bytes += part.index_bytes;
    *more = result == 0 && fn(arg, &part) == 0;
    return result;
}

/* LMDB's own map 0 lists pages that nothing uses: each value begins with how many. */
static int count_free(MDB_txn *txn, int64_t *n)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    int result = mdb_cursor_open(txn, 0, &cursor);

    if (result != 0)
        return result;
    while ((result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        size_t pages = 0;

        if (value.mv_size >= sizeof(pages))
            memcpy(&pages, value.mv_data, sizeof(pages));
        *n += (int64_t)pages;
    }
    mdb_cursor_close(cursor);
    return result == MDB_NOTFOUND ? 0 : result;
}

static int look(struct lmdb_session *s, MDB_txn *txn, struct ff_store_info *info,
                ff_store_part_fn *fn, void *arg)
{
    const struct lmdb_catalog *c = lmdb_env_catalog(s->env);
    MDB_envinfo env;
    MDB_stat stat;
    int64_t n_free = 0;
    bool more = fn != NULL;
    int result = count_free(txn, &n_free);

    mdb_env_info(lmdb_env_mdb(s->env), &env);
    mdb_env_stat(lmdb_env_mdb(s->env), &stat);
    info->schema_version = c->version;
    if (FF_HAS(info, min_version))
        info->min_version = c->min_version;
    info->bytes = (int64_t)(env.me_last_pgno + 1) * (int64_t)stat.ms_psize;
    info->free_bytes = n_free * (int64_t)stat.ms_psize;
    snprintf(info->engine, sizeof(info->engine), "LMDB %d.%d.%d", MDB_VERSION_MAJOR,
             MDB_VERSION_MINOR, MDB_VERSION_PATCH);
    for (size_t i = 0; i < c->n_tables && more && result == 0; i++)
        result = tell_table(txn, c->tables[i], fn, arg, &more);
    return result;
}

int lmdb_info(void *store, struct ff_store_info *info, ff_store_part_fn *fn, void *arg,
              struct ff_err *err)
{
    struct lmdb_session *s = store;
    MDB_txn *txn;
    int result;
    const int code = lmdb_begin_read(s, &txn, err);

    if (code != FF_OK)
        return code;
    result = look(s, txn, info, fn, arg);
    lmdb_end_read(s);
    return result == 0 ? FF_OK : lmdb_fail(s->env, result, "what it takes", err);
}
