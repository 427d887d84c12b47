/* store-sqlite/lite.h - what the files of this driver share.
 *
 * A session is one connection. Sessions of one process on the same database share a
 * struct lite_file, which remembers whether the file can still be trusted. */
#ifndef STORE_SQLITE_LITE_H
#define STORE_SQLITE_LITE_H

#include <flowforge/store.h>
#include <sqlite3.h>
#include <stdbool.h>

#define LITE_MAX_COLUMNS 64   /* one bit each in a mask */
#define LITE_BUSY_MS     5000 /* a read or a set-up waits so long for a lock */
#define LITE_COMMIT_MS   50   /* a commit: it may run on the loop thread */

/* --- file.c: the database file, shared by the sessions of this process --- */

struct lite_file;

/* Makes the directory (0700) and the file (0600) when they are not there. */
int lite_file_open(const struct ff_host *host, const char *path,
                   struct lite_file **file, struct ff_err *err);
/* A session leaves: true for the last one, whose business it is to free the file when
 * its connection is closed. The checkpointer has ended then. */
bool lite_file_leave(struct lite_file *file);
void lite_file_free(struct lite_file *file);
const char *lite_file_path(const struct lite_file *file);

/* Which files the database and its log are now; 0: there is none. */
struct lite_inodes {
    uint64_t file, log;
};
struct lite_inodes lite_file_inodes(const struct lite_file *file);

/* After a failed flush nobody knows what is on the disk: every session of the process
 * refuses everything from then on. Any thread. */
void lite_file_kill(struct lite_file *file, const struct ff_err *err);
bool lite_file_dead(struct lite_file *file, struct ff_err *err);

/* The thread that carries the log over, started by the first call; NULL: there is none
 * to be had. */
struct lite_checkpointer;
struct lite_checkpointer *lite_file_checkpointer(struct lite_file *file);

/* --- checkpoint.c --- */

struct lite_checkpointer *lite_checkpointer_new(struct lite_file *file);
void lite_checkpointer_free(struct lite_checkpointer *c); /* takes NULL */

/* --- statement.c: prepared statements, by what they do --- */

enum lite_kind { LITE_SCAN = FF_CHECK + 1, LITE_COUNT };

enum lite_guard { LITE_ANY, LITE_VERSION, LITE_NO_ROW };

/* How the last column of a cursor is compared. */
enum lite_beyond { LITE_NO_CURSOR, LITE_GREATER, LITE_LESS, LITE_NULL, LITE_NOT_NULL };

enum lite_shape_flags { LITE_FROM = 1, LITE_BELOW = 2, LITE_DESCENDING = 4 };

/* Everything that the text of a statement depends on; equal bytes, equal text. */
struct lite_shape {
    const struct ff_record *record;
    uint64_t columns; /* PATCH: those it sets; SCAN: those it gives */
    uint64_t nulls;   /* SCAN: bit i: the i-th column compared must be null */
    int16_t index;
    uint8_t kind;  /* enum ff_change_kind or enum lite_kind */
    uint8_t guard; /* enum lite_guard */
    uint8_t n_equal;
    uint8_t n_same; /* columns after those that equal the cursor's */
    uint8_t beyond; /* enum lite_beyond: of the column after them */
    uint8_t flags;  /* enum lite_shape_flags */
};

/* What a parameter of a change stands for: a column, or this. */
#define LITE_BIND_EXPECT 255

struct lite_statement {
    struct lite_shape shape;
    sqlite3_stmt *stmt;
    uint8_t n_bind;
    uint8_t bind[LITE_MAX_COLUMNS * 2]; /* changes only, in order of parameters */
};

struct lite_cache {
    struct lite_statement **slots; /* open addressing; a power of two */
    size_t n, n_slots;
};

struct lite_session {
    const struct ff_host *host;
    struct lite_file *file;
    sqlite3 *db;
    const struct ff_schema *schema;
    struct lite_cache cache;
    int64_t checked_ms; /* by a coarse clock: when the file was looked at last */
    sqlite3_stmt *begin, *commit, *rollback;
    int checkpoint_pages;      /* the log's length at which a thread carries it over */
    int wal_pages;             /* after the last commit */
    int next_inline;           /* not before the log is so long; 0: no matter */
    int n_commits;             /* since the log began anew */
    struct lite_inodes inodes; /* that it works on; 0: not known yet */
};

