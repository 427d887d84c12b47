/* store-lmdb/error.c - what LMDB's results mean to the core, in one table. Positive
 * ones are numbers of the system. */
#include "store_lmdb.h"

#include <errno.h>
#include <string.h>

struct meaning {
    int result;
    int code; /* enum ff_code */
    const char *sentence;
};

static const struct meaning meanings[] = {
    {MDB_MAP_FULL, FF_FULL, "it has reached its largest size"},
    {MDB_READERS_FULL, FF_UNAVAILABLE, "too many processes read it at once"},
    {MDB_TXN_FULL, FF_INVALID, "the commit is too large: split it"},
    {MDB_DBS_FULL, FF_UNSUPPORTED, "the schema has too many records and indexes"},
    {MDB_BAD_VALSIZE, FF_INVALID, "a row is too long"},
    {MDB_VERSION_MISMATCH, FF_UNSUPPORTED,
     "it was made by another version of LMDB: restore a backup with that version"},
    {MDB_INVALID, FF_CORRUPT, "the file is not an LMDB database"},
    {MDB_CORRUPTED, FF_CORRUPT, "the file is damaged: restore a backup"},
    {MDB_PAGE_NOTFOUND, FF_CORRUPT, "the file is damaged: restore a backup"},
    {MDB_INCOMPATIBLE, FF_CORRUPT, "the file is not a store of FlowForge"},
    {MDB_PANIC, FF_FATAL, "a flush failed"},
    {MDB_NOTFOUND, FF_INTERNAL, "something that should be there is not"},
    {ENOMEM, FF_NO_MEMORY, "out of memory"},
    {ENOSPC, FF_FULL, "the disk is full"},
    {EDQUOT, FF_FULL, "the quota of the disk is used up"},
    {EFBIG, FF_FULL, "the file may not grow: see ulimit -f"},
    {EROFS, FF_DENIED,
     "the file system is read-only, and even readers must write to "
     "the lock file"},
    {EACCES, FF_DENIED, "the file or its lock file is not writable"},
    {EPERM, FF_DENIED, "the file or its lock file is not accessible"},
    {ENOENT, FF_UNAVAILABLE, "the file cannot be opened"},
    {EMFILE, FF_UNAVAILABLE, "too many open files"},
    {ENFILE, FF_UNAVAILABLE, "too many open files"},
    {EAGAIN, FF_BUSY, "another process is opening it"},
    {EBUSY, FF_BUSY, "another process is opening it"},
    {EIO, FF_FATAL, "an input or output error"},
};

static const struct meaning *meaning_of(int result)
{
    static const struct meaning unknown = {0, FF_INTERNAL, "an unexpected result"};

    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (meanings[i].result == result)
            return &meanings[i];
    return &unknown;
}

int lmdb_fail(struct lmdb_env *env, int result, const char *doing, struct ff_err *err)
{
    const struct meaning *meaning = meaning_of(result);
    struct ff_err local;

    err = err ? err : &local;
    ff_fail(err, meaning->code, result, "database %s: %s: %s (%s)", lmdb_env_path(env),
            doing, meaning->sentence, mdb_strerror(result));
    if (meaning->code == FF_FATAL)
        lmdb_env_kill(env, err);
    return meaning->code;
}

/* Does LMDB itself still go on? It stops for good when the page that makes a commit
 * valid could not be written. */
static bool goes_on(struct lmdb_env *env)
{
    MDB_txn *txn;
    const int result = mdb_txn_begin(lmdb_env_mdb(env), NULL, 0, &txn);

    if (result == 0)
        mdb_txn_abort(txn);
    return result != MDB_PANIC;
}

/* A commit writes pages where nothing refers to them, flushes, and only then writes the
 * page that refers to them. Before that nothing has happened, so a disk that is full is
 * no worse than that. */
int lmdb_fail_commit(struct lmdb_env *env, int result, struct ff_err *err)
{
    const int code = meaning_of(result)->code;

    if (result > 0 && (code == FF_INTERNAL || (code == FF_FULL && !goes_on(env)))) {
        ff_fail(err, FF_FATAL, result, "database %s: commit: a flush failed (%s)",
                lmdb_env_path(env), strerror(result));
        lmdb_env_kill(env, err);
        return FF_FATAL;
    }
    return lmdb_fail(env, result, "commit", err);
}

int lmdb_fail_damaged(struct lmdb_env *env, const char *what, struct ff_err *err)
{
    return ff_fail(err, FF_CORRUPT, 0, "database %s: %s is damaged: restore a backup",
                   lmdb_env_path(env), what);
}

bool lmdb_wants_room(const struct ff_err *err)
{
    return err->code == FF_FULL && err->sys == MDB_MAP_FULL;
}
