/* store-lmdb/setup.c - makes the maps, or brings them up to the schema, in one write
 * transaction. Rows are never rewritten: a field that a row does not have is null. */
#include "store_lmdb.h"

#include <errno.h>
#include <string.h>

#define MAX_TRIES      64
#define MAX_NAME_BYTES 200

/* --- is it of a shape that can be stored? --- */

static bool name_is_plain(const char *name)
{
    const size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz"
                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");

    return len > 0 && len <= MAX_NAME_BYTES && !name[len];
}

static bool column_is_right(const struct ff_record *r, uint16_t i)
{
    const struct ff_column *c = &r->columns[i];

    return name_is_plain(c->name) && c->type >= FF_INT && c->type <= FF_ENUM &&
           (c->type != FF_ENUM || c->names) &&
           (i > r->n_key || !(c->flags & FF_COL_NULLABLE));
}

static int check_record(const struct ff_record *r, struct ff_err *err)
{
    bool right = r->n_columns > r->n_key && r->n_key > 0 &&
                 r->n_columns <= LMDB_MAX_COLUMNS && r->n_indexes <= LMDB_MAX_INDEXES &&
                 name_is_plain(r->name);

    for (uint16_t i = 0; right && i < r->n_columns; i++)
        right = column_is_right(r, i);
    for (uint16_t i = 0; right && i < r->n_indexes; i++)
        right = name_is_plain(r->indexes[i].name) && r->indexes[i].n_columns > 0 &&
                r->indexes[i].n_columns <= LMDB_MAX_COLUMNS;
    if (right && strcmp(r->columns[r->n_key].name, "version") == 0)
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0, "record %s: not of a shape that can be stored",
                   r->name);
}

/* --- the catalog as it will be --- */

struct upgrade {
    struct lmdb_session *s;
    MDB_txn *txn;
    const struct ff_schema *schema;
    struct lmdb_catalog *catalog;
    /* Indexes to fill, by table and place. */
    struct {
        struct lmdb_table *table;
        uint16_t index;
        bool empty_first;
    } fills[LMDB_MAX_MAPS];
    size_t n_fills;
};

static int add_column(struct upgrade *u, struct lmdb_table *t,
                      const struct ff_column *column, struct ff_err *err)
{
    if (t->n_columns == LMDB_MAX_COLUMNS)
        return ff_fail(err, FF_UNSUPPORTED, 0,
                       "database %s: %s would have more than %d columns",
                       lmdb_env_path(u->s->env), t->name, LMDB_MAX_COLUMNS);
    t->columns[t->n_columns].type = column->type;
    t->columns[t->n_columns].name = strdup(column->name);
    if (!t->columns[t->n_columns].name)
        return lmdb_fail(u->s->env, ENOMEM, t->name, err);
    t->n_columns++;
    return FF_OK;
}

static int merge_column(struct upgrade *u, struct lmdb_table *t,
                        const struct ff_record *r, uint16_t i, bool is_new,
                        struct ff_err *err)
{
    const struct ff_column *column = &r->columns[i];
    const char *path = lmdb_env_path(u->s->env);
    const uint16_t at = lmdb_table_column(t, column->name);

    if (at == LMDB_MAX_COLUMNS) {
        if (is_new || (column->flags & FF_COL_NULLABLE && i > r->n_key))
            return add_column(u, t, column, err);
        return ff_fail(err, FF_CORRUPT, 0, "database %s: %s has no column %s", path,
                       r->name, column->name);
    }
    if (t->columns[at].type != column->type || (i <= r->n_key && at != i))
        return ff_fail(err, FF_CORRUPT, 0,
                       "database %s: %s.%s is of another type or at another place",
                       path, r->name, column->name);
    return FF_OK;
}

static bool same_index(const struct lmdb_index *a, const struct lmdb_index *b)
{
    return a->unique == b->unique && a->n_columns == b->n_columns &&
           memcmp(a->columns, b->columns, a->n_columns * sizeof(a->columns[0])) == 0;
}

static int merge_index(struct upgrade *u, struct lmdb_table *t,
                       const struct ff_record *r, const struct ff_index *index,
                       struct ff_err *err)
{
    struct lmdb_index wanted = {.unique = index->unique != 0,
                                .n_columns = index->n_columns};
    struct lmdb_index *there = lmdb_table_index(t, index->name);

