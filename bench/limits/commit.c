/* bench/limits/commit.c - one small row, one commit, again and again: the ceiling of
 * G3. The row is an event as the hop of a no-op task writes it, in a table like the
 * engine's.
 *
 * usage: commit TO.db COMMITS */
#include "lite.h"

#include <string.h>

static const char body[] =
    "[{\"type\":\"task.finished\",\"task\":\"t1000\",\"attempt\":1,"
    "\"state\":\"succeeded\"},{\"type\":\"task.started\","
    "\"task\":\"t1001\",\"attempt\":1}]";

int main(int argc, char **argv)
{
    struct samples took = {0};

    if (argc < 3)
        DIE("usage: commit TO.db COMMITS");
    sqlite3 *db = open_new(argv[1]);
    run_sql(db, "CREATE TABLE event (tenant INTEGER NOT NULL, run INTEGER NOT NULL, "
                "seq INTEGER NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, "
                "body TEXT NOT NULL, PRIMARY KEY (tenant, run, seq)) "
                "STRICT, WITHOUT ROWID");
    sqlite3_stmt *put = prepare(db, "INSERT INTO event VALUES (1, 1, ?, 1, ?, ?)");
    for (int64_t i = 0; i < atoll(argv[2]); i++) {
        const int64_t begun = now_ns();

        sqlite3_bind_int64(put, 1, i);
        sqlite3_bind_int64(put, 2, begun);
        sqlite3_bind_text(put, 3, body, sizeof(body) - 1, SQLITE_STATIC);
        step(put);
        samples_add(&took, now_ns() - begun);
    }
    samples_sort(&took);
    printf("{\"p50_us\":%.1f,\"p99_us\":%.1f,\"commits\":%zu}\n",
           samples_us(&took, 0.5), samples_us(&took, 0.99), took.n);
    return 0;
}
