/* store-memory/driver.c - a store that lasts as long as a session of it is open.
 *
 * Sessions of one process with the same name share their data. A mutex makes every call
 * one moment; that is all there is to say about concurrency. */
#include "memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

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

static pthread_mutex_t databases_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct database *databases;

/* --- opening and closing --- */

static void free_tables(struct table *tables, size_t n)
{
    for (size_t i = 0; i < n; i++)
        table_done(&tables[i]);
    free(tables);
}

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

    pthread_mutex_lock(&databases_mutex);
    for (d = databases; d && strcmp(d->name, name) != 0;)
        d = d->next;
    if (!d)
        d = database_new(name);
    if (d)
        d->refs++;
    pthread_mutex_unlock(&databases_mutex);
    return d;
}

static void database_put(struct database *d)
{
    struct database **link = &databases;

    pthread_mutex_lock(&databases_mutex);
    while (*link != d)
        link = &(*link)->next;
    if (--d->refs == 0) {
        *link = d->next;
        free_tables(d->tables, d->n_tables);
        pthread_mutex_destroy(&d->mutex);
        free(d->name);
        free(d);
    }
    pthread_mutex_unlock(&databases_mutex);
}

static int memory_open(const struct ff_host *host, const void *config, void **store,
                       struct ff_err *err)
{
    const struct config *c = config;
    struct session *s = calloc(1, sizeof(*s));

    if (s)
        s->database = database_get(c->name ? c->name : "default");
    if (!s || !s->database) {
        free(s);
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a session");
    }
    s->host = host;
    *store = s;
    return FF_OK;
}

static void memory_close(void *store)
{
    struct session *s = store;

    if (!s)
        return;
    database_put(s->database);
    free(s);
}

/* --- setup --- */

static const struct table *find_by_name(const struct database *d, const char *name)
{
    for (size_t i = 0; i < d->n_tables; i++)
        if (strcmp(d->tables[i].record->name, name) == 0)
            return &d->tables[i];
    return NULL;
}

/* A row of an older table as one of the new: columns that it lacks are null. */
static void widen(const struct ff_record *old, const struct ff_value *from,
                  const struct ff_record *new, struct ff_value *to)
{
    for (uint16_t i = 0; i < new->n_columns; i++) {
        to[i] = (struct ff_value){0};
        for (uint16_t k = 0; k < old->n_columns; k++)
            if (strcmp(old->columns[k].name, new->columns[i].name) == 0)
                to[i] = from[k];
    }
}

static int copy_rows(struct table *new, const struct table *old)
{
    struct ff_value values[MEMORY_MAX_COLUMNS];
    const struct ff_query all = {.record = old->record, .index = -1};
    struct row *row = table_first(old, &all);

    for (; row; row = table_next(old, -1, row)) {
        widen(old->record, row_values(row), new->record, values);

        struct row *copy = row_new(new, values);

        if (!copy)
            return FF_NO_MEMORY;
        table_replace(new, NULL, copy);
    }
    return FF_OK;
}

static int make_tables(const struct database *d, const struct ff_schema *schema,
                       struct table *tables, size_t n)
{
    int code = FF_OK;

    for (size_t i = 0; i < n && code == FF_OK; i++) {
        const struct table *old = find_by_name(d, schema->records[i]->name);

        code = table_init(&tables[i], schema->records[i]);
        if (code == FF_OK && old)
            code = copy_rows(&tables[i], old);
    }
    return code;
}

static int set_up(struct database *d, const struct ff_schema *schema,
                  struct ff_err *err)
{
    size_t n = 0;

    if (d->schema == schema)
        return FF_OK;
    if (d->schema && d->schema->version > schema->version)
        return ff_fail(err, FF_UNSUPPORTED, 0,
                       "store %s: its schema %u is newer than this program's %u",
                       d->name, d->schema->version, schema->version);
    while (schema->records[n])
        n++;

    struct table *tables = calloc(n + 1, sizeof(*tables));

    if (!tables || make_tables(d, schema, tables, n) != FF_OK) {
        if (tables)
            free_tables(tables, n);
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for tables");
    }
    free_tables(d->tables, d->n_tables);
    d->tables = tables;
    d->n_tables = n;
    d->schema = schema;
    return FF_OK;
}

static int memory_setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    struct database *d = ((struct session *)store)->database;
    int code;

    pthread_mutex_lock(&d->mutex);
    code = set_up(d, schema, err);
    pthread_mutex_unlock(&d->mutex);
    return code;
}

/* --- reads --- */

static bool fits(const struct ff_query *q, uint32_t i, const struct ff_value *value)
{
    const uint16_t column = table_order_column(q->record, q->index, i);
    struct ff_err ignored;

    return !value->type || value_check(q->record, column, value, &ignored) == FF_OK;
}

