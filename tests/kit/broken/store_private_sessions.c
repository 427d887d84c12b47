/* breaks: store/race/sessions
 * over: store-memory
 *
 * Each session has rows of its own. */
#include "broken_store.h"

static int open_store(const struct ff_host *host, const void *config, void **store,
                      struct ff_err *err)
{
    static char names[64][16];
    static size_t n;
    const char *name = names[n];

    (void)config;
    snprintf(names[n], sizeof(names[n]), "private-%zu", n);
    n = (n + 1) % 64;
    return good->open(host, &name, store, err);
}

BREAK(open, open_store)
