/* flowforge/store.h - the store contract: durable, atomic, ordered records.
 *
 * The core owns the meaning of the data.  A store knows records, keys,
 * versions and indexes; it learns them from the schema in setup() and needs
 * no change when the core gains a table.
 *
 * Required: open, close, setup, commit, scan, count, ping, now.
 *
 * Threads: calls block.  The core opens as many instances (sessions) as it
 * wants concurrent calls and runs them on worker threads.
 * Memory: values handed in are borrowed until the call returns; values handed
 * to a row function are borrowed until it returns. */
#ifndef FLOWFORGE_STORE_H
#define FLOWFORGE_STORE_H

#include <flowforge/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ff_type {
    FF_INT = 1,  /* int64 */
    FF_TEXT = 2, /* UTF-8, no NUL */
    FF_BYTES = 3,
    FF_JSON = 4, /* valid JSON text */
    FF_TIME = 5, /* int64 microseconds since 1970, UTC */
    FF_BOOL = 6,
    FF_ENUM = 7 /* stored as its name, so that people can read the table */
};

/* Order, the same in every store: null first, numbers by size, text and bytes by their
 * bytes (no collation), enums by their names. Nothing is equal to null in a unique
 * index: rows with a null there never collide. */

struct ff_value {
    uint32_t type; /* 0: null */
    uint32_t reserved;
    int64_t i;     /* INT, TIME, BOOL, ENUM */
    const char *s; /* TEXT, BYTES, JSON */
    size_t len;
};

enum ff_column_flags { FF_COL_NULLABLE = 1 };

struct ff_column {
    const char *name;
    uint32_t type;
    uint32_t flags;
    const char *const *names; /* FF_ENUM: ends with NULL */
    uint32_t since;           /* schema version that added the column */
    uint32_t offset;          /* the core's own use */
};

struct ff_index {
    const char *name;
    const uint16_t *columns;
    uint16_t n_columns;
    uint16_t unique;
    uint32_t since;
};

/* Column 0..n_key-1 are the primary key; column n_key is `version`, an INT
 * that the store sets to 1 on insert and adds 1 to on every change. */
struct ff_record {
    uint32_t struct_size;
    uint16_t n_columns;
    uint16_t n_key;
    uint16_t n_indexes;
    uint16_t since; /* schema version that added the record */
    const char *name;
    const struct ff_column *columns;
    const struct ff_index *indexes;
};

struct ff_schema {
    uint32_t struct_size;
    uint32_t version;
    const struct ff_record *const *records; /* ends with NULL */
    /* The lowest version whose programs may use tables of this one; 0: none below it.
     * Read it by ff_schema_min(). */
    uint32_t min_version;
    uint32_t reserved;
};

static inline uint32_t ff_schema_min(const struct ff_schema *schema)
{
    return FF_HAS(schema, min_version) && schema->min_version ? schema->min_version
                                                              : schema->version;
}

enum ff_change_kind {
    FF_PUT = 1,   /* write every column: insert (expect FF_ABSENT), replace
                   * (expect a version) or either (FF_ANY_VERSION) */
    FF_PATCH = 2, /* write the columns in `set` */
    FF_DELETE = 3,
    FF_CHECK = 4 /* write nothing, only hold the guard (fencing) */
};

/* ABSENT makes sense to PUT and CHECK only; to PATCH and DELETE it is FF_INVALID. */
#define FF_ANY_VERSION INT64_C(-1)
#define FF_ABSENT      INT64_C(0)

struct ff_change {
    uint32_t kind;
    uint32_t reserved;
    const struct ff_record *record;
    int64_t expect; /* guard: version, FF_ABSENT, FF_ANY_VERSION */
    uint64_t set;   /* PATCH: bit i writes column i; key and version: FF_INVALID */
    const struct ff_value
        *values; /* n_columns of them; CHECK and DELETE read the key */
};

