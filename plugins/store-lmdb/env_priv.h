/* store-lmdb/env_priv.h - the file as env.c, lock.c and map.c know it. */
#ifndef STORE_LMDB_ENV_PRIV_H
#define STORE_LMDB_ENV_PRIV_H

#include "store_lmdb.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#define LMDB_PAGE_BYTES 4096

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

/* --- lock.c --- */

void lmdb_locks_init(struct lmdb_env *env);
void lmdb_locks_done(struct lmdb_env *env);
/* The file alone, between processes. */
int lmdb_lock_file(const struct lmdb_env *env, int wait_ms, struct ff_err *err);
void lmdb_unlock_file(const struct lmdb_env *env);
/* No transaction of this process is open. */
int lmdb_hold_map_alone(struct lmdb_env *env, int wait_ms, struct ff_err *err);

/* --- map.c --- */

size_t lmdb_whole_pages(size_t bytes);
/* With the map alone, or before anybody knows the file. */
int lmdb_read_catalog(struct lmdb_env *env, struct ff_err *err);

#endif
