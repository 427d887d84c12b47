/* store-lmdb/lock.c - who writes, and who may move the map. Whoever waits for either
 * gives up after a while, which LMDB's own locks do not.
 *
 * LMDB's locks are fcntl locks of the lock file beside the file, and mutexes in it.
 * Ours is a flock of the file itself, which does not meddle with those. */
#include "env_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#define FIRST_WAIT_NS INT64_C(100000)
#define LONG_WAIT_NS  INT64_C(5000000)

void lmdb_locks_init(struct lmdb_env *env)
{
    pthread_rwlockattr_t attr;

    pthread_mutex_init(&env->writer, NULL);
    /* Else reads that overlap would keep a larger map away for ever. */
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&env->map, &attr);
    pthread_rwlockattr_destroy(&attr);
}

void lmdb_locks_done(struct lmdb_env *env)
{
    pthread_rwlock_destroy(&env->map);
    pthread_mutex_destroy(&env->writer);
}

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
static int lock_until(const struct lmdb_env *env, int64_t deadline, struct ff_err *err)
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

int lmdb_lock_file(const struct lmdb_env *env, int wait_ms, struct ff_err *err)
{
    return lock_until(env, deadline_ns(wait_ms), err);
}

void lmdb_unlock_file(const struct lmdb_env *env)
{
    flock(env->fd, LOCK_UN);
}

int lmdb_lock_writer(struct lmdb_env *env, int wait_ms, struct ff_err *err)
{
    const int64_t deadline = deadline_ns(wait_ms);
    const struct timespec until = at_ns(deadline);

    if (pthread_mutex_clocklock(&env->writer, CLOCK_MONOTONIC, &until) != 0)
        return ff_fail(err, FF_BUSY, 0, "database %s: another session is writing",
                       env->path);

    const int code = lock_until(env, deadline, err);

    if (code != FF_OK)
        pthread_mutex_unlock(&env->writer);
    return code;
}

void lmdb_unlock_writer(struct lmdb_env *env)
{
    lmdb_unlock_file(env);
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

int lmdb_hold_map_alone(struct lmdb_env *env, int wait_ms, struct ff_err *err)
{
    const struct timespec until = at_ns(deadline_ns(wait_ms));

    if (pthread_rwlock_clockwrlock(&env->map, CLOCK_MONOTONIC, &until) != 0)
        return ff_fail(err, FF_BUSY, 0,
                       "database %s: its map must change, and a long read is under way",
                       env->path);
    return FF_OK;
}
