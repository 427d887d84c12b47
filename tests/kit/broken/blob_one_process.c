/* breaks: blob/race/same
 * over: blob-file
 *
 * Two processes that put the same are in each other's way. */
#include "broken_blob.h"

#include <fcntl.h>

/* What the driver that this is made over has first in its config. */
struct config {
    const char *dir;
};

static char taken[256];

static int open_it(const struct ff_host *host, const void *config, void **blob,
                   struct ff_err *err)
{
    const struct config *c = config;

    snprintf(taken, sizeof(taken), "%s/.taken", c->dir);
    return good->open(host, config, blob, err);
}

PUT
{
    const int fd = open(taken, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    int code;

    if (fd < 0)
        return ff_fail(err, FF_CONFLICT, 0, "another process is putting it");
    close(fd);
    usleep(1000);
    code = good->put(blob, id, size_bytes, read_fn, arg, err);
    unlink(taken);
    return code;
}

static void break_it(struct ff_driver *d, struct ff_blob_ops *ops)
{
    (void)d;
    ops->open = open_it;
    ops->put = put_it;
}