int lite_statement(struct lite_session *s, const struct lite_shape *shape,
                   struct lite_statement **found, struct ff_err *err);
void lite_cache_done(struct lite_cache *cache);

/* --- sql.c: the text of tables and statements --- */

void lite_sql_table(sqlite3_str *out, const struct ff_record *record);
void lite_sql_index(sqlite3_str *out, const struct ff_record *record,
                    const struct ff_index *index);
void lite_sql_column(sqlite3_str *out, const struct ff_column *column);
void lite_sql_check(sqlite3_str *out, const struct ff_column *column); /* may be none */

/* Fills bind for changes. The parameters of scans come in the order of the text: equal,
 * from, below, same, beyond, limit. Columns that are the same come without a range. */
void lite_sql_statement(sqlite3_str *out, struct lite_statement *statement);

/* The column at place i of an index (-1: the primary key) followed by the key. */
uint16_t lite_order_column(const struct ff_record *record, int index, size_t i);
/* A key column that the index has already: named twice in an ORDER BY it makes SQLite
 * sort. */
bool lite_order_repeats(const struct ff_record *record, int index, size_t i);
size_t lite_order_length(const struct ff_record *record, int index);

/* --- value.c: values to parameters and back --- */

int lite_bind(struct lite_session *s, sqlite3_stmt *stmt, int place,
              const struct ff_record *record, uint16_t column,
              const struct ff_value *value, struct ff_err *err);
int lite_read(struct lite_session *s, sqlite3_stmt *stmt, int place,
              const struct ff_record *record, uint16_t column, struct ff_value *value,
              struct ff_err *err);

/* As SQLite orders them; enums by their names. */
int lite_compare(const struct ff_column *column, const struct ff_value *a,
                 const struct ff_value *b);

/* --- error.c --- */

/* What SQLite's result means to the core; the sentence begins with the path. */
int lite_fail(struct lite_session *s, int result, const char *doing,
              struct ff_err *err);
int lite_run(struct lite_session *s, const char *sql, struct ff_err *err);

/* Where a transaction is open: some errors have rolled back already. By a statement
 * that was made before: to compile one takes memory, and what is left open fails
 * whatever comes after it. */
void lite_roll_back(struct lite_session *s);

/* --- the functions of the contract that have a file of their own --- */

int lite_setup(void *store, const struct ff_schema *schema, struct ff_err *err);
int lite_commit(void *store, const struct ff_change *changes, size_t n, size_t *failed,
                struct ff_err *err);
int lite_scan(void *store, const struct ff_query *query, ff_row_fn *fn, void *arg,
              struct ff_err *err);
int lite_count(void *store, const struct ff_query *query, uint64_t *n,
               struct ff_err *err);
/* The one number that a statement gives. */
int lite_number(struct lite_session *s, const char *sql, int64_t *number,
                struct ff_err *err);
/* Of the file, and the lowest one whose programs may use it; 0: there is no schema. */
int lite_schema_version(struct lite_session *s, int64_t *version, int64_t *min,
                        struct ff_err *err);
int lite_backup(void *store, const char *to, struct ff_err *err);
int lite_info(void *store, struct ff_store_info *info, ff_store_part_fn *fn, void *arg,
              struct ff_err *err);
int lite_moment(void *store, uint64_t moment[FF_MOMENT_WORDS], struct ff_err *err);

/* Dead, or the file or its log was moved or deleted under us: FF_FATAL. */
int lite_check_file(struct lite_session *s, struct ff_err *err);
/* The same for who reads: what was moved is noticed within a hundredth of a second. */
int lite_check_file_lately(struct lite_session *s, struct ff_err *err);
void lite_remember_files(struct lite_session *s);

/* Carries the log over into the database when it is long. Never fails a commit. */
void lite_checkpoint(struct lite_session *s);

#endif
