/* breaks: store/setup/upgrade
 * over: store-memory
 *
 * A newer schema begins with empty tables. */
#include "broken_store.h"

static const struct ff_record *const no_records[] = {NULL};
static struct ff_schema empty = {.struct_size = sizeof(empty), .records = no_records};

static uint32_t version;

static int setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    empty.version = schema->version;
    if (version && version < schema->version)
        good->setup(store, &empty, err);
    version = schema->version;
    return good->setup(store, schema, err);
}

BREAK(setup, setup)