static bool values_fit(const struct ff_query *q)
{
    const uint32_t n_order = table_order_length(q->record, q->index);
    bool right = true;

    for (uint32_t i = 0; i < q->n_equal && right; i++)
        right = fits(q, i, &q->equal[i]);
    for (uint32_t i = 0; i < n_order && q->after && right; i++)
        right = fits(q, i, &q->after[i]);
    if (right && q->from)
        right = q->from->type && fits(q, q->n_equal, q->from);
    if (right && q->below)
        right = q->below->type && fits(q, q->n_equal, q->below);
    return right;
}

static int check_query(struct database *d, const struct ff_query *q, struct ff_err *err)
{
    if (!database_table(d, q->record) || q->index < -1 ||
        q->index >= q->record->n_indexes)
        return ff_fail(err, FF_INVALID, 0, "a query of an unknown record or index");

    const uint32_t n_columns =
        q->index < 0 ? q->record->n_key : q->record->indexes[q->index].n_columns;

    if (q->n_equal > n_columns || ((q->from || q->below) && q->n_equal >= n_columns))
        return ff_fail(err, FF_INVALID, 0,
                       "%s: a query beyond the columns of its index", q->record->name);
    if (!values_fit(q))
        return ff_fail(err, FF_INVALID, 0,
                       "%s: a query with a value that its column cannot hold",
                       q->record->name);
    return FF_OK;
}

static int give(const struct ff_query *q, const struct row *row, ff_row_fn *fn,
                void *arg)
{
    struct ff_value values[MEMORY_MAX_COLUMNS];

    for (uint16_t i = 0; i < q->record->n_columns; i++)
        values[i] =
            !q->want || q->want >> i & 1 ? row_values(row)[i] : (struct ff_value){0};
    return fn(arg, values);
}

static uint64_t walk(const struct table *t, const struct ff_query *q, ff_row_fn *fn,
                     void *arg)
{
    const bool descending = q->flags & FF_DESCENDING;
    const uint64_t limit = q->limit ? q->limit : UINT64_MAX;
    const struct row *first = table_first(t, q);
    const struct row *end = table_end(t, q);
    const struct row *row = descending ? table_previous(t, q->index, end) : first;
    uint64_t n = 0;

    if (table_compare(t, q->index, first, end) >= 0)
        return 0;
    while (row && n < limit && (descending || row != end)) {
        n++;
        if (fn && give(q, row, fn, arg) != 0)
            break;
        if (descending && row == first)
            break;
        row = descending ? table_previous(t, q->index, row)
                         : table_next(t, q->index, row);
    }
    return n;
}

static int memory_read(void *store, const struct ff_query *q, ff_row_fn *fn, void *arg,
                       uint64_t *n, struct ff_err *err)
{
    struct database *d = ((struct session *)store)->database;
    int code;

    pthread_mutex_lock(&d->mutex);
    code = check_query(d, q, err);
    if (code == FF_OK)
        *n = walk(database_table(d, q->record), q, fn, arg);
    pthread_mutex_unlock(&d->mutex);
    return code;
}

static int memory_scan(void *store, const struct ff_query *q, ff_row_fn *fn, void *arg,
                       struct ff_err *err)
{
    uint64_t n;

    return memory_read(store, q, fn, arg, &n, err);
}

static int memory_count(void *store, const struct ff_query *q, uint64_t *n,
                        struct ff_err *err)
{
    return memory_read(store, q, NULL, NULL, n, err);
}

static int memory_ping(void *store, struct ff_err *err)
{
    (void)store;
    (void)err;
    return FF_OK;
}

static int memory_now(void *store, int64_t *now_us, struct ff_err *err)
{
    const struct session *s = store;

    (void)err;
    *now_us = s->host->now_us(s->host->self);
    return FF_OK;
}

/* What rows take besides their values nobody counts. */
static int memory_info(void *store, struct ff_store_info *info, ff_store_part_fn *fn,
                       void *arg, struct ff_err *err)
{
    struct database *d = ((struct session *)store)->database;
    bool more = fn != NULL;

    (void)err;
    pthread_mutex_lock(&d->mutex);
    info->schema_version = d->schema ? d->schema->version : 0;
    info->bytes = info->free_bytes = -1;
    snprintf(info->engine, sizeof(info->engine), "memory");
    for (size_t i = 0; i < d->n_tables && more; i++)
        more =
            fn(arg, &(struct ff_store_part){.struct_size = sizeof(struct ff_store_part),
                                            .name = d->tables[i].record->name,
                                            .rows = (int64_t)d->tables[i].n_rows,
                                            .bytes = -1,
                                            .index_bytes = -1,
                                            .unused_bytes = -1}) == 0;
    pthread_mutex_unlock(&d->mutex);
    return FF_OK;
}

/* --- the driver --- */

static const struct ff_store_ops ops = {
    .open = memory_open,
    .close = memory_close,
    .setup = memory_setup,
    .commit = memory_commit,
    .scan = memory_scan,
    .count = memory_count,
    .ping = memory_ping,
    .now = memory_now,
    .info = memory_info,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_STORE, FF_PARALLEL, ops),
    .name = "memory",
    .version = "1.0",
    .summary = "in memory, for tests and trials: gone with the process",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.store = &ops,
};

FF_REGISTER_DRIVER(driver)
