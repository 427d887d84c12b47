/* store-lmdb/env.c - the file: LMDB allows a process one environment for it, which all
 * sessions share, with what belongs to the file and not to a session: whether it can be
 * trusted, who writes, how large the map is, which schema it has.
 *
 * LMDB's locks are fcntl locks of the lock file beside it, and mutexes in it. Ours is a
 * flock of the file itself, which does not meddle with those. It is also held while the
 * file is opened and closed: who opens it and finds nobody else makes the mutexes anew.
 */
#include "../shared/place.h"
#include "store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGE_BYTES  4096
#define MAX_READERS 1000
/* Room for so many readers, 64 bytes each. */
#define LOCK_FILE_BYTES 65536
#define FIRST_WAIT_NS   INT64_C(100000)
#define LONG_WAIT_NS    INT64_C(5000000)

struct lmdb_env {
    struct lmdb_env *next;
    size_t refs;
    pid_t pid; /* a fork inherits what it must not use */
    dev_t device;
    ino_t inode;
    int fd;
    MDB_env *mdb;
    size_t max_bytes;
    pthread_mutex_t writer;
    pthread_rwlock_t map;
    struct lmdb_catalog *catalog; /* by map; never NULL */
    MDB_dbi catalog_map;          /* by map */
    bool has_catalog_map;
    atomic_bool dead;
    struct ff_err why; /* written once, before dead is set */
    char path[PATH_MAX];
};

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

