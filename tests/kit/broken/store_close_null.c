/* breaks: store/errors/close
 * over: store-memory
 *
 * Closing nothing is a crash. */
#include "broken_store.h"

static void close_store(void *store)
{
    volatile char *first = store;

    (void)*first;
    good->close(store);
}

BREAK(close, close_store)
