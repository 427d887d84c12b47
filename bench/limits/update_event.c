/* bench/limits/update_event.c - rows a second of the simplest tables that could hold
 * tasks and their events, 100 updates and 100 inserts to a commit: tells how fast the
 * machine is, for goals that are absolute on a machine of a given speed.
 *
 * usage: update_event TO.db SECONDS */
#include "lite.h"

#define N_TASKS 200000
#define BATCH   100

static void fill(sqlite3 *db)
{
    run_sql(db,
            "CREATE TABLE task (id INTEGER PRIMARY KEY, run INTEGER, state INTEGER, "
            "attempt INTEGER, updated INTEGER, payload BLOB)");
    run_sql(db, "CREATE TABLE event (seq INTEGER PRIMARY KEY, task INTEGER, "
                "kind INTEGER, at INTEGER, body BLOB)");
    sqlite3_stmt *put =
        prepare(db, "INSERT INTO task VALUES (?1, ?1 / 100, 0, 0, 0, zeroblob(100))");
    run_sql(db, "BEGIN");
    for (int i = 1; i <= N_TASKS; i++) {
        sqlite3_bind_int(put, 1, i);
        step(put);
    }
    run_sql(db, "COMMIT");
    run_sql(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3_finalize(put);
}

int main(int argc, char **argv)
{
    static const char body[40];

    if (argc < 3)
        DIE("usage: update_event TO.db SECONDS");
    sqlite3 *db = open_new(argv[1]);
    fill(db);
    sqlite3_stmt *begin = prepare(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *commit = prepare(db, "COMMIT");
    sqlite3_stmt *update = prepare(
        db, "UPDATE task SET state = ?2, attempt = 1, updated = ?3 WHERE id = ?1");
    sqlite3_stmt *put =
        prepare(db, "INSERT INTO event (task, kind, at, body) VALUES (?1, 1, ?2, ?3)");
    const int64_t begun = now_ns();
    const int64_t end = begun + (int64_t)(atof(argv[2]) * 1e9);
    int64_t n = 0;

    while (now_ns() < end) {
        step(begin);
        for (int i = 0; i < BATCH; i++, n++) {
            const int64_t id = 1 + n % N_TASKS;

            sqlite3_bind_int64(update, 1, id);
            sqlite3_bind_int64(update, 2, n / N_TASKS % 2 + 1);
            sqlite3_bind_int64(update, 3, begun + n);
            step(update);
            sqlite3_bind_int64(put, 1, id);
            sqlite3_bind_int64(put, 2, begun + n);
            sqlite3_bind_blob(put, 3, body, sizeof(body), SQLITE_STATIC);
            step(put);
        }
        step(commit);
    }
    printf("{\"pairs_per_s\":%.0f}\n", (double)n * 1e9 / (double)(now_ns() - begun));
    return 0;
}
