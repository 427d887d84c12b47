/* store-sqlite/driver.c - the store in one SQLite file: write-ahead log, one flush for
 * each commit, tables that a person can read with sqlite3.
 *
 * Here: options, opening and closing a session, the driver's description. The functions
 * of the contract have files of their own, named after them. */
#include "lite.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define OPEN_TRIES     100
#define OPEN_RETRY_US  20000
#define PAGE_BYTES     INT64_C(4096)
#define MIN_CHECKPOINT 64
#define CHECKED_MS     10 /* so long a look at the file holds for who reads */

/* SQLite counts the memory it uses under one mutex for all threads. Nobody asks, and it
 * costs each small allocation a few per cent. Where SQLite is in use already it is too
 * late, which does no harm. */
static void stop_counting_memory(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

struct config {
    const char *path;
    int64_t cache_bytes;
    int64_t checkpoint_bytes;
    int64_t synchronous;
};

static const char *const synchronous_words[] = {"full", NULL};

static const struct ff_opt options[] = {
    {.name = "path",
     .help = "the database file; made with mode 0600 in a directory of mode 0700",
     .type = FF_OPT_TEXT,
     .flags = FF_OPT_REQUIRED,
     .offset = offsetof(struct config, path)},
    {.name = "cache",
     .help = "memory for pages of the database, per session",
     .fallback = "32MiB",
     .type = FF_OPT_SIZE,
     .offset = offsetof(struct config, cache_bytes),
     .min = 1 << 16,
     .max = INT64_C(1) << 36},
    {.name = "checkpoint",
     .help = "length that the write-ahead log may reach under load",
     .fallback = "64MiB",
     .type = FF_OPT_SIZE,
     .offset = offsetof(struct config, checkpoint_bytes),
     .min = MIN_CHECKPOINT * PAGE_BYTES,
     .max = INT64_C(1) << 32},
    {.name = "synchronous",
     .help = "what is acknowledged survives a power cut; there is no other choice",
     .fallback = "full",
     .type = FF_OPT_CHOICE,
     .offset = offsetof(struct config, synchronous),
     .choices = synchronous_words},
    {0},
};

/* --- opening --- */

static int on_commit(void *arg, sqlite3 *db, const char *name, int n_pages)
{
    struct lite_session *s = arg;

    (void)db;
    (void)name;
    s->n_commits = n_pages < s->wal_pages ? 1 : s->n_commits + 1;
    s->wal_pages = n_pages;
    return SQLITE_OK;
}

/* Two processes that open a new database at once can both be refused, busy handler or
 * not, because waiting would be a deadlock. */
static int use_log(struct lite_session *s, struct ff_err *err)
{
    int code = FF_BUSY;

    for (int i = 0; i < OPEN_TRIES && code == FF_BUSY; i++) {
        if (i)
            usleep(OPEN_RETRY_US);
        code = lite_run(s, "PRAGMA journal_mode = WAL", err);
    }
    return code;
}

static int set_options(struct lite_session *s, const struct config *config,
                       struct ff_err *err)
{
    char sizes[128];
    int code;

    /* A log that grew beyond its length in a bad hour is cut when it begins anew. */
    snprintf(sizes, sizeof(sizes),
             "PRAGMA cache_size = -%lld; PRAGMA journal_size_limit = %lld",
             (long long)(config->cache_bytes / 1024),
             (long long)config->checkpoint_bytes * 2);
    sqlite3_busy_timeout(s->db, LITE_BUSY_MS);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    code = use_log(s, err);
    if (code == FF_OK)
        code = lite_run(s, "PRAGMA synchronous = FULL", err);
    if (code == FF_OK)
        code = lite_run(s, "PRAGMA temp_store = MEMORY", err);
    if (code == FF_OK)
        code = lite_run(s, sizes, err);
    sqlite3_wal_hook(s->db, on_commit, s);
    return code;
}

static int prepare(struct lite_session *s, const char *sql, sqlite3_stmt **stmt,
                   struct ff_err *err)
{
    const int result =
        sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);

    return result == SQLITE_OK ? FF_OK : lite_fail(s, result, sql, err);
}

static void lite_close(void *store);

static int open_session(struct lite_session *s, const struct config *config,
                        struct ff_err *err)
{
    /* No mutex: the core makes one call at a time in a session. */
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                      SQLITE_OPEN_EXRESCODE;
    int code = lite_file_open(s->host, config->path, &s->file, err);

    if (code != FF_OK)
        return code;
    if (lite_file_dead(s->file, err))
        return FF_FATAL;

