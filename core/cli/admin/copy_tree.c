/* copy_tree.c - see copy_tree.h. */
#include "cli/admin/copy_tree.h"

#include "base/base.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 16

static int fail(struct ff_err *err, const char *path)
{
    const int sys = errno;

    return ff_fail(err, sys == ENOSPC || sys == EDQUOT ? FF_FULL : FF_UNAVAILABLE, sys,
                   "%.180s: %s", path, strerror(sys));
}

static int copy_bytes(int in, int out)
{
    char part[64 * 1024];
    ssize_t n;

    while ((n = read(in, part, sizeof(part))) > 0)
        for (ssize_t at = 0; at < n;) {
            const ssize_t w = write(out, part + at, (size_t)(n - at));
            if (w < 0)
                return -1;
            at += w;
        }
    return n < 0 ? -1 : fsync(out);
}

static int copy_file(const char *from, const char *to, struct ff_err *err)
{
    int code = FF_OK;
    const int in = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (in < 0)
        return errno == ENOENT ? FF_OK : fail(err, from);
    const int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0 || copy_bytes(in, out) != 0)
        code = fail(err, to);
    if (out >= 0)
        close(out);
    close(in);
    return code;
}

static int put_file(const char *from, const char *to, int64_t *n_files,
                    struct ff_err *err)
{
    int code = FF_OK;

    if (link(from, to) != 0) {
        if (errno == ENOENT)
            return FF_OK;
        if (errno == EEXIST)
            return fail(err, to);
        code = copy_file(from, to, err);
    }
    ++*n_files;
    return code;
}

static int copy_level(const char *from, const char *to, int depth, int64_t *n_files,
                      struct ff_err *err);

static int copy_entry(const char *from, const char *to, const char *name, int depth,
                      int64_t *n_files, struct ff_err *err)
{
    MEM_AUTO char *source = file_join(from, name);
    MEM_AUTO char *target = file_join(to, name);
    struct stat st;

    if (lstat(source, &st) != 0)
        return errno == ENOENT ? FF_OK : fail(err, source);
    if (S_ISDIR(st.st_mode))
        return copy_level(source, target, depth + 1, n_files, err);
    return S_ISREG(st.st_mode) ? put_file(source, target, n_files, err) : FF_OK;
}

static int copy_level(const char *from, const char *to, int depth, int64_t *n_files,
                      struct ff_err *err)
{
    DIR *dir = depth < DEPTH_MAX ? file_open_dir(from) : NULL;
    int code = FF_OK;

    if (!dir)
        return errno == ENOENT || depth >= DEPTH_MAX ? FF_OK : fail(err, from);
    const int sys = file_make_dirs(to, 0700);
    if (sys != 0) {
        errno = -sys;
        code = fail(err, to);
    }
    for (const struct dirent *e; code == FF_OK && (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            code = copy_entry(from, to, e->d_name, depth, n_files, err);
    closedir(dir);
    if (code == FF_OK && file_sync_dir(to) != 0)
        code = fail(err, to);
    return code;
}

int copy_tree(const char *from, const char *to, int64_t *n_files, struct ff_err *err)
{
    return copy_level(from, to, 0, n_files, err);
}
