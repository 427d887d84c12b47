/* store_pair.c - plugins/store-sqlite as the store of a seed, with plugins/store-memory
 * beside it as the judge: both are told the same, and must answer the same, row by row.
 *
 * The database is a file in memory (/dev/shm), so that a flush costs nothing; the
 * thread that carries over a long log is never wanted, so all happens in this one. A
 * session of a process that dies is closed: of kill -9 the kernel does as much. */
#include "sim.h"

#include <string.h>
#include <unistd.h>

const struct ff_driver *ff_driver_entry(void); /* of plugins/store-memory */
const struct ff_driver *lite_driver_entry(void);

#define LONGEST_LOG (INT64_C(1) << 32)
#define SMALL_CACHE (INT64_C(1) << 16)

static const struct ff_store_ops *lite, *model;
static void *model_session;
static char db_path[256];
static char *lite_config;

/* --- a row as a number --- */

static void mix(uint64_t *hash, const void *data, size_t len)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < len; i++)
        *hash = (*hash ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static void mix_value(uint64_t *hash, const struct ff_value *v)
{
    mix(hash, &v->type, sizeof(v->type));
    if (v->type == 0)
        return;
    if (v->type == FF_TEXT || v->type == FF_BYTES || v->type == FF_JSON)
        mix(hash, v->s, v->len);
    else
        mix(hash, &v->i, sizeof(v->i));
}

/* Columns that nobody asked for may be there or not. */
static uint64_t row_hash(const struct ff_query *q, const struct ff_value *columns)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (uint16_t i = 0; i < q->record->n_columns; i++)
        if (q->want == 0 || q->want >> i & 1)
            mix_value(&hash, &columns[i]);
    return hash;
}

/* --- scans --- */

struct rows {
    const struct ff_query *query;
    ff_row_fn *fn;
    void *arg;
    struct {
        uint64_t *items;
        size_t n, cap;
    } seen;
    size_t n_same;
    bool stopped;
};

static int on_lite_row(void *arg, const struct ff_value *columns)
{
    struct rows *rows = arg;
    const uint64_t hash = row_hash(rows->query, columns);

    ARRAY_ADD(&rows->seen, hash);
    const int result = rows->fn ? rows->fn(rows->arg, columns) : 0;
    rows->stopped = result != 0;
    return result;
}

static int on_model_row(void *arg, const struct ff_value *columns)
{
    struct rows *rows = arg;
    const size_t i = rows->n_same;

    if (rows->stopped && i == rows->seen.n)
        return 1;
    sim_check(i < rows->seen.n && rows->seen.items[i] == row_hash(rows->query, columns),
              "I21: SQLite and the model differ in row %zu of a scan of %s", i,
              rows->query->record->name);
    rows->n_same++;
    return 0;
}

static int pair_scan(void *store, const struct ff_query *query, ff_row_fn *fn,
                     void *arg, struct ff_err *err)
{
    struct rows rows = {.query = query, .fn = fn, .arg = arg};
    struct ff_err ignored;
    const int code = lite->scan(store, query, on_lite_row, &rows, err);

    if (code == FF_OK) {
        const int other =
            model->scan(model_session, query, on_model_row, &rows, &ignored);
        sim_check(other == FF_OK && rows.n_same == rows.seen.n,
                  "I21: a scan of %s gives %zu rows of SQLite, %zu of the model",
                  query->record->name, rows.seen.n, rows.n_same);
    } else {
        sim_trace("SQLite: a scan of %s fails: %s", query->record->name, err->msg);
    }
    ARRAY_DONE(&rows.seen);
    return code;
}

static int pair_count(void *store, const struct ff_query *query, uint64_t *n,
                      struct ff_err *err)
{
    struct ff_err ignored;
    uint64_t other = 0;
    const int code = lite->count(store, query, n, err);

    if (code == FF_OK)
        sim_check(model->count(model_session, query, &other, &ignored) == FF_OK &&
                      other == *n,
                  "I21: SQLite counts %llu rows of %s, the model %llu",
                  (unsigned long long)*n, query->record->name,
                  (unsigned long long)other);
    return code;
}

/* --- commits --- */

static int pair_commit(void *store, const struct ff_change *changes, size_t n,
                       size_t *failed, struct ff_err *err)
{
    struct ff_err other_err;
    size_t other_failed = 0;
    const int code = lite->commit(store, changes, n, failed, err);
    const int other =
        model->commit(model_session, changes, n, &other_failed, &other_err);

    sim_check(code == other, "I21: SQLite answers a commit with %d (%s), the model %d",
              code, code ? err->msg : "well", other);
    sim_check(code == FF_OK || *failed == other_failed,
              "I21: SQLite names change %zu, the model change %zu", *failed,
              other_failed);
    return code;
}

/* --- opening --- */

static void on_log(struct ff_core *core, int level, const char *file, int line,
                   const char *fmt, ...)
{
    va_list ap;
    char text[200];

    (void)core;
    (void)file;
    (void)line;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    sim_trace("SQLite says (%d): %s", level, text);
}

static const struct ff_host lite_host = {.struct_size = sizeof(lite_host),
                                         .log = on_log};

/* Its options as the core would give them, by the driver's own table. */
static void make_config(const struct ff_driver *d)
{
    lite_config = mem_alloc(d->config_size);
    for (const struct ff_opt *o = d->opts; o->name; o++) {
        void *place = lite_config + o->offset;
        if (strcmp(o->name, "path") == 0)
            *(const char **)place = db_path;
        else if (strcmp(o->name, "checkpoint") == 0)
            *(int64_t *)place = LONGEST_LOG;
        else if (strcmp(o->name, "cache") == 0)
            *(int64_t *)place = SMALL_CACHE;
    }
}

static int pair_open(const struct ff_host *host, const void *config, void **store,
                     struct ff_err *err)
{
    (void)host;
    (void)config;
    return lite->open(&lite_host, lite_config, store, err);
}

static void pair_close(void *store)
{
    lite->close(store);
}

static int pair_setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    const int code = lite->setup(store, schema, err);

    return code == FF_OK ? model->setup(model_session, schema, err) : code;
}

static const struct ff_store_ops pair_ops = {
    .open = pair_open,
    .close = pair_close,
    .setup = pair_setup,
    .commit = pair_commit,
    .scan = pair_scan,
    .count = pair_count,
};

const struct ff_store_ops *store_pair_open(void)
{
    static const struct ff_host no_host = {.struct_size = sizeof(no_host)};
    static const char *const no_config[1];
    const struct ff_driver *d = lite_driver_entry();
    struct ff_err err;

    lite = d->ops.store;
    model = ff_driver_entry()->ops.store;
    snprintf(db_path, sizeof(db_path), "%s/%d.db", sim.data_dir, (int)getpid());
    make_config(d);
    if (model->open(&no_host, no_config, &model_session, &err) != FF_OK)
        sim_fail("store-memory: %s", err.msg);
    return &pair_ops;
}

/* All of every table, once at the end. */
void store_pair_check(void *session)
{
    struct ff_err err;

    for (size_t i = 0; model_schema.records[i]; i++) {
        const struct ff_query all = {
            .struct_size = sizeof(all), .record = model_schema.records[i], .index = -1};
        if (pair_scan(session, &all, NULL, NULL, &err) != FF_OK)
            sim_fail("SQLite cannot read %s: %s", all.record->name, err.msg);
    }
}

void store_pair_done(void)
{
    static const char *const ends[] = {"", "-wal", "-shm"};

    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        char path[sizeof(db_path) + 8];
        snprintf(path, sizeof(path), "%s%s", db_path, ends[i]);
        unlink(path);
    }
}
