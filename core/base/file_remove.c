/* base/file_remove.c - removes a tree that a stranger may have filled: any depth, any
 * modes, links anywhere, without following one.
 *
 * It neither recurses nor holds a descriptor for each level: a directory that is not
 * empty is moved up into the top of the tree and emptied there. */
#include "base/file.h"

#include "base/mem.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct top {
    int fd;
    unsigned long n_moved; /* names the next directory moved up */
    int failed;            /* the first error; the rest is still removed */
    bool progress;
};

static void note(struct top *top, int failed)
{
    if (failed && !top->failed)
        top->failed = failed;
}

/* Gives the owner all rights first: Go's module cache, for one, is full of read-only
 * directories. By way of O_PATH and /proc, since a chmod by name would follow a link
 * put there meanwhile. */
static int open_dir(int at_fd, const char *name)
{
    const int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    const int held = openat(at_fd, name, flags | O_PATH);
    char via[64];

    if (held < 0)
        return -errno;
    snprintf(via, sizeof(via), "/proc/self/fd/%d", held);
    const int changed = chmod(via, S_IRWXU);
    const int fd = openat(held, ".", flags | O_RDONLY);
    const int failed = fd < 0 ? -errno : 0;

    (void)changed; /* not ours or no /proc: whether it opens is what counts */
    close(held);
    return fd < 0 ? failed : fd;
}

/* Removes a file, a link or an empty directory: 0, -ENOTEMPTY or another error. */
static int remove_one(int at_fd, const char *name)
{
    if (unlinkat(at_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    /* POSIX says EPERM for a directory, Linux EISDIR. */
    if (errno != EISDIR && errno != EPERM)
        return -errno;
    const int failed = -errno;

    if (unlinkat(at_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    if (errno == ENOTDIR)
        return failed;
    return errno == EEXIST ? -ENOTEMPTY : -errno;
}

/* Calls each for every name in the directory; closes fd. */
static void each_name(struct top *top, int fd,
                      void (*each)(struct top *top, int fd, const char *name))
{
    DIR *dir = fdopendir(fd);

    if (!dir) {
        note(top, -errno);
        close(fd);
        return;
    }
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);

        if (!entry)
            break;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            each(top, fd, entry->d_name);
    }
    note(top, -errno);
    closedir(dir);
}

static void move_up(struct top *top, int fd, const char *name)
{
    char moved[64];
    int failed = 0;

    /* Moving a directory writes its "..", for which it has to be writable. */
    const int opened = open_dir(fd, name);

    if (opened >= 0)
        close(opened);
    do {
        snprintf(moved, sizeof(moved), ".ff-remove-%lu", top->n_moved++);
        failed = renameat2(fd, name, top->fd, moved, RENAME_NOREPLACE) ? -errno : 0;
        /* File systems without RENAME_NOREPLACE; a directory only ever replaces an
         * empty directory, so nothing is lost by the plain form. */
        if (failed == -EINVAL)
            failed = renameat(fd, name, top->fd, moved) ? -errno : 0;
    } while (failed == -EEXIST || failed == -ENOTEMPTY);
    note(top, failed);
}

static void empty_below(struct top *top, int fd, const char *name)
{
    const int failed = remove_one(fd, name);

    if (failed == -ENOTEMPTY)
        move_up(top, fd, name);
    else
        note(top, failed);
}

static void empty_top(struct top *top, int fd, const char *name)
{
    int failed = remove_one(fd, name);

    top->progress = true;
    if (failed != -ENOTEMPTY) {
        note(top, failed);
        return;
    }
    const int below = open_dir(fd, name);

    if (below < 0) {
        note(top, below);
        return;
    }
    each_name(top, below, empty_below);
    failed = remove_one(fd, name);
    note(top, failed);
}

/* A pass over the top empties each directory in it by one level. */
static int empty(int fd)
{
    struct top top = {.fd = fd};

    do {
        const int listed = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        top.progress = false;
        if (listed < 0)
            return -errno;
        each_name(&top, listed, empty_top);
    } while (top.progress && !top.failed);
    return top.failed;
}

int file_remove_tree(const char *path)
{
    int failed = remove_one(AT_FDCWD, path);

    if (failed != -ENOTEMPTY)
        return failed;
    const int fd = open_dir(AT_FDCWD, path);

    if (fd < 0)
        return fd;
    failed = empty(fd);
    close(fd);
    return failed ? failed : remove_one(AT_FDCWD, path);
}
