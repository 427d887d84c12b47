/* store-sqlite/file.c - the database file: who may read it, and whether it can still be
 * trusted. One struct per file and process, shared by its sessions.
 *
 * Nothing here opens a file that SQLite has open: closing any descriptor of it would
 * drop the locks of the whole process (fcntl(2), POSIX locks). */
#include "../shared/place.h"
#include "lite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* The log needs memory that all its users share, which over a network they do not. */
static void warn_of_network(const struct ff_host *host, const char *path)
{
    if (place_is_on_network(path))
        ff_log(host, FF_WARN,
               "database %s: it is on a network file system; only processes of one "
               "machine may use it",
               path);
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

    /* SQLite would make the file readable for all. */
    const int code = place_make(host, path, err);

    if (code != FF_OK)
        return code;
    warn_of_network(host, path);
    if (!realpath(path, real))
        return ff_fail(err, FF_DENIED, errno, "database %s: finding it: %s", path,
                       strerror(errno));
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
