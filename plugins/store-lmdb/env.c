/* store-lmdb/env.c - the file: LMDB allows a process one environment for it, which all
 * sessions share, with what belongs to the file and not to a session.
 *
 * It is opened and closed under our own lock (lock.c): who opens it and finds nobody
 * else makes LMDB's mutexes anew. */
#include "../shared/place.h"
#include "env_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_READERS 1000
/* Room for so many readers, 64 bytes each. */
#define LOCK_FILE_BYTES 65536

static pthread_mutex_t envs_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct lmdb_env *envs;

const char *lmdb_env_path(const struct lmdb_env *env)
{
    return env->path;
}

MDB_env *lmdb_env_mdb(const struct lmdb_env *env)
{
    return env->mdb;
}

const struct lmdb_catalog *lmdb_env_catalog(const struct lmdb_env *env)
{
    return env->catalog;
}

MDB_dbi lmdb_env_catalog_map(const struct lmdb_env *env)
{
    return env->catalog_map;
}

/* --- can it be trusted? --- */

void lmdb_env_kill(struct lmdb_env *env, const struct ff_err *err)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&mutex);
    if (!atomic_load(&env->dead)) {
        env->why = *err;
        atomic_store(&env->dead, true);
    }
    pthread_mutex_unlock(&mutex);
}

/* statx for the number alone: since Linux 6.13 whoever looks at the times of a file
 * makes the next flush write its inode too. */
static bool was_moved(const struct lmdb_env *env)
{
    struct statx st;

    return statx(AT_FDCWD, env->path, AT_STATX_DONT_SYNC, STATX_INO, &st) != 0 ||
           st.stx_ino != env->inode;
}

int lmdb_env_check(struct lmdb_env *env, struct ff_err *err)
{
    struct ff_err local;

    err = err ? err : &local;
    if (!atomic_load(&env->dead)) {
        if (!was_moved(env))
            return FF_OK;
        ff_fail(err, FF_FATAL, 0,
                "database %s: the file was moved or deleted while open", env->path);
        lmdb_env_kill(env, err);
        return FF_FATAL;
    }
    *err = env->why;
    return FF_FATAL;
}

/* --- opening --- */

/* LMDB reads what its root says is there; where the file has lost its end that is a
 * SIGBUS. */
static int check_length(struct lmdb_env *env, struct ff_err *err)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat st;

    mdb_env_info(env->mdb, &info);
    mdb_env_stat(env->mdb, &stat);
    if (fstat(env->fd, &st) != 0)
        return lmdb_fail(env, errno, "looking at it", err);
    if (info.me_last_pgno <= 1 ||
        (uint64_t)st.st_size >= ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize)
        return FF_OK;
    return ff_fail(err, FF_CORRUPT, 0,
                   "database %s: the file has lost its end: restore a backup",
                   env->path);
}

/* LMDB's own lock of its lock file: we have it when nobody uses the file. */
static bool lock_file_is_ours(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

    return fcntl(fd, F_SETLK, &lock) == 0;
}

/* LMDB maps its lock file and leaves it full of holes; on a full disk, to fill one is a
 * SIGBUS. So it gets all its blocks now, or an error. Nobody in this process has it
 * open: closing it would drop the process's locks. */
static int fill_lock_file(struct lmdb_env *env, struct ff_err *err)
{
    static const char zeroes[LOCK_FILE_BYTES];
    char path[PATH_MAX + sizeof("-lock")];
    struct stat st;
    int sys = 0;

    snprintf(path, sizeof(path), "%s-lock", env->path);

    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 || fstat(fd, &st) != 0)
        sys = errno;
    else if (st.st_size < LOCK_FILE_BYTES && lock_file_is_ours(fd) &&
             pwrite(fd, zeroes, sizeof(zeroes), 0) != (ssize_t)sizeof(zeroes))
        sys = errno ? errno : ENOSPC;
    if (fd >= 0)
        close(fd);
    return sys == 0 ? FF_OK : lmdb_fail(env, sys, "its lock file", err);
}

static int open_mdb(struct lmdb_env *env, const struct lmdb_limits *limits,
                    struct ff_err *err)
{
    struct stat st;
    size_t bytes = lmdb_whole_pages(limits->first_bytes);
    int result = fstat(env->fd, &st) == 0 ? mdb_env_create(&env->mdb) : errno;