struct ff_query {
    uint32_t struct_size;
    uint32_t flags; /* FF_DESCENDING */
    const struct ff_record *record;
    int32_t index;                /* -1: primary key order */
    uint32_t n_equal;             /* leading index columns that must equal... */
    const struct ff_value *equal; /* ...these */
    /* Either excludes nulls, and neither may be null. */
    const struct ff_value *from;  /* next column >= this, or NULL */
    const struct ff_value *below; /* next column < this, or NULL */
    /* The last row seen, or NULL: all columns of the index (none for -1), then the
     * whole key. It need not be there any more. */
    const struct ff_value *after;
    uint64_t want;  /* bit i: column i is needed, others may be null; 0: all of them */
    uint32_t limit; /* 0: none */
    uint32_t reserved;
};

enum ff_query_flags { FF_DESCENDING = 1 };

/* Return 0 to go on, anything else to stop. */
typedef int ff_row_fn(void *arg, const struct ff_value *columns);

/* What a record takes, for people who look after the store. -1: not known. */
enum ff_store_part_flags {
    FF_PART_ABOUT = 1 /* rows and unused bytes are estimates */
};
struct ff_store_part {
    uint32_t struct_size;
    uint32_t flags;
    const char *name; /* of the record, or what else takes room */
    int64_t rows;
    int64_t bytes;        /* with its indexes */
    int64_t index_bytes;  /* of these */
    int64_t unused_bytes; /* of these, for rows to come */
    int64_t n_spans;      /* that it is kept in; 0: none */
};
/* Return 0 to go on, anything else to stop. */
typedef int ff_store_part_fn(void *arg, const struct ff_store_part *part);

struct ff_store_info {
    uint32_t struct_size;    /* the core's: a driver writes no further */
    uint32_t schema_version; /* that is stored; 0: setup() was not called yet */
    int64_t bytes;           /* all that it takes; -1: not known */
    int64_t free_bytes;      /* of these, for rows to come; -1 */
    char engine[96];         /* "PostgreSQL 15.14" */
    uint32_t min_version;    /* as in ff_schema, that is stored; 0: not known */
    uint32_t reserved;
};

/* Rows of `record` whose key's `column`, an FF_INT that grows from row to row more or
 * less, is at least `from` and below `below`. */
struct ff_span {
    uint32_t struct_size;
    uint32_t column;
    const struct ff_record *record;
    int64_t from, below; /* INT64_MIN: all below */
    /* drop_span(): there are `n_of` rows of the record `of` whose `of_column` is in the
     * span, with these values by their sum, and whoever adds one to it adds rows to the
     * span as well. By the number alone one that came would pass for one that went. */
    const struct ff_record *of; /* or NULL: whatever there is */
    uint32_t of_column;
    uint32_t reserved;
    uint64_t n_of;
    uint64_t sum_of; /* of these values, modulo 2^64 */
};
/* Return 0 to go on, anything else to stop. */
typedef int ff_span_fn(void *arg, const struct ff_span *span);

enum ff_store_caps {
    FF_STORE_SHARED = 1, /* several processes may use it at once */
    FF_STORE_WATCH = 2,
    FF_STORE_DURABLE = 4, /* what commit() accepted survives a power cut */
    /* Processes of other hosts may use it at once; it MUST be FF_STORE_SHARED as well.
     * now() MUST be one clock for all of them, since who leads holds a lease by it.
     * With FF_STORE_WATCH he hears of others at once, else he looks each second. No
     * filter hides it. */
    FF_STORE_REMOTE = 8
};

#define FF_MOMENT_WORDS 4

struct ff_store_ops {
    int (*open)(const struct ff_host *host, const void *config, void **store,
                struct ff_err *err);
    void (*close)(void *store);

    /* Create or upgrade tables to `schema`; idempotent; safe when two cores
     * start together.  The schema outlives the instance. Columns and records added
     * since (see `since`) are added; added columns are nullable. An enum may have more
     * names. The version and ff_schema_min() are kept beside the tables. A stored
     * schema that is newer is not changed, and is FF_UNSUPPORTED where `version` is
     * below the stored minimum. Else the session uses it, as sessions do whose schema
     * became the older one while they were open: columns that it does not know MUST
     * stay as they are, whatever it writes to their row, and are null in rows that it
     * inserts. A store that only one program can ever use, neither FF_STORE_SHARED nor
     * FF_STORE_DURABLE, may refuse each newer schema. */
    int (*setup)(void *store, const struct ff_schema *schema, struct ff_err *err);

