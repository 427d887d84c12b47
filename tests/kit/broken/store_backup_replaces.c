/* breaks: store/backup/replaces-nothing
 * over: store-sqlite
 *
 * A backup replaces what is there. */
#include "broken_store.h"

static int backup(void *store, const char *to, struct ff_err *err)
{
    unlink(to);
    return good->backup(store, to, err);
}

BREAK(backup, backup)
