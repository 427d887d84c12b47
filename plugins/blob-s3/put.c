/* blob-s3/put.c - keeping: one request for what fits into one piece, which has been
 * hashed before any of it is sent; larger contents go in parts. */
#include "s3.h"

#include <stdlib.h>
#include <string.h>

int s3_put_read(struct s3_put *p, uint64_t at, char *to, size_t len, SHA2_CTX *ctx)
{
    if (len > 0 && p->read(p->arg, at, to, len) != 0)
        return ff_fail(p->err, FF_INVALID, 0,
                       "blob %s/%.12s: its content cannot be read", p->id->space,
                       p->id->hash);
    SHA256Update(ctx, (const uint8_t *)to, len);
    return FF_OK;
}

int s3_put_check(struct s3_put *p, SHA2_CTX *ctx)
{
    char seen[S3_HASH_TEXT];

    SHA256End(ctx, seen);
    if (strcmp(seen, p->id->hash) == 0)
        return FF_OK;
    return ff_fail(p->err, FF_INVALID, 0,
                   "blob %s/%.12s: its content has another hash, %.12s", p->id->space,
                   p->id->hash, seen);
}

static int send_whole(struct s3_put *p, const char *bytes)
{
    struct s3_request r = {
        .method = "PUT", .name = p->name, .body = bytes, .len = (size_t)p->size_bytes};
    const int code = s3_do(p->s, &r, p->what, p->err);

    s3_request_done(&r);
    return code;
}

static int put_whole(struct s3_put *p)
{
    const size_t len = (size_t)p->size_bytes;
    char *bytes = malloc(len + 1);
    SHA2_CTX ctx;
    int code;

    if (!bytes)
        return ff_fail(p->err, FF_NO_MEMORY, 0, "%s: out of memory for its content",
                       p->what);
    SHA256Init(&ctx);
    code = s3_put_read(p, 0, bytes, len, &ctx);
    if (code == FF_OK)
        code = s3_put_check(p, &ctx);
    if (code == FF_OK)
        code = send_whole(p, bytes);
    free(bytes);
    return code;
}

/* One that is not a good hour old counts as put now: see FF_BLOB_RENEW_US. Servers
 * check what they keep, so it is not read again. */
static bool is_fresh(const struct s3_put *p, const struct s3_objects *found,
                     int64_t now_us)
{
    const struct s3_object *newest = found->n > 0 ? &found->items[found->n - 1] : NULL;

    return newest && newest->size_bytes == p->size_bytes && newest->put_us <= now_us &&
           now_us - newest->put_us < FF_BLOB_RENEW_US - INT64_C(60000000);
}

/* They stand for the same content; what cannot be deleted goes with the blob. */
static void delete_older(struct s3_put *p, const struct s3_objects *found,
                         int64_t now_us)
{
    char name[S3_NAME_MAX];
    struct ff_err ignored;

    for (size_t i = 0; i < found->n && found->items[i].put_us < now_us; i++) {
        s3_name(p->s, p->id, found->items[i].put_us, name);
        s3_delete(p->s, name, true, p->what, &ignored);
    }
}

int s3_put(void *blob, const struct ff_blob_id *id, uint64_t size_bytes,
           ff_blob_read_fn *read, void *arg, struct ff_err *err)
{
    struct s3 *s = blob;
    struct ff_err local;
    struct s3_put p = {.s = s,
                       .id = id,
                       .size_bytes = size_bytes,
                       .read = read,
                       .arg = arg,
                       .err = err ? err : &local};
    struct s3_objects found = {0};
    const int64_t now_us = s->host->now_us(s->host->self);
    int code = s3_check_id(id, p.err);

    if (code != FF_OK)
        return code;
    s3_what("putting", id, p.what);
    s3_name(s, id, now_us, p.name);
    code = s3_find(s, id, &found, p.what, p.err);
    if (code == FF_OK && !is_fresh(&p, &found, now_us)) {
        code = size_bytes <= s->part_bytes ? put_whole(&p) : s3_put_parts(&p);
        if (code == FF_NOT_FOUND) /* the bucket went, or the upload */
            code = p.err->code = FF_UNAVAILABLE;
        if (code == FF_OK)
            delete_older(&p, &found, now_us);
    }
    s3_objects_done(&found);
    return code;
}
