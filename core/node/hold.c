/* hold.c - files of the data directory that stay for a while. Who copies the store and
 * then the files that its rows name has to find them, though retention goes on.
 *
 * Two locks, which the kernel takes back from a process that dies. Whoever holds has
 * both for itself; whoever deletes a file shares the second one meanwhile, and does not
 * begin while somebody has the first: so who wants to hold waits for one file at most,
 * also where there are thousands to delete. */
#include "node/node_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define HOLDS    "files.hold"   /* somebody holds, or waits for it */
#define DELETING "files.delete" /* somebody deletes */

static int open_lock(const struct node *n, const char *name, struct ff_err *err)
{
    MEM_AUTO char *path = file_join(n->files_dir, name);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        ff_fail(err, FF_UNAVAILABLE, errno, "%.180s: %s", path, strerror(errno));
    return fd;
}

static int lock(const struct node *n, const char *name, int how, struct ff_err *err)
{
    const int fd = open_lock(n, name, err);
    int locked = -1;

    while (fd >= 0 && (locked = flock(fd, how)) != 0 && errno == EINTR)
        ;
    if (fd < 0 || locked == 0)
        return fd;
    const bool held = errno == EWOULDBLOCK;
    ff_fail(err, held ? FF_BUSY : FF_UNAVAILABLE, errno, "%s: %s", name,
            held ? "a backup is being made" : strerror(errno));
    close(fd);
    return -1;
}

int node_hold_files(const struct node *n, struct node_hold *h, struct ff_err *err)
{
    *h = (struct node_hold){.holds = -1, .deleting = -1};
    h->holds = lock(n, HOLDS, LOCK_EX, err);
    if (h->holds >= 0)
        h->deleting = lock(n, DELETING, LOCK_EX, err);
    if (h->deleting >= 0)
        return FF_OK;
    node_release_files(h);
    return err->code;
}

void node_release_files(struct node_hold *h)
{
    if (h->deleting >= 0)
        close(h->deleting);
    if (h->holds >= 0)
        close(h->holds);
    *h = (struct node_hold){.holds = -1, .deleting = -1};
}

int node_deleting(const struct node *n, int *fd, struct ff_err *err)
{
    const int holds = lock(n, HOLDS, LOCK_SH | LOCK_NB, err);

    *fd = -1;
    if (holds < 0)
        return err->code;
    *fd = lock(n, DELETING, LOCK_SH | LOCK_NB, err);
    close(holds);
    return *fd >= 0 ? FF_OK : err->code;
}

void node_deleted(int fd)
{
    if (fd >= 0)
        close(fd);
}

bool node_is_held(const struct node *n)
{
    struct ff_err err = {0};
    int fd;
    const int code = node_deleting(n, &fd, &err);

    node_deleted(fd);
    return code == FF_BUSY;
}
