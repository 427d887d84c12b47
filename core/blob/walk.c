/* walk.c - down a path part by part, never through a link: what a task leaves behind
 * may be anything, and what it is given must land where it was said. */
#include "blob/blob_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int walk_open(int folder, const char *name, int flags)
{
    int fd;

    do
        fd = openat(folder, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

static int step_into(int folder, const char *part, size_t len, bool make)
{
    char name[NAME_MAX + 1];

    if (len == 0 || len > NAME_MAX || strncmp(part, "..", len) == 0)
        return -EINVAL;
    memcpy(name, part, len);
    name[len] = '\0';
    if (make && mkdirat(folder, name, 0700) != 0 && errno != EEXIST)
        return -errno;
    return walk_open(folder, name, O_RDONLY | O_DIRECTORY);
}

int walk_to(const char *root, const char *path, bool make, const char **last)
{
    int folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder < 0)
        return -errno;
    for (;;) {
        const size_t len = strcspn(path, "/");
        int next;

        if (!path[len])
            break;
        next = step_into(folder, path, len, make);
        close(folder);
        if (next < 0)
            return next;
        folder = next;
        path += len + 1;
    }
    *last = path;
    return folder;
}

int walk_scratch(const char *folder)
{
    struct buf name = {0};

    buf_printf(&name, "%s/.scratch-XXXXXX", folder);

    const int made = file_make_dirs(folder, 0700);
    const int fd = made == 0 ? mkostemp(name.data, O_CLOEXEC) : made;
    const int sys = errno;

    if (fd >= 0)
        unlink(name.data);
    buf_done(&name);
    return fd < 0 && made == 0 ? -sys : fd;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int walk_names(int folder, char ***names, size_t *n)
{
    const int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct {
        char **items;
        size_t n, cap;
    } found = {0};
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    if (fd < 0)
        return -errno;
    if (!dir) {
        mem_exhausted();
        return -ENOMEM; /* never: for those who cannot see that */
    }
    for (const struct dirent *e; (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            ARRAY_ADD(&found, mem_text(e->d_name));
    closedir(dir);
    if (found.n > 0)
        qsort(found.items, found.n, sizeof(*found.items), compare);
    *names = found.items;
    *n = found.n;
    return 0;
}