    for (uint16_t i = 0; i < index->n_columns; i++)
        wanted.columns[i] = lmdb_table_column(t, r->columns[index->columns[i]].name);
    if (there && same_index(there, &wanted))
        return FF_OK;
    if ((!there && t->n_indexes == LMDB_MAX_INDEXES) || u->n_fills == LMDB_MAX_MAPS)
        return lmdb_fail(u->s->env, MDB_DBS_FULL, index->name, err);
    wanted.name = there ? there->name : strdup(index->name);
    if (!wanted.name)
        return lmdb_fail(u->s->env, ENOMEM, index->name, err);
    u->fills[u->n_fills].table = t;
    u->fills[u->n_fills].empty_first = there != NULL;
    if (!there)
        there = &t->indexes[t->n_indexes++];
    *there = wanted;
    u->fills[u->n_fills++].index = (uint16_t)(there - t->indexes);
    return FF_OK;
}

static int merge_record(struct upgrade *u, const struct ff_record *r,
                        struct ff_err *err)
{
    struct lmdb_table *t = lmdb_catalog_find(u->catalog, r->name);
    const bool is_new = !t;
    int code = check_record(r, err);

    if (code != FF_OK)
        return code;
    if (is_new)
        t = lmdb_catalog_add(u->catalog, r->name);
    if (!t)
        return lmdb_fail(u->s->env, ENOMEM, r->name, err);
    if (is_new)
        t->n_key = r->n_key;
    if (t->n_key != r->n_key)
        return ff_fail(err, FF_CORRUPT, 0, "database %s: %s has another key",
                       lmdb_env_path(u->s->env), r->name);
    for (uint16_t i = 0; i < r->n_columns && code == FF_OK; i++)
        code = merge_column(u, t, r, i, is_new, err);
    for (uint16_t i = 0; i < r->n_indexes && code == FF_OK; i++)
        code = merge_index(u, t, r, &r->indexes[i], err);
    return code;
}

/* --- in the file --- */

/* A file that has something in it and no catalog is somebody else's. */
static int check_origin(struct upgrade *u, struct ff_err *err)
{
    MDB_stat stat = {0};
    MDB_dbi root;
    int result;

    if (u->catalog->generation != 0)
        return FF_OK;
    result = mdb_dbi_open(u->txn, NULL, 0, &root);
    if (result == 0)
        result = mdb_stat(u->txn, root, &stat);
    if (result != 0)
        return lmdb_fail(u->s->env, result, "looking at it", err);
    if (stat.ms_entries == 0)
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0, "database %s: it belongs to another program",
                   lmdb_env_path(u->s->env));
}

static int fill_indexes(struct upgrade *u, struct ff_err *err)
{
    int code = FF_OK;

    for (size_t i = 0; i < u->n_fills && code == FF_OK; i++) {
        const struct lmdb_table *t = u->fills[i].table;
        const struct lmdb_index *index = &t->indexes[u->fills[i].index];
        const int result =
            u->fills[i].empty_first ? mdb_drop(u->txn, index->map, 0) : 0;

        if (result != 0)
            return lmdb_fail(u->s->env, result, index->name, err);
        code = lmdb_fill_index(u->s, u->txn, t, index, err);
    }
    return code;
}

static int put_named(struct upgrade *u, MDB_dbi map, const char *name, const void *data,
                     size_t len)
{
    MDB_val key = {.mv_size = strlen(name), .mv_data = (void *)name};
    MDB_val value = {.mv_size = len, .mv_data = (void *)data};

    return mdb_put(u->txn, map, &key, &value, 0);
}

static int write_catalog(struct upgrade *u, MDB_dbi *map, struct ff_err *err)
{
    struct lmdb_catalog *c = u->catalog;
    struct lmdb_bytes *text = &u->s->row;
    int result;

    c->version = u->schema->version;
    c->min_version = ff_schema_min(u->schema);
    c->generation++;
    lmdb_bytes_clear(text);
    lmdb_catalog_write(c, text);
    result = text->failed ? ENOMEM : 0;
    if (result == 0)
        result = mdb_dbi_open(u->txn, LMDB_CATALOG_MAP, MDB_CREATE, map);
    if (result == 0)
        result = put_named(u, *map, LMDB_CATALOG_KEY, text->data, text->len);
    if (result == 0)
        result =
            put_named(u, *map, LMDB_COUNTER_KEY, &c->generation, sizeof(c->generation));
    return result == 0 ? FF_OK : lmdb_fail(u->s->env, result, "its schema", err);
}

