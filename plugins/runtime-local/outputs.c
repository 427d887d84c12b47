/* outputs.c - what attempts left in $FF_OUT. On worker threads: reads nothing of
 * struct local that ever changes. */
#include "local_priv.h"
#include "names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t)64 << 10)

/* Opens one component after the other and follows no link, so that what a task put
 * there leads nowhere else. */
static int open_out_dir(const struct local *local, const char *attempt_id)
{
    char name[RL_NAME_SIZE];

    const int out_fd = openat(local->dir_fd, RL_OUT_DIR,
                              O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (out_fd < 0)
        return -1;
    rl_dir_name(attempt_id, name);
    const int fd =
        openat(out_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const int failed = errno;
    close(out_fd);
    errno = failed;
    return fd;
}

static int cannot(struct ff_err *err, const char *name, int sys)
{
    const bool none = sys == ENOENT || sys == ENOTDIR;

    return ff_fail(err, none ? FF_NOT_FOUND : FF_UNAVAILABLE, sys, "output %.150s: %s",
                   name, strerror(sys));
}

/* A regular file, open for reading; -1 and err. A fifo must not make us wait. */
static int open_output(const struct local *local, const char *attempt_id,
                       const char *name, struct stat *st, struct ff_err *err)
{
    if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0) {
        ff_fail(err, FF_INVALID, 0, "%.150s is no name of an output", name);
        return -1;
    }
    const int dir_fd = open_out_dir(local, attempt_id);
    if (dir_fd < 0) {
        cannot(err, name, errno);
        return -1;
    }
    const int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const int failed = errno;
    close(dir_fd);
    if (fd < 0 && failed != ELOOP) {
        cannot(err, name, failed);
        return -1;
    }
    if (fd < 0 || fstat(fd, st) || !S_ISREG(st->st_mode)) {
        ff_fail(err, FF_INVALID, 0, "output %.150s is no regular file", name);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

int local_output(void *runtime, const char *attempt_id, const char *name,
                 ff_bytes_fn *fn, void *arg, struct ff_err *err)
{
    struct stat st;
    int code = FF_OK;
    ssize_t n;

    const int fd = open_output(runtime, attempt_id, name, &st, err);
    if (fd < 0)
        return err->code;
    char *piece = malloc(PIECE);
    if (!piece) {
        close(fd);
        return ff_fail(err, FF_NO_MEMORY, ENOMEM, "out of memory");
    }
    do {
        n = read(fd, piece, PIECE);
        if (n < 0 && errno != EINTR)
            code = ff_fail(err, FF_UNAVAILABLE, errno, "output %.150s: %s", name,
                           strerror(errno));
    } while (!code && n && (n < 0 || fn(arg, piece, (size_t)n) == 0));
    free(piece);
    close(fd);
    return code;
}

static int copy(int from, int to)
{
    char *piece = malloc(PIECE);
    int failed = piece ? 0 : ENOMEM;

    while (!failed) {
        const ssize_t n = read(from, piece, PIECE);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            failed = errno;
        for (ssize_t done = 0; !failed && done < n;) {
            const ssize_t wrote = write(to, piece + done, (size_t)(n - done));
            if (wrote > 0)
                done += wrote;
            else if (wrote == 0 || errno != EINTR)
                failed = wrote ? errno : EIO;
        }
    }
    free(piece);
    return failed;
}

static int sync_parent(const char *path)
{
    char *parent = strdup(path);

    if (!parent)
        return ENOMEM;
    char *slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent] = '\0';
    const int fd = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(parent);
    if (fd < 0)
        return errno;
    const int failed = fsync(fd) ? errno : 0;
    close(fd);
    return failed;
}

/* Another name for the same file where the task kept none of its own, through which
 * it could change it later; else a copy. -1: a copy is needed; else 0 or an errno. */
static int take_by_link(int fd, const struct stat *st, const char *fresh)
{
    char self[64];

    if (st->st_nlink != 1)
        return -1;
    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, self, AT_FDCWD, fresh, AT_SYMLINK_FOLLOW))
        return errno == ENOSPC || errno == EDQUOT ? errno : -1;
    return fsync(fd) ? errno : 0;
}

static int take_by_copy(int fd, const char *fresh)
{
    const int to =
        open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (to < 0)
        return errno;
    int failed = copy(fd, to);
    if (!failed && fsync(to))
        failed = errno;
    if (close(to) && !failed)
        failed = errno;
    return failed;
}

/* The file stays where it is until release: after a crash in between, the same call
 * can be made again. */
int local_take(void *runtime, const char *attempt_id, const char *name, const char *to,
               struct ff_err *err)
{
    const struct local *local = runtime;
    char *fresh = NULL;
    struct stat st;

    const int fd = open_output(local, attempt_id, name, &st, err);
    if (fd < 0)
        return err->code;
    const unsigned long long tag = local->host->random(local->host->self);
    if (asprintf(&fresh, "%s.%016llx", to, tag) < 0) {
        close(fd);
        return ff_fail(err, FF_NO_MEMORY, ENOMEM, "out of memory");
    }
    int failed = take_by_link(fd, &st, fresh);
    if (failed < 0)
        failed = take_by_copy(fd, fresh);
    if (!failed && rename(fresh, to))
        failed = errno;
    if (failed)
        unlink(fresh);
    else
        failed = sync_parent(to);
    close(fd);
    free(fresh);
    if (!failed)
        return FF_OK;
    return ff_fail(err, failed == ENOSPC || failed == EDQUOT ? FF_FULL : FF_UNAVAILABLE,
                   failed, "output %.100s cannot be put at %.80s: %s", name, to,
                   strerror(failed));
}

int local_outputs(void *runtime, const char *attempt_id, ff_bytes_fn *fn, void *arg,
                  struct ff_err *err)
{
    const struct dirent *entry;
    struct stat st;
    bool more = true;

    const int fd = open_out_dir(runtime, attempt_id);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        const int failed = errno;
        if (fd >= 0)
            close(fd);
        return cannot(err, attempt_id, failed);
    }
    while (more && (entry = readdir(dir))) {
        const bool regular = !fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
                             S_ISREG(st.st_mode);
        if (regular)
            more = fn(arg, entry->d_name, strlen(entry->d_name)) == 0;
    }
    closedir(dir);
    return FF_OK;
}
