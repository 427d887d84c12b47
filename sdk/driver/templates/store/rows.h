/* rows.h - the data: tables of rows, in no order, and what a value may be.
 *
 *   TODO  this is memory, gone with the process, and every search walks through all
 * rows: put your database here */
#ifndef ROWS_H
#define ROWS_H

#include <flowforge/store.h>

#include <pthread.h>

#define MAX_COLUMNS 64

/* One allocation: the values, and their texts behind them. */
struct row {
    uint16_t n;
    struct ff_value values[];
};

struct table {
    const struct ff_record *record;
    struct row **rows;
    size_t n, cap;
};

/* What sessions of one name share. The mutex makes each call one moment. */
struct database {
    struct database *next;
    char *name;
    size_t refs;
    pthread_mutex_t mutex;
    const struct ff_schema *schema; /* NULL until setup */
    struct table *tables;
    size_t n_tables;
};

struct table *database_table(const struct database *d, const struct ff_record *record);

struct row *row_new(const struct ff_value *values, uint16_t n); /* copies; NULL: none */
/* Where in `rows` the row with this key is; t->n when there is none. */
size_t table_find(const struct table *t, const struct ff_value *key);
/* Either may be NULL. Room for a new row is made before, by table_reserve. */
void table_replace(struct table *t, struct row *old, struct row *new);
int table_reserve(struct table *t, size_t n);
void table_done(struct table *t);

/* Nulls first, then by size, by bytes, or enums by name. */
int value_compare(const struct ff_column *column, const struct ff_value *a,
                  const struct ff_value *b);
int value_check(const struct ff_record *record, uint16_t column,
                const struct ff_value *value, struct ff_err *err);

/* commit.c and query.c: under the mutex */
int commit_all(struct database *d, const struct ff_change *changes, size_t n,
               size_t *failed, struct ff_err *err);
/* fn NULL: only counts. */
int query_run(const struct database *d, const struct ff_query *q, ff_row_fn *fn,
              void *arg, uint64_t *n, struct ff_err *err);

#endif
