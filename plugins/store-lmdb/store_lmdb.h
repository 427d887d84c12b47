/* store-lmdb/store_lmdb.h - what the files of this driver share.
 *
 * A store without SQL: one file, an ordered map for the rows of each record and one for
 * each of its indexes. Keys are tuples whose bytes sort as the contract orders them
 * (key.c), rows are fields by number (row.c), and the schema stands in the file as
 * text (catalog.c).
 *
 * A session is one read transaction at most, one call at a time. LMDB allows a process
 * one environment per file, so sessions on the same file share a struct lmdb_env. */
#ifndef STORE_LMDB_STORE_LMDB_H
#define STORE_LMDB_STORE_LMDB_H

#include <flowforge/store.h>
#include <lmdb.h>
#include <stdbool.h>

#define LMDB_MAX_COLUMNS 64   /* one bit each in a mask */
#define LMDB_MAX_INDEXES 64   /* of one record */
#define LMDB_MAX_MAPS    512  /* records and indexes of a file */
#define LMDB_WAIT_MS     5000 /* a read or a set-up waits so long for a lock */
#define LMDB_COMMIT_MS   50   /* a commit: it may run on the loop thread */

/* --- bytes.c: a buffer that grows --- */

struct lmdb_bytes {
    unsigned char *data;
    size_t len, size;
    bool failed; /* out of memory: what it holds is worth nothing */
};

void lmdb_bytes_add(struct lmdb_bytes *b, const void *data, size_t len);
void lmdb_bytes_add_byte(struct lmdb_bytes *b, unsigned char byte);
void lmdb_bytes_clear(struct lmdb_bytes *b); /* keeps its memory */
void lmdb_bytes_done(struct lmdb_bytes *b);

/* --- key.c: tuples whose bytes sort as their values do --- */

/* Values as they are stored: null, FF_INT for all numbers, FF_BYTES for all text, for
 * an enum its name. False: the column cannot hold the value. */
bool lmdb_stored_value(const struct ff_column *column, const struct ff_value *value,
                       struct ff_value *stored);

void lmdb_key_add(struct lmdb_bytes *key, const struct ff_value *stored);
/* Below every value that is not null, above null. */
void lmdb_key_add_not_null(struct lmdb_bytes *key);
/* Above everything that begins with what the key holds. */
void lmdb_key_add_end(struct lmdb_bytes *key);
int lmdb_key_compare(const MDB_val *a, const MDB_val *b);

/* LMDB's keys have 511 bytes at most. A longer one is cut and its hash put behind; the
 * whole key stands before the value. Keys with one beginning are in the order of their
 * hashes, so whoever walks sorts them (walk.c). */
#define LMDB_KEY_BYTES  511
#define LMDB_HASH_BYTES 32
#define LMDB_CUT_BYTES  (LMDB_KEY_BYTES - LMDB_HASH_BYTES)

struct lmdb_place {
    MDB_val key;
    unsigned char cut[LMDB_KEY_BYTES];
};

/* Where the key stands; `place` points to it when it is short enough. */
void lmdb_place(struct lmdb_place *place, const void *key, size_t len);
bool lmdb_is_cut(const MDB_val *key);

/* An entry as it was meant. */
struct lmdb_entry {
    MDB_val key, value;
};
void lmdb_entry_pack(struct lmdb_bytes *out, const void *key, size_t key_len,
                     const void *value, size_t value_len);
/* False: the entry is damaged. */
bool lmdb_entry_unpack(struct lmdb_entry *entry, const MDB_val *key,
                       const MDB_val *packed);

/* The value of an entry of an index: how much of its key is the indexed part. The rest
 * is the key of the row. */
void lmdb_split_pack(unsigned char out[4], size_t indexed_len);
bool lmdb_split_unpack(const struct lmdb_entry *entry, MDB_val *row_key);

/* --- row.c: fields by number; those behind the last one are null --- */

void lmdb_row_pack(struct lmdb_bytes *out, const struct ff_value *fields, size_t n);
/* Text is not copied, and ends with a NUL. False: the row is damaged. */
bool lmdb_row_unpack(const MDB_val *row, struct ff_value *fields, size_t n);

/* --- catalog.c: the schema that is in the file --- */

struct lmdb_column {
    char *name;
    uint32_t type; /* enum ff_type */
};

struct lmdb_index {
    char *name;
    uint16_t columns[LMDB_MAX_COLUMNS];
    uint16_t n_columns;
    bool unique;
    MDB_dbi map;
};

struct lmdb_table {
    char *name;
    uint16_t n_columns, n_key, n_indexes;
    struct lmdb_column columns[LMDB_MAX_COLUMNS];
    struct lmdb_index indexes[LMDB_MAX_INDEXES];
    MDB_dbi map;
};

