/* store-lmdb/session.c - transactions of a session, and how its program's records are
 * bound to what is in the file. The schema of the file can change under a session, when
 * a newer program sets it up; each transaction looks at the generation first. */
#include "store_lmdb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TRIES 8

/* --- binding --- */

static int bind_record(struct lmdb_session *s, const struct ff_record *record,
                       struct lmdb_binding *b, struct ff_err *err)
{
    struct lmdb_table *t = lmdb_catalog_find(lmdb_env_catalog(s->env), record->name);

    if (!t)
        return ff_fail(err, FF_CORRUPT, 0, "database %s: it has no record %s",
                       lmdb_env_path(s->env), record->name);
    *b = (struct lmdb_binding){.record = record, .table = t};
    for (uint16_t i = 0; i < record->n_columns; i++) {
        b->columns[i] = lmdb_table_column(t, record->columns[i].name);
        if (b->columns[i] == LMDB_MAX_COLUMNS)
            return ff_fail(err, FF_CORRUPT, 0, "database %s: %s has no column %s",
                           lmdb_env_path(s->env), record->name,
                           record->columns[i].name);
    }
    for (uint16_t i = 0; i < record->n_indexes; i++) {
        b->indexes[i] = lmdb_table_index(t, record->indexes[i].name);
        if (!b->indexes[i])
            return ff_fail(err, FF_CORRUPT, 0, "database %s: %s has no index %s",
                           lmdb_env_path(s->env), record->name,
                           record->indexes[i].name);
    }
    return FF_OK;
}

int lmdb_bind(struct lmdb_session *s, struct ff_err *err)
{
    size_t n = 0;

    if (!s->schema)
        return FF_OK;
    while (s->schema->records[n])
        n++;

    struct lmdb_binding *bindings = calloc(n + 1, sizeof(*bindings));
    int code = FF_OK;

    if (!bindings)
        return ff_fail(err, FF_NO_MEMORY, 0, "database %s: out of memory",
                       lmdb_env_path(s->env));
    for (size_t i = 0; i < n && code == FF_OK; i++)
        code = bind_record(s, s->schema->records[i], &bindings[i], err);
    if (code != FF_OK) {
        free(bindings);
        return code;
    }
    free(s->bindings);
    s->bindings = bindings;
    s->n_bindings = n;
    s->generation = lmdb_env_catalog(s->env)->generation;
    return FF_OK;
}

const struct lmdb_binding *lmdb_binding(const struct lmdb_session *s,
                                        const struct ff_record *record)
{
    for (size_t i = 0; i < s->n_bindings; i++)
        if (s->bindings[i].record == record)
            return &s->bindings[i];
    return NULL;
}

/* --- transactions --- */

static int renew_reader(struct lmdb_session *s, MDB_txn **txn)
{
    int result =
        s->reader ? mdb_txn_renew(s->reader)
                  : mdb_txn_begin(lmdb_env_mdb(s->env), NULL, MDB_RDONLY, &s->reader);

    if (result != 0 && result != MDB_MAP_RESIZED) {
        mdb_txn_abort(s->reader);
        s->reader = NULL;
    }
    *txn = s->reader;
    return result;
}

static int start(struct lmdb_session *s, bool write, MDB_txn **txn)
{
    return write ? mdb_txn_begin(lmdb_env_mdb(s->env), NULL, 0, txn)
                 : renew_reader(s, txn);
}

static void stop(struct lmdb_session *s, bool write, MDB_txn *txn)
{
    if (write)
        mdb_txn_abort(txn);
    else
        mdb_txn_reset(s->reader);
}

/* What stands in the way of the next try, put away; without the map. */
static int clear_way(struct lmdb_session *s, int result, int wait_ms,
                     struct ff_err *err)
{
    int n_dead = 0;

    if (result == MDB_MAP_RESIZED)
        return lmdb_adopt_size(s->env, wait_ms, err);
    if (result == 0)
        return lmdb_reload(s->env, wait_ms, err);
    if (result == MDB_READERS_FULL &&
        mdb_reader_check(lmdb_env_mdb(s->env), &n_dead) == 0 && n_dead > 0)
        return FF_OK;
    return lmdb_fail(s->env, result, "beginning a transaction", err);
}

/* One try, with the map: *result is LMDB's, 0 with *fits false for another schema. */
static int try_begin(struct lmdb_session *s, bool write, MDB_txn **txn, int *result,
                     bool *fits, struct ff_err *err)
{
    const struct lmdb_catalog *c = lmdb_env_catalog(s->env);
    uint64_t generation = 0;
    int code = FF_OK;

    *fits = false;
    *result = start(s, write, txn);
    if (*result != 0)
        return FF_OK;
    if (c->generation != 0)
        *result = lmdb_generation(*txn, lmdb_env_catalog_map(s->env), &generation);
    *fits = *result == 0 && generation == c->generation;
    if (*fits && s->generation != generation)
        code = lmdb_bind(s, err);
    if (!*fits || code != FF_OK)
        stop(s, write, *txn);
    return code;
}

static int begin(struct lmdb_session *s, bool write, MDB_txn **txn, struct ff_err *err)
{
    const int wait_ms = write ? LMDB_COMMIT_MS : LMDB_WAIT_MS;
    struct ff_err local;

    err = err ? err : &local;
    for (int i = 0; i < MAX_TRIES; i++) {
        bool fits = false;
        int result = 0;
        int code = lmdb_hold_map(s->env, wait_ms, err);

        if (code != FF_OK)
            return code;
        code = try_begin(s, write, txn, &result, &fits, err);
        if (code == FF_OK && fits)
            return FF_OK;
        lmdb_release_map(s->env);
        if (code == FF_OK)
            code = clear_way(s, result, wait_ms, err);
        if (code != FF_OK)
            return code;
    }
    return ff_fail(err, FF_BUSY, 0, "database %s: its schema or its size is changing",
                   lmdb_env_path(s->env));
}

int lmdb_begin_read(struct lmdb_session *s, MDB_txn **txn, struct ff_err *err)
{
    return begin(s, false, txn, err);
}

void lmdb_end_read(struct lmdb_session *s)
{
    mdb_txn_reset(s->reader);
    lmdb_release_map(s->env);
}

int lmdb_begin_write(struct lmdb_session *s, MDB_txn **txn, struct ff_err *err)
{
    return begin(s, true, txn, err);
}

int lmdb_end_write(struct lmdb_session *s, MDB_txn *txn, struct ff_err *err)
{
    const int result = mdb_txn_commit(txn);
    const int code = result == 0 ? FF_OK : lmdb_fail_commit(s->env, result, err);

    lmdb_release_map(s->env);
    return code;
}

void lmdb_abort_write(struct lmdb_session *s, MDB_txn *txn)
{
    mdb_txn_abort(txn);
    lmdb_release_map(s->env);
}
