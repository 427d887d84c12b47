/* bench/limits/lite.h - the SQLite that the ceilings write to: opened as the engine's
 * driver opens it (write-ahead log, synchronous FULL), without its guards. */
#ifndef LIMITS_LITE_H
#define LIMITS_LITE_H

#include "limit.h"

#include <sqlite3.h>
#include <unistd.h>

static inline void run_sql(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        DIE("%s: %s", sql, sqlite3_errmsg(db));
}

static inline sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;

    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) !=
        SQLITE_OK)
        DIE("%s: %s", sql, sqlite3_errmsg(db));
    return stmt;
}

static inline void step(sqlite3_stmt *stmt)
{
    if (sqlite3_step(stmt) != SQLITE_DONE)
        DIE("%s: %s", sqlite3_sql(stmt), sqlite3_errmsg(sqlite3_db_handle(stmt)));
    sqlite3_reset(stmt);
}

/* A new, empty database; what stood there is removed. */
static inline sqlite3 *open_new(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[4096];
    sqlite3 *db;

    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
    if (sqlite3_open_v2(
            path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
            NULL) != SQLITE_OK)
        DIE("%s: %s", path, sqlite3_errmsg(db));
    run_sql(db, "PRAGMA journal_mode = WAL");
    run_sql(db, "PRAGMA synchronous = FULL");
    run_sql(db, "PRAGMA cache_size = -65536");
    return db;
}

#endif