struct lmdb_catalog {
    uint64_t generation;  /* counts the changes of the schema in this file */
    uint32_t version;     /* of the schema; 0: there is none yet */
    uint32_t min_version; /* the lowest one whose programs may use it */
    size_t n_tables;
    struct lmdb_table **tables;
};

struct lmdb_catalog *lmdb_catalog_new(void);
void lmdb_catalog_free(struct lmdb_catalog *c); /* takes NULL */
struct lmdb_table *lmdb_catalog_find(const struct lmdb_catalog *c, const char *name);
struct lmdb_table *lmdb_catalog_add(struct lmdb_catalog *c, const char *name);
/* LMDB_MAX_COLUMNS: there is no such column. */
uint16_t lmdb_table_column(const struct lmdb_table *t, const char *name);
struct lmdb_index *lmdb_table_index(struct lmdb_table *t, const char *name);

/* As text, which `mdb_dump -p` shows. */
void lmdb_catalog_write(const struct lmdb_catalog *c, struct lmdb_bytes *out);
/* False: not a catalog, or out of memory. */
bool lmdb_catalog_read(struct lmdb_catalog *c, const char *text, size_t len);

/* Opens all maps of the catalog; with MDB_CREATE makes those that are missing. Returns
 * LMDB's result. */
int lmdb_catalog_open(struct lmdb_catalog *c, MDB_txn *txn, unsigned flags);

#define LMDB_CATALOG_MAP "/schema"
#define LMDB_CATALOG_KEY "catalog"
#define LMDB_COUNTER_KEY "generation"

/* The generation in the file; 0: no schema was set up. Returns LMDB's result. */
int lmdb_generation(MDB_txn *txn, MDB_dbi map, uint64_t *generation);

/* --- env.c, lock.c, map.c: the file, shared by the sessions of this process --- */

struct lmdb_env;

struct lmdb_limits {
    size_t first_bytes; /* of the map */
    size_t max_bytes;
};

int lmdb_env_get(const struct ff_host *host, const char *path,
                 const struct lmdb_limits *limits, struct lmdb_env **env,
                 struct ff_err *err);
void lmdb_env_put(struct lmdb_env *env);

const char *lmdb_env_path(const struct lmdb_env *env);
MDB_env *lmdb_env_mdb(const struct lmdb_env *env);

/* After a failed flush nobody knows what is on the disk: every session of the process
 * refuses everything from then on. Any thread. */
void lmdb_env_kill(struct lmdb_env *env, const struct ff_err *err);
/* FF_FATAL when that has happened, or the file was moved or deleted under us. */
int lmdb_env_check(struct lmdb_env *env, struct ff_err *err);

/* One writer of all processes at a time, and whoever waits gives up: LMDB's own lock
 * has no end to waiting. */
int lmdb_lock_writer(struct lmdb_env *env, int wait_ms, struct ff_err *err);
void lmdb_unlock_writer(struct lmdb_env *env);

/* Held while a transaction is open: the map stays where it is, and the catalog. */
int lmdb_hold_map(struct lmdb_env *env, int wait_ms, struct ff_err *err);
void lmdb_release_map(struct lmdb_env *env);
const struct lmdb_catalog *lmdb_env_catalog(const struct lmdb_env *env);
MDB_dbi lmdb_env_catalog_map(const struct lmdb_env *env);

/* With the writer's lock and without the map: more room for the next try, from readers
 * that died or by a larger map. FF_FULL: it is as large as it may be; `deleting` may
 * have half as much again, or a full store could not even be emptied. */
int lmdb_make_room(struct lmdb_env *env, bool deleting, struct ff_err *err);
/* When the deleting is done. */
void lmdb_give_back_room(struct lmdb_env *env);
/* Without the map: room for what is committed during a long read. */
void lmdb_reserve_room(struct lmdb_env *env);
/* Without the map: another process made it larger. */
int lmdb_adopt_size(struct lmdb_env *env, int wait_ms, struct ff_err *err);
/* Without the map: reads the catalog anew when the file has another generation. */
int lmdb_reload(struct lmdb_env *env, int wait_ms, struct ff_err *err);
/* Without the map: `catalog` with its maps open is the one from now on. */
int lmdb_env_set_catalog(struct lmdb_env *env, struct lmdb_catalog *catalog,
                         MDB_dbi map, struct ff_err *err);

/* --- error.c --- */

/* What LMDB's result means to the core; the sentence begins with the path. */
int lmdb_fail(struct lmdb_env *env, int result, const char *doing, struct ff_err *err);
/* Of a commit: what failed may have been a flush. */
int lmdb_fail_commit(struct lmdb_env *env, int result, struct ff_err *err);
int lmdb_fail_damaged(struct lmdb_env *env, const char *what, struct ff_err *err);
/* Did it fail for want of room in the map? */
bool lmdb_wants_room(const struct ff_err *err);

