/* store-lmdb/driver.c - the store in one LMDB file: a copy-on-write tree in a memory
 * map, two flushes for each commit, readers that wait for nobody.
 *
 * Here: options, opening and closing a session, the driver's description. The functions
 * of the contract have files of their own, named after them. */
#include "store_lmdb.h"

#include <stdlib.h>

#define FIRST_MAP_BYTES ((size_t)4 << 20)

struct config {
    const char *path;
    int64_t max_bytes;
};

static const struct ff_opt options[] = {
    {.name = "path",
     .help = "the database file; made with mode 0600 in a directory of mode 0700, its "
             "lock file beside it",
     .type = FF_OPT_TEXT,
     .flags = FF_OPT_REQUIRED,
     .offset = offsetof(struct config, path)},
    {.name = "max_size",
     .help = "length that the file may reach; it never becomes shorter",
     .fallback = "64GiB",
     .type = FF_OPT_SIZE,
     .offset = offsetof(struct config, max_bytes),
     .min = 1 << 20,
     .max = INT64_C(1) << 43},
    {0},
};

static void close_session(void *store)
{
    struct lmdb_session *s = store;

    if (!s)
        return;
    mdb_txn_abort(s->reader);
    if (s->env)
        lmdb_env_put(s->env);
    lmdb_bytes_done(&s->key);
    lmdb_bytes_done(&s->row);
    lmdb_bytes_done(&s->entries);
    lmdb_bytes_done(&s->packed);
    lmdb_bytes_done(&s->low);
    lmdb_bytes_done(&s->high);
    free(s->bindings);
    free(s);
}

static int open_session(const struct ff_host *host, const void *config, void **store,
                        struct ff_err *err)
{
    const struct config *c = config;
    const struct lmdb_limits limits = {.first_bytes = FIRST_MAP_BYTES,
                                       .max_bytes = (size_t)c->max_bytes};
    struct lmdb_session *s = calloc(1, sizeof(*s));

    if (!s)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a session");
    s->host = host;

    int code = lmdb_env_get(host, c->path, &limits, &s->env, err);

    if (code == FF_OK)
        code = lmdb_env_check(s->env, err);
    if (code != FF_OK) {
        close_session(s);
        return code;
    }
    *store = s;
    return FF_OK;
}

static int ping(void *store, struct ff_err *err)
{
    struct lmdb_session *s = store;
    MDB_txn *txn;
    int code = lmdb_env_check(s->env, err);

    if (code == FF_OK)
        code = lmdb_begin_read(s, &txn, err);
    if (code == FF_OK)
        lmdb_end_read(s);
    return code;
}

/* Whoever shares the file is on this machine, so its clock is everybody's. */
static int now(void *store, int64_t *now_us, struct ff_err *err)
{
    const struct lmdb_session *s = store;

    (void)err;
    *now_us = s->host->now_us(s->host->self);
    return FF_OK;
}

static const struct ff_store_ops ops = {
    .open = open_session,
    .close = close_session,
    .setup = lmdb_setup,
    .commit = lmdb_commit,
    .scan = lmdb_scan,
    .count = lmdb_count,
    .ping = ping,
    .now = now,
    .backup = lmdb_backup,
    .info = lmdb_info,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_STORE, FF_ONE_AT_A_TIME, ops),
    .caps = FF_STORE_SHARED | FF_STORE_DURABLE,
    .name = "lmdb",
    .version = "1.0",
    .summary = "one LMDB file: ordered keys in a memory map, flushed at every commit",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.store = &ops,
};

FF_REGISTER_DRIVER(driver)
