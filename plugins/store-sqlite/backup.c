/* store-sqlite/backup.c - a consistent copy while others read and write: written beside
 * its name, flushed, and only then given the name. */
#include "lite.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static int fail_file(const char *path, const char *doing, struct ff_err *err)
{
    const int sys = errno;
    const int code = sys == ENOSPC || sys == EDQUOT ? FF_FULL : FF_INVALID;

    return ff_fail(err, code, sys, "backup %s: %s: %s", path, doing, strerror(sys));
}

static int make_empty(const char *path, struct ff_err *err)
{
    const int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

    if (fd < 0)
        return fail_file(path, "making it", err);
    close(fd);
    return FF_OK;
}

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

static int flush(const char *path, int flags, struct ff_err *err)
{
    const int fd = open(path, flags | O_CLOEXEC);
    int code = FF_OK;

    if (fd < 0 || fsync(fd) != 0)
        code = fail_file(path, "flushing it", err);
    if (fd >= 0)
        close(fd);
    return code;
}

/* link and not rename: an older backup of that name is never replaced. */
static int give_name(const char *from, const char *to, struct ff_err *err)
{
    char copy[PATH_MAX];

    if (link(from, to) != 0)
        return fail_file(to, "giving it its name", err);
    snprintf(copy, sizeof(copy), "%s", to);
    return flush(dirname(copy), O_RDONLY | O_DIRECTORY, err);
}

int lite_backup(void *store, const char *to, struct ff_err *err)
{
    struct lite_session *s = store;
    char part[PATH_MAX];
    int code = lite_check_file(s, err);

    if (code != FF_OK)
        return code;
    if (access(to, F_OK) == 0)
        return ff_fail(err, FF_INVALID, EEXIST, "backup %s: it is there already", to);
    if (snprintf(part, sizeof(part), "%s.part-%ld", to, (long)getpid()) >=
        (int)sizeof(part))
        return ff_fail(err, FF_INVALID, ENAMETOOLONG, "backup: the path is too long");
    code = make_empty(part, err);
    if (code != FF_OK)
        return code;
    code = copy_to(s, part, err);
    if (code == FF_OK)
        code = flush(part, O_RDONLY, err);
    if (code == FF_OK)
        code = give_name(part, to, err);
    unlink(part);
    return code;
}