/* --- session.c: a session and its transactions --- */

/* A record of the core, as the file has it. */
struct lmdb_binding {
    const struct ff_record *record;
    const struct lmdb_table *table;
    uint16_t columns[LMDB_MAX_COLUMNS]; /* number of the field */
    const struct lmdb_index *indexes[LMDB_MAX_INDEXES];
};

struct lmdb_session {
    const struct ff_host *host;
    struct lmdb_env *env;
    const struct ff_schema *schema;
    struct lmdb_binding *bindings;
    size_t n_bindings;
    uint64_t generation; /* that the bindings are of */
    MDB_txn *reader;     /* kept between reads */
    /* Reused from call to call. */
    struct lmdb_bytes key, row, entries, packed, low, high;
};

/* Binds the records to the catalog; with the map held. */
int lmdb_bind(struct lmdb_session *s, struct ff_err *err);
/* NULL: no record of the schema that was set up. */
const struct lmdb_binding *lmdb_binding(const struct lmdb_session *s,
                                        const struct ff_record *record);

/* Holds the map and begins a transaction on a file whose schema is the bindings'. */
int lmdb_begin_read(struct lmdb_session *s, MDB_txn **txn, struct ff_err *err);
void lmdb_end_read(struct lmdb_session *s);
/* With the writer's lock. */
int lmdb_begin_write(struct lmdb_session *s, MDB_txn **txn, struct ff_err *err);
int lmdb_end_write(struct lmdb_session *s, MDB_txn *txn, struct ff_err *err);
void lmdb_abort_write(struct lmdb_session *s, MDB_txn *txn);

/* --- index.c --- */

/* The key of the row's entry; the length of its indexed part. */
size_t lmdb_index_key(const struct lmdb_table *t, const struct lmdb_index *index,
                      const struct ff_value *fields, struct lmdb_bytes *out);
/* Rows with a null there are never the same in a unique index. */
bool lmdb_index_has_null(const struct lmdb_index *index, const struct ff_value *fields);
/* Is there another row with the same indexed part? */
int lmdb_breaks_unique(struct lmdb_env *env, MDB_txn *txn,
                       const struct lmdb_index *index, const MDB_val *key,
                       size_t indexed_len, bool *breaks, struct ff_err *err);
int lmdb_enter(struct lmdb_session *s, MDB_txn *txn, const struct lmdb_index *index,
               const MDB_val *key, size_t indexed_len, struct ff_err *err);
/* Put in and taken out; return LMDB's result. */
int lmdb_put(MDB_txn *txn, MDB_dbi map, struct lmdb_bytes *packed, const MDB_val *key,
             const MDB_val *value);
int lmdb_del(MDB_txn *txn, MDB_dbi map, const MDB_val *key);
/* Enters all rows of the table. */
int lmdb_fill_index(struct lmdb_session *s, MDB_txn *txn, const struct lmdb_table *t,
                    const struct lmdb_index *index, struct ff_err *err);

/* --- walk.c: along one map, from low up to but not including high --- */

struct lmdb_range {
    MDB_val low, high;
    bool descending;
};

struct lmdb_walk {
    struct lmdb_env *env;
    MDB_cursor *cursor;
    struct lmdb_range range;
    bool begun, ended;
    /* Entries whose keys were cut at the same bytes, sorted. */
    struct lmdb_entry *bucket;
    size_t n_bucket, bucket_size, next;
    MDB_val ahead_key, ahead_value; /* the cursor stands here already */
    bool ahead;
};

int lmdb_walk_init(struct lmdb_walk *w, struct lmdb_env *env, MDB_txn *txn, MDB_dbi map,
                   const struct lmdb_range *range, struct ff_err *err);
/* *found is false behind the last one. */
int lmdb_walk_next(struct lmdb_walk *w, struct lmdb_entry *entry, bool *found,
                   struct ff_err *err);
void lmdb_walk_done(struct lmdb_walk *w);

/* --- the functions of the contract that have a file of their own --- */

int lmdb_setup(void *store, const struct ff_schema *schema, struct ff_err *err);
int lmdb_commit(void *store, const struct ff_change *changes, size_t n, size_t *failed,
                struct ff_err *err);
int lmdb_scan(void *store, const struct ff_query *query, ff_row_fn *fn, void *arg,
              struct ff_err *err);
int lmdb_count(void *store, const struct ff_query *query, uint64_t *n,
               struct ff_err *err);
int lmdb_backup(void *store, const char *to, struct ff_err *err);
int lmdb_info(void *store, struct ff_store_info *info, ff_store_part_fn *fn, void *arg,
              struct ff_err *err);

#endif
