/* store-lmdb/backup.c - a consistent copy while others read and write: LMDB's own copy
 * of one moment, without pages that are free, under another name until it is whole. */
#include "../shared/place.h"
#include "store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static int copy_to(struct lmdb_session *s, const char *part, struct ff_err *err)
{
    const int fd = open(part, O_WRONLY | O_CLOEXEC);
    int result = fd < 0 ? errno : 0;

    if (result == 0)
        result = mdb_env_copyfd2(lmdb_env_mdb(s->env), fd, MDB_CP_COMPACT);
    if (fd >= 0 && close(fd) != 0 && result == 0)
        result = errno;
    if (result == 0)
        return FF_OK;

    const bool full = result == ENOSPC || result == EDQUOT || result == EFBIG;
    const bool damaged = result == MDB_CORRUPTED || result == MDB_PAGE_NOTFOUND ||
                         result == MDB_INCOMPATIBLE;

    return ff_fail(err,
                   full      ? FF_FULL
                   : damaged ? FF_CORRUPT
                             : FF_UNAVAILABLE,
                   result, "backup of database %s: %s", lmdb_env_path(s->env),
                   mdb_strerror(result));
}

int lmdb_backup(void *store, const char *to, struct ff_err *err)
{
    struct lmdb_session *s = store;
    char part[PATH_MAX];
    int code = lmdb_env_check(s->env, err);

    if (code == FF_OK)
        code = place_begin_copy(to, part, err);
    if (code != FF_OK)
        return code;
    lmdb_reserve_room(s->env);
    code = lmdb_hold_map(s->env, LMDB_WAIT_MS, err);
    if (code == FF_OK) {
        code = copy_to(s, part, err);
        lmdb_release_map(s->env);
    }
    if (code == FF_OK)
        code = place_end_copy(part, to, err);
    unlink(part);
    return code;
}
