/* plugins/shared/place.c - see place.h. */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static int fail_path(struct ff_err *err, const char *path, const char *doing)
{
    const int sys = errno;
    const int code = sys == ENOSPC || sys == EDQUOT   ? FF_FULL
                     : sys == EMFILE || sys == ENFILE ? FF_UNAVAILABLE
                                                      : FF_DENIED;

    return ff_fail(err, code, sys, "database %s: %s: %s", path, doing, strerror(sys));
}

/* dirname() writes into what it is given. */
static char *directory_of(const char *path, char copy[PATH_MAX])
{
    snprintf(copy, PATH_MAX, "%s", path);
    return dirname(copy);
}

/* --- the directory --- */

static void sync_path(const char *directory)
{
    const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

void place_sync_directory(const char *path)
{
    char copy[PATH_MAX];

    sync_path(directory_of(path, copy));
}

/* With its missing parents; each is made durable in the one above it. */
static int make_directory(const char *path, struct ff_err *err)
{
    char parent[PATH_MAX];
    char copy[PATH_MAX];

    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return FF_OK;
    if (errno != ENOENT)
        return fail_path(err, path, "making its directory");

    const char *above = directory_of(path, parent);

    snprintf(copy, sizeof(copy), "%s", above);
    if (make_directory(copy, err) != FF_OK)
        return err->code;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return fail_path(err, path, "making its directory");
    sync_path(above);
    return FF_OK;
}

/* Who can write the directory can put a log of his own beside the database. */
static int check_directory(const char *path, struct ff_err *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return fail_path(err, path, "looking at its directory");
    if (!S_ISDIR(st.st_mode))
        return ff_fail(err, FF_DENIED, ENOTDIR, "database: %s is not a directory",
                       path);
    if (st.st_mode & S_IWOTH)
        return ff_fail(err, FF_DENIED, 0,
                       "database: everyone may write to the directory %s; give the "
                       "database a directory of its own",
                       path);
    return FF_OK;
}

bool place_is_on_network(const char *path)
{
    /* NFS, SMB, CIFS, SMB2, 9P, AFS, Ceph: as in statfs(2). */
    static const long network[] = {0x6969,           0x517b,     (long)0xff534d42,
                                   (long)0xfe534d42, 0x01021997, 0x5346414f,
                                   0x00c36400};
    char copy[PATH_MAX];
    struct statfs fs;

    if (statfs(directory_of(path, copy), &fs) != 0)
        return false;
    for (size_t i = 0; i < sizeof(network) / sizeof(network[0]); i++)
        if ((long)fs.f_type == network[i])
            return true;
    return false;
}

/* --- the file --- */

static int check_file(const struct ff_host *host, const char *path, struct ff_err *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return fail_path(err, path, "looking at it");
    if (!S_ISREG(st.st_mode))
        return ff_fail(err, FF_DENIED, 0, "database %s: not a regular file", path);
    if (!(st.st_mode & (S_IRWXG | S_IRWXO)))
        return FF_OK;
    if (chmod(path, 0600) == 0)
        ff_log(host, FF_WARN, "database %s: others could read it; its mode is 0600 now",
               path);
    else
        ff_log(host, FF_WARN,
               "database %s: others can read it, and its mode cannot be "
               "changed: %s",
               path, strerror(errno));
    return FF_OK;
}

/* O_EXCL: never a file that somebody has open. */
int place_make(const struct ff_host *host, const char *path, struct ff_err *err)
{
    char copy[PATH_MAX];
    struct ff_err local;

    err = err ? err : &local;
    if (strlen(path) >= PATH_MAX)
        return ff_fail(err, FF_INVALID, 0, "the path of the database is too long");

    const char *directory = directory_of(path, copy);
    int code = make_directory(directory, err);

    if (code == FF_OK)
        code = check_directory(directory, err);
    if (code != FF_OK)
        return code;

    const int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    else if (errno != EEXIST)
        return fail_path(err, path, "making it");
    return check_file(host, path, err);
}

/* --- copies --- */

static int fail_copy(const char *path, const char *doing, struct ff_err *err)
{
    const int sys = errno;
    const int code = sys == ENOSPC || sys == EDQUOT ? FF_FULL : FF_INVALID;

    return ff_fail(err, code, sys, "backup %s: %s: %s", path, doing, strerror(sys));
}

int place_begin_copy(const char *to, char *part, struct ff_err *err)
{
    if (access(to, F_OK) == 0)
        return ff_fail(err, FF_INVALID, EEXIST, "backup %s: it is there already", to);
    if (snprintf(part, PATH_MAX, "%s.part-%ld", to, (long)getpid()) >= PATH_MAX)
        return ff_fail(err, FF_INVALID, ENAMETOOLONG, "backup: the path is too long");

    const int fd = open(part, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

    if (fd < 0)
        return fail_copy(part, "making it", err);
    close(fd);
    return FF_OK;
}

static int flush(const char *path, int flags, struct ff_err *err)
{
    const int fd = open(path, flags | O_CLOEXEC);
    int code = FF_OK;

    if (fd < 0 || fsync(fd) != 0)
        code = fail_copy(path, "flushing it", err);
    if (fd >= 0)
        close(fd);
    return code;
}

/* link and not rename: an older backup of that name is never replaced. */
int place_end_copy(const char *part, const char *to, struct ff_err *err)
{
    char copy[PATH_MAX];
    const int code = flush(part, O_RDONLY, err);

    if (code != FF_OK)
        return code;
    if (link(part, to) != 0)
        return fail_copy(to, "giving it its name", err);
    return flush(directory_of(to, copy), O_RDONLY | O_DIRECTORY, err);
}
