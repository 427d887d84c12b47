/* breaks: store/setup/upgrade-same
 * over: store-memory
 *
 * A session that is set up is not set up again. */
#include "broken_store.h"

static void *done[64];

static int setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    int code;

    for (int i = 0; i < 64 && done[i]; i++)
        if (done[i] == store)
            return FF_OK;
    code = good->setup(store, schema, err);
    for (int i = 0; i < 64 && code == FF_OK; i++) {
        if (done[i])
            continue;
        done[i] = store;
        break;
    }
    return code;
}

BREAK(setup, setup)
