/* commit.c - all or nothing: changes apply one after the other, and are undone in
 * reverse when one cannot be. */
#include "rows.h"

#include <stdlib.h>

/* What one change did. */
struct done {
    struct table *table;
    struct row *old, *new;
};

/* Bit i: the change reads values[i]. */
static uint64_t columns_of(const struct ff_change *c)
{
    const struct ff_record *r = c->record;
    const uint64_t key = (UINT64_C(1) << r->n_key) - 1;
    const uint64_t all = UINT64_MAX >> (MAX_COLUMNS - r->n_columns);

    if (c->kind == FF_PUT)
        return all & ~(UINT64_C(1) << r->n_key);
    return c->kind == FF_PATCH ? key | c->set : key;
}

static int guard_makes_sense(const struct ff_change *c)
{
    if (c->expect == FF_ABSENT)
        return c->kind == FF_PUT || c->kind == FF_CHECK;
    return c->expect > 0 || c->expect == FF_ANY_VERSION;
}

static int check_change(const struct ff_change *c, struct ff_err *err)
{
    const struct ff_record *r = c->record;
    const uint64_t fixed = (UINT64_C(2) << r->n_key) - 1; /* key and version */
    const uint64_t beyond = ~(UINT64_MAX >> (MAX_COLUMNS - r->n_columns));
    int code = FF_OK;

    if (c->kind < FF_PUT || c->kind > FF_CHECK || !guard_makes_sense(c))
        return ff_fail(err, FF_INVALID, 0, "%s: a guard that cannot hold", r->name);
    if (c->kind == FF_PATCH && (c->set & (fixed | beyond)))
        return ff_fail(err, FF_INVALID, 0, "%s: a patch of what cannot be patched",
                       r->name);
    for (uint16_t i = 0; i < r->n_columns && code == FF_OK; i++)
        if (columns_of(c) >> i & 1)
            code = value_check(r, i, &c->values[i], err);
    return code;
}

static int guard_holds(const struct ff_change *c, const struct row *row)
{
    if (!row)
        return c->expect == FF_ABSENT || (c->expect == FF_ANY_VERSION &&
                                          (c->kind == FF_PUT || c->kind == FF_DELETE));
    return c->expect == FF_ANY_VERSION || row->values[c->record->n_key].i == c->expect;
}

/* Nothing is equal to null. */
static int same_in_index(const struct ff_record *r, const struct ff_index *index,
                         const struct row *a, const struct row *b)
{
    for (uint16_t i = 0; i < index->n_columns; i++) {
        const uint16_t column = index->columns[i];

        if (!a->values[column].type || !b->values[column].type ||
            value_compare(&r->columns[column], &a->values[column],
                          &b->values[column]) != 0)
            return 0;
    }
    return 1;
}

static int breaks_unique(const struct table *t, const struct row *new,
                         const struct row *old)
{
    for (uint16_t i = 0; i < t->record->n_indexes; i++) {
        const struct ff_index *index = &t->record->indexes[i];

        for (size_t k = 0; index->unique && k < t->n; k++)
            if (t->rows[k] != old && same_in_index(t->record, index, t->rows[k], new))
                return 1;
    }
    return 0;
}

/* The row as the change leaves it. */
static struct row *changed_row(const struct ff_change *c, const struct row *old)
{
    const uint16_t version = c->record->n_key;
    struct ff_value values[MAX_COLUMNS];

    for (uint16_t i = 0; i < c->record->n_columns; i++)
        values[i] = columns_of(c) >> i & 1 ? c->values[i]
                    : old                  ? old->values[i]
                                           : (struct ff_value){0};
    values[version] =
        (struct ff_value){.type = FF_INT, .i = old ? old->values[version].i + 1 : 1};
    return row_new(values, c->record->n_columns);
}

static int write_row(struct table *t, const struct ff_change *c, struct row *old,
                     struct done *done, struct ff_err *err)
{
    struct row *new = NULL;

    if (c->kind != FF_DELETE) {
        new = changed_row(c, old);
        if (!new || table_reserve(t, 1) != FF_OK) {
            free(new);
            return ff_fail(err, FF_NO_MEMORY, 0, "no memory for a row");
        }
        if (breaks_unique(t, new, old)) {
            free(new);
            return ff_fail(err, FF_CONFLICT, 0, "%s: a unique index has this already",
                           t->record->name);
        }
    }
    if (old || new)
        table_replace(t, old, new);
    *done = (struct done){.table = t, .old = old, .new = new};
    return FF_OK;
}

static int apply(const struct database *d, const struct ff_change *c, struct done *done,
                 struct ff_err *err)
{
    struct table *t = database_table(d, c->record);
    struct row *old;
    size_t at;

    if (!t)
        return ff_fail(err, FF_INVALID, 0, "a change of an unknown record");
    if (check_change(c, err) != FF_OK)
        return FF_INVALID;
    at = table_find(t, c->values);
    old = at < t->n ? t->rows[at] : NULL;
    if (!guard_holds(c, old))
        return ff_fail(err, FF_CONFLICT, 0, "%s: the row is not as expected",
                       c->record->name);
    return c->kind == FF_CHECK ? FF_OK : write_row(t, c, old, done, err);
}

static void undo(const struct done *done)
{
    if (done->old || done->new)
        table_replace(done->table, done->new, done->old);
    free(done->new);
}

int commit_all(struct database *d, const struct ff_change *changes, size_t n,
               size_t *failed, struct ff_err *err)
{
    struct done *done = calloc(n + 1, sizeof(*done));
    size_t n_done = 0;
    int code = FF_OK;

    if (!done)
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for a commit");
    while (n_done < n && code == FF_OK) {
        code = apply(d, &changes[n_done], &done[n_done], err);
        n_done += code == FF_OK;
    }
    if (code == FF_CONFLICT || code == FF_INVALID)
        *failed = n_done;
    while (code != FF_OK && n_done > 0)
        undo(&done[--n_done]);
    for (size_t i = 0; i < n_done; i++)
        free(done[i].old);
    free(done);
    return code;
}
