/* blob-s3/names.c - names of blobs and of the objects that they are. */
#include "s3.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME_DIGITS 20

bool s3_is_space(const char *space)
{
    const size_t len = strnlen(space, FF_BLOB_SPACE_MAX + 1);

    return len > 0 && len <= FF_BLOB_SPACE_MAX &&
           strspn(space, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

/* What is not a name is not repeated: it may hold anything. */
int s3_check_id(const struct ff_blob_id *id, struct ff_err *err)
{
    if (!id || !id->space || !s3_is_space(id->space))
        return ff_fail(err, FF_INVALID, 0,
                       "the space of a blob is not 1 to %d of a-z, 0-9 and '_'",
                       FF_BLOB_SPACE_MAX);
    if (!id->hash || strnlen(id->hash, S3_HASH_TEXT) != FF_BLOB_HASH_LEN ||
        strspn(id->hash, "0123456789abcdef") != FF_BLOB_HASH_LEN)
        return ff_fail(err, FF_INVALID, 0,
                       "the hash of a blob is not %d of 0-9 and a-f", FF_BLOB_HASH_LEN);
    return FF_OK;
}

void s3_name(const struct s3 *s, const struct ff_blob_id *id, int64_t put_us,
             char out[S3_NAME_MAX])
{
    snprintf(out, S3_NAME_MAX, "%s%s/%s.%0*lld", s->prefix, id->space, id->hash,
             TIME_DIGITS, (long long)put_us);
}

bool s3_parse_name(const struct s3 *s, const char *name, struct s3_object *o)
{
    const size_t n_prefix = strlen(s->prefix);

    if (strncmp(name, s->prefix, n_prefix) != 0)
        return false;
    name += n_prefix;

    const char *slash = strchr(name, '/');
    const size_t n_space = slash ? (size_t)(slash - name) : 0;

    if (n_space == 0 || n_space > FF_BLOB_SPACE_MAX)
        return false;
    memcpy(o->space, name, n_space);
    o->space[n_space] = '\0';

    const char *hash = slash + 1;

    if (!s3_is_space(o->space) ||
        strspn(hash, "0123456789abcdef") != FF_BLOB_HASH_LEN ||
        hash[FF_BLOB_HASH_LEN] != '.')
        return false;
    memcpy(o->hash, hash, FF_BLOB_HASH_LEN);
    o->hash[FF_BLOB_HASH_LEN] = '\0';

    const char *time = hash + FF_BLOB_HASH_LEN + 1;

    if (strspn(time, "0123456789") != TIME_DIGITS || time[TIME_DIGITS])
        return false;
    errno = 0;
    o->put_us = strtoll(time, NULL, 10);
    return errno == 0; /* no time of ours: its name could not be written again */
}

void s3_what(const char *doing, const struct ff_blob_id *id, char out[160])
{
    snprintf(out, 160, "%s blob %s/%.12s", doing, id->space, id->hash);
}
