/* What broken stores share: they are a correct driver with some functions replaced. */
#ifndef BROKEN_STORE_H
#define BROKEN_STORE_H

#include <flowforge/store.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The driver that the file is made over, see kit.cmake. */
const struct ff_driver *correct(void);

#define good (correct()->ops.store)

/* Each file has one: replaces what it breaks. */
static void break_it(struct ff_driver *d, struct ff_store_ops *ops);

FF_EXPORT const struct ff_driver *ff_driver_entry(void);
FF_EXPORT const struct ff_driver *ff_driver_entry(void)
{
    static struct ff_store_ops ops;
    static struct ff_driver d;

    d = *correct();
    ops = *good;
    break_it(&d, &ops);
    d.ops.store = &ops;
    return &d;
}

/* BREAK(commit, commit): one function is another one. */
#define BREAK(FIELD, FUNCTION)                                                         \
    static void break_it(struct ff_driver *d, struct ff_store_ops *ops)                \
    {                                                                                  \
        (void)d;                                                                       \
        ops->FIELD = FUNCTION;                                                         \
    }

/* --- changes as another than the caller's --- */

enum edited { KEEP, DROP };

/* May change both; the values are a copy, what they point to is not. */
typedef enum edited edit_fn(void *store, struct ff_change *c, struct ff_value *values);

static inline int commit_edited(void *store, const struct ff_change *changes, size_t n,
                                size_t *failed, struct ff_err *err, edit_fn *fn)
{
    struct ff_change *kept = calloc(n + 1, sizeof(*kept));
    struct ff_value(*values)[64] = calloc(n + 1, sizeof(*values));
    size_t *place = calloc(n + 1, sizeof(*place));
    size_t n_kept = 0;
    size_t at = 0;
    int code;

    for (size_t i = 0; i < n; i++) {
        kept[n_kept] = changes[i];
        memcpy(values[n_kept], changes[i].values,
               changes[i].record->n_columns * sizeof(struct ff_value));
        kept[n_kept].values = values[n_kept];
        place[n_kept] = i;
        n_kept += fn(store, &kept[n_kept], values[n_kept]) == KEEP;
    }
    code = good->commit(store, kept, n_kept, &at, err);
    if (failed && (code == FF_CONFLICT || code == FF_INVALID))
        *failed = place[at];
    free(kept);
    free(values);
    free(place);
    return code;
}

/* EDIT_CHANGES { return KEEP; } with store, c and values. */
#define EDIT_CHANGES                                                                   \
    static enum edited edit(void *store, struct ff_change *c,                          \
                            struct ff_value *values);                                  \
    static int commit(void *store, const struct ff_change *changes, size_t n,          \
                      size_t *failed, struct ff_err *err)                              \
    {                                                                                  \
        return commit_edited(store, changes, n, failed, err, edit);                    \
    }                                                                                  \
    BREAK(commit, commit)                                                              \
    static enum edited edit(void *store __attribute__((unused)),                       \
                            struct ff_change *c __attribute__((unused)),               \
                            struct ff_value *values __attribute__((unused)))

/* --- the row of a change --- */

struct found {
    const struct ff_record *record;
    int64_t version;
};

static inline int take_version(void *arg, const struct ff_value *row)
{
    struct found *f = arg;

    f->version = row[f->record->n_key].i;
    return 1;
}

/* 0: there is none. */
static inline int64_t version_of(void *store, const struct ff_change *c)
{
    struct found f = {.record = c->record};
    const struct ff_query q = {.struct_size = sizeof(q),
                               .record = c->record,
                               .index = -1,
                               .n_equal = c->record->n_key,
                               .equal = c->values};
    struct ff_err ignored;

    good->scan(store, &q, take_version, &f, &ignored);
    return f.version;
}

static inline uint64_t all_columns(const struct ff_record *r)
{
    return (UINT64_C(1) << r->n_columns) - 1;
}

/* All but key and version. */
static inline uint64_t settable(const struct ff_record *r)
{
    return all_columns(r) & ~((UINT64_C(2) << r->n_key) - 1);
}

/* --- values as another than the caller's --- */

/* EDIT_VALUES(FF_TEXT) { v->len--; } for each value of the type that is written. */
#define EDIT_VALUES(TYPE)                                                              \
    static void edit_value(struct ff_value *v);                                        \
    EDIT_CHANGES                                                                       \
    {                                                                                  \
        for (uint16_t i = 0; i < c->record->n_columns; i++)                            \
            if (values[i].type == (TYPE))                                              \
                edit_value(&values[i]);                                                \
        return KEEP;                                                                   \
    }                                                                                  \
    static void edit_value(struct ff_value *v)

/* --- queries as another than the caller's --- */

typedef void query_fn(struct ff_query *q);

/* EDIT_QUERIES { q->limit++; } */
#define EDIT_QUERIES                                                                   \
    static void edit_query(struct ff_query *q);                                        \
    static int scan(void *store, const struct ff_query *theirs, ff_row_fn *fn,         \
                    void *arg, struct ff_err *err)                                     \
    {                                                                                  \
        struct ff_query q = *theirs;                                                   \
        edit_query(&q);                                                                \
        return good->scan(store, &q, fn, arg, err);                                    \
    }                                                                                  \
    static int count(void *store, const struct ff_query *theirs, uint64_t *n,          \
                     struct ff_err *err)                                               \
    {                                                                                  \
        struct ff_query q = *theirs;                                                   \
        edit_query(&q);                                                                \
        return good->count(store, &q, n, err);                                         \
    }                                                                                  \
    static void break_it(struct ff_driver *d, struct ff_store_ops *ops)                \
    {                                                                                  \
        (void)d;                                                                       \
        ops->scan = scan;                                                              \
        ops->count = count;                                                            \
    }                                                                                  \
    static void edit_query(struct ff_query *q)

#endif