    const int result = sqlite3_open_v2(lite_file_path(s->file), &s->db, flags, NULL);

    if (result != SQLITE_OK)
        return lite_fail(s, result, "open", err);
    code = set_options(s, config, err);
    if (code == FF_OK)
        code = prepare(s, "BEGIN IMMEDIATE", &s->begin, err);
    if (code == FF_OK)
        code = prepare(s, "COMMIT", &s->commit, err);
    if (code == FF_OK)
        code = prepare(s, "ROLLBACK", &s->rollback, err);
    return code;
}

static int lite_open(const struct ff_host *host, const void *config, void **store,
                     struct ff_err *err)
{
    const struct config *c = config;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct lite_session *s;

    if (!sqlite3_threadsafe())
        return ff_fail(err, FF_UNSUPPORTED, 0,
                       "this SQLite was built for one thread only");
    pthread_once(&once, stop_counting_memory);
    s = calloc(1, sizeof(*s));
    if (!s)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a session");
    s->host = host;
    s->checkpoint_pages = (int)(c->checkpoint_bytes / PAGE_BYTES);

    const int code = open_session(s, c, err);

    if (code != FF_OK) {
        lite_close(s);
        return code;
    }
    *store = s;
    return FF_OK;
}

/* The last session of all carries the log over and deletes it - not when a flush has
 * failed: that would flush again, be told that all is well, and copy what is lost. */
static void close_connection(struct lite_session *s)
{
    const bool dead = lite_file_dead(s->file, NULL);
    const bool last = lite_file_leave(s->file);

    if (s->db && dead)
        sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close(s->db);
    if (last)
        lite_file_free(s->file);
}

static void lite_close(void *store)
{
    struct lite_session *s = store;

    if (!s)
        return;
    lite_cache_done(&s->cache);
    sqlite3_finalize(s->begin);
    sqlite3_finalize(s->commit);
    sqlite3_finalize(s->rollback);
    if (s->file)
        close_connection(s);
    free(s);
}

/* --- small ones of the contract --- */

/* A microsecond or two, before something that costs seventy at least. */
static bool was_moved(const struct lite_session *s)
{
    const struct lite_inodes now = lite_file_inodes(s->file);

    return s->inodes.file && (now.file != s->inodes.file || now.log != s->inodes.log);
}

/* As long as a session is open nobody who knows SQLite replaces the log. */
void lite_remember_files(struct lite_session *s)
{
    s->inodes = lite_file_inodes(s->file);
}

int lite_check_file(struct lite_session *s, struct ff_err *err)
{
    struct ff_err local;

    if (lite_file_dead(s->file, err))
        return FF_FATAL;
    if (!was_moved(s))
        return FF_OK;
    err = err ? err : &local;
    ff_fail(err, FF_FATAL, 0, "database %s: the file was moved or deleted while open",
            lite_file_path(s->file));
    lite_file_kill(s->file, err);
    return FF_FATAL;
}

static int64_t coarse_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A look costs as much as half of a small read. Who commits looks each time. */
int lite_check_file_lately(struct lite_session *s, struct ff_err *err)
{
    const int64_t now_ms = coarse_ms();

    if (now_ms - s->checked_ms < CHECKED_MS)
        return lite_file_dead(s->file, err) ? FF_FATAL : FF_OK;
    s->checked_ms = now_ms;
    return lite_check_file(s, err);
}

static int lite_ping(void *store, struct ff_err *err)
{
    struct lite_session *s = store;
    const int code = lite_check_file(s, err);

    return code == FF_OK ? lite_run(s, "SELECT 1 FROM sqlite_schema LIMIT 1", err)
                         : code;
}

/* Whoever shares the file is on this machine, so its clock is everybody's. */
static int lite_now(void *store, int64_t *now_us, struct ff_err *err)
{
    const struct lite_session *s = store;

    (void)err;
    *now_us = s->host->now_us(s->host->self);
    return FF_OK;
}

/* --- the driver --- */

static const struct ff_store_ops ops = {
    .open = lite_open,
    .close = lite_close,
    .setup = lite_setup,
    .commit = lite_commit,
    .scan = lite_scan,
    .count = lite_count,
    .ping = lite_ping,
    .now = lite_now,
    .backup = lite_backup,
    .info = lite_info,
    .moment = lite_moment,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_STORE, FF_ONE_AT_A_TIME, ops),
    .caps = FF_STORE_SHARED | FF_STORE_DURABLE,
    .name = "sqlite",
    .version = "1.0",
    .summary = "one SQLite file, flushed at every commit",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.store = &ops,
};

FF_REGISTER_DRIVER(driver)
