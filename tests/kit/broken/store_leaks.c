/* leaks: a session that is closed
 * over: store-memory
 *
 * Closing a session frees nothing. */
#include "broken_store.h"

static void close_store(void *store)
{
    (void)store;
}

BREAK(close, close_store)