/* --- locks --- */

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static struct timespec at_ns(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

static int64_t deadline_ns(int wait_ms)
{
    return now_ns() + (int64_t)wait_ms * 1000000;
}

/* flock has no end to waiting either, so it is tried again and again, less and less
 * often. */
static int lock_file(const struct lmdb_env *env, int64_t deadline, struct ff_err *err)
{
    int64_t wait_ns = FIRST_WAIT_NS;

    while (flock(env->fd, LOCK_EX | LOCK_NB) != 0) {
        const int sys = errno;

        if (sys != EWOULDBLOCK && sys != EINTR)
            return ff_fail(err, FF_UNAVAILABLE, sys, "database %s: locking it: %s",
                           env->path, strerror(sys));
        if (now_ns() >= deadline)
            return ff_fail(err, FF_BUSY, 0, "database %s: another process is writing",
                           env->path);

        const struct timespec wait = at_ns(wait_ns);

        nanosleep(&wait, NULL);
        wait_ns = wait_ns * 2 < LONG_WAIT_NS ? wait_ns * 2 : LONG_WAIT_NS;
    }
    return FF_OK;
}

int lmdb_lock_writer(struct lmdb_env *env, int wait_ms, struct ff_err *err)
{
    const int64_t deadline = deadline_ns(wait_ms);
    const struct timespec until = at_ns(deadline);

    if (pthread_mutex_clocklock(&env->writer, CLOCK_MONOTONIC, &until) != 0)
        return ff_fail(err, FF_BUSY, 0, "database %s: another session is writing",
                       env->path);

    const int code = lock_file(env, deadline, err);

    if (code != FF_OK)
        pthread_mutex_unlock(&env->writer);
    return code;
}

void lmdb_unlock_writer(struct lmdb_env *env)
{
    flock(env->fd, LOCK_UN);
    pthread_mutex_unlock(&env->writer);
}

int lmdb_hold_map(struct lmdb_env *env, int wait_ms, struct ff_err *err)
{
    const struct timespec until = at_ns(deadline_ns(wait_ms));

    if (pthread_rwlock_clockrdlock(&env->map, CLOCK_MONOTONIC, &until) != 0)
        return ff_fail(err, FF_BUSY, 0, "database %s: its map is being changed",
                       env->path);
    return FF_OK;
}

void lmdb_release_map(struct lmdb_env *env)
{
    pthread_rwlock_unlock(&env->map);
}

static int hold_map_alone(struct lmdb_env *env, int wait_ms, struct ff_err *err)
{
    const struct timespec until = at_ns(deadline_ns(wait_ms));

    if (pthread_rwlock_clockwrlock(&env->map, CLOCK_MONOTONIC, &until) != 0)
        return ff_fail(err, FF_BUSY, 0,
                       "database %s: its map must change, and a long read is under way",
                       env->path);
    return FF_OK;
}

/* --- the size of the map --- */

static int set_map_bytes(struct lmdb_env *env, size_t bytes, int wait_ms,
                         struct ff_err *err)
{
    int code = hold_map_alone(env, wait_ms, err);

    if (code != FF_OK)
        return code;

    const int result = mdb_env_set_mapsize(env->mdb, bytes);

    lmdb_release_map(env);
    return result == 0 ? FF_OK : lmdb_fail(env, result, "its map", err);
}

int lmdb_adopt_size(struct lmdb_env *env, int wait_ms, struct ff_err *err)
{
    return set_map_bytes(env, 0, wait_ms, err);
}

static size_t map_bytes(const struct lmdb_env *env)
{
    MDB_envinfo info;

    mdb_env_info(env->mdb, &info);
    return info.me_mapsize;
}

static size_t whole_pages(size_t bytes)
{
    return bytes & ~(size_t)(PAGE_BYTES - 1);
}

int lmdb_make_room(struct lmdb_env *env, bool deleting, struct ff_err *err)
{
    const size_t max = env->max_bytes;
    const size_t now = map_bytes(env);
    int n_dead = 0;

    /* A reader that was killed holds on to pages that nobody needs. */
    if (mdb_reader_check(env->mdb, &n_dead) == 0 && n_dead > 0)
        return FF_OK;
    if (now >= (deleting ? max + max / 2 : max))
        return ff_fail(err, FF_FULL, 0,
                       "database %s: it has reached its largest size of %zu MiB: raise "
                       "store-lmdb.max_size or delete old runs",
                       env->path, env->max_bytes >> 20);
    if (now >= max)
        return set_map_bytes(env, whole_pages(now + max / 8), LMDB_COMMIT_MS, err);
    return set_map_bytes(env, now < max / 2 ? now * 2 : max, LMDB_COMMIT_MS, err);
}

/* What was deleted can be used again only after one commit more, which finds room in
 * the eighth that stays. */
void lmdb_give_back_room(struct lmdb_env *env)
{
    const size_t now = map_bytes(env);
    struct ff_err ignored;
    MDB_envinfo info;

    mdb_env_info(env->mdb, &info);

    const size_t used = (info.me_last_pgno + 1) * PAGE_BYTES;
    const size_t kept = whole_pages(used + env->max_bytes / 8);

    if (now > env->max_bytes)
        set_map_bytes(env, kept > env->max_bytes ? kept : env->max_bytes,
                      LMDB_COMMIT_MS, &ignored);
}

/* While a copy is made the map cannot move: twice the room keeps commits going. */
void lmdb_reserve_room(struct lmdb_env *env)
{
    const size_t now = map_bytes(env);
    struct ff_err ignored;

    if (now < env->max_bytes)
        set_map_bytes(env, now < env->max_bytes / 2 ? now * 2 : env->max_bytes,
                      LMDB_COMMIT_MS, &ignored);
}

/* --- the catalog --- */

static int open_catalog_map(struct lmdb_env *env, MDB_txn *txn)
{
    const int result = env->has_catalog_map
                           ? 0
                           : mdb_dbi_open(txn, LMDB_CATALOG_MAP, 0, &env->catalog_map);

    env->has_catalog_map = result == 0;
    return result;
}

static int read_catalog(struct lmdb_env *env, MDB_txn *txn, struct lmdb_catalog *c)
{
    MDB_val key = {.mv_size = sizeof(LMDB_CATALOG_KEY) - 1,
                   .mv_data = (void *)LMDB_CATALOG_KEY};
    MDB_val text;
    int result = open_catalog_map(env, txn);

    if (result == 0)
        result = lmdb_generation(txn, env->catalog_map, &c->generation);
    if (result == 0)
        result = mdb_get(txn, env->catalog_map, &key, &text);
    if (result == 0 && !lmdb_catalog_read(c, text.mv_data, text.mv_size))
        result = MDB_CORRUPTED;
    if (result == 0)
        result = lmdb_catalog_open(c, txn, 0);
    return result;
}

/* With the map alone, which another process may have made larger meanwhile. */
static int begin_alone(struct lmdb_env *env, MDB_txn **txn)
{
    int result = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, txn);

    if (result == MDB_MAP_RESIZED)
        result = mdb_env_set_mapsize(env->mdb, 0);
    else
        return result;
    return result == 0 ? mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, txn) : result;
}

