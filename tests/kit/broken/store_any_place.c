/* breaks: store/errors/place
 * over: store-sqlite
 *
 * A store that cannot be opened is opened elsewhere. */
#include "broken_store.h"

static int open_store(const struct ff_host *host, const void *config, void **store,
                      struct ff_err *err)
{
    int code = good->open(host, config, store, err);

    if (code != FF_OK) {
        *store = calloc(1, 64);
        code = FF_OK;
    }
    return code;
}

BREAK(open, open_store)
