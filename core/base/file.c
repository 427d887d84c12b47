/* base/file.c - whole files, durable replacement, directories, paths. Removing trees
 * is file_remove.c. */
#include "base/file.h"

#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE      65536
#define TREE_DEPTH_MAX 64 /* each level keeps a descriptor open */

static int read_all(int fd, size_t max, struct buf *out)
{
    const size_t before = out->len;
    char chunk[READ_SIZE];

    for (;;) {
        const ssize_t got = read(fd, chunk, sizeof(chunk));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return 0;
        if ((size_t)got > max - (out->len - before))
            return -EFBIG;
        buf_add(out, chunk, (size_t)got);
        if (out->overflow)
            return -EFBIG;
    }
}

int file_read(const char *path, size_t max, struct buf *out)
{
    const size_t before = out->len;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    const int failed = read_all(fd, max, out);

    close(fd);
    if (failed && out->data) {
        out->len = before;
        out->data[before] = '\0';
    }
    return failed;
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t put = write(fd, bytes, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -errno;
        bytes += put;
        len -= (size_t)put;
    }
    return 0;
}

/* Closes fd in any case. */
static int write_synced(int fd, const void *bytes, size_t len, mode_t mode)
{
    int failed = write_all(fd, bytes, len);

    if (!failed && fchmod(fd, mode) != 0)
        failed = -errno;
    if (!failed && fsync(fd) != 0)
        failed = -errno;
    if (close(fd) != 0 && !failed)
        failed = -errno;
    return failed;
}

static char *dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return mem_text(".");
    return slash == path ? mem_text("/") : mem_text_len(path, (size_t)(slash - path));
}

int file_write_durable(const char *path, const void *bytes, size_t len, mode_t mode)
{
    struct buf beside = {0};
    MEM_AUTO char *dir = dir_of(path);

    buf_printf(&beside, "%s.XXXXXX", path);
    MEM_AUTO char *temporary = buf_take(&beside);
    const int fd = mkostemp(temporary, O_CLOEXEC);

    if (fd < 0)
        return -errno;
    int failed = write_synced(fd, bytes, len, mode);

    if (!failed && rename(temporary, path) != 0)
        failed = -errno;
    if (failed) {
        unlink(temporary);
        return failed;
    }
    return file_sync_dir(dir);
}

static int make_dir(const char *path, mode_t mode)
{
    struct stat st;

    if (mkdir(path, mode) == 0)
        return 0;
    const int failed = -errno;

    /* Read-only file systems and the like say so even where the directory exists. */
    if (stat(path, &st) != 0)
        return failed;
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static bool is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int file_make_dirs(const char *path, mode_t mode)
{
    /* Most often all of it is there, and to look takes less than to try. */
    if (is_dir(path))
        return 0;
    const int whole = make_dir(path, mode);

    if (whole != -ENOENT)
        return whole;
    MEM_AUTO char *part = mem_text(path);

    for (char *at = part; *at; at++) {
        if (*at != '/' || at == part)
            continue;
        *at = '\0';
        const int failed = make_dir(part, mode);

        *at = '/';
        if (failed)
            return failed;
    }
    return make_dir(part, mode);
}

char *file_real(const char *path)
{
    char *real = realpath(path, NULL);

    if (!real && errno == ENOMEM)
        mem_exhausted();
    return real;
}

DIR *file_open_dir(const char *path)
{
    DIR *dir = opendir(path);

    if (!dir && errno == ENOMEM)
        mem_exhausted();
    return dir;
}

/* Not by fts: glibc's fts_open writes to a null pointer when memory runs out. */
static int64_t bytes_below(int at_fd, const char *name, int depth)
{
    const int fd = openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    int64_t bytes = 0;

    if (fd >= 0 && !dir && errno == ENOMEM)
        mem_exhausted();
    if (fd >= 0 && !dir)
        close(fd);
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        struct stat st;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISREG(st.st_mode))
            bytes += st.st_size;
        else if (S_ISDIR(st.st_mode) && depth < TREE_DEPTH_MAX)
            bytes += bytes_below(fd, e->d_name, depth + 1);
    }
    if (dir)
        closedir(dir);
    return bytes;
}

int64_t file_tree_bytes(const char *path)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return 0;
    return S_ISREG(st.st_mode) ? st.st_size : bytes_below(AT_FDCWD, path, 0);
}

int file_sync_dir(const char *path)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = 0;

    if (fd < 0)
        return -errno;
    if (fsync(fd) != 0)
        failed = -errno;
    close(fd);
    return failed;
}

char *file_join(const char *a, const char *b)
{
    const size_t a_len = strlen(a);
    struct buf path = {0};

    if (b[0] == '/' || a_len == 0)
        return mem_text(b);
    buf_add(&path, a, a_len);
    if (a[a_len - 1] != '/')
        buf_add_char(&path, '/');
    buf_add_text(&path, b);
    return buf_take(&path);
}

char *file_dir_of_program(void)
{
    char path[PATH_MAX];
    const ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (len <= 0)
        return mem_text(".");
    path[len] = '\0';
    return dir_of(path);
}
