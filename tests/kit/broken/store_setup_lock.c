/* breaks: store/setup/processes
 * breaks: store/crash/setup
 * over: store-sqlite
 *
 * A setup is guarded by a file that a killed process leaves behind. */
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

static int setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    const int fd = open(lock, O_CREAT | O_EXCL | O_WRONLY, 0600);
    int code;

    if (fd < 0)
        return ff_fail(err, FF_INTERNAL, 0, "%.200s is there", lock);
    close(fd);
    usleep(30000);
    code = good->setup(store, schema, err);
    unlink(lock);
    return code;
}

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    (void)d;
    ops->open = open_store;
    ops->setup = setup;
}
