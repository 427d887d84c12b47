/* breaks: store/beside/minimum
 * over: store-sqlite
 *
 * Each newer schema lets all programs in. */
#include "broken_store.h"

static int setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    struct ff_schema all;

    if (schema->version == 1)
        return good->setup(store, schema, err);
    all = *schema;
    all.min_version = 1;

    const int code = good->setup(store, &all, err);

    /* The session keeps the pointer: the tables are made, and it is bound again. */
    return code == FF_OK ? good->setup(store, schema, err) : code;
}

BREAK(setup, setup)
