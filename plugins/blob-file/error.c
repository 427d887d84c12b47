/* blob-file/error.c - what errors of the system mean to the core, in one table. */
#include "blob_file.h"

#include <errno.h>
#include <string.h>

static const struct {
    int sys, code;
} meanings[] = {
    {ENOSPC, FF_FULL},         {EDQUOT, FF_FULL},           {EFBIG, FF_FULL},
    {ENOMEM, FF_NO_MEMORY},    {EACCES, FF_DENIED},         {EPERM, FF_DENIED},
    {EROFS, FF_DENIED},        {ELOOP, FF_DENIED},          {ENOTDIR, FF_DENIED},
    {ENAMETOOLONG, FF_DENIED}, {EMFILE, FF_UNAVAILABLE},    {ENFILE, FF_UNAVAILABLE},
    {EIO, FF_UNAVAILABLE},     {ENOENT, FF_UNAVAILABLE},    {ENOLCK, FF_UNAVAILABLE},
    {ESTALE, FF_UNAVAILABLE},  {ETIMEDOUT, FF_UNAVAILABLE},
};

static int code_of(int sys)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (meanings[i].sys == sys)
            return meanings[i].code;
    return FF_INTERNAL;
}

int file_fail(const struct file_blobs *b, int sys, const char *what, const char *doing,
              struct ff_err *err)
{
    return ff_fail(err, code_of(sys), sys, "%s in %.120s: %s: %s", what, b->dir, doing,
                   strerror(sys));
}

int file_fail_blob(const struct file_blobs *b, const struct ff_blob_id *id, int sys,
                   const char *doing, struct ff_err *err)
{
    char what[sizeof("blob /") + FF_BLOB_SPACE_MAX + 12];

    snprintf(what, sizeof(what), "blob %s/%.12s", id->space, id->hash);
    return file_fail(b, sys, what, doing, err);
}

int file_not_found(const struct ff_blob_id *id, struct ff_err *err)
{
    return ff_fail(err, FF_NOT_FOUND, 0, "there is no blob %s/%.12s", id->space,
                   id->hash);
}
