/* breaks: store/setup/newer
 * over: store-memory
 *
 * A newer schema in the store is not seen. */
#include "broken_store.h"

static int setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    const int code = good->setup(store, schema, err);

    return code == FF_UNSUPPORTED ? FF_OK : code;
}

BREAK(setup, setup)
