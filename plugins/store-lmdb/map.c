/* store-lmdb/map.c - how large the map of the file is, and which schema is in it. Both
 * change only while no transaction of this process is open. */
#include "env_priv.h"

#include <errno.h>

/* --- the size of the map --- */

static int set_map_bytes(struct lmdb_env *env, size_t bytes, int wait_ms,
                         struct ff_err *err)
{
    int code = lmdb_hold_map_alone(env, wait_ms, err);

    if (code != FF_OK)
        return code;

    const int result = mdb_env_set_mapsize(env->mdb, bytes);

    lmdb_release_map(env);
    return result == 0 ? FF_OK : lmdb_fail(env, result, "its map", err);
}

int lmdb_adopt_size(struct lmdb_env *env, int wait_ms, struct ff_err *err)
{
    return set_map_bytes(env, 0, wait_ms, err);
}

static size_t map_bytes(const struct lmdb_env *env)
{
    MDB_envinfo info;

    mdb_env_info(env->mdb, &info);
    return info.me_mapsize;
}

size_t lmdb_whole_pages(size_t bytes)
{
    return bytes & ~(size_t)(LMDB_PAGE_BYTES - 1);
}

int lmdb_make_room(struct lmdb_env *env, bool deleting, struct ff_err *err)
{
    const size_t max = env->max_bytes;
    const size_t now = map_bytes(env);
    int n_dead = 0;

    /* A reader that was killed holds on to pages that nobody needs. */
    if (mdb_reader_check(env->mdb, &n_dead) == 0 && n_dead > 0)
        return FF_OK;
    if (now >= (deleting ? max + max / 2 : max))
        return ff_fail(err, FF_FULL, 0,
                       "database %s: it has reached its largest size of %zu MiB: raise "
                       "store-lmdb.max_size or delete old runs",
                       env->path, env->max_bytes >> 20);
    if (now >= max)
        return set_map_bytes(env, lmdb_whole_pages(now + max / 8), LMDB_COMMIT_MS, err);
    return set_map_bytes(env, now < max / 2 ? now * 2 : max, LMDB_COMMIT_MS, err);
}

/* What was deleted can be used again only after one commit more, which finds room in
 * the eighth that stays. */
void lmdb_give_back_room(struct lmdb_env *env)
{
    const size_t now = map_bytes(env);
    struct ff_err ignored;
    MDB_envinfo info;

    mdb_env_info(env->mdb, &info);

    const size_t used = (info.me_last_pgno + 1) * LMDB_PAGE_BYTES;
    const size_t kept = lmdb_whole_pages(used + env->max_bytes / 8);

    if (now > env->max_bytes)
        set_map_bytes(env, kept > env->max_bytes ? kept : env->max_bytes,
                      LMDB_COMMIT_MS, &ignored);
}

/* While a copy is made the map cannot move: twice the room keeps commits going. */
void lmdb_reserve_room(struct lmdb_env *env)
{
    const size_t now = map_bytes(env);
    struct ff_err ignored;

    if (now < env->max_bytes)
        set_map_bytes(env, now < env->max_bytes / 2 ? now * 2 : env->max_bytes,
                      LMDB_COMMIT_MS, &ignored);
}

/* --- the catalog --- */

static int open_catalog_map(struct lmdb_env *env, MDB_txn *txn)
{
    const int result = env->has_catalog_map
                           ? 0
                           : mdb_dbi_open(txn, LMDB_CATALOG_MAP, 0, &env->catalog_map);

    env->has_catalog_map = result == 0;
    return result;
}

static int read_catalog(struct lmdb_env *env, MDB_txn *txn, struct lmdb_catalog *c)
{
    MDB_val key = {.mv_size = sizeof(LMDB_CATALOG_KEY) - 1,
                   .mv_data = (void *)LMDB_CATALOG_KEY};
    MDB_val text;
    int result = open_catalog_map(env, txn);

    if (result == 0)
        result = lmdb_generation(txn, env->catalog_map, &c->generation);
    if (result == 0)
        result = mdb_get(txn, env->catalog_map, &key, &text);
    if (result == 0 && !lmdb_catalog_read(c, text.mv_data, text.mv_size))
        result = MDB_CORRUPTED;
    if (result == 0)
        result = lmdb_catalog_open(c, txn, 0);
    return result;
}

/* With the map alone, which another process may have made larger meanwhile. */
static int begin_alone(struct lmdb_env *env, MDB_txn **txn)
{
    int result = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, txn);

    if (result == MDB_MAP_RESIZED)
        result = mdb_env_set_mapsize(env->mdb, 0);
    else
        return result;
    return result == 0 ? mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, txn) : result;
}

/* With the map alone. A file without a catalog has an empty one. */
int lmdb_read_catalog(struct lmdb_env *env, struct ff_err *err)
{
    struct lmdb_catalog *c = lmdb_catalog_new();
    MDB_txn *txn = NULL;
    int result = c ? begin_alone(env, &txn) : ENOMEM;

    if (result == 0)
        result = read_catalog(env, txn, c);
    if (result == MDB_NOTFOUND && !env->has_catalog_map)
        result = 0;
    /* Only a transaction that is committed keeps the maps that it opened. */
    if (result == 0)
        result = mdb_txn_commit(txn);
    else
        mdb_txn_abort(txn);
    if (result != 0) {
        lmdb_catalog_free(c);
        return lmdb_fail(env, result, "its schema", err);
    }
    /* Sessions are bound to the one that is there: the same again changes nothing. */
    if (env->catalog && env->catalog->generation == c->generation) {
        lmdb_catalog_free(c);
        return FF_OK;
    }
    lmdb_catalog_free(env->catalog);
    env->catalog = c;
    return FF_OK;
}

int lmdb_reload(struct lmdb_env *env, int wait_ms, struct ff_err *err)
{
    int code = lmdb_hold_map_alone(env, wait_ms, err);

    if (code != FF_OK)
        return code;
    code = lmdb_read_catalog(env, err);
    lmdb_release_map(env);
    return code;
}

int lmdb_env_set_catalog(struct lmdb_env *env, struct lmdb_catalog *catalog,
                         MDB_dbi map, struct ff_err *err)
{
    const int code = lmdb_hold_map_alone(env, LMDB_WAIT_MS, err);

    if (code != FF_OK)
        return code;
    if (env->catalog && env->catalog->generation == catalog->generation) {
        /* Another session has read it since the commit, and is bound to it. */
        lmdb_catalog_free(catalog);
    } else {
        lmdb_catalog_free(env->catalog);
        env->catalog = catalog;
        env->catalog_map = map;
        env->has_catalog_map = true;
    }
    lmdb_release_map(env);
    return FF_OK;
}