    if (bytes > env->max_bytes)
        bytes = env->max_bytes;
    while (result == 0 && bytes < (size_t)st.st_size)
        bytes *= 2;
    if (result == 0)
        result = mdb_env_set_mapsize(env->mdb, bytes);
    if (result == 0)
        result = mdb_env_set_maxdbs(env->mdb, LMDB_MAX_MAPS);
    if (result == 0)
        result = mdb_env_set_maxreaders(env->mdb, MAX_READERS);
    if (result == 0)
        result = mdb_env_open(env->mdb, env->path, MDB_NOSUBDIR | MDB_NOTLS, 0600);
    if (result != 0)
        return lmdb_fail(env, result, "opening it", err);
    if (mdb_env_get_maxkeysize(env->mdb) < LMDB_KEY_BYTES)
        return ff_fail(err, FF_UNSUPPORTED, 0,
                       "this LMDB was built for keys of %d bytes; %d are needed",
                       mdb_env_get_maxkeysize(env->mdb), LMDB_KEY_BYTES);
    return check_length(env, err);
}

static void env_free(struct lmdb_env *env)
{
    struct ff_err ignored;

    if (env->fd >= 0) {
        const bool locked = lmdb_lock_file(env, LMDB_WAIT_MS, &ignored) == 0;

        if (env->mdb)
            mdb_env_close(env->mdb);
        if (locked)
            lmdb_unlock_file(env);
        close(env->fd);
    }
    lmdb_catalog_free(env->catalog);
    lmdb_locks_done(env);
    free(env);
}

static int open_env(struct lmdb_env *env, const struct lmdb_limits *limits,
                    struct ff_err *err)
{
    int code = lmdb_lock_file(env, LMDB_WAIT_MS, err);

    if (code != FF_OK)
        return code;
    code = fill_lock_file(env, err);
    if (code == FF_OK)
        code = open_mdb(env, limits, err);
    lmdb_unlock_file(env);
    if (code == FF_OK)
        code = lmdb_read_catalog(env, err);
    if (code == FF_OK)
        place_sync_directory(env->path);
    return code;
}

/* A descriptor of our own, for flock and for the file's number. */
static int open_file(struct lmdb_env *env, const char *path, struct ff_err *err)
{
    struct stat st;

    if (!realpath(path, env->path) ||
        (env->fd = open(env->path, O_RDWR | O_CLOEXEC)) < 0 || fstat(env->fd, &st) != 0)
        return ff_fail(err, errno == EMFILE ? FF_UNAVAILABLE : FF_DENIED, errno,
                       "database %s: opening it: %s", path, strerror(errno));
    env->device = st.st_dev;
    env->inode = st.st_ino;
    return FF_OK;
}

static struct lmdb_env *find(const struct lmdb_env *like)
{
    struct lmdb_env *env = envs;

    while (env && (env->pid != like->pid || env->device != like->device ||
                   env->inode != like->inode))
        env = env->next;
    return env;
}

/* With the mutex. Takes over `fresh`. */
static int find_or_open(struct lmdb_env *fresh, const struct lmdb_limits *limits,
                        struct lmdb_env **env, struct ff_err *err)
{
    int code = FF_OK;

    *env = find(fresh);
    if (*env) {
        close(fresh->fd);
        fresh->fd = -1;
        env_free(fresh);
    } else {
        code = open_env(fresh, limits, err);
        if (code != FF_OK) {
            env_free(fresh);
            return code;
        }
        fresh->next = envs;
        envs = fresh;
        *env = fresh;
    }
    (*env)->refs++;
    return FF_OK;
}

int lmdb_env_get(const struct ff_host *host, const char *path,
                 const struct lmdb_limits *limits, struct lmdb_env **env,
                 struct ff_err *err)
{
    int code = place_make(host, path, err);

    if (code != FF_OK)
        return code;
    if (place_is_on_network(path))
        return ff_fail(err, FF_UNSUPPORTED, 0,
                       "database %s: it is on a network file system, where LMDB loses "
                       "data: use a disk of this machine",
                       path);

    struct lmdb_env *fresh = calloc(1, sizeof(*fresh));

    if (!fresh)
        return ff_fail(err, FF_NO_MEMORY, 0, "database %s: out of memory", path);
    fresh->pid = getpid();
    fresh->max_bytes = lmdb_whole_pages(limits->max_bytes);
    fresh->fd = -1;
    lmdb_locks_init(fresh);
    code = open_file(fresh, path, err);
    if (code != FF_OK) {
        env_free(fresh);
        return code;
    }
    pthread_mutex_lock(&envs_mutex);
    code = find_or_open(fresh, limits, env, err);
    pthread_mutex_unlock(&envs_mutex);
    return code;
}

void lmdb_env_put(struct lmdb_env *env)
{
    struct lmdb_env **link = &envs;

    pthread_mutex_lock(&envs_mutex);
    if (--env->refs == 0) {
        while (*link != env)
            link = &(*link)->next;
        *link = env->next;
        env_free(env);
    }
    pthread_mutex_unlock(&envs_mutex);
}
