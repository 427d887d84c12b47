/* blob-s3/get.c - reading: the newest object of the hash, checked as it comes. What is
 * cut short is asked for again from there on. */
#include "s3.h"

#include <string.h>

#define TRIES 5 /* to find one that another put does not delete meanwhile */

struct getting {
    SHA2_CTX ctx;
    ff_blob_bytes_fn *fn;
    void *arg;
};

static bool take(void *arg, const void *bytes, size_t len)
{
    struct getting *g = arg;

    SHA256Update(&g->ctx, bytes, len);
    return g->fn(g->arg, bytes, len) == 0;
}

static int get_newest(struct s3 *s, const struct ff_blob_id *id, struct getting *g,
                      const char *what, bool *came, struct ff_err *err)
{
    struct s3_objects found = {0};
    char name[S3_NAME_MAX];
    int code = s3_find(s, id, &found, what, err);

    if (code == FF_OK && found.n == 0) {
        *came = true; /* no use in another try */
        code = ff_fail(err, FF_NOT_FOUND, 0, "there is no blob %s/%.12s", id->space,
                       id->hash);
    }
    if (code == FF_OK) {
        struct s3_request r = {.method = "GET", .name = name, .take = take, .arg = g};
        s3_name(s, id, found.items[found.n - 1].put_us, name);
        code = s3_do(s, &r, what, err);
        s3_request_done(&r);
    }
    s3_objects_done(&found);
    return code;
}

int s3_get(void *blob, const struct ff_blob_id *id, ff_blob_bytes_fn *fn, void *arg,
           struct ff_err *err)
{
    struct getting g = {.fn = fn, .arg = arg};
    char seen[S3_HASH_TEXT];
    char what[160];
    bool came = false;
    int code = s3_check_id(id, err);

    if (code != FF_OK)
        return code;
    SHA256Init(&g.ctx);
    s3_what("getting", id, what);
    /* An object that is not there any more gave no bytes. */
    for (int i = 0; i < TRIES && !came; i++) {
        code = get_newest(blob, id, &g, what, &came, err);
        came = came || code != FF_NOT_FOUND;
    }
    if (code != FF_OK)
        return code;
    SHA256End(&g.ctx, seen);
    if (strcmp(seen, id->hash) != 0)
        return ff_fail(err, FF_CORRUPT, 0,
                       "blob %s/%.12s at %.100s: its content is not what was put",
                       id->space, id->hash, ((struct s3 *)blob)->where);
    return FF_OK;
}
