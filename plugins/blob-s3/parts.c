/* blob-s3/parts.c - a content that does not fit into one piece: an upload in parts,
 * which is an object only when it is completed, and that only when the hash is right.
 */
#include "../shared/failpoint.h"
#include "s3.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 10000 /* of one upload, by the rules of S3 */

struct parts {
    struct s3_put *p;
    char *bytes; /* of one part */
    size_t part_bytes;
    char id[1100];        /* of the upload, quoted */
    struct s3_text parts; /* what completes it */
};

static int begin(struct parts *u)
{
    struct s3_put *p = u->p;
    struct s3_request r = {.method = "POST", .name = p->name, .query = "uploads="};
    struct s3_text quoted = {0};
    char id[1024];
    int code = s3_do(p->s, &r, p->what, p->err);

    if (code == FF_OK) {
        s3_element(r.answer.s ? r.answer.s : "", r.answer.len, "UploadId", id,
                   sizeof(id));
        s3_text_quote(&quoted, id);
        if (!id[0] || quoted.failed || quoted.len >= sizeof(u->id))
            code = ff_fail(p->err, FF_UNAVAILABLE, 0,
                           "%s at %.80s: the upload was given no id", p->what,
                           p->s->where);
        else
            memcpy(u->id, quoted.s, quoted.len + 1);
    }
    s3_text_done(&quoted);
    s3_request_done(&r);
    return code;
}

static int send_part(struct parts *u, int number, size_t len)
{
    struct s3_put *p = u->p;
    struct s3_text query = {0};
    int code = FF_NO_MEMORY;

    s3_text_printf(&query, "partNumber=%d&uploadId=%s", number, u->id);
    struct s3_request r = {.method = "PUT",
                           .name = p->name,
                           .query = query.s,
                           .body = u->bytes,
                           .len = len};
    if (!query.failed)
        code = s3_do(p->s, &r, p->what, p->err);
    if (code == FF_OK)
        s3_text_printf(&u->parts,
                       "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>",
                       number, r.etag);
    s3_request_done(&r);
    s3_text_done(&query);
    FAILPOINT("blob.s3.part");
    return code;
}

static int send_parts(struct parts *u)
{
    struct s3_put *p = u->p;
    SHA2_CTX ctx;
    int number = 1;

    SHA256Init(&ctx);
    for (uint64_t at = 0; at < p->size_bytes; number++) {
        const uint64_t left = p->size_bytes - at;
        const size_t len = left < u->part_bytes ? (size_t)left : u->part_bytes;
        int code = s3_put_read(p, at, u->bytes, len, &ctx);
        if (code == FF_OK)
            code = send_part(u, number, len);
        if (code != FF_OK)
            return code;
        at += len;
    }
    return s3_put_check(p, &ctx);
}

/* An answer may be lost after the upload is completed: then it is not found the next
 * time, but the object is. */
static int look_again(struct s3_put *p)
{
    struct s3_objects found = {0};
    char name[S3_NAME_MAX];
    int code = s3_find(p->s, p->id, &found, p->what, p->err);

    if (code == FF_OK) {
        code = FF_NOT_FOUND;
        for (size_t i = 0; i < found.n; i++) {
            s3_name(p->s, p->id, found.items[i].put_us, name);
            if (strcmp(name, p->name) == 0)
                code = FF_OK;
        }
        if (code != FF_OK)
            ff_fail(p->err, code, 0, "%s at %.80s: the upload is gone", p->what,
                    p->s->where);
    }
    s3_objects_done(&found);
    return code;
}

static int complete(struct parts *u)
{
    struct s3_put *p = u->p;
    struct s3_text query = {0};
    struct s3_text body = {0};
    int code = FF_NO_MEMORY;

    s3_text_printf(&query, "uploadId=%s", u->id);
    s3_text_printf(&body, "<CompleteMultipartUpload>%s</CompleteMultipartUpload>",
                   u->parts.s ? u->parts.s : "");
    struct s3_request r = {.method = "POST",
                           .name = p->name,
                           .query = query.s,
                           .body = body.s,
                           .len = body.len};
    FAILPOINT("blob.s3.complete");
    if (!query.failed && !body.failed && !u->parts.failed)
        code = s3_do(p->s, &r, p->what, p->err);
    s3_request_done(&r);
    s3_text_done(&query);
    s3_text_done(&body);
    return code == FF_NOT_FOUND ? look_again(p) : code;
}

/* Best effort: tidy() finds what stays. */
static void give_up(struct parts *u)
{
    struct s3_text query = {0};
    struct ff_err ignored;

    s3_text_printf(&query, "uploadId=%s", u->id);
    struct s3_request r = {
        .method = "DELETE", .name = u->p->name, .query = query.s, .once = true};
    if (!query.failed)
        s3_do(u->p->s, &r, u->p->what, &ignored);
    s3_request_done(&r);
    s3_text_done(&query);
}

int s3_put_parts(struct s3_put *p)
{
    const size_t least = (size_t)(p->size_bytes / PARTS_MAX) + 1;
    struct parts u = {.p = p, .part_bytes = p->s->part_bytes};
    int code;

    if (u.part_bytes < least)
        u.part_bytes = least;
    u.bytes = malloc(u.part_bytes);
    if (!u.bytes)
        return ff_fail(p->err, FF_NO_MEMORY, 0, "%s: out of memory for a part",
                       p->what);
    code = begin(&u);
    if (code == FF_OK) {
        code = send_parts(&u);
        if (code == FF_OK)
            code = complete(&u);
        if (code != FF_OK)
            give_up(&u);
    }
    if (code == FF_NO_MEMORY)
        ff_fail(p->err, code, 0, "%s: out of memory", p->what);
    s3_text_done(&u.parts);
    free(u.bytes);
    return code;
}
