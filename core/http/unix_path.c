/* http/unix_path.c - see the header. */
#include "http/unix_path.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_dir_of(const char *path, const char *slash)
{
    char *dir = mem_text_len(path, slash == path ? 1 : (size_t)(slash - path));
    int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

    mem_free(dir);
    return fd;
}

int unix_path_open(struct unix_path *p, const char *path, struct ff_err *err)
{
    const size_t room = sizeof(p->address.sun_path);
    const char *slash = strrchr(path, '/');

    *p = (struct unix_path){.address.sun_family = AF_UNIX, .dir = -1};
    if (strlen(path) < room) {
        memcpy(p->address.sun_path, path, strlen(path) + 1);
        return FF_OK;
    }
    if (!slash || strlen(slash) > room - 32)
        return ff_fail(err, FF_INVALID, ENAMETOOLONG, "%.80s...: the name is too long",
                       path);
    p->dir = open_dir_of(path, slash);
    if (p->dir < 0)
        return ff_fail(err, FF_UNAVAILABLE, errno, "%.160s: %s", path, strerror(errno));
    snprintf(p->address.sun_path, room, "/proc/self/fd/%d%s", p->dir, slash);
    return FF_OK;
}

void unix_path_close(struct unix_path *p)
{
    if (p->dir >= 0)
        close(p->dir);
    p->dir = -1;
}
