/* breaks: store/crash/others
 * over: store-sqlite
 *
 * Commits are guarded by a file that a killed process leaves behind. */
#include "broken_store.h"

#include <fcntl.h>

static char lock[4096];

static int open_store(const struct ff_host *host, const void *config, void **store,
                      struct ff_err *err)
{
    const char *path;

    memcpy(&path, config, sizeof(path)); /* its first option */
    snprintf(lock, sizeof(lock), "%s.lock", path);
    return good->open(host, config, store, err);
}

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    const int fd = open(lock, O_CREAT | O_EXCL | O_WRONLY, 0600);
    int code;

    if (fd < 0)
        return ff_fail(err, FF_BUSY, 0, "%.200s is there", lock);
    close(fd);
    usleep(2000);
    code = good->commit(store, changes, n, failed, err);
    unlink(lock);
    return code;
}

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    (void)d;
    ops->open = open_store;
    ops->commit = commit;
}
