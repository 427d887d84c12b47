/* breaks: store/beside/columns
 * over: store-sqlite
 *
 * Whoever replaces a row writes null into the columns that he does not know. */
#include "broken_store.h"

/* The session that was set up with the newest schema, and that. */
static void *newest;
static const struct ff_schema *newest_schema;

static int setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    if (!newest_schema || schema->version > newest_schema->version) {
        newest = store;
        newest_schema = schema;
    }
    return good->setup(store, schema, err);
}

static void close_session(void *store)
{
    if (store == newest) {
        newest = NULL;
        newest_schema = NULL;
    }
    good->close(store);
}

static const struct ff_record *newest_of(const struct ff_record *record)
{
    for (size_t i = 0; newest_schema && newest_schema->records[i]; i++)
        if (strcmp(newest_schema->records[i]->name, record->name) == 0)
            return newest_schema->records[i];
    return record;
}

static bool has_column(const struct ff_record *record, const char *name)
{
    for (uint16_t i = 0; i < record->n_columns; i++)
        if (strcmp(record->columns[i].name, name) == 0)
            return true;
    return false;
}

static int forget_rest(const struct ff_change *put, struct ff_err *err)
{
    const struct ff_record *record = newest_of(put->record);
    struct ff_value values[64] = {{0}};
    struct ff_change c = {
        .record = record, .kind = FF_PATCH, .expect = FF_ANY_VERSION, .values = values};

    for (uint16_t i = 0; i < record->n_columns; i++) {
        if (i < record->n_key)
            values[i] = put->values[i];
        else if (!has_column(put->record, record->columns[i].name))
            c.set |= UINT64_C(1) << i;
    }
    return c.set ? good->commit(newest, &c, 1, NULL, err) : FF_OK;
}

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    int code = good->commit(store, changes, n, failed, err);

    for (size_t i = 0; i < n && code == FF_OK; i++)
        if (changes[i].kind == FF_PUT)
            code = forget_rest(&changes[i], err);
    return code;
}

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    (void)d;
    ops->setup = setup;
    ops->close = close_session;
    ops->commit = commit;
}
