/* bench/limits/scan.c - reads every open task of a database that an engine left behind:
 * the ceiling of G17.
 *
 * usage: scan FROM.db */
#include "lite.h"

int main(int argc, char **argv)
{
    const int64_t begun = now_ns();
    int64_t n = 0;
    int64_t sum = 0;
    sqlite3 *db;

    if (argc < 2)
        DIE("usage: scan FROM.db");
    if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        DIE("%s: %s", argv[1], sqlite3_errmsg(db));
    sqlite3_stmt *stmt = prepare(
        db, "SELECT task.* FROM open_run JOIN task USING (tenant, run) "
            "WHERE task.state NOT IN ('succeeded', 'failed', 'skipped', 'cancelled')");
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++)
            sum += sqlite3_column_int64(stmt, i);
        n++;
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    printf("{\"seconds\":%.6f,\"rows\":%lld,\"sum\":%lld}\n",
           (double)(now_ns() - begun) / 1e9, (long long)n, (long long)sum);
    return 0;
}
