/* breaks: store/setup/again
 * over: store-memory
 *
 * Whoever sets up begins with empty tables. */
#include "broken_store.h"

static const struct ff_record *const no_records[] = {NULL};
static struct ff_schema empty = {.struct_size = sizeof(empty), .records = no_records};

static int setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    empty.version = schema->version;
    good->setup(store, &empty, err);
    return good->setup(store, schema, err);
}

BREAK(setup, setup)
