/* store-sqlite/backup.c - a consistent copy while others read and write: written beside
 * its name, flushed, and only then given the name. */
#include "../shared/place.h"
#include "lite.h"

#include <limits.h>
#include <unistd.h>

/* In one step: in pieces it would begin again at every commit of another session. A
 * reader of the log does not hold up writers. */
static int copy_pages(struct lite_session *s, sqlite3 *to, struct ff_err *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", s->db, "main");
    int result = SQLITE_ERROR;

    if (backup) {
        sqlite3_backup_step(backup, -1);
        result = sqlite3_backup_finish(backup);
    }
    if (result == SQLITE_OK)
        return FF_OK;

    const bool full = (result & 0xff) == SQLITE_FULL;

    return ff_fail(err, full ? FF_FULL : FF_UNAVAILABLE, result,
                   "backup of database %s: %s", lite_file_path(s->file),
                   sqlite3_errmsg(to));
}

/* It is a file of our own until it has its name: no journal, one flush at the end. */
static int copy_to(struct lite_session *s, const char *path, struct ff_err *err)
{
    sqlite3 *to = NULL;
    int code = FF_OK;

    if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ||
        sqlite3_exec(to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL,
                     NULL, NULL))
        code = ff_fail(err, FF_UNAVAILABLE, sqlite3_extended_errcode(to),
                       "backup %s: %s", path, sqlite3_errmsg(to));
    if (code == FF_OK)
        code = copy_pages(s, to, err);
    sqlite3_close(to);
    return code;
}

int lite_backup(void *store, const char *to, struct ff_err *err)
{
    struct lite_session *s = store;
    char part[PATH_MAX];
    int code = lite_check_file(s, err);

    if (code != FF_OK)
        return code;
    code = place_begin_copy(to, part, err);
    if (code != FF_OK)
        return code;
    code = copy_to(s, part, err);
    if (code == FF_OK)
        code = place_end_copy(part, to, err);
    unlink(part);
    return code;
}
