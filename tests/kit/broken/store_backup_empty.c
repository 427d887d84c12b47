/* breaks: store/backup/moment
 * over: store-sqlite
 *
 * A backup is a file and no more. */
#include "broken_store.h"

#include <fcntl.h>

static int backup(void *store, const char *to, struct ff_err *err)
{
    const int fd = open(to, O_CREAT | O_EXCL | O_WRONLY, 0600);

    (void)store;
    if (fd < 0)
        return ff_fail(err, FF_INVALID, 0, "it is there");
    if (write(fd, "", 1) != 1 || ftruncate(fd, 0) != 0)
        return ff_fail(err, FF_FULL, 0, "no room");
    close(fd);
    return FF_OK;
}

BREAK(backup, backup)
