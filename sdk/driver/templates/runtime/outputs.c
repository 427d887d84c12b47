/* outputs.c - the files of an attempt: $FF_OUT/NAME, and the folder around it. */
#include "attempt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The end of the id for people, and a number that makes it one file name. */
void attempt_folder(const char *dir, const char *attempt_id, char out[MAX_PATH])
{
    const size_t len = strlen(attempt_id);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    char word[64];
    size_t n = 0;

    for (const char *p = attempt_id; *p; p++)
        hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
    for (const char *p = attempt_id + (len > 60 ? len - 60 : 0); *p; p++)
        word[n++] = (char)(*p == '/' ? '-' : *p);
    word[n] = '\0';
    snprintf(out, MAX_PATH, "%s/%016llx-%s", dir, (unsigned long long)hash, word);
}

/* A task may put anything there: folders, links to files of others, pipes. Only regular
 * files of the folder itself are outputs. */
static int open_output(const char *folder, const char *name, struct ff_err *err)
{
    char path[MAX_PATH + 300];
    struct stat st;
    int fd;

    if (strchr(name, '/')) {
        ff_fail(err, FF_NOT_FOUND, 0, "output %.60s: no name of a file", name);
        return -1;
    }
    snprintf(path, sizeof(path), "%s/out/%.255s", folder, name);
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    if (fd >= 0)
        close(fd);
    ff_fail(err,
            fd < 0 && errno != ENOENT && errno != ELOOP ? FF_UNAVAILABLE : FF_NOT_FOUND,
            fd < 0 ? errno : 0, "output %.60s: %s", name,
            fd < 0 ? strerror(errno) : "no regular file");
    return -1;
}

int outputs_read(const char *folder, const char *name, ff_bytes_fn *fn, void *arg,
                 struct ff_err *err)
{
    const int fd = open_output(folder, name, err);
    char part[16 * 1024];
    ssize_t n = 1;

    if (fd < 0)
        return err->code;
    while (n > 0 && (n = read(fd, part, sizeof(part))) > 0)
        if (fn(arg, part, (size_t)n) != 0)
            break;
    close(fd);
    return n >= 0 ? FF_OK
                  : ff_fail(err, FF_UNAVAILABLE, errno, "output %.60s: %s", name,
                            strerror(errno));
}

static int sync_folder_of(const char *path)
{
    char folder[MAX_PATH];
    char *slash;
    int fd;
    int code;

    snprintf(folder, sizeof(folder), "%s", path);
    slash = strrchr(folder, '/');
    if (!slash)
        return 0;
    slash[slash == folder] = '\0';
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    code = fd >= 0 ? fsync(fd) : -1;
    if (fd >= 0)
        close(fd);
    return code;
}

struct copy {
    int fd;
    int wrong; /* errno of what could not be written */
};

static int write_part(void *arg, const void *bytes, size_t len)
{
    struct copy *c = arg;
    const ssize_t n = write(c->fd, bytes, len);

    if (n != (ssize_t)len)
        c->wrong = n < 0 ? errno : ENOSPC;
    return c->wrong;
}

/* Flushed, so that the name never stands for less than the whole. */
static int finish(const struct copy *c, const char *beside, const char *to)
{
    if (c->wrong)
        return c->wrong;
    if (fsync(c->fd) != 0 || rename(beside, to) != 0 || sync_folder_of(to) != 0)
        return errno;
    return 0;
}

/* Copied beside and renamed: `to` may lie on another disk. */
int outputs_take(const char *folder, const char *name, const char *to,
                 struct ff_err *err)
{
    char beside[MAX_PATH];
    struct copy copy = {0};
    int code;

    snprintf(beside, sizeof(beside), "%.4000s.part", to);
    copy.fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (copy.fd < 0)
        return ff_fail(err, FF_UNAVAILABLE, errno, "%.160s: %s", beside,
                       strerror(errno));
    code = outputs_read(folder, name, write_part, &copy, err);
    if (code == FF_OK) {
        const int wrong = finish(&copy, beside, to);

        if (wrong)
            code = ff_fail(err, wrong == ENOSPC ? FF_FULL : FF_UNAVAILABLE, wrong,
                           "%.160s: %s", to, strerror(wrong));
    }
    close(copy.fd);
    if (code != FF_OK)
        unlink(beside);
    return code;
}

static int is_file(int folder, const char *name)
{
    struct stat st;

    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

int outputs_list(const char *folder, ff_bytes_fn *fn, void *arg, struct ff_err *err)
{
    char path[MAX_PATH + 8];
    const struct dirent *entry;
    DIR *out;

    snprintf(path, sizeof(path), "%s/out", folder);
    out = opendir(path);
    if (!out)
        return ff_fail(err, FF_NOT_FOUND, errno, "%.160s: %s", path, strerror(errno));
    while ((entry = readdir(out)))
        if (is_file(dirfd(out), entry->d_name) &&
            fn(arg, entry->d_name, strlen(entry->d_name)) != 0)
            break;
    closedir(out);
    return FF_OK;
}

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *where)
{
    (void)st;
    (void)flag;
    (void)where;
    remove(path);
    return 0;
}

void folder_remove(const char *folder)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
