/* store_sample.c - a store in the memory of one process.
 *
 * Made from FlowForge's template for store drivers. It is true to the whole contract
 * for one process; what is yours to do:
 *
 *   TODO  keep the rows in your database (rows.h), durably: FF_STORE_DURABLE
 *   TODO  let several processes use it: FF_STORE_SHARED. The guards of a commit,
 * FF_CHECK among them, must then hold until the whole commit is visible to all
 *   TODO  with either of these, let older programs in, as `setup` says in store.h
 *   TODO  the database's own clock in store_now, where several hosts share it
 *   TODO  map the database's errors to enum ff_code in one function: busy, unavailable,
 *         in doubt when the link breaks inside a commit, full, fatal
 *   TODO  the optional slots backup, watch and expire, where the database has them */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

/* The core fills this from the section `store-sample` of the config file and from
 * FLOWFORGE_STORE_SAMPLE_..., before open(). It outlives the session. */
struct config {
    const char *name;
};

static const struct ff_opt options[] = {
    {.name = "name",
     .help = "sessions of one process with the same name share their data",
     .fallback = "default",
     .type = FF_OPT_TEXT,
     .offset = offsetof(struct config, name)},
    {0},
};

struct session {
    const struct ff_host *host;
    struct database *database;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct database *databases;

/* --- open and close --- */

static struct database *database_new(const char *name)
{
    struct database *d = calloc(1, sizeof(*d));

    if (d)
        d->name = strdup(name);
    if (!d || !d->name) {
        free(d);
        return NULL;
    }
    pthread_mutex_init(&d->mutex, NULL);
    d->next = databases;
    databases = d;
    return d;
}

static struct database *database_get(const char *name)
{
    struct database *d;

    pthread_mutex_lock(&mutex);
    for (d = databases; d && strcmp(d->name, name) != 0;)
        d = d->next;
    if (!d)
        d = database_new(name);
    if (d)
        d->refs++;
    pthread_mutex_unlock(&mutex);
    return d;
}

static void free_tables(struct table *tables, size_t n)
{
    for (size_t i = 0; i < n; i++)
        table_done(&tables[i]);
    free(tables);
}

static void database_put(struct database *d)
{
    struct database **at = &databases;

    pthread_mutex_lock(&mutex);
    if (--d->refs == 0) {
        while (*at != d)
            at = &(*at)->next;
        *at = d->next;
        free_tables(d->tables, d->n_tables);
        pthread_mutex_destroy(&d->mutex);
        free(d->name);
        free(d);
    }
    pthread_mutex_unlock(&mutex);
}

static int store_open(const struct ff_host *host, const void *config, void **store,
                      struct ff_err *err)
{
    const struct config *c = config;
    struct session *s = calloc(1, sizeof(*s));

    if (s)
        s->database = database_get(c->name);
    if (!s || !s->database) {
        free(s);
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for a session");
    }
    s->host = host;
    *store = s;
    return FF_OK;
}

static void store_close(void *store)
{
    struct session *s = store;

    if (!s)
        return;
    database_put(s->database);
    free(s);
}

/* --- setup --- */

static const struct table *table_by_name(const struct database *d, const char *name)
{
    for (size_t i = 0; i < d->n_tables; i++)
        if (strcmp(d->tables[i].record->name, name) == 0)
            return &d->tables[i];
    return NULL;
}

/* Columns that the older record does not have are null. */
static int copy_row(struct table *to, const struct table *from, const struct row *row)
{
    struct ff_value values[MAX_COLUMNS];
    struct row *copy;

    for (uint16_t i = 0; i < to->record->n_columns; i++) {
        values[i] = (struct ff_value){0};
        for (uint16_t k = 0; k < from->record->n_columns; k++)
            if (strcmp(from->record->columns[k].name, to->record->columns[i].name) == 0)
                values[i] = row->values[k];
    }
    copy = row_new(values, to->record->n_columns);
    if (!copy || table_reserve(to, 1) != FF_OK) {
        free(copy);
        return FF_NO_MEMORY;
    }
    table_replace(to, NULL, copy);
    return FF_OK;
}

static int make_tables(const struct database *d, const struct ff_schema *schema,
                       struct table *tables, size_t n)
{
    int code = FF_OK;

    for (size_t i = 0; i < n; i++) {
        const struct table *old = table_by_name(d, schema->records[i]->name);

        tables[i].record = schema->records[i];
        for (size_t k = 0; old && k < old->n && code == FF_OK; k++)
            code = copy_row(&tables[i], old, old->rows[k]);
    }
    return code;
}

static int set_up(struct database *d, const struct ff_schema *schema,
                  struct ff_err *err)
{
    struct table *tables;
    size_t n = 0;

    if (d->schema == schema)
        return FF_OK;
    if (d->schema && d->schema->version > schema->version)
        return ff_fail(err, FF_UNSUPPORTED, 0,
                       "the stored schema %u is newer than this program's %u",
                       d->schema->version, schema->version);
    while (schema->records[n])
        n++;
    tables = calloc(n + 1, sizeof(*tables));
    if (!tables || make_tables(d, schema, tables, n) != FF_OK) {
        if (tables)
            free_tables(tables, n);
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for tables");
    }
    free_tables(d->tables, d->n_tables);
    d->tables = tables;
    d->n_tables = n;
    d->schema = schema;
    return FF_OK;
}

static int store_setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    struct database *d = ((struct session *)store)->database;
    int code;

    pthread_mutex_lock(&d->mutex);
    code = set_up(d, schema, err);
    pthread_mutex_unlock(&d->mutex);
    return code;
}

/* --- commit, scan, count --- */

static int store_commit(void *store, const struct ff_change *changes, size_t n,
                        size_t *failed, struct ff_err *err)
{
    struct database *d = ((struct session *)store)->database;
    int code;

    pthread_mutex_lock(&d->mutex);
    code = commit_all(d, changes, n, failed, err);
    pthread_mutex_unlock(&d->mutex);
    return code;
}

static int read_rows(void *store, const struct ff_query *q, ff_row_fn *fn, void *arg,
                     uint64_t *n, struct ff_err *err)
{
    struct database *d = ((struct session *)store)->database;
    int code;

    pthread_mutex_lock(&d->mutex);
    code = query_run(d, q, fn, arg, n, err);
    pthread_mutex_unlock(&d->mutex);
    return code;
}

static int store_scan(void *store, const struct ff_query *q, ff_row_fn *fn, void *arg,
                      struct ff_err *err)
{
    uint64_t n;

    return read_rows(store, q, fn, arg, &n, err);
}

static int store_count(void *store, const struct ff_query *q, uint64_t *n,
                       struct ff_err *err)
{
    return read_rows(store, q, NULL, NULL, n, err);
}

/* --- ping and now --- */

static int store_ping(void *store, struct ff_err *err)
{
    (void)store;
    (void)err;
    return FF_OK;
}

static int store_now(void *store, int64_t *now_us, struct ff_err *err)
{
    const struct session *s = store;

    (void)err;
    *now_us = s->host->now_us(s->host->self);
    return FF_OK;
}

/* --- the driver --- */

static const struct ff_store_ops ops = {
    .open = store_open,
    .close = store_close,
    .setup = store_setup,
    .commit = store_commit,
    .scan = store_scan,
    .count = store_count,
    .ping = store_ping,
    .now = store_now,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_STORE, FF_PARALLEL, ops),
    .name = "sample",
    .version = DRIVER_VERSION,
    .summary = "rows in the memory of one process",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.store = &ops,
};

FF_REGISTER_DRIVER(driver)
