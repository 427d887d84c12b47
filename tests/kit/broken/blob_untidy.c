/* breaks: blob/crash/tidy
 * over: blob-file
 *
 * Tidies nothing, and leaves something each time. */
#include "broken_blob.h"

#include <fcntl.h>

struct config {
    const char *dir;
};

static char rest[256];

static int open_it(const struct ff_host *host, const void *config, void **blob,
                   struct ff_err *err)
{
    const struct config *c = config;

    snprintf(rest, sizeof(rest), "%s/.rest-%ld", c->dir, (long)getpid());
    return good->open(host, config, blob, err);
}

PUT
{
    const int fd = open(rest, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    int code = good->put(blob, id, size_bytes, read_fn, arg, err);

    if (fd < 0 || ftruncate(fd, (off_t)size_bytes) != 0)
        code = ff_fail(err, FF_INTERNAL, 0, "no rest");
    close(fd);
    return code;
}

static int tidy_it(void *blob, int64_t before_us, struct ff_err *err)
{
    (void)blob;
    (void)before_us;
    (void)err;
    return FF_OK;
}

static void break_it(struct ff_driver *d, struct ff_blob_ops *ops)
{
    (void)d;
    ops->open = open_it;
    ops->put = put_it;
    ops->tidy = tidy_it;
}
