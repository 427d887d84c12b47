/* breaks: store/beside/older
 * breaks: store/beside/reopened
 * over: store-sqlite
 *
 * A newer schema is refused, whomever it lets in. */
#include "broken_store.h"

static int setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    struct ff_store_info info = {.struct_size = sizeof(info)};
    int code = good->setup(store, schema, err);

    if (code == FF_OK)
        code = good->info(store, &info, NULL, NULL, err);
    if (code == FF_OK && info.schema_version > schema->version)
        code = ff_fail(err, FF_UNSUPPORTED, 0, "the store is newer than this program");
    return code;
}

BREAK(setup, setup)
