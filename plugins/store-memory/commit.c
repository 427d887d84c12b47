/* store-memory/commit.c - all or nothing: changes apply one after the other, and are
 * undone in reverse when a guard does not hold. */
#include "memory.h"

#include <stdlib.h>

struct table *database_table(struct database *d, const struct ff_record *record)
{
    for (size_t i = 0; i < d->n_tables; i++)
        if (d->tables[i].record == record)
            return &d->tables[i];
    return NULL;
}

/* What one change did, so that it can be undone. */
struct done {
    struct table *table;
    struct row *old, *new;
};

static bool guard_makes_sense(const struct ff_change *c)
{
    if (c->expect == FF_ABSENT)
        return c->kind == FF_PUT || c->kind == FF_CHECK;
    return c->expect > 0 || c->expect == FF_ANY_VERSION;
}

/* Bit i: the change reads values[i]. */
static uint64_t columns_of(const struct ff_change *c)
{
    const struct ff_record *r = c->record;
    const uint64_t key = (UINT64_C(1) << r->n_key) - 1;
    const uint64_t version = UINT64_C(1) << r->n_key;
    const uint64_t all = ~UINT64_C(0) >> (MEMORY_MAX_COLUMNS - r->n_columns);

    if (c->kind == FF_PUT)
        return all & ~version;
    return c->kind == FF_PATCH ? key | c->set : key;
}

static int check_change(const struct ff_change *c, struct ff_err *err)
{
    const struct ff_record *r = c->record;
    const uint64_t columns = columns_of(c);
    const uint64_t fixed = (UINT64_C(2) << r->n_key) - 1;
    int code = FF_OK;

    if (c->kind < FF_PUT || c->kind > FF_CHECK || !guard_makes_sense(c))
        return ff_fail(err, FF_INVALID, 0, "%s: a guard that cannot hold", r->name);
    if (c->kind == FF_PATCH && (c->set & fixed || c->set >> (r->n_columns - 1) >> 1))
        return ff_fail(err, FF_INVALID, 0, "%s: a patch of its key or version",
                       r->name);
    for (uint16_t i = 0; i < r->n_columns && code == FF_OK; i++)
        if (columns >> i & 1)
            code = value_check(r, i, &c->values[i], err);
    return code;
}

static bool guard_holds(const struct ff_change *c, const struct row *row)
{
    if (!row)
        return c->expect == FF_ABSENT || (c->expect == FF_ANY_VERSION &&
                                          (c->kind == FF_PUT || c->kind == FF_DELETE));
    return c->expect == FF_ANY_VERSION ||
           row_values(row)[c->record->n_key].i == c->expect;
}

/* The row as the change leaves it. */
static struct row *changed_row(struct table *t, const struct ff_change *c,
                               const struct row *old)
{
    const struct ff_record *r = c->record;
    const uint64_t columns = columns_of(c);
    struct ff_value values[MEMORY_MAX_COLUMNS];

    for (uint16_t i = 0; i < r->n_columns; i++)
        values[i] = columns >> i & 1 ? c->values[i]
                    : old            ? row_values(old)[i]
                                     : (struct ff_value){0};
    values[r->n_key] = (struct ff_value){
        .type = FF_INT, .i = old ? row_values(old)[r->n_key].i + 1 : 1};
    return row_new(t, values);
}

static int apply(struct database *d, const struct ff_change *c, struct done *done,
                 struct ff_err *err)
{
    struct table *t = database_table(d, c->record);

    if (!t)
        return ff_fail(err, FF_INVALID, 0, "a change of an unknown record");
    if (check_change(c, err) != FF_OK)
        return FF_INVALID;

    struct row *old = table_find(t, c->values);
    struct row *new = NULL;

    if (!guard_holds(c, old))
        return ff_fail(err, FF_CONFLICT, 0, "%s: the row is not as expected",
                       c->record->name);
    if (c->kind == FF_CHECK)
        return FF_OK;
    if (c->kind != FF_DELETE) {
        new = changed_row(t, c, old);
        if (!new)
            return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a row");
        if (table_breaks_unique(t, new, old)) {
            row_free(new);
            return ff_fail(err, FF_CONFLICT, 0,
                           "%s: a unique index has this value already",
                           c->record->name);
        }
    }
    table_replace(t, old, new);
    *done = (struct done){.table = t, .old = old, .new = new};
    return FF_OK;
}

static void undo(const struct done *done)
{
    if (!done->table)
        return;
    table_replace(done->table, done->new, done->old);
    row_free(done->new);
}

static int commit_all(struct database *d, const struct ff_change *changes, size_t n,
                      size_t *failed, struct ff_err *err)
{
    struct done *done = calloc(n + 1, sizeof(*done));
    size_t n_done = 0;
    int code = FF_OK;

    if (!done)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a commit");
    while (n_done < n && code == FF_OK) {
        code = apply(d, &changes[n_done], &done[n_done], err);
        n_done += code == FF_OK;
    }
    if (code != FF_OK && failed)
        *failed = n_done;
    while (code != FF_OK && n_done > 0)
        undo(&done[--n_done]);
    for (size_t i = 0; i < n_done; i++)
        row_free(done[i].old);
    free(done);
    return code;
}

int memory_commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    struct database *d = ((struct session *)store)->database;
    int code;

    pthread_mutex_lock(&d->mutex);
    code = commit_all(d, changes, n, failed, err);
    pthread_mutex_unlock(&d->mutex);
    return code;
}