static int change_file(struct upgrade *u, MDB_dbi *map, struct ff_err *err)
{
    int code = check_origin(u, err);

    for (size_t i = 0; u->schema->records[i] && code == FF_OK; i++)
        code = merge_record(u, u->schema->records[i], err);
    if (code != FF_OK)
        return code;

    const int result = lmdb_catalog_open(u->catalog, u->txn, MDB_CREATE);

    if (result != 0)
        return lmdb_fail(u->s->env, result, "its schema", err);
    code = fill_indexes(u, err);
    return code == FF_OK ? write_catalog(u, map, err) : code;
}

static struct lmdb_catalog *copy_catalog(const struct lmdb_catalog *from)
{
    struct lmdb_catalog *c = lmdb_catalog_new();
    struct lmdb_bytes text = {0};
    bool right = c != NULL;

    if (right && from->generation != 0) {
        lmdb_catalog_write(from, &text);
        right = !text.failed && lmdb_catalog_read(c, (const char *)text.data, text.len);
        c->generation = from->generation;
    }
    lmdb_bytes_done(&text);
    if (right)
        return c;
    lmdb_catalog_free(c);
    return NULL;
}

static int try_upgrade(struct lmdb_session *s, const struct ff_schema *schema,
                       struct ff_err *err)
{
    struct upgrade u = {.s = s, .schema = schema};
    MDB_dbi map = 0;
    int code = lmdb_begin_write(s, &u.txn, err);

    if (code != FF_OK)
        return code;
    u.catalog = copy_catalog(lmdb_env_catalog(s->env));
    code = u.catalog ? change_file(&u, &map, err)
                     : lmdb_fail(s->env, ENOMEM, "its schema", err);
    if (code == FF_OK)
        code = lmdb_end_write(s, u.txn, err);
    else
        lmdb_abort_write(s, u.txn);
    if (code == FF_OK)
        code = lmdb_env_set_catalog(s->env, u.catalog, map, err);
    if (code != FF_OK)
        lmdb_catalog_free(u.catalog);
    return code;
}

/* --- deciding --- */

static int bind_to(struct lmdb_session *s, const struct ff_schema *schema,
                   struct ff_err *err)
{
    const struct ff_schema *before = s->schema;
    int code = lmdb_hold_map(s->env, LMDB_WAIT_MS, err);

    if (code != FF_OK)
        return code;
    s->schema = schema;
    code = lmdb_bind(s, err);
    if (code != FF_OK)
        s->schema = before;
    lmdb_release_map(s->env);
    return code;
}

/* What the file has, read anew, 0 for a file without a schema; and whether this program
 * must keep out of it. */
static int look(struct lmdb_session *s, const struct ff_schema *schema,
                uint32_t *version, struct ff_err *err)
{
    uint32_t min;
    int code = lmdb_reload(s->env, LMDB_WAIT_MS, err);

    if (code == FF_OK)
        code = lmdb_hold_map(s->env, LMDB_WAIT_MS, err);
    if (code != FF_OK)
        return code;
    *version = lmdb_env_catalog(s->env)->version;
    min = lmdb_env_catalog(s->env)->min_version;
    lmdb_release_map(s->env);
    if (*version <= schema->version || min <= schema->version)
        return FF_OK;
    return ff_fail(err, FF_UNSUPPORTED, 0,
                   "database %s: its schema %u is newer than this program's %u, and "
                   "for %u or above; use the newer program or restore a backup",
                   lmdb_env_path(s->env), *version, schema->version, min);
}

/* With the writer's lock. */
static int upgrade(struct lmdb_session *s, const struct ff_schema *schema,
                   struct ff_err *err)
{
    uint32_t version = 0;
    int code = look(s, schema, &version, err);

    for (int i = 0; i < MAX_TRIES && code == FF_OK && version < schema->version; i++) {
        code = try_upgrade(s, schema, err);
        if (code == FF_OK)
            break;
        if (lmdb_wants_room(err))
            code = lmdb_make_room(s->env, false, err);
    }
    return code;
}

int lmdb_setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    struct lmdb_session *s = store;
    struct ff_err local;
    uint32_t version = 0;

    err = err ? err : &local;

    int code = lmdb_env_check(s->env, err);

    /* Looking first: a start on a file that is up to date writes nothing. */
    if (code == FF_OK)
        code = look(s, schema, &version, err);
    if (code == FF_OK && version < schema->version) {
        code = lmdb_lock_writer(s->env, LMDB_WAIT_MS, err);
        if (code != FF_OK)
            return code;
        code = upgrade(s, schema, err);
        lmdb_unlock_writer(s->env);
    }
    return code == FF_OK ? bind_to(s, schema, err) : code;
}