    /* All or nothing, durable on return. Guards are judged at commit: a row that
     * a CHECK found unchanged is unchanged when the rest becomes visible.
     * Changes apply in order; a later one sees the earlier ones.
     * On FF_CONFLICT *failed is the position of the first change whose guard did
     * not hold (also: PATCH, DELETE or CHECK of a row that is not there, unless
     * DELETE with FF_ANY_VERSION; a broken unique index). FF_INVALID sets it too.
     * FF_FULL, FF_BUSY and FF_UNAVAILABLE: nothing was written. FF_IN_DOUBT: read
     * again first. FF_FATAL: a flush failed; from then on every call is FF_FATAL. */
    int (*commit)(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err);

    /* Rows in index order; reads see every commit that returned before. One
     * call sees one moment. fn MUST NOT call the store. */
    int (*scan)(void *store, const struct ff_query *query, ff_row_fn *fn, void *arg,
                struct ff_err *err);

    /* How many rows scan would give. */
    int (*count)(void *store, const struct ff_query *query, uint64_t *n,
                 struct ff_err *err);
    int (*ping)(void *store, struct ff_err *err);

    /* The store's own wall clock in microseconds: the one clock by which leases
     * are judged when several processes share the store. */
    int (*now)(void *store, int64_t *now_us, struct ff_err *err);

    /* Optional. Write a consistent copy of everything to the new file `to`,
     * while others read and write: durable on return, FF_INVALID when there is a file
     * of that name. */
    int (*backup)(void *store, const char *to, struct ff_err *err);

    /* Optional (FF_STORE_WATCH): call fn from any thread when another process
     * committed to a record; spurious calls are fine, missing ones are not
     * (the core polls slowly besides). */
    int (*watch)(void *store, const struct ff_record *record, ff_call_fn *fn, void *arg,
                 struct ff_err *err);

    /* Optional. Delete rows of `record` whose first indexed time column is
     * below `before_us`, as cheaply as the store can (PostgreSQL may drop
     * partitions). Where absent the core does it by scan and commit. */
    int (*expire)(void *store, const struct ff_record *record, int64_t before_us,
                  uint64_t *n, struct ff_err *err);

    /* Optional. What it is, and what it takes: fills in *info, and calls fn (NULL: the
     * parts are not wanted) for each record that is there. Changes nothing; allowed
     * before setup(). Parts may take as long as reading everything. fn MUST NOT call
     * the store. */
    int (*info)(void *store, struct ff_store_info *info, ff_store_part_fn *fn,
                void *arg, struct ff_err *err);

    /* Optional. Which moment a scan would see now, in less time than a scan takes: as
     * long as it is the same no scan of any session gives anything else. FF_BUSY: it
     * cannot be told just now. */
    int (*moment)(void *store, uint64_t moment[FF_MOMENT_WORDS], struct ff_err *err);

    /* Optional, with the next two: rows that are kept apart, so that many go at once
     * and give back what they took. A row that is in no span is stored like any other.
     * Calls fn with each span that there is, in the order of `from`. fn MUST NOT call
     * the store. */
    int (*spans)(void *store, const struct ff_record *record, uint32_t column,
                 ff_span_fn *fn, void *arg, struct ff_err *err);
    /* Optional. Makes a span for rows to come: above all that there are. What was there
     * before the first one may become a span as well. Others read and write meanwhile
     * and wait for it no longer than for a commit or two; what would take longer is not
     * done. FF_BUSY: not now. FF_CONFLICT: there are such rows already. FF_DENIED: this
     * user may not. After any of these nothing has changed. */
    int (*make_span)(void *store, const struct ff_span *span, struct ff_err *err);
    /* Optional. Deletes a span that spans() has told, with all its rows, durable on
     * return; then rows with such values are in no span. As make_span(); FF_CONFLICT:
     * there are more or fewer rows of `of`, judged when nobody else can write to the
     * span. */
    int (*drop_span)(void *store, const struct ff_span *span, struct ff_err *err);
};

#ifdef __cplusplus
}
#endif

#endif
