/* breaks: store/setup/upgrade-reopened
 * over: store-sqlite
 *
 * A store stays at the schema it was made with. */
#include "broken_store.h"

static int setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    if (schema->version == 3)
        return ff_fail(err, FF_UNSUPPORTED, 0, "the store is older than this program");
    return good->setup(store, schema, err);
}

BREAK(setup, setup)
