/* store-sqlite/file.c - the database file: who may read it, and whether it can still be
 * trusted. One struct per file and process, shared by its sessions.
 *
 * Nothing here opens a file that SQLite has open: closing any descriptor of it would
 * drop the locks of the whole process (fcntl(2), POSIX locks). */
#include "lite.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

struct lite_file {
    struct lite_file *next;
    size_t refs;
    atomic_bool dead;
    struct ff_err why;                      /* written once, before dead is set */
    struct lite_checkpointer *checkpointer; /* by files_mutex */
    char path[PATH_MAX];
};

static pthread_mutex_t files_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct lite_file *files;

const char *lite_file_path(const struct lite_file *file)
{
    return file->path;
}

/* statx for the number alone: since Linux 6.13 whoever looks at the times of a file
 * makes the next write to it update them finely, and so the next flush write the inode
 * too. Of the log that is a third of the time of a small commit. */
static uint64_t inode_of(const char *path)
{
    struct statx st;

    return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_INO, &st) == 0 ? st.stx_ino
                                                                          : 0;
}

struct lite_inodes lite_file_inodes(const struct lite_file *file)
{
    char log[PATH_MAX + sizeof("-wal")];

    snprintf(log, sizeof(log), "%s-wal", file->path);
    return (struct lite_inodes){.file = inode_of(file->path), .log = inode_of(log)};
}

void lite_file_kill(struct lite_file *file, const struct ff_err *err)
{
    pthread_mutex_lock(&files_mutex);
    if (!atomic_load(&file->dead)) {
        file->why = *err;
        atomic_store(&file->dead, true);
    }
    pthread_mutex_unlock(&files_mutex);
}

bool lite_file_dead(struct lite_file *file, struct ff_err *err)
{
    if (!atomic_load(&file->dead))
        return false;
    if (err)
        *err = file->why;
    return true;
}

/* --- creating it --- */

static int fail_path(struct ff_err *err, const char *path, const char *doing)
{
    const int sys = errno;
    const int code = sys == ENOSPC || sys == EDQUOT   ? FF_FULL
                     : sys == EMFILE || sys == ENFILE ? FF_UNAVAILABLE
                                                      : FF_DENIED;

    return ff_fail(err, code, sys, "database %s: %s: %s", path, doing, strerror(sys));
}

static void sync_directory(const char *path)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

/* With its missing parents; each is made durable in the one above it. */
static int make_directory(char *path, struct ff_err *err)
{
    char parent[PATH_MAX];

    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return FF_OK;
    if (errno != ENOENT)
        return fail_path(err, path, "making its directory");
    snprintf(parent, sizeof(parent), "%s", path);

    const char *above = dirname(parent);
    char copy[PATH_MAX];

    snprintf(copy, sizeof(copy), "%s", above);
    if (make_directory(copy, err) != FF_OK)
        return err->code;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return fail_path(err, path, "making its directory");
    sync_directory(above);
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

/* The log needs memory that all its users share, which over a network they do not. */
static void warn_of_network(const struct ff_host *host, const char *path)
{
    static const long network[] = {0x6969, 0x517b, (long)0xff534d42, (long)0xfe534d42};
    struct statfs fs;

    if (statfs(path, &fs) != 0)
        return;
    for (size_t i = 0; i < sizeof(network) / sizeof(network[0]); i++)
        if ((long)fs.f_type == network[i])
            ff_log(host, FF_WARN,
                   "database: %s is on a network file system; only processes of one "
                   "machine may use it",
                   path);
}

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

/* SQLite would make it readable for all. O_EXCL: never a file that somebody has open.
 */
static int make_file(const struct ff_host *host, const char *path, struct ff_err *err)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof(copy), "%s", path);

    char *directory = dirname(copy);
    int code = make_directory(directory, err);

    if (code == FF_OK)
        code = check_directory(directory, err);
    if (code != FF_OK)
        return code;
    warn_of_network(host, directory);

    const int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    else if (errno != EEXIST)
        return fail_path(err, path, "making it");
    return check_file(host, path, err);
}

/* --- sharing it --- */

static struct lite_file *find(const char *path)
{
    struct lite_file *file = files;

    while (file && strcmp(file->path, path) != 0)
        file = file->next;
    return file;
}

static struct lite_file *find_or_add(const char *path)
{
    struct lite_file *file = find(path);

    if (!file) {
        file = calloc(1, sizeof(*file));
        if (!file)
            return NULL;
        snprintf(file->path, sizeof(file->path), "%s", path);
        file->next = files;
        files = file;
    }
    file->refs++;
    return file;
}

int lite_file_open(const struct ff_host *host, const char *path,
                   struct lite_file **file, struct ff_err *err)
{
    char real[PATH_MAX];

    if (strlen(path) >= PATH_MAX)
        return ff_fail(err, FF_INVALID, 0, "the path of the database is too long");

    const int code = make_file(host, path, err);

    if (code != FF_OK)
        return code;
    if (!realpath(path, real))
        return fail_path(err, path, "finding it");
    pthread_mutex_lock(&files_mutex);
    *file = find_or_add(real);
    pthread_mutex_unlock(&files_mutex);
    if (!*file)
        return ff_fail(err, FF_NO_MEMORY, 0, "database %s: out of memory", path);
    return FF_OK;
}

struct lite_checkpointer *lite_file_checkpointer(struct lite_file *file)
{
    struct lite_checkpointer *c;

    pthread_mutex_lock(&files_mutex);
    if (!file->checkpointer)
        file->checkpointer = lite_checkpointer_new(file);
    c = file->checkpointer;
    pthread_mutex_unlock(&files_mutex);
    return c;
}

/* Out of the list first: the checkpointer asks whether the file is dead, which takes
 * the mutex, and while it ends somebody may open the file anew. */
bool lite_file_leave(struct lite_file *file)
{
    struct lite_file **link = &files;
    bool last;

    pthread_mutex_lock(&files_mutex);
    last = --file->refs == 0;
    if (last) {
        while (*link != file)
            link = &(*link)->next;
        *link = file->next;
    }
    pthread_mutex_unlock(&files_mutex);
    if (last)
        lite_checkpointer_free(file->checkpointer);
    return last;
}

void lite_file_free(struct lite_file *file)
{
    free(file);
}
