/* store-memory/memory.h - the tables of the store in memory.
 *
 * This driver is the contract of flowforge/store.h as a program: what another store
 * does differently is a mistake in one of the two. It is written to be read, but every
 * operation costs O(log n). */
#ifndef STORE_MEMORY_MEMORY_H
#define STORE_MEMORY_MEMORY_H

#include <flowforge/store.h>
#include <pthread.h>
#include <stdbool.h>

#define MEMORY_MAX_COLUMNS 64 /* one bit each in a mask */

/* One row, in every order at once: order 0 is the primary key, order i + 1 is index i.
 */
struct row;

struct table {
    const struct ff_record *record;
    struct row *head; /* stands before the first row of each order */
    uint64_t random;  /* for the heights of rows */
    size_t n_rows;
};

/* The columns of the index (none for -1), then those of the key. */
uint32_t table_order_length(const struct ff_record *record, int index);
uint16_t table_order_column(const struct ff_record *record, int index, size_t i);

int table_init(struct table *t, const struct ff_record *record);
void table_done(struct table *t);

/* Values are copied. NULL: out of memory. The row is in no table yet. */
struct row *row_new(struct table *t, const struct ff_value *values);
void row_free(struct row *row); /* takes NULL */
const struct ff_value *row_values(const struct row *row);

/* One row out, another in; either may be NULL. Cannot fail. */
void table_replace(struct table *t, struct row *old, struct row *new);

struct row *table_find(const struct table *t, const struct ff_value *key);

/* A row that has the same values as `row` in a unique index, itself not counted; nulls
 * are never the same. */
bool table_breaks_unique(const struct table *t, const struct row *row,
                         const struct row *except);

/* The rows of a query lie between two rows of its order: from first on, up to but not
 * including end (NULL: the end of the table). */
struct row *table_first(const struct table *t, const struct ff_query *q);
struct row *table_end(const struct table *t, const struct ff_query *q);
struct row *table_next(const struct table *t, int index, const struct row *row);
/* Of NULL: the last one; NULL: there is none. */
struct row *table_previous(const struct table *t, int index, const struct row *row);
/* Like memcmp, in the order of the index; NULL comes after every row. */
int table_compare(const struct table *t, int index, const struct row *a,
                  const struct row *b);

/* --- value.c --- */

/* Null first, numbers by size, text by its bytes, enums by their names. */
int value_compare(const struct ff_column *column, const struct ff_value *a,
                  const struct ff_value *b);
int value_check(const struct ff_record *record, uint16_t column,
                const struct ff_value *value, struct ff_err *err);

/* --- driver.c: what sessions of one name share --- */

struct database {
    struct database *next;
    size_t refs;
    char *name;
    pthread_mutex_t mutex;
    const struct ff_schema *schema; /* NULL until the first setup */
    struct table *tables;           /* in the order of the schema's records */
    size_t n_tables;
};

struct session {
    const struct ff_host *host;
    struct database *database;
};

/* NULL: no record of the schema that was set up last. */
struct table *database_table(struct database *d, const struct ff_record *record);

/* --- commit.c --- */

int memory_commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err);

#endif
