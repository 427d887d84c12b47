/* store-sqlite/error.c - what SQLite's results mean to the core, in one table. */
#include "lite.h"

#include <errno.h>
#include <string.h>

struct meaning {
    int result; /* extended, or primary for all of its kind */
    int code;   /* enum ff_code */
    const char *sentence;
};

/* Extended results first; the first match counts. */
static const struct meaning meanings[] = {
    {SQLITE_CONSTRAINT_UNIQUE, FF_CONFLICT, "a unique index has this value already"},
    {SQLITE_CONSTRAINT_PRIMARYKEY, FF_CONFLICT, "a row with this key is there already"},
    {SQLITE_CONSTRAINT, FF_INVALID, "a value breaks a rule of its column"},
    {SQLITE_MISMATCH, FF_INVALID, "a value has the wrong type"},
    {SQLITE_TOOBIG, FF_INVALID, "a value is too long"},
    {SQLITE_RANGE, FF_INTERNAL, "a parameter too many"},
    {SQLITE_IOERR_NOMEM, FF_NO_MEMORY, "out of memory"},
    {SQLITE_IOERR_SHMSIZE, FF_FULL, "no space for the index of its log"},
    {SQLITE_IOERR, FF_FATAL, "an input or output error"},
    {SQLITE_READONLY_DBMOVED, FF_FATAL, "the file was moved or deleted while open"},
    {SQLITE_READONLY, FF_DENIED, "the file or its directory is not writable"},
    {SQLITE_PERM, FF_DENIED, "the file is not accessible"},
    {SQLITE_AUTH, FF_DENIED, "the file is not accessible"},
    {SQLITE_CANTOPEN, FF_UNAVAILABLE, "the file cannot be opened"},
    {SQLITE_NOTADB, FF_CORRUPT, "the file is not a database"},
    {SQLITE_CORRUPT, FF_CORRUPT, "the file is damaged"},
    {SQLITE_FORMAT, FF_CORRUPT, "the file is damaged"},
    {SQLITE_FULL, FF_FULL, "the disk is full"},
    {SQLITE_NOMEM, FF_NO_MEMORY, "out of memory"},
    {SQLITE_BUSY, FF_BUSY, "another process is writing"},
    {SQLITE_LOCKED, FF_BUSY, "another process is writing"},
    {SQLITE_PROTOCOL, FF_BUSY, "another process is writing"},
    {SQLITE_INTERRUPT, FF_CANCELLED, "interrupted"},
};

static const struct meaning *meaning_of(int result)
{
    static const struct meaning unknown = {0, FF_INTERNAL, "an unexpected result"};

    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (meanings[i].result == result || meanings[i].result == (result & 0xff))
            return &meanings[i];
    return &unknown;
}

/* A write that did not fit, whatever the limit was: SQLite says FULL only to ENOSPC.
 * Nothing was flushed, and what was written lies beyond the end of the log. */
static bool did_not_fit(int result, int sys)
{
    return result == SQLITE_IOERR_WRITE &&
           (sys == EFBIG || sys == EDQUOT || sys == ENOSPC);
}

/* SQLite keeps errno of a failed statement, but not of a failed COMMIT; there the last
 * call to the system that failed is the one. */
static int system_error(const struct lite_session *s, int last)
{
    const int kept = s->db ? sqlite3_system_errno(s->db) : 0;

    return kept ? kept : last;
}

int lite_fail(struct lite_session *s, int result, const char *doing, struct ff_err *err)
{
    const bool failed = (result & 0xff) == SQLITE_IOERR ||
                        (result & 0xff) == SQLITE_FULL ||
                        (result & 0xff) == SQLITE_CANTOPEN;
    const int sys = failed ? system_error(s, errno) : 0;
    const struct meaning *meaning =
        did_not_fit(result, sys) ? meaning_of(SQLITE_FULL) : meaning_of(result);
    const char *detail = s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(result);
    struct ff_err local;

    if (!err)
        err = &local;
    ff_fail(err, meaning->code, result, "database %s: %s: %s (%s%s%s)",
            lite_file_path(s->file), doing, meaning->sentence, detail, sys ? ", " : "",
            sys ? strerror(sys) : "");
    if (meaning->code == FF_FATAL)
        lite_file_kill(s->file, err);
    return meaning->code;
}

int lite_run(struct lite_session *s, const char *sql, struct ff_err *err)
{
    const int result = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

    return result == SQLITE_OK ? FF_OK : lite_fail(s, result, sql, err);
}
