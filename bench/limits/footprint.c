/* bench/limits/footprint.c - a process that has loaded SQLite and opened a database,
 * and nothing else: the ceiling of G15 and G16. Says "y" on descriptor 3 when it is
 * ready, as `flowforge engine` does, and waits for its standard input to end.
 *
 * usage: footprint TO.db */
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

typedef int open_fn(const char *path, void **db);
typedef int exec_fn(void *db, const char *sql, void *fn, void *arg, void *err);

int main(int argc, char **argv)
{
    void *lib = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
    void *db = NULL;
    open_fn *open_db;
    exec_fn *exec_sql;
    char byte;

    if (!lib || argc < 2) {
        fprintf(stderr, "footprint: %s\n", argc < 2 ? "usage: TO.db" : dlerror());
        return 1;
    }
    *(void **)&open_db = dlsym(lib, "sqlite3_open");
    *(void **)&exec_sql = dlsym(lib, "sqlite3_exec");
    if (open_db(argv[1], &db) != 0 ||
        exec_sql(db,
                 "PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS t (a);"
                 "SELECT count(*) FROM t",
                 NULL, NULL, NULL) != 0)
        return 1;
    if (write(3, "y", 1) != 1)
        return 1;
    while (read(0, &byte, 1) > 0)
        ;
    return 0;
}