/* With the map alone. A file without a catalog has an empty one. */
static int reload(struct lmdb_env *env, struct ff_err *err)
{
    struct lmdb_catalog *c = lmdb_catalog_new();
    MDB_txn *txn = NULL;
    int result = c ? begin_alone(env, &txn) : ENOMEM;

    if (result == 0)
        result = read_catalog(env, txn, c);
    if (result == MDB_NOTFOUND && !env->has_catalog_map)
        result = 0;
    /* Only a transaction that is committed keeps the maps that it opened. */
    if (result == 0)
        result = mdb_txn_commit(txn);
    else
        mdb_txn_abort(txn);
    if (result != 0) {
        lmdb_catalog_free(c);
        return lmdb_fail(env, result, "its schema", err);
    }
    /* Sessions are bound to the one that is there: the same again changes nothing. */
    if (env->catalog && env->catalog->generation == c->generation) {
        lmdb_catalog_free(c);
        return FF_OK;
    }
    lmdb_catalog_free(env->catalog);
    env->catalog = c;
    return FF_OK;
}

int lmdb_reload(struct lmdb_env *env, int wait_ms, struct ff_err *err)
{
    int code = hold_map_alone(env, wait_ms, err);

    if (code != FF_OK)
        return code;
    code = reload(env, err);
    lmdb_release_map(env);
    return code;
}

int lmdb_env_set_catalog(struct lmdb_env *env, struct lmdb_catalog *catalog,
                         MDB_dbi map, struct ff_err *err)
{
    const int code = hold_map_alone(env, LMDB_WAIT_MS, err);

    if (code != FF_OK)
        return code;
    lmdb_catalog_free(env->catalog);
    env->catalog = catalog;
    env->catalog_map = map;
    env->has_catalog_map = true;
    lmdb_release_map(env);
    return FF_OK;
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
    else if (st.st_size < LOCK_FILE_BYTES &&
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
    size_t bytes = whole_pages(limits->first_bytes);
    int result = fstat(env->fd, &st) == 0 ? mdb_env_create(&env->mdb) : errno;

    if (bytes > env->max_bytes)
        bytes = env->max_bytes;
    while (bytes < (size_t)st.st_size)
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

static void init_locks(struct lmdb_env *env)
{
    pthread_rwlockattr_t attr;

    pthread_mutex_init(&env->writer, NULL);
    /* Else reads that overlap would keep a larger map away for ever. */
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&env->map, &attr);
    pthread_rwlockattr_destroy(&attr);
}

static void env_free(struct lmdb_env *env)
{
    struct ff_err ignored;

    if (env->fd >= 0) {
        const bool locked = lock_file(env, deadline_ns(LMDB_WAIT_MS), &ignored) == 0;

        if (env->mdb)
            mdb_env_close(env->mdb);
        if (locked)
            flock(env->fd, LOCK_UN);
        close(env->fd);
    }
    lmdb_catalog_free(env->catalog);
    pthread_rwlock_destroy(&env->map);
    pthread_mutex_destroy(&env->writer);
    free(env);
}

static int open_env(struct lmdb_env *env, const struct lmdb_limits *limits,
                    struct ff_err *err)
{
    int code = lock_file(env, deadline_ns(LMDB_WAIT_MS), err);

    if (code != FF_OK)
        return code;
    code = fill_lock_file(env, err);
    if (code == FF_OK)
        code = open_mdb(env, limits, err);
    flock(env->fd, LOCK_UN);
    if (code == FF_OK)
        code = reload(env, err);
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
    fresh->max_bytes = whole_pages(limits->max_bytes);
    fresh->fd = -1;
    init_locks(fresh);
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
